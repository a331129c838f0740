"""NCRONTAB schedules: against croniter where both mean the same, by table where NCRONTAB has rules of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from croniter import croniter
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.functions_host.ncrontab import is_shorter_than_a_minute, parse_schedule

NOON = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)  # a Saturday


def _element(minimum: int, maximum: int) -> st.SearchStrategy[str]:
    value = st.integers(minimum, maximum)
    # croniter takes a range of one value for all values.
    span = st.lists(value, min_size=2, max_size=2, unique=True).map(lambda ends: f"{min(ends)}-{max(ends)}")
    step = st.integers(1, maximum)
    return st.one_of(
        st.just("*"),
        value.map(str),
        span,
        st.tuples(st.one_of(st.just("*"), span), step).map(lambda parts: f"{parts[0]}/{parts[1]}"),
    )


def _field(minimum: int, maximum: int, *words: str) -> st.SearchStrategy[str]:
    numeric = st.lists(_element(minimum, maximum), min_size=1, max_size=3).map(",".join)
    return st.one_of(numeric, st.sampled_from(words)) if words else numeric


EXPRESSIONS = st.tuples(
    _field(0, 59),
    _field(0, 59),
    _field(0, 23),
    # Days that every month has and all months together always come due soon, which croniter needs to finish.
    _field(1, 28),
    _field(1, 12, "jan", "JUN", "Dec"),
    _field(0, 6, "sun", "MON", "Fri"),
).map(" ".join)
MOMENTS = st.integers(0, 6 * 365 * 86_400).map(
    lambda seconds: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@settings(deadline=None)  # the oracle takes its time
@given(expression=EXPRESSIONS, moment=MOMENTS)
def test_due_times_are_those_of_croniter_with_day_and_weekday_joined_by_and(expression: str, moment: datetime) -> None:
    schedule, oracle = parse_schedule(expression), croniter(expression, moment, day_or=False, second_at_beginning=True)

    due = moment
    for _ in range(3):
        expected = oracle.get_next(datetime)
        following = schedule.next_after(due)
        assert following == expected
        due = expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 */5 * * * *", NOON + timedelta(minutes=5)),
        ("0 0 12 * * *", NOON + timedelta(days=1)),  # the moment itself does not count
        ("0 10-5 * * * *", NOON + timedelta(minutes=5)),  # a range backwards is the range forwards
        ("0 20/15 * * * *", NOON + timedelta(minutes=20)),  # a start with a step goes to the end of the field
        ("*/0 * * * * *", NOON + timedelta(seconds=1)),  # a step of zero is a step of one
        ("0 0 0 * Janua *", datetime(2027, 1, 1, tzinfo=UTC)),  # any beginning of a name
        ("0 0 0 13 * fri", datetime(2027, 8, 13, tzinfo=UTC)),  # Friday AND the 13th
        ("0 0 0 29 2 *", datetime(2028, 2, 29, tzinfo=UTC)),
        ("0 0 0 31 4,6 *", None),  # never
        ("00:05:00", NOON + timedelta(minutes=5)),
        ("1.00:00:00", NOON + timedelta(days=1)),
    ],
)
def test_due_times(expression: str, expected: datetime | None) -> None:
    assert parse_schedule(expression).next_after(NOON) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * * * *",  # no seconds
        "* * * * * * *",
        "* * * * * 7",  # Sunday is 0
        "* * * ? * *",
        "* * * L * *",
        "* * * * * mon#2",
        "* * * 1W * *",
        "60 * * * * *",
        "* * 24 * * *",
        "* * * 0 * *",
        "* * * * 13 *",
        "* * * * sun *",
        "*/x * * * * *",
        "1,,2 * * * * *",
        "-5 * * * * *",
        "/5 * * * * *",
        "*-5 * * * * *",
        "@daily",
        "24:00:00",
        "00:00:00",
        "-00:05:00",
    ],
)
def test_what_ncrontab_does_not_know_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"schedule|NCRONTAB|it goes from"):
        parse_schedule(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [("*/20 * * * * *", True), ("0 * * * * *", False), ("00:00:59", True), ("00:01:00", False)],
)
def test_schedules_below_a_minute_are_known_as_such(expression: str, expected: bool) -> None:
    assert is_shorter_than_a_minute(parse_schedule(expression), NOON) is expected
