"""What the app knows of a table on either side: its columns, their kinds and lengths, and how it is addressed.

These descriptions are data (`shared/defaults/tables.json`). An adapter turns wire values into *canonical values* by
them and back, so that the core never sees a service's spelling:

=========  ==============================================  =====================================================
kind       canonical value (blank is always None)          on the wire
=========  ==============================================  =====================================================
text       str                                             BC "" and Dataverse null are None
code       str, trimmed and upper-cased                    BC Code fields
guid       str, lower case                                 BC zero GUID is None
lookup     str, lower case: the id of the referenced row   Dataverse reads `_x_value`, writes `nav@odata.bind`
choice     int                                             Dataverse choice column
enum       str, the plain member name                      BC `_xHHHH_` encoding undone; the blank member is None
integer    int
decimal    decimal.Decimal
boolean    bool
date       str, `YYYY-MM-DD`                               BC 0001-01-01 is None
datetime   datetime, aware, UTC                            BC 0001-01-01T00:00:00Z is None
=========  ==============================================  =====================================================
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from shared.core.model import Model
from shared.core.sides import Side

type Value = str | int | Decimal | bool | datetime | None
type Values = dict[str, Value]


class ColumnKind(StrEnum):
    """How values of a column are written, compared and sent; see the table in this module's docstring."""

    TEXT = "text"
    CODE = "code"
    GUID = "guid"
    LOOKUP = "lookup"
    CHOICE = "choice"
    ENUM = "enum"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"


class Column(Model):
    """One column of a table.

    `max_length` counts UTF-16 code units; None means unlimited or not a text. `read_only` columns are never sent,
    `create_only` ones only with a new row. `navigation` (lookups only) is the navigation property to bind, `target_set`
    the entity set of the referenced rows, `target` the name of their table where it is known (of ids of Business
    Central, too). `options` are the labels of a choice by value, `members` the plain names of an enum; empty: unknown.
    """

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    max_length: int | None = None
    read_only: bool = False
    navigation: str | None = None
    target_set: str | None = None
    create_only: bool = False
    target: str | None = None
    options: dict[int, str] = Field(default_factory=dict)
    members: tuple[str, ...] = ()
    caption: str = ""


class Table(Model):
    """One table of one side.

    `name` is what mappings call it (Dataverse: logical name; BC: entity set), `entity_set` its address segment, `key`
    the id column, `number` the column people know a record by, `title` the column with its name. Columns stand in the
    order in which they must be written (BC validates the members of a body one by one: country before post code).
    `cleared_by_change` names, per column, the columns that the service blanks when that column's non-blank value
    changes. `api` is the root of a custom API page in Business Central, "publisher/group/version"; None: the standard
    API. `alternate_keys` are groups of columns that the service keeps unique, `tracked` says whether its changes are
    listed (Dataverse change tracking), deletions included.
    """

    name: str
    side: Side
    caption: str
    entity_set: str
    key: str
    number: str | None = None
    title: str | None = None
    modified: str | None = None
    columns: tuple[Column, ...]
    cleared_by_change: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    api: str | None = None
    alternate_keys: tuple[tuple[str, ...], ...] = ()
    tracked: bool = True

    def column(self, name: str) -> Column:
        """The column called `name`. Raises KeyError naming table and column when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.side.product} table {self.name} has no column {name}")

    def has(self, name: str) -> bool:
        """Whether there is a column called `name`."""
        return any(column.name == name for column in self.columns)


@dataclass(frozen=True, slots=True)
class TableName:
    """A table that could be mapped: what mappings call it, and what people do."""

    name: str
    caption: str


def completed(known: Table, read: Table) -> Table:
    """What the app knows of a table, and after that every column of `read`, its description by the service itself.

    What is known goes first: the order in which columns are written, which texts are codes, and what a service clears
    are rules that no metadata tell. Of known columns the labels and limits are taken from `read`.
    """
    found = {column.name: column for column in read.columns}
    kept = tuple(_with_facts(column, found.pop(column.name, None)) for column in known.columns)
    facts = {"alternate_keys": read.alternate_keys, "tracked": read.tracked}
    return known.model_copy(update={"columns": kept + tuple(found.values()), **facts})


def _with_facts(known: Column, read: Column | None) -> Column:
    if read is None:
        return known
    facts = ("options", "members", "caption", "target", "create_only")
    return known.model_copy(update={name: getattr(read, name) for name in facts})
