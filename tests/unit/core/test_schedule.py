"""When a mapping is due again, when it goes on hold, and where it stands: tables of cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.jobs import Counters
from shared.core.schedule import (
    NextRun,
    Pause,
    RunEnd,
    ScheduleStatus,
    Times,
    backoff,
    grid_point,
    is_idle,
    next_due,
    plan_next,
    standing,
)

EIGHT = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    """A time of that day."""
    return datetime.fromisoformat(f"2026-01-05T{text}+00:00")


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


@pytest.mark.parametrize(
    ("interval", "after", "expected"),
    [
        (1, "08:00:30.2", "08:01:00"),
        (1, "08:00:59", "08:01:00"),
        (1, "08:01:01", "08:02:00"),
        (1, "08:10:30", "08:11:00"),
        (5, "08:00:31", "08:05:00"),
        (30, "08:32:10", "09:00:00"),
        (30, "08:30:00", "09:00:00"),
        (7, "08:00:00", "08:04:00"),  # the grid begins with 1970
        (1440, "08:00:00", None),
    ],
)
def test_the_grid_is_fixed(interval: int, after: str, expected: str | None) -> None:
    due = next_due(minutes(interval), at(after))
    assert due == (at(expected) if expected else datetime(2026, 1, 6, tzinfo=UTC))
    assert grid_point(minutes(interval), due) == due
    assert grid_point(minutes(interval), at(after)) <= at(after) < due


def test_a_late_tick_does_not_move_the_grid() -> None:
    """Due at 8:30; the timer came at 8:34 only, and the run took until 8:36."""
    assert plan_next(RunEnd(at("08:36:00")), minutes(30), None) == NextRun(at("09:00:00"))


@pytest.mark.parametrize(
    ("failures", "expected"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 4), (5, 8), (6, 15), (7, 15), (5000, 15)]
)
def test_failed_runs_are_repeated_more_and_more_rarely(failures: int, expected: int) -> None:
    assert backoff(failures) == minutes(expected)
    assert plan_next(RunEnd(EIGHT, failures), minutes(1), None).due_at == EIGHT + minutes(expected + 1)


@pytest.mark.parametrize(
    ("counters", "idle"),
    [
        ([], True),
        ([Counters(), Counters()], True),
        ([Counters(unchanged=5), Counters(skipped=3)], True),
        *(
            ([Counters(), Counters(**{name: 1})], False)
            for name in ("inserted", "modified", "deleted", "failed", "coupled", "uncoupled")
        ),
    ],
)
def test_unchanged_and_skipped_records_are_no_activity(counters: list[Counters], idle: bool) -> None:
    assert is_idle(counters) is idle


QUIET = RunEnd(EIGHT, is_quiet=True)


@pytest.mark.parametrize(
    ("end", "interval", "timeout", "hold", "due", "until"),
    [
        (QUIET, 1, 720, None, "20:00:00", "20:00:00"),
        (QUIET, 1, None, None, "08:01:00", None),
        (QUIET, 1, 0, None, "08:01:00", None),
        (RunEnd(EIGHT), 1, 720, None, "08:01:00", None),
        (RunEnd(EIGHT), 1, 720, "09:00:00", "08:01:00", None),  # something was done: the hold is over
        (QUIET, 30, 20, None, "08:30:00", None),  # no longer than its interval: no hold at all
        (QUIET, 30, 31, None, "08:31:00", "08:31:00"),
        (replace(QUIET, look_at=at("08:40:00")), 1, 720, None, "08:40:00", "20:00:00"),
        (replace(QUIET, look_at=at("07:00:00")), 1, 720, None, "08:01:00", "20:00:00"),
        (replace(QUIET, look_at=at("23:00:00")), 1, 720, None, "20:00:00", "20:00:00"),
        (QUIET, 1, 720, "12:00:00", "12:00:00", "12:00:00"),  # looked at in between: the hold goes on as it was
        (QUIET, 1, 720, "08:00:00", "08:01:00", None),  # its time is over
    ],
)
def test_a_quiet_mapping_goes_on_hold(
    end: RunEnd, interval: int, timeout: int | None, hold: str | None, due: str, until: str | None
) -> None:
    found = plan_next(end, minutes(interval), timeout, at(hold) if hold else None)
    assert found == NextRun(at(due), at(until) if until else None)


@pytest.mark.parametrize(("until", "now", "holds"), [(None, "23:00:00", True), ("09:00:00", "08:59:59", True)])
def test_a_pause_holds(until: str | None, now: str, holds: bool) -> None:
    assert Pause("Ada", EIGHT, "", at(until) if until else None).holds(at(now)) is holds


def test_a_pause_ends_at_its_time() -> None:
    assert not Pause("Ada", EIGHT, "", at("09:00:00")).holds(at("09:00:00"))


RAN = Times(enabled=True, interval=minutes(30), next_due_at=EIGHT, last_finished_at=EIGHT)
PAUSED = Pause("Ada", EIGHT, "Migration", at("18:00:00"))
S = ScheduleStatus


@pytest.mark.parametrize(
    ("times", "now", "status", "why"),
    [
        (RAN, "08:00:00", S.READY, "It runs next at 2026-01-05 08:00 UTC."),
        (RAN, "09:30:00", S.READY, "It runs next at 2026-01-05 08:00 UTC."),
        (RAN, "09:30:01", S.LATE, "It was due at 2026-01-05 08:00 UTC and has not run."),
        (replace(RAN, interval=minutes(1)), "08:10:00", S.READY, None),
        (replace(RAN, interval=minutes(1)), "08:10:01", S.LATE, None),
        (
            replace(RAN, next_due_at=None, last_finished_at=None),
            "23:00:00",
            S.READY,
            "It has never run and is due now.",
        ),
        (replace(RAN, enabled=False, pause=PAUSED, message="x"), "23:00:00", S.DISABLED, "The mapping is disabled."),
        (replace(RAN, is_running=True), "23:00:00", S.IN_PROCESS, "A run is on."),
        (replace(RAN, is_running=True, troubled_since=EIGHT), "09:30:00", S.IN_PROCESS, None),
        (
            replace(RAN, is_running=True, troubled_since=EIGHT, trouble="Dataverse is away."),
            "09:31:00",
            S.LATE,
            "A run has made no progress since 2026-01-05 08:00 UTC: Dataverse is away.",
        ),
        (replace(RAN, is_queued=True), "08:01:00", S.READY, "A run waits in the queue."),
        (
            replace(RAN, is_queued=True, waits_for=("CURRENCY", "SALESPEOPLE")),
            "08:01:00",
            S.WAITING,
            "A run waits until CURRENCY, SALESPEOPLE has run.",
        ),
        (replace(RAN, is_queued=True, waits_for=("CURRENCY",)), "10:00:00", S.LATE, None),
        (replace(RAN, message="No."), "08:00:00", S.FAILED, "The last run failed: No."),
        (replace(RAN, message="No."), "10:00:00", S.LATE, None),
        (
            replace(RAN, pause=PAUSED, is_running=True),
            "17:59:00",
            S.ON_HOLD,
            "Paused by Ada at 2026-01-05 08:00 UTC until 2026-01-05 18:00 UTC: Migration",
        ),
        (replace(RAN, pause=PAUSED, next_due_at=at("18:00:00")), "18:00:00", S.READY, None),
        (replace(RAN, pause=Pause("", EIGHT)), "23:00:00", S.ON_HOLD, "Paused at 2026-01-05 08:00 UTC."),
        (
            replace(RAN, inactive_since=EIGHT, inactive_until=at("20:00:00"), next_due_at=at("09:00:00")),
            "08:30:00",
            S.INACTIVE,
            "Nothing has changed since 2026-01-05 08:00 UTC. It runs at 2026-01-05 09:00 UTC at the latest, "
            "or as soon as something changes on either side.",
        ),
        (
            replace(RAN, inactive_since=EIGHT, inactive_until=at("20:00:00"), next_due_at=at("20:00:00"), wakes=False),
            "08:30:00",
            S.INACTIVE,
            "Nothing has changed since 2026-01-05 08:00 UTC. It runs at 2026-01-05 20:00 UTC at the latest.",
        ),
        (
            replace(RAN, inactive_since=EIGHT, inactive_until=at("20:00:00"), next_due_at=at("20:00:00")),
            "21:30:01",
            S.LATE,
            "It was due at 2026-01-05 20:00 UTC and has not run.",
        ),
    ],
)
def test_where_a_mapping_stands(times: Times, now: str, status: ScheduleStatus, why: str | None) -> None:
    found = standing(times, at(now))
    assert found.status is status
    assert found.why == (why if why is not None else found.why)
