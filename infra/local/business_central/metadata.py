"""`$metadata` (EDMX) and the service document, from the schema."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from xml.sax.saxutils import quoteattr

from infra.local.business_central.schema import ENTITY_SETS, EntitySet, Navigation, Property

_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>'
    '<Schema Namespace="Microsoft.NAV" xmlns="http://docs.oasis-open.org/odata/ns/edm">'
)
_TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"


def service_document(root: str, api: str | None = None) -> dict[str, Any]:
    """The list of entity sets at the root of an API."""
    sets = [{"name": one.name, "kind": "EntitySet", "url": one.name} for one in _sets(api)]
    return {"@odata.context": f"{root}/$metadata", "value": sets}


@lru_cache
def edmx(api: str | None = None) -> str:
    """The metadata document of an API; it does not vary by company."""
    types = "".join(_entity_type(one) for one in _sets(api))
    sets = "".join(_entity_set(one) for one in _sets(api))
    return f'{_HEAD}{types}{_enums(api)}<EntityContainer Name="NAV">{sets}</EntityContainer>{_TAIL}'


def _sets(api: str | None) -> list[EntitySet]:
    """The entity sets of an API; the companies are at the root of each."""
    return [one for one in ENTITY_SETS.values() if one.api == api or one.name == "companies"]


def _entity_type(entity_set: EntitySet) -> str:
    properties = "".join(_property(one, entity_set) for one in entity_set.shown)
    navigation = "".join(_navigation(one) for one in entity_set.navigation.values() if one.set in ENTITY_SETS)
    key = f'<Key><PropertyRef Name="{entity_set.identity}"/></Key>'
    return f'<EntityType Name="{entity_set.entity}">{key}{properties}{navigation}</EntityType>'


def _navigation(one: Navigation) -> str:
    """A part of the page, or a record that an id of this one names."""
    head = f'<NavigationProperty Name="{one.name}" Type="{_target(one.set, many=one.many)}"'
    if not one.via:
        return f'{head} ContainsTarget="true"/>'
    constraint = f'<ReferentialConstraint Property="{one.via}" ReferencedProperty="{ENTITY_SETS[one.set].identity}"/>'
    return f"{head}>{constraint}</NavigationProperty>"


def _property(one: Property, entity_set: EntitySet) -> str:
    length = f' MaxLength="{one.max_length}"' if one.max_length else ""
    nullable = ' Nullable="false"' if one.name == entity_set.identity else ""
    scale = ' Scale="Variable"' if one.kind == "decimal" else ""
    edit = f'<Annotation Term="NAV.AllowEdit" Bool="{str(not one.read_only).lower()}"/>'
    return f'<Property Name="{one.name}" Type="{one.type}"{nullable}{length}{scale}>{edit}</Property>'


def _target(name: str, *, many: bool) -> str:
    entity = f"Microsoft.NAV.{ENTITY_SETS[name].entity}"
    return f"Collection({entity})" if many else entity


def _enums(api: str | None) -> str:
    enums = {one.type: one.enum for entity_set in _sets(api) for one in entity_set.shown if one.enum}
    return "".join(
        f'<EnumType Name="{name.rpartition(".")[2]}">'
        + "".join(f'<Member Name={quoteattr(one)} Value="{at}"/>' for at, one in enumerate(members))
        + "</EnumType>"
        for name, members in enums.items()
    )


def _entity_set(entity_set: EntitySet) -> str:
    return f'<EntitySet Name="{entity_set.name}" EntityType="Microsoft.NAV.{entity_set.entity}"/>'
