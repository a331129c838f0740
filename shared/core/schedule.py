"""When a mapping runs next: its grid, inactivity, a failed run's next try; and where it stands, in a sentence.

Source: the recurring job queue entries of the integration synchronization jobs (On Hold with Inactivity Timeout). Ours
differ in three ways: a mapping on hold wakes up for a change on either side, deletions and due errors are looked at
all the same, and a mapping whose runs fail is never given up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.core.jobs import Counters

LATE_AFTER = 3  # intervals
NEVER_LATE_WITHIN = timedelta(minutes=10)  # a restart of a service is nobody's task
LONGEST_BACKOFF = timedelta(minutes=15)
_GRID = datetime(1970, 1, 1, tzinfo=UTC)


class ScheduleStatus(StrEnum):
    """Where a mapping stands (Job Queue Entry, field Status, and what it does not tell)."""

    READY = "ready"
    IN_PROCESS = "in process"
    ON_HOLD = "on hold"
    INACTIVE = "on hold due to inactivity"
    WAITING = "waiting for parents"
    DISABLED = "disabled"
    LATE = "late"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Pause:
    """Somebody has paused a mapping; with `until` it goes on by itself."""

    by: str
    at: datetime
    reason: str = ""
    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it is still on."""
        return self.until is None or now < self.until


def grid_point(interval: timedelta, now: datetime) -> datetime:
    """The last point of the grid that is not after `now`. The grid is fixed: no run and no late tick moves it."""
    return _GRID + (now - _GRID) // interval * interval


def next_due(interval: timedelta, after: datetime) -> datetime:
    """The first point of the grid after a moment."""
    return grid_point(interval, after) + interval


def backoff(failures: int) -> timedelta:
    """How much later than its interval says a mapping runs after so many failed runs in a row.

    The first is repeated at once; then ever more rarely, a quarter of an hour at most, and never given up.
    """
    if failures <= 1:
        return timedelta(0)
    return min(timedelta(minutes=2 ** min(failures - 2, 10)), LONGEST_BACKOFF)


def is_idle(counters: Iterable[Counters]) -> bool:
    """Whether a run has done nothing: unchanged and skipped records are no activity (Integration Synch. Job)."""
    names = [item.name for item in fields(Counters) if item.name not in ("unchanged", "skipped")]
    return not any(getattr(one, name) for one in counters for name in names)


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What the end of a run tells about the next one.

    `failures` counts the failed runs in a row, this one included. `is_quiet`: it was idle, nothing waits, nobody had
    asked for it, and a change could not escape a probe. `look_at` is when something must be looked at all the same.
    """

    at: datetime
    failures: int = 0
    is_quiet: bool = False
    look_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class NextRun:
    """When a mapping runs next at the latest, and until when it is on hold due to inactivity, if it is."""

    due_at: datetime
    inactive_until: datetime | None = None


def plan_next(
    end: RunEnd, interval: timedelta, timeout_minutes: int | None, inactive_until: datetime | None = None
) -> NextRun:
    """The next run after one has ended. A hold that is on (`inactive_until`) is neither prolonged nor shortened."""
    due = next_due(interval, end.at + backoff(end.failures))
    if not (end.is_quiet and timeout_minutes):
        return NextRun(due)
    until = inactive_until or end.at + timedelta(minutes=timeout_minutes)
    if until <= due:
        return NextRun(due)
    return NextRun(max(due, min(until, end.look_at or until)), until)


@dataclass(frozen=True, slots=True)
class Times:
    """What is known of a mapping's time. `message` is why its last run failed, `trouble` why the present one was put
    off, `waits_for` the parents whose runs it waits for."""

    enabled: bool
    interval: timedelta
    is_running: bool = False
    is_queued: bool = False
    waits_for: tuple[str, ...] = ()
    pause: Pause | None = None
    inactive_since: datetime | None = None
    inactive_until: datetime | None = None
    next_due_at: datetime | None = None
    last_finished_at: datetime | None = None
    message: str = ""
    trouble: str = ""
    troubled_since: datetime | None = None
    wakes: bool = True


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a mapping stands, and why, in a sentence."""

    status: ScheduleStatus
    why: str


def standing(times: Times, now: datetime) -> Standing:
    """Where a mapping stands: the first that fits."""
    if not times.enabled:
        return Standing(ScheduleStatus.DISABLED, "The mapping is disabled.")
    if times.pause is not None and times.pause.holds(now):
        return Standing(ScheduleStatus.ON_HOLD, _paused(times.pause))
    if (late := _late(times, now)) is not None:
        return Standing(ScheduleStatus.LATE, late)
    if times.is_running:
        return Standing(ScheduleStatus.IN_PROCESS, "A run is on.")
    if times.is_queued:
        return _queued(times)
    if times.message:
        return Standing(ScheduleStatus.FAILED, f"The last run failed: {times.message}")
    if times.inactive_until is not None:
        return Standing(ScheduleStatus.INACTIVE, _inactive(times))
    if times.next_due_at is None:
        return Standing(ScheduleStatus.READY, "It has never run and is due now.")
    return Standing(ScheduleStatus.READY, f"It runs next at {shown(times.next_due_at)}.")


def lateness(interval: timedelta) -> timedelta:
    """How long after it was due a mapping that does not run is late."""
    return max(LATE_AFTER * interval, NEVER_LATE_WITHIN)


def shown(moment: datetime) -> str:
    """A moment in a sentence."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _late(times: Times, now: datetime) -> str | None:
    since = times.troubled_since if times.is_running else times.next_due_at
    if since is None or now <= since + lateness(times.interval):
        return None
    if times.is_running:
        return f"A run has made no progress since {shown(since)}: {times.trouble}"
    return f"It was due at {shown(since)} and has not run."


def _queued(times: Times) -> Standing:
    if times.waits_for:
        return Standing(ScheduleStatus.WAITING, f"A run waits until {', '.join(times.waits_for)} has run.")
    return Standing(ScheduleStatus.READY, "A run waits in the queue.")


def _paused(pause: Pause) -> str:
    until = f" until {shown(pause.until)}" if pause.until else ""
    by = f" by {pause.by}" if pause.by else ""
    reason = f": {pause.reason}" if pause.reason else "."
    return f"Paused{by} at {shown(pause.at)}{until}{reason}"


def _inactive(times: Times) -> str:
    since = f"Nothing has changed since {shown(times.inactive_since)}. " if times.inactive_since else ""
    latest = f"It runs at {shown(times.next_due_at)} at the latest" if times.next_due_at else "It runs"
    return f"{since}{latest}, or as soon as something changes on either side." if times.wakes else f"{since}{latest}."
