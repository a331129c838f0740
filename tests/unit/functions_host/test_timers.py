"""When a timer runs: due, past due, on startup, again after a failure, and never twice at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.functions_host.functions import Binding, Function, RetryPolicy
from infra.local.functions_host.ncrontab import parse_schedule
from infra.local.functions_host.stopping import Stop
from infra.local.functions_host.timer_status import TimerStatus, TimerStatusStore
from infra.local.functions_host.timers import Timer, first_status
from infra.local.functions_host.worker import Datum, Outcome

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
EVERY_MINUTE = parse_schedule("0 * * * * *")
FUNCTION = Function("tick", "1", (Binding("timerTrigger", "timer", {}),))


class Clock(Stop):
    """Time that passes when somebody waits for it; also the stop request that ends the timer after some runs."""

    def __init__(self) -> None:
        super().__init__()
        self.time = NOON + timedelta(seconds=10)

    def now(self) -> datetime:
        return self.time

    async def within(self, seconds: float) -> bool:
        self.time += timedelta(seconds=seconds)
        return self.is_requested


@dataclass
class Runs:
    """Stands in for the invoker: notes what it is asked for, takes time, fails as told."""

    clock: Clock
    limit: int
    takes: timedelta = timedelta(0)
    fails: Callable[[int], bool] = lambda run: False
    seen: list[tuple[datetime, bool, int]] = field(default_factory=list)

    async def invoke(
        self, function: Function, value: Datum, *, reason: str, retry_count: int, max_retry_count: int
    ) -> Outcome:
        self.seen.append((self.clock.time, json.loads(value.value)["IsPastDue"], retry_count))
        self.clock.time += self.takes
        if len(self.seen) == self.limit:
            self.clock.request()
        return Outcome(error="failed" if self.fails(len(self.seen)) else None)


async def _run(runs: Runs, *, store: TimerStatusStore | None = None, **options: object) -> list[datetime]:
    chosen = {"function": FUNCTION, "schedule": EVERY_MINUTE, "run_on_startup": False, "store": store} | options
    await Timer(invoker=runs, now=runs.clock.now, **chosen).run(runs.clock)  # type: ignore[arg-type]
    return [moment for moment, _, _ in runs.seen]


async def test_it_runs_whenever_it_is_due() -> None:
    assert await _run(Runs(Clock(), 3)) == [NOON + MINUTE, NOON + 2 * MINUTE, NOON + 3 * MINUTE]


async def test_a_run_longer_than_the_interval_delays_the_next_instead_of_overlapping_it() -> None:
    long = timedelta(seconds=90)

    moments = await _run(Runs(Clock(), 3, takes=long))

    assert moments == [NOON + MINUTE, NOON + MINUTE + long, NOON + MINUTE + 2 * long]


async def test_it_runs_on_startup_when_asked_to() -> None:
    assert await _run(Runs(Clock(), 2), run_on_startup=True) == [NOON + timedelta(seconds=10), NOON + MINUTE]


async def test_a_run_that_was_missed_is_made_up_for_once(tmp_path: Path) -> None:
    store = TimerStatusStore(tmp_path)
    store.write("tick", TimerStatus(last=NOON - 5 * MINUTE, last_updated=NOON - 5 * MINUTE, next=NOON - 4 * MINUTE))
    runs = Runs(Clock(), 2)

    await _run(runs, store=store)

    assert [(moment, past_due) for moment, past_due, _ in runs.seen] == [
        (NOON + timedelta(seconds=10), True),
        (NOON + MINUTE, False),
    ]


async def test_the_status_is_stored_after_each_run(tmp_path: Path) -> None:
    store = TimerStatusStore(tmp_path)

    await _run(Runs(Clock(), 1), store=store)

    assert store.read("tick") == TimerStatus(NOON + MINUTE, NOON + 2 * MINUTE, NOON + MINUTE)


def test_a_damaged_status_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "tick.json").write_text('{"Last": "x"')
    assert TimerStatusStore(tmp_path).read("tick") is None


@pytest.mark.parametrize("seconds", [30, 60])
def test_a_status_of_another_schedule_is_not_past_due(seconds: int) -> None:
    stored = TimerStatus(last=NOON - 5 * MINUTE, next=NOON - 5 * MINUTE + timedelta(seconds=seconds))

    status, is_past_due = first_status(stored, parse_schedule("0 0 * * * *"), NOON)

    assert (status.next, is_past_due) == (NOON + 60 * MINUTE, False)


@pytest.mark.parametrize(
    ("policy", "failures", "expected"),
    [
        (None, 9, [0]),
        (RetryPolicy(2, timedelta(seconds=5), timedelta(seconds=5)), 9, [0, 5, 10]),
        (RetryPolicy(2, timedelta(seconds=5), timedelta(seconds=5)), 1, [0, 5]),
        (RetryPolicy(-1, timedelta(seconds=5), timedelta(seconds=5)), 3, [0, 5, 10, 15]),
        (RetryPolicy(4, timedelta(seconds=2), timedelta(seconds=10)), 9, [0, 2, 6, 14, 24]),
    ],
)
async def test_a_failed_run_is_retried_as_the_policy_says(
    policy: RetryPolicy | None, failures: int, expected: list[int]
) -> None:
    runs = Runs(Clock(), limit=0, fails=lambda run: run <= failures)
    timer = Timer(
        Function("tick", "1", FUNCTION.bindings, policy),
        parse_schedule("0 0 0 31 4 *"),
        True,
        None,
        runs,
        runs.clock.now,
    )  # type: ignore[arg-type]

    await timer.run(runs.clock)

    started = runs.seen[0][0]
    assert [(moment - started).total_seconds() for moment, _, _ in runs.seen] == expected
    assert [retry for _, _, retry in runs.seen] == list(range(len(expected)))
