"""Dataverse's row store in memory: `ports.DataverseStore`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.core.failures import FeedExpired
from shared.core.records import ChangePage, Create, RefusalKind
from shared.core.sides import Side
from shared.core.tables import ColumnKind, Table, Value, Values
from shared.memory.rows import MemoryRows, Refusal, fields_of, position_of
from shared.ports import Clock, Ids

_UNIQUE = {"transactioncurrency": "isocurrencycode"}
_PERSONS = {  # whose fullname is put together
    "contact": ("firstname", "middlename", "lastname"),
    "systemuser": ("firstname", "lastname"),
}


class MemoryDataverse(MemoryRows):
    """One environment.

    As in the Web API: an id may be chosen by the caller, a new row is active, lookups must name a row that exists.
    The feed tells every change once, with the row as it is by then, and every deletion; `forget_changes` makes the
    service forget what it could tell, as after its retention period.
    """

    side = Side.DATAVERSE

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        tables: Iterable[Table] | None = None,
        *,
        choices: Mapping[tuple[str, str], Mapping[int, str]] | None = None,
    ) -> None:
        """`choices`: labels by value, by (table name, column)."""
        self._deletions: dict[str, dict[str, int]] = {}
        super().__init__(clock, ids, tables)
        self._choices = dict(choices or {})
        self._oldest = 0

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore. First every row in the order of ids, then changes in the order in which they were made."""
        self._asked("changes", table, columns)
        first = {"upto": self._version, "after": "", "columns": list(columns)}
        fields = fields_of(position, self.side) if position else first
        shown = fields.get("columns")
        if not isinstance(shown, list) or not set(columns) <= set(shown):  # the service keeps them in its links
            raise FeedExpired(f"The feed of {table.name} shows other columns.", side=self.side, code="position")
        if "upto" in fields:
            return self._first_page(table, columns, fields, page_size)
        return self._later_page(table, columns, fields, page_size)

    async def has_news(self, table: Table, position: str | None) -> bool:
        """See RowStore: a change or a deletion beyond the position."""
        self._asked("has_news", table, ())
        try:
            fields = fields_of(position or "", self.side)
        except FeedExpired:
            return True
        since = int(str(fields.get("since", -1)))
        if since < self._oldest:
            return True
        versions = [row.version for row in self._rows[table.name].values()]
        return any(version > since for version in (*versions, *self._deletions[table.name].values()))

    def is_settled(self, position: str | None) -> bool:
        """See RowStore."""
        return position is not None

    async def choices(self, table: Table, column: str) -> dict[int, str]:
        """See DataverseStore."""
        self.calls["choices"] += 1
        return dict(self._choices.get((table.name, column), {}))

    def set_choices(self, table_name: str, column: str, labels: Mapping[int, str]) -> None:
        """Somebody gives a choice column these labels."""
        self._choices[(table_name, column)] = dict(labels)

    def add_table(self, table: Table) -> None:
        """See MemoryRows."""
        super().add_table(table)
        self._deletions.setdefault(table.name, {})

    def forget_changes(self) -> None:
        """From now on every position given out before is too old."""
        self._version += 1
        self._oldest = self._version

    def _first_page(self, table: Table, columns: Sequence[str], fields: dict[str, object], size: int) -> ChangePage:
        rows = self._rows[table.name]
        wanted = sorted(key for key in rows if key > str(fields["after"]))
        records = tuple(self._record(table, columns, key, rows[key]) for key in wanted[:size])
        if len(wanted) > size:
            return ChangePage(records, position_of({**fields, "after": wanted[size - 1]}), more=True)
        return ChangePage(records, position_of({"since": fields["upto"], "columns": fields["columns"]}), more=False)

    def _later_page(self, table: Table, columns: Sequence[str], fields: dict[str, object], size: int) -> ChangePage:
        since = int(str(fields["since"]))
        if since < self._oldest:
            raise FeedExpired("The changes since that position are forgotten.", side=self.side, code="0x80044352")
        rows = self._rows[table.name]
        versions = {key: row.version for key, row in rows.items()} | self._deletions[table.name]
        changed = sorted((version, key) for key, version in versions.items() if version > since)
        page = changed[:size]
        reached = page[-1][0] if page else since
        return ChangePage(
            tuple(self._record(table, columns, key, rows[key]) for _, key in page if key in rows),
            position_of({"since": reached, "columns": fields["columns"]}),
            more=len(changed) > len(page),
            deleted=tuple(key for _, key in page if key not in rows),
        )

    def _new_id(self, write: Create) -> str:
        return write.id or self._ids.new()

    def _defaults(self, table: Table, values: Values) -> Values:
        defaults: Values = {"statecode": 0, "statuscode": 1, "createdon": self._clock.now()}
        return {name: value for name, value in defaults.items() if name in values and values[name] is None}

    def _complete(self, table: Table, values: Values) -> None:
        if parts := _PERSONS.get(table.name):
            name = " ".join(str(values[part]) for part in parts if values[part])
            values["fullname"] = name or values["fullname"]
        if "accountid" in values and "parentcustomerid" in values:
            values["accountid"] = values["parentcustomerid"]  # the read-only mirror, as only accounts are parents here

    def _check(self, table: Table, id: str, values: Values) -> None:
        for column in table.columns:
            value = values[column.name]
            if column.kind is ColumnKind.LOOKUP and value is not None and not column.read_only:
                self._check_reference(column.name, column.target_set, value)
        if (unique := _UNIQUE.get(table.name)) and values[unique] is not None:
            rows = self._rows[table.name].items()
            if any(row.values[unique] == values[unique] for key, row in rows if key != id):
                raise Refusal(RefusalKind.EXISTS, f"A row with this {unique} already exists.", unique, 412)

    def _check_reference(self, column: str, target_set: str | None, value: Value) -> None:
        targets = [table.name for table in self._tables.values() if table.entity_set == target_set]
        if targets and not any(value in self._rows[name] for name in targets):
            raise Refusal(RefusalKind.INVALID, f"The row {value} that {column} names does not exist.", column, 404)

    def _created(self, table: Table, id: str) -> None:
        self._deletions[table.name].pop(id, None)

    def _deleted(self, table: Table, id: str) -> None:
        self._deletions[table.name][id] = self._version
