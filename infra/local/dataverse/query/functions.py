"""The service's own query functions (page "Web API Query Function Reference"): lists, ranges and spans of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from infra.local.dataverse.errors import wrong_query

Span = tuple[datetime, datetime]
"""From the first moment (included) to the last one (excluded)."""


def span_of(function: str, amount: int, now: datetime) -> Span | None:
    """Answer the span of time that a function such as `LastXHours` or `ThisMonth` means, None for other functions."""
    if function in _FIXED:
        return _FIXED[function](now)
    for head, past in (("LastX", True), ("NextX", False)):
        if function.startswith(head) and (unit := function.removeprefix(head)) in _UNITS:
            return _relative(unit, amount, now, past)
    return None


def older_than(function: str, amount: int, now: datetime) -> datetime | None:
    """Answer the moment before which `OlderThanXDays` and its like hold, None for other functions."""
    unit = function.removeprefix("OlderThanX")
    return _moved(now, unit, -amount) if unit != function and unit in _UNITS else None


def _relative(unit: str, amount: int, now: datetime, past: bool) -> Span:
    """Days and longer begin at midnight; hours and minutes at their own start."""
    edge = now.replace(minute=0, second=0, microsecond=0) if unit == "Hours" else _midnight(now)
    if unit == "Minutes":
        edge = now.replace(second=0, microsecond=0)
    # Moments are kept in whole seconds: the present one belongs to the past.
    return (
        (_moved(edge, unit, -amount), now + timedelta(seconds=1))
        if past
        else (now, _moved(edge + _one(unit), unit, amount))
    )


def _one(unit: str) -> timedelta:
    return {"Minutes": timedelta(minutes=1), "Hours": timedelta(hours=1)}.get(unit, timedelta(days=1))


def _moved(moment: datetime, unit: str, amount: int) -> datetime:
    if unit in ("Months", "Years", "FiscalPeriods", "FiscalYears"):
        return _moved_months(moment, amount * (12 if "Years" in unit else 1))
    return moment + amount * _UNITS[unit]


def _moved_months(moment: datetime, months: int) -> datetime:
    index = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(index, 12)
    for day in range(moment.day, 27, -1):
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1, day=min(moment.day, 28))


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _days(first: int, count: int) -> Callable[[datetime], Span]:
    def span(now: datetime) -> Span:
        start = _midnight(now) + timedelta(days=first)
        return start, start + timedelta(days=count)

    return span


def _weeks(offset: int) -> Callable[[datetime], Span]:
    def span(now: datetime) -> Span:
        start = _midnight(now) - timedelta(days=(now.weekday() + 1) % 7) + timedelta(weeks=offset)
        return start, start + timedelta(weeks=1)

    return span


def _months(offset: int) -> Callable[[datetime], Span]:
    def span(now: datetime) -> Span:
        start = _moved_months(_midnight(now).replace(day=1), offset)
        return start, _moved_months(start, 1)

    return span


def _years(offset: int) -> Callable[[datetime], Span]:
    def span(now: datetime) -> Span:
        return datetime(now.year + offset, 1, 1, tzinfo=UTC), datetime(now.year + offset + 1, 1, 1, tzinfo=UTC)

    return span


_UNITS = {
    "Minutes": timedelta(minutes=1),
    "Hours": timedelta(hours=1),
    "Days": timedelta(days=1),
    "Weeks": timedelta(weeks=1),
    "Months": timedelta(),
    "Years": timedelta(),
}
_FIXED: Mapping[str, Callable[[datetime], Span]] = {
    "Today": _days(0, 1),
    "Yesterday": _days(-1, 1),
    "Tomorrow": _days(1, 1),
    "Last7Days": _days(-7, 8),
    "Next7Days": _days(0, 8),
    "ThisWeek": _weeks(0),
    "LastWeek": _weeks(-1),
    "NextWeek": _weeks(1),
    "ThisMonth": _months(0),
    "LastMonth": _months(-1),
    "NextMonth": _months(1),
    "ThisYear": _years(0),
    "LastYear": _years(-1),
    "NextYear": _years(1),
}


def amount_of(arguments: Mapping[str, str | list[str]]) -> int:
    """Answer the number that a relative function is given, one where it takes none."""
    value = arguments.get("PropertyValue", "1")
    try:
        return int(value) if isinstance(value, str) else 1
    except ValueError as error:
        raise wrong_query(f"The value '{value}' is no whole number.") from error
