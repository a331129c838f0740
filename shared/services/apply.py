"""Carrying out what was decided: the writes to Dataverse first, then those to Business Central.

A write names the version that was planned with. When the service says that the row has moved since, that one row is
read again and its pair decided again; nothing is overwritten blindly. What is about to be written is stored first, so
that a lost answer or a killed host never makes our own edit look like somebody else's.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.actions import GONE, Action, Change, Hold, Make, Remember, Uncouple
from shared.core.coupling import Coupling
from shared.core.failures import NeedsPerson
from shared.core.guard import complaint, damage_of, total
from shared.core.outcome import Outcome
from shared.core.plan import decide, without_attempt
from shared.core.reasons import Reason
from shared.core.records import Record, RefusalKind, Refused, Update, WriteResult, Written
from shared.core.remember import versioned
from shared.core.retry import IN_DOUBT
from shared.core.sides import Side
from shared.core.tables import Values
from shared.services.create import create
from shared.services.observe import read_views
from shared.services.pass_context import Pair, Slice
from shared.services.resolve import references_for

ROUNDS = 4
_HELD_BECAUSE = {
    RefusalKind.CHANGED: Reason.CHANGED_MEANWHILE,
    RefusalKind.FORBIDDEN: Reason.PERMISSION_MISSING,
    RefusalKind.PASSING: Reason.SERVICE_BUSY,
    RefusalKind.UNKNOWN: Reason.SERVICE_BUSY,
    RefusalKind.NOT_RUN: Reason.SERVICE_BUSY,
}


class Settled:
    """One pair on its way: the pair, what was decided, and what has become of it so far.

    `written` are the sides written in this slice, `landed` the rows as this round's writes left them, `again` the sides
    that moved under our feet, `held` the first refusal.
    """

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.action: Action | None = None
        self.outcome: Outcome | None = None
        self.written: set[Side] = set()
        self.landed: dict[Side, Record] = {}
        self.again: set[Side] = set()
        self.held: Hold | None = None
        self.in_doubt = False
        self.service_code = ""
        self.column: str | None = None

    def finish(self, *, held: Hold | None = None, created: Side | None = None) -> None:
        """The last word on this pair."""
        assert self.action is not None
        seen = frozenset(side for side in Side if self.pair.present(side))
        self.outcome = Outcome(self.action, seen, self.written, held, self.pair.coupled_now, created)


async def carry_out(work: Slice, pairs: Sequence[Pair]) -> list[Settled]:
    """Decide and do, until every pair has its outcome. Couplings that changed are stored."""
    everything = [Settled(pair) for pair in pairs]
    open_ones = everything
    for number in range(ROUNDS):
        if not open_ones:
            break
        await _decide(work, open_ones)
        if number == 0:
            _weigh(work, open_ones)
        await _forget_attempts(work, open_ones, refused=number > 0)
        await _store_attempts(work, open_ones)
        for source in work.sources:
            await _write_side(work, source.other, open_ones)
        await _finish_round(work, open_ones)
        open_ones = [settled for settled in open_ones if settled.outcome is None]
        await _look_again(work, open_ones)
    for settled in open_ones:
        settled.finish(held=_held(work, settled, Side.BUSINESS_CENTRAL, Refused(RefusalKind.CHANGED, "")))
    return everything


async def _decide(work: Slice, open_ones: Sequence[Settled]) -> None:
    references = await references_for(work, [settled.pair for settled in open_ones])
    now = work.services.clock.now()
    for settled in open_ones:
        pair = settled.pair
        settled.landed, settled.again = {}, set()
        settled.action = decide(work.mapping, pair.views, pair.coupling, work.tables, references, now)
        if isinstance(settled.action, Hold):
            settled.finish(held=settled.action)


def _weigh(work: Slice, decided: Sequence[Settled]) -> None:
    """Stop before anything is written when the run would take away too much. Raises NeedsPerson."""
    damage = total(damage_of(one.action, _values_now(one.pair)) for one in decided if one.action is not None)
    so_far = work.run.damage + damage
    reason = None if work.state.guard_released else complaint(work.mapping, so_far, work.state.coupled)
    if reason is not None:
        raise NeedsPerson(reason, code="guard_tripped")
    work.run.damage = so_far


def _values_now(pair: Pair) -> dict[Side, Values]:
    found: dict[Side, Values] = {}
    for side in Side:
        record = pair.views[side].record
        base = pair.coupling.at(side).base if pair.coupling else None
        found[side] = record.values if record else (base or {})
    return found


async def _store_attempts(work: Slice, open_ones: Sequence[Settled]) -> None:
    """Write down which changes are about to be sent."""
    attempts = []
    for settled in open_ones:
        if isinstance(settled.action, Change):
            action = settled.action
            settled.pair.coupling = action.before.attempting(action.writes, action.coupling, work.services.clock.now())
            attempts.append(settled.pair.coupling)
    if attempts:
        await work.couplings.save(attempts)


async def _forget_attempts(work: Slice, decided: Sequence[Settled], *, refused: bool) -> None:
    """A write that was refused, or not answered for long, will not land any more.

    If its pair is held now, it must not explain a later edit that happens to have the same value.
    """
    forgotten = []
    for settled in decided:
        coupling = settled.pair.coupling
        if not isinstance(settled.action, Hold) or coupling is None or coupling.attempt is None:
            continue
        is_old = work.services.clock.now() - coupling.attempt.begun_at > IN_DOUBT
        if is_old or (refused and not settled.in_doubt):
            settled.pair.coupling = without_attempt(work.mapping, settled.pair.views, coupling, work.tables)
            forgotten.append(settled.pair.coupling)
    if forgotten:
        await work.couplings.save(forgotten)


async def _write_side(work: Slice, side: Side, open_ones: Sequence[Settled]) -> None:
    """All writes to one side: creates, then changes."""
    makes = [s for s in open_ones if isinstance(s.action, Make) and s.action.side is side and s.outcome is None]
    if makes:
        wanted = [(settled.pair, settled.action) for settled in makes if isinstance(settled.action, Make)]
        for settled, result in zip(makes, await create(work, side, wanted), strict=True):
            _after_create(work, settled, side, result)
    changes = [s for s in open_ones if isinstance(s.action, Change) and side in s.action.writes and s.outcome is None]
    if changes:
        writes = [_update(settled, side) for settled in changes]
        results = await work.services.rows(side).write(work.tables[side], writes, work.columns(side))
        for settled, result in zip(changes, results, strict=True):
            _after_change(work, settled, side, result)


def _update(settled: Settled, side: Side) -> Update:
    """The write, with the version that was planned with: the one read now, else the one the coupling remembers."""
    assert isinstance(settled.action, Change)
    record = settled.pair.views[side].record
    end = settled.action.before.at(side)
    return Update(end.id, settled.action.writes[side], record.etag if record else end.etag)


def _after_create(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    if isinstance(result, Written):
        settled.finish(created=side)
    else:
        settled.finish(held=_held(work, settled, side, result))


def _after_change(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    if isinstance(result, Written):
        settled.written.add(side)
        settled.landed[side] = result.record
    elif result.kind in (RefusalKind.CHANGED, RefusalKind.GONE):
        settled.again.add(side)
        if result.kind is RefusalKind.GONE:
            settled.pair.views[side] = GONE
    else:
        settled.in_doubt = settled.in_doubt or result.kind is RefusalKind.UNKNOWN
        settled.held = settled.held or _held(work, settled, side, result)


def _held(work: Slice, settled: Settled, side: Side, refused: Refused) -> Hold:
    reason = _HELD_BECAUSE.get(refused.kind, Reason.SERVICE_REFUSED)
    settled.service_code, settled.column = refused.code, refused.column
    caption = work.tables[side].caption
    text = f"{side.product} refused the {caption}: {refused.message}" if refused.message else reason.sentence
    return Hold(reason, text, side.other)


async def _finish_round(work: Slice, open_ones: Sequence[Settled]) -> None:
    """Store the couplings of what is done; what must be looked at again stays open."""
    saves, removals = [], []
    for settled in open_ones:
        action = settled.action
        if isinstance(action, Remember):
            saves.append(action.coupling)
        elif isinstance(action, Uncouple):
            removals.append(action.coupling)
        elif isinstance(action, Change) and settled.outcome is None:
            saves += _after_all_writes(work, settled, action)
        if settled.outcome is None and not settled.again:
            settled.finish(held=settled.held)
    if saves:
        await work.couplings.save(saves)
    if removals:
        await work.couplings.remove(removals)


def _after_all_writes(work: Slice, settled: Settled, action: Change) -> list[Coupling]:
    """The coupling to store: complete, or as before when nothing was done; in between the attempt stays stored."""
    if settled.landed.keys() == action.writes.keys():
        after = action.coupling
        for side, record in settled.landed.items():
            end = versioned(work.mapping, side, after.at(side), record, work.tables[side])
            after = after.with_end(side, end)
        settled.pair.coupling = after
        return [after]
    if settled.landed or settled.in_doubt or settled.again:
        return []
    settled.pair.coupling = action.before.unsure()
    return [settled.pair.coupling]


async def _look_again(work: Slice, open_ones: Sequence[Settled]) -> None:
    """Read the rows that moved under our feet; a deletion also asks what became of the other record."""
    for side in Side:
        concerned = [settled for settled in open_ones if _must_look(settled, side)]
        views = await read_views(work, side, [one for settled in concerned if (one := settled.pair.id_at(side))])
        for settled in concerned:
            settled.pair.views[side] = views[settled.pair.id_at(side) or ""]
    for settled in open_ones:
        settled.held = None


def _must_look(settled: Settled, side: Side) -> bool:
    views = settled.pair.views
    if side in settled.again:
        return views[side] is not GONE
    return views[side.other] is GONE or not settled.pair.present(side) or side in settled.landed
