"""The jobs of a run as the job log shows them: they follow the run, whose checkpoints hold counters and ending."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.jobs import Counters, Job, JobStatus
from shared.core.sides import Direction, Side, direction_from
from shared.services.context import Services
from shared.services.repositories.runs import Run


async def follow_run(services: Services, run: Run, versions: dict[str, str] | None = None) -> None:
    """Bring the run's jobs up to it, those included that a host had no time to make. An ended job stays as it is.

    `versions` are those of jobs that were stored before; they are brought up to date.
    """
    sources: dict[str, list[Side]] = {}
    for source, job_id in run.jobs.items():
        sources.setdefault(job_id, []).append(source)
    await services.jobs.save([_job(run, job_id, of) for job_id, of in sources.items()], versions)


def _job(run: Run, job_id: str, sources: Sequence[Side]) -> Job:
    """A job of one source side, or of both."""
    counters, messages = Counters(), dict[str, int]()
    for source in sources:
        counters.add(run.counters.get(source, Counters()))
        for sentence, times in run.messages.get(source, {}).items():
            messages[sentence] = messages.get(sentence, 0) + times
    job = Job(
        id=job_id,
        run=run.id,
        mapping=run.mapping,
        direction=direction_from(sources[0]) if len(sources) == 1 else Direction.BIDIRECTIONAL,
        type=run.kind.type,
        trigger=run.trigger,
        requested_at=run.requested_at,
        started_at=run.started_at,
        counters=counters,
        slices=run.pages,
        message=run.note,
        messages=messages,
        requested_by=run.requested_by,
    )
    if run.ending is not None:
        job.status, job.finished_at, job.message = run.ending.status, run.ending.at, run.ending.message
    elif run.started_at is not None:
        job.status = JobStatus.RUNNING
    return job
