"""What an API of Business Central tells about its entity sets (`$metadata`), as tables that can be mapped.

Facts used (sheet "Using OData metadata"): text lengths are the facet MaxLength, enums are types of the namespace
Microsoft.NAV with encoded member names, the annotations AllowEdit and AllowEditOnCreate say what may be written, and a
navigation with a ReferentialConstraint names the table that an id belongs to. Whether a text is a code is not told, so
it is read as a text. That a code comes back in capitals from a write is seen in the answer, and is no edit
(`remember.versioned`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree.ElementTree import Element

from shared.adapters.edm import read_xml
from shared.adapters.values import decode_enum
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, TableName

KEY = "id"
_KINDS = {
    "Edm.String": ColumnKind.TEXT,
    "Edm.Guid": ColumnKind.GUID,
    "Edm.Boolean": ColumnKind.BOOLEAN,
    "Edm.Byte": ColumnKind.INTEGER,
    "Edm.Int16": ColumnKind.INTEGER,
    "Edm.Int32": ColumnKind.INTEGER,
    "Edm.Int64": ColumnKind.INTEGER,
    "Edm.Decimal": ColumnKind.DECIMAL,
    "Edm.Double": ColumnKind.DECIMAL,
    "Edm.Single": ColumnKind.DECIMAL,
    "Edm.Date": ColumnKind.DATE,
    "Edm.DateTimeOffset": ColumnKind.DATETIME,
}
_NUMBERS = ("number", "code")
_TITLES = ("displayName", "description", "name")
_SMALL = ("Of", "And", "The", "For")
_MODIFIED = ("lastModifiedDateTime", "systemModifiedAt")


class Metadata:
    """The metadata document of one API; `api` is the custom API's root, None for the standard one."""

    def __init__(self, content: bytes, api: str | None = None) -> None:
        """Raises UnreadableMetadata."""
        root = read_xml(content)
        self._api = api
        self._types = {str(one.get("Name")): one for one in root.iter("EntityType")}
        self._enums = {str(one.get("Name")): _members(one) for one in root.iter("EnumType")}
        found = {str(one.get("Name")): _local(str(one.get("EntityType"))) for one in root.iter("EntitySet")}
        self._sets: Mapping[str, str] = {name: kind for name, kind in found.items() if kind in self._types}

    def tables(self) -> list[TableName]:
        """The entity sets whose records have an id and can therefore be mapped."""
        names = [name for name, kind in self._sets.items() if _has_id(self._types[kind])]
        return [TableName(self._named(name), _words(self._sets[name])) for name in sorted(names)]

    def table(self, entity_set: str) -> Table | None:
        """One entity set; None when there is none of that name, or its records have no id."""
        kind = self._types.get(self._sets.get(entity_set, ""))
        if kind is None or not _has_id(kind):
            return None
        targets = dict(self._targets(kind))
        columns = tuple(one for row in kind.iter("Property") if (one := self._column(row, targets)) is not None)
        names = [column.name for column in columns]
        return Table(
            name=self._named(entity_set),
            side=Side.BUSINESS_CENTRAL,
            caption=_words(self._sets[entity_set]),
            entity_set=entity_set,
            key=KEY,
            number=_first(_NUMBERS, names),
            title=_first(_TITLES, names),
            modified=_first(_MODIFIED, names),
            columns=columns,
            api=self._api,
        )

    def _named(self, entity_set: str) -> str:
        return f"{self._api}/{entity_set}" if self._api else entity_set

    def _column(self, row: Element, targets: Mapping[str, str]) -> Column | None:
        name, type_name = str(row.get("Name")), str(row.get("Type"))
        members = self._enums.get(_local(type_name), ())
        kind = ColumnKind.ENUM if members else _KINDS.get(type_name)
        if name == KEY or kind is None:
            return None
        length = row.get("MaxLength", "")
        edit, create = (_allows(row, term) for term in ("AllowEdit", "AllowEditOnCreate"))
        return Column(
            name=name,
            kind=kind,
            max_length=int(length) if length.isdigit() else None,
            read_only=edit is False and not create,
            create_only=edit is False and bool(create),
            target=targets.get(name),
            members=tuple(member for member in members if member.strip()),
            caption=_words(name),
        )

    def _targets(self, kind: Element) -> Iterator[tuple[str, str]]:
        """The entity set that each id column refers to, as far as the navigations say."""
        sets = {entity: name for name, entity in self._sets.items()}
        for navigation in kind.iter("NavigationProperty"):
            entity = _local(str(navigation.get("Type")))
            for constraint in navigation.iter("ReferentialConstraint"):
                if entity in sets and constraint.get("ReferencedProperty") == KEY:
                    yield str(constraint.get("Property")), self._named(sets[entity])


def _has_id(kind: Element) -> bool:
    keys = [reference.get("Name") for key in kind.findall("Key") for reference in key.iter("PropertyRef")]
    types = {row.get("Name"): row.get("Type") for row in kind.iter("Property")}
    return keys == [KEY] and types.get(KEY) == "Edm.Guid"


def _members(enum: Element) -> tuple[str, ...]:
    return tuple(decode_enum(str(member.get("Name"))) for member in enum.iter("Member"))


def _allows(row: Element, term: str) -> bool | None:
    for annotation in row.iter("Annotation"):
        if _local(str(annotation.get("Term"))) == term:
            return str(annotation.get("Bool", "true")).lower() == "true"
    return None


def _first(wanted: tuple[str, ...], names: list[str]) -> str | None:
    return next((name for name in wanted if name in names), None)


def _local(name: str) -> str:
    return name.rpartition(".")[2].rstrip(")")


def _words(name: str) -> str:
    """The words of a name in camel case: `unitOfMeasure` is "Unit of Measure"."""
    first, *others = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).split()
    return " ".join([first[:1].upper() + first[1:], *(one.lower() if one in _SMALL else one for one in others)])
