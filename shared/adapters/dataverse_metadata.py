"""What Dataverse tells about its tables (EntityDefinitions), as tables that can be mapped.

Source: the pages "Query table definitions using the Web API" and "Retrieve table definitions by name or MetadataId".
What only a type of column has (lengths, labels, targets) is asked for with a cast to that type.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from shared.adapters.wire import Row, query, rows_of, text_literal
from shared.adapters.writing import together
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, TableName

type Get = Callable[[str], Awaitable[Row]]

_NAME = re.compile(r"[a-z0-9_]+")
_NAMESPACE = "Microsoft.Dynamics.CRM."
_KINDS = {
    "String": ColumnKind.TEXT,
    "Memo": ColumnKind.TEXT,
    "Integer": ColumnKind.INTEGER,
    "BigInt": ColumnKind.INTEGER,
    "Decimal": ColumnKind.DECIMAL,
    "Double": ColumnKind.DECIMAL,
    "Money": ColumnKind.DECIMAL,
    "Boolean": ColumnKind.BOOLEAN,
    "DateTime": ColumnKind.DATETIME,
    "Picklist": ColumnKind.CHOICE,
    "State": ColumnKind.CHOICE,
    "Status": ColumnKind.CHOICE,
    "Lookup": ColumnKind.LOOKUP,
    "Customer": ColumnKind.LOOKUP,
    "Owner": ColumnKind.LOOKUP,
    "Uniqueidentifier": ColumnKind.GUID,
}
_PREFERRED_TARGETS = ("account", "systemuser")
"""Of a lookup into several tables the one that is bound: a customer is an account, an owner a user."""

_OWNER = ("ownerid", "systemusers")  # the relationship leads to both users and teams
_NO = (None, None)
_CASTS = {
    "String": {"select": "LogicalName,MaxLength"},
    "Memo": {"select": "LogicalName,MaxLength"},
    "DateTime": {"select": "LogicalName,DateTimeBehavior"},
    "Lookup": {"select": "LogicalName,Targets"},
    **{
        kind: {"select": "LogicalName", "expand": "OptionSet($select=Options),GlobalOptionSet($select=Options)"}
        for kind in ("Picklist", "State", "Status")
    },
}
_MEMBERS = "LogicalName,AttributeType,AttributeOf,DisplayName,IsValidForCreate,IsValidForUpdate,IsValidForRead"
_TABLE = "LogicalName,EntitySetName,DisplayName,PrimaryIdAttribute,PrimaryNameAttribute,ChangeTrackingEnabled"
_MAPPABLE = "IsIntersect eq false and IsPrivate eq false and IsLogicalEntity eq false"


async def tables_of(get: Get) -> list[TableName]:
    """The tables of an environment that can be mapped, by logical name."""
    found = await get("EntityDefinitions" + query(select="LogicalName,DisplayName,EntitySetName", filter=_MAPPABLE))
    rows = [row for row in rows_of(found, Side.DATAVERSE) if row.get("EntitySetName")]
    return sorted((TableName(row["LogicalName"], label_of(row)) for row in rows), key=lambda one: one.name)


def is_name(table: str) -> bool:
    """Whether a text can be a logical name at all."""
    return _NAME.fullmatch(table) is not None


async def table_of(get: Get, definition: Row) -> Table:
    """A table with its columns; `definition` is what `address_of` shows."""
    address = f"EntityDefinitions(LogicalName='{definition['LogicalName']}')"
    casts = [f"{address}/Attributes/{_NAMESPACE}{kind}AttributeMetadata" + query(**_CASTS[kind]) for kind in _CASTS]
    columns, *typed = await together(map(_rows(get), [f"{address}/Attributes{query(select=_MEMBERS)}", *casts]))
    facts = {row["LogicalName"]: row for rows in typed for row in rows}
    links = await _links(get, definition.get("ManyToOneRelationships") or (), definition["LogicalName"])
    described = [_column(row, facts.get(row["LogicalName"], {}), links) for row in columns if _is_shown(row)]
    known = tuple(one for one in described if one is not None and one.name != definition["PrimaryIdAttribute"])
    return _table(definition, known)


def address_of(table: str) -> str:
    """Where the definition of a table is, with its keys and the lookups that lead out of it."""
    keys = "Keys($select=KeyAttributes,EntityKeyIndexStatus)"
    members = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
    links = f"ManyToOneRelationships($select={members})"
    return f"EntityDefinitions(LogicalName='{table}')" + query(select=_TABLE, expand=f"{keys},{links}")


def label_of(row: Row, member: str = "DisplayName") -> str:
    """A label in the user's language."""
    label = (row.get(member) or {}).get("UserLocalizedLabel") or {}
    return str(label.get("Label") or row.get("LogicalName") or "")


