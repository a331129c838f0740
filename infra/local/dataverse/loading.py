"""Rows in bulk: an old world stored quickly, edits by people, and a dump of a whole table."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import uuid4

from infra.local.dataverse.errors import Refusal
from infra.local.dataverse.query.selection import Selection, selection_of
from infra.local.dataverse.schema.catalog import BY_SET, TABLES
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.storage import Storage, stored_columns
from infra.local.dataverse.values import guid, seconds_of
from infra.local.dataverse.writing.deleting import delete
from infra.local.dataverse.writing.payload import read_payload
from infra.local.dataverse.writing.records import new_row, update
from infra.local.simulator.rows import CHUNK, Order, WrongRowError
from infra.local.simulator.templates import Row
from infra.local.simulator.wrong_body import WrongBodyError

_MOMENTS = ("modifiedon", "createdon")


def table_named(name: object, where: str) -> Table:
    """Answer the table with this logical name or set name; raises WrongBodyError."""
    table = TABLES.get(str(name)) or BY_SET.get(str(name))
    if table is None:
        raise WrongBodyError(f"{where}.{name}", "is no table here")
    return table


def moment_in(value: object, where: str) -> int:
    """Answer a date-time as stored; raises WrongBodyError."""
    seconds = seconds_of(value) if isinstance(value, str) else None
    if seconds is None:
        raise WrongBodyError(where, "is no date-time")
    return int(seconds)


class Loader:
    """Does one order on one table, a chunk of rows at a time: everything of the chunk or nothing."""

    def __init__(self, session: Session, order: Order) -> None:
        self._session = session
        self._order = order
        self._table = table_named(order.table, "table")
        self._names = stored_columns(self._table)
        marks, columns = ", ".join("?" * len(self._names)), ", ".join(f'"{name}"' for name in self._names)
        self._insert = f'INSERT INTO "{self._table.name}" ({columns}) VALUES ({marks})'

    def store(self, rows: Sequence[Row]) -> None:
        """Do one chunk; raises WrongRowError."""
        do = {"create": self._create, "update": self._update, "delete": self._delete}[self._order.operation]
        with self._session.storage.transaction():
            do(rows)

    def _create(self, rows: Sequence[Row]) -> None:
        made = [self._refused(at, row, self._made) for at, row in enumerate(rows)]
        try:
            with self._session.storage.transaction():
                self._session.storage.run_many(self._insert, made)
        except sqlite3.IntegrityError as error:
            at = self._first_taken(made)
            raise WrongRowError(at, "a record with this id is there already") from error
        ids = ((self._table.name, one[self._names.index(self._table.id)]) for one in made)
        self._session.storage.run_many("DELETE FROM deleted WHERE entity = ? AND id = ?", ids)

    def _made(self, row: Row) -> list[Any]:
        given = dict(row)
        moments = {name: moment_in(given.pop(name), name) for name in _MOMENTS if name in given}
        payload = read_payload(self._session, self._table, given, creating=True)
        if payload.parents or payload.children or payload.joined:
            raise WrongBodyError("row", "may not nest other rows")
        new_id = str(payload.values.get(self._table.id) or uuid4())
        made = new_row(self._session, self._table, payload.values, new_id) | moments
        if not self._order.tracked:
            made["versionnumber"] = self._session.storage.past_version()
        return [made.get(name) for name in self._names]

    def _first_taken(self, made: Sequence[Sequence[Any]]) -> int:
        """The place of the first row whose id is there already, or stands in the chunk twice."""
        seen: set[Any] = set()
        sql = f'SELECT 1 FROM "{self._table.name}" WHERE "{self._table.id}" = ?'
        place = self._names.index(self._table.id)
        for at, row in enumerate(made):
            if row[place] in seen or self._session.storage.one(sql, [row[place]]):
                return at
            seen.add(row[place])
        return 0

    def _update(self, rows: Sequence[Row]) -> None:
        for at, row in enumerate(rows):
            self._refused(at, row, self._changed)

    def _changed(self, row: Row) -> None:
        values = {name: value for name, value in row.items() if name != self._table.id}
        update(self._session, self._table, self._id_in(row), values)

    def _delete(self, rows: Sequence[Row]) -> None:
        for at, row in enumerate(rows):
            self._refused(at, row, lambda one: delete(self._session, self._table, self._id_in(one)))

    def _id_in(self, row: Row) -> str:
        row_id = guid(str(row.get(self._table.id)))
        if row_id is None:
            raise WrongBodyError(self._table.id, "is no GUID")
        return row_id

    def _refused(self, at: int, row: Row, do: Any) -> Any:
        try:
            return do(row)
        except Refusal as refusal:
            raise WrongRowError(at, f"{refusal.code} {refusal.message}") from refusal
        except WrongBodyError as error:
            raise WrongRowError(at, str(error)) from error


def dump(storage: Storage, name: str, columns: Sequence[str]) -> Iterator[list[Row]]:
    """Answer all rows of a table in chunks, in the order of their ids. Raises WrongBodyError."""
    table = table_named(name, "table")
    try:
        selection = selection_of(table, ",".join(columns))
    except Refusal as refusal:
        raise WrongBodyError("columns", refusal.message) from refusal
    return _dumped(storage, selection)


def _dumped(storage: Storage, selection: Selection) -> Iterator[list[Row]]:
    table = selection.table
    sql = f'SELECT {selection.sql} FROM "{table.name}" t WHERE t."{table.id}" > ? ORDER BY t."{table.id}" LIMIT {CHUNK}'
    last = ""
    while found := storage.all(sql, [last]):
        yield [selection.row(values) for values in found]
        last = found[-1][0]
