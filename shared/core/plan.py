"""The decision for one pair: what its two sides are, what its coupling remembers, and the one thing to do.

    decide(mapping, views, coupling, ...) -> action

Pure, and mirrored: every rule is written once for a side and its other side. The rules are those of Microsoft's
synchronization (codeunit Integration Rec. Synch. Invoke), with the base of the coupling in place of modified times.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.core.actions import Action, Change, Hold, Make, Nothing, Remember, Seen, Uncouple, View, Views
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.decision_table import State, Step, rule_for
from shared.core.filters import parse_filter
from shared.core.lines import BOTH, ways_to_create
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import WhenOutsideFilter
from shared.core.merge import Merge, PairValues, merge
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.references import Unresolved
from shared.core.remember import agreed_base, remembered, with_landed
from shared.core.side_effects import block_inactive
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.core.transfer import FieldProblem, Leave, References, Tables


def decide(
    mapping: TableMapping,
    views: Views,
    coupling: Coupling | None,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The one thing to do for this pair, by the rule of the decision table that fits it."""
    pair = _pair_values(mapping, views, coupling, tables)
    states = {side: _state(views[side], coupling.at(side) if coupling else None) for side in BOTH}
    found = rule_for(mapping, coupling is not None, states)
    reason, this = found.rule.reason, found.this
    match found.rule.step:
        case Step.MERGE:
            assert coupling is not None
            return _merge(mapping, views, coupling, pair, tables, references, now)
        case Step.CREATE:
            return _make(mapping, this, _record(views[this]), tables, references, reason)
        case Step.RESTORE:
            made = _make(mapping, this, _record(views[this]), tables, references, reason)
            return replace(made, replaces=coupling) if isinstance(made, Make) else made
        case Step.UNCOUPLE:
            assert coupling is not None
            return Uncouple(coupling, reason)
        case Step.HOLD:
            return Hold(reason, _why(reason, this, coupling, tables), this)
        case Step.LEAVE:
            return Nothing(reason) if coupling is None else _frozen(coupling, views, pair, reason)


def without_attempt(mapping: TableMapping, views: Views, coupling: Coupling, tables: Tables) -> Coupling:
    """The coupling when it is certain that nothing more of an attempt will land: what has landed stays in the base."""
    return with_landed(coupling, _pair_values(mapping, views, coupling, tables))


def _pair_values(mapping: TableMapping, views: Views, coupling: Coupling | None, tables: Tables) -> PairValues:
    """Both sides' values and base; of an unread side what the coupling remembers."""
    if coupling is None:
        return PairValues({side: _values(views[side], None) for side in BOTH}, dict.fromkeys(BOTH))
    held = {side: _values(views[side], coupling.at(side)) for side in BOTH}
    return PairValues(held, agreed_base(mapping, coupling, held, tables))


def _values(view: View, end: CoupledRecord | None) -> Values:
    if view.record is not None:
        return view.record.values
    return (end.base if end else None) or {}


def _state(view: View, end: CoupledRecord | None) -> State:
    if view.seen in (Seen.GONE, Seen.ABSENT):
        return State.GONE if view.seen is Seen.GONE else State.ABSENT
    if not view.in_filter or (view.seen is Seen.UNREAD and end is not None and end.outside):
        return State.OUTSIDE
    return State.INSIDE


def _why(reason: Reason, this: Side, coupling: Coupling | None, tables: Tables) -> str:
    caption, other = tables[this].caption, this.other.product
    if coupling is None:
        return (
            f"{other} has no {tables[this.other].caption} that matches, and the mapping creates none there. "
            f"Create it in {other}; the next run couples it."
        )
    name = coupling.at(this).title or coupling.at(this).number or coupling.at(this).id
    return (
        f"{caption} {name} is coupled to a deleted record in {other}. "
        "Restore it, delete the record or delete the coupling."
    )


def _frozen(coupling: Coupling, views: Views, pair: PairValues, reason: Reason) -> Nothing | Remember:
    """Nothing is written; that a record is outside is remembered, for the other side may move when it is not read."""
    after = coupling
    for side in BOTH:
        if views[side].record is not None:
            after = after.with_end(side, replace(after.at(side), outside=not views[side].in_filter))
    return Nothing(reason) if after == coupling else Remember(with_landed(after, pair).unsure(), reason)


