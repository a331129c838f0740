"""Find for Deleted: one task for each mapping that looks for coupled records that were deleted."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.access import Caller
from shared.core.jobs import RunKind
from shared.core.mapping import Mapping
from shared.services.context import Services
from shared.services.forms.base import JobReference
from shared.services.forms.errors import FindDeletedAnswer
from shared.services.job_groups import group_jobs
from shared.services.mapping_settings import mapping_named
from shared.services.tasks.error_kinds import FIND_DELETED, FindDeletedTask
from shared.services.tasks.request import request_task


async def find_deleted(services: Services, name: str | None, caller: Caller) -> FindDeletedAnswer:
    """Look through one mapping, or all that are enabled. Raises Problem (404, 429)."""
    if name is not None:
        mappings: Sequence[Mapping] = [(await mapping_named(services, name)).mapping]
    else:
        mappings = [stored.mapping for stored in await services.mappings.all() if stored.mapping.enabled]
    runs = [
        await request_task(
            services, mapping, RunKind.FIND_DELETED, FIND_DELETED, FindDeletedTask(), requested_by=caller.label
        )
        for mapping in mappings
    ]
    jobs = tuple(JobReference(id=next(iter(run.jobs.values())), mapping=run.mapping) for run in runs)
    request = await group_jobs(services, (job.id for job in jobs))
    return FindDeletedAnswer(id=request.id, jobs=jobs)
