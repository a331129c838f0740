"""Everything for one page of changes: recover, pair, match, decide, write, remember."""

from __future__ import annotations

from shared.core.actions import Hold, Make, Nothing, Seen, Uncouple
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.apply import Settled, carry_out
from shared.services.feeds import is_due
from shared.services.match import couple_matches
from shared.services.observe import Observed, pairs_of
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import forget, keys_of, record_outcomes, versions_of
from shared.services.recover import MAY_BE_OURS, may_be_the_missing_one, recover_creates
from shared.services.repositories.runs import MappingState
from shared.services.repositories.work_items import WorkItem


async def synchronize_page(work: Slice, observed: Observed, reached: MappingState) -> None:
    """Bring the observed records in step; `reached` learns how many couplings there are then."""
    doubt = await recover_creates(work)
    left_alone: list[Settled] = []
    active: list[Pair] = []
    for pair in await pairs_of(work, observed):
        if may_be_the_missing_one(pair, doubt):
            left_alone.append(_held_as(pair, Reason.SERVICE_BUSY, MAY_BE_OURS))
        elif (item := await _rests(work, pair)) is not None:
            left_alone.append(_left_resting(pair, item))
        else:
            active.append(pair)
    pairs, several = await couple_matches(work, active)
    undecided = [pair for pair in pairs if _several(pair, several)]
    settled = await carry_out(work, [pair for pair in pairs if not _several(pair, several)])
    settled += [_held_by_several(pair, several) for pair in undecided]
    settled += left_alone
    await record_outcomes(work, settled)
    known = {one.pair.id_at(side) for one in settled for side in Side}
    await forget(work, (f"{side}|{one}" for side in Side for one in observed.deleted[side] if one not in known))
    gained = sum(1 for one in settled if one.outcome and (_is_new(one) or one.outcome.coupled))
    lost = sum(1 for one in settled if isinstance(one.action, Uncouple) and one.outcome and not one.outcome.held)
    reached.coupled = max(0, reached.coupled + gained - lost)
    if gained:
        reached.last_coupled_at = work.services.clock.now()


async def _rests(work: Slice, pair: Pair) -> WorkItem | None:
    """The open item of a pair that failed, has not changed since, and is not due: it is not tried again now."""
    item = next((work.items[key] for key in keys_of(pair) if key in work.items), None)
    if item is None or not item.is_error or await is_due(work, item):
        return None
    seen = versions_of(pair)
    if any(view.seen is Seen.GONE for view in pair.views.values()) and item.reason is not Reason.DELETION_CONFLICT:
        return None
    return item if all(item.versions.get(side) == etag for side, etag in seen.items()) else None


def _left_resting(pair: Pair, item: WorkItem) -> Settled:
    one = Settled(pair)
    one.action = Nothing(Reason.SKIPPED if item.skipped else Reason.NOT_DUE)
    one.finish()
    return one


def _is_new(one: Settled) -> bool:
    """Whether the pair was not coupled before: a restored record only takes its deleted predecessor's place."""
    restored = isinstance(one.action, Make) and one.action.replaces is not None
    return one.outcome is not None and one.outcome.created is not None and not restored


def _several(pair: Pair, several: dict[str, list[str]]) -> list[str]:
    if pair.coupling is not None:
        return []
    return next((several[one] for side in Side if (one := pair.id_at(side)) in several), [])


def _held_by_several(pair: Pair, several: dict[str, list[str]]) -> Settled:
    source = next(side for side in Side if pair.present(side))
    ids = ", ".join(_several(pair, several)[:5])
    message = f"{Reason.SEVERAL_MATCHES.sentence} Candidates in {source.other.product}: {ids}."
    return _held_as(pair, Reason.SEVERAL_MATCHES, message)


def _held_as(pair: Pair, reason: Reason, message: str) -> Settled:
    one = Settled(pair)
    one.action = Hold(reason, message, next(side for side in Side if pair.present(side)))
    one.finish(held=one.action)
    return one