def _merge(
    mapping: TableMapping,
    views: Views,
    coupling: Coupling,
    pair: PairValues,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    keeps = mapping.when_outside_filter is WhenOutsideFilter.KEEP_IN_STEP
    senders = [side for side in BOTH if views[side].seen is Seen.PRESENT and (views[side].in_filter or keeps)]
    merged = merge(mapping, pair, senders, tables, references)
    block_inactive(mapping, pair, merged)
    before = with_landed(coupling, pair)
    if (held := _held(merged, coupling, senders, tables)) is not None:
        return held
    after = remembered(mapping, coupling, views, pair, merged, tables, now)
    writes = {side: in_write_order(tables[side], values) for side, values in merged.writes.items() if values}
    left = tuple(merged.left)
    if writes:
        rule = Reason.CONFLICT_DECIDED if merged.overruled else Reason.SOURCE_CHANGED
        return Change(before, after, writes, rule, left)
    if coupling.attempt is None and all(after.at(side) == coupling.at(side) for side in BOTH):
        return Nothing(Reason.IN_STEP, left)
    return Remember(after, left=left)


def _held(merged: Merge, coupling: Coupling, senders: list[Side], tables: Tables) -> Hold | None:
    source = senders[0] if senders else Side.BUSINESS_CENTRAL
    if merged.conflicts:
        names = ", ".join(conflict.field for conflict in merged.conflicts)
        message = f"Both records of {_pair_name(coupling, tables)} changed since the last synchronization: {names}."
        return Hold(Reason.UPDATE_CONFLICT, message, source, fields=tuple(merged.conflicts))
    return _obstacle(merged.problems, merged.waits)


def _obstacle(problems: list[FieldProblem], waits: list[Unresolved]) -> Hold | None:
    if problems:
        message = " ".join(problem.message for problem in problems)
        return Hold(Reason.VALUE_REFUSED, message, problems[0].source, problems=tuple(problems))
    if waits:
        return Hold(Reason.WAITS_FOR_PARENT, _waiting_for(waits), waits[0].side, waits=tuple(waits))
    return None


def _waiting_for(waits: list[Unresolved]) -> str:
    return " ".join(f"{wait.what} must be coupled to a row in {wait.side.other.product}." for wait in waits)


def _make(
    mapping: TableMapping, source: Side, record: Record, tables: Tables, references: References, reason: Reason
) -> Make | Hold:
    """A new row from every line that travels this way. A reference that may fail is left out of a new row."""
    merged, here, there = Merge(), record.values, source.other
    for way in ways_to_create(mapping, source, tables[there]):
        carried = way.carry(here, references)
        if isinstance(carried, Unresolved):
            merged.waits.append(carried)
        elif isinstance(carried, FieldProblem):
            merged.problems.append(carried)
        elif isinstance(carried, Leave):
            merged.left.extend([carried.unresolved] if carried.unresolved else [])
        else:
            merged.writes[there] |= carried
            if not way.line.new_rows_only:
                merged.base[there] |= carried
                merged.base[source] |= {name: here.get(name) for name in way.starts}
    if (held := _obstacle(merged.problems, merged.waits)) is not None:
        return held
    _fill_gaps(mapping, source, record, merged.writes[source.other])
    values: Values = {name: value for name, value in merged.writes[source.other].items() if value is not None}
    ordered = in_write_order(tables[source.other], values)
    return Make(source.other, record, ordered, merged.base, reason, left=tuple(merged.left))


def _fill_gaps(mapping: TableMapping, source: Side, record: Record, values: Values) -> None:
    """The first template that fits gives values to what no line has filled; the base does not know of them."""
    templates = [template for template in mapping.templates if template.side is source.other]
    for template in sorted(templates, key=lambda template: template.priority):
        if parse_filter(template.filter).passes(record.values):
            for name, value in template.values.items():
                if values.get(name) is None:
                    values[name] = value
            return


def in_write_order(table: Table, values: Values) -> Values:
    """The same values in the order in which the table's columns must be written."""
    if len(values) < 2:
        return values
    return {name: values[name] for name in _column_names(table) if name in values}


@once_per_object
def _column_names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)


def _pair_name(coupling: Coupling, tables: Tables) -> str:
    names = (f"{tables[side].caption} {coupling.at(side).title or coupling.at(side).id}" for side in BOTH)
    return " and ".join(names)


def _record(view: View) -> Record:
    assert view.record is not None
    return view.record
