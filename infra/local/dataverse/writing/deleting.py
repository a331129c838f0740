"""Deleting rows, with what the relationships say about the rows that refer to them."""

from __future__ import annotations

from infra.local.dataverse.errors import Refusal, no_such_row, unsupported_message
from infra.local.dataverse.schema.catalog import Relationship, relationships_to
from infra.local.dataverse.schema.model import OnDelete, Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.records import exists, touch


def delete(session: Session, table: Table, row_id: str) -> None:
    """Delete a row; raises Refusal and then has done nothing.

    Rows of cascading relationships go with it and leave deletions of their own, links of others are removed, and a
    restricting reference forbids the deletion.
    """
    session.may("delete", table)
    if not table.writable or table.name == "organization":
        raise unsupported_message("Delete", table.name)
    if not exists(session, table, row_id):
        raise no_such_row(table.name, row_id)
    with session.storage.transaction():
        _delete(session, table, row_id, {(table.name, row_id)})


def _delete(session: Session, table: Table, row_id: str, going: set[tuple[str, str]]) -> None:
    for relationship in relationships_to(table.name).values():
        if relationship.on_delete is not OnDelete.NOTHING:
            _treat_references(session, table, row_id, relationship, going)
    session.storage.run(f'DELETE FROM "{table.name}" WHERE "{table.id}" = ?', [row_id])
    session.happened("Delete", table, row_id, {})
    session.storage.run(
        "INSERT OR REPLACE INTO deleted VALUES (?, ?, ?)", (table.name, row_id, session.storage.next_version())
    )


def _treat_references(
    session: Session, table: Table, row_id: str, relationship: Relationship, going: set[tuple[str, str]]
) -> None:
    other, column = relationship.referencing, relationship.column
    for other_id in _referring(session, table, row_id, relationship):
        if (other.name, other_id) in going:
            continue
        if relationship.on_delete is OnDelete.RESTRICT:
            message = "The object you tried to delete is associated with another object and cannot be deleted."
            raise Refusal(405, "0x80040227", message)
        if relationship.on_delete is OnDelete.CASCADE:
            going.add((other.name, other_id))
            _delete(session, other, other_id, going)
        else:
            cleared = {column.name: None} | ({column.type_column: None} if column.type_column else {})
            touch(session, other, other_id, cleared)


def _referring(session: Session, table: Table, row_id: str, relationship: Relationship) -> list[str]:
    other, column = relationship.referencing, relationship.column
    where = f'"{column.name}" = ?'
    if column.type_column:
        where += f" AND \"{column.type_column}\" = '{table.name}'"
    # One is enough to forbid a deletion, and a million may refer to a currency.
    limit = " LIMIT 2" if relationship.on_delete is OnDelete.RESTRICT else ""
    rows = session.storage.all(f'SELECT "{other.id}" FROM "{other.name}" WHERE {where}{limit}', [row_id])
    return [row[0] for row in rows]
