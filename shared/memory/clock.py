"""A clock that stands still until it is moved, and ids that come in a foreseeable row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)  # a Monday morning


class SettableClock:
    """`ports.Clock` whose time is set by hand."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """The time last set; aware, UTC."""
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to a time, which may lie in the past. Raises ValueError for a naive one."""
        if now.tzinfo is None:
            raise ValueError("a time has a time zone")
        self._now = now.astimezone(UTC)

    def advance(self, *, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
        """Move on by this much; the new time."""
        self._now += timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
        return self._now


class SequentialIds:
    """`ports.Ids` that counts: `<series>-0000-4000-8000-000000000001`, ...0002 and so on."""

    def __init__(self, series: int = 0) -> None:
        """`series` keeps several sources apart."""
        self._series = series
        self._given = 0

    def new(self) -> str:
        """The next id: a GUID text (version 4 by its look), lower case."""
        self._given += 1
        return f"{self._series:08x}-0000-4000-8000-{self._given:012x}"
