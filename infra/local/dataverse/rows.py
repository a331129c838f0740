"""Requests on rows: collections, single rows, their properties and their links."""

from __future__ import annotations

from typing import Any

from infra.local.dataverse.address import Segment
from infra.local.dataverse.answers import Answer, Operation, text_answer
from infra.local.dataverse.errors import (
    existing_row,
    no_such_row,
    not_supported_method,
    version_mismatch,
)
from infra.local.dataverse.fetch.answering import answer_fetch
from infra.local.dataverse.fetch.sql import answer_sql
from infra.local.dataverse.query.apply import answer_apply
from infra.local.dataverse.query.collection import count_rows, read_page, read_row
from infra.local.dataverse.query.options import Options, parse_options
from infra.local.dataverse.query.selection import etag
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.tracking import count_changes, is_tracking, read_changes
from infra.local.dataverse.writing.deleting import delete
from infra.local.dataverse.writing.keys import primary_key, row_of
from infra.local.dataverse.writing.records import create, exists, update, version_of

_KNOWN = "odata.maxpagesize", "odata.track-changes", "odata.include-annotations"


def on_collection(session: Session, operation: Operation, table: Table) -> Answer:
    """Answer a request on an entity set: read a page, or create a row."""
    if operation.method == "GET":
        return _list(session, operation, table)
    if operation.method != "POST":
        raise not_supported_method(operation.method)
    options = parse_options(operation.query)
    row_id = create(session, table, operation.json(table.set_name))
    if session.preferences.representation:
        return _representation(session, table, row_id, options, 201)
    return Answer(204, headers=_entity_id(session.address(table, row_id)), row=(table, row_id), wrote=1)


def count_of(session: Session, operation: Operation, table: Table) -> Answer:
    """Answer `accounts/$count`."""
    options = parse_options(operation.query)
    if "$deltatoken" in options:
        return text_answer(str(count_changes(session, table, options)))
    return text_answer(str(count_rows(session, table, options)))


def on_row(session: Session, operation: Operation, table: Table, segment: Segment) -> Answer:
    """Answer a request on one row."""
    match operation.method:
        case "GET":
            return _get(session, operation, table, segment)
        case "PATCH":
            return _patch(session, operation, table, segment)
        case "DELETE":
            return _delete(session, table, segment)
    raise not_supported_method(operation.method)


def found_row(session: Session, table: Table, segment: Segment) -> str:
    """Answer the id of the existing row that a segment means; raises Refusal where there is none."""
    row_id, _ = row_of(session.storage, session.keys, table, segment.key or {})
    if not exists(session, table, row_id):
        raise no_such_row(table.name, row_id)
    return row_id


def check_match(session: Session, table: Table, row_id: str) -> None:
    """Raise the service's refusal where `If-Match` names another version than the row has."""
    wanted = session.headers.get("If-Match")
    if wanted and wanted != "*" and wanted != etag(version_of(session, table, row_id) or 0):
        raise version_mismatch()


def _list(session: Session, operation: Operation, table: Table) -> Answer:
    options = parse_options(operation.query)
    if "fetchXml" in options:
        body = answer_fetch(session, table, options["fetchXml"])
    elif "sql" in options:
        body = answer_sql(session, table, options)
    elif "$apply" in options and not is_tracking(session, options):
        body = answer_apply(session, table, options)
    elif is_tracking(session, options):
        body = read_changes(session, table, options, table.set_name)
    else:
        body = read_page(session, table, options, table.set_name)
    return Answer(200, body, session.preferences.applied(*_KNOWN))


def _get(session: Session, operation: Operation, table: Table, segment: Segment) -> Answer:
    options = parse_options(operation.query)
    row_id = found_row(session, table, segment)
    tag = etag(version_of(session, table, row_id) or 0)
    unexpanded = "$expand" not in options and not session.preferences.annotates_values
    if session.headers.get("If-None-Match") == tag and table.optimistic_concurrency and unexpanded:
        return Answer(304, headers={"ETag": tag})
    body = read_row(session, table, row_id, options)
    return Answer(200, body, {"ETag": tag, **session.preferences.applied("odata.include-annotations")})


def _patch(session: Session, operation: Operation, table: Table, segment: Segment) -> Answer:
    key = segment.key or {}
    options = parse_options(operation.query)
    body = operation.json(table.set_name)
    row_id, created = upsert(session, table, key, body)
    if session.preferences.representation:
        without_expand = Options({name: value for name, value in options.values.items() if name != "$expand"})
        return _representation(session, table, row_id, without_expand, 201 if created else 200)
    # The answer to an address by alternate key repeats that address.
    is_primary = primary_key(table, key) is not None
    address = session.address(table, row_id) if is_primary else f"{session.base}{operation.path.strip('/')}"
    return Answer(204, headers=_entity_id(address), row=(table, row_id), wrote=1)


def upsert(session: Session, table: Table, key: dict[str, str], body: Any) -> tuple[str, bool]:
    """Update the row that a key means, or create it; answers its id and whether it is new. Raises Refusal."""
    row_id = primary_key(table, key)
    if row_id is not None:
        return _upsert_by_id(session, table, row_id, body)
    columns = session.keys.named(table, key).columns
    found = session.keys.find(table, key)
    if found is None and "If-Match" in session.headers:
        row_of(session.storage, session.keys, table, key)
    if found is not None:
        # Key values belong in the address; those in the body of an update are dropped.
        wires = {table.columns[name].wire for name in columns}
        kept = {name: value for name, value in body.items() if name not in wires} if isinstance(body, dict) else body
        return _upsert_by_id(session, table, found, kept)
    given = dict(body) if isinstance(body, dict) else body
    if isinstance(given, dict):
        given = {**_key_values(session, table, key), **given}
    return create(session, table, given), True


def _upsert_by_id(session: Session, table: Table, row_id: str, body: Any) -> tuple[str, bool]:
    if not exists(session, table, row_id):
        if "If-Match" in session.headers:
            raise no_such_row(table.name, row_id)
        return create(session, table, body, row_id=row_id), True
    if session.headers.get("If-None-Match") == "*":
        raise existing_row()
    check_match(session, table, row_id)
    update(session, table, row_id, body)
    return row_id, False


def _key_values(session: Session, table: Table, key: dict[str, str]) -> dict[str, Any]:
    """The values of a key in an address, as a body would hold them."""
    values: dict[str, Any] = {}
    for name, text in key.items():
        column = table.by_wire[name]
        if column.kind.is_lookup:
            target = column.targets[0]
            navigation = next(iter(column.navigations))
            values[f"{navigation}@odata.bind"] = f"/{TABLES[target].set_name}({text})"
        elif column.kind.is_number:
            values[name] = float(text) if "." in text else int(text)
        else:
            values[name] = text
    return values


def _delete(session: Session, table: Table, segment: Segment) -> Answer:
    row_id = found_row(session, table, segment)
    check_match(session, table, row_id)
    delete(session, table, row_id)
    return Answer(204, wrote=1)


def _representation(session: Session, table: Table, row_id: str, options: Options, status: int) -> Answer:
    body = read_row(session, table, row_id, options)
    headers = {"ETag": body["@odata.etag"], **session.preferences.applied("return", "odata.include-annotations")}
    # The answer has no OData-EntityId, hence `$1` cannot mean this row.
    return Answer(status, body, headers, wrote=1)


def _entity_id(address: str) -> dict[str, str]:
    return {"OData-EntityId": address}
