"""One slice of one run: read what changed on both sides, plan, write, remember; then the next slice or the end.

A slice is one queue message. It works page by page until both feeds are read or its time is up, and stores a checkpoint
after each page, when every record of that page has its outcome: a watermark never moves past a record that has none.
Killing the process anywhere and delivering the message again ends in the same state.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping as Document
from dataclasses import asdict
from datetime import timedelta

from shared.core.failures import Passing, SyncFailure
from shared.core.jobs import JobStatus
from shared.core.mapping import Mapping
from shared.core.schedule import next_due
from shared.core.sides import Side
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.feeds import read_page
from shared.services.page import synchronize_page
from shared.services.pass_context import Slice
from shared.services.repositories.runs import MappingState, Run
from shared.services.requests import MOST_SETBACKS, send_slice

log = logging.getLogger(__name__)
PARENTS_PAUSE = timedelta(seconds=0.5)
LONGEST_WAIT_FOR_PARENTS = timedelta(minutes=10)


async def run_slice(services: Services, message: Document[str, object]) -> None:
    """Do what a queue message asks for. A message whose slice was done already is a duplicate and does nothing."""
    mapping_name, run_id, slice_number = str(message["mapping"]), str(message["run"]), message["slice"]
    stored = await services.mappings.get(mapping_name)
    runs = services.runs(mapping_name)
    state, run = await runs.state(), await runs.get(run_id)
    if stored is None or run is None or run.ended or run.slice != slice_number:
        log.info("nothing to do for run %s of %s: done already", run_id, mapping_name)
        if run is not None and not run.ended:
            await send_slice(services, run)  # the slice was done, but was its successor's message sent?
        return
    if await _parents_are_at_work(services, stored.mapping, run):
        await _put_off(services, state, run, PARENTS_PAUSE)
        return
    work = await _begin(services, stored.mapping, state, run)
    try:
        finished = await _work_off(work)
    except Passing as failure:
        await _put_off_or_fail(work, failure)
    except SyncFailure as failure:
        await _end(work, JobStatus.FAILED, str(failure))
    except StateConflict:
        log.warning("run %s of %s met another run's changes; it is left to that one", run_id, mapping_name)
    else:
        if finished:
            await _end(work, JobStatus.SUCCEEDED, "")
        else:
            run.slice += 1
            await _store(work)
            await send_slice(services, run)


async def _parents_are_at_work(services: Services, mapping: Mapping, run: Run) -> bool:
    """Whether a parent's run that was asked for no later is still on: children wait for it, within reason."""
    if services.clock.now() - run.requested_at > LONGEST_WAIT_FOR_PARENTS:
        return False
    for parent in mapping.depends_on:
        state = await services.runs(parent).state()
        for run_id in (state.active, state.queued):
            other = await services.runs(parent).get(run_id) if run_id else None
            if other is not None and not other.ended and other.requested_at <= run.requested_at:
                return True
    return False


async def _begin(services: Services, mapping: Mapping, state: MappingState, run: Run) -> Slice:
    now = services.clock.now()
    jobs = {job.id: job for job in await services.jobs.get_many(list(run.jobs.values()))}
    by_source = {source: jobs[job_id] for source, job_id in run.jobs.items()}
    for job in by_source.values():
        job.status, job.started_at = JobStatus.RUNNING, job.started_at or now
    couplings = services.couplings(mapping.name, state.coupled)
    work = Slice(services, mapping, services.tables_of(mapping), couplings, run, by_source, state)
    work.items = await services.work_items(mapping.name).all()
    signature = _signature(work)
    if state.signature != signature:
        # Other columns, filters or rules: what was passed by under the old ones must be looked at again.
        state.sweep_dataverse = bool(state.signature)  # the deletions that the old position would have told
        state.signature, state.positions = signature, {}
    overtaken = await _overtaken(services, state, run)
    state.active, state.last_started_at = run.id, state.last_started_at if run.slice else now
    state.queued = None if state.queued == run.id else state.queued
    run.touched_at = now
    await services.runs(mapping.name).save(state, [run, *overtaken])
    await services.jobs.save(list(by_source.values()))
    return work


