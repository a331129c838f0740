"""The full synchronization review as people see it: each line with its recommendation, its jobs and their progress."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace

from shared.core.full_decision import winner_of
from shared.core.full_synchronization import (
    Counted,
    Line,
    LineStatus,
    Recommendation,
    Review,
    in_order,
    is_stuck,
    recommend,
    why_waiting,
)
from shared.core.jobs import Counters, JobStatus
from shared.core.mapping import Mapping
from shared.core.sides import Direction, Side, direction_from
from shared.services.context import Services
from shared.services.forms.full_synchronization import CountedAnswer, LineAnswer, LineJobAnswer, ReviewAnswer
from shared.services.full_counts import counted
from shared.services.full_synchronization import mappings_enabled, move_on, reviews
from shared.services.mapping_settings import mapping_named
from shared.services.pausing import is_paused
from shared.services.repositories.runs import Run

PAUSED = "The mapping is paused; this goes on when it is resumed."


async def review_of(services: Services) -> ReviewAnswer:
    """All lines, parents first. Lines that nobody has started are counted anew. Raises Passing, NeedsPerson."""
    await move_on(services)
    review, enabled = (await reviews(services).get()).value, await mappings_enabled(services)
    mappings = in_order([stored.mapping for stored in await services.mappings.all()])
    lines = await asyncio.gather(*(_line(services, mapping, review, enabled) for mapping in mappings))
    return ReviewAnswer(under_way=any(_goes_on(services, line, review, enabled) for line in lines), lines=tuple(lines))


async def line_of(services: Services, name: str) -> tuple[LineAnswer, bool]:
    """The line of one mapping, and whether it is on or will begin by itself. Raises Problem (404), Passing."""
    mapping = (await mapping_named(services, name)).mapping
    await move_on(services)
    review, enabled = (await reviews(services).get()).value, await mappings_enabled(services)
    line = await _line(services, mapping, review, enabled)
    return line, _goes_on(services, line, review, enabled)


def _goes_on(services: Services, line: LineAnswer, review: Review, enabled: dict[str, Mapping]) -> bool:
    if line.status is LineStatus.WAITING and line.mapping in enabled:
        return not is_stuck(enabled[line.mapping], review, enabled, services.clock.now())
    return line.status is LineStatus.IN_PROCESS and not line.abandoned


async def _line(services: Services, mapping: Mapping, review: Review, enabled: dict[str, Mapping]) -> LineAnswer:
    line, now = review.line(mapping.name), services.clock.now()
    takes_part = mapping.enabled and not line.excluded
    state = await services.runs(mapping.name).state()
    at_rest = not any(one.is_under_way for one in review.lines.values())
    if takes_part and (at_rest or line.status is LineStatus.NOT_STARTED):
        line = replace(line, counted=await counted(services, mapping))
    recommended = _recommendation(services, mapping, line, review, enabled) if takes_part else None
    waits = line.status is LineStatus.WAITING or recommended is Recommendation.DEPENDENCY_NOT_SATISFIED
    paused = PAUSED if line.is_under_way and is_paused(services, state) else ""
    run = await services.runs(mapping.name).get(line.run) if line.run else None
    return LineAnswer(
        mapping=mapping.name,
        direction=mapping.direction,
        enabled=mapping.enabled,
        excluded=line.excluded,
        depends_on=mapping.depends_on,
        wins=winner_of(mapping),
        recommendation=recommended,
        does=line.does if line.status is not LineStatus.NOT_STARTED else None,
        counted={side: _counted(found) for side, found in line.counted.items()},
        coupled=state.coupled,
        status=line.status,
        abandoned=line.is_abandoned(now),
        message=(why_waiting(mapping, review, enabled, now) if waits else "") or paused or line.message,
        requested_by=line.requested_by,
        started_at=line.started_at,
        finished_at=line.finished_at,
        run=line.run or None,
        pages=run.pages if run else 0,
        jobs=_jobs(run) if run else (),
        question=line.question,
    )


def _recommendation(
    services: Services, mapping: Mapping, line: Line, review: Review, enabled: dict[str, Mapping]
) -> Recommendation | None:
    """What to do first; a line whose parents have failed, or that nobody has started for it, has to wait for them."""
    waits = line.status is LineStatus.WAITING
    failed = any(review.line(name).status is LineStatus.ERROR for name in mapping.depends_on if name in enabled)
    idle = waits or (line.status is LineStatus.NOT_STARTED and failed)
    if idle and is_stuck(mapping, review, enabled, services.clock.now()):
        return Recommendation.DEPENDENCY_NOT_SATISFIED
    return recommend(mapping, line.counted) if line.counted else None


def _counted(found: Counted) -> CountedAnswer:
    return CountedAnswer(records=found.records, uncoupled=found.uncoupled, complete=found.complete)


def _jobs(run: Run) -> tuple[LineJobAnswer, ...]:
    """The jobs of a run with the counters of its last checkpoint; both sides may share one."""
    by_job: dict[str, list[Side]] = {}
    for source, job in run.jobs.items():
        by_job.setdefault(job, []).append(source)
    return tuple(_job(run, job, sources) for job, sources in by_job.items())


def _counters(run: Run, source: Side) -> Counters:
    """What counts in the end: that its own writes are told to a run which reads on does not."""
    so_far = run.counters.get(source, Counters())
    before = run.before_round.get(source)
    return replace(so_far, unchanged=before.unchanged, skipped=before.skipped) if before else so_far


def _job(run: Run, job: str, sources: list[Side]) -> LineJobAnswer:
    counters = Counters()
    for source in sources:
        counters.add(_counters(run, source))
    counts = asdict(counters)
    direction = direction_from(sources[0]) if len(sources) == 1 else Direction.BIDIRECTIONAL
    status = JobStatus.QUEUED if run.started_at is None else JobStatus.RUNNING
    return LineJobAnswer(
        id=job,
        direction=direction,
        status=run.ending.status if run.ending else status,
        done=sum(counts.values()),
        **{name: count for name, count in counts.items() if name in LineJobAnswer.model_fields},
    )
