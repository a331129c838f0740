"""Requests on `EntityDefinitions`: tables, their columns, keys and relationships."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from infra.local.dataverse.address import Segment
from infra.local.dataverse.answers import Answer, Operation
from infra.local.dataverse.errors import Refusal, no_such_segment, not_supported_method, wrong_argument
from infra.local.dataverse.metadata import definitions
from infra.local.dataverse.metadata.queries import Expander, Row, shaped, shaped_one
from infra.local.dataverse.query.options import Options, parse_options
from infra.local.dataverse.schema.catalog import TABLES, relationships_to
from infra.local.dataverse.schema.model import Column, Kind, Table
from infra.local.dataverse.session import Session

_CASTS: dict[str, Callable[[Column], bool]] = {
    "PicklistAttributeMetadata": lambda column: column.kind is Kind.CHOICE,
    "StateAttributeMetadata": lambda column: column.kind is Kind.STATE,
    "StatusAttributeMetadata": lambda column: column.kind is Kind.STATUS,
    "BooleanAttributeMetadata": lambda column: column.kind is Kind.BOOLEAN,
    "StringAttributeMetadata": lambda column: column.kind is Kind.STRING,
    "MemoAttributeMetadata": lambda column: column.kind is Kind.MEMO,
    "LookupAttributeMetadata": lambda column: column.kind.is_lookup,
    "MoneyAttributeMetadata": lambda column: column.kind is Kind.MONEY,
    "IntegerAttributeMetadata": lambda column: column.kind is Kind.INTEGER,
    "DecimalAttributeMetadata": lambda column: column.kind is Kind.DECIMAL,
    "DoubleAttributeMetadata": lambda column: column.kind is Kind.DOUBLE,
    "DateTimeAttributeMetadata": lambda column: column.kind in (Kind.DATETIME, Kind.DATE),
}


def on_definitions(session: Session, operation: Operation, segments: list[Segment]) -> Answer:
    """Answer a request on `EntityDefinitions...`; raises Refusal."""
    options = parse_options(operation.query)
    if segments[0].key is None:
        _only_get(operation)
        rows = [definitions.entity(session, table) for table in TABLES.values()]
        return _list(session, "EntityDefinitions", shaped(rows, options, _expanders(session)))
    table = _table(segments[0].key)
    if len(segments) == 1:
        return _entity(session, operation, table, options)
    match segments[1].name:
        case "Attributes":
            _only_get(operation)
            return _attributes(session, table, segments[1:], options)
        case "Keys":
            return _keys(session, operation, table, segments[1], options)
        case "OneToManyRelationships" | "ManyToOneRelationships" | "ManyToManyRelationships" as side:
            _only_get(operation)
            return _list(session, side, shaped(_relationships(table, side), options, {}))
    raise no_such_segment(segments[1].name)


def on_relationships(session: Session, operation: Operation, segments: list[Segment]) -> Answer:
    """Answer a request on `RelationshipDefinitions...`; raises Refusal."""
    _only_get(operation)
    options = parse_options(operation.query)
    rows = [row for table in TABLES.values() for row in _relationships(table, "OneToManyRelationships")]
    key = segments[0].key
    if key is None:
        return _list(session, "RelationshipDefinitions", shaped(rows, options, {}))
    wanted = next(iter(key.values()))
    for row in rows:
        if wanted in (row["SchemaName"], row["MetadataId"]):
            return Answer(200, shaped_one(row, options, {}))
    raise _unknown(wanted)


def _entity(session: Session, operation: Operation, table: Table, options: Options) -> Answer:
    if operation.method == "PUT":
        return _change_table(session, operation, table)
    _only_get(operation)
    row = shaped_one(definitions.entity(session, table), options, _expanders(session))
    return Answer(200, {"@odata.context": f"{session.base}$metadata#EntityDefinitions/$entity", **row})


def _change_table(session: Session, operation: Operation, table: Table) -> Answer:
    """Change tracking can be switched on, and never off again."""
    body = operation.json("EntityDefinitions")
    wanted = body.get("ChangeTrackingEnabled") if isinstance(body, dict) else None
    if wanted is True and table.change_tracking:
        session.settings.untracked.discard(table.name)
    elif wanted is not None and wanted != (table.change_tracking and table.name not in session.settings.untracked):
        raise Refusal(400, "0x80040203", f"Change tracking of {table.name} cannot be changed to {wanted}.")
    return Answer(204)


def _expanders(session: Session) -> dict[str, Expander]:
    def of(make: Callable[[Table], Any]) -> Expander:
        return lambda row: make(TABLES[row["LogicalName"]])

    return {
        "Attributes": of(lambda table: [definitions.attribute(table, one) for one in table.columns.values()]),
        "Keys": of(lambda table: [definitions.entity_key(table, key) for key in session.keys.of(table)]),
        "OneToManyRelationships": of(lambda table: _relationships(table, "OneToManyRelationships")),
        "ManyToOneRelationships": of(lambda table: _relationships(table, "ManyToOneRelationships")),
        "ManyToManyRelationships": of(lambda table: []),
    }


def _attributes(session: Session, table: Table, segments: list[Segment], options: Options) -> Answer:
    cast = segments[-1].name.removeprefix(definitions.NAMESPACE) if len(segments) > 1 else ""
    if cast and cast not in _CASTS:
        raise no_such_segment(segments[-1].name)
    columns = [one for one in table.columns.values() if not cast or _CASTS[cast](one)]
    expanders = _option_sets(table, cast)
    if segments[0].key is None:
        rows = [definitions.attribute(table, one) for one in columns]
        return _list(session, f"EntityDefinitions('{table.name}')/Attributes", shaped(rows, options, expanders))
    column = _column(table, columns, segments[0].key)
    row = shaped_one(definitions.attribute(table, column), options, expanders)
    return Answer(200, {"@odata.context": f"{session.base}$metadata#Attributes/$entity", **row})


def _option_sets(table: Table, cast: str) -> dict[str, Expander]:
    if cast == "BooleanAttributeMetadata":
        return {"OptionSet": lambda row: definitions.boolean_option_set(table.columns[row["LogicalName"]])}
    if cast in ("PicklistAttributeMetadata", "StateAttributeMetadata", "StatusAttributeMetadata"):
        return {
            "OptionSet": lambda row: definitions.option_set(table.columns[row["LogicalName"]]),
            "GlobalOptionSet": lambda row: None,
        }
    return {}


def _keys(session: Session, operation: Operation, table: Table, segment: Segment, options: Options) -> Answer:
    if operation.method == "POST":
        body = operation.json("EntityDefinitions")
        columns = body.get("KeyAttributes") if isinstance(body, dict) else None
        if not isinstance(columns, list) or not isinstance(body.get("SchemaName"), str):
            raise wrong_argument("A key needs SchemaName and KeyAttributes.")
        key = session.keys.define(table, body["SchemaName"], [str(one) for one in columns])
        address = f"{session.base}{operation.path.strip('/')}({key.id})"
        return Answer(204, headers={"OData-EntityId": address})
    if not segment.key:
        _only_get(operation)
        rows = [definitions.entity_key(table, key) for key in session.keys.of(table)]
        return _list(session, f"EntityDefinitions('{table.name}')/Keys", shaped(rows, options, {}))
    return _key(session, operation, table, next(iter(segment.key.values())).lower(), options)


def _key(session: Session, operation: Operation, table: Table, wanted: str, options: Options) -> Answer:
    for key in session.keys.of(table):
        if wanted not in (key.id, key.name.lower()):
            continue
        if operation.method == "DELETE":
            session.keys.remove(table, key)
            return Answer(204)
        _only_get(operation)
        return Answer(200, shaped_one(definitions.entity_key(table, key), options, {}))
    raise _unknown(wanted)


def _relationships(table: Table, side: str) -> list[Row]:
    if side == "OneToManyRelationships":
        return [definitions.relationship(one) for one in relationships_to(table.name).values()]
    if side == "ManyToOneRelationships":
        return [
            definitions.relationship(one)
            for referenced in TABLES
            for one in relationships_to(referenced).values()
            if one.referencing is table
        ]
    return []


def _table(key: dict[str, str]) -> Table:
    name, value = next(iter(key.items()))
    for table in TABLES.values():
        if (name == "LogicalName" and value == table.name) or (name != "LogicalName" and _same(value, table)):
            return table
    raise _unknown(value)


def _same(value: str, table: Table) -> bool:
    return value.lower() == str(table.metadata_id)


def _column(table: Table, columns: list[Column], key: dict[str, str]) -> Column:
    name, value = next(iter(key.items()))
    for column in columns:
        if (name == "LogicalName" and value == column.name) or value.lower() == definitions.attribute_id(table, column):
            return column
    raise _unknown(value)


def _unknown(value: str) -> Refusal:
    return Refusal(404, "0x80060888", f"Could not find an item with the name or id '{value}' in the MetadataCache.")


def _only_get(operation: Operation) -> None:
    if operation.method != "GET":
        raise not_supported_method(operation.method)


def _list(session: Session, name: str, rows: list[Row]) -> Answer:
    return Answer(200, {"@odata.context": f"{session.base}$metadata#{name}", "value": rows})
