"""Rows and bodies: from the JSON of a row to a Record, and from the values of a write to JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from shared.adapters.values import UNFIT, Reader, from_wire, reader_of, to_business_central, to_dataverse
from shared.adapters.wire import Explained, Row
from shared.core.records import Create, Record, Update
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, Value, Values


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


def record_reader(table: Table, columns: Iterable[str]) -> Callable[[Row], Record]:
    """What makes Records with these columns of rows of JSON. All that the table says is looked up once, for many rows.

    The reader raises NeedsPerson where a value does not fit the description of its table.
    """
    key, modified = table.key, table.modified
    readers = [_ColumnReader.of(table, name) for name in columns]
    read_key = reader_of(ColumnKind.GUID)
    read_modified = reader_of(table.column(modified).kind) if modified else None

    def read(row: Row) -> Record:
        values: Values = {}
        try:
            for name, property_name, read_value in readers:
                wire = row.get(property_name)
                values[name] = None if wire is None or wire == "" else read_value(wire)
            id, moment = read_key(row[key]), row.get(modified) if modified else None
            modified_at = read_modified(moment) if read_modified and moment else None
        except (*UNFIT, KeyError) as error:
            raise _misfit(table, columns, row) from error
        if not isinstance(id, str):
            raise _misfit(table, columns, row)
        etag = row.get("@odata.etag")
        return Record(
            id,
            values,
            etag if isinstance(etag, str) else None,
            modified_at if isinstance(modified_at, datetime) else None,
        )

    return read


class _ColumnReader(NamedTuple):
    name: str
    property_name: str
    read: Reader

    @classmethod
    def of(cls, table: Table, name: str) -> _ColumnReader:
        return cls(name, wire_name(table, name), reader_of(column_of(table, name).kind))


def _misfit(table: Table, columns: Iterable[str], row: Row) -> Explained:
    """What is wrong with a row, looked up at leisure."""
    what = f"a row came without {table.key}"
    for name in [table.key, *columns, *([table.modified] if table.modified else [])]:
        try:
            from_wire(column_of(table, name), row.get(wire_name(table, name)))
        except ValueError as error:
            what = str(error)
    message = f"{table.side.product} table {table.name}: {what}."
    return Explained(message, "Refresh the fields of its mapping.", side=table.side, code="table")


def body_writer(table: Table) -> Callable[[Create | Update], Row]:
    """What makes the JSON bodies of writes: their writable columns in the order of the table.

    A new row is described by what it has; its blanks are left to the service, whose templates and defaults fill only
    what was not sent. Raises KeyError for a column that the table does not have.
    """
    property_of = _business_central_property if table.side is Side.BUSINESS_CENTRAL else _dataverse_property
    known = {table.key, *(column.name for column in table.columns)}
    writable = [(column.name, property_of(column)) for column in table.columns if not column.read_only]

    def body_of(write: Create | Update) -> Row:
        values = write.values
        if unknown := values.keys() - known:
            column_of(table, min(unknown))
        blanks = isinstance(write, Update)
        given = [(property_for, values[name]) for name, property_for in writable if name in values]
        return dict([property_for(value) for property_for, value in given if blanks or value is not None])

    return body_of


type _Property = Callable[[Value], tuple[str, object]]


def _business_central_property(column: Column) -> _Property:
    name = column.name
    return lambda value: (name, to_business_central(column, value))


def _dataverse_property(column: Column) -> _Property:
    if column.kind is not ColumnKind.LOOKUP:
        name = column.name
        return lambda value: (name, to_dataverse(column, value))
    navigation, target_set = column.navigation or column.name, column.target_set
    bind = f"{navigation}@odata.bind"
    # The annotation with null is refused or ignored; the bare navigation property clears.
    return lambda value: (navigation, None) if value is None else (bind, f"/{target_set}({value})")
