"""The three-way merge of a coupled pair, line by line.

Each line compares what both sides hold now with what they last agreed on (the base). Only the side that moved is
carried over; where both moved to different values it is a conflict of that line or of its field group. Microsoft's
feature calls any two edits of one pair a conflict; that is `ConflictScope.RECORD` here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from shared.core.lines import BOTH, Line, Lines, Unit, lines_of
from shared.core.mapping import Mapping as TableMapping
from shared.core.references import Unresolved
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.core.transfer import Carried, FieldProblem, Leave, References, Tables
from shared.core.values import is_kept_for, same


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
    or `problems` nothing may be written. `left` are references that found nothing and were left alone. `overruled`
    tells that an edit gave way to the other side's because the mapping says who wins.
    """

    writes: dict[Side, Values] = field(default_factory=lambda: {side: {} for side in BOTH})
    base: dict[Side, Values] = field(default_factory=lambda: {side: {} for side in BOTH})
    conflicts: list[FieldConflict] = field(default_factory=list)
    waits: list[Unresolved] = field(default_factory=list)
    problems: list[FieldProblem] = field(default_factory=list)
    left: list[Unresolved] = field(default_factory=list)
    overruled: bool = False


def merge(
    mapping: TableMapping, pair: PairValues, senders: Iterable[Side], tables: Tables, references: References
) -> Merge:
    """Merge one pair. `senders` are the sides whose record passes its filter: only those may give values away."""
    lines = lines_of(mapping, tables[Side.BUSINESS_CENTRAL], tables[Side.DATAVERSE])
    result = _Merging(lines, pair, frozenset(senders), references).run()
    _keep_what_a_write_clears(pair, tables, result)
    return result


@dataclass(slots=True)
class _Moved:
    """How one line stands: which sides moved away from the base, and whether both mean the same now.

    `carried` is what has been carried so far, by source.
    """

    line: Line
    sides: Collection[Side]
    agreed: bool = False
    carried: dict[Side, Carried] = field(default_factory=dict)


