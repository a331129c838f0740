"""The mappings of a connection, each with the version that a change must name."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.mapping import Mapping
from shared.ports import Insert, Put, StateConflict, StateStore
from shared.services.repositories.documents import Shape

TABLE = "mappings"
SHAPE = Shape(Mapping, "mapping")


@dataclass(frozen=True, slots=True)
class StoredMapping:
    """A mapping and its version."""

    mapping: Mapping
    etag: str


class MappingRepository:
    """Reads and changes mappings; the standard ones are put there the first time anybody looks."""

    def __init__(self, state: StateStore, connection: str, standard: tuple[Mapping, ...]) -> None:
        self._state = state
        self._connection = connection
        self._standard = standard

    async def all(self) -> list[StoredMapping]:
        """Every mapping, by name."""
        rows = await self._state.scan(TABLE, self._connection)
        if not rows:
            await self._install()
            rows = await self._state.scan(TABLE, self._connection)
        return [StoredMapping(SHAPE.unpack(row.body), row.etag) for row in rows]

    async def get(self, name: str) -> StoredMapping | None:
        """One mapping by its name, in any case."""
        return next((stored for stored in await self.all() if stored.mapping.name == name.upper()), None)

    async def save(self, mapping: Mapping, etag: str) -> StoredMapping:
        """Replace a mapping if it still is at that version. Raises StateConflict."""
        body = SHAPE.pack(mapping)
        etags = await self._state.transact(TABLE, self._connection, [Put(mapping.name, body, etag)])
        return StoredMapping(mapping, etags[mapping.name])

    async def _install(self) -> None:
        changes = [Insert(m.name, SHAPE.pack(m)) for m in self._standard]
        try:
            await self._state.transact(TABLE, self._connection, changes)
        except StateConflict:
            return  # another instance was quicker
