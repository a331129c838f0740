"""Synchronize now: which ways there are for a coupled pair, and what each would do to whose data.

It answers what Microsoft's prompt shows (codeunit CRM Integration Management, Synchronize Now): which side is newer,
what would be lost, which choice is preselected. A choice is forced: it is carried out whether or not its source changed
and whatever the mapping's filters say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.core.actions import Action, Change, Hold, Remember, Seen, Views
from shared.core.coupling import Coupling
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import UpdateConflictResolution, WhenOutsideFilter
from shared.core.plan import decide, without_attempt
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.refusals import Refusal, RefusalCode, name_of_end, name_of_pair
from shared.core.remember import holds
from shared.core.sides import Direction, Side
from shared.core.sync_choice import SyncChoice
from shared.core.tables import Value
from shared.core.transfer import References, Tables
from shared.core.values import same


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """One column that a choice would write. `loses_edit` tells that it was edited there since both last agreed."""

    side: Side
    column: str
    old: Value
    new: Value
    loses_edit: bool


@dataclass(frozen=True, slots=True)
class SyncOption:
    """One choice: what it would write, or why it cannot be had (`code` and `why`).

    `left` are references without a counterpart: they are left out, the rest is written.
    """

    choice: SyncChoice
    changes: tuple[ColumnChange, ...] = ()
    code: str = ""
    why: str = ""
    left: tuple[Unresolved, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether the choice can be had."""
        return not self.code

    @property
    def lost(self) -> tuple[ColumnChange, ...]:
        """The edits that the choice would overwrite."""
        return tuple(change for change in self.changes if change.loses_edit)


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """The choices for one pair, `newer` by the times of modification, and `changed` by content since both last agreed.

    `preselected` is None where the answer that harms nobody is not to synchronize; `warning` says why.
    """

    options: tuple[SyncOption, ...]
    changed: tuple[Side, ...]
    preselected: SyncChoice | None
    warning: str = ""
    newer: Side | None = None
    modified_at: Mapping[Side, datetime | None] = field(default_factory=dict)


def sync_options(
    mapping: TableMapping,
    views: Views,
    coupling: Coupling | None,
    tables: Tables,
    references: References,
    now: datetime,
    *,
    skipped: bool = False,
) -> SyncOptions | Refusal:
    """The choices for one pair whose records were both read; why there are none else."""
    refused = _refused(views, coupling, tables, skipped=skipped)
    if refused is not None:
        return refused
    assert coupling is not None
    options = tuple(
        _option(
            choice, decide_choice(mapping, choice, views, coupling, tables, references, now), views, coupling, tables
        )
        for choice in choices(mapping)
    )
    changed = changed_sides(mapping, views, coupling, tables)
    preselected = _preselected(options, changed)
    times = {side: record.modified_at if (record := views[side].record) else None for side in Side}
    return SyncOptions(options, changed, preselected, _warning(options, preselected), _newer(times), times)


def choices(mapping: TableMapping) -> tuple[SyncChoice, ...]:
    """The choices that the mapping's direction leaves."""
    if mapping.direction is Direction.BIDIRECTIONAL:
        return tuple(SyncChoice)
    return tuple(one for one in SyncChoice if one.source is not None and mapping.direction.allows(one.source))


