"""What a coupling remembers: the base on which both sides agree, and which versions are known to hold it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.core.actions import Make, View, Views
from shared.core.coupling import Attempt, CoupledRecord, Coupling
from shared.core.lines import BOTH, columns_of, merged_columns_of
from shared.core.mapping import FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.merge import Merge, PairValues
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.core.transfer import Tables, comparable
from shared.core.values import is_kept_for


def agreed_base(
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


def with_landed(coupling: Coupling, pair: PairValues) -> Coupling:
    """The coupling with what landed of an unanswered attempt in its base, and the attempt forgotten."""
    if coupling.attempt is None:
        return coupling
    known = coupling.unsure()
    for side in BOTH:
        known = known.with_end(side, replace(known.at(side), base=pair.base[side]))
    return known


def remembered(
    mapping: TableMapping,
    coupling: Coupling,
    views: Views,
    pair: PairValues,
    merged: Merge,
    tables: Tables,
    now: datetime,
) -> Coupling:
    """The coupling once the merge is carried out: the new base, and the versions that hold it."""
    ends = {
        side: _end_after(mapping, side, coupling.at(side), views[side], pair, merged, tables[side]) for side in BOTH
    }
    return coupling.agreed(ends[Side.BUSINESS_CENTRAL], ends[Side.DATAVERSE], now)


def _end_after(
    mapping: TableMapping, side: Side, end: CoupledRecord, view: View, pair: PairValues, merged: Merge, table: Table
) -> CoupledRecord:
    base, writes = merged.base[side], merged.writes[side]
    will_hold = {**pair.now[side], **writes} if writes else pair.now[side]
    is_known = holds(mapping, side, will_hold, base, table)
    if view.record is None:
        etag = end.etag if is_known else None
        return CoupledRecord(end.id, base, etag, end.number, end.title, end.outside, end.modified_at)
    return _shown(end, base, view.record, table, is_known=is_known, outside=not view.in_filter)


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


def holds(mapping: TableMapping, side: Side, values: Values, base: Values, table: Table) -> bool:
    """Whether `values` mean just what `base` says in every line: only then may a version be remembered with it."""
    columns = columns_of(mapping, side, table)
    stirred = columns.stirred(values, base)
    return not any(end.differs(values, base) for name in stirred for end in columns.ends[name])


def is_remembered(mapping: TableMapping, side: Side, end: CoupledRecord, table: Table) -> bool:
    """Whether a record that nobody has read may be taken for what its coupling says of it.

    Its version must be known, and its base must know every column: one whose line was switched on since is not blank,
    it was never looked at.
    """
    if end.etag is None or end.base is None:
        return False
    return all(map(end.base.__contains__, merged_columns_of(mapping, side, table).names))


def versioned(mapping: TableMapping, side: Side, end: CoupledRecord, record: Record, table: Table) -> CoupledRecord:
    """The end with the record's version, number and title; without version if the record holds more than the base.

    A service may change what it is sent: Business Central completes addresses by its post code table. That it writes
    codes in capitals or rounds numbers is no change, and what is remembered is what is there: metadata does not tell
    codes from texts, nor to how many decimals a service rounds.
    """
    base = _as_kept_there(end.base, record.values)
    is_known = holds(mapping, side, record.values, base or {}, table)
    return _shown(end, base, record, table, is_known=is_known, outside=end.outside)


def _as_kept_there(base: Values | None, there: Values) -> Values | None:
    if base is None or there == base:
        return base
    kept = {name: held for name, sent in base.items() if (held := there.get(name)) != sent and is_kept_for(held, sent)}
    return {**base, **kept} if kept else base


def described(end: CoupledRecord, record: Record, table: Table) -> CoupledRecord:
    """The end of a coupling with version, number and title as `record` shows them."""
    return _shown(end, end.base, record, table, is_known=True, outside=end.outside)


def _shown(
    end: CoupledRecord, base: Values | None, record: Record, table: Table, *, is_known: bool, outside: bool
) -> CoupledRecord:
    number, title = _caption(record.values, table.number), _caption(record.values, table.title)
    etag = record.etag if is_known else None
    modified_at = record.modified_at or end.modified_at
    return CoupledRecord(end.id, base, etag, number or end.number, title or end.title, outside, modified_at)


def _caption(values: Values, column: str | None) -> str | None:
    value = values.get(column) if column else None
    return None if value is None else str(value)
