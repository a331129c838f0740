"""Two small tables, mapped line by line, for the tests of the core."""

from __future__ import annotations

from shared.core.mapping import FieldMapping, Mapping, MappingTable
from shared.core.sides import Direction, Side
from shared.core.tables import Column, ColumnKind, Table

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
BOTH_WAYS = Direction.BIDIRECTIONAL
TO = Direction.TO_INTEGRATION_TABLE
FROM = Direction.FROM_INTEGRATION_TABLE
LETTERS = "abcdefg"


def _table(side: Side) -> Table:
    texts = tuple(Column(name=f"{letter}_{side[:2]}", max_length=5) for letter in LETTERS)
    more = (
        Column(name="code", kind=ColumnKind.CODE, max_length=5),
        Column(name="amount", kind=ColumnKind.DECIMAL),
        Column(name="flag", kind=ColumnKind.BOOLEAN),
        Column(name="state", kind=ColumnKind.ENUM if side is BC else ColumnKind.CHOICE),
        Column(name="parent", kind=ColumnKind.GUID if side is BC else ColumnKind.LOOKUP),
        Column(name="first"),
        Column(name="middle"),
        Column(name="last"),
        Column(name="whole"),
    )
    return Table(
        name=f"{side}_table",
        side=side,
        caption=f"{side.product} record",
        entity_set=f"{side}_set",
        key="id",
        number="code",
        title=f"a_{side[:2]}",
        columns=(*texts, *more),
    )


TABLES = {side: _table(side) for side in Side}


def column(letter: str, side: Side) -> str:
    """The text column called `letter` on that side."""
    return f"{letter}_{side[:2]}"


def line(letter: str, direction: Direction = BOTH_WAYS, **settings: object) -> FieldMapping:
    """A field mapping of the text columns called `letter`."""
    return FieldMapping.model_validate(
        {"business_central": column(letter, BC), "dataverse": column(letter, DV), "direction": direction, **settings}
    )


def mapping(*lines: FieldMapping, **settings: object) -> Mapping:
    """A mapping of the two tables with these lines; everything else as in `settings`."""
    return Mapping.model_validate(
        {
            "name": "TEST",
            "business_central": MappingTable(table=TABLES[BC].name),
            "dataverse": MappingTable(table=TABLES[DV].name),
            "direction": BOTH_WAYS,
            "fields": lines,
            **settings,
        }
    )


MIRRORED = {BOTH_WAYS: BOTH_WAYS, TO: FROM, FROM: TO}
