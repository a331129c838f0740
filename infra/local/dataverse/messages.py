"""Unbound functions and actions: WhoAmI, RetrieveTotalRecordCount, RetrieveVersion, BulkDelete."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from infra.local.dataverse.address import Segment
from infra.local.dataverse.answers import Answer, Operation
from infra.local.dataverse.criteria import expression_of_criteria
from infra.local.dataverse.errors import Refusal, no_such_method, wrong_argument
from infra.local.dataverse.metadata.changes import retrieve_changes
from infra.local.dataverse.organization import ORGANIZATION, store
from infra.local.dataverse.query.conditions import Conditions
from infra.local.dataverse.query.options import parse_options
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.deleting import delete
from infra.local.dataverse.writing.records import touch

_METHODS = {
    "WhoAmI": "GET",
    "RetrieveVersion": "GET",
    "RetrieveTotalRecordCount": "GET",
    "RetrieveMetadataChanges": "GET",
    "BulkDelete": "POST",
}
_BULK_DELETE, _COMPLETED = 13, 3
_SUCCEEDED, _FAILED, _WAITING = 30, 31, 0


def on_message(session: Session, operation: Operation, segment: Segment) -> Answer | None:
    """Answer an unbound function or action, None for a name that is none."""
    if segment.name not in _METHODS:
        return None
    if operation.method != _METHODS[segment.name]:
        raise no_such_method(operation.path)
    match segment.name:
        case "WhoAmI":
            return _who_am_i(session)
        case "RetrieveVersion":
            return _complex(session, "RetrieveVersionResponse", {"Version": "9.2.26111.00150"})
        case "RetrieveMetadataChanges":
            given = (segment.key or {}).get("Query", "")
            return retrieve_changes(session, parse_options(operation.query).aliases.get(given, given))
        case "RetrieveTotalRecordCount":
            return _total_record_count(session, operation, segment)
    return _bulk_delete(session, operation)


def _who_am_i(session: Session) -> Answer:
    user = session.user
    members = {"BusinessUnitId": user.business_unit, "UserId": user.id, "OrganizationId": ORGANIZATION}
    return _complex(session, "WhoAmIResponse", members)


def _total_record_count(session: Session, operation: Operation, segment: Segment) -> Answer:
    options = parse_options(operation.query)
    given = (segment.key or {}).get("EntityNames", "")
    names = _names(options.aliases.get(given, given))
    tables = [_table(name) for name in names]
    counts = []
    for table in tables:
        session.may("read", table)
        row = session.storage.one(f'SELECT count(*) FROM "{table.name}"')
        counts.append(int(row[0]) if row else 0)
    collection = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    return _complex(session, "RetrieveTotalRecordCountResponse", {"EntityRecordCountCollection": collection})


def _names(text: str) -> list[str]:
    try:
        names = json.loads(text.replace("'", '"'))
    except ValueError as error:
        raise wrong_argument(f"EntityNames must be a list of table names, not {text}.") from error
    if not isinstance(names, list):
        raise wrong_argument("EntityNames must be a list of table names.")
    return [str(name) for name in names]


def _table(name: object) -> Table:
    table = TABLES.get(str(name))
    if table is None:
        raise Refusal(404, "0x80060888", f"The entity with a name = '{name}' was not found in the MetadataCache.")
    return table


def _complex(session: Session, name: str, members: dict[str, Any]) -> Answer:
    return Answer(200, {"@odata.context": f"{session.base}$metadata#Microsoft.Dynamics.CRM.{name}", **members})


def _bulk_delete(session: Session, operation: Operation) -> Answer:
    """Start a system job that deletes what the queries find; it runs a little later."""
    body = operation.json("BulkDelete")
    if not isinstance(body, dict) or not isinstance(body.get("QuerySet"), list) or not body.get("JobName"):
        raise wrong_argument("BulkDelete needs JobName and QuerySet.")
    queries = [(_table(query.get("EntityName")), query.get("Criteria") or {}) for query in body["QuerySet"]]
    for table, criteria in queries:
        session.may("delete", table)
        _found(session, table, criteria)
    job = {
        "asyncoperationid": str(uuid4()),
        "name": str(body["JobName"]),
        "operationtype": _BULK_DELETE,
        "statuscode": _WAITING,
    }
    store(session.storage, TABLES["asyncoperation"], [job], session.user.id)
    session.later(lambda: _run(session, job["asyncoperationid"], queries))
    return _complex(session, "BulkDeleteResponse", {"JobId": job["asyncoperationid"]})


def _run(session: Session, job_id: object, queries: list[tuple[Table, dict[str, Any]]]) -> None:
    failures: list[str] = []
    for table, criteria in queries:
        for row_id in _found(session, table, criteria):
            try:
                delete(session, table, row_id)
            except Refusal as refusal:
                # A cascade may have taken the row already; anything else remains and is told.
                if refusal.status != 404:
                    failures.append(refusal.message)
    now = int(session.clock().timestamp())
    status = _FAILED if failures else _SUCCEEDED
    outcome = {"statecode": _COMPLETED, "statuscode": status, "completedon": now, "message": "\n".join(failures)}
    touch(session, TABLES["asyncoperation"], str(job_id), outcome)
    session.events.settle(succeeded=True)


def _found(session: Session, table: Table, criteria: dict[str, Any]) -> list[str]:
    conditions = Conditions(session.caller)
    expression = expression_of_criteria(table, criteria)
    where = f"WHERE {conditions.sql(expression, Scope(table))}" if expression else ""
    rows = session.storage.all(f'SELECT t."{table.id}" FROM "{table.name}" t {where}', conditions.parameters)
    return [row[0] for row in rows]
