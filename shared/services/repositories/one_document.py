"""A document of which a connection has just one, changed only over the version that was read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from shared.ports import Insert, Put, StateConflict, StateStore
from shared.services.repositories.documents import Shape


@dataclass(frozen=True, slots=True)
class Stored[T]:
    """The document and its version, None before it is stored."""

    value: T
    etag: str | None


class OneDocument[T]:
    """Reads and changes it; `empty` makes what it says before it is stored."""

    def __init__(
        self, state: StateStore, connection: str, table: str, key: str, shape: Shape[T], empty: Callable[[], T]
    ) -> None:
        self._state = state
        self._connection = connection
        self._table = table
        self._key = key
        self._shape = shape
        self._empty = empty

    async def get(self) -> Stored[T]:
        """As it is now."""
        row = await self._state.get(self._table, self._connection, self._key)
        return Stored(self._shape.unpack(row.body), row.etag) if row else Stored(self._empty(), None)

    async def save(self, value: T, stored: Stored[T]) -> Stored[T]:
        """Store it unless somebody else did since it was read. Raises StateConflict."""
        body = self._shape.pack(value)
        change = Insert(self._key, body) if stored.etag is None else Put(self._key, body, stored.etag)
        etags = await self._state.transact(self._table, self._connection, [change])
        return Stored(value, etags[self._key])

    async def change(self, change: Callable[[T], T]) -> T:
        """Change it, anew as often as somebody else does at the same moment; what it is then."""
        while True:
            stored = await self.get()
            changed = change(stored.value)
            if changed == stored.value:
                return changed
            try:
                return (await self.save(changed, stored)).value
            except StateConflict:
                continue