def decide_choice(
    mapping: TableMapping,
    choice: SyncChoice,
    views: Views,
    coupling: Coupling,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The action that carries out a choice for a coupled pair whose records were both read."""
    source = choice.source
    if source is None:
        return decide(forced(mapping, mapping.direction), views, coupling, tables, references, now)
    moved = coupling.with_end(source, replace(coupling.at(source), base=None))
    direction = Direction.TO_INTEGRATION_TABLE if choice is SyncChoice.SEND else Direction.FROM_INTEGRATION_TABLE
    action = decide(forced(mapping, direction), views, moved, tables, references, now)
    match action:
        case Change():
            before = without_attempt(mapping, views, coupling, tables)
            after = with_other_lines(action.coupling, before)
            return replace(action, before=before, coupling=after, reason=Reason.CHOSEN)
        case Remember():
            before = without_attempt(mapping, views, coupling, tables)
            return replace(action, coupling=with_other_lines(action.coupling, before))
        case _:
            return action


def skipped_of_several(
    mapping: TableMapping,
    choice: SyncChoice,
    views: Views,
    coupling: Coupling | None,
    tables: Tables,
    *,
    skipped: bool = False,
) -> Refusal | None:
    """Why a pair is left out when several are synchronized at once without looking at each; None when it is not."""
    refused = _refused(views, coupling, tables, skipped=skipped)
    if refused is not None:
        return refused
    assert coupling is not None
    pair = name_of_pair(coupling, tables)
    if choice not in choices(mapping):
        text = f"{mapping.name} is {mapping.direction}: {choice} is not possible for {pair}."
        return Refusal(RefusalCode.DIRECTION_FORBIDS, text)
    source = choice.source
    if source is not None and source.other in changed_sides(mapping, views, coupling, tables):
        text = f"{name_of_end(coupling.at(source.other), tables[source.other])} was edited in {source.other.product}."
        return Refusal(RefusalCode.DESTINATION_CHANGED, text)
    return None


def changed_sides(mapping: TableMapping, views: Views, coupling: Coupling, tables: Tables) -> tuple[Side, ...]:
    """The sides whose record differs from what both last agreed on; both when they never did."""
    before = without_attempt(mapping, views, coupling, tables)
    return tuple(side for side in Side if not _is_unchanged(mapping, views, before, side, tables))


def _is_unchanged(mapping: TableMapping, views: Views, coupling: Coupling, side: Side, tables: Tables) -> bool:
    base, record = coupling.at(side).base, views[side].record
    return base is not None and record is not None and holds(mapping, side, record.values, base, tables[side])


def _refused(views: Views, coupling: Coupling | None, tables: Tables, *, skipped: bool) -> Refusal | None:
    if coupling is None:
        return Refusal(RefusalCode.NOT_COUPLED, "The record is not coupled.")
    for side in Side:
        if views[side].seen is not Seen.PRESENT:
            here = name_of_end(coupling.at(side.other), tables[side.other])
            gone = name_of_end(coupling.at(side), tables[side])
            return Refusal(RefusalCode.BROKEN, f"{here} is coupled with {gone}, which {side.product} does not have.")
    if skipped:
        text = f"{name_of_pair(coupling, tables)} are skipped after repeated failure."
        return Refusal(RefusalCode.SKIPPED, text)
    return None


@once_per_object
def forced(mapping: TableMapping, direction: Direction) -> TableMapping:
    """The mapping for this one action: in one direction, without filters, and nobody wins a conflict unasked."""
    return mapping.model_copy(
        update={
            "direction": direction,
            "when_outside_filter": WhenOutsideFilter.KEEP_IN_STEP,
            "update_conflict_resolution": UpdateConflictResolution.NONE,
        }
    )


def with_other_lines(after: Coupling, before: Coupling) -> Coupling:
    """What the direction of the choice did not concern stays in the base as it was."""
    for side in Side:
        end, known = after.at(side), before.at(side).base or {}
        after = after.with_end(side, replace(end, base={**known, **(end.base or {})}))
    return after


def _option(choice: SyncChoice, action: Action, views: Views, coupling: Coupling, tables: Tables) -> SyncOption:
    if isinstance(action, Hold):
        return SyncOption(choice, code=action.reason, why=action.message)
    left = getattr(action, "left", ())
    if not isinstance(action, Change):
        return SyncOption(choice, left=left)
    changes = (
        change
        for side, values in action.writes.items()
        for name, value in values.items()
        if (change := _change(side, name, value, views, action.before, tables)) is not None
    )
    return SyncOption(choice, tuple(changes), left=left)


def _change(side: Side, name: str, value: Value, views: Views, before: Coupling, tables: Tables) -> ColumnChange | None:
    record, base, column = views[side].record, before.at(side).base or {}, tables[side].column(name)
    assert record is not None
    old = record.values.get(name)
    if same(column, old, value):
        return None
    edited = not same(column, old, base[name]) if name in base else not same(column, old, None)
    return ColumnChange(side, name, old, value, edited)


def _preselected(options: tuple[SyncOption, ...], changed: tuple[Side, ...]) -> SyncChoice | None:
    """What Microsoft's prompt has selected: what one side changed, else the merge, else to send."""
    allowed = {option.choice: option for option in options if option.allowed}
    if len(options) == 1:
        return next((choice for choice, option in allowed.items() if not option.lost), None)
    only = changed[0] if len(changed) == 1 else None
    best = next((choice for choice in SyncChoice if choice.source is only), SyncChoice.MERGE)
    wanted = (best, SyncChoice.SEND, SyncChoice.GET)
    return next((choice for choice in wanted if choice in allowed), None)


def _warning(options: tuple[SyncOption, ...], preselected: SyncChoice | None) -> str:
    merge = next((option for option in options if option.choice is SyncChoice.MERGE), None)
    if merge is not None and not merge.allowed:
        return f"{merge.why} Whichever way, one side's data will be lost."
    shown = next((option for option in options if option.choice is (preselected or options[0].choice)), None)
    if shown is None or not shown.lost:
        return ""
    destination = shown.lost[0].side.product
    return f"{destination} contains newer data that will be lost: {', '.join(one.column for one in shown.lost)}."


def _newer(times: Mapping[Side, datetime | None]) -> Side | None:
    here, there = times[Side.BUSINESS_CENTRAL], times[Side.DATAVERSE]
    if here is None or there is None or here == there:
        return None
    return Side.BUSINESS_CENTRAL if here > there else Side.DATAVERSE
