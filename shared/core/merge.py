"""The three-way merge of a coupled pair, line by line.

Each line compares what both sides hold now with what they last agreed on (the base). Only the side that moved is
carried over; where both moved to different values it is a conflict of that line or of its field group. Microsoft's
feature calls any two edits of one pair a conflict; that is `ConflictScope.RECORD` here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.core.mapping import ConflictScope, FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.references import Unresolved
from shared.core.sides import Direction, Side, direction_from
from shared.core.tables import Value, Values
from shared.core.transfer import FieldProblem, Leave, References, Tables, carry, comparable
from shared.core.values import same

BOTH = (Side.BUSINESS_CENTRAL, Side.DATAVERSE)


@dataclass(frozen=True, slots=True)
class FieldConflict:
    """One line edited on both sides: its name and both values as people see them."""

    field: str
    business_central: Value
    dataverse: Value


@dataclass(frozen=True, slots=True)
class PairValues:
    """What a merge looks at: both sides' current values, and the base of each (None: never synchronized)."""

    now: Mapping[Side, Values]
    base: Mapping[Side, Values | None]


@dataclass(slots=True)
class Merge:
    """What a merge came to.

    `writes` has the columns to write per side, `base` what both sides hold once that is done. With `conflicts`, `waits`
    or `problems` nothing may be written. `left` are references that found nothing and were left alone.
    """

    writes: dict[Side, Values] = field(default_factory=lambda: {side: {} for side in BOTH})
    base: dict[Side, Values] = field(default_factory=lambda: {side: {} for side in BOTH})
    conflicts: list[FieldConflict] = field(default_factory=list)
    waits: list[Unresolved] = field(default_factory=list)
    problems: list[FieldProblem] = field(default_factory=list)
    left: list[Unresolved] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Moved:
    """How one line stands: which sides moved away from the base, and whether both mean the same now."""

    line: FieldMapping
    direction: Direction
    sides: frozenset[Side]
    agreed: bool

    @property
    def both_ways(self) -> bool:
        """Whether values of this line may travel either way in this mapping."""
        return self.direction is Direction.BIDIRECTIONAL


def merge(
    mapping: TableMapping, pair: PairValues, senders: Iterable[Side], tables: Tables, references: References
) -> Merge:
    """Merge one pair. `senders` are the sides whose record passes its filter: only those may give values away."""
    allowed = frozenset(senders)
    lines = [line for line in mapping.fields if line.enabled and not line.new_rows_only]
    ways = [(line, direction) for line in lines if (direction := direction_of(mapping, line)) is not None]
    moved = [_look_at(line, direction, pair, tables, references) for line, direction in ways]
    record_moved = frozenset(side for item in moved if not item.agreed for side in item.sides)
    result = Merge()
    for group in _groups(mapping, moved):
        _merge_group(mapping, group, record_moved, allowed, pair, tables, references, result)
    _keep_what_a_write_clears(pair, tables, result)
    return result


def direction_of(mapping: TableMapping, line: FieldMapping) -> Direction | None:
    """Which way a line's values travel in this mapping; None when line and mapping exclude each other."""
    sources = [side for side in BOTH if mapping.direction.allows(side) and line.direction.allows(side)]
    if len(sources) == len(BOTH):
        return Direction.BIDIRECTIONAL
    return direction_from(sources[0]) if sources else None


def _look_at(
    line: FieldMapping, direction: Direction, pair: PairValues, tables: Tables, references: References
) -> _Moved:
    sides = frozenset(side for side in BOTH if line.columns(side) and _has_moved(line, side, pair, tables))
    agreed = any(_means_the_same(line, side, pair, tables, references) for side in BOTH if direction.allows(side))
    if not agreed and direction is Direction.BIDIRECTIONAL and not _was_compared(line, pair):
        sides = _not_blank(line, pair, tables) or sides
        agreed = _differs_in_case_only(line, pair, tables)
    return _Moved(line, direction, sides, agreed)


def _was_compared(line: FieldMapping, pair: PairValues) -> bool:
    """Whether any base knows this line: a new pair's, and a line that was switched on later, does not."""
    return any(name in (pair.base[side] or {}) for side in BOTH for name in line.columns(side))


def _has_moved(line: FieldMapping, side: Side, pair: PairValues, tables: Tables) -> bool:
    base = pair.base[side]
    if base is None or any(name not in base for name in line.columns(side)):
        return True
    now = pair.now[side]
    return comparable(line, side, now, tables[side]) != comparable(line, side, base, tables[side])


def _not_blank(line: FieldMapping, pair: PairValues, tables: Tables) -> frozenset[Side]:
    """In a line never compared, a blank gives way to a value: it is nobody's edit."""
    filled = {side for side in BOTH if comparable(line, side, pair.now[side], tables[side]) is not None}
    return frozenset(filled)


def _differs_in_case_only(line: FieldMapping, pair: PairValues, tables: Tables) -> bool:
    """Two records just coupled by their names need no quarrel about capitals: each keeps its spelling."""
    left, right = (comparable(line, side, pair.now[side], tables[side]) for side in BOTH)
    return isinstance(left, str) and isinstance(right, str) and left.casefold() == right.casefold()


