"""Tables, columns, keys and relationships in the shapes of the metadata types (EntityMetadata and its kin)."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from infra.local.dataverse.schema.catalog import Relationship
from infra.local.dataverse.schema.model import Column, Kind, Required, Table
from infra.local.dataverse.session import Session
from infra.local.dataverse.tracking import tracks
from infra.local.dataverse.writing.keys import EntityKey

Row = dict[str, Any]

NAMESPACE = "Microsoft.Dynamics.CRM."
_ATTRIBUTE_TYPES = {Kind.DATE: "DateTime"}


def entity(session: Session, table: Table) -> Row:
    """Answer the definition of a table."""
    return {
        "MetadataId": str(table.metadata_id),
        "LogicalName": table.name,
        "SchemaName": table.name.capitalize(),
        "EntitySetName": table.set_name,
        "LogicalCollectionName": table.set_name,
        "CollectionSchemaName": table.set_name.capitalize(),
        "PrimaryIdAttribute": table.id,
        "PrimaryNameAttribute": table.primary_name,
        "ObjectTypeCode": table.code,
        "OwnershipType": table.ownership,
        "DisplayName": label(_words(table.name)),
        "DisplayCollectionName": label(_words(table.set_name)),
        "Description": label(_words(table.name)),
        "IsPrivate": False,
        "IsCustomEntity": False,
        "IsActivity": False,
        "IsIntersect": False,
        "IsLogicalEntity": False,
        "IsManaged": True,
        "IsCustomizable": _managed(True, "iscustomizable"),
        "TableType": "Standard",
        "DataProviderId": None,
        "ChangeTrackingEnabled": tracks(session, table),
        "CanChangeTrackingBeEnabled": _managed(table.change_tracking, "canchangetrackingbeenabled"),
        "IsOptimisticConcurrencyEnabled": table.optimistic_concurrency,
        "IsValidForAdvancedFind": table.writable,
        "HasChanged": None,
    }


def attribute(table: Table, column: Column) -> Row:
    """Answer the definition of a column."""
    kind = _ATTRIBUTE_TYPES.get(column.kind, column.kind.value)
    is_id = column.name == table.id
    row: Row = {
        "@odata.type": f"#{NAMESPACE}{_type_name(column)}",
        "MetadataId": attribute_id(table, column),
        "LogicalName": column.name,
        "SchemaName": column.name.capitalize(),
        "EntityLogicalName": table.name,
        "AttributeType": kind,
        "AttributeTypeName": {"Value": f"{kind}Type"},
        "DisplayName": label(_words(column.name)),
        "Description": label(_words(column.name)),
        "IsPrimaryId": is_id,
        "IsPrimaryName": column.name == table.primary_name,
        "IsValidForCreate": column.create,
        "IsValidForUpdate": column.update,
        "IsValidForRead": True,
        "IsValidODataAttribute": True,
        "IsCustomAttribute": False,
        "IsLogical": False,
        "IsManaged": True,
        "IsSearchable": False,
        "IsFilterable": False,
        "AttributeOf": None,
        "RequiredLevel": {**_managed(column.required, "canmodifyrequirementlevelsettings")},
    }
    if is_id:
        row["RequiredLevel"]["Value"] = Required.SYSTEM
    return row | _facets(column)


def _facets(column: Column) -> Row:
    kind = column.kind
    if kind.is_text:
        return {"MaxLength": column.length, "FormatName": {"Value": "Text"}}
    if kind in (Kind.INTEGER, Kind.DOUBLE, Kind.DECIMAL, Kind.MONEY):
        precision = {} if kind is Kind.INTEGER else {"Precision": column.precision}
        return {"MinValue": column.least, "MaxValue": column.most, **precision}
    if kind in (Kind.DATETIME, Kind.DATE):
        behavior = "DateOnly" if kind is Kind.DATE else "UserLocal"
        return {
            "Format": "DateOnly" if kind is Kind.DATE else "DateAndTime",
            "DateTimeBehavior": {"Value": behavior},
        }
    return {"Targets": list(column.targets)} if kind.is_lookup else {}


def option_set(column: Column) -> Row:
    """Answer the options of a choice."""
    return {
        "MetadataId": str(uuid5(NAMESPACE_DNS, f"optionset.{column.name}")),
        "Name": column.name,
        "IsGlobal": False,
        "OptionSetType": "Picklist" if column.kind is Kind.CHOICE else column.kind.value,
        "Options": [_option(number, text) for number, text in column.options.items()],
    }


def boolean_option_set(column: Column) -> Row:
    """Answer the two options of a Boolean."""
    return {
        "Name": column.name,
        "IsGlobal": False,
        "OptionSetType": "Boolean",
        "FalseOption": _option(0, column.options.get(0, "No")),
        "TrueOption": _option(1, column.options.get(1, "Yes")),
    }


def _option(number: int, text: str) -> Row:
    return {"Value": number, "Label": label(text), "Color": None, "ExternalValue": "", "IsManaged": True}


def entity_key(table: Table, key: EntityKey) -> Row:
    """Answer the definition of an alternate key; keys are active at once here."""
    return {
        "MetadataId": key.id,
        "LogicalName": key.name.lower(),
        "SchemaName": key.name,
        "EntityLogicalName": table.name,
        "KeyAttributes": list(key.columns),
        "EntityKeyIndexStatus": "Active",
        "DisplayName": label(key.name),
        "IsManaged": False,
        "AsyncJob": None,
    }


def relationship(one: Relationship) -> Row:
    """Answer the definition of a one-to-many relationship, seen from either side."""
    navigations = one.column.navigations.items()
    navigation = next(name for name, targets in navigations if one.referenced.name in targets)
    return {
        "@odata.type": f"#{NAMESPACE}OneToManyRelationshipMetadata",
        "MetadataId": str(uuid5(NAMESPACE_DNS, f"{one.referencing.name}.{one.name}")),
        "SchemaName": one.name,
        "RelationshipType": "OneToManyRelationship",
        "ReferencedEntity": one.referenced.name,
        "ReferencedAttribute": one.referenced.id,
        "ReferencedEntityNavigationPropertyName": one.name,
        "ReferencingEntity": one.referencing.name,
        "ReferencingAttribute": one.column.name,
        "ReferencingEntityNavigationPropertyName": navigation,
        "CascadeConfiguration": {"Delete": one.on_delete.value, "Assign": "NoCascade", "Merge": "NoCascade"},
        "IsCustomRelationship": False,
        "IsManaged": True,
    }


def attribute_id(table: Table, column: Column) -> str:
    """Answer the id of a column's definition."""
    return str(uuid5(NAMESPACE_DNS, f"{column.name}.{table.name}.dataverse.example"))


def label(text: str) -> Row:
    """Answer a label in the organization's one language."""
    localized = {"Label": text, "LanguageCode": 1033, "IsManaged": True, "MetadataId": None, "HasChanged": None}
    return {"LocalizedLabels": [localized], "UserLocalizedLabel": localized}


def _managed(value: object, name: str) -> Row:
    return {"Value": value, "CanBeChanged": False, "ManagedPropertyLogicalName": name}


def _type_name(column: Column) -> str:
    special = {Kind.GUID: "Attribute", Kind.CUSTOMER: "LookupAttribute", Kind.OWNER: "LookupAttribute"}
    kind = _ATTRIBUTE_TYPES.get(column.kind, column.kind.value)
    return special.get(column.kind, f"{kind}Attribute") + "Metadata"


def _words(name: str) -> str:
    return name.replace("_", " ").title()
