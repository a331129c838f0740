"""One slice of one run: read what changed on both sides, plan, write, remember; then the next slice or the end.

A slice is one queue message. It works page by page until both feeds are read or its time is up, and stores a checkpoint
after each page, when every record of that page has its outcome: a watermark never moves past a record that has none.
Killing the process anywhere and delivering the message again ends in the same state. Of two that work on the same run,
because a lock ran out, the later takes over: the earlier one cannot announce anything more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping as Document
from dataclasses import asdict
from datetime import datetime, timedelta

from shared.core.failures import Passing, SyncFailure
from shared.core.jobs import JobStatus
from shared.core.mapping import Mapping
from shared.core.sides import direction_from
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.full_run import goes_on, take_up
from shared.services.journal import replay
from shared.services.ledger import Ledger, OvertakenError
from shared.services.pass_context import Slice
from shared.services.reading_ahead import ReadAhead
from shared.services.recover import recover_creates
from shared.services.references import ReferenceMemory
from shared.services.releasing import work_off_and_release
from shared.services.repositories.runs import Ending, Run
from shared.services.requests import MOST_SETBACKS, put_off, send_again, send_slice
from shared.services.run_record import follow_run
from shared.services.scheduling import look_for_deletions, schedule_next
from shared.services.signature import signature_of
from shared.services.taking_over import claim, find, others_are_at_work
from shared.services.tasks.frame import work_off_task
from shared.services.turns import Turns

log = logging.getLogger(__name__)
PAUSE = timedelta(seconds=0.5)  # until others are done; twice as long each time
LONGEST_PAUSE = timedelta(seconds=30)
FIRST_SETBACK, LONGEST_SETBACK = 5.0, 300.0  # seconds; a setback waits twice as long as the one before
AFTER_A_RACE = 2.0  # seconds until a slice is tried again whose couplings somebody else has changed


async def run_slice(services: Services, message: Document[str, object]) -> None:
    """Do what a queue message asks for. A message whose slice was done already is a duplicate and does nothing.

    When not even the setback can be written down, because the storage is away, the same message is sent for later:
    redelivery at once would only use up its deliveries.
    """
    try:
        if "removal" in message:
            from shared.services.removing_mappings import remove_slice  # mappings are seldom removed

            await remove_slice(services, message)
        else:
            await _run_slice(services, message)
    except Passing as failure:
        log.warning("the slice %s of run %s comes again later: %s", message["slice"], message["run"], failure)
        await send_again(services, message)


async def _run_slice(services: Services, message: Document[str, object]) -> None:
    mapping_name, run_id = str(message["mapping"]), str(message["run"])
    found = await find(services, mapping_name, run_id)
    stored, run = found.stored, found.run
    if stored is None or run is None or run.ended or not _is_next(run, message):
        await _done_already(services, mapping_name, run_id, run)
        return
    if await others_are_at_work(services, stored.mapping, found, run):
        await put_off(services, run, min(PAUSE * 2 ** min(run.delays, 10), LONGEST_PAUSE))
        return
    ahead = ReadAhead()
    try:
        ahead.begin(services, stored.mapping, found.state, run)
        ledger = await claim(services, found, run)
        if ledger is not None and ledger.state is not found.state:
            await ahead.end()  # whoever had the mapping may have changed what was read
        if ledger is not None:
            await _work_on(services, stored.mapping, ledger, ahead)
    finally:
        await ahead.end()


async def _work_on(services: Services, mapping: Mapping, ledger: Ledger, ahead: ReadAhead) -> None:
    """Do the slice, until it ends or somebody else has taken the mapping over."""
    try:
        await _run(await _slice(services, mapping, ledger, ahead))
    except OvertakenError as overtaken:
        log.warning("%s", overtaken)
        await _follow_if_ended(services, ledger.run)
        await look_for_deletions(services, ledger.run.mapping)  # what it coupled last may have been deleted meanwhile


async def _move_review_on(services: Services) -> None:
    """A run has ended: the full synchronization review may go on. Else the timer sees to it."""
    from shared.services.full_synchronization import move_on

    try:
        await move_on(services)
    except SyncFailure as failure:
        log.warning("the full synchronization moves on later: %s", failure)


async def _follow_if_ended(services: Services, run: Run) -> None:
    """Its own end may have been stored although nobody heard of it."""
    stored = await services.runs(run.mapping).get(run.id)
    if stored is not None and stored.ended:
        await follow_run(services, stored)


async def _run(work: Slice) -> None:
    try:
        await _look_back(work)
        is_done = await _work_off(work)
        while is_done and goes_on(work):
            is_done = await _work_off(work)
        if is_done:
            await _end(work, JobStatus.SUCCEEDED, "")
        else:
            work.run.slice += 1
            await work.ledger.write()
            await send_slice(work.services, work.run)
    except OvertakenError:
        raise
    except StateConflict:
        await _put_off_or_fail(work, Passing("Somebody else changed a coupling.", retry_after=AFTER_A_RACE))
    except Passing as failure:
        await _put_off_or_fail(work, failure)
    except SyncFailure as failure:
        if not work.run.kind.is_task:
            work.state.failure_code, work.state.trouble, work.state.troubled_since = failure.code, "", None
        await _end(work, JobStatus.FAILED, str(failure))


async def _look_back(work: Slice) -> None:
    """Take up what an earlier holder left: what it announced, and the creates whose outcome is not known."""
    journal = work.services.runs(work.mapping.name).journal
    refreshed = work.services.budget.refresh(work.services)
    _, rows, intents = await asyncio.gather(refreshed, journal(), work.couplings.open_intents())
    if rows:
        await work.ahead.end()  # it was read while that was under way
        await replay(work, rows)
        intents = await work.couplings.open_intents()
    work.intents = {(one.source, one.source_id): one for one in intents}


async def _work_off(work: Slice) -> bool:
    """Until all is done (True) or time is up."""
    is_done = await (work_off_task(work) if work.run.kind.is_task else work_off_and_release(work))
    if is_done:
        await recover_creates(work)
    return is_done


def _is_next(run: Run, message: Document[str, object]) -> bool:
    """Whether a message is the one that the run waits for; one that was put off has a successor with a later turn."""
    return (message["slice"], message.get("turn", run.delays)) == (run.slice, run.delays)


async def _done_already(services: Services, mapping: str, run_id: str, run: Run | None) -> None:
    """Whoever did this slice may have died just before its last step: the jobs' end, or the successor's message."""
    log.info("nothing to do for run %s of %s: done already", run_id, mapping)
    if run is not None and run.ended:
        await follow_run(services, run)
    elif run is not None:
        waits = run.touched_at - services.clock.now()
        await send_slice(services, run, delay=waits if waits > timedelta(0) else None)


async def _slice(services: Services, mapping: Mapping, ledger: Ledger, ahead: ReadAhead) -> Slice:
    """Everything that the work needs at hand. Other columns, filters or rules than last time: the feeds start over."""
    state, run = ledger.state, ledger.run
    following = follow_run(services, run, ledger.jobs)
    items, _ = await asyncio.gather(services.work_items(mapping.name).all(), following)
    now = services.clock.now()
    work = Slice(
        services,
        mapping,
        services.tables_of(mapping),
        services.couplings(mapping.name, state.coupled, state.milestones),
        ledger,
        Turns(services.clock, now + services.policy.slice_time),
        ReferenceMemory(services),
        ahead,
        items,
        weighed=run.damage,
    )
    if not run.kind.is_task:
        _start_over_if_set_up_anew(work)
        take_up(work)
    return work


def _start_over_if_set_up_anew(work: Slice) -> None:
    state, signature = work.state, signature_of(work)
    if state.signature != signature:
        # What was passed by under the old ones must be looked at again.
        state.sweep_dataverse = bool(state.signature)  # the deletions that the old position would have told
        state.signature, state.positions = signature, {}


async def _put_off_or_fail(work: Slice, failure: Passing) -> None:
    """A busy service: wait as long as it says and go on from the checkpoint; after many times, say so and end."""
    setbacks = work.run.setbacks
    if setbacks >= MOST_SETBACKS:
        work.state.failure_code = failure.code
        await _end(work, JobStatus.FAILED, str(failure))
        return
    log.warning("run %s of %s is put off: %s", work.run.id, work.mapping.name, failure)
    work.run.setbacks += 1
    work.run.delays += 1
    delay = timedelta(seconds=failure.retry_after or min(FIRST_SETBACK * 2**setbacks, LONGEST_SETBACK))
    work.run.note = f"Put off: {failure}"
    if not work.run.kind.is_task:
        work.state.trouble = str(failure)
        came_on_last = work.services.clock.now() if work.run.pages else work.run.requested_at
        work.state.troubled_since = work.state.troubled_since or came_on_last
    await work.ledger.write()
    await follow_run(work.services, work.run, work.ledger.jobs)
    await send_slice(work.services, work.run, delay=delay)


async def _end(work: Slice, status: JobStatus, message: str) -> None:
    """The run is over: its jobs get their end, the mapping its next due time."""
    services, state, now = work.services, work.state, work.services.clock.now()
    goes = work.run.kind.is_task and not work.run.kind.keeps_its_list
    work.ledger.settle(await services.runs(work.mapping.name).part_keys(work.run.id) if goes else ())
    work.run.ended, work.run.ending = True, Ending(status, now, message)  # only now: reading the keys may fail
    if not work.run.kind.is_task:
        _finish_synchronization(work, status, now, message)
    await work.ledger.end()
    await follow_run(services, work.run, work.ledger.jobs)
    if work.run.kind.is_task:
        state.waiting.remove(work.run.id)
    else:
        state.active = None  # only now: until then the timer sees to it that the jobs get their end
    await asyncio.gather(work.ledger.write(), _move_review_on(services))
    if status is JobStatus.SUCCEEDED:
        log.info("run %s of %s ended: %s", work.run.id, work.mapping.name, _counted(work))
    else:
        log.error("run %s of %s failed: %s", work.run.id, work.mapping.name, message)


def _finish_synchronization(work: Slice, status: JobStatus, now: datetime, message: str) -> None:
    state = work.state
    if status is JobStatus.SUCCEEDED:
        state.guard_released = False
    state.last_finished_at, state.last_message = now, message
    schedule_next(work, status, now)


def _counted(work: Slice) -> str:
    """The counters that are not zero, for the log; never a record's values."""
    counts = [
        f"{direction_from(source)} {name} {count}"
        for source, counters in work.run.counters.items()
        for name, count in asdict(counters).items()
        if count
    ]
    return ", ".join(counts) or "nothing to do"
