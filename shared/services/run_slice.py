"""One slice of one run: read what changed on both sides, plan, write, remember; then the next slice or the end.

A slice is one queue message. It works page by page until both feeds are read or its time is up, and stores a checkpoint
after each page, when every record of that page has its outcome: a watermark never moves past a record that has none.
Killing the process anywhere and delivering the message again ends in the same state.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Mapping as Document
from datetime import datetime, timedelta

from shared.core.actions import Hold
from shared.core.failures import FeedExpired, Passing, SyncFailure
from shared.core.jobs import JobStatus, Trigger
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.records import ChangePage
from shared.core.sides import Side
from shared.ports import StateConflict
from shared.services.apply import Settled, carry_out
from shared.services.context import Services
from shared.services.match import couple_matches
from shared.services.observe import Observed, pairs_of
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import forget, record_outcomes
from shared.services.recover import MAY_BE_OURS, may_be_the_missing_one, recover_creates
from shared.services.repositories.runs import MappingState, Run
from shared.services.requests import MOST_SETBACKS, send_slice

log = logging.getLogger(__name__)
PARENTS_PAUSE = timedelta(seconds=1)
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
        finished = await _work_off(work, state)
    except Passing as failure:
        await _put_off_or_fail(work, state, failure)
    except SyncFailure as failure:
        await _end(work, state, JobStatus.FAILED, str(failure))
    except StateConflict:
        log.warning("run %s of %s met another run's changes; it is left to that one", run_id, mapping_name)
    else:
        if finished:
            await _end(work, state, JobStatus.SUCCEEDED, "")
        else:
            run.slice += 1
            await _store(work, state)
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
    jobs = {job.direction: job for job in await services.jobs.get_many(list(run.jobs.values()))}
    by_source = {source: next(job for job in jobs.values() if job.id == job_id) for source, job_id in run.jobs.items()}
    for job in by_source.values():
        job.status, job.started_at = JobStatus.RUNNING, job.started_at or now
    couplings = services.couplings(mapping.name)
    work = Slice(services, mapping, services.tables_of(mapping), couplings, run, by_source)
    work.items = await services.work_items(mapping.name).all()
    signature = _signature(work)
    if state.signature != signature:
        # Other columns, filters or rules: what was passed by under the old ones must be looked at again.
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
    ]
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:16]


async def _work_off(work: Slice, state: MappingState) -> bool:
    """Page after page until both feeds are read (True) or the slice's time is up (False)."""
    deadline = work.services.clock.now() + work.services.policy.slice_time
    while True:
        observed, positions = await _observe(work, state)
        await _synchronize(work, state, observed)
        state.positions |= positions
        for job in work.jobs.values():
            job.slices += 1
        await work.services.jobs.save(list(work.jobs.values()))
        await _store(work, state)
        if len(work.run.finished_feeds) == len(Side):
            return True
        if work.services.clock.now() >= deadline:
            return False


async def _store(work: Slice, state: MappingState) -> None:
    """The checkpoint. A request that came in meanwhile only queued a run; another active run is a conflict."""
    runs = work.services.runs(work.mapping.name)
    work.run.touched_at = work.services.clock.now()
    try:
        await runs.save(state, [work.run])
    except StateConflict:
        fresh = await runs.state()
        if fresh.active != work.run.id:
            raise
        state.etag, state.queued = fresh.etag, fresh.queued
        await runs.save(state, [work.run])


async def _observe(work: Slice, state: MappingState) -> tuple[Observed, dict[Side, str | None]]:
    """The next page of each feed not read to its end, and once per run the records that are still to be done."""
    observed = Observed()
    positions: dict[Side, str | None] = {}
    open_feeds = [side for side in Side if side not in work.run.finished_feeds]
    pages = await asyncio.gather(*(_next_page(work, side, state) for side in open_feeds))
    for side, page in zip(open_feeds, pages, strict=True):
        observed.records[side] = {record.id: record for record in page.records}
        observed.deleted[side] = set(page.deleted)
        positions[side] = page.position
        if not page.more:
            work.run.finished_feeds.append(side)
    if not work.run.retried:
        await _take_along_open_items(work, observed)
        work.run.retried = True
    return observed, positions


async def _next_page(work: Slice, side: Side, state: MappingState) -> ChangePage:
    rows, size = work.services.rows(side), work.services.policy.page_size
    try:
        return await rows.changes(work.tables[side], work.columns(side), state.positions.get(side), size)
    except FeedExpired:
        # Everything is compared again; what is equal is not rewritten.
        log.warning("the feed of %s in %s starts over", work.mapping.name, side.product)
        return await rows.changes(work.tables[side], work.columns(side), None, size)


