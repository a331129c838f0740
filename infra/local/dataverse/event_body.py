"""The body of a webhook call: a RemoteExecutionContext in the JSON of the data contract serializer.

Bags of attributes are lists of key and value, moments are `/Date(milliseconds)/`, and values of some types carry the
name of their type.
"""

from __future__ import annotations

import json
import time
from typing import Any
from uuid import uuid4

from infra.local.dataverse.events import Event
from infra.local.dataverse.organization import ORGANIZATION
from infra.local.dataverse.schema.model import Column, Kind

LARGEST = 256 * 1024
_CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
_STRIPPED = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")

Context = dict[str, Any]


def serialized(event: Event) -> bytes:
    """Answer the whole body."""
    return _written(_context(event))


def stripped(event: Event) -> bytes:
    """Answer the body without what makes it too large."""
    return _written({name: value for name, value in _context(event).items() if name not in _STRIPPED})


def _written(context: Context) -> bytes:
    return json.dumps(context, ensure_ascii=False, separators=(",", ":")).replace("/Date(", "\\/Date(").encode()


def _context(event: Event) -> Context:
    now = _moment(time.time())
    return {
        "BusinessUnitId": event.business_unit,
        "CorrelationId": str(uuid4()),
        "Depth": 1,
        "InitiatingUserId": event.user,
        "InputParameters": [{"key": "Target", "value": _target(event)}],
        "IsExecutingOffline": False,
        "IsInTransaction": False,
        "MessageName": event.message,
        "Mode": 1,
        "OperationCreatedOn": now,
        "OperationId": str(uuid4()),
        "OrganizationId": ORGANIZATION,
        "OrganizationName": "contoso",
        "OutputParameters": [],
        "ParentContext": None,
        "PostEntityImages": [],
        "PreEntityImages": [],
        "PrimaryEntityId": event.row_id,
        "PrimaryEntityName": event.table.name,
        "RequestId": str(uuid4()),
        "SharedVariables": [],
        "Stage": 40,
        "UserId": event.user,
    }


def _target(event: Event) -> Context:
    if event.message == "Delete":
        return _reference(event.table.name, event.row_id)
    values = {**event.values, event.table.id: event.row_id}
    attributes = [
        {"key": column.name, "value": _value(column, values)}
        for column in event.table.columns.values()
        if column.name in values and not column.secret
    ]
    return {
        "__type": f"Entity:{_CONTRACTS}",
        "Attributes": attributes,
        "EntityState": None,
        "FormattedValues": [],
        "Id": event.row_id,
        "KeyAttributes": [],
        "LogicalName": event.table.name,
        "RelatedEntities": [],
        "RowVersion": None,
    }


def _value(column: Column, values: dict[str, Any]) -> Any:
    value = values[column.name]
    if value is None:
        return None
    if column.kind.is_lookup:
        return _reference(values.get(column.type_column or "", column.targets[0]), value)
    if column.kind.is_choice:
        return {"__type": f"OptionSetValue:{_CONTRACTS}", "Value": value}
    if column.kind is Kind.MONEY:
        return {"__type": f"Money:{_CONTRACTS}", "Value": value}
    if column.kind is Kind.DATETIME:
        return _moment(value)
    return bool(value) if column.kind is Kind.BOOLEAN else value


def _reference(table: str, row_id: str) -> Context:
    return {
        "__type": f"EntityReference:{_CONTRACTS}",
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table,
        "Name": None,
        "RowVersion": None,
    }


def _moment(seconds: float) -> str:
    return f"/Date({int(seconds * 1000)})/"
