"""From a page of changes to chunks of pairs: pair and match; then each chunk is decided, written and remembered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import batched

from shared.core.actions import Hold, Make, Nothing, Seen, Uncouple
from shared.core.coupling import Coupling
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.apply import carry_out
from shared.services.feeds import Page, is_due
from shared.services.match import couple_matches
from shared.services.observe import is_no_news, pairs_of, plain_pair
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import forget, keys_of, record_outcomes, versions_of
from shared.services.recover import MAY_BE_OURS, may_be_the_missing_one
from shared.services.repositories.work_items import WorkItem
from shared.services.settled import Settled
from shared.services.turns import CHUNK, CHUNK_OF_NEW


@dataclass(slots=True)
class Paired:
    """A page as pairs: those to be decided, and those that are left alone, each with its outcome."""

    pairs: list[Pair] = field(default_factory=list)
    left_alone: list[Settled] = field(default_factory=list)

    @property
    def all(self) -> list[Pair]:
        """Every pair of the page."""
        return [*self.pairs, *(one.pair for one in self.left_alone)]


def begin_page(work: Slice, page: Page, couplings: Iterable[Coupling]) -> tuple[Paired, list[Coupling]]:
    """Of these couplings, the pairs of which nothing else must be known, and the couplings of the others."""
    paired, waiting = Paired(), list[Coupling]()
    for coupling in couplings:
        pair = plain_pair(work, page.observed, coupling)
        if pair is None:
            waiting.append(coupling)
        elif is_no_news(work, pair):
            paired.left_alone.append(_left_as_it_is(pair))
        else:
            paired.pairs.append(pair)
    return paired, waiting


async def pair_page(
    work: Slice, page: Page, couplings: Sequence[Coupling], doubt: datetime | None, begun: Sequence[Pair] = ()
) -> Paired:
    """The pairs that a page concerns but for those `begun`, new records matched with free ones of the other side.

    Since `doubt` Business Central may have made a record for us that was not found yet.
    """
    paired = Paired()
    observed = page.observed.without(begun) if begun else page.observed
    active: list[Pair] = []
    for pair in await pairs_of(work, observed, couplings):
        if work.keeps_out(pair):
            paired.left_alone.append(_left_out(pair))
        elif may_be_the_missing_one(pair, doubt):
            paired.left_alone.append(_held_as(pair, Reason.SERVICE_BUSY, MAY_BE_OURS))
        elif is_no_news(work, pair):
            paired.left_alone.append(_left_as_it_is(pair))
        elif (item := await _rests(work, pair)) is not None:
            paired.left_alone.append(_left_resting(pair, item))
        else:
            active.append(pair)
    pairs, several = await couple_matches(work, active)
    for pair in pairs:
        if pair.agrees_with_held:
            paired.left_alone.append(_held_as(pair, Reason.WAITS_FOR_RELEASE, Reason.WAITS_FOR_RELEASE.sentence))
        elif sentence := _several(pair, several):
            paired.left_alone.append(_held_as(pair, Reason.SEVERAL_MATCHES, sentence))
        else:
            paired.pairs.append(pair)
    return paired


def chunks_of(pairs: Sequence[Pair]) -> list[tuple[Pair, ...]]:
    """The pairs to be decided, in chunks; coupled ones apart from new ones."""
    coupled = [pair for pair in pairs if pair.coupling is not None]
    new = [pair for pair in pairs if pair.coupling is None]
    return [*batched(coupled, CHUNK, strict=False), *batched(new, CHUNK_OF_NEW, strict=False)]


async def synchronize_chunk(work: Slice, page: Page, pairs: Sequence[Pair]) -> bool:
    """Bring these pairs in step and count them; whether all of them had their turn."""
    settled = await carry_out(work, pairs)
    await count_in(work, page, [one for one in settled if one.outcome is not None])
    return not any(one.is_cut for one in settled)


async def count_in(work: Slice, page: Page, settled: Sequence[Settled]) -> None:
    """Write down the outcomes, and how many couplings there are now."""
    await record_outcomes(work, page, settled)
    gained = sum(1 for one in settled if one.outcome and (_is_new(one) or one.outcome.coupled))
    lost = sum(1 for one in settled if isinstance(one.action, Uncouple) and one.outcome and not one.outcome.held)
    work.state.coupled = max(0, work.state.coupled + gained - lost)
    if gained:
        work.state.last_coupled_at = work.now


async def forget_the_gone(work: Slice, page: Page, paired: Paired) -> None:
    """Drop the work items of deleted records that were never coupled."""
    known = {pair.id_at(side) for pair in paired.all for side in Side}
    deleted = page.observed.deleted
    await forget(work, (f"{side}|{one}" for side in Side for one in deleted[side] if one not in known))


async def _rests(work: Slice, pair: Pair) -> WorkItem | None:
    """The open item of a pair that failed, has not changed since, and is not due: it is not tried again now."""
    item = next((work.items[key] for key in keys_of(pair) if key in work.items), None)
    if item is None or not item.is_error or await is_due(work, item):
        return None
    seen = versions_of(pair)
    if any(view.seen is Seen.GONE for view in pair.views.values()) and item.reason is not Reason.DELETION_CONFLICT:
        return None
    return item if all(item.versions.get(side) == etag for side, etag in seen.items()) else None


def _left_as_it_is(pair: Pair) -> Settled:
    one = Settled(pair, Nothing(Reason.IN_STEP))
    one.finish()
    return one


def _left_out(pair: Pair) -> Settled:
    one = Settled(pair, Nothing(Reason.HELD))
    one.finish()
    return one


def _left_resting(pair: Pair, item: WorkItem) -> Settled:
    one = Settled(pair, Nothing(Reason.SKIPPED if item.skipped else Reason.NOT_DUE))
    one.finish()
    return one


def _is_new(one: Settled) -> bool:
    """Whether the pair was not coupled before: a restored record only takes its deleted predecessor's place."""
    restored = isinstance(one.action, Make) and one.action.replaces is not None
    return one.outcome is not None and one.outcome.created is not None and not restored


def _several(pair: Pair, several: Mapping[str, str]) -> str:
    if pair.coupling is not None:
        return ""
    return next((several[one] for side in Side if (one := pair.id_at(side) or "") in several), "")


def _held_as(pair: Pair, reason: Reason, message: str) -> Settled:
    held = Hold(reason, message, next(side for side in Side if pair.present(side)))
    one = Settled(pair, held)
    one.finish(held=held)
    return one
