"""Creating counterparts so that a crash, a lost answer or a repeated message never makes two.

The intent is stored before the create is sent. In Dataverse the intent carries the new row's id: a repeated create is
the same row. Business Central gives its own ids: after an unknown outcome the next attempt looks for a record with
exactly the values that were sent, before it creates again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.coupling import Coupling, coupling_of
from shared.core.numbers import free_numbers
from shared.core.plan import Make, base_after_create
from shared.core.records import Create, Record, RefusalKind, Refused, WriteResult, Written
from shared.core.sides import Side
from shared.core.values import same
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.couplings import Intent


@dataclass(frozen=True, slots=True)
class Creation:
    """A record to be created for a pair, as decided, and the intent that stands for it."""

    pair: Pair
    action: Make
    intent: Intent


async def create(work: Slice, side: Side, wanted: Sequence[tuple[Pair, Make]]) -> list[WriteResult]:
    """Create these records on `side` and couple them; one result per wanted record, in order."""
    creations = await _begin(work, side, wanted)
    results = await _adopt_earlier_attempts(work, side, creations)
    open_ones = [index for index, result in enumerate(results) if result is None]
    writes = [Create(creations[index].intent.values, creations[index].intent.target_id) for index in open_ones]
    if writes:
        answers = await work.services.rows(side).write(work.tables[side], writes, work.columns(side))
        for index, answer in zip(open_ones, answers, strict=True):
            results[index] = answer
    settled = [result for result in results if result is not None]
    await _couple(work, creations, settled)
    return settled


async def _begin(work: Slice, side: Side, wanted: Sequence[tuple[Pair, Make]]) -> list[Creation]:
    """Store what is about to be created. An attempt that was begun before keeps its id and its number."""
    source = side.other
    earlier = await work.couplings.intents(source, [action.source.id for _, action in wanted])
    numbers = await _numbers(work, side, [action for _, action in wanted if action.source.id not in earlier])
    creations = []
    for pair, action in wanted:
        intent = earlier.get(action.source.id) or _intent(work, side, action, numbers)
        if side is Side.DATAVERSE:
            # The id stays, the values are today's: an earlier attempt may lie days back.
            intent = Intent(source, action.source.id, intent.target_id, action.values, intent.begun_at)
        creations.append(Creation(pair, action, intent))
    fresh = [creation.intent for creation in creations if creation.action.source.id not in earlier]
    if fresh:
        await work.couplings.begin(fresh)
    return creations


def _intent(work: Slice, side: Side, action: Make, numbers: dict[str, str]) -> Intent:
    values = action.values
    number = work.tables[side].number
    if action.source.id in numbers and number is not None:
        values = {number: numbers[action.source.id], **values}
    target_id = work.services.ids.new() if side is Side.DATAVERSE else None
    return Intent(side.other, action.source.id, target_id, values, work.services.clock.now())


async def _numbers(work: Slice, side: Side, actions: Sequence[Make]) -> dict[str, str]:
    """Numbers of ours for new BC records of a table without a number series of its own, by source id."""
    table = work.tables[side]
    if work.mapping.number_series is None or table.number is None or not actions or side is Side.DATAVERSE:
        return {}
    existing = await work.services.rows(side).all(table, [table.number])
    free = free_numbers(work.mapping.number_series, (str(record.values.get(table.number)) for record in existing))
    return {action.source.id: next(free) for action in actions}


async def _adopt_earlier_attempts(work: Slice, side: Side, creations: Sequence[Creation]) -> list[WriteResult | None]:
    """Business Central only: what an earlier attempt with an unknown outcome has created after all."""
    now = work.services.clock.now()
    table = work.tables[side]
    repeated = [c for c in creations if c.intent.target_id is None and c.intent.begun_at < now]
    found: dict[str, WriteResult] = {}
    if repeated and table.title is not None:
        titles = sorted({str(c.intent.values[table.title]) for c in repeated if table.title in c.intent.values})
        rows = await work.services.rows(side).find(table, _columns_sent(work, side, repeated), table.title, titles)
        coupled = await work.couplings.find(side, [row.id for row in rows])
        free = [row for row in rows if row.id not in coupled]
        for creation in repeated:
            twins = [row for row in free if _is_the_same(work, side, creation.intent, row)]
            if twins:
                free.remove(twins[0])
                found[creation.intent.source_id] = Written(twins[0])
    return [found.get(creation.intent.source_id) for creation in creations]


def _columns_sent(work: Slice, side: Side, creations: Sequence[Creation]) -> list[str]:
    sent = {name for creation in creations for name in creation.intent.values}
    return [column.name for column in work.tables[side].columns if column.name in sent | set(work.columns(side))]


def _is_the_same(work: Slice, side: Side, intent: Intent, row: Record) -> bool:
    """Whether a row holds all that was sent; it was created a moment ago, so nobody has edited it yet."""
    table = work.tables[side]
    if row.modified_at is not None and row.modified_at < intent.begun_at.replace(microsecond=0):
        return False
    return all(same(table.column(name), row.values.get(name), value) for name, value in intent.values.items())


async def _couple(work: Slice, creations: Sequence[Creation], results: Sequence[WriteResult]) -> None:
    """Couple what was created; forget the intents of what is known not to have been."""
    done, undone = [], []
    for creation, result in zip(creations, results, strict=True):
        if isinstance(result, Written):
            creation.pair.coupling = _coupling(work, creation.action, result.record)
            done.append(creation)
        elif _surely_undone(result):
            undone.append(creation.intent)
    broken = [creation.action.replaces for creation in done if creation.action.replaces is not None]
    if broken:
        await work.couplings.remove(broken)
    couplings = [creation.pair.coupling for creation in done if creation.pair.coupling is not None]
    await work.couplings.add(couplings, [creation.intent for creation in done])
    if undone:
        await work.couplings.give_up(undone)


def _coupling(work: Slice, action: Make, created: Record) -> Coupling:
    now = work.services.clock.now()
    ends = base_after_create(work.mapping, action, created, work.tables)
    return replace(coupling_of(ends, now), synchronized_at=now)


def _surely_undone(result: Refused) -> bool:
    return result.kind not in (RefusalKind.UNKNOWN, RefusalKind.PASSING)
