"""Looking things up in the job log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from shared.core.jobs import Counters, Job, JobStatus
from shared.services.context import Services
from shared.services.mapping_settings import mapping_named
from shared.services.problems import Problem

PAGE = 500


@dataclass(frozen=True, slots=True)
class JobsPage:
    """Jobs, the newest first, and what to hand in to get the next ones (None at the end)."""

    jobs: list[Job]
    continuation: str | None


@dataclass(frozen=True, slots=True)
class RequestStatus:
    """What became of a request: its jobs, their counters added up, and where it stands as a whole."""

    id: str
    requested_at: datetime
    jobs: list[Job]

    @property
    def status(self) -> JobStatus:
        """Failed as soon as one job has failed and all have ended; succeeded when all have."""
        states = {job.status for job in self.jobs}
        if not all(state.ended for state in states):
            return JobStatus.QUEUED if states == {JobStatus.QUEUED} else JobStatus.RUNNING
        return JobStatus.FAILED if JobStatus.FAILED in states else JobStatus.SUCCEEDED

    @property
    def counters(self) -> Counters:
        """All counters added up."""
        total = Counters()
        for job in self.jobs:
            total.add(job.counters)
        return total


async def jobs_page(
    services: Services, *, mapping: str | None, status: JobStatus | None, after: str | None, limit: int
) -> JobsPage:
    """A page of the job log, of one mapping or status if asked for. Raises Problem (404)."""
    if mapping is not None:
        mapping = (await mapping_named(services, mapping)).mapping.name
    found: list[Job] = []
    while True:
        page, after = await services.jobs.page(after, PAGE)
        for job in page:
            if mapping in (None, job.mapping) and status in (None, job.status):
                found.append(job)
                if len(found) == limit:
                    return JobsPage(found, job.id)
        if after is None:
            return JobsPage(found, None)


async def request_or_job(services: Services, one: str) -> RequestStatus | Job:
    """A request or a job by its id. Raises Problem (404)."""
    request = await services.jobs.request(one)
    if request is not None:
        return RequestStatus(request.id, request.requested_at, await services.jobs.get_many(list(request.jobs)))
    job = await services.jobs.get(one)
    if job is None:
        raise Problem(404, "unknown_job", f"There is no job {one}.")
    return job
