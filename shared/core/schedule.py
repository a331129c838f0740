"""When a mapping is due again."""

from __future__ import annotations

from datetime import datetime, timedelta


def next_due(requested_at: datetime, interval: timedelta, ended_at: datetime) -> datetime:
    """The first point of the grid that begins with the minute of the run's request, not before the run has ended.

    Counted from the end, a mapping with an interval of one minute would miss every second tick of the timer.
    """
    start = requested_at.replace(second=0, microsecond=0)
    intervals = -((start - ended_at) // interval)  # rounded up
    return start + max(1, intervals) * interval
