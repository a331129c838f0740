"""Business Central's row store in memory: `ports.BusinessCentralStore`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

from shared.core.failures import FeedExpired
from shared.core.records import ChangePage, Create, RefusalKind
from shared.core.sides import Side
from shared.core.tables import ColumnKind, Table, Value, Values
from shared.memory.rows import MemoryRows, Refusal, Row, fields_of, position_of
from shared.ports import Clock, Ids

_BLANKS: dict[ColumnKind, Value] = {ColumnKind.INTEGER: 0, ColumnKind.DECIMAL: 0, ColumnKind.BOOLEAN: False}
_MOST_TOLD = 200  # rows of a scan that are not told again
_SERIES = {"customers": "C", "vendors": "V", "contacts": "CT"}  # beginnings of the numbers given by the store
_RELATIONS = {"customers": "Customer", "vendors": "Vendor"}
# Columns that must name a record which exists: the table and its column, None for the id.
_REFERENCES: dict[str, tuple[str, str | None]] = {
    "salespersonCode": ("salespeoplePurchasers", "code"),
    "companyNumber": ("contacts", "number"),
    "currencyId": ("currencies", None),
    "paymentTermsId": ("paymentTerms", None),
    "shipmentMethodId": ("shipmentMethods", None),
}


class MemoryBusinessCentral(MemoryRows):
    """One company.

    As in the API v2.0: ids and numbers are given by the store, numbers and codes are unique, Code columns are
    upper-cased, a changed country blanks the address columns that the table's description names, a new customer or
    vendor brings its contact along. The feed goes by time of modification with an overlap, and tells no
    deletions. Not as there: an edit of a customer is not mirrored to its contact.
    """

    side = Side.BUSINESS_CENTRAL

    def __init__(
        self,
        clock: Clock,
        ids: Ids,
        tables: Iterable[Table] | None = None,
        *,
        overlap: timedelta = timedelta(minutes=10),
        margin: timedelta = timedelta(minutes=15),
    ) -> None:
        super().__init__(clock, ids, tables)
        self._overlap = overlap
        self._margin = margin
        self._numbers: Counter[str] = Counter()
        self._contacts: dict[tuple[str, str], str] = {}  # (table, id) of a customer or vendor -> id of its contact

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore: a scan in the order of ids through what was modified since the last one, less the overlap.

        Or since the last one began, less the margin, if that is later; scans through everything do not count for it.
        What a short scan has told, the next one does not tell again.
        """
        rows = self._asked("changes", table, columns)
        fields = fields_of(position, self.side) if position else {}
        since, newest, scanned, begun = (_moment(fields.get(name)) for name in ("since", "newest", "scanned", "begun"))
        after, start = str(fields.get("after") or ""), self._start(since, scanned)
        begun = begun or (self._clock.now() if since else None)
        wanted = [key for key in sorted(rows) if key > after and (start is None or rows[key].modified_at >= start)]
        page = {key: rows[key] for key in wanted[:page_size]}
        newest = _latest(newest, *_moments(page.values()))
        is_short = not after and len(wanted) <= _MOST_TOLD
        told = [[key, row.version, *columns] for key, row in page.items()]
        known = cast(list[list[object]], fields.get("told") or [])
        news = [key for key, one in zip(page, told, strict=True) if one not in known]
        records = tuple(self._record(table, columns, key, page[key]) for key in news)
        if len(wanted) > len(page):
            reached = {"since": since, "scanned": scanned, "begun": begun, "newest": newest, "told": known}
            return ChangePage(records, _position({**reached, "after": max(page)}), more=True)
        done = {"since": _latest(since, newest), "scanned": _latest(scanned, begun), "told": told if is_short else []}
        return ChangePage(records, _position(done), more=False)

    async def has_news(self, table: Table, position: str | None) -> bool:
        """See RowStore: by the row that was modified last."""
        rows = self._asked("has_news", table, ())
        fields = _fields(position)
        if fields is None or not table.modified:
            return True
        since = _moment(fields.get("since"))
        return any(since is None or row.modified_at > since for row in rows.values())

    async def count(self, table: Table) -> int:
        """See BusinessCentralStore."""
        return len(self._asked("count", table, ()))

    def is_settled(self, position: str | None) -> bool:
        """See RowStore."""
        fields = _fields(position)
        if fields is None:
            return False
        since, scanned = _moment(fields.get("since")), _moment(fields.get("scanned"))
        return since is None or (scanned is not None and scanned - since >= self._margin)

    async def company_contacts(self, table: Table, ids: Sequence[str]) -> dict[str, str]:
        """See BusinessCentralStore."""
        self.calls["company_contacts"] += 1
        contacts = self._rows["contacts"]
        linked = {key: contacts.get(self._contacts.get((table.name, key), "")) for key in ids}
        return {
            key: str(contact.values["number"])
            for key, contact in linked.items()
            if contact is not None and contact.values["type"] == "Company"
        }

    def _start(self, since: datetime | None, scanned: datetime | None) -> datetime | None:
        return _latest(since - self._overlap, scanned - self._margin if scanned else None) if since else None

    def _new_id(self, write: Create) -> str:
        return self._ids.new()

    def _defaults(self, table: Table, values: Values) -> Values:
        defaults: Values = {}
        if table.number and values[table.number] is None and table.name in _SERIES:
            self._numbers[table.name] += 1
            defaults[table.number] = f"{_SERIES[table.name]}{self._numbers[table.name]:05}"
        if table.name in ("customers", "contacts") and values["type"] is None:
            defaults["type"] = "Company"
        if table.name == "companyInformation":
            defaults["currencyCode"] = "EUR"
        return defaults

    def _complete(self, table: Table, values: Values) -> None:
        for column in table.columns:
            if values[column.name] is None and column.kind in _BLANKS:
                values[column.name] = _BLANKS[column.kind]

    def _check(self, table: Table, id: str, values: Values) -> None:
        if table.number:
            self._check_number(table, id, values[table.number])
        for column, (other, key) in _REFERENCES.items():
            value = values.get(column)
            if value is not None and other in self._rows and not self._exists(other, key, value):
                message = f"The field {column} contains a value ({value}) that cannot be found in the related table."
                raise Refusal(RefusalKind.INVALID, message, column)

    def _check_number(self, table: Table, id: str, number: Value) -> None:
        if number is None:
            raise Refusal(RefusalKind.INVALID, f"{table.number} must be filled in. Enter a value.", table.number)
        rows = self._rows[table.name].items()
        if any(row.values[table.number or ""] == number for key, row in rows if key != id):
            message = f"The record in table {table.caption} already exists: {number}."
            raise Refusal(RefusalKind.EXISTS, message, table.number)

    def _exists(self, table_name: str, column: str | None, value: Value) -> bool:
        rows = self._rows[table_name]
        return value in rows if column is None else any(row.values[column] == value for row in rows.values())

    def _cleared(self, table: Table, column: str) -> tuple[str, ...]:
        return table.cleared_by_change.get(column, ())

    def _created(self, table: Table, id: str) -> None:
        relation, contacts = _RELATIONS.get(table.name), self._tables.get("contacts")
        if relation is None or contacts is None:
            return
        values = self._rows[table.name][id].values
        shared = {column.name for column in contacts.columns} & values.keys() - {"number", "type"}
        own: Values = {"type": values.get("type"), "contactBusinessRelation": relation}
        self._contacts[table.name, id] = self.put(contacts, {name: values[name] for name in shared} | own)

    def _deleted(self, table: Table, id: str) -> None:
        contact = self._rows.get("contacts", {}).get(self._contacts.pop((table.name, id), ""))
        if contact is not None:
            contact.values["contactBusinessRelation"] = None


def _fields(position: str | None) -> dict[str, object] | None:
    """The fields of a position at which a scan was completed; None for any other."""
    try:
        fields = fields_of(position or "", Side.BUSINESS_CENTRAL)
    except FeedExpired:
        return None
    return None if fields.get("after") or fields.get("next") else fields


def _moments(rows: Iterable[Row]) -> list[datetime]:
    return [row.modified_at for row in rows]


def _latest(*moments: datetime | None) -> datetime | None:
    return max(filter(None, moments), default=None)


def _position(fields: Mapping[str, object]) -> str:
    texts = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields.items()}
    return position_of(texts)


def _moment(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
