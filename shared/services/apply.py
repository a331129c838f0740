"""Carrying out what was decided: the writes to both sides of a chunk at once.

A write names the version that was planned with. When the service says that the row has moved since, that one row is
read again and its pair decided again; nothing is overwritten blindly. What is about to be written is announced first,
so that a lost answer or a killed host never makes our own edit look like somebody else's.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import batched

from shared.core.actions import GONE, Change, Hold, Make, Remember, Uncouple
from shared.core.failures import NeedsPerson, SyncFailure
from shared.core.guard import complaint, damage_of
from shared.core.plan import decide
from shared.core.reasons import Reason
from shared.core.records import RefusalKind, Refused, Update, Write, WriteResult, Written
from shared.core.remember import versioned
from shared.core.sides import Side
from shared.core.tables import Values
from shared.core.transfer import References
from shared.services.attempts import (
    NOT_ANSWERED,
    forget_attempts,
    forget_unanswered,
    may_still_land,
    note_unanswered,
    wait_for_answers,
)
from shared.services.conclude import conclude
from shared.services.create import DOUBT, coupling_after, intent_after, prepare
from shared.services.full_run import releases_guard
from shared.services.journal import announced, entries
from shared.services.observe import read_views
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.coupling_documents import stored_as
from shared.services.resolve import references_for
from shared.services.settled import Settled
from shared.services.touches import note_landed, note_written
from shared.services.turns import PORTION, let_others_go_on

ROUNDS = 4
AT_A_STRETCH = 50  # pairs that are decided while all else waits
_HELD_BECAUSE = {
    RefusalKind.CHANGED: Reason.CHANGED_MEANWHILE,
    RefusalKind.FORBIDDEN: Reason.PERMISSION_MISSING,
    RefusalKind.PASSING: Reason.SERVICE_BUSY,
    RefusalKind.UNKNOWN: Reason.SERVICE_BUSY,
    RefusalKind.NOT_RUN: Reason.SERVICE_BUSY,
}


async def carry_out(work: Slice, pairs: Sequence[Pair]) -> list[Settled]:
    """Decide and do, until every pair has its outcome or time is up; then couplings and intents are stored."""
    chunk = [Settled(pair) for pair in pairs]
    making: Counter[Side] = Counter()
    announcements: list[str] = []
    try:
        await _do_in_rounds(work, chunk, announcements, making)
        await conclude(work, chunk)
    finally:
        work.making -= making
    work.ledger.settle(announcements)
    return chunk


async def _do_in_rounds(work: Slice, chunk: Sequence[Settled], announcements: list[str], making: Counter[Side]) -> None:
    open_ones = list(chunk)
    for settled in chunk:
        note_landed(work, settled)
        note_unanswered(work, settled)
    for number in range(ROUNDS):
        if not open_ones:
            return
        references = await references_for(work, [settled.pair for settled in open_ones])
        async with work.turns.deciding():
            for some in batched(open_ones, AT_A_STRETCH, strict=False):
                _decide(work, some, references)
                await let_others_go_on()
            if number == 0:
                wait_for_answers(work, open_ones)
                _weigh(work, open_ones)
            forget_attempts(work, open_ones, refused=number > 0)
            makes = Counter(side for side in Side if any(one.makes_on(side) for one in open_ones))
            work.making += makes
            making += makes
            announcements += await _announce_changes(work, open_ones, first=number == 0)
        await _prepare_creates(work, open_ones)
        await _write(work, open_ones, announcements, again=number > 0)
        _finish_round(work, open_ones)
        open_ones = [settled for settled in open_ones if settled.is_open]
        await _look_again(work, open_ones)
    for settled in open_ones:
        settled.finish(held=_held(work, settled, Side.BUSINESS_CENTRAL, Refused(RefusalKind.CHANGED, "")))


def _decide(work: Slice, open_ones: Sequence[Settled], references: References) -> None:
    now = work.now
    for settled in open_ones:
        pair = settled.pair
        settled.landed, settled.again, settled.kept = {}, set(), None
        if (choose := work.choose or work.rules) is not None:
            settled.action = choose(pair, references, now)
        else:
            settled.action = decide(work.mapping, pair.views, pair.coupling, work.tables, references, now)
        if isinstance(settled.action, Hold):
            settled.finish(held=settled.action)


def _weigh(work: Slice, decided: Sequence[Settled]) -> None:
    """Stop before anything is written when the run would take away too much. Raises NeedsPerson."""
    weighed = work.weighed
    for settled in decided:
        if isinstance(settled.action, Change | Make | Uncouple):
            settled.damage = damage_of(settled.action, values_now(settled.pair))
            weighed += settled.damage
    is_meant = work.choose is not None or work.state.guard_released or releases_guard(work.run)
    reason = None if is_meant else complaint(work.mapping, weighed, work.state.coupled)
    if reason is not None:
        raise NeedsPerson(reason, code="guard_tripped")
    work.weighed = weighed


def values_now(pair: Pair) -> dict[Side, Values]:
    """What both sides of a pair hold: as it was read, else as the coupling remembers it."""
    found: dict[Side, Values] = {}
    for side in Side:
        record = pair.views[side].record
        base = pair.coupling.at(side).base if pair.coupling else None
        found[side] = record.values if record else (base or {})
    return found


async def _announce_changes(work: Slice, open_ones: Sequence[Settled], *, first: bool) -> list[str]:
    """Write down which changes are about to be sent. Raises OvertakenError.

    An attempt on top of an attempt goes into the coupling itself: the journal holds one of each only.
    """
    plain: list[Settled] = []
    stacked: list[Settled] = []
    for settled in open_ones:
        if isinstance(settled.action, Change):
            action, coupling = settled.action, settled.pair.coupling
            is_plain = first and (coupling is None or coupling.attempt is None)
            settled.pair.coupling = action.before.attempting(action.writes, action.coupling, work.now)
            settled.is_attempted = is_plain
            (plain if is_plain else stacked).append(settled)
    if stacked:
        await _store_attempts(work, stacked)
        await work.ledger.write()
    changes = announced(work.mapping, [one.pair.coupling for one in plain if one.pair.coupling])
    return await work.ledger.announce(entries((), changes))


async def _prepare_creates(work: Slice, open_ones: Sequence[Settled]) -> None:
    for side in Side:
        makes = [settled for settled in open_ones if settled.makes_on(side)]
        actions = [settled.action for settled in makes if isinstance(settled.action, Make)]
        for settled, creation in zip(makes, await prepare(work, side, actions) if makes else (), strict=True):
            settled.creation = creation


async def _store_attempts(work: Slice, stacked: Sequence[Settled]) -> None:
    stored = await work.couplings.save([settled.pair.coupling for settled in stacked if settled.pair.coupling])
    for settled, coupling in zip(stacked, stored, strict=True):
        settled.pair.coupling = coupling


async def _write(work: Slice, open_ones: Sequence[Settled], announcements: list[str], *, again: bool) -> None:
    """All writes to both sides at once: neither needs to know what came of the other. Raises what has failed."""
    sides = (_write_side(work, source.other, open_ones, announcements, again=again) for source in work.sources)
    for failed in await asyncio.gather(*sides, return_exceptions=True):
        if failed is not None:
            raise failed


async def _write_side(
    work: Slice, side: Side, open_ones: Sequence[Settled], announcements: list[str], *, again: bool
) -> None:
    """All writes to one side, creates first, in portions; what does not get its turn is cut."""
    makes = [one for one in open_ones if one.is_open and one.makes_on(side)]
    for settled in [one for one in makes if one.creation and one.creation.in_doubt]:
        _after_create(work, settled, side, DOUBT)
    changes = [one for one in open_ones if one.is_open and one.changes_on(side)]
    for portion in batched([one for one in makes if one.is_open] + changes, PORTION[side], strict=False):
        results = await work.turns.take(side, partial(_send, work, side, portion, announcements), again=again)
        if not results:
            _cut(portion, is_sent=results is not None)
            continue
        for settled, result in zip(portion, results, strict=True):
            after = _after_create if settled.makes_on(side) else _after_change
            after(work, settled, side, result)


async def _send(work: Slice, side: Side, portion: Sequence[Settled], announcements: list[str]) -> list[WriteResult]:
    """The results; none when the service could not be worked with at all: the slice ends with that failure.

    Creates are announced just before they are sent: what was never sent is never in doubt.
    """
    intents = [one.creation.intent for one in portion if one.makes_on(side) and one.creation is not None]
    announcements += await work.ledger.announce(entries(intents, ()))
    try:
        writes = [_write_of(settled, side) for settled in portion]
        return await work.services.rows(side).write(work.tables[side], writes, work.columns(side))
    except SyncFailure as failure:
        work.turns.stop(failure)
        return []


def _cut(portion: Sequence[Settled], *, is_sent: bool) -> None:
    """Leave these to the next slice; what was sent may have been done or not."""
    for settled in portion:
        settled.is_cut = True
        settled.in_doubt = settled.in_doubt or is_sent
        settled.doubt = settled.creation.intent if is_sent and settled.creation is not None else None


def _write_of(settled: Settled, side: Side) -> Write:
    """The write; a change names the version that was planned with: the one read now, else the remembered one."""
    if settled.creation is not None and settled.makes_on(side):
        return settled.creation.write
    assert isinstance(settled.action, Change)
    record = settled.pair.views[side].record
    end = settled.action.before.at(side)
    return Update(end.id, settled.action.writes[side], record.etag if record else end.etag)


def _after_create(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    assert settled.creation is not None
    settled.added = coupling_after(work, settled.creation, result)
    settled.doubt = intent_after(work, settled.creation, result)
    if isinstance(result, Written):
        settled.pair.coupling = settled.added
        settled.finish(created=side)
    else:
        settled.finish(held=_held(work, settled, side, result))


def _after_change(work: Slice, settled: Settled, side: Side, result: WriteResult) -> None:
    if isinstance(result, Written):
        settled.written.add(side)
        settled.landed[side] = result.record
        note_written(settled, side)
    elif result.kind in (RefusalKind.CHANGED, RefusalKind.GONE):
        settled.again.add(side)
        forget_unanswered(settled, side)
        if result.kind is RefusalKind.GONE:
            settled.pair.views[side] = GONE
            work.gone.add((side, settled.pair.id_at(side) or ""))
    else:
        settled.in_doubt = settled.in_doubt or result.kind is RefusalKind.UNKNOWN
        settled.held = settled.held or _held(work, settled, side, result)


def _held(work: Slice, settled: Settled, side: Side, refused: Refused) -> Hold:
    reason = _HELD_BECAUSE.get(refused.kind, Reason.SERVICE_REFUSED)
    settled.refused = refused
    caption = work.tables[side].caption
    text = f"{side.product} refused the {caption}: {refused.message}" if refused.message else reason.sentence
    return Hold(reason, text, side.other)


def _finish_round(work: Slice, open_ones: Sequence[Settled]) -> None:
    """What is done is kept for storing; what must be looked at again stays open."""
    for settled in open_ones:
        action = settled.action
        if isinstance(action, Remember) and may_still_land(work, settled):
            settled.held = Hold(Reason.SERVICE_BUSY, NOT_ANSWERED, next(iter(work.sources)))
        elif isinstance(action, Remember):
            settled.kept = action.coupling
        elif isinstance(action, Uncouple):
            settled.removed = action.coupling
        elif isinstance(action, Change) and settled.outcome is None:
            _keep_after_writes(work, settled, action)
        if (settled.is_open and not _may_go_on(settled)) or (settled.is_cut and _has_begun(settled)):
            settled.finish(held=settled.held)


def _may_go_on(settled: Settled) -> bool:
    """Whether a row that has moved is looked at again at once: another attempt would forget one not answered yet."""
    return bool(settled.again) and not settled.in_doubt


def _has_begun(settled: Settled) -> bool:
    """Whether one side has had its turn already: done or refused, it is an outcome, and not to be begun for ever."""
    return bool(settled.written) or settled.held is not None


def _keep_after_writes(work: Slice, settled: Settled, action: Change) -> None:
    """The coupling to store: complete, or as before when nothing was done; in between the attempt stays with it."""
    coupling = settled.pair.coupling
    assert coupling is not None
    if settled.landed.keys() == action.writes.keys():
        after = action.coupling
        for side, record in settled.landed.items():
            end = versioned(work.mapping, side, after.at(side), record, work.tables[side])
            after = after.with_end(side, end)
        settled.pair.coupling = stored_as(after, coupling.version)
    elif settled.landed or settled.in_doubt or settled.again:
        pass
    elif settled.is_cut and settled.is_attempted:
        return  # announced, but never sent: it stands as it is stored
    else:
        before = replace(action.before.unsure(), attempt=settled.earlier)  # it may land although this one was refused
        settled.pair.coupling = stored_as(before, coupling.version)
    settled.kept = settled.pair.coupling


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
