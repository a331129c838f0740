"""Carrying out what a person has chosen for certain pairs, and counting it in the task's jobs."""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.jobs import Counters
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.apply import carry_out
from shared.services.feeds import Page, progress_of
from shared.services.observe import Observed
from shared.services.page import count_in
from shared.services.pass_context import Choose, Pair, Slice
from shared.services.settled import Settled

TRIED_AGAIN = (Reason.SERVICE_BUSY, Reason.CHANGED_MEANWHILE)
"""What the other side did not do just now: the task itself tries it again."""


async def carry(work: Slice, pairs: Sequence[Pair], mapping: Mapping, choose: Choose) -> list[Settled]:
    """Bring these pairs in step as `choose` says, under `mapping`, which may be the mapping in one direction only.

    Answers those that are still open: the turn of one of their sides did not come (`is_cut`), or a busy service has
    refused them. The others are counted. Raises StateConflict, OvertakenError.
    """
    own = work.mapping
    pairs = _without_held(work, pairs)
    work.mapping, work.choose = mapping, choose
    try:
        settled = await carry_out(work, pairs)
        still = [one for one in settled if one.outcome is None or _is_busy(one) or _is_half_done(one)]
        page = Page(Observed(), progress_of(work))
        await count_in(work, page, [one for one in settled if one not in still])
        _count_written(work, still)
        for side, number in page.unchanged.items():
            if side in work.run.counters:
                work.run.counters[side].unchanged += number
        return still
    finally:
        work.mapping, work.choose = own, None


def _without_held(work: Slice, pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs that nobody keeps out of synchronization; the others are counted as skipped."""
    kept = [pair for pair in pairs if not work.keeps_out(pair)]
    if skipped := len(pairs) - len(kept):
        source = next(iter(work.run.jobs))
        work.run.counters[source].skipped += skipped
        messages = work.run.messages[source]
        messages[Reason.HELD.sentence] = messages.get(Reason.HELD.sentence, 0) + skipped
    return kept


def parted(still: Sequence[Settled]) -> tuple[list[Settled], list[Settled]]:
    """What is still open, parted into what goes on at once and what has to wait for a busy service."""
    return [one for one in still if not _is_busy(one)], [one for one in still if _is_busy(one)]


def why(still: Sequence[Settled]) -> str:
    """A sentence about what has to be tried again."""
    held = next((one.outcome.held for one in still if one.outcome and one.outcome.held), None)
    return held.message if held is not None else Reason.SERVICE_BUSY.sentence


def _count_written(work: Slice, still: Sequence[Settled]) -> None:
    """Of a pair that is still open one side may have been written already: nobody else counts that."""
    for side in (side for one in still for side in one.written):
        if side.other in work.run.counters:
            work.run.counters[side.other].add(Counters(modified=1))


def _is_busy(one: Settled) -> bool:
    held = one.outcome.held if one.outcome is not None else None
    return held is not None and held.reason in TRIED_AGAIN


def _is_half_done(one: Settled) -> bool:
    """Whether time was up between its two sides: nothing but this task knows what was chosen for the other one."""
    return one.is_cut and one.outcome is not None and one.outcome.held is None


def id_of(one: Settled, side: Side) -> str:
    """The record's id on `side`, where it is known."""
    return one.pair.id_at(side) or ""
