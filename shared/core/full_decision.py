"""What a full synchronization does with a pair: what any run does, and it leaves no conflict to a person.

Microsoft's full synchronization overwrites every coupled pair, Business Central's data first (page "Run a full
synchronization"). Here the three-way merge decides first, so that an edit made on one side only is carried over and
not lost. One side's data wins only where both changed the same field or never agreed on it, and what was overwritten
is told. Which side that is follows Microsoft: Business Central's, for the pass to Dataverse comes first and is forced;
what the mapping says of conflicts is for scheduled runs.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from shared.core.actions import Action, Change, Nothing, Remember, Seen, Views
from shared.core.coupling import Coupling
from shared.core.full_run import FullRun
from shared.core.lines import BOTH
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import UpdateConflictResolution, WhenOutsideFilter
from shared.core.plan import decide, without_attempt
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.sides import Side
from shared.core.tables import Column, Values
from shared.core.transfer import References, Tables
from shared.core.values import same


def in_full_run(mapping: TableMapping, full: FullRun) -> TableMapping:
    """The mapping as a full run takes it; what is stored stays as it is."""
    return _forced(mapping) if full.forced else mapping


def winner_of(mapping: TableMapping) -> Side:
    """The side whose data a forced run keeps where both changed the same: the source; of two, Business Central."""
    return Side.BUSINESS_CENTRAL if mapping.direction.allows(Side.BUSINESS_CENTRAL) else Side.DATAVERSE


@once_per_object
def _forced(mapping: TableMapping) -> TableMapping:
    """Open to uncoupled records, and no conflict is left open."""
    wins = {
        Side.BUSINESS_CENTRAL: UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION,
        Side.DATAVERSE: UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION,
    }[winner_of(mapping)]
    return mapping.model_copy(update={"synch_only_coupled_records": False, "update_conflict_resolution": wins})


def decide_fully(
    full: FullRun,
    mapping: TableMapping,
    views: Views,
    coupling: Coupling | None,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The one thing to do for a pair in a full run; `mapping` is the one of `in_full_run`.

    A change that overwrites what was edited there, or what both never agreed on, says so.
    """
    if full.unconditional and coupling is not None and _may_assert(mapping, views):
        action = _asserted(mapping, views, coupling, tables, references, now)
    else:
        action = decide(mapping, views, coupling, tables, references, now)
    if not isinstance(action, Change) or not (full.forced or full.unconditional):
        return action
    lost = overwritten(action, views, tables)
    return replace(action, reason=Reason.OVERWRITTEN, overwrites=lost) if lost else action


def overwritten(action: Change, views: Views, tables: Tables) -> dict[Side, tuple[str, ...]]:
    """The columns, by side, whose own data a change overwrites: edited there since both agreed, or never agreed on."""
    lost: dict[Side, tuple[str, ...]] = {}
    for side, values in action.writes.items():
        record, base = views[side].record, action.before.at(side).base or {}
        if record is not None:
            columns = (tables[side].column(name) for name in values)
            names = tuple(column.name for column in columns if _is_lost(column, record.values, values, base))
            lost |= {side: names} if names else {}
    return lost


def _is_lost(column: Column, held: Values, written: Values, base: Values) -> bool:
    old = held.get(column.name)
    return not same(column, old, written[column.name]) and not same(column, old, base.get(column.name))


def _may_assert(mapping: TableMapping, views: Views) -> bool:
    """Whether the source's record may send at all: it is there, and inside the filter or kept in step outside."""
    (source,) = (side for side in BOTH if mapping.direction.allows(side))
    inside = views[source].in_filter or mapping.when_outside_filter is WhenOutsideFilter.KEEP_IN_STEP
    return inside and all(views[side].seen is Seen.PRESENT for side in BOTH)


def _asserted(
    mapping: TableMapping,
    views: Views,
    coupling: Coupling,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The decision as if every field of the source had just been edited."""
    (source,) = (side for side in BOTH if mapping.direction.allows(side))
    edited = coupling.with_end(source, replace(coupling.at(source), base=None))
    action = decide(mapping, views, edited, tables, references, now)
    if not isinstance(action, Change | Remember):
        return action
    before = without_attempt(mapping, views, coupling, tables)
    after = _with_what_was_left(mapping, source, action.coupling, before, action.left)
    if isinstance(action, Change):
        return replace(action, before=before, coupling=after)
    if coupling.attempt is None and all(after.at(side) == coupling.at(side) for side in BOTH):
        return Nothing(Reason.IN_STEP, action.left)
    return replace(action, coupling=after)


def _with_what_was_left(
    mapping: TableMapping, source: Side, after: Coupling, before: Coupling, left: tuple[Unresolved, ...]
) -> Coupling:
    """Lines that did not travel keep what both last agreed on: they are still to be carried over."""
    captions = {one.line for one in left}
    names = {name for line in mapping.fields if line.caption in captions for name in line.columns(source)}
    known, end = before.at(source).base or {}, after.at(source)
    base = end.base or {}
    kept: Values = {name: value for name, value in known.items() if name in names or name not in base}
    if not kept:
        return after
    is_as_read = all(base.get(name, value) == value for name, value in kept.items())
    return after.with_end(source, replace(end, base={**base, **kept}, etag=end.etag if is_as_read else None))
