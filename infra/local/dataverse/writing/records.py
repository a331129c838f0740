"""Creating, updating and deleting rows. Each of these is one transaction and one step of the version counter."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any
from uuid import uuid4

from infra.local.dataverse.errors import Refusal, existing_row, no_such_row, wrong_argument
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.storage import stored_columns
from infra.local.dataverse.writing import computed
from infra.local.dataverse.writing.duplicates import check_duplicates
from infra.local.dataverse.writing.payload import Payload, read_payload

Row = dict[str, Any]


Link = tuple[Column, Table, str]
"""A lookup, and the row that it shall point to."""


def create(session: Session, table: Table, body: object, *, row_id: str | None = None, link: Link | None = None) -> str:
    """Create a row, with everything its body nests; answers its id. Raises Refusal and then has done nothing.

    `row_id` is the id in the address of an upsert; else the body may bring one. `link` binds the row to its parent.
    """
    session.may("create", table)
    _check_writable(table, "Create")
    payload = read_payload(session, table, body, creating=True)
    if link:
        payload.point(*link)
    with session.storage.transaction():
        for column, navigation, parent in payload.parents:
            target = TABLES[column.navigations[navigation][0]]
            payload.point(column, target, create(session, target, parent))
        new_id = insert(session, table, payload.values, row_id)
        _create_children(session, table, payload, new_id)
    return new_id


def update(session: Session, table: Table, row_id: str, body: object) -> None:
    """Change the columns that a body names; raises Refusal and then has done nothing."""
    session.may("write", table)
    _check_writable(table, "Update")
    payload = read_payload(session, table, body, creating=False)
    with session.storage.transaction():
        change(session, table, row_id, payload)


def insert(session: Session, table: Table, values: Mapping[str, Any], row_id: str | None = None) -> str:
    """Store a new row from checked values; answers its id."""
    new_id = str(row_id or values.get(table.id) or uuid4())
    if exists(session, table, new_id):
        raise existing_row()
    row = new_row(session, table, values, new_id)
    _insert(session, table, row)
    session.happened("Create", table, new_id, row)
    # A row that comes back is no deletion any more.
    session.storage.run("DELETE FROM deleted WHERE entity = ? AND id = ?", (table.name, new_id))
    if table.name == "uomschedule" and row.get("baseuomname"):
        # A new unit group comes with its base unit.
        unit = {"name": row["baseuomname"], "quantity": 1.0, "isschedulebaseuom": 1, "uomscheduleid": new_id}
        insert(session, TABLES["uom"], unit)
    return new_id


def new_row(session: Session, table: Table, values: Mapping[str, Any], new_id: str) -> Row:
    """Answer everything that a new row holds, checked, stamped and not yet stored. Raises Refusal."""
    row = {**values, table.id: new_id}
    changed = set(row)
    computed.fill_defaults(session, table, row)
    if "ownerid_type" in stored_columns(table):
        computed.fill_owner(session, row, changed)
    _settle(session, table, row, changed | {"transactioncurrencyid"})
    _check_required(table, row)
    session.keys.check(table, new_id, row, changed)
    check_duplicates(session, table, new_id, row, changed)
    _stamp_new(session, row)
    return row


def change(session: Session, table: Table, row_id: str, payload: Payload) -> None:
    """Store changed columns of a row from a checked body."""
    before = stored_row(session, table, row_id)
    values = {name: value for name, value in payload.values.items() if name != table.id}
    for column, navigation in payload.cleared:
        if column.name in values:
            # The same body binds the other target.
            continue
        if not column.type_column:
            values[column.name] = None
        elif before[column.type_column] in (None, *column.navigations[navigation]):
            values |= {column.name: None, column.type_column: None}
    computed.check_user_change(table, before, values)
    after = before | values
    changed = set(values)
    if "ownerid_type" in before:
        computed.fill_owner(session, after, changed)
    _settle(session, table, after, changed)
    session.keys.check(table, row_id, after, changed)
    check_duplicates(session, table, row_id, after, changed)
    _join_children(session, table, payload, row_id)
    _stamp_change(session, after)
    _update(session, table, row_id, {name: value for name, value in after.items() if before[name] != value})
    session.happened("Update", table, row_id, values)


def exists(session: Session, table: Table, row_id: str) -> bool:
    """Tell whether there is a row with this id."""
    return session.storage.one(f'SELECT 1 FROM "{table.name}" WHERE "{table.id}" = ?', [row_id]) is not None


def version_of(session: Session, table: Table, row_id: str) -> int | None:
    """Answer the version of a row, None where there is none."""
    row = session.storage.one(f'SELECT versionnumber FROM "{table.name}" WHERE "{table.id}" = ?', [row_id])
    return int(row[0]) if row else None


def stored_row(session: Session, table: Table, row_id: str) -> Row:
    """Answer all stored columns of a row; raises Refusal where there is none."""
    values = session.storage.one(_whole_row(table), [row_id])
    if values is None:
        raise no_such_row(table.name, row_id)
    return dict(zip(stored_columns(table), values, strict=True))


@cache
def _whole_row(table: Table) -> str:
    columns = ", ".join(f'"{name}"' for name in stored_columns(table))
    return f'SELECT {columns} FROM "{table.name}" WHERE "{table.id}" = ?'


def touch(session: Session, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    """Set columns of a row that need no check, as part of another write."""
    row = dict(values)
    _stamp_change(session, row)
    _update(session, table, row_id, row)


def _settle(session: Session, table: Table, row: Row, changed: set[str]) -> None:
    computed.settle_state(table, row, changed)
    computed.settle_user(table, row)
    computed.settle_names(table, row)
    computed.settle_parent(table, row)
    computed.check_currency(session, table, row)
    computed.settle_amounts(session, table, row, changed)


def _check_writable(table: Table, message: str) -> None:
    if not table.writable or (table.name == "organization" and message == "Create"):
        raise Refusal(400, "0x80040800", f"The '{message}' method does not support entities of type '{table.name}'.")


def _check_required(table: Table, row: Mapping[str, Any]) -> None:
    for name in table.required:
        if row.get(name) is None:
            raise wrong_argument(f"Attribute: {name} cannot be set to NULL")


def _stamp_new(session: Session, row: Row) -> None:
    now = int(session.clock().timestamp())
    behalf = session.on_behalf.id if session.on_behalf else None
    row |= {
        "createdon": row.get("overriddencreatedon") or now,
        "modifiedon": now,
        "createdby": session.user.id,
        "modifiedby": session.user.id,
        "createdonbehalfby": behalf,
        "modifiedonbehalfby": behalf,
        "versionnumber": session.storage.next_version(),
    }
    if row.get("overriddencreatedon"):
        # What was overridden is the moment of the real creation.
        row["overriddencreatedon"] = now


def _stamp_change(session: Session, row: Row) -> None:
    row["modifiedon"] = int(session.clock().timestamp())
    row["modifiedby"] = session.user.id
    row["modifiedonbehalfby"] = session.on_behalf.id if session.on_behalf else None
    row["versionnumber"] = session.storage.next_version()


def _insert(session: Session, table: Table, row: Mapping[str, Any]) -> None:
    names = [name for name in row if row[name] is not None]
    columns = ", ".join(f'"{name}"' for name in names)
    sql = f'INSERT INTO "{table.name}" ({columns}) VALUES ({", ".join("?" * len(names))})'
    session.storage.run(sql, [row[name] for name in names])


def _update(session: Session, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
    changes = ", ".join(f'"{name}" = ?' for name in values)
    session.storage.run(f'UPDATE "{table.name}" SET {changes} WHERE "{table.id}" = ?', [*values.values(), row_id])


def _create_children(session: Session, table: Table, payload: Payload, row_id: str) -> None:
    for relationship, bodies in payload.children:
        for body in bodies:
            create(session, relationship.referencing, body, link=(relationship.column, table, row_id))
    _join_children(session, table, payload, row_id)


def _join_children(session: Session, table: Table, payload: Payload, row_id: str) -> None:
    for relationship, rows in payload.joined:
        for child_table, child_id in rows:
            if child_table.name != relationship.referencing.name:
                raise wrong_argument(f"{child_table.name} is no member of {relationship.name}.")
            link = Payload()
            link.point(relationship.column, table, row_id)
            change(session, child_table, child_id, link)
