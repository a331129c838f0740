"""From what the feeds brought to pairs: whom each record belongs to, and what must be read besides."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from shared.core.actions import ABSENT, GONE, UNREAD, Seen, View
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.filters import parse_filter
from shared.core.records import ChangePage, Record
from shared.core.remember import is_remembered
from shared.core.sides import Side
from shared.services.pass_context import Pair, Slice


@dataclass(slots=True)
class Observed:
    """What is known to have moved: records by side and id, and the ids of deleted ones.

    `from_feed` are those that a feed told; the others were read from the primary.
    """

    records: dict[Side, dict[str, Record]] = field(default_factory=lambda: {side: {} for side in Side})
    deleted: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})
    from_feed: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})

    def ids(self, side: Side) -> set[str]:
        """Every id of `side` that moved."""
        return self.records[side].keys() | self.deleted[side]

    def take(self, side: Side, page: ChangePage) -> None:
        """Add a page of a feed; of a record that moved twice the later news holds."""
        self.deleted[side] -= {record.id for record in page.records}
        self.records[side] |= {record.id: record for record in page.records}
        self.from_feed[side] |= {record.id for record in page.records}
        for record_id in page.deleted:
            self.records[side].pop(record_id, None)
            self.deleted[side].add(record_id)

    def without(self, pairs: Iterable[Pair]) -> Observed:
        """What is left when the records of these coupled pairs are taken out."""
        couplings = [pair.coupling for pair in pairs if pair.coupling is not None]
        taken = {side: {coupling.at(side).id for coupling in couplings} for side in Side}
        left = {
            side: {one: record for one, record in self.records[side].items() if one not in taken[side]} for side in Side
        }
        return replace(self, records=left)


async def couplings_of(work: Slice, observed: Observed) -> list[Coupling]:
    """The couplings of what moved."""
    return await work.couplings.concerning({side: observed.ids(side) for side in Side})


async def tell_couplings_of(work: Slice, observed: Observed, take: Callable[[list[Coupling]], Awaitable[None]]) -> None:
    """The same, some at a time as they are found."""
    await work.couplings.tell({side: observed.ids(side) for side in Side}, take)


async def pairs_of(work: Slice, observed: Observed, couplings: Sequence[Coupling]) -> list[Pair]:
    """The pairs that the observations concern; coupled pairs once, uncoupled records each as a pair of its own."""
    pairs = [
        Pair({side: _view(work, side, coupling.at(side), observed) for side in Side}, coupling)
        for coupling in couplings
    ]
    await _read_what_is_missing(work, observed, pairs)
    coupled = {side: {coupling.at(side).id for coupling in couplings} for side in Side}
    for side in Side:
        for record_id, record in observed.records[side].items():
            if record_id not in coupled[side] and (side, record_id) not in work.gone:
                pairs.append(Pair({side: view_of(work, side, record), side.other: ABSENT}))
    return pairs


def plain_pair(work: Slice, observed: Observed, coupling: Coupling) -> Pair | None:
    """The pair of a coupling of which nothing else must be known; None when it has to wait for the rest of its page.

    Those wait of which something must be read, which are read in bulk, and those that may take something away: the
    damage that a page does is weighed before any of it is done.
    """
    if coupling.attempt is not None or _has_item(work, coupling):
        return None
    views = {side: _view(work, side, coupling.at(side), observed) for side in Side}
    pair = Pair(views, coupling)
    if work.keeps_out(pair) or work.asserts(pair):
        return None
    return pair if all(_is_plain(work, side, views[side], coupling.at(side), observed) for side in Side) else None


def _is_plain(work: Slice, side: Side, view: View, end: CoupledRecord, observed: Observed) -> bool:
    if view.record is None:
        is_unread = view.seen is Seen.UNREAD and not end.outside and end.id not in observed.records[side]
        return is_unread and is_remembered(work.mapping, side, end, work.tables[side])
    blank = [name for name, value in view.record.values.items() if value is None]
    return view.in_filter and (end.base is None or all(end.base.get(name) is None for name in blank))


def view_of(work: Slice, side: Side, record: Record) -> View:
    """A record that was read, judged by the mapping's filter."""
    passes = parse_filter(work.mapping.table(side).filter).passes
    return View(Seen.PRESENT, record, passes(record.values))


def is_no_news(work: Slice, pair: Pair) -> bool:
    """Whether a pair is told again just as its coupling remembers it: the echo of a write, or a feed's overlap."""
    coupling = pair.coupling
    if coupling is None or coupling.attempt is not None or pair.coupled_now or _has_item(work, coupling):
        return False
    return all(_is_as_remembered(work, side, pair.views[side], coupling.at(side)) for side in Side)


def _is_as_remembered(work: Slice, side: Side, view: View, end: CoupledRecord) -> bool:
    if view.record is not None:
        if view.record.etag is None or view.record.etag != end.etag or view.in_filter is end.outside:
            return False
    elif view.seen is not Seen.UNREAD:
        return False
    return is_remembered(work.mapping, side, end, work.tables[side])


def _has_item(work: Slice, coupling: Coupling) -> bool:
    return any(f"{side}|{coupling.at(side).id}" in work.items for side in Side)


async def read_views(work: Slice, side: Side, ids: Iterable[str]) -> dict[str, View]:
    """These records as they are now; one that is not there is gone."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    found = await work.services.rows(side).read(work.tables[side], work.columns(side), wanted)
    work.gone |= {(side, one) for one in wanted if one not in found}
    return {one: view_of(work, side, found[one]) if one in found else GONE for one in wanted}


def _view(work: Slice, side: Side, end: CoupledRecord, observed: Observed) -> View:
    """One side of a coupled pair as the feed shows it; what a lagging replica remembers is no news.

    Where no version is known to hold the base, there is nothing to tell the replica's lag by.
    """
    if end.id in observed.deleted[side]:
        return GONE
    record = observed.records[side].get(end.id)
    if record is None or end.is_newer_than(record):
        return UNREAD
    if side is Side.BUSINESS_CENTRAL and end.etag is None and end.id in observed.from_feed[side]:
        return UNREAD
    return view_of(work, side, record)


def _is_doubtful(observed: Observed, pair: Pair, side: Side) -> bool:
    """Whether a feed has told a record that is not believed: a replica lags, or the service's clock has gone back."""
    return pair.views[side].seen is Seen.UNREAD and pair.id_at(side) in observed.records[side]


async def _read_what_is_missing(work: Slice, observed: Observed, pairs: list[Pair]) -> None:
    """Read the other side where the coupling does not remember enough, or where a deletion asks for it.

    Of what is doubtful the primary is asked, too: an edit may have been made while the service's clock was behind.
    """
    for side in Side:
        unread = [pair for pair in pairs if pair.views[side].seen is Seen.UNREAD]
        concerned = [one for one in unread if _is_doubtful(observed, one, side) or _must_read(work, one, side)]
        views = await read_views(work, side, [pair.coupling.at(side).id for pair in concerned if pair.coupling])
        for pair in concerned:
            assert pair.coupling is not None
            pair.views[side] = views[pair.coupling.at(side).id]


def _must_read(work: Slice, pair: Pair, side: Side) -> bool:
    assert pair.coupling is not None
    if work.asserts(pair) or pair.views[side.other].seen is Seen.GONE:
        return True
    if _has_item(work, pair.coupling):
        return True  # what is not in step is judged with both records at hand: one may be gone since long
    return not is_remembered(work.mapping, side, pair.coupling.at(side), work.tables[side])