def labels_of(row: Row) -> dict[int, str]:
    """The labels of a choice column by value."""
    options = (row.get("OptionSet") or row.get("GlobalOptionSet") or {}).get("Options") or []
    return {option["Value"]: label_of(option, "Label") for option in options}


def _rows(get: Get) -> Callable[[str], Any]:
    async def rows(path: str) -> list[Row]:
        return rows_of(await get(path), Side.DATAVERSE)

    return rows


async def _links(get: Get, relationships: Iterable[Row], table: str) -> dict[tuple[str, str], tuple[str, str]]:
    """Navigation property and entity set by (lookup column, name of the referenced table)."""
    given = list(relationships)
    names = sorted({str(one["ReferencedEntity"]) for one in given})
    sets: dict[str, str] = {}
    for at in range(0, len(names), 20):
        condition = " or ".join(f"LogicalName eq {text_literal(name)}" for name in names[at : at + 20])
        found = await get("EntityDefinitions" + query(select="LogicalName,EntitySetName", filter=condition))
        sets |= {row["LogicalName"]: str(row["EntitySetName"]) for row in rows_of(found, Side.DATAVERSE)}
    return {
        (str(one["ReferencingAttribute"]), str(one["ReferencedEntity"])): (
            str(one["ReferencingEntityNavigationPropertyName"]),
            sets[str(one["ReferencedEntity"])],
        )
        for one in given
        if one["ReferencedEntity"] in sets
    }


def _is_shown(row: Row) -> bool:
    """Columns that hold a value of their own; the names beside lookups and choices do not."""
    return row.get("AttributeOf") is None and row.get("IsValidForRead") is not False


def _column(row: Row, facts: Row, links: Mapping[tuple[str, str], tuple[str, str]]) -> Column | None:
    kind = _KINDS.get(str(row.get("AttributeType")))
    if kind is None:
        return None
    if (facts.get("DateTimeBehavior") or {}).get("Value") == "DateOnly":
        kind = ColumnKind.DATE
    create, update = bool(row.get("IsValidForCreate")), bool(row.get("IsValidForUpdate"))
    name = str(row["LogicalName"])
    is_lookup = kind is ColumnKind.LOOKUP
    target, (navigation, target_set) = _target(name, facts, links) if is_lookup else (None, (None, None))
    return Column(
        name=name,
        kind=kind,
        max_length=facts.get("MaxLength"),
        read_only=(not create and not update) or (is_lookup and navigation is None),
        create_only=create and not update,
        navigation=navigation,
        target_set=target_set,
        target=target,
        options=labels_of(facts),
        caption=label_of(row),
    )


def _target(
    name: str, facts: Row, links: Mapping[tuple[str, str], tuple[str, str]]
) -> tuple[str | None, tuple[str | None, str | None]]:
    """The table that a lookup is bound to here, with the navigation property and the entity set."""
    targets = [str(one) for one in facts.get("Targets") or ()] or [to for column, to in links if column == name]
    bound = sorted((to for to in targets if (name, to) in links), key=lambda to: to not in _PREFERRED_TARGETS)
    if bound:
        return bound[0], links[name, bound[0]]
    return ("systemuser", _OWNER) if "systemuser" in targets and name == "ownerid" else (next(iter(targets), None), _NO)


def _table(definition: Row, columns: tuple[Column, ...]) -> Table:
    names = {column.name for column in columns}
    keys = [
        tuple(str(one) for one in key.get("KeyAttributes") or ())
        for key in definition.get("Keys") or ()
        if key.get("EntityKeyIndexStatus") == "Active"
    ]
    title = definition.get("PrimaryNameAttribute")
    return Table(
        name=definition["LogicalName"],
        side=Side.DATAVERSE,
        caption=label_of(definition),
        entity_set=definition["EntitySetName"],
        key=definition["PrimaryIdAttribute"],
        number=_number(definition["LogicalName"], columns, keys),
        title=title if title in names else None,
        modified="modifiedon" if "modifiedon" in names else None,
        columns=columns,
        alternate_keys=tuple(keys),
        tracked=bool(definition.get("ChangeTrackingEnabled")),
    )


def _number(table: str, columns: Iterable[Column], keys: Iterable[tuple[str, ...]]) -> str | None:
    """The column people know a row by: `<table>number` by custom (account, product), else a key of one text."""
    texts = [column.name for column in columns if column.kind is ColumnKind.TEXT]
    single = [key[0] for key in keys if len(key) == 1]
    return next((name for name in (f"{table}number", *single) if name in texts), None)
