"""How long what has ended is kept, and what may go.

Source of the exception for what an error refers to: Integration Synch. Job (table 5338), "Delete entries older than":
jobs with failures stay as long as a skipped coupling refers to them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime, timedelta

from shared.core.jobs import Job, JobStatus, Trigger


@dataclass(frozen=True, slots=True)
class Retention:
    """`jobs`: requests, and jobs that changed something or that somebody asked for.

    `idle_jobs`: jobs that nobody asked for and that changed nothing, most of all there are, and runs, at which nobody
    looks.
    """

    jobs: timedelta = timedelta(days=30)
    idle_jobs: timedelta = timedelta(days=2)

    @property
    def shortest(self) -> timedelta:
        """What is younger than this is certainly kept."""
        return min(self.jobs, self.idle_jobs)

    def may_go(self, job: Job, now: datetime) -> bool:
        """Whether a job is old enough to go; one that has not ended never is."""
        short = job.trigger is not Trigger.PERSON and is_idle(job)
        return job.status.ended and now - job.requested_at > (self.idle_jobs if short else self.jobs)


def is_idle(job: Job) -> bool:
    """Whether a job has nothing to tell: it did not fail, and no record was changed, coupled or refused."""
    unchanging = ("unchanged", "skipped")
    if job.status is JobStatus.FAILED:
        return False
    return not any(getattr(job.counters, item.name) for item in fields(job.counters) if item.name not in unchanging)
