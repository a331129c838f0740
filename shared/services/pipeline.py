"""The pages of a slice on their way: while one is written, the next is read and planned.

Two pages are under way at most, so memory stays flat. A checkpoint moves in the order of the pages, and past a page
only when each of its records has its outcome. A page that touches what the page before is still writing waits for it
and is paired anew then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Set

from shared.core.actions import Seen
from shared.core.coupling import Coupling
from shared.core.failures import SyncFailure
from shared.core.sides import Side
from shared.services.candidates import is_read
from shared.services.feeds import Page, advance, progress_of, read_page
from shared.services.match import matches_new_records
from shared.services.observe import couplings_of
from shared.services.page import Paired, count_in, forget_the_gone, pair_page, synchronize_chunk
from shared.services.pass_context import Pair, Slice
from shared.services.pausing import is_paused
from shared.services.recover import recover_creates
from shared.services.run_record import follow_run


class PageUnderWay:
    """A page whose chunks are being written."""

    def __init__(self, work: Slice, paired: Paired) -> None:
        self._work = work
        self._paired = paired
        pairs = [*paired.pairs, *(one.pair for one in paired.left_alone)]
        self._coupled = {pair.coupling.business_central.id for pair in pairs if pair.coupling is not None}
        self._uncoupled = {one for pair in pairs if pair.coupling is None for side in Side if (one := pair.id_at(side))}
        self._creates_on = {side for pair in paired.pairs for side in _may_create_on(pair)}
        self.chunks = [asyncio.ensure_future(self._chunk(chunk)) for chunk in paired.chunks]

    def touches(self, page: Page, couplings: Sequence[Coupling], making: Set[Side]) -> bool:
        """Whether a page has pairs that are being written, or new records that this one may have made or may match.

        `making` are the sides on which records were being created when the couplings were read.
        """
        if any(coupling.business_central.id in self._coupled for coupling in couplings):
            return True
        creates_on = self._creates_on | making
        for side in Side:
            new = page.observed.records[side].keys() - {coupling.at(side).id for coupling in couplings}
            matches = matches_new_records(self._work) and not is_read(self._work, side.other)
            if not new.isdisjoint(self._uncoupled):
                return True
            if new and (side in creates_on or (matches and side.other in creates_on)):
                return True
        return False

    async def finished(self) -> None:
        """Wait for all chunks, however they end."""
        await asyncio.gather(*self.chunks, return_exceptions=True)

    async def close(self, *, is_last: bool) -> bool:
        """Wait for all chunks and store the checkpoint; whether every pair had its turn.

        The checkpoint of the last page is stored with the end of the run.
        """
        outcomes = await asyncio.gather(*self.chunks, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome
        work, page = self._work, self._paired.page
        is_done = work.turns.failure is None and all(outcomes)
        if is_done:
            await count_in(work, page, self._paired.left_alone)
            await forget_the_gone(work, self._paired)
            for side, number in page.unchanged.items():
                if side in work.run.counters:
                    work.run.counters[side].unchanged += number
            advance(work, page.progress)
            work.state.milestones = work.couplings.milestones
            work.run.pages += 1
        if not (is_done and is_last):
            await work.ledger.write()
            await follow_run(work.services, work.run)
        return is_done

    async def _chunk(self, pairs: Sequence[Pair]) -> bool:
        async with self._work.turns.chunks:
            if not self._work.turns.may_begin:
                return False
            try:
                return await synchronize_chunk(self._work, self._paired.page, pairs)
            except SyncFailure as failure:
                self._work.turns.stop(failure)
                return False


async def work_off(work: Slice) -> bool:
    """Page after page until both feeds are read (True) or the slice's time is up (False).

    Raises what failed for the whole slice: Passing, NeedsPerson, OvertakenError; StateConflict.
    """
    under_way: list[PageUnderWay] = []
    reading = asyncio.ensure_future(read_page(work, progress_of(work)))
    try:
        while True:
            page = await reading
            under_way.append(PageUnderWay(work, await _pair(work, page, under_way)))
            is_last = page.progress.is_complete or work.turns.is_over or is_paused(work.services, work.state)
            if not is_last:
                reading = asyncio.ensure_future(read_page(work, page.progress))
            while under_way and (is_last or len(under_way) > 1):
                closing = under_way.pop(0)
                if not await closing.close(is_last=page.progress.is_complete and not under_way):
                    return _raise_failure(work)
            if is_last:
                return page.progress.is_complete
    finally:
        reading.cancel()
        chunks = [chunk for page in under_way for chunk in page.chunks]
        await asyncio.gather(reading, *chunks, return_exceptions=True)


def _raise_failure(work: Slice) -> bool:
    if work.turns.failure is not None:
        raise work.turns.failure
    return False


async def _pair(work: Slice, page: Page, under_way: Sequence[PageUnderWay]) -> Paired:
    """The pairs of a page; it waits for those under way where it touches them, or where a create is in doubt."""
    if work.intents:
        await _all_finished(work, under_way)
    doubt = await recover_creates(work)
    making = set(+work.making)
    couplings = await couplings_of(work, page.observed)
    if any(one.touches(page, couplings, making | set(+work.making)) for one in under_way):
        await _all_finished(work, under_way)
        doubt = await recover_creates(work)
        couplings = await couplings_of(work, page.observed)
    return await pair_page(work, page, couplings, doubt)


async def _all_finished(work: Slice, under_way: Iterable[PageUnderWay]) -> None:
    """Raises what has failed there: what a failed chunk leaves is the next slice's, which reads the journal first."""
    for one in under_way:
        await one.finished()
    _raise_failure(work)


def _may_create_on(pair: Pair) -> list[Side]:
    """Where carrying out this pair may create a record: beside a new one, or in a deleted one's place."""
    if pair.coupling is None:
        return [side.other for side in Side if pair.present(side)]
    return [side for side in Side if pair.views[side].seen is Seen.GONE]
