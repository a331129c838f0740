"""The decision for one pair: what its two sides are, what its coupling remembers, and the one thing to do.

    decide(mapping, views, coupling, ...) -> action

Pure, and mirrored: every rule is written once for a side and its other side. The rules are those of Microsoft's
synchronization (codeunit Integration Rec. Synch. Invoke), with the base of the coupling in place of modified times.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from shared.core.coupling import Attempt, CoupledRecord, Coupling
from shared.core.mapping import DeletionConflictResolution, FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.merge import BOTH, FieldConflict, Merge, PairValues, merge
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.references import Unresolved
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.core.transfer import FieldProblem, Leave, References, Tables, carry, comparable


class Seen(StrEnum):
    """What a run knows of one side of a pair."""

    UNREAD = "unread"  # not in its side's feed: it is what the coupling remembers
    PRESENT = "present"
    GONE = "gone"  # deleted
    ABSENT = "absent"  # there is no counterpart


@dataclass(frozen=True, slots=True)
class View:
    """One side of a pair as a run sees it: `record` when present, and whether it passes the mapping's filter."""

    seen: Seen
    record: Record | None = None
    in_filter: bool = True


ABSENT = View(Seen.ABSENT)
UNREAD = View(Seen.UNREAD)
GONE = View(Seen.GONE)

type Views = Mapping[Side, View]


@dataclass(frozen=True, slots=True)
class Nothing:
    """Leave the pair alone."""

    reason: Reason
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Remember:
    """Both sides agree, but the coupling does not say so yet: store it."""

    coupling: Coupling
    reason: Reason = Reason.IN_STEP
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """Write these columns on these sides; then the coupling is `coupling` (with the versions the services answer)."""

    coupling: Coupling
    writes: Mapping[Side, Values]
    reason: Reason = Reason.SOURCE_CHANGED
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Make:
    """Create the missing record on `side` from `source`.

    `base` is what both will hold then; `replaces` is the broken coupling of a restored record.
    """

    side: Side
    source: Record
    values: Values
    base: Mapping[Side, Values]
    reason: Reason = Reason.NEW_RECORD
    replaces: Coupling | None = None
    left: tuple[Unresolved, ...] = ()


@dataclass(frozen=True, slots=True)
class Uncouple:
    """Remove the coupling; no record is touched."""

    coupling: Coupling
    reason: Reason


@dataclass(frozen=True, slots=True)
class Hold:
    """Nothing may be written now; the record is remembered as a work item until it can be.

    `fields` has both values of a conflict, `waits` what it waits for, `problems` the values that do not fit.
    """

    reason: Reason
    message: str
    source: Side
    fields: tuple[FieldConflict, ...] = field(default=())
    waits: tuple[Unresolved, ...] = field(default=())
    problems: tuple[FieldProblem, ...] = field(default=())


type Action = Nothing | Remember | Change | Make | Uncouple | Hold


