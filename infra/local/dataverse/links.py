"""Requests below a row: single properties, related rows, and the links between rows (`$ref`)."""

from __future__ import annotations

import json
from typing import Any

from infra.local.dataverse.address import Segment
from infra.local.dataverse.answers import Answer, Operation, text_answer
from infra.local.dataverse.errors import no_such_segment, not_allowed, not_supported_method, wrong_argument
from infra.local.dataverse.query.collection import Restriction, count_rows, read_page, read_row
from infra.local.dataverse.query.options import Options, parse_options
from infra.local.dataverse.rows import check_match, found_row
from infra.local.dataverse.schema.catalog import TABLES, Relationship, relationships_to
from infra.local.dataverse.schema.model import Column, Required, Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.payload import Payload
from infra.local.dataverse.writing.records import change, create, stored_row, update
from infra.local.dataverse.writing.references import referenced


def below_row(session: Session, operation: Operation, table: Table, segments: list[Segment]) -> Answer:
    """Answer a request on `accounts(id)/...`."""
    row_id = found_row(session, table, segments[0])
    member, last = segments[1], segments[-1].name if len(segments) > 2 else ""
    if member.name in relationships_to(table.name):
        relationship = relationships_to(table.name)[member.name]
        return _collection(session, operation, table, row_id, relationship, member, last)
    if member.name in table.navigations:
        return _lookup(session, operation, table, row_id, member.name, last)
    if member.name in table.by_wire:
        return _property(session, operation, table, row_id, table.by_wire[member.name], last)
    raise no_such_segment(member.name)


def _property(session: Session, operation: Operation, table: Table, row_id: str, column: Column, last: str) -> Answer:
    if operation.method in ("PUT", "DELETE"):
        if column.kind.is_lookup:
            message = "CRM do not support direct update of Entity Reference properties, Use Navigation properties."
            raise not_allowed(message)
        check_match(session, table, row_id)
        update(session, table, row_id, {column.wire: _value_in(operation, table)})
        return Answer(204, wrote=1)
    if operation.method != "GET":
        raise not_supported_method(operation.method)
    value = read_row(session, table, row_id, Options({"$select": column.wire}))[column.wire]
    if value is None:
        return Answer(204)
    if last == "$value":
        return text_answer(value if isinstance(value, str) else json.dumps(value))
    context = f"{session.base}$metadata#{table.set_name}({row_id})/{column.wire}"
    return Answer(200, {"@odata.context": context, "value": value})


def _value_in(operation: Operation, table: Table) -> Any:
    if operation.method == "DELETE":
        return None
    body = operation.json(table.set_name)
    if not isinstance(body, dict) or "value" not in body:
        raise wrong_argument('The body of a property is {"value": ...}.')
    return body["value"]


def _lookup(session: Session, operation: Operation, table: Table, row_id: str, name: str, last: str) -> Answer:
    column = table.navigations[name]
    match operation.method, last:
        case "GET", ("" | "$ref"):
            return _pointed_to(session, operation, table, row_id, name, last)
        case "PUT", "$ref":
            target, target_id = referenced(session, _reference_in(operation, table))
            if target.name not in column.navigations[name]:
                raise wrong_argument(f"{name} cannot point to a record of {target.name}.")
            return _point(session, table, row_id, column, (target, target_id))
        case "DELETE", "$ref":
            if column.required is Required.SYSTEM:
                raise wrong_argument(f"Attribute: {column.name} cannot be set to NULL")
            payload = Payload(cleared=[(column, name)])
            return _changed(session, table, row_id, payload)
    raise not_supported_method(operation.method)


def _pointed_to(session: Session, operation: Operation, table: Table, row_id: str, name: str, last: str) -> Answer:
    column = table.navigations[name]
    row = stored_row(session, table, row_id)
    target = row[column.type_column] if column.type_column else column.targets[0]
    if row[column.name] is None or target not in column.navigations[name]:
        return Answer(204)
    if last == "$ref":
        address = session.address(TABLES[target], row[column.name])
        return Answer(200, {"@odata.context": f"{session.base}$metadata#$ref", "@odata.id": address})
    return Answer(200, read_row(session, TABLES[target], row[column.name], parse_options(operation.query)))


def _collection(
    session: Session,
    operation: Operation,
    table: Table,
    row_id: str,
    relationship: Relationship,
    member: Segment,
    last: str,
) -> Answer:
    child = relationship.referencing
    match operation.method, last:
        case "GET", ("" | "$count"):
            return _related(session, operation, table, row_id, relationship, last)
        case "POST", "":
            link = (relationship.column, table, row_id)
            child_id = create(session, child, operation.json(child.set_name), link=link)
            address = session.address(child, child_id)
            return Answer(204, headers={"OData-EntityId": address}, row=(child, child_id), wrote=1)
        case "POST", "$ref":
            found, child_id = referenced(session, _reference_in(operation, table))
            if found.name != child.name:
                raise wrong_argument(f"{relationship.name} has no records of {found.name}.")
            return _point(session, child, child_id, relationship.column, (table, row_id))
        case "DELETE", "$ref":
            child_id = _member(session, operation, child, member)
            column = relationship.column
            navigation = next(name for name, targets in column.navigations.items() if table.name in targets)
            return _changed(session, child, child_id, Payload(cleared=[(column, navigation)]))
    raise not_supported_method(operation.method)


def _related(
    session: Session, operation: Operation, table: Table, row_id: str, relationship: Relationship, last: str
) -> Answer:
    column = relationship.column
    sql = f't."{column.name}" = ?' + (f" AND t.\"{column.type_column}\" = '{table.name}'" if column.type_column else "")
    restriction = Restriction(sql, (row_id,))
    options = parse_options(operation.query)
    if last == "$count":
        return text_answer(str(count_rows(session, relationship.referencing, options, restriction)))
    address = f"{table.set_name}({row_id})/{relationship.name}"
    body = read_page(session, relationship.referencing, options, address, restriction)
    return Answer(200, body, session.preferences.applied("odata.maxpagesize", "odata.include-annotations"))


def _member(session: Session, operation: Operation, child: Table, member: Segment) -> str:
    if member.key:
        return found_row(session, child, member)
    address = parse_options(operation.query)["$id"]
    found, child_id = referenced(session, address)
    if found.name != child.name:
        raise wrong_argument(f"{address} is no record of {child.name}.")
    return child_id


def _reference_in(operation: Operation, table: Table) -> Any:
    body = operation.json(table.set_name)
    if not isinstance(body, dict) or "@odata.id" not in body:
        raise wrong_argument('The body of a link is {"@odata.id": "..."}.')
    return body["@odata.id"]


def _point(session: Session, table: Table, row_id: str, column: Column, target: tuple[Table, str]) -> Answer:
    payload = Payload()
    payload.point(column, *target)
    return _changed(session, table, row_id, payload)


def _changed(session: Session, table: Table, row_id: str, payload: Payload) -> Answer:
    session.may("write", table)
    with session.storage.transaction():
        change(session, table, row_id, payload)
    return Answer(204, wrote=1)
