"""What people call records: number and title, read for one page of an answer at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from shared.core.records import Record
from shared.core.refusals import name_of_record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.forms.base import RecordName


class Names:
    """The names of records of both sides, by id; `spoken` are those for a sentence."""

    def __init__(self, tables: Mapping[Side, Table]) -> None:
        self._tables = tables
        self._records: dict[Side, dict[str, Record]] = {side: {} for side in Side}
        self.spoken: dict[str, str] = {}

    async def read(self, services: Services, ids: Mapping[Side, Iterable[str]]) -> None:
        """Learn the names of these records; a record that is gone keeps its id for a name."""
        await asyncio.gather(*(self._read(services, side, sorted(set(wanted))) for side, wanted in ids.items()))

    def of(self, side: Side, record_id: str) -> RecordName:
        """A record with number and title."""
        record, table = self._records[side].get(record_id), self._tables[side]
        if record is None:
            return RecordName(id=record_id)
        return record_name(record, table)

    async def _read(self, services: Services, side: Side, ids: list[str]) -> None:
        if ids:
            table = self._tables[side]
            found = await services.rows(side).read(table, columns_of_names(table), ids)
            self._records[side] |= found
            self.spoken |= {one: name_of_record(record, table) for one, record in found.items()}


def columns_of_names(table: Table) -> list[str]:
    """The columns that people know a record by."""
    return [name for name in (table.number, table.title) if name]


def record_name(record: Record, table: Table) -> RecordName:
    """A record that was read, as people know it."""
    number, title = (record.values.get(name) if name else None for name in (table.number, table.title))
    return RecordName(
        id=record.id, number=None if number is None else str(number), title=None if title is None else str(title)
    )
