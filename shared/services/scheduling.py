"""When a mapping runs next, from what its runs have left behind; and where it stands."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.core.jobs import JobStatus, Trigger
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.retry import LONGEST_PAUSE, is_held_out, needs_person
from shared.core.schedule import RunEnd, Standing, Times, is_idle, plan_next, standing
from shared.core.sides import Side
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.repositories.runs import MappingState
from shared.services.repositories.work_items import WorkItem

if TYPE_CHECKING:
    from shared.services.pass_context import Slice


def interval_of(services: Services, mapping: Mapping) -> timedelta:
    """The minutes between two runs of a mapping: its own, or the app's."""
    if mapping.interval_minutes is None:
        return services.policy.interval
    return timedelta(minutes=mapping.interval_minutes)


def schedule_next(work: Slice, status: JobStatus, now: datetime) -> None:
    """Set when the mapping runs next, after a synchronization has ended (not yet stored)."""
    state, mapping = work.state, work.mapping
    state.failures = state.failures + 1 if status is JobStatus.FAILED else 0
    if status is JobStatus.SUCCEEDED:
        state.failure_code, state.trouble, state.troubled_since = "", "", None
    if state.next_due_at is not None and work.run.requested_at < state.next_due_at <= now:
        state.inactive_since = state.inactive_until = None
        return  # made due while the run was on, by a hand that it may not have heeded
    is_quiet = _is_quiet(work, status)
    state.counted = work.counted if is_quiet else None
    end = RunEnd(now, state.failures, is_quiet, _look_at(work, now))
    on_hold = work.run.trigger is Trigger.TIMER and state.inactive_until is not None and state.inactive_until > now
    until = state.inactive_until if on_hold else None
    found = plan_next(end, interval_of(work.services, mapping), mapping.inactivity_timeout_minutes, until)
    state.next_due_at = found.due_at
    if found.inactive_until is None:
        state.inactive_since = None
    elif state.inactive_until is None:
        state.inactive_since = now
    state.inactive_until = found.inactive_until


async def make_due(services: Services, mapping: str) -> None:
    """Something was changed by hand: the mapping runs at the next tick, and is on hold no longer."""
    runs = services.runs(mapping)
    while True:
        state = await runs.state()
        state.next_due_at, state.inactive_since, state.inactive_until = services.clock.now(), None, None
        try:
            return await runs.save(state)
        except StateConflict:
            continue


async def look_for_deletions(services: Services, mapping: str) -> None:
    """Records may have been deleted when nobody knew that they are coupled: the next run looks, also out of a hold.

    Nothing happens to a mapping that is not there any more.
    """
    runs = services.runs(mapping)
    while await services.mappings.get(mapping) is not None:
        state = await runs.state()
        state.sweeps_asked += 1
        if state.inactive_until is not None:
            state.next_due_at, state.inactive_since, state.inactive_until = services.clock.now(), None, None
        with suppress(StateConflict):
            return await runs.save(state)
    return None


def _is_quiet(work: Slice, status: JobStatus) -> bool:
    """Whether the mapping may go on hold: nothing was done, nothing waits, and a probe would tell of any change."""
    if status is not JobStatus.SUCCEEDED or work.run.trigger is Trigger.PERSON or work.intents:
        return False
    if work.state.sweeps_asked > work.state.sweeps_done:
        return False  # somebody has asked for it while this run was on
    waits = any(not needs_person(item.reason) and not is_held_out(item.reason) for item in work.items.values())
    positions = work.state.positions
    settled = all(work.services.rows(side).is_settled(positions.get(side)) for side in Side)
    return settled and not waits and is_idle(work.run.counters.values())


def _look_at(work: Slice, now: datetime) -> datetime | None:
    """When something is looked at even on hold: errors whose next try is due, and deletions that nothing tells.

    Once these were looked for while nothing changed, the number of records tells of further ones.
    """
    moments = [_next_try(item, now) for item in work.items.values() if not is_held_out(item.reason)]
    if work.state.coupled and work.state.counted is None and work.state.next_sweep_at is not None:
        moments.append(work.state.next_sweep_at)
    return min(moments, default=None)


def _next_try(item: WorkItem, now: datetime) -> datetime:
    """An error's next try; a missing choice is asked for again after an hour, whatever it says."""
    return now + LONGEST_PAUSE if item.reason is Reason.OPTION_NOT_MAPPED else item.next_at


async def standing_of(services: Services, mapping: Mapping, state: MappingState) -> Standing:
    """Where a mapping stands now, and why."""
    return standing(await times_of(services, mapping, state), services.clock.now())


async def times_of(services: Services, mapping: Mapping, state: MappingState) -> Times:
    """What is known of a mapping's time."""
    is_waiting = state.queued is not None and state.active is None
    return Times(
        enabled=mapping.enabled,
        interval=interval_of(services, mapping),
        is_running=state.active is not None,
        is_queued=state.queued is not None,
        waits_for=await _at_work(services, mapping.depends_on) if is_waiting else (),
        pause=state.pause,
        inactive_since=state.inactive_since,
        inactive_until=state.inactive_until,
        next_due_at=_due_at(state),
        last_finished_at=state.last_finished_at,
        message=state.last_message,
        trouble=state.trouble,
        troubled_since=state.troubled_since,
        wakes=mapping.wake_on_changes,
    )


def _due_at(state: MappingState) -> datetime | None:
    """When the next run is due; after a pause that has just ended by itself, not before its end."""
    if state.pause is not None and state.pause.until is not None and state.next_due_at is not None:
        return max(state.next_due_at, state.pause.until)
    return state.next_due_at


async def _at_work(services: Services, parents: Iterable[str]) -> tuple[str, ...]:
    """Those of these mappings that have a run."""
    states = [(parent, await services.runs(parent).state()) for parent in parents]
    return tuple(parent for parent, state in states if state.active or state.queued)
