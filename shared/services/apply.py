"""Carrying out what was decided: the writes to Dataverse first, then those to Business Central.

A write names the version that was planned with. When the service says that the row has moved since, that one row is
read again and its pair decided again; nothing is overwritten blindly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shared.core.coupling import CoupledRecord, Coupling
from shared.core.outcome import Outcome, without_refused
from shared.core.plan import GONE, Action, Change, Hold, Make, Remember, Uncouple, decide
from shared.core.reasons import Reason
from shared.core.records import Record, RefusalKind, Refused, Update, WriteResult, Written
from shared.core.sides import Side
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
    """One pair on its way: the pair, what was decided, and what has become of it so far."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        self.action: Action | None = None
        self.outcome: Outcome | None = None
        self.written: set[Side] = set()
        self.service_code = ""
        self.column: str | None = None
        self.again: set[Side] = set()
        self.to_save: Coupling | None = None

    def hold(self, hold: Hold) -> None:
        """It cannot be brought in step now."""
        self.finish(held=hold)

    def finish(self, *, held: Hold | None = None, created: Side | None = None) -> None:
        """The last word on this pair."""
        assert self.action is not None
        seen = frozenset(side for side in Side if self.pair.present(side))
        self.outcome = Outcome(self.action, seen, self.written, held, self.pair.coupled_now, created)


async def carry_out(work: Slice, pairs: Sequence[Pair]) -> list[Settled]:
    """Decide and do, until every pair has its outcome. Couplings that changed are stored."""
    everything = [Settled(pair) for pair in pairs]
    open_ones = everything
    for _ in range(ROUNDS):
        if not open_ones:
            break
        await _decide(work, open_ones)
        for source in work.sources:
            await _write_side(work, source.other, open_ones)
        await _finish_round(work, open_ones)
        open_ones = [settled for settled in open_ones if settled.outcome is None]
        await _look_again(work, open_ones)
    for settled in open_ones:
        settled.hold(_held(work, settled, Side.BUSINESS_CENTRAL, Refused(RefusalKind.CHANGED, "")))
    return everything


async def _decide(work: Slice, open_ones: Sequence[Settled]) -> None:
    references = await references_for(work, [settled.pair for settled in open_ones])
    now = work.services.clock.now()
    for settled in open_ones:
        pair = settled.pair
        settled.again.clear()
        settled.action = decide(work.mapping, pair.views, pair.coupling, work.tables, references, now)
        if isinstance(settled.action, Hold):
            settled.hold(settled.action)


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
    assert isinstance(settled.action, Change)
    end = settled.action.coupling.at(side)
    return Update(end.id, settled.action.writes[side], end.etag)


def _after_create(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    if isinstance(result, Written):
        settled.finish(created=side)
    else:
        settled.hold(_held(work, settled, side, result))


def _after_change(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    assert isinstance(settled.action, Change)
    before, action = settled.pair.coupling, settled.action
    assert before is not None
    after = settled.to_save or action.coupling
    if isinstance(result, Written):
        settled.written.add(side)
        settled.to_save = after.with_end(side, _with_version(after, side, result.record))
    elif result.kind in (RefusalKind.CHANGED, RefusalKind.GONE):
        settled.again.add(side)
        if result.kind is RefusalKind.GONE:
            settled.pair.views[side] = GONE
    else:
        columns = set(action.writes[side])
        settled.to_save = without_refused(work.mapping, before, after, side, columns)
        settled.hold(_held(work, settled, side, result))


def _with_version(coupling: Coupling, side: Side, record: Record) -> CoupledRecord:
    return replace(coupling.at(side), etag=record.etag)


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
        if settled.again and settled.outcome is None:
            continue
        if isinstance(action, Remember):
            saves.append(action.coupling)
        elif isinstance(action, Uncouple):
            removals.append(action.coupling)
        elif settled.to_save is not None:
            saves.append(settled.to_save)
        if settled.outcome is None:
            settled.finish()
    if saves:
        await work.couplings.save(saves)
    if removals:
        await work.couplings.remove(removals)


async def _look_again(work: Slice, open_ones: Sequence[Settled]) -> None:
    """Read the rows that moved under our feet; a deletion also asks what became of the other record."""
    for side in Side:
        concerned = [settled for settled in open_ones if _must_look(settled, side)]
        views = await read_views(work, side, [one for settled in concerned if (one := settled.pair.id_at(side))])
        for settled in concerned:
            settled.pair.views[side] = views[settled.pair.id_at(side) or ""]
    for settled in open_ones:
        settled.to_save = None


def _must_look(settled: Settled, side: Side) -> bool:
    views = settled.pair.views
    if side in settled.again:
        return views[side] is not GONE
    return views[side.other] is GONE or side in settled.written
