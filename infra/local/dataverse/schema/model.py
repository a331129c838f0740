"""What a table and a column are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any
from uuid import NAMESPACE_DNS, UUID, uuid5


class Kind(StrEnum):
    """The attribute types, by the names that the metadata gives them."""

    STRING = "String"
    MEMO = "Memo"
    INTEGER = "Integer"
    BIGINT = "BigInt"
    DOUBLE = "Double"
    DECIMAL = "Decimal"
    MONEY = "Money"
    BOOLEAN = "Boolean"
    DATETIME = "DateTime"
    DATE = "DateOnly"
    GUID = "Uniqueidentifier"
    CHOICE = "Picklist"
    STATE = "State"
    STATUS = "Status"
    LOOKUP = "Lookup"
    CUSTOMER = "Customer"
    OWNER = "Owner"

    @property
    def is_lookup(self) -> bool:
        return self in _LOOKUPS

    @property
    def is_choice(self) -> bool:
        return self in _CHOICES

    @property
    def is_text(self) -> bool:
        return self in _TEXTS

    @property
    def is_number(self) -> bool:
        return self in _NUMBERS

    @property
    def edm(self) -> str:
        """The type's name in the CSDL and in error texts."""
        return _EDM[self]


_LOOKUPS = frozenset({Kind.LOOKUP, Kind.CUSTOMER, Kind.OWNER})
_CHOICES = frozenset({Kind.CHOICE, Kind.STATE, Kind.STATUS})
_TEXTS = frozenset({Kind.STRING, Kind.MEMO})
_NUMBERS = frozenset({Kind.INTEGER, Kind.BIGINT, Kind.DOUBLE, Kind.DECIMAL, Kind.MONEY, *_CHOICES})
_EDM = {
    Kind.STRING: "Edm.String",
    Kind.MEMO: "Edm.String",
    Kind.INTEGER: "Edm.Int32",
    Kind.BIGINT: "Edm.Int64",
    Kind.DOUBLE: "Edm.Double",
    Kind.DECIMAL: "Edm.Decimal",
    Kind.MONEY: "Edm.Decimal",
    Kind.BOOLEAN: "Edm.Boolean",
    Kind.DATETIME: "Edm.DateTimeOffset",
    Kind.DATE: "Edm.Date",
    Kind.GUID: "Edm.Guid",
    Kind.CHOICE: "Edm.Int32",
    Kind.STATE: "Edm.Int32",
    Kind.STATUS: "Edm.Int32",
    Kind.LOOKUP: "Edm.Guid",
    Kind.CUSTOMER: "Edm.Guid",
    Kind.OWNER: "Edm.Guid",
}


class Required(StrEnum):
    """Required levels; the service itself enforces SYSTEM only."""

    NONE = "None"
    RECOMMENDED = "Recommended"
    APPLICATION = "ApplicationRequired"
    SYSTEM = "SystemRequired"


class OnDelete(StrEnum):
    """What the deletion of a referenced row does to the rows that refer to it."""

    CASCADE = "Cascade"
    REMOVE_LINK = "RemoveLink"
    RESTRICT = "Restrict"
    NOTHING = "NoCascade"


@dataclass(frozen=True, eq=False)
class Column:
    """One column. `create` and `update` tell whether a client may set it; a value that it may not set is ignored.

    A lookup's `navigations` maps each navigation property to the tables it may point to, `relationships` each target
    table to the collection-valued navigation property on the other side. A `secret` can be written and never be read.
    """

    name: str
    kind: Kind
    length: int = 0
    least: float | None = None
    most: float | None = None
    precision: int = 0
    options: Mapping[int, str] = field(default_factory=dict)
    default: object = None
    required: Required = Required.NONE
    create: bool = True
    update: bool = True
    navigations: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relationships: Mapping[str, str] = field(default_factory=dict)
    on_delete: OnDelete = OnDelete.NOTHING
    indexed: bool = False
    base_of: str | None = None
    secret: bool = False

    @cached_property
    def wire(self) -> str:
        """The property's name in rows and queries."""
        return f"_{self.name}_value" if self.kind.is_lookup else self.name

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The tables that a lookup may point to."""
        return tuple(dict.fromkeys(target for targets in self.navigations.values() for target in targets))

    @cached_property
    def type_column(self) -> str | None:
        """The stored column beside a lookup of several targets that tells which table it points to."""
        return f"{self.name}_type" if len(self.targets) > 1 else None


@dataclass(frozen=True, eq=False)
class Table:
    """One table. `statuses` maps each state to its status reasons, the default one first."""

    name: str
    set_name: str
    id: str
    primary_name: str
    code: int
    columns: Mapping[str, Column]
    ownership: str = "UserOwned"
    bulk: bool = False
    change_tracking: bool = True
    optimistic_concurrency: bool = True
    statuses: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    named_id: bool = True
    writable: bool = True

    @cached_property
    def by_wire(self) -> dict[str, Column]:
        """The columns by the names of their properties."""
        return {column.wire: column for column in self.columns.values()}

    @cached_property
    def lookups(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns.values() if column.kind.is_lookup)

    @cached_property
    def navigations(self) -> dict[str, Column]:
        """The lookups by their single-valued navigation properties."""
        return {name: column for column in self.lookups for name in column.navigations}

    @cached_property
    def money(self) -> tuple[Column, ...]:
        """The money columns that a client sets; each has a `_base` twin."""
        return tuple(c for c in self.columns.values() if c.kind is Kind.MONEY and not c.base_of)

    @cached_property
    def money_names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(column.name for column in self.money)

    @cached_property
    def defaults(self) -> tuple[tuple[str, Any, bool], ...]:
        """The columns with a default: name, stored value, and whether it is a choice."""
        with_default = (column for column in self.columns.values() if column.default is not None)
        return tuple(
            (one.name, int(bool(one.default)) if one.kind is Kind.BOOLEAN else one.default, one.kind is Kind.CHOICE)
            for one in with_default
        )

    @cached_property
    def required(self) -> tuple[str, ...]:
        """The names of the columns that the service wants to be filled."""
        return tuple(column.name for column in self.columns.values() if column.required is Required.SYSTEM)

    @cached_property
    def type_name(self) -> str:
        """The type's name in `@odata.type` and in error texts."""
        return f"Microsoft.Dynamics.CRM.{self.name}"

    @cached_property
    def metadata_id(self) -> UUID:
        return uuid5(NAMESPACE_DNS, f"{self.name}.dataverse.example")
