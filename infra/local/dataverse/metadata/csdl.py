"""The service document and `$metadata`, the CSDL of the simulated tables."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from infra.local.dataverse.answers import Answer
from infra.local.dataverse.schema.catalog import TABLES, relationships_to
from infra.local.dataverse.schema.model import Column, Kind, Table
from infra.local.dataverse.session import Session

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"


def service_document(session: Session) -> Answer:
    """Answer the list of entity sets."""
    sets = sorted(table.set_name for table in TABLES.values())
    value = [{"name": name, "kind": "EntitySet", "url": name} for name in sets]
    return Answer(200, {"@odata.context": f"{session.base}$metadata", "value": value})


def metadata_document() -> Answer:
    """Answer the CSDL."""
    text = "\n".join(
        (
            '<?xml version="1.0" encoding="utf-8"?>',
            f'<edmx:Edmx Version="4.0" xmlns:edmx="{_EDMX}"><edmx:DataServices>',
            f'<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="{_EDM}">',
            '<EntityType Name="crmbaseentity" Abstract="true" />',
            '<EntityType Name="principal" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="ownerid" /></Key>'
            '<Property Name="ownerid" Type="Edm.Guid" /></EntityType>',
            *(line for table in TABLES.values() for line in _entity_type(table)),
            *_actions(),
            '<EntityContainer Name="System">',
            *(line for table in TABLES.values() for line in _entity_set(table)),
            '<FunctionImport Name="WhoAmI" Function="mscrm.WhoAmI" />',
            "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
        )
    )
    return Answer(200, text, content_type="application/xml")


def _entity_type(table: Table) -> Iterator[str]:
    # Users and teams take their key from principal.
    base = "mscrm.crmbaseentity" if table.named_id else "mscrm.principal"
    yield f'<EntityType Name="{table.name}" BaseType="{base}">'
    if table.named_id:
        yield f'<Key><PropertyRef Name="{table.id}" /></Key>'
    for column in table.columns.values():
        if table.named_id or column.name != "ownerid":
            yield _property(column)
    for column in table.lookups:
        for name, targets in column.navigations.items():
            target = targets[0] if len(targets) == 1 else "principal"
            constraint = f'<ReferentialConstraint Property="{column.wire}" ReferencedProperty="{_key_of(target)}" />'
            yield f'<NavigationProperty Name="{name}" Type="mscrm.{target}">{constraint}</NavigationProperty>'
    for one in relationships_to(table.name).values():
        kind = f"Collection(mscrm.{one.referencing.name})"
        yield f'<NavigationProperty Name={quoteattr(one.name)} Type="{kind}" />'
    yield "</EntityType>"


def _property(column: Column) -> str:
    scale = ' Scale="Variable"' if column.kind in (Kind.DECIMAL, Kind.MONEY) else ""
    return f'<Property Name="{column.wire}" Type="{column.kind.edm}"{scale} />'


def _key_of(target: str) -> str:
    return "ownerid" if target == "principal" else TABLES[target].id


def _entity_set(table: Table) -> Iterator[str]:
    yield f'<EntitySet Name="{table.set_name}" EntityType="Microsoft.Dynamics.CRM.{table.name}">'
    for column in table.lookups:
        for name, targets in column.navigations.items():
            if len(targets) == 1:
                target = TABLES[targets[0]].set_name
                yield f'<NavigationPropertyBinding Path="{name}" Target="{target}" />'
    yield "</EntitySet>"


def _actions() -> Iterator[str]:
    yield '<ComplexType Name="WhoAmIResponse">'
    for name in ("BusinessUnitId", "UserId", "OrganizationId"):
        yield f'<Property Name="{name}" Type="Edm.Guid" Nullable="false" />'
    yield "</ComplexType>"
    yield '<Function Name="WhoAmI"><ReturnType Type="mscrm.WhoAmIResponse" Nullable="false" /></Function>'
    for table in TABLES.values():
        if table.bulk:
            for message in ("CreateMultiple", "UpdateMultiple", "UpsertMultiple"):
                yield f'<Action Name="{message}" IsBound="true">'
                yield f'<Parameter Name="entityset" Type="Collection(mscrm.{table.name})" Nullable="false" />'
                yield f'<Parameter Name="Targets" Type="Collection(mscrm.{table.name})" Nullable="false" />'
                yield "</Action>"
