"""Who changed what of the configuration, and when: one document for each change, newest first.

A change of mappings is recorded in the transaction that makes it, so neither is ever stored without the other. That
document stands beside the mappings, under `unfiled|...`, and is filed into the log right after; what a crash has left
there is filed by the next look at the log.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.core.configuration_diff import MemberChange, differences
from shared.core.failures import Passing
from shared.core.jobs import job_key
from shared.core.mapping import Mapping as TableMapping
from shared.ports import Clock, Ids, Insert, Put, Remove, StateConflict, StateStore
from shared.services.repositories.documents import Shape, transact_in_chunks

LOG = "changes"
BESIDE = "mappings"
UNFILED = "unfiled|"
"""Sorts behind everything else that stands beside the mappings."""
THE_APP = "the app"
"""Who changed what nobody asked for in person."""
LONGEST = 300_000  # characters of the values in one document


@dataclass(frozen=True, slots=True)
class MappingEdit:
    """What was done to one mapping: `created`, `changed` or `removed`, and what differs."""

    mapping: str
    action: str
    members: tuple[MemberChange, ...]


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """One change: when, by whom, to which mappings, and on what occasion (`import`; empty for a single change)."""

    id: str
    at: datetime
    by: str
    edits: tuple[MappingEdit, ...]
    occasion: str = ""


CHANGE = Shape(ConfigurationChange, "change of the configuration")


def new_change(
    at: datetime, new_id: str, by: str, edits: Sequence[MappingEdit], occasion: str = ""
) -> ConfigurationChange:
    """A change of this moment. One that is too long for a document tells which members differ, and not their values."""
    told = tuple(edits)
    if sum(len(str(member)) for edit in told for member in edit.members) > LONGEST:
        told = tuple(MappingEdit(edit.mapping, edit.action, tuple(map(_shortened, edit.members))) for edit in told)
    return ConfigurationChange(job_key(at, new_id), at, by, told, occasion)


def _shortened(change: MemberChange) -> MemberChange:
    shown: list[Any] = [None if value is None else "(too long to be kept)" for value in (change.before, change.after)]
    return MemberChange(change.member, *shown)


class ConfigurationChangeRepository:
    """The log of one connection."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._connection = connection

    async def add(self, change: ConfigurationChange) -> None:
        """Record a change of something that does not stand beside the mappings."""
        await self._state.transact(LOG, self._connection, [Insert(change.id, CHANGE.pack(change))])

    async def file(self) -> None:
        """Move what was recorded with a change into the log. Filing twice is filing once."""
        while rows := await self._state.scan(BESIDE, self._connection, prefix=UNFILED, limit=100):
            filed = [Put(row.key.removeprefix(UNFILED), row.body) for row in rows]
            await transact_in_chunks(self._state, LOG, self._connection, filed)
            await transact_in_chunks(self._state, BESIDE, self._connection, [Remove(row.key) for row in rows])

    async def page(self, after: str | None, limit: int) -> list[ConfigurationChange]:
        """Changes from the newest on, beyond the id `after`; fewer than `limit` means that there are no more."""
        await self.file()
        rows = await self._state.scan(LOG, self._connection, after=after, limit=limit)
        return [CHANGE.unpack(row.body) for row in rows]


class Recorder:
    """Records what one person, or the app itself, changes of the mappings of a connection."""

    def __init__(self, log: ConfigurationChangeRepository, clock: Clock, ids: Ids, by: str) -> None:
        self._log = log
        self._clock = clock
        self._ids = ids
        self._by = by or THE_APP

    def recorded(
        self, before: Mapping[str, TableMapping], after: Mapping[str, TableMapping | None], occasion: str
    ) -> list[Insert]:
        """What goes into the transaction beside these mappings (by name; None: removed): nothing when none differs."""
        compared = (edit_of(name, before.get(name), mapping) for name, mapping in after.items())
        edits = [edit for edit in compared if edit is not None]
        if not edits:
            return []
        change = new_change(self._clock.now(), self._ids.new(), self._by, edits, occasion)
        return [Insert(UNFILED + change.id, CHANGE.pack(change))]

    async def file(self) -> None:
        """Move it into the log. Where that fails now, the next look at the log does it."""
        with suppress(Passing, StateConflict):
            await self._log.file()


def edit_of(name: str, before: TableMapping | None, after: TableMapping | None) -> MappingEdit | None:
    """What was done to one mapping; None when nothing differs."""
    members = differences(before, after)
    if before is None or after is None:
        return MappingEdit(name, "created" if after else "removed", members)
    return MappingEdit(name, "changed", members) if members else None
