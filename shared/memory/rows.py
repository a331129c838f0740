"""What the two row stores in memory have in common: rows, versions, the reading half of the port, and its refusals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import batched

from shared.core.budget import WHOLE, Share
from shared.core.failures import FeedExpired, Passing
from shared.core.records import Create, Delete, Record, RefusalKind, Refused, Update, Write, WriteResult, Written
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, Value, Values
from shared.defaults import standard_tables
from shared.memory.tables import MemoryTables
from shared.ports import Check, Clock, Ids

_PAGE = 5_000  # rows
_TEXTS = (ColumnKind.TEXT, ColumnKind.CODE)


@dataclass(frozen=True, slots=True)
class Row:
    """One stored row with a value for every column of its table. `version` grows over the whole store."""

    values: Values
    version: int
    modified_at: datetime


class Refusal(Exception):
    """One write is not done."""

    def __init__(self, kind: RefusalKind, message: str, column: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.refused = Refused(kind, message, code=kind.value, status=status, column=column)


class MemoryRows(MemoryTables):
    """The tables of one side in memory.

    `calls` counts the calls of the port's methods by name, `written` the writes done through the port by table and
    kind ("account", "create"). `put`, `edit` and `remove` are a person's hands: same rules, but not counted, read-only
    columns may be set, and what is refused raises Refusal.
    """

    side: Side

    def __init__(self, clock: Clock, ids: Ids, tables: Iterable[Table] | None = None) -> None:
        """`tables` describes what there is; default: the tables of the standard mappings."""
        known = standard_tables().values() if tables is None else tables
        self.calls: Counter[str] = Counter()
        self.written: Counter[tuple[str, str]] = Counter()
        self._clock = clock
        self._ids = ids
        self._rows: dict[str, dict[str, Row]] = {}
        super().__init__(table for table in known if table.side is self.side)
        self.account = f"{self.side.product} in memory"
        self.share = WHOLE
        self._withheld: set[tuple[str, str]] = set()
        self._held_until: datetime | None = None
        self._told_until: datetime | None = None
        self._version = 0

    # The port

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """See RowStore."""
        rows = self._asked("read", table, columns)
        return {key: self._record(table, columns, key, rows[key]) for key in ids if key in rows}

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """See RowStore: case does not count, and blank values find nothing."""
        rows = self._asked("find", table, [*columns, column])
        wanted = {value.casefold() for value in values if value}
        return [
            self._record(table, columns, key, row)
            for key, row in rows.items()
            if str(_value(table, key, row, column) or "").casefold() in wanted
        ]

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """See RowStore."""
        rows, start = self._asked("beginning", table, [*columns, column]), text.casefold()
        found = [
            self._record(table, columns, key, row)
            for key, row in rows.items()
            if str(_value(table, key, row, column) or "").casefold().startswith(start)
        ]
        return found[:most]

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """See RowStore."""
        rows = self._asked("all", table, columns)
        return [self._record(table, columns, key, row) for key, row in rows.items()]

    async def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """See RowStore."""
        rows = self._asked("pages", table, columns)
        for page in batched(list(rows.items()), _PAGE, strict=False):
            yield [self._record(table, columns, key, row) for key, row in page]

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore."""
        for page in batched(list(self._asked("ids", table, ())), _PAGE, strict=False):
            yield list(page)

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore."""
        self._asked("write", table, returning)
        return [self._result(table, write, returning) for write in writes]

    def allow(self, share: Share, paused_until: datetime | None) -> None:
        """See RowStore. Nobody waits in memory: who asks too soon meets Passing."""
        self.share, self._held_until = share, paused_until

    def paused_until(self) -> datetime | None:
        """See RowStore."""
        return self._told_until if self._told_until is not None and self._told_until > self._clock.now() else None

    def throttle(self, seconds: float) -> None:
        """As if the service had answered 429 with this Retry-After."""
        self._told_until = self._clock.now() + timedelta(seconds=seconds)

    async def check(self) -> list[Check]:
        """Always well."""
        return [Check(f"{self.side.product} in memory", True, "Rows are lost when the process ends.")]

    async def aclose(self) -> None:
        """Nothing to close."""

    # A person's hands

    def put(self, table: Table, values: Values, *, id: str | None = None) -> str:
        """Make a row; its id (the given one on both sides, so that tests can tell rows apart)."""
        return self._create(table, values, id or self._ids.new(), by_person=True)

    def edit(self, table: Table, id: str, values: Values) -> None:
        """Change columns of a row."""
        self._update(table, Update(id, values), by_person=True)

    def remove(self, table: Table, id: str) -> None:
        """Delete a row."""
        self._delete(table, Delete(id))

    def rows(self, table: Table) -> dict[str, Values]:
        """The rows as they are now, by id."""
        return {key: dict(row.values) for key, row in self._rows[table.name].items()}

    def add_table(self, table: Table) -> None:
        """Somebody extends the system by a table, or a table by columns."""
        super().add_table(table)
        self._rows.setdefault(table.name, {})

    # What a side adds

    def _new_id(self, write: Create) -> str:
        raise NotImplementedError

    def _defaults(self, table: Table, values: Values) -> Values:
        """The values that the service gives to a new row for the columns that were not sent."""
        raise NotImplementedError

    def _complete(self, table: Table, values: Values) -> None:
        """Work out computed columns, in place."""

    def _check(self, table: Table, id: str, values: Values) -> None:
        """Raise Refusal where the row may not be stored so."""

    def _cleared(self, table: Table, column: str) -> tuple[str, ...]:
        """The columns that the service blanks when this one changes."""
        return ()

    def _created(self, table: Table, id: str) -> None:
        """What follows from a new row."""

    def _deleted(self, table: Table, id: str) -> None:
        """What follows from a deletion."""

    # Writing

    def _result(self, table: Table, write: Write, returning: Sequence[str]) -> WriteResult:
        try:
            key = self._do(table, write)
        except Refusal as refusal:
            return refusal.refused
        self.written[table.name, type(write).__name__.lower()] += 1
        if isinstance(write, Delete):
            return Written(Record(key, {}))
        return Written(self._record(table, returning, key, self._rows[table.name][key]))

    def _do(self, table: Table, write: Write) -> str:
        if self.is_withheld(table, type(write).__name__.lower()):
            raise Refusal(RefusalKind.FORBIDDEN, f"The app lacks a permission on {table.caption}.", status=403)
        if (table.name, type(write).__name__.lower()) in self._withheld:
            raise Refusal(RefusalKind.FORBIDDEN, f"The app lacks a permission on {table.caption}.", status=403)
        match write:
            case Create():
                return self._create(table, write.values, self._new_id(write))
            case Update():
                self._update(table, write)
            case Delete():
                self._delete(table, write)
        return write.id

    def _create(self, table: Table, given: Values, key: str, *, by_person: bool = False) -> str:
        if key in self._rows[table.name]:
            raise Refusal(RefusalKind.EXISTS, "A record with matching key values already exists.", status=412)
        sent = {name: value for name, value in given.items() if value is not None}
        values = self._assigned(table, {column.name: None for column in table.columns}, sent, by_person)
        values |= self._defaults(table, values)
        self._complete(table, values)
        self._check(table, key, values)
        self._store(table, key, values)
        self._created(table, key)
        return key

    def _update(self, table: Table, write: Update, *, by_person: bool = False) -> None:
        row = self._present(table, write.id, write.etag)
        values = self._assigned(table, dict(row.values), write.values, by_person)
        self._complete(table, values)
        self._check(table, write.id, values)
        self._store(table, write.id, values)

    def _delete(self, table: Table, write: Delete) -> None:
        self._present(table, write.id, write.etag)
        del self._rows[table.name][write.id]
        self._version += 1
        self._deleted(table, write.id)

    def _present(self, table: Table, key: str, etag: str | None) -> Row:
        row = self._rows[table.name].get(key)
        if row is None:
            raise Refusal(RefusalKind.GONE, f"The {table.caption} does not exist.", status=404)
        if etag is not None and etag != _etag(row):
            raise Refusal(RefusalKind.CHANGED, "Another user has already changed the record.", status=412)
        return row

    def _assigned(self, table: Table, values: Values, given: Mapping[str, Value], by_person: bool) -> Values:
        """The values with the given ones, set one by one in the order of the table; the app sends no read-only ones."""
        for name in given:
            table.column(name)
        for column in table.columns:
            if column.name in given and (by_person or not column.read_only):
                new, old = canonical(column, given[column.name]), values[column.name]
                values[column.name] = new
                if old is not None and new != old:
                    values |= dict.fromkeys(self._cleared(table, column.name), None)
        return values

    def _store(self, table: Table, key: str, values: Values) -> None:
        self._version += 1
        now = self._clock.now()
        if table.modified:
            values[table.modified] = now
        self._rows[table.name][key] = Row(values, self._version, now)

    # Reading

    def _asked(self, method: str, table: Table, columns: Iterable[str]) -> dict[str, Row]:
        """Count a call of the port; the rows of the table. Raises KeyError for a column that it does not have."""
        self.calls[method] += 1
        self._mind_pauses()
        for column in columns:
            if column != table.key:
                table.column(column)
        return self._rows[table.name]

    def _mind_pauses(self) -> None:
        for until in (self._held_until, self._told_until):
            if until is not None and (wait := (until - self._clock.now()).total_seconds()) > 0:
                message = f"{self.side.product} asked for a pause of {wait:.0f} s more."
                raise Passing(message, side=self.side, code="patience", retry_after=wait)

    def _record(self, table: Table, columns: Sequence[str], key: str, row: Row) -> Record:
        values = {column: _value(table, key, row, column) for column in columns}
        return Record(key, values, _etag(row), row.modified_at if table.modified else None)


def canonical(column: Column, value: Value) -> Value:
    """The value as a service shows it once it is stored. Raises Refusal (INVALID) for a text that is too long."""
    if not isinstance(value, str):
        return value
    text = value.strip().upper() if column.kind is ColumnKind.CODE else value
    if column.kind in _TEXTS and column.max_length is not None and len(text) > column.max_length:
        message = f"The length of the string is {len(text)}, but it must be at most {column.max_length}: {column.name}."
        raise Refusal(RefusalKind.INVALID, message, column.name)
    return text or None


def position_of(fields: dict[str, object]) -> str:
    """A feed's position as text."""
    return json.dumps(fields)


def fields_of(position: str, side: Side) -> dict[str, object]:
    """The fields of a position. Raises FeedExpired for a text that is none."""
    try:
        fields = json.loads(position)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise FeedExpired("The stored position of the feed cannot be read.", side=side, code="position")
    return fields


def _etag(row: Row) -> str:
    return f'W/"{row.version}"'


def _value(table: Table, key: str, row: Row, column: str) -> Value:
    return key if column == table.key else row.values[column]