class _Merging:
    """One merge at work. What no line has stirred stays as it is in the base, without a further look."""

    def __init__(self, lines: Lines, pair: PairValues, allowed: frozenset[Side], references: References) -> None:
        self._lines, self._allowed, self._references = lines, allowed, references
        self._now: Mapping[Side, Values] = pair.now
        self._base: Mapping[Side, Values] = {side: pair.base[side] or {} for side in BOTH}
        self._stirred = {side: lines.columns[side].stirred(self._now[side], self._base[side]) for side in BOTH}
        self._result = Merge(base={side: lines.columns[side].kept(self._base[side]) for side in BOTH})

    def run(self) -> Merge:
        """Merge unit by unit. One-way lines are looked at as soon as anything of their source moved."""
        stirred = self._lines.units_of(self._stirred)
        looked_at = {unit: self._look_at(unit) for unit in stirred}
        record_moved = {side for unit in looked_at.values() for item in unit if not item.agreed for side in item.sides}
        for unit in self._lines.units if looked_at else ():
            if unit in looked_at:
                self._merge_unit(looked_at[unit], record_moved)
            elif not unit.sources.isdisjoint(record_moved):
                self._merge_unit(self._look_at(unit), record_moved)
        return self._result

    def _look_at(self, unit: Unit) -> list[_Moved]:
        return [self._look_at_line(line) for line in unit.lines]

    def _look_at_line(self, line: Line) -> _Moved:
        moved = _Moved(line, [side for side in BOTH if self._has_moved(line, side)])
        for source in line.ways:
            moved.agreed = moved.agreed or self._means_the_same(moved, source) or self._rests_as_kept(moved, source)
        if not moved.agreed and line.both_ways and not self._was_compared(line):
            moved.sides = self._not_blank(line) or moved.sides
            moved.agreed = self._differs_in_case_only(line)
        return moved

    def _has_moved(self, line: Line, side: Side) -> bool:
        end, stirred = line.ends[side], self._stirred[side]
        return not stirred.isdisjoint(end.names) and end.differs(self._now[side], self._base[side])

    def _means_the_same(self, moved: _Moved, source: Side) -> bool:
        carried, there = self._carry(moved, source), moved.line.ends[source.other]
        return isinstance(carried, dict) and there.meaning(carried) == there.meaning(self._now[source.other])

    def _rests_as_kept(self, moved: _Moved, source: Side) -> bool:
        """Whether nobody has touched what a service made of what it was sent: once more is not needed."""
        carried, there = self._carry(moved, source), self._now[source.other]
        if moved.sides or not isinstance(carried, dict) or not self._was_compared(moved.line):
            return False
        return bool(carried) and all(is_kept_for(there.get(name), value) for name, value in carried.items())

    def _carry(self, moved: _Moved, source: Side) -> Carried:
        if source not in moved.carried:
            moved.carried[source] = moved.line.ways[source].carry(self._now[source], self._references)
        return moved.carried[source]

    def _was_compared(self, line: Line) -> bool:
        """Whether any base knows this line: a new pair's, and a line that was switched on later, does not."""
        return any(name in self._base[side] for side in BOTH for name in line.ends[side].names)

    def _not_blank(self, line: Line) -> list[Side]:
        """In a line never compared, a blank gives way to a value: it is nobody's edit."""
        return [side for side in BOTH if self._value(line, side) is not None]

    def _differs_in_case_only(self, line: Line) -> bool:
        """Two records just coupled by their names need no quarrel about capitals: each keeps its spelling."""
        left, right = (self._value(line, side) for side in BOTH)
        return isinstance(left, str) and isinstance(right, str) and left.casefold() == right.casefold()

    def _value(self, line: Line, side: Side) -> Value:
        return line.ends[side].meaning(self._now[side])

    def _merge_unit(self, unit: list[_Moved], record_moved: Collection[Side]) -> None:
        moved = {side for item in unit if not item.agreed for side in item.sides}
        for item in unit:
            if item.agreed:
                self._agree(item.line)
                continue
            if self._rests_unresolved(item):
                self._leave(item.line)
                continue
            source = self._source(item.line, moved, record_moved)
            if source is None and len(moved) == len(BOTH) and item.line.both_ways and self._allowed:
                self._clash(item)
            elif source is None or source not in self._allowed:
                self._leave(item.line)
            else:
                self._send(item, source)

    def _rests_unresolved(self, item: _Moved) -> bool:
        """Whether a reference finds nothing that nobody has touched: it is no reason to keep back other fields."""
        return (
            item.line.both_ways and not item.sides and any(isinstance(one, Unresolved) for one in item.carried.values())
        )

    def _source(self, line: Line, moved: Collection[Side], record_moved: Collection[Side]) -> Side | None:
        """Whose value is to be carried over, or None when nobody's is."""
        if not line.both_ways:
            # A one-way line is asserted whenever its source record moved at all: the destination's edits give way.
            (source,) = line.ways
            return source if source in record_moved else None
        if len(moved) == len(BOTH):
            self._result.overruled |= self._lines.winner in self._allowed
            return self._lines.winner
        return next(iter(moved), None)

    def _send(self, item: _Moved, source: Side) -> None:
        carried = self._carry(item, source)
        if isinstance(carried, Unresolved):
            self._result.waits.append(carried)
        elif isinstance(carried, FieldProblem):
            self._result.problems.append(carried)
        elif isinstance(carried, Leave):
            self._leave_unresolved(item.line, carried)
        else:
            self._write(item.line, source, carried)

    def _write(self, line: Line, source: Side, carried: Values) -> None:
        result, here, there = self._result, self._now[source], self._now[source.other]
        for name, value in carried.items():
            if not same(line.ways[source].destinations[name].column, there.get(name), value):
                result.writes[source.other][name] = value
        result.base[source.other].update(carried)
        for name in line.ends[source].names:
            result.base[source][name] = here.get(name)

    def _agree(self, line: Line) -> None:
        for side in BOTH:
            for name in line.ends[side].names:
                self._result.base[side][name] = self._now[side].get(name)

    def _leave(self, line: Line) -> None:
        """Keep the old base: the difference stays visible to later runs.

        A one-way line without a base starts from what is there: its destination's own values are nobody's edit.
        """
        for side in BOTH:
            base = self._base[side]
            for name in line.ends[side].names:
                if name in base:
                    self._result.base[side][name] = base[name]
                elif not line.both_ways:
                    self._result.base[side][name] = self._now[side].get(name)

    def _leave_unresolved(self, line: Line, leave: Leave) -> None:
        if leave.unresolved is not None:
            self._result.left.append(leave.unresolved)
        self._leave(line)

    def _clash(self, item: _Moved) -> None:
        """A conflict, unless the line's reference finds nothing: nobody can tell then, the pair waits or is left."""
        for side in BOTH:
            carried = self._carry(item, side)
            if isinstance(carried, Unresolved):
                self._result.waits.append(carried)
                return
            if isinstance(carried, Leave) and carried.unresolved is not None:
                self._leave_unresolved(item.line, carried)
                return
        self._result.conflicts.append(self._conflict(item.line))

    def _conflict(self, line: Line) -> FieldConflict:
        left, right = (self._shown(line, side) for side in BOTH)
        return FieldConflict(line.field.caption, left, right)

    def _shown(self, line: Line, side: Side) -> Value:
        """The value as people see it, a name as a whole."""
        names = line.ends[side].names
        return self._now[side].get(names[0]) if len(names) == 1 else self._value(line, side)


def _keep_what_a_write_clears(pair: PairValues, tables: Tables, result: Merge) -> None:
    """Write along what the service would blank: a changed country clears post code, city and county in BC."""
    for side in BOTH:
        writes, now = result.writes[side], pair.now[side]
        for name, cleared in tables[side].cleared_by_change.items():
            if name in writes and now.get(name) is not None:
                for other in cleared:
                    if other not in writes and now.get(other) is not None:
                        writes[other] = now[other]
