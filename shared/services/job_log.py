"""Looking things up in the job log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.jobs import Counters, Job, JobStatus, JobType, Trigger, job_key
from shared.core.retention import is_idle
from shared.core.sides import Direction
from shared.services.context import Services
from shared.services.mapping_settings import mapping_named
from shared.services.problems import Problem

PAGE = 500
MOST_PAGES = 20  # looked through for one answer; the next one goes on


@dataclass(frozen=True, slots=True)
class JobsWanted:
    """Which jobs, where something is given: those asked for from `since` on and before `until`.

    `requested_by` is a part of a name, in any case. With `failures` only jobs that failed or could not bring a record
    in step; without `idle` only those that have something to tell.
    """

    mapping: str | None = None
    status: JobStatus | None = None
    type: JobType | None = None
    direction: Direction | None = None
    trigger: Trigger | None = None
    requested_by: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    failures: bool = False
    idle: bool = True

    def are(self, job: Job) -> bool:
        """Whether a job is one of them."""
        wishes = (
            (self.mapping, job.mapping),
            (self.status, job.status),
            (self.type, job.type),
            (self.direction, job.direction),
            (self.trigger, job.trigger),
        )
        return (
            all(wanted in (None, actual) for wanted, actual in wishes)
            and (self.requested_by or "").casefold() in job.requested_by.casefold()
            and (self.since is None or job.requested_at >= self.since)
            and (self.until is None or job.requested_at < self.until)
            and (not self.failures or job.status is JobStatus.FAILED or job.counters.failed > 0)
            and (self.idle or not job.status.ended or not is_idle(job))
        )


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


async def jobs_page(services: Services, wanted: JobsWanted, *, after: str | None, limit: int) -> JobsPage:
    """A page of the job log; one that is not full may have a continuation, too. Raises Problem (404)."""
    if wanted.mapping is not None:
        wanted = replace(wanted, mapping=(await mapping_named(services, wanted.mapping)).mapping.name)
    if wanted.until is not None:
        after = max(after or "", job_key(wanted.until, ""))
    last = job_key(wanted.since, "~") if wanted.since is not None else "~"
    found: list[Job] = []
    for _ in range(MOST_PAGES):
        page, after = await services.jobs.page(after, PAGE)
        for job in page:
            if job.id > last:
                return JobsPage(found, None)
            if wanted.are(job):
                found.append(job)
                if len(found) == limit:
                    return JobsPage(found, job.id)
        if after is None:
            break
    return JobsPage(found, after)


async def request_or_job(services: Services, one: str) -> RequestStatus | Job:
    """A request or a job by its id. Raises Problem (404)."""
    request = await services.jobs.request(one)
    if request is not None:
        return RequestStatus(request.id, request.requested_at, await services.jobs.get_many(list(request.jobs)))
    return await job_named(services, one)


async def job_named(services: Services, one: str) -> Job:
    """A job by its id. Raises Problem (404)."""
    job = await services.jobs.get(one)
    if job is None:
        raise Problem(404, "unknown_job", f"There is no job {one}.")
    return job
