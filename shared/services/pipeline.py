"""The pages of a slice on their way: while one is written, the next is read and planned.

Two pages are under way at most, so memory stays flat. A checkpoint moves in the order of the pages, and past a page
only when each of its records has its outcome. A page that touches what the page before is still writing waits for it
and is paired anew then.

When nothing is under way, writing begins while the couplings of the page are still being looked up: pairs of which
nothing else must be known go first. Those that may take something away wait until the whole page is paired, so that
the guard weighs them together; and new records that are matched wait for the others to be written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence, Set
from datetime import datetime
from functools import cached_property

from shared.core.actions import Seen
from shared.core.coupling import Coupling
from shared.core.failures import SyncFailure
from shared.core.sides import Side
from shared.services.candidates import is_read
from shared.services.feeds import Page, advance, progress_of, read_page
from shared.services.match import matches_new_records
from shared.services.observe import couplings_of, tell_couplings_of
from shared.services.page import Paired, begin_page, chunks_of, count_in, forget_the_gone, pair_page, synchronize_chunk
from shared.services.pass_context import Pair, Slice
from shared.services.pausing import is_paused
from shared.services.recover import recover_creates
from shared.services.resolve import ask_ahead
from shared.services.run_record import follow_run
from shared.services.turns import CHUNK


class PageUnderWay:
    """A page whose chunks are being written."""

    def __init__(self, work: Slice, page: Page) -> None:
        self._work = work
        self.page = page
        self._paired = Paired()
        self.chunks: list[asyncio.Future[bool]] = []

    async def begin(self) -> list[Coupling]:
        """Begin with what can be decided while the couplings are being looked up; answers those that are left."""
        ready: list[Pair] = []
        waiting: list[Coupling] = []

        async def take(couplings: Sequence[Coupling]) -> None:
            async with self._work.turns.pairing():
                paired, left = begin_page(self._work, self.page, couplings)
            waiting.extend(left)
            self._paired.left_alone += paired.left_alone
            ready.extend(paired.pairs)
            while len(ready) >= CHUNK:
                self._begin(ready[:CHUNK])
                del ready[:CHUNK]

        asked = asyncio.ensure_future(ask_ahead(self._work, self.page.observed))
        try:
            await tell_couplings_of(self._work, self.page.observed, take)
            await asked
        finally:
            asked.cancel()
        return [*waiting, *(pair.coupling for pair in ready if pair.coupling is not None)]

    def has_new_records(self, couplings: Sequence[Coupling]) -> bool:
        """Whether the page has records of neither these couplings nor what has begun."""
        left = self.page.observed.without(self._paired.all)
        return any(left.records[side].keys() - {one.at(side).id for one in couplings} for side in Side)

    async def pair(self, couplings: Sequence[Coupling], doubt: datetime | None) -> None:
        """Pair what has not begun yet (these are all its couplings), and begin with it."""
        paired = await pair_page(self._work, self.page, couplings, doubt, self._paired.all)
        self._paired.left_alone += paired.left_alone
        for chunk in chunks_of(paired.pairs):
            self._begin(chunk)

    def _begin(self, pairs: Sequence[Pair]) -> None:
        self._paired.pairs += pairs
        self.chunks.append(asyncio.ensure_future(self._chunk(pairs)))

    @cached_property
    def _written(self) -> tuple[set[str], set[str], set[Side]]:
        """Once all is paired: the BC ids of coupled pairs, the ids of uncoupled ones, where records may be created."""
        pairs = self._paired.all
        return (
            {pair.coupling.business_central.id for pair in pairs if pair.coupling is not None},
            {one for pair in pairs if pair.coupling is None for side in Side if (one := pair.id_at(side))},
            {side for pair in self._paired.pairs for side in _may_create_on(pair)},
        )

    def touches(self, page: Page, couplings: Sequence[Coupling], making: Set[Side]) -> bool:
        """Whether a page has pairs that are being written, or new records that this one may have made or may match.

        `making` are the sides on which records were being created when the couplings were read.
        """
        coupled, uncoupled, creates_on = self._written
        if any(coupling.business_central.id in coupled for coupling in couplings):
            return True
        creates_on = creates_on | making
        for side in Side:
            new = page.observed.records[side].keys() - {coupling.at(side).id for coupling in couplings}
            matches = matches_new_records(self._work) and not is_read(self._work, side.other)
            if not new.isdisjoint(uncoupled):
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
        work, page = self._work, self.page
        is_done = work.turns.failure is None and all(outcomes)
        if is_done:
            await count_in(work, page, self._paired.left_alone)
            await forget_the_gone(work, page, self._paired)
            for side, number in page.unchanged.items():
                if side in work.run.counters:
                    work.run.counters[side].unchanged += number
            advance(work, page.progress)
            work.state.milestones = work.couplings.milestones
            work.run.pages += 1
        if not (is_done and is_last):
            await work.ledger.write()
            await follow_run(work.services, work.run, work.ledger.jobs)
        return is_done

    async def _chunk(self, pairs: Sequence[Pair]) -> bool:
        async with self._work.turns.chunks:
            if not self._work.turns.may_begin:
                return False
            try:
                return await synchronize_chunk(self._work, self.page, pairs)
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
            under_way.append(PageUnderWay(work, page))
            await _pair(work, under_way[-1], under_way[:-1])
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


async def _pair(work: Slice, one: PageUnderWay, before: Sequence[PageUnderWay]) -> None:
    """Pair a page; it waits for those before it where it touches them, or where a create is in doubt."""
    if work.intents:
        await _all_finished(work, before)
    doubt, page = await recover_creates(work), one.page
    if not before and not work.intents:
        couplings = await one.begin()
        if one.chunks and matches_new_records(work) and one.has_new_records(couplings):
            await _all_finished(work, [one])
            doubt = await recover_creates(work)
    else:
        making = set(+work.making)
        couplings = await couplings_of(work, page.observed)
        if any(other.touches(page, couplings, making | set(+work.making)) for other in before):
            await _all_finished(work, before)
            doubt = await recover_creates(work)
            couplings = await couplings_of(work, page.observed)
    await one.pair(couplings, doubt)


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
