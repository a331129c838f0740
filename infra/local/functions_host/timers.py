"""Timer triggers: wait until due, run, remember when. A timer never overlaps itself; a missed run is made up for once.

Source: Timer trigger for Azure Functions (past due, RunOnStartup, UseMonitor); Azure Functions retry policies.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count

from infra.local.functions_host.errors import AppError
from infra.local.functions_host.functions import Function
from infra.local.functions_host.invoker import Invoker
from infra.local.functions_host.ncrontab import Schedule, is_shorter_than_a_minute, parse_schedule
from infra.local.functions_host.stopping import Stop
from infra.local.functions_host.timer_status import TimerStatus, TimerStatusStore
from infra.local.functions_host.worker import Datum

_log = logging.getLogger("Host.Timers")

# Long waits are taken in pieces, so that a machine that slept or whose clock was set does not oversleep a due time.
_LONGEST_WAIT_SECONDS = 30.0


def utc_now() -> datetime:
    """The clock of the timers."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Timer:
    """One timer function with its schedule. `store` None means that it keeps no status between runs."""

    function: Function
    schedule: Schedule
    run_on_startup: bool
    store: TimerStatusStore | None
    invoker: Invoker
    now: Callable[[], datetime] = utc_now

    async def run(self, stop: Stop) -> None:
        """Serve the timer until the stop is requested."""
        status = self.store.read(self.function.name) if self.store else None
        status, is_past_due = first_status(status, self.schedule, self.now())
        if is_past_due or self.run_on_startup:
            reason = "The timer is past due." if is_past_due else "The timer runs on startup."
            status = await self._fire(status, stop, reason, is_past_due=is_past_due)
        elif self.store:
            self.store.write(self.function.name, status)
        while status.next is not None and await self._is_due(status.next, stop):
            status = await self._fire(status, stop, "The timer is due.")

    async def _is_due(self, due: datetime, stop: Stop) -> bool:
        """Wait until that time; False when the host stops before."""
        while not stop.is_requested:
            remaining = (due - self.now()).total_seconds()
            if remaining <= 0:
                return True
            await stop.within(min(remaining, _LONGEST_WAIT_SECONDS))
        return False

    async def _fire(self, status: TimerStatus, stop: Stop, reason: str, *, is_past_due: bool = False) -> TimerStatus:
        started = self.now()
        await self._run_with_retries(timer_info(status if self.store else None, is_past_due), stop, reason)
        renewed = TimerStatus(last=started, last_updated=started, next=self.schedule.next_after(started))
        if self.store:
            self.store.write(self.function.name, renewed)
        return renewed

    async def _run_with_retries(self, info: Datum, stop: Stop, reason: str) -> None:
        policy = self.function.retry
        limit = policy.max_retry_count if policy else 0
        for retry in count():
            outcome = await self.invoker.invoke(
                self.function, info, reason=reason, retry_count=retry, max_retry_count=limit
            )
            if outcome.error is None or policy is None or (limit >= 0 and retry >= limit):
                return
            delay = policy.delay(retry + 1)
            _log.warning("%s failed; retry %d of %d in %s", self.function.name, retry + 1, limit, delay)
            if await stop.within(delay.total_seconds()):
                return


def timer_of(function: Function, invoker: Invoker, store: TimerStatusStore) -> Timer:
    """The timer of a function with a timerTrigger. Raises AppError when its schedule is not one."""
    trigger = function.trigger
    try:
        schedule = parse_schedule(trigger.text("schedule"))
    except ValueError as error:
        raise AppError(f"The timer {function.name} cannot be started: {error}") from error
    keeps_status = trigger.flag("useMonitor", True) and not is_shorter_than_a_minute(schedule, utc_now())
    return Timer(function, schedule, trigger.flag("runOnStartup"), store if keeps_status else None, invoker)


def first_status(stored: TimerStatus | None, schedule: Schedule, now: datetime) -> tuple[TimerStatus, bool]:
    """The status to begin with, and whether a run was missed while the host was away.

    A stored due time that does not follow from the schedule was computed for another schedule: it is replaced, not made
    up for.
    """
    if stored is None:
        return TimerStatus(next=schedule.next_after(now), last_updated=now), False
    expected = schedule.next_after(stored.last or stored.last_updated)
    if stored.next != expected:
        return TimerStatus(stored.last, schedule.next_after(now), now), False
    return stored, stored.next is not None and stored.next < now


def timer_info(status: TimerStatus | None, is_past_due: bool = False) -> Datum:
    """The trigger value of a timer function; without a status when run by hand or not monitored."""
    content = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.to_json() if status else None,
        "IsPastDue": is_past_due,
    }
    return Datum(json.dumps(content), "json")
