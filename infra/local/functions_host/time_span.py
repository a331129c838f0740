"""Durations as .NET writes them in host.json and in timer schedules."""

from __future__ import annotations

import re
from datetime import timedelta

_TIME_SPAN = re.compile(
    r"(?P<sign>-)?(?:(?P<days>\d+)\.)?(?P<hours>\d{1,2}):(?P<minutes>\d{1,2})(?::(?P<seconds>\d{1,2})(?:\.(?P<fraction>\d{1,7}))?)?"
)
_DAYS = re.compile(r"(?P<sign>-)?(?P<days>\d+)")


def parse_time_span(text: str) -> timedelta:
    """The duration that `[-][d.]hh:mm[:ss[.fffffff]]` or a bare number of days stands for.

    Hours go to 23, minutes and seconds to 59, as in .NET's TimeSpan.Parse. Raises ValueError with a sentence otherwise.
    """
    text = text.strip()
    match = _TIME_SPAN.fullmatch(text) or _DAYS.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a time span such as 00:05:00.")
    parts = {name: value or "" for name, value in match.groupdict().items()}
    hours, minutes, seconds = (int(parts.get(name) or 0) for name in ("hours", "minutes", "seconds"))
    if hours > 23 or minutes > 59 or seconds > 59:
        raise ValueError(f"'{text}' is not a time span: hours go to 23, minutes and seconds to 59.")
    span = timedelta(
        days=int(parts["days"] or 0),
        hours=hours,
        minutes=minutes,
        seconds=seconds,
        microseconds=int(parts.get("fraction", "").ljust(6, "0")[:6]),
    )
    return -span if parts["sign"] else span
