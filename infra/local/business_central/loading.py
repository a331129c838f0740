"""Rows in bulk: an old world stored quickly, edits by people, and a dump of a whole set.

A row to be created may set `id`, read-only and hidden properties; no field changes another one. A customer or vendor
comes with its contact (`contactId` and `contactNumber` in its row name it, else id and number are made).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from infra.local.business_central import writing
from infra.local.business_central.checking import accept
from infra.local.business_central.database import LINKS, Record, Rows, columns, new_version
from infra.local.business_central.errors import ApiError
from infra.local.business_central.etags import etag
from infra.local.business_central.rules.partners import PartnerTable
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.rules.work import CONTACTS, LAST_CHANGE, Work
from infra.local.business_central.schema import ENTITY_SETS, EntitySet
from infra.local.business_central.values import CONVERSIONS
from infra.local.simulator.rows import CHUNK, Order, WrongRowError
from infra.local.simulator.templates import Row
from infra.local.simulator.wrong_body import WrongBodyError

_CONTACT_ID, _CONTACT_NUMBER = "contactId", "contactNumber"


def stored_set(name: str, where: str) -> EntitySet:
    """Answer the set with this name that has a table of its own; raises WrongBodyError."""
    if name not in ENTITY_SETS or not ENTITY_SETS[name].stored or name == "subscriptions":
        raise WrongBodyError(where, f"'{name}' is no set that is stored")
    return ENTITY_SETS[name]


class Loader:
    """Does one order on one set, a chunk of rows at a time: everything of the chunk or nothing."""

    def __init__(self, work: Work, order: Order) -> None:
        self._work = work
        self._set = stored_set(order.table, "table")
        allowed = {"create": self._set.insert, "update": self._set.update, "delete": self._set.delete}
        if not allowed[order.operation]:
            raise WrongBodyError("operation", f"{self._set.name} has no {order.operation}")
        self._table = TABLES[self._set.name]
        self._do = {"create": self._create, "update": self._update, "delete": self._delete}[order.operation]

    def store(self, rows: Sequence[Row]) -> None:
        """Do one chunk; raises WrongRowError."""
        with self._work.database.transaction():
            self._do(rows)

    def _create(self, rows: Sequence[Row]) -> None:
        made = [_refused(at, row, self._made) for at, row in enumerate(rows)]
        self._insert(self._set, made)
        if isinstance(self._table, PartnerTable) and self._work.switches.create_contacts:
            contacts = [self._contact(self._table, one, row) for one, row in zip(made, rows, strict=True)]
            self._insert(CONTACTS, contacts)
            links = ((one["id"], self._set.name, partner["id"]) for one, partner in zip(contacts, made, strict=True))
            self._work.database.connection.executemany(f"INSERT INTO {LINKS} VALUES (?, ?, ?)", links)

    def _made(self, row: Row) -> Record:
        work, table = self._work, self._table
        record, before = table.blank(), table.blank()
        body = {name: value for name, value in row.items() if name not in (_CONTACT_ID, _CONTACT_NUMBER)}
        for one, value in writing.members(work, self._set, body):
            table.assign(work, record, before, one, accept(work.database, self._set, one, value))
        if record[self._set.identity] == before[self._set.identity]:
            record[self._set.identity] = work.identifiers.new()
        table.prepare(work, record)
        if LAST_CHANGE in record and record[LAST_CHANGE] == before[LAST_CHANGE]:
            record[LAST_CHANGE] = work.clock.now()
        return record

    def _contact(self, table: PartnerTable, partner: Record, row: Row) -> Record:
        contact = TABLES["contacts"].blank()
        contact["id"] = str(row.get(_CONTACT_ID) or self._work.identifiers.new()).lower()
        contact["number"] = str(row.get(_CONTACT_NUMBER) or "")
        return table.new_contact(self._work, partner, contact) | {LAST_CHANGE: partner[LAST_CHANGE]}

    def _insert(self, entity_set: EntitySet, records: Sequence[Record]) -> None:
        names = columns(entity_set.name)[:-1]
        rows = ([*map(record.__getitem__, names), new_version()] for record in records)
        try:
            with self._work.database.transaction():
                self._work.database.insert_many(entity_set.name, rows)
        except sqlite3.IntegrityError as error:
            at = self._first_taken(entity_set, records)
            raise WrongRowError(at, f"{entity_set.name} has such an id or {entity_set.key} already") from error

    def _first_taken(self, entity_set: EntitySet, records: Sequence[Record]) -> int:
        """The place of the first row whose id or key is there already, or stands in the chunk twice."""
        exists, seen = self._work.database.exists, set[Any]()
        for at, record in enumerate(records):
            keys = {(name, record[name]) for name in (entity_set.identity, entity_set.key)}
            if keys & seen or any(exists(entity_set.name, name, value) for name, value in keys):
                return at
            seen |= keys
        return 0

    def _update(self, rows: Sequence[Row]) -> None:
        for at, row in enumerate(rows):
            _refused(at, row, self._changed)

    def _changed(self, row: Row) -> None:
        name, identity = self._existing(row)
        values = {key: value for key, value in row.items() if key != name}
        writing.update(self._work, self._set, identity, values, "*")

    def _delete(self, rows: Sequence[Row]) -> None:
        for at, row in enumerate(rows):
            _refused(at, row, lambda one: writing.delete(self._work, self._set, self._existing(one)[1], None))

    def _existing(self, row: Row) -> tuple[str, str]:
        """By which property a row is named (its id, else its number or code), and its id."""
        name = next((one for one in (self._set.identity, self._set.key) if one in row), "")
        value = str(row.get(name, ""))
        key = value.lower() if name == self._set.identity else value
        found = self._work.database.find(self._set.name, name, key) if name else None
        if found is None:
            raise WrongBodyError(self._set.identity, "names no row")
        return name, str(found[self._set.identity])


def _refused[Made](at: int, row: Row, do: Callable[[Row], Made]) -> Made:
    try:
        return do(row)
    except ApiError as error:
        raise WrongRowError(at, f"{error.code} {error.message}") from error
    except WrongBodyError as error:
        raise WrongRowError(at, str(error)) from error


def dump(rows: Rows, name: str, wanted: Sequence[str]) -> Iterator[list[Row]]:
    """Answer all rows of a set in chunks, in the order of their ids; hidden properties, too. Raises WrongBodyError."""
    entity_set = stored_set(name, "table")
    for one in wanted:
        if one not in entity_set.properties:
            raise WrongBodyError("columns", f"{name} has no '{one}'")
    return _dumped(rows, entity_set, [entity_set.identity, *wanted] if wanted else list(entity_set.properties))


def _dumped(rows: Rows, entity_set: EntitySet, names: Sequence[str]) -> Iterator[list[Row]]:
    """Read the id and these properties of all rows."""
    wanted = ["@odata.etag", *dict.fromkeys(names)]
    conversions = ((name, CONVERSIONS.get(entity_set.properties[name].kind)) for name in wanted[1:])
    converted = [(name, convert) for name, convert in conversions if convert]
    listed = ", ".join(f'"{name}"' for name in ("version", *wanted[1:], entity_set.identity))
    sql = f'SELECT {listed} FROM {entity_set.name} WHERE "{entity_set.identity}" > ?'
    last: Any = ""
    while found := rows.query(f'{sql} ORDER BY "{entity_set.identity}" LIMIT {CHUNK}', (last,)):
        yield [_row(dict(zip(wanted, row, strict=False)), converted) for row in found]
        last = found[-1][-1]


def _row(row: Row, converted: Sequence[tuple[str, Callable[[Any], Any]]]) -> Row:
    row["@odata.etag"] = etag(int(row["@odata.etag"]))
    for name, convert in converted:
        row[name] = convert(row[name])
    return row
