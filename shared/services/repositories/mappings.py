"""The mappings of a connection, each with the version that a change must name.

In the same partition stand, stored in one transaction with the mappings that need them: `table|SIDE|NAME`, the
description of a table that the standard set does not know; `removal|NAME`, a mapping that is being removed, and for a
while after `removed|NAME`; and `installed|`, which tells that the standard mappings were put there once and may have
been removed since. A change of mappings is recorded there, too (see `configuration_changes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.mapping import Mapping
from shared.ports import Insert, Put, Remove, StateChange, StateConflict, StateRow, StateStore
from shared.services.read_tables import PREFIX, ReadTables
from shared.services.repositories.configuration_changes import Recorder
from shared.services.repositories.documents import Shape

TABLE = "mappings"
SHAPE = Shape(Mapping, "mapping")
INSTALLED = "installed|"
REMOVAL = "removal|"
REMOVED = "removed|"


@dataclass(frozen=True, slots=True)
class StoredMapping:
    """A mapping and its version."""

    mapping: Mapping
    etag: str


@dataclass(frozen=True, slots=True)
class Removal:
    """A mapping that is being removed: by which job, asked for by whom and when; `turn` counts its messages.

    When all is gone, the removal `is_over`: until somebody has looked once more for what came late, it is remembered.
    """

    mapping: str
    job: str
    requested_by: str
    requested_at: datetime
    touched_at: datetime
    turn: int = 0
    is_over: bool = False

    @property
    def key(self) -> str:
        """Where it is stored."""
        return f"{REMOVED if self.is_over else REMOVAL}{self.mapping}"


REMOVALS = Shape(Removal, "removal of a mapping")


class MappingRepository:
    """Reads and changes mappings; the standard ones are put there the first time anybody looks."""

    def __init__(
        self,
        state: StateStore,
        connection: str,
        standard: tuple[Mapping, ...],
        read: ReadTables | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._state = state
        self._connection = connection
        self._standard = standard
        self._read = read or ReadTables()
        self._recorder = recorder

    async def all(self) -> list[StoredMapping]:
        """Every mapping, by name."""
        mappings, _ = await self.with_removals()
        return mappings

    async def with_removals(self) -> tuple[list[StoredMapping], list[Removal]]:
        """Every mapping by name, and the removals that are under way or remembered, at the cost of one."""
        rows = await self._rows()
        mappings = [StoredMapping(SHAPE.unpack(row.body), row.etag) for row in rows if "|" not in row.key]
        return mappings, [REMOVALS.unpack(row.body) for row in rows if row.key.startswith((REMOVAL, REMOVED))]

    async def get(self, name: str) -> StoredMapping | None:
        """One mapping by its name, in any case."""
        return next((stored for stored in await self.all() if stored.mapping.name == name.upper()), None)

    async def save(self, mapping: Mapping, etag: str | None, also: Sequence[StateChange] = ()) -> StoredMapping:
        """Replace a mapping if it still is at that version (None: add it), and with it change what stands beside it.

        Raises StateConflict.
        """
        body = SHAPE.pack(mapping)
        change = Insert(mapping.name, body) if etag is None else Put(mapping.name, body, etag)
        etags = await self.change([change, *also])
        return StoredMapping(mapping, etags[mapping.name])

    async def change(self, changes: Sequence[StateChange], occasion: str = "") -> dict[str, str]:
        """Change mappings and what stands beside them, all or nothing; the new versions. Raises StateConflict.

        Who did it is recorded in the same transaction, and on what `occasion` where it is a special one.
        """
        record = await self._recorded(changes, occasion)
        etags = await self._state.transact(TABLE, self._connection, [*changes, *record])
        if record and self._recorder:
            await self._recorder.file()
        await self._rows()
        return etags

    async def _recorded(self, changes: Sequence[StateChange], occasion: str) -> Sequence[StateChange]:
        """What tells of changed mappings; nothing where none is."""
        after = {
            one.key: None if isinstance(one, Remove) else SHAPE.unpack(dict(one.body))
            for one in changes
            if "|" not in one.key
        }
        if not after or self._recorder is None:
            return []
        rows = await self._state.get_many(TABLE, self._connection, list(after))
        before = {key: SHAPE.unpack(row.body) for key, row in rows.items()}
        return self._recorder.recorded(before, after, occasion)

    async def removal(self, name: str, *, is_over: bool = False) -> Removal | None:
        """How far the removal of a mapping has come; None when it is not being removed. Or the one that `is_over`."""
        row = await self._state.get(TABLE, self._connection, f"{REMOVED if is_over else REMOVAL}{name}")
        return REMOVALS.unpack(row.body) if row else None

    async def _rows(self) -> list[StateRow]:
        """Every document; the descriptions of tables are learned along the way."""
        rows = await self._state.scan(TABLE, self._connection)
        if not rows:
            await self._install()
            rows = await self._state.scan(TABLE, self._connection)
        self._read.learn(row for row in rows if row.key.startswith(PREFIX))
        return rows

    async def _install(self) -> None:
        changes: list[StateChange] = [Insert(m.name, SHAPE.pack(m)) for m in self._standard]
        try:
            await self._state.transact(TABLE, self._connection, [*changes, Put(INSTALLED, {})])
        except StateConflict:
            return  # another instance was quicker


def removal_goes_on(before: Removal, after: Removal) -> list[StateChange]:
    """A removal takes a step, maybe to its end."""
    gone = [Remove(before.key)] if before.key != after.key else []
    return [*gone, Put(after.key, REMOVALS.pack(after))]


def removal_begins(removal: Removal, etag: str) -> list[StateChange]:
    """A mapping at this version goes, and its removal begins."""
    return [
        Remove(removal.mapping, etag),
        Insert(removal.key, REMOVALS.pack(removal)),
        Put(INSTALLED, {}),
    ]
