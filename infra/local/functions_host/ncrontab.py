"""Schedules of timer triggers: NCRONTAB expressions and plain intervals.

NCRONTAB has six fields: second, minute, hour, day, month, weekday (0-6, 0 is Sunday). It knows `*`, lists, ranges,
steps and English names of months and weekdays or the beginnings of such names. A moment matches when all six fields do:
day and weekday are joined by AND, unlike in cron. Times are UTC. Source: Timer trigger for Azure Functions, NCRONTAB
expressions.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from infra.local.functions_host.time_span import parse_time_span


class Schedule(Protocol):
    """When a timer is due."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due time later than the given one (both UTC); None when there is none within the horizon."""


@dataclass(frozen=True)
class Interval:
    """Due again and again after the same time, counted from the last run."""

    length: timedelta

    def next_after(self, moment: datetime) -> datetime:
        return moment + self.length


@dataclass(frozen=True)
class _Field:
    name: str
    minimum: int
    maximum: int
    words: tuple[str, ...] = ()


_MONTHS = tuple(calendar.month_name[1:])
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_FIELDS = (
    _Field("second", 0, 59),
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("weekday", 0, 6, _WEEKDAYS),
)
# A 29th of February that must also be a certain weekday is at most 40 years away (where a century skips a leap year).
_HORIZON_YEARS = 41


@dataclass(frozen=True)
class NCrontab:
    """A parsed expression: the sorted values that each field allows. Parse with `parse_schedule`."""

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: tuple[int, ...]
    months: tuple[int, ...]
    weekdays: tuple[int, ...]

    def next_after(self, moment: datetime) -> datetime | None:
        earliest = moment.replace(microsecond=0) + timedelta(seconds=1)
        for day in self._days_from(earliest.date()):
            start = earliest.time() if day == earliest.date() else time.min
            found = self._time_from(start)
            if found is not None:
                return datetime.combine(day, found, UTC)
        return None

    def _days_from(self, first: date) -> Iterator[date]:
        for year in range(first.year, min(first.year + _HORIZON_YEARS, 9999)):
            for month in self.months:
                if (year, month) < (first.year, first.month):
                    continue
                last_day = calendar.monthrange(year, month)[1]
                for number in self.days:
                    if number <= last_day and (day := date(year, month, number)) >= first and self._fits_weekday(day):
                        yield day

    def _fits_weekday(self, day: date) -> bool:
        return day.isoweekday() % 7 in self.weekdays

    def _time_from(self, start: time) -> time | None:
        for hour in self.hours:
            for minute in self.minutes if hour >= start.hour else ():
                if (hour, minute) < (start.hour, start.minute):
                    continue
                for second in self.seconds:
                    if (found := time(hour, minute, second)) >= start:
                        return found
        return None


def parse_schedule(text: str) -> Schedule:
    """The schedule of an NCRONTAB expression or a time span (`00:05:00`). Raises ValueError with a sentence."""
    fields = [part for part in text.split(" ") if part]
    if len(fields) == len(_FIELDS):
        return NCrontab(*(_values(part, field) for part, field in zip(fields, _FIELDS, strict=True)))
    try:
        length = parse_time_span(text)
    except ValueError:
        raise ValueError(
            f"The schedule '{text}' is neither an NCRONTAB expression of six fields nor a time span."
        ) from None
    if length <= timedelta(0):
        raise ValueError(f"The schedule '{text}' must be a time span longer than zero.")
    return Interval(length)


def is_shorter_than_a_minute(schedule: Schedule, moment: datetime) -> bool:
    """Whether an interval is that short or an expression comes due twice in the next minute; no status is kept then."""
    if isinstance(schedule, Interval):
        return schedule.length < timedelta(minutes=1)
    first = schedule.next_after(moment)
    second = schedule.next_after(first) if first else None
    return second is not None and second < moment + timedelta(minutes=1)


def _values(text: str, field: _Field) -> tuple[int, ...]:
    values: set[int] = set()
    for element in text.split(","):
        values.update(_element(element, field))
    return tuple(sorted(values))


def _element(text: str, field: _Field) -> range:
    body, slash, step_text = text.partition("/")
    if slash and not re.fullmatch(r"\d+", step_text, re.ASCII):
        raise ValueError(f"'{text}' is not a {field.name} of an NCRONTAB expression: the step must be a number.")
    # NCRONTAB takes a step of zero for one.
    step = max(int(step_text), 1) if slash else 1
    if body == "*":
        return range(field.minimum, field.maximum + 1, step)
    first_text, dash, last_text = body.partition("-")
    first = _value(first_text, field)
    last = _value(last_text, field) if dash else field.maximum if slash else first
    # ... and a range written backwards for the same range forwards.
    return range(min(first, last), max(first, last) + 1, step)


def _value(text: str, field: _Field) -> int:
    if re.fullmatch(r"\d+", text, re.ASCII):
        value = int(text)
        if not field.minimum <= value <= field.maximum:
            raise ValueError(f"'{text}' is not a {field.name}: it goes from {field.minimum} to {field.maximum}.")
        return value
    for position, word in enumerate(field.words):
        if text and word.lower().startswith(text.lower()):
            return field.minimum + position
    raise ValueError(f"'{text}' is not a {field.name} of an NCRONTAB expression.")
