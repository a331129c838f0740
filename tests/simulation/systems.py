"""Business Central as it is seen from outside: with a replica that lags behind."""

from __future__ import annotations

import copy
from collections import Counter

from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.rows import Row

type Rows = dict[str, dict[str, Row]]


class ReplicatedBusinessCentral(MemoryBusinessCentral):
    """Keeps what it was: `remember` after each change, `as_of` for a replica that has not heard of the latest."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._past: list[tuple[float, Rows]] = [(0.0, self._snapshot())]

    def remember(self, seconds: float) -> None:
        """Something has changed at this time."""
        self._past.append((seconds, self._snapshot()))

    def as_of(self, seconds: float) -> MemoryBusinessCentral:
        """The company as it was then, for reading."""
        rows = next((rows for at, rows in reversed(self._past) if at <= seconds), self._past[0][1])
        replica = copy.copy(self)
        replica._rows = rows
        replica.calls = Counter()
        return replica

    def _snapshot(self) -> Rows:
        return {name: dict(rows) for name, rows in self._rows.items()}  # rows themselves never change
