"""What somebody asks for at once is one request, however many jobs come of it."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.jobs import job_key
from shared.services.context import Services
from shared.services.repositories.jobs import Request


async def group_jobs(services: Services, jobs: Iterable[str]) -> Request:
    """Store the request that these jobs, each named once, came of."""
    now = services.clock.now()
    request = Request(job_key(now, services.ids.new()), tuple(dict.fromkeys(jobs)), now)
    await services.jobs.add_request(request)
    return request