def decide(
    mapping: TableMapping,
    views: Views,
    coupling: Coupling | None,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The one thing to do for this pair."""
    if coupling is None:
        return _decide_uncoupled(mapping, views, tables, references)
    gone = [side for side in BOTH if views[side].seen is Seen.GONE]
    if len(gone) == len(BOTH):
        return Uncouple(coupling, Reason.BOTH_DELETED)
    if gone:
        return _decide_deleted(mapping, views, coupling, gone[0], tables, references)
    return _decide_coupled(mapping, views, coupling, tables, references, now)


def _decide_uncoupled(mapping: TableMapping, views: Views, tables: Tables, references: References) -> Action:
    source = next(side for side in BOTH if views[side].seen is Seen.PRESENT)
    if mapping.synch_only_coupled_records or not mapping.direction.allows(source):
        return Nothing(Reason.NOT_COUPLED)
    if not views[source].in_filter:
        return Nothing(Reason.OUTSIDE_FILTER)
    if source.other not in mapping.create_new_in:
        caption = tables[source.other].caption
        text = (
            f"{source.other.product} has no {caption} that matches, and the mapping creates none there. "
            f"Create it in {source.other.product}; the next run couples it."
        )
        return Hold(Reason.CREATE_NOT_ALLOWED, text, source)
    return _make(mapping, source, _record(views[source]), tables, references, Reason.NEW_RECORD)


def _decide_deleted(
    mapping: TableMapping, views: Views, coupling: Coupling, gone: Side, tables: Tables, references: References
) -> Action:
    resolution = mapping.deletion_conflict_resolution
    if resolution is DeletionConflictResolution.REMOVE_COUPLING:
        return Uncouple(coupling, Reason.COUPLING_REMOVED)
    survivor = gone.other
    if resolution is DeletionConflictResolution.RESTORE_RECORDS and mapping.direction.allows(survivor):
        record = views[survivor].record
        if record is not None and views[survivor].in_filter:
            made = _make(mapping, survivor, record, tables, references, Reason.RESTORED)
            return replace(made, replaces=coupling) if isinstance(made, Make) else made
    name = coupling.at(survivor).title or coupling.at(survivor).number or coupling.at(survivor).id
    message = (
        f"{tables[survivor].caption} {name} is coupled to a deleted record in {gone.product}. "
        "Restore it, delete the record or delete the coupling."
    )
    return Hold(Reason.DELETION_CONFLICT, message, survivor)


def _decide_coupled(
    mapping: TableMapping, views: Views, coupling: Coupling, tables: Tables, references: References, now: datetime
) -> Action:
    now_held = {side: _current(views[side], coupling.at(side)) for side in BOTH}
    pair = PairValues(now_held, _base(mapping, coupling, now_held, tables))
    senders = [side for side in BOTH if views[side].seen is Seen.PRESENT and views[side].in_filter]
    merged = merge(mapping, pair, senders, tables, references)
    if (held := _held(merged, coupling, senders, tables)) is not None:
        return held
    after = _remembered(mapping, coupling, views, pair, merged, tables, now)
    writes = {side: in_write_order(tables[side], values) for side, values in merged.writes.items() if values}
    left = tuple(merged.left)
    if writes:
        return Change(after, writes, left=left)
    if replace(after, synchronized_at=coupling.synchronized_at) == coupling:
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
    merged = Merge()
    for line in mapping.lines(source):
        if not line.columns(source.other):
            continue
        carried = carry(line, source, record.values, tables, references)
        if isinstance(carried, Unresolved):
            merged.waits.append(carried)
        elif isinstance(carried, FieldProblem):
            merged.problems.append(carried)
        elif isinstance(carried, Leave):
            merged.left.extend([carried.unresolved] if carried.unresolved else [])
        else:
            merged.writes[source.other].update(carried)
            if not line.new_rows_only:
                merged.base[source.other].update(carried)
                merged.base[source].update({name: record.values.get(name) for name in line.columns(source)})
    if (held := _obstacle(merged.problems, merged.waits)) is not None:
        return held
    values: Values = {name: value for name, value in merged.writes[source.other].items() if value is not None}
    ordered = in_write_order(tables[source.other], values)
    return Make(source.other, record, ordered, merged.base, reason, left=tuple(merged.left))


def base_after_create(mapping: TableMapping, made: Make, created: Record, tables: Tables) -> dict[Side, CoupledRecord]:
    """Both ends of the coupling of a record that was created.

    Lines that did not travel this way start from what each side holds: they wait for their own source to move.
    """
    records = {made.side: created, made.side.other: made.source}
    base = {side: dict(made.base[side]) for side in BOTH}
    for line in mapping.fields:
        if line.enabled and not line.new_rows_only and not line.direction.allows(made.side.other):
            for side in BOTH:
                base[side] |= {name: records[side].values.get(name) for name in line.columns(side)}
    ends = {side: CoupledRecord(records[side].id, base[side]) for side in BOTH}
    return {side: versioned(mapping, side, ends[side], records[side], tables[side]) for side in BOTH}


def _base(
    mapping: TableMapping, coupling: Coupling, now: Mapping[Side, Values], tables: Tables
) -> dict[Side, Values | None]:
    """What both sides last agreed on, where an unanswered attempt of ours has landed included."""
    base: dict[Side, Values | None] = {side: coupling.at(side).base for side in BOTH}
    attempt = coupling.attempt
    if attempt is None:
        return base
    for line in mapping.fields:
        for side in BOTH:
            if set(line.columns(side)) & attempt.writes.get(side, {}).keys() and _landed(
                line, side, attempt, now, tables
            ):
                for either in BOTH:
                    landed = {name: attempt.base[either].get(name) for name in line.columns(either)}
                    base[either] = {**(base[either] or {}), **landed}
    return base


def _landed(line: FieldMapping, side: Side, attempt: Attempt, now: Mapping[Side, Values], tables: Tables) -> bool:
    there, sent = now[side], attempt.base[side]
    return comparable(line, side, there, tables[side]) == comparable(line, side, sent, tables[side])


def _remembered(
    mapping: TableMapping,
    coupling: Coupling,
    views: Views,
    pair: PairValues,
    merged: Merge,
    tables: Tables,
    now: datetime,
) -> Coupling:
    after = replace(coupling, synchronized_at=now, attempt=None)
    for side in BOTH:
        end, record = coupling.at(side), views[side].record
        renewed = replace(end, base=merged.base[side])
        if record is not None:
            renewed = described(renewed, record, tables[side])
        will_hold = {**pair.now[side], **merged.writes[side]}
        if not holds(mapping, side, will_hold, merged.base[side], tables[side]):
            renewed = replace(renewed, etag=None)
        after = after.with_end(side, renewed)
    return after


def holds(mapping: TableMapping, side: Side, values: Values, base: Values, table: Table) -> bool:
    """Whether `values` mean just what `base` says in every line: only then may a version be remembered with it."""
    for line in mapping.fields:
        columns = line.columns(side)
        if not line.enabled or line.new_rows_only or not columns:
            continue
        if any(name not in base for name in columns):
            return False
        if comparable(line, side, values, table) != comparable(line, side, base, table):
            return False
    return True


def versioned(mapping: TableMapping, side: Side, end: CoupledRecord, record: Record, table: Table) -> CoupledRecord:
    """The end with the record's version, number and title; without version if the record holds more than the base.

    A service may change what it is sent: Business Central completes addresses by its post code table.
    """
    shown = described(end, record, table)
    return shown if holds(mapping, side, record.values, end.base or {}, table) else replace(shown, etag=None)


def described(end: CoupledRecord, record: Record, table: Table) -> CoupledRecord:
    """The end of a coupling with version, number and title as `record` shows them."""
    return replace(
        end,
        etag=record.etag,
        number=_caption(record.values, table.number) or end.number,
        title=_caption(record.values, table.title) or end.title,
    )


def _caption(values: Values, column: str | None) -> str | None:
    value = values.get(column) if column else None
    return None if value is None else str(value)


def _current(view: View, end: CoupledRecord) -> Values:
    return view.record.values if view.record is not None else (end.base or {})


def in_write_order(table: Table, values: Values) -> Values:
    """The same values in the order in which the table's columns must be written."""
    return {column.name: values[column.name] for column in table.columns if column.name in values}


def _pair_name(coupling: Coupling, tables: Tables) -> str:
    names = (f"{tables[side].caption} {coupling.at(side).title or coupling.at(side).id}" for side in BOTH)
    return " and ".join(names)


def _record(view: View) -> Record:
    assert view.record is not None
    return view.record
