"""Time in the simulation: the services' own, and each instance's, which may be wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from shared.memory.clock import START


class VirtualTime:
    """The true time, in seconds since the beginning; `ports.Clock` of both services, storage and queue."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._shown: tuple[float, datetime] = (0.0, START)

    def now(self) -> datetime:
        """The time; aware, UTC."""
        if self._shown[0] != self.seconds:
            self._shown = (self.seconds, START + timedelta(seconds=self.seconds))
        return self._shown[1]

    @contextmanager
    def as_it_was(self, seconds: float) -> Iterator[None]:
        """What is stored inside gets the stamp of an earlier time: a transaction that commits late."""
        kept, self.seconds = self.seconds, min(seconds, self.seconds)
        try:
            yield
        finally:
            self.seconds = kept


class SkewedClock:
    """An instance's clock, some seconds ahead (or behind)."""

    def __init__(self, time: VirtualTime, ahead: float) -> None:
        self._time = time
        self._ahead = timedelta(seconds=ahead)

    def now(self) -> datetime:
        """What this instance takes for the time."""
        return self._time.now() + self._ahead