def _means_the_same(line: FieldMapping, source: Side, pair: PairValues, tables: Tables, references: References) -> bool:
    carried = carry(line, source, pair.now[source], tables, references)
    if not isinstance(carried, dict):
        return False
    destination = source.other
    there = pair.now[destination]
    return comparable(line, destination, {**there, **carried}, tables[destination]) == comparable(
        line, destination, there, tables[destination]
    )


def _groups(mapping: TableMapping, moved: list[_Moved]) -> list[list[_Moved]]:
    if mapping.conflict_scope is ConflictScope.RECORD:
        both_ways = [item for item in moved if item.both_ways]
        return [both_ways, *([item] for item in moved if item not in both_ways)]
    groups: dict[str, list[_Moved]] = {}
    for item in moved:
        groups.setdefault(
            item.line.group or f"line:{item.line.caption}:{item.line.columns(Side.DATAVERSE)}", []
        ).append(item)
    return list(groups.values())


def _merge_group(
    mapping: TableMapping,
    group: list[_Moved],
    record_moved: frozenset[Side],
    allowed: frozenset[Side],
    pair: PairValues,
    tables: Tables,
    references: References,
    result: Merge,
) -> None:
    moved = frozenset(side for item in group if not item.agreed for side in item.sides)
    winner = mapping.update_conflict_resolution.winner
    for item in group:
        if item.agreed:
            _agree(item.line, pair, result)
            continue
        source = _source(item, moved, record_moved, winner)
        if source is None and len(moved) == len(BOTH) and item.both_ways and allowed:
            _clash(item, pair, tables, references, result)
        elif source is None or source not in allowed:
            _leave(item, pair, result)
        else:
            _send(item, source, pair, tables, references, result)


def _source(item: _Moved, moved: frozenset[Side], record_moved: frozenset[Side], winner: Side | None) -> Side | None:
    """Whose value is to be carried over, or None when nobody's is."""
    if not item.both_ways:
        # A one-way line is asserted whenever its source record moved at all: the destination's edits give way.
        source = next(side for side in BOTH if item.direction.allows(side))
        return source if source in record_moved else None
    if len(moved) == len(BOTH):
        return winner
    return next(iter(moved), None)


def _send(item: _Moved, source: Side, pair: PairValues, tables: Tables, references: References, result: Merge) -> None:
    line = item.line
    carried = carry(line, source, pair.now[source], tables, references)
    if isinstance(carried, Unresolved):
        result.waits.append(carried)
    elif isinstance(carried, FieldProblem):
        result.problems.append(carried)
    elif isinstance(carried, Leave):
        if carried.unresolved is not None:
            result.left.append(carried.unresolved)
        _leave(item, pair, result)
    else:
        _write(line, source, carried, pair, tables, result)


def _write(line: FieldMapping, source: Side, carried: Values, pair: PairValues, tables: Tables, result: Merge) -> None:
    destination = source.other
    now, table = pair.now[destination], tables[destination]
    for name, value in carried.items():
        if not same(table.column(name), now.get(name), value):
            result.writes[destination][name] = value
    result.base[destination].update(carried)
    for name in line.columns(source):
        result.base[source][name] = pair.now[source].get(name)


def _agree(line: FieldMapping, pair: PairValues, result: Merge) -> None:
    for side in BOTH:
        for name in line.columns(side):
            result.base[side][name] = pair.now[side].get(name)


def _leave(item: _Moved, pair: PairValues, result: Merge) -> None:
    """Keep the old base: the difference stays visible to later runs.

    A one-way line without a base starts from what is there: its destination's own values are nobody's edit.
    """
    for side in BOTH:
        base = pair.base[side] or {}
        for name in item.line.columns(side):
            if name in base:
                result.base[side][name] = base[name]
            elif not item.both_ways:
                result.base[side][name] = pair.now[side].get(name)


def _clash(item: _Moved, pair: PairValues, tables: Tables, references: References, result: Merge) -> None:
    """A conflict, unless the line's reference finds nothing: then nobody can tell, and the pair waits or is left."""
    for side in BOTH:
        carried = carry(item.line, side, pair.now[side], tables, references)
        if isinstance(carried, Unresolved):
            result.waits.append(carried)
            return
        if isinstance(carried, Leave) and carried.unresolved is not None:
            result.left.append(carried.unresolved)
            _leave(item, pair, result)
            return
    result.conflicts.append(_conflict(item.line, pair, tables))


def _conflict(line: FieldMapping, pair: PairValues, tables: Tables) -> FieldConflict:
    values = {}
    for side in BOTH:
        if len(line.columns(side)) == 1:
            values[side] = pair.now[side].get(line.columns(side)[0])
        else:
            values[side] = comparable(line, side, pair.now[side], tables[side])
    return FieldConflict(line.caption, values[Side.BUSINESS_CENTRAL], values[Side.DATAVERSE])


def _keep_what_a_write_clears(pair: PairValues, tables: Tables, result: Merge) -> None:
    """Write along what the service would blank: a changed country clears post code, city and county in BC."""
    for side in BOTH:
        writes, now = result.writes[side], pair.now[side]
        for name, cleared in tables[side].cleared_by_change.items():
            if name in writes and now.get(name) is not None:
                for other in cleared:
                    if other not in writes and now.get(other) is not None:
                        writes[other] = now[other]
