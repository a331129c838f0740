"""Rows and bodies: from the JSON of a row to a Record, and from the values of a write to JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from shared.adapters.values import from_wire, to_business_central, to_dataverse
from shared.adapters.wire import Explained, Row
from shared.core.records import Create, Record, Update
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, Values


def column_of(table: Table, name: str) -> Column:
    """The column called `name`, the id column included. Raises KeyError when there is none."""
    if name == table.key:
        return Column(name=name, kind=ColumnKind.GUID, read_only=True)
    return table.column(name)


def wire_name(table: Table, name: str) -> str:
    """The property that shows a column when it is read: a Dataverse lookup is read as `_x_value`."""
    column = column_of(table, name)
    return f"_{name}_value" if table.side is Side.DATAVERSE and column.kind is ColumnKind.LOOKUP else name


def selection(table: Table, columns: Sequence[str]) -> str:
    """The $select list that makes Records with these columns: id and time of modification always among them."""
    names = [table.key, *(wire_name(table, name) for name in columns)]
    if table.modified:
        names.append(table.modified)
    return ",".join(dict.fromkeys(names))


def shows(select: object, wanted: str) -> bool:
    """Whether rows selected by one $select list have all that another one asks for."""
    return isinstance(select, str) and set(wanted.split(",")) <= set(select.split(","))


def record_from(table: Table, columns: Iterable[str], row: Row) -> Record:
    """The Record of a row of JSON. Raises NeedsPerson where a value does not fit the description of its table."""
    try:
        key = from_wire(column_of(table, table.key), row.get(table.key))
        if not isinstance(key, str):
            raise ValueError(f"a row came without {table.key}")
        values = {name: from_wire(column_of(table, name), row.get(wire_name(table, name))) for name in columns}
        modified = from_wire(table.column(table.modified), row.get(table.modified)) if table.modified else None
    except ValueError as error:
        what = f"{table.side.product} table {table.name}: {error}."
        raise Explained(what, "Correct the description of the table.", side=table.side, code="table") from error
    etag = row.get("@odata.etag")
    return Record(
        id=key,
        values=values,
        etag=etag if isinstance(etag, str) else None,
        modified_at=modified if isinstance(modified, datetime) else None,
    )


def body_of(table: Table, write: Create | Update) -> Row:
    """The JSON body of a write: its writable columns in the order of the table.

    A new row is described by what it has; its blanks are left to the service, whose templates and defaults fill only
    what was not sent.
    """
    return _business_central(table, write) if table.side is Side.BUSINESS_CENTRAL else _dataverse(table, write)


def _business_central(table: Table, write: Create | Update) -> Row:
    values = _given(write)
    return {column.name: to_business_central(column, values[column.name]) for column in _writable(table, values)}


def _dataverse(table: Table, write: Create | Update) -> Row:
    values = _given(write)
    body: Row = {}
    for column in _writable(table, values):
        value = values[column.name]
        if column.kind is not ColumnKind.LOOKUP:
            body[column.name] = to_dataverse(column, value)
        elif value is None:
            # The annotation with null is refused or ignored; the bare navigation property clears.
            body[column.navigation or column.name] = None
        else:
            body[f"{column.navigation or column.name}@odata.bind"] = f"/{column.target_set}({value})"
    return body


def _given(write: Create | Update) -> Values:
    if isinstance(write, Update):
        return write.values
    return {name: value for name, value in write.values.items() if value is not None}


def _writable(table: Table, values: Values) -> list[Column]:
    for name in values:
        column_of(table, name)
    return [column for column in table.columns if column.name in values and not column.read_only]
