"""Creating counterparts so that a crash, a lost answer or a repeated message never makes two.

The intent is stored before the create is sent and removed together with the insertion of the coupling. In Dataverse
the intent carries the new row's id: a repeated create is the same row. Business Central gives its own ids: while the
outcome of a create is in doubt it is not repeated; `recover` looks for what it may have made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.actions import Make
from shared.core.coupling import Coupling, coupling_of
from shared.core.numbers import free_numbers
from shared.core.records import Create, Record, RefusalKind, Refused, WriteResult, Written
from shared.core.remember import base_after_create
from shared.core.retry import IN_DOUBT
from shared.core.sides import Side
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.couplings import Intent

NOT_AT_WORK = (503,)  # the service itself has turned the request away: looking once is enough
_DOUBT = Refused(
    RefusalKind.UNKNOWN,
    "an earlier attempt to create it has not been answered; it is looked for, and created again if it does not appear",
)


@dataclass(frozen=True, slots=True)
class Creation:
    """A record to be created for a pair, as decided, and the intent that stands for it."""

    pair: Pair
    action: Make
    intent: Intent
    in_doubt: bool = False


async def create(work: Slice, side: Side, wanted: Sequence[tuple[Pair, Make]]) -> list[WriteResult]:
    """Create these records on `side` and couple them; one result per wanted record, in order."""
    creations = await _begin(work, side, wanted)
    writes = [Create(one.intent.values, one.intent.target_id) for one in creations if not one.in_doubt]
    answers = iter(
        await work.services.rows(side).write(work.tables[side], writes, work.columns(side)) if writes else ()
    )
    results = [_DOUBT if one.in_doubt else next(answers) for one in creations]
    await _couple(work, creations, results)
    return results


async def _begin(work: Slice, side: Side, wanted: Sequence[tuple[Pair, Make]]) -> list[Creation]:
    """Store what is about to be created. An attempt that was begun before keeps its id and its number."""
    earlier = await work.couplings.intents(side.other, [action.source.id for _, action in wanted])
    numbers = await _numbers(work, side, [action for _, action in wanted if action.source.id not in earlier])
    creations = [_creation(work, side, pair, action, earlier, numbers) for pair, action in wanted]
    fresh = [one.intent for one in creations if not one.in_doubt]
    if fresh:
        await work.couplings.begin(fresh)
    return creations


def _creation(
    work: Slice, side: Side, pair: Pair, action: Make, earlier: dict[str, Intent], numbers: dict[str, str]
) -> Creation:
    now, before = work.services.clock.now(), earlier.get(action.source.id)
    if before is not None and before.target_id is None and now < before.in_doubt_until:
        return Creation(pair, action, before, in_doubt=True)
    number, values = work.tables[side].number, action.values
    given = before.values.get(number) if before and number and work.mapping.number_series else None
    given = given or numbers.get(action.source.id)
    if number is not None and given is not None:
        values = {number: given, **values}
    target_id = before.target_id if before else None
    if side is Side.DATAVERSE:
        target_id = target_id or work.services.ids.new()
    replaces = (action.replaces.business_central.id, action.replaces.dataverse.id) if action.replaces else None
    intent = Intent(side.other, action.source.id, target_id, values, action.base, now, now + IN_DOUBT, replaces)
    return Creation(pair, action, intent)


async def _numbers(work: Slice, side: Side, actions: Sequence[Make]) -> dict[str, str]:
    """Numbers of ours for new BC records of a table without a number series of its own, by source id."""
    table = work.tables[side]
    if work.mapping.number_series is None or table.number is None or not actions or side is Side.DATAVERSE:
        return {}
    existing = await work.services.rows(side).all(table, [table.number])
    free = free_numbers(work.mapping.number_series, (str(record.values.get(table.number)) for record in existing))
    return {action.source.id: next(free) for action in actions}


async def _couple(work: Slice, creations: Sequence[Creation], results: Sequence[WriteResult]) -> None:
    """Couple what was created; forget the intents of what is known not to have been."""
    done, undone, answered = [], [], []
    for creation, result in zip(creations, results, strict=True):
        if isinstance(result, Written):
            creation.pair.coupling = _coupling(work, creation.action, result.record)
            done.append(creation)
        elif creation.intent.target_id is not None or creation.in_doubt:
            continue
        elif result.kind is not RefusalKind.UNKNOWN:
            undone.append(creation.intent)
        elif result.status in NOT_AT_WORK:
            answered.append(replace(creation.intent, in_doubt_until=work.services.clock.now()))
    couplings = [creation.pair.coupling for creation in done if creation.pair.coupling is not None]
    await work.couplings.add(couplings, [creation.intent for creation in done])
    if undone:
        await work.couplings.give_up(undone)
    if answered:
        await work.couplings.begin(answered)


def _coupling(work: Slice, action: Make, created: Record) -> Coupling:
    now = work.services.clock.now()
    ends = base_after_create(work.mapping, action, created, work.tables)
    return replace(coupling_of(ends, now), synchronized_at=now)
