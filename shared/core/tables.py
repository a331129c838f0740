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

    `max_length` counts characters; None means unlimited or not a text. `read_only` columns are never sent.
    `navigation` (lookups only) is the navigation property to bind, `target_set` the entity set of the referenced rows.
    """

    name: str
    kind: ColumnKind = ColumnKind.TEXT
    max_length: int | None = None
    read_only: bool = False
    navigation: str | None = None
    target_set: str | None = None


class Table(Model):
    """One table of one side.

    `name` is what mappings call it (Dataverse: logical name; BC: entity set), `entity_set` its address segment, `key`
    the id column, `number` the column people know a record by, `title` the column with its name. Columns stand in the
    order in which they must be written (BC validates the members of a body one by one: country before post code).
    `cleared_by_change` names, per column, the columns that the service blanks when that column's non-blank value
    changes.
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

    def column(self, name: str) -> Column:
        """The column called `name`. Raises KeyError naming table and column when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.side.product} table {self.name} has no column {name}")
