"""The entity sets of the API as data: `entities.json`, read once into frozen objects.

The file holds, per set, its properties with type, length, enum members and relations (resource pages of the API v2.0
reference). A property marked `hidden` is a field of the table that the API page does not show but the rules need.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

Kind = Literal["text", "guid", "boolean", "decimal", "integer", "date", "moment", "enum"]
Stored = str | int | float
"""A value as a column holds it: booleans as 0 and 1, moments as milliseconds since 1970, everything else as sent."""

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
BLANK_DATE = "0001-01-01"
BLANK_MOMENT = -62_135_596_800_000
BLANK_ENUM = "_x0020_"

_KINDS: Mapping[str, Kind] = {
    "Edm.String": "text",
    "Edm.Guid": "guid",
    "Edm.Boolean": "boolean",
    "Edm.Decimal": "decimal",
    "Edm.Int32": "integer",
    "Edm.Int64": "integer",
    "Edm.Date": "date",
    "Edm.DateTimeOffset": "moment",
}
_BLANKS: Mapping[Kind, Stored] = {
    "text": "",
    "guid": ZERO_GUID,
    "boolean": 0,
    "decimal": 0,
    "integer": 0,
    "date": BLANK_DATE,
    "moment": BLANK_MOMENT,
}


@dataclass(frozen=True)
class Relation:
    """A value must exist in another table: in `set` by its property `by`; `set` is None where no row of it exists."""

    table: str
    set: str | None
    by: str


@dataclass(frozen=True)
class Property:
    """One property of an entity; lengths in characters, `caption` is the field's name in error texts."""

    name: str
    type: str
    kind: Kind
    caption: str
    max_length: int | None = None
    stored_max_length: int | None = None
    truncated_to: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    not_blank: bool = False
    read_only: bool = False
    calculated: bool = False
    hidden: bool = False
    code: bool = False
    format: str | None = None
    enum: tuple[str, ...] = ()
    relation: Relation | None = None
    default: Stored = ""

    @cached_property
    def shortest(self) -> int:
        """The length of a text up to which no limit can be exceeded."""
        return min((one for one in (self.max_length, self.stored_max_length) if one is not None), default=2**31)

    @cached_property
    def blank(self) -> Stored:
        """What stands for "nothing" in this property: the API knows no null."""
        return self.enum[0] if self.kind == "enum" else _BLANKS[self.kind]


@dataclass(frozen=True)
class Navigation:
    """What `$expand` may name: `many` rows or at most one, found by the id in the property `via`."""

    name: str
    set: str
    many: bool
    via: str | None = None


@dataclass(frozen=True)
class EntitySet:
    """One entity set; `key` orders it, `identity` is its key in URLs, `stamped`: any PATCH moves its last change.

    `api` is the custom API that has the page, "publisher/group/version"; None: the standard API.
    """

    name: str
    entity: str
    table: str
    key: str
    identity: str
    stored: bool
    stamped: bool
    insert: bool
    update: bool
    delete: bool
    properties: Mapping[str, Property]
    navigation: Mapping[str, Navigation]
    api: str | None = None

    @cached_property
    def shown(self) -> tuple[Property, ...]:
        """The properties that the API page has."""
        return tuple(one for one in self.properties.values() if not one.hidden)

    def find_navigation(self, name: str) -> Navigation | None:
        """Answer a navigation by its name, or by its target's name (the documentation shows both spellings)."""
        by_target = (one for one in self.navigation.values() if one.set == name)
        return self.navigation.get(name) or next(by_target, None)


def _property(name: str, raw: dict[str, Any]) -> Property:
    kind: Kind = "enum" if "enum" in raw else _KINDS[raw["type"]]
    relation = raw.get("relation")
    enum = tuple(raw.get("enum", ()))
    return Property(
        name=name,
        type=raw["type"],
        kind=kind,
        caption=raw["caption"],
        max_length=raw.get("maxLength"),
        stored_max_length=raw.get("storedMaxLength"),
        truncated_to=raw.get("truncatedTo"),
        minimum=raw.get("min"),
        maximum=raw.get("max"),
        required=raw.get("required", False),
        not_blank=raw.get("notBlank", False),
        read_only=raw.get("readOnly", False),
        calculated=raw.get("calculated", False),
        hidden=raw.get("hidden", False),
        code=raw.get("code", False),
        format=raw.get("format"),
        enum=enum,
        relation=Relation(**relation) if relation else None,
        default=raw.get("default", enum[0] if enum else _BLANKS.get(kind, "")),
    )


def _entity_set(name: str, raw: dict[str, Any]) -> EntitySet:
    properties = {key: _property(key, value) for key, value in raw.pop("properties").items()}
    navigation = {key: Navigation(name=key, **value) for key, value in raw.pop("navigation").items()}
    return EntitySet(name=name, **raw, properties=MappingProxyType(properties), navigation=MappingProxyType(navigation))


def _read() -> Mapping[str, EntitySet]:
    text = Path(__file__).with_name("entities.json").read_text(encoding="utf-8")
    return MappingProxyType({name: _entity_set(name, raw) for name, raw in json.loads(text).items()})


ENTITY_SETS: Mapping[str, EntitySet] = _read()
APIS = frozenset(one.api for one in ENTITY_SETS.values())
STORED_SETS: tuple[EntitySet, ...] = tuple(one for one in ENTITY_SETS.values() if one.stored)
