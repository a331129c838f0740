"""When something has to be looked at again, and what was seen lately: the two ways in which a queue keeps time."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import count, takewhile
from typing import Any

_SPARE_ENTRIES = 64


class Agenda[K]:
    """Keys with the time (milliseconds) at which to look at them.

    There is no way to take a key off: whoever looks at it must see whether there is something to do. `tidy` keeps
    entries that no longer matter from piling up.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[int, int, K]] = []
        self._order = count()

    @property
    def next(self) -> int | None:
        """The earliest time, if there is any."""
        return self._entries[0][0] if self._entries else None

    def add(self, at: int, key: K) -> None:
        """Look at `key` when it is `at`."""
        heapq.heappush(self._entries, (at, next(self._order), key))

    def take(self, now: int) -> K | None:
        """Remove and return one key whose time has come."""
        if not self._entries or self._entries[0][0] > now:
            return None
        return heapq.heappop(self._entries)[2]

    def is_crowded(self, live: int) -> bool:
        """Whether most entries no longer matter, when `live` keys do."""
        return len(self._entries) > _SPARE_ENTRIES + 2 * live

    def replace(self, entries: Iterable[tuple[int, K]]) -> None:
        """Keep these entries only."""
        self._entries = [(at, next(self._order), key) for at, key in entries]
        heapq.heapify(self._entries)


class DuplicateHistory:
    """The message ids of the last `window` milliseconds."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._seen: dict[Any, int] = {}

    def is_new(self, message_id: Any, now: int) -> bool:
        """Whether the id was not seen within the window; if so, it is from now on."""
        oldest = now - self._window
        for forgotten in list(takewhile(lambda known: self._seen[known] <= oldest, self._seen)):
            del self._seen[forgotten]
        if message_id in self._seen:
            return False
        self._seen[message_id] = now
        return True

    @property
    def seen(self) -> dict[Any, int]:
        """What was seen, and when."""
        return dict(self._seen)

    def recall(self, seen: Mapping[Any, int]) -> None:
        """Go on from what another history has seen."""
        self._seen = dict(seen)