async def _take_along_open_items(work: Slice, observed: Observed) -> None:
    """Read the records of due work items, both sides, as if they had moved."""
    due = [item for item in work.items.values() if await _is_due(work, item.next_at, item.last_at, item.waits_for)]
    for side in Side:
        ids = {i.business_central_id if side is Side.BUSINESS_CENTRAL else i.dataverse_id for i in due} - {None}
        wanted = sorted(str(one) for one in ids if one not in observed.ids(side))
        found = await work.services.rows(side).read(work.tables[side], work.columns(side), wanted) if wanted else {}
        observed.records[side] |= found
        observed.deleted[side] |= set(wanted) - found.keys()


async def _is_due(work: Slice, next_at: datetime, last_at: datetime, waits_for: tuple[str, ...]) -> bool:
    if work.run.trigger is Trigger.PERSON or next_at <= work.services.clock.now():
        return True
    for parent in waits_for:
        coupled_at = (await work.services.runs(parent).state()).last_coupled_at
        if coupled_at is not None and coupled_at >= last_at:
            return True
    return False


async def _synchronize(work: Slice, state: MappingState, observed: Observed) -> None:
    """Plan and do everything for one page."""
    doubt = await recover_creates(work)
    pairs = await pairs_of(work, observed)
    doubtful = [pair for pair in pairs if may_be_the_missing_one(pair, doubt)]
    pairs, several = await couple_matches(work, [pair for pair in pairs if pair not in doubtful])
    undecided = [pair for pair in pairs if _several(pair, several)]
    settled = await carry_out(work, [pair for pair in pairs if not _several(pair, several)])
    settled += [_held_by_several(pair, several) for pair in undecided]
    settled += [_held_as(pair, Reason.SERVICE_BUSY, MAY_BE_OURS) for pair in doubtful]
    await record_outcomes(work, settled)
    known = {one.pair.id_at(side) for one in settled for side in Side}
    await forget(work, (f"{side}|{one}" for side in Side for one in observed.deleted[side] if one not in known))
    if any(one.outcome and (one.outcome.created or one.outcome.coupled) for one in settled):
        state.last_coupled_at = work.services.clock.now()


def _several(pair: Pair, several: dict[str, list[str]]) -> list[str]:
    if pair.coupling is not None:
        return []
    return next((several[one] for side in Side if (one := pair.id_at(side)) in several), [])


def _held_by_several(pair: Pair, several: dict[str, list[str]]) -> Settled:
    source = next(side for side in Side if pair.present(side))
    ids = ", ".join(_several(pair, several)[:5])
    message = f"{Reason.SEVERAL_MATCHES.sentence} Candidates in {source.other.product}: {ids}."
    return _held_as(pair, Reason.SEVERAL_MATCHES, message)


def _held_as(pair: Pair, reason: Reason, message: str) -> Settled:
    one = Settled(pair)
    one.action = Hold(reason, message, next(side for side in Side if pair.present(side)))
    one.finish(held=one.action)
    return one


async def _put_off(services: Services, state: MappingState, run: Run, delay: timedelta) -> None:
    """Send the same slice again, for later."""
    run.delays += 1
    run.touched_at = services.clock.now() + delay
    await services.runs(run.mapping).save(state, [run])
    await send_slice(services, run, delay=delay)


async def _put_off_or_fail(work: Slice, state: MappingState, failure: Passing) -> None:
    """A busy service: wait as long as it says and go on from the checkpoint; after many times, say so and end."""
    if work.run.setbacks >= MOST_SETBACKS:
        await _end(work, state, JobStatus.FAILED, str(failure))
        return
    for job in work.jobs.values():
        job.message = f"Put off: {failure}"
    await work.services.jobs.save(list(work.jobs.values()))
    runs = work.services.runs(work.mapping.name)
    checkpoint = await runs.get(work.run.id) or work.run
    checkpoint.setbacks += 1
    await _put_off(work.services, await runs.state(), checkpoint, timedelta(seconds=failure.retry_after or 30))


async def _end(work: Slice, state: MappingState, status: JobStatus, message: str) -> None:
    """The run is over: its jobs get their end, the mapping its next due time."""
    services, now = work.services, work.services.clock.now()
    interval = services.policy.interval
    if work.mapping.interval_minutes is not None:
        interval = timedelta(minutes=work.mapping.interval_minutes)
    for job in work.jobs.values():
        job.status, job.finished_at, job.message = status, now, message
    await services.jobs.save(list(work.jobs.values()))
    work.run.ended = True
    state.active = None
    state.last_finished_at, state.next_due_at, state.last_message = now, now + interval, message
    await _store(work, state)
    if status is JobStatus.FAILED:
        log.error("run %s of %s failed: %s", work.run.id, work.mapping.name, message)