async def _overtaken(services: Services, state: MappingState, run: Run) -> list[Run]:
    """A run whose message got lost for good (dead-lettered) ends when the next one starts; its jobs say so."""
    if state.active in (None, run.id):
        return []
    lost = await services.runs(run.mapping).get(str(state.active))
    if lost is None or lost.ended:
        return []
    lost.ended = True
    jobs = await services.jobs.get_many(list(lost.jobs.values()))
    for job in jobs:
        job.status, job.finished_at = JobStatus.FAILED, services.clock.now()
        job.message = "The run stopped before its end; the next run went on from its checkpoint."
    await services.jobs.save(jobs)
    return [lost]


def _signature(work: Slice) -> str:
    """What the feeds' positions depend on: a change of it makes the feeds start over."""
    mapping = work.mapping
    parts = [
        *(f"{side}:{mapping.table(side).table}:{mapping.table(side).filter}:{work.columns(side)}" for side in Side),
        mapping.direction,
        mapping.synch_only_coupled_records,
        mapping.update_conflict_resolution,
        mapping.deletion_conflict_resolution,
        mapping.when_outside_filter,
        mapping.block_when_inactive,
        [(line.caption, sorted(line.reference.options.items())) for line in mapping.fields if line.reference],
    ]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


async def _work_off(work: Slice) -> bool:
    """Page after page until both feeds are read (True) or the slice's time is up (False)."""
    deadline = work.services.clock.now() + work.services.policy.slice_time
    while True:
        observed, reached = await read_page(work)
        await synchronize_page(work, observed, reached)
        work.state = reached
        for job in work.jobs.values():
            job.slices += 1
        await work.services.jobs.save(list(work.jobs.values()))
        await _store(work)
        if len(work.run.finished_feeds) == len(Side):
            return True
        if work.services.clock.now() >= deadline:
            return False


async def _store(work: Slice) -> None:
    """The checkpoint. A request that came in meanwhile only queued a run; another active run is a conflict."""
    runs, state = work.services.runs(work.mapping.name), work.state
    work.run.touched_at = work.services.clock.now()
    try:
        await runs.save(state, [work.run])
    except StateConflict:
        fresh = await runs.state()
        if fresh.active != work.run.id:
            raise
        state.etag, state.queued, state.guard_released = fresh.etag, fresh.queued, fresh.guard_released
        await runs.save(state, [work.run])


async def _put_off(services: Services, state: MappingState, run: Run, delay: timedelta) -> None:
    """Send the same slice again, for later."""
    run.delays += 1
    run.touched_at = services.clock.now() + delay
    await services.runs(run.mapping).save(state, [run])
    await send_slice(services, run, delay=delay)


async def _put_off_or_fail(work: Slice, failure: Passing) -> None:
    """A busy service: wait as long as it says and go on from the checkpoint; after many times, say so and end."""
    if work.run.setbacks >= MOST_SETBACKS:
        await _end(work, JobStatus.FAILED, str(failure))
        return
    for job in work.jobs.values():
        job.message = f"Put off: {failure}"
    await work.services.jobs.save(list(work.jobs.values()))
    runs = work.services.runs(work.mapping.name)
    checkpoint = await runs.get(work.run.id) or work.run
    checkpoint.setbacks += 1
    await _put_off(work.services, await runs.state(), checkpoint, timedelta(seconds=failure.retry_after or 30))


async def _end(work: Slice, status: JobStatus, message: str) -> None:
    """The run is over: its jobs get their end, the mapping its next due time."""
    services, state, now = work.services, work.state, work.services.clock.now()
    interval = services.policy.interval
    if work.mapping.interval_minutes is not None:
        interval = timedelta(minutes=work.mapping.interval_minutes)
    for job in work.jobs.values():
        job.status, job.finished_at, job.message = status, now, message
    await services.jobs.save(list(work.jobs.values()))
    work.run.ended = True
    state.active = None
    if status is JobStatus.SUCCEEDED:
        state.guard_released = False
    state.last_finished_at, state.last_message = now, message
    state.next_due_at = next_due(work.run.requested_at, interval, now)
    await _store(work)
    if status is JobStatus.SUCCEEDED:
        log.info("run %s of %s ended: %s", work.run.id, work.mapping.name, _counted(work))
    else:
        log.error("run %s of %s failed: %s", work.run.id, work.mapping.name, message)


def _counted(work: Slice) -> str:
    """The counters that are not zero, for the log; never a record's values."""
    counts = [
        f"{job.direction} {name} {count}"
        for job in work.jobs.values()
        for name, count in asdict(job.counters).items()
        if count
    ]
    return ", ".join(counts) or "nothing to do"
