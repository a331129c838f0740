"""What an action would do to a pair, in words that can be shown, stored, and compared with what it would do later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.core.actions import Action, Change, Hold, Make, Remember, Uncouple, Views
from shared.core.coupling import Coupling
from shared.core.effects import Effect
from shared.core.merge import FieldConflict
from shared.core.reasons import Reason
from shared.core.retry import WAITING
from shared.core.sides import Side
from shared.core.tables import Table, Value, Values
from shared.core.transfer import Tables
from shared.core.values import same

CONFLICTS = (Reason.UPDATE_CONFLICT, Reason.DELETION_CONFLICT)


@dataclass(frozen=True, slots=True)
class PlannedValue:
    """One column that would be written: what it holds, and what it would hold."""

    side: Side
    column: str
    old: Value
    new: Value


@dataclass(frozen=True, slots=True)
class Named:
    """One record of a pair as people know it; `id` None for one that does not exist yet."""

    id: str | None = None
    number: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What would happen to one pair, and why.

    `side` is where a record would be created or deleted, `couples` whether two existing records would be coupled first.
    `fields` has both values of a conflict. `version` is that of a record that would be deleted.
    """

    effect: Effect
    records: Mapping[Side, Named]
    reason: Reason
    side: Side | None = None
    values: tuple[PlannedValue, ...] = ()
    couples: bool = False
    message: str = ""
    fields: tuple[FieldConflict, ...] = ()
    version: str | None = None

    @property
    def ids(self) -> dict[Side, str | None]:
        """The ids of both records."""
        return {side: named.id for side, named in self.records.items()}


def planned(
    action: Action, views: Views, coupling: Coupling | None, tables: Tables, *, couples: bool = False
) -> Planned | None:
    """What `action` would do to a pair; None when nobody would notice it."""
    records = {side: _named(side, views, coupling, tables[side]) for side in Side}
    match action:
        case Change():
            values = tuple(_values(action.writes, views, action.before))
            effect = Effect.COUPLE if couples else Effect.UPDATE
            return Planned(effect, records, action.reason, values=values, couples=couples)
        case Make():
            effect = Effect.RESTORE if action.replaces else Effect.CREATE
            records[action.side] = Named()
            new = tuple(PlannedValue(action.side, name, None, value) for name, value in action.values.items())
            return Planned(effect, records, action.reason, action.side, new)
        case Uncouple():
            return Planned(Effect.UNCOUPLE, records, action.reason)
        case Hold():
            return Planned(_held(action), records, action.reason, message=action.message, fields=action.fields)
        case Remember() if couples:
            return Planned(Effect.COUPLE, records, action.reason, couples=True)
        case _:
            return None


def deletion(side: Side, views: Views, coupling: Coupling, tables: Tables) -> Planned:
    """What Delete Records would do to a pair of which only the record on `side` is left."""
    records = {at: _named(at, views, coupling, tables[at]) for at in Side}
    record = views[side].record
    return Planned(Effect.DELETE, records, Reason.CHOSEN, side, version=record.etag if record else None)


def is_as_planned(then: Planned, now: Planned | None, views: Views, tables: Tables) -> bool:
    """Whether a pair would still be treated just as it was planned: the same effect on the same records and values.

    What stands there already need not be done any more: one side is written before the other.
    """
    if now is None or (then.effect, then.side, then.couples) != (now.effect, now.side, now.couples):
        return False
    left = [one for one in then.values if not _stands(one, views, tables)]
    return then.ids == now.ids and _same_values(left, now.values, tables)


def is_done(then: Planned, now: Planned | None, views: Views, tables: Tables) -> bool:
    """Whether what was planned for a coupled pair is there already: both records, with the values planned for them."""
    if now is not None or any(view.record is None for view in views.values()):
        return False
    return all(_stands(one, views, tables) for one in then.values)


def _stands(one: PlannedValue, views: Views, tables: Tables) -> bool:
    record = views[one.side].record
    return record is not None and same(tables[one.side].column(one.column), record.values.get(one.column), one.new)


def summary(items: Iterable[Planned]) -> Counter[tuple[Effect, Side | None]]:
    """How many pairs would meet each effect; updates are counted for each side that they write to."""
    counts: Counter[tuple[Effect, Side | None]] = Counter()
    for item in items:
        sides = {value.side for value in item.values} if item.side is None else {item.side}
        counts.update((item.effect, side) for side in sides or (None,))
    return counts


def _values(writes: Mapping[Side, Values], views: Views, before: Coupling) -> Iterable[PlannedValue]:
    for side, columns in writes.items():
        record = views[side].record
        held = record.values if record is not None else before.at(side).base or {}
        for name, new in columns.items():
            yield PlannedValue(side, name, held.get(name), new)


def _named(side: Side, views: Views, coupling: Coupling | None, table: Table) -> Named:
    record, end = views[side].record, coupling.at(side) if coupling else None
    if record is not None:
        number, title = (record.values.get(name) if name else None for name in (table.number, table.title))
        return Named(record.id, _text(number), _text(title))
    return Named(end.id, end.number, end.title) if end is not None else Named()


def _held(action: Hold) -> Effect:
    if action.reason in CONFLICTS:
        return Effect.CONFLICT
    return Effect.WAIT if action.reason in WAITING else Effect.ERROR


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def _same_values(then: Sequence[PlannedValue], now: Sequence[PlannedValue], tables: Tables) -> bool:
    """Whether both would write the same over the same, whatever the spelling."""
    values = {(one.side, one.column): one for one in now}
    return len(then) == len(values) and all(
        (other := values.get((one.side, one.column))) is not None
        and same(column := tables[one.side].column(one.column), one.old, other.old)
        and same(column, one.new, other.new)
        for one in then
    )
