"""`RetrieveMetadataChanges(Query=@p1)`: the definitions that a query in JSON names, with the members it asks for."""

from __future__ import annotations

import json
from typing import Any

from infra.local.dataverse.answers import Answer
from infra.local.dataverse.errors import wrong_argument
from infra.local.dataverse.metadata import definitions
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.session import Session

Row = dict[str, Any]


def retrieve_changes(session: Session, text: str) -> Answer:
    """Answer all definitions that fit, as a first call without a time stamp does. Raises Refusal."""
    try:
        query = json.loads(text)
    except ValueError as error:
        raise wrong_argument(f"The query is no JSON: {error}") from error
    if not isinstance(query, dict):
        raise wrong_argument("The query must be an object.")
    wanted = _names(query)
    found = []
    for table in TABLES.values():
        row = definitions.entity(session, table)
        if _fits(row, query):
            attributes = [definitions.attribute(table, column) for column in table.columns.values()]
            inner = query.get("AttributeQuery") or {}
            row["Attributes"] = [_narrow(one, _names(inner)) for one in attributes if _fits(one, inner)]
            found.append(_narrow(row, wanted))
    kind = f"{session.base}$metadata#Microsoft.Dynamics.CRM.RetrieveMetadataChangesResponse"
    stamp = {"ServerVersionStamp": f"{session.storage.version}!{session.clock():%m/%d/%Y %H:%M:%S}"}
    return Answer(200, {"@odata.context": kind, **stamp, "DeletedMetadata": None, "EntityMetadata": found})


def _names(query: Row) -> list[str] | None:
    """The members asked for, None for all of them."""
    properties = query.get("Properties") or {}
    return None if properties.get("AllProperties") else properties.get("PropertyNames")


def _narrow(row: Row, names: list[str] | None) -> Row:
    if names is None:
        return row
    return {name: value for name, value in row.items() if name in names or name in ("@odata.type", "MetadataId")}


def _fits(row: Row, query: Row) -> bool:
    criteria = query.get("Criteria") or {}
    tests = [_holds(row, one) for one in criteria.get("Conditions") or []]
    if not tests:
        return True
    return any(tests) if criteria.get("FilterOperator") == "Or" else all(tests)


def _holds(row: Row, condition: Row) -> bool:
    value = condition.get("Value")
    wanted = value.get("Value") if isinstance(value, dict) else value
    actual = row.get(str(condition.get("PropertyName")))
    operator = str(condition.get("ConditionOperator", "Equals"))
    if operator == "In":
        listed = wanted if isinstance(wanted, list) else json.loads(str(wanted))
        return bool(actual in listed)
    same = str(actual).lower() == str(wanted).lower()
    if operator not in ("Equals", "NotEquals"):
        raise wrong_argument(f"The operator {operator} is not supported on metadata.")
    return same == (operator == "Equals")
