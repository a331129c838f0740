"""The jobs of a run as the job log shows them: they follow the run, whose checkpoints hold counters and ending."""

from __future__ import annotations

from shared.core.jobs import Counters, Job, JobStatus
from shared.core.sides import Side, direction_from
from shared.services.context import Services
from shared.services.repositories.runs import Run


async def follow_run(services: Services, run: Run) -> None:
    """Bring the run's jobs up to it, those included that a host had no time to make. An ended job stays as it is."""
    await services.jobs.save([_job(run, source) for source in run.jobs])


def _job(run: Run, source: Side) -> Job:
    job = Job(
        id=run.jobs[source],
        run=run.id,
        mapping=run.mapping,
        direction=direction_from(source),
        trigger=run.trigger,
        requested_at=run.requested_at,
        started_at=run.started_at,
        counters=run.counters.get(source, Counters()),
        slices=run.pages,
        message=run.note,
        messages=run.messages.get(source, {}),
        requested_by=run.requested_by,
    )
    if run.ending is not None:
        job.status, job.finished_at, job.message = run.ending.status, run.ending.at, run.ending.message
    elif run.started_at is not None:
        job.status = JobStatus.RUNNING
    return job
