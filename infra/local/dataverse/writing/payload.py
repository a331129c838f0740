"""The body of a write: which columns it sets, which lookups it binds or clears, which rows it brings along."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from infra.local.dataverse.errors import Refusal, not_allowed, wrong_argument, wrong_payload
from infra.local.dataverse.schema.catalog import Relationship, relationships_to
from infra.local.dataverse.schema.model import Column, Required, Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.references import referenced
from infra.local.dataverse.writing.validation import checked


@dataclass
class Payload:
    """What a body says. `values` are by column name and stored form, a lookup's type column among them."""

    values: dict[str, Any] = field(default_factory=dict)
    cleared: list[tuple[Column, str]] = field(default_factory=list)
    parents: list[tuple[Column, str, dict[str, Any]]] = field(default_factory=list)
    children: list[tuple[Relationship, list[dict[str, Any]]]] = field(default_factory=list)
    joined: list[tuple[Relationship, list[tuple[Table, str]]]] = field(default_factory=list)

    def point(self, column: Column, target: Table, row_id: str) -> None:
        """Let a lookup point to a row."""
        self.values[column.name] = row_id
        if column.type_column:
            self.values[column.type_column] = target.name


def read_payload(session: Session, table: Table, body: object, *, creating: bool) -> Payload:
    """Read the body of a create or an update; raises Refusal."""
    if not isinstance(body, dict):
        raise wrong_payload(table.set_name, "A JSON object was expected.")
    payload = Payload()
    plain, values = plain_columns(table), payload.values
    for name, value in body.items():
        if (column := plain.get(name)) is not None:
            if column.create if creating else column.update:
                values[column.name] = checked(table, column, value)
            continue
        property_name, at, annotation = name.partition("@")
        if not at:
            _property(table, payload, name, value, creating)
        elif annotation == "odata.bind":
            _bind(session, table, payload, property_name, value)
        elif property_name == "" and annotation == "odata.type":
            _check_type(table, value)
    return payload


def _property(table: Table, payload: Payload, name: str, value: Any, creating: bool) -> None:
    if name in table.navigations or name in relationships_to(table.name):
        # `ownerid` of a user is a column and no navigation property; a name is never both.
        _navigation(table, payload, name, value, creating)
        return
    if name not in table.by_wire:
        raise wrong_payload(table.set_name, f"Invalid property '{name}' was found in entity '{table.type_name}'.")
    message = "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead."
    raise not_allowed(message)


@cache
def plain_columns(table: Table) -> dict[str, Column]:
    """The columns that a body sets by their names: neither lookups nor navigation properties."""
    taken = {*table.navigations, *relationships_to(table.name)}
    return {name: one for name, one in table.by_wire.items() if name not in taken and not one.kind.is_lookup}


def _navigation(table: Table, payload: Payload, name: str, value: Any, creating: bool) -> None:
    relationship = relationships_to(table.name).get(name)
    if relationship is not None:
        if not creating or not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise wrong_payload(table.set_name, f"An array of objects was expected for '{name}', on create only.")
        payload.children.append((relationship, value))
        return
    column = table.navigations[name]
    if value is None:
        if column.required is Required.SYSTEM:
            raise wrong_argument(f"Attribute: {column.name} cannot be set to NULL")
        if column.update:
            payload.cleared.append((column, name))
    elif creating and isinstance(value, dict):
        payload.parents.append((column, name, value))
    else:
        why = f"A value was found for the navigation property '{name}'; deep update is not supported."
        raise wrong_payload(table.set_name, why)


def _bind(session: Session, table: Table, payload: Payload, name: str, value: Any) -> None:
    column = table.navigations.get(name)
    relationship = relationships_to(table.name).get(name)
    if column is None and relationship is None:
        raise _undeclared(table, name)
    if value is None:
        why = f"The 'odata.bind' instance or property annotation has a null value on '{name}'."
        raise wrong_payload(table.set_name, why)
    if relationship is not None:
        values = value if isinstance(value, list) else [value]
        payload.joined.append((relationship, [referenced(session, one) for one in values]))
    elif column is not None:
        _bind_lookup(session, table, payload, column, name, value)


def _bind_lookup(session: Session, table: Table, payload: Payload, column: Column, name: str, value: Any) -> None:
    target, row_id = referenced(session, value)
    if target.name not in column.navigations[name]:
        why = f"The type '{target.type_name}' of the record bound to '{name}' is not the expected one."
        raise wrong_payload(table.set_name, why)
    if column.update:
        payload.point(column, target, row_id)


def _undeclared(table: Table, name: str) -> Refusal:
    return wrong_payload(
        table.set_name,
        f"An undeclared property '{name}' which only has property annotations in the payload but no property value "
        "was found in the payload. In OData, only declared navigation properties and declared named streams can be "
        "represented as properties without values.",
    )


def _check_type(table: Table, value: object) -> None:
    if not isinstance(value, str) or value.lstrip("#") != table.type_name:
        raise wrong_payload(table.set_name, f"A resource with type '{value}' was found where another was expected.")
