"""A mapping's lines as a merge needs them: prepared once per mapping, asked for every pair.

Only lines that take part in a merge are here: enabled, not for new rows only, and not against the mapping's direction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter

from shared.core.mapping import ConflictScope, FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.prepare import once_per_object
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.core.transfer import End, Way, end_of, way_of

BOTH = (Side.BUSINESS_CENTRAL, Side.DATAVERSE)
_NOTHING = object()


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A field mapping as its mapping uses it: both ends, and a way from each side that may send."""

    ends: Mapping[Side, End]
    ways: Mapping[Side, Way]
    field: FieldMapping
    both_ways: bool


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """Lines that are merged as one; `sources` are those of its one-way lines."""

    lines: tuple[Line, ...]
    sources: frozenset[Side]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns that a mapping merges on one side, and the ends of lines that each of them belongs to.

    `all_of` takes the values of these columns, in their order, out of values that have them all.
    """

    names: tuple[str, ...]
    ends: Mapping[str, tuple[End, ...]]
    all_of: Callable[[Values], object]

    def stirred(self, values: Values, base: Values) -> set[str]:
        """The columns that `values` spells in another way than `base`, or that `base` does not know."""
        try:
            is_same = self.all_of(values) == self.all_of(base)  # as nearly always: told in one comparison
        except KeyError:
            is_same = False
        if is_same:
            return set()
        return {name for name in self.names if base.get(name, _NOTHING) != values.get(name)}

    def kept(self, base: Values) -> Values:
        """What `base` says of these columns."""
        return {name: base[name] for name in self.names if name in base}


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """All units of a mapping in the order of its lines, and those that a column belongs to.

    Where units `overlap` in a column, one may have to give what another one keeps. `winner` is the side whose data is
    kept when both changed.
    """

    units: tuple[Unit, ...]
    columns: Mapping[Side, Columns]
    units_with: Mapping[Side, Mapping[str, tuple[Unit, ...]]]
    overlap: bool
    winner: Side | None

    def units_of(self, stirred: Mapping[Side, Iterable[str]]) -> Collection[Unit]:
        """The units of these columns; all of them where they overlap."""
        found = {unit for side in BOTH for name in stirred[side] for unit in self.units_with[side][name]}
        return self.units if found and self.overlap else found


@once_per_object
def lines_of(mapping: TableMapping, business_central: Table, dataverse: Table) -> Lines:
    """The lines of a mapping between these tables. Raises KeyError for a column that its table does not have."""
    tables = {Side.BUSINESS_CENTRAL: business_central, Side.DATAVERSE: dataverse}
    units = _units(mapping, [_line(mapping, field, tables) for field in _merged(mapping)])
    columns = {side: merged_columns_of(mapping, side, tables[side]) for side in BOTH}
    units_with = {side: _units_with(side, units, columns[side]) for side in BOTH}
    overlap = any(len(several) > 1 for by_name in units_with.values() for several in by_name.values())
    return Lines(units, columns, units_with, overlap, mapping.update_conflict_resolution.winner)


@once_per_object
def merged_columns_of(mapping: TableMapping, side: Side, table: Table) -> Columns:
    """The columns of one side that a merge looks at. Raises KeyError for a column that the table does not have."""
    return _columns(_merged(mapping), side, table)


@once_per_object
def columns_of(mapping: TableMapping, side: Side, table: Table) -> Columns:
    """The columns of one side that a base speaks of, also those of lines that the mapping's direction keeps still.

    Raises KeyError for a column that the table does not have.
    """
    return _columns((field for field in mapping.fields if field.enabled and not field.new_rows_only), side, table)


@once_per_object
def ways_to_create(mapping: TableMapping, source: Side, table: Table) -> tuple[Way, ...]:
    """How a new row of `table` gets its values: every enabled line that travels from `source` and has a column there.

    Raises KeyError for a column that the table does not have.
    """
    return tuple(way_of(field, source, table) for field in mapping.lines(source) if field.columns(source.other))


def sources_of(mapping: TableMapping, field: FieldMapping) -> tuple[Side, ...]:
    """The sides whose values of this line may travel in this mapping."""
    return tuple(side for side in BOTH if mapping.direction.allows(side) and field.direction.allows(side))


def _merged(mapping: TableMapping) -> list[FieldMapping]:
    return [
        field for field in mapping.fields if field.enabled and not field.new_rows_only and sources_of(mapping, field)
    ]


def _columns(fields: Iterable[FieldMapping], side: Side, table: Table) -> Columns:
    ends: dict[str, tuple[End, ...]] = {}
    for field in fields:
        end = end_of(field, side, table)
        ends |= {name: (*ends.get(name, ()), end) for name in end.names}
    return Columns(tuple(ends), ends, itemgetter(*ends) if ends else lambda values: None)


def _line(mapping: TableMapping, field: FieldMapping, tables: Mapping[Side, Table]) -> Line:
    sources = sources_of(mapping, field)
    ends = {side: end_of(field, side, tables[side]) for side in BOTH}
    ways = {side: way_of(field, side, tables[side.other]) for side in sources}
    return Line(ends, ways, field, both_ways=len(sources) == len(BOTH))


def _units(mapping: TableMapping, lines: list[Line]) -> tuple[Unit, ...]:
    """Field groups; or all that goes both ways as one, where the same record is the same data."""
    if mapping.conflict_scope is ConflictScope.RECORD:
        both_ways = [line for line in lines if line.both_ways]
        return (_unit(both_ways), *(_unit([line]) for line in lines if not line.both_ways))
    groups: dict[str, list[Line]] = {}
    for line in lines:
        groups.setdefault(line.field.group or f"line:{line.field.caption}:{line.field.dataverse}", []).append(line)
    return tuple(_unit(group) for group in groups.values())


def _unit(lines: list[Line]) -> Unit:
    return Unit(tuple(lines), frozenset(side for line in lines if not line.both_ways for side in line.ways))


def _units_with(side: Side, units: tuple[Unit, ...], columns: Columns) -> Mapping[str, tuple[Unit, ...]]:
    return {
        name: tuple(unit for unit in units if any(name in line.ends[side].names for line in unit.lines))
        for name in columns.names
    }
