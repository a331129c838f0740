"""Creates that were begun and never heard of again: a crash, a lost answer, a killed host.

Before anything is planned, each is looked for on its target side. What is found is coupled, so that it does not look
like somebody's new record; what is not found will be created again by its own intent (Dataverse: under the same id;
Business Central: once the service cannot be working on it any more).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta

from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.plan import described
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.values import same
from shared.services.pass_context import Slice
from shared.services.repositories.couplings import Intent

CLOCK_DIFFERENCE = timedelta(minutes=5)  # between this machine and the service


async def recover_creates(work: Slice) -> int:
    """Couple what unfinished creates have made; how many were found."""
    intents = await work.couplings.open_intents()
    if not intents:
        return 0
    found: list[tuple[Intent, Record]] = []
    for side in Side:
        mine = [intent for intent in intents if intent.source is side.other]
        if mine:
            find = _find_by_id if side is Side.DATAVERSE else _find_by_content
            found += await find(work, side, mine)
    sources = await _sources(work, [intent for intent, _ in found])
    couplings = [_coupling(work, intent, record, sources.get(intent.source_id)) for intent, record in found]
    await work.couplings.add(couplings, [intent for intent, _ in found])
    return len(found)


async def _find_by_id(work: Slice, side: Side, intents: Sequence[Intent]) -> list[tuple[Intent, Record]]:
    ids = [intent.target_id for intent in intents if intent.target_id is not None]
    rows = await work.services.rows(side).read(work.tables[side], work.columns(side), ids)
    return [(intent, rows[intent.target_id]) for intent in intents if intent.target_id in rows]


async def _find_by_content(work: Slice, side: Side, intents: Sequence[Intent]) -> list[tuple[Intent, Record]]:
    """An uncoupled record with all that was sent; else the only one with its name that is no older than the attempt."""
    table = work.tables[side]
    if table.title is None:
        return []
    titles = sorted({str(intent.values[table.title]) for intent in intents if table.title in intent.values})
    columns = {name for intent in intents for name in intent.values} | set(work.columns(side))
    wanted = [column.name for column in table.columns if column.name in columns]
    rows = await work.services.rows(side).find(table, wanted, table.title, titles)
    coupled = await work.couplings.find(side, [row.id for row in rows])
    free: defaultdict[str, list[Record]] = defaultdict(list)
    for row in rows:
        if row.id not in coupled:
            free[str(row.values.get(table.title)).casefold()].append(row)
    found = []
    for intent in intents:
        candidates = free[str(intent.values.get(table.title)).casefold()]
        made = _same_content(work, side, intent, candidates) or _only_young_one(intent, candidates)
        if made is not None:
            candidates.remove(made)
            found.append((intent, made))
    return found


def _same_content(work: Slice, side: Side, intent: Intent, candidates: Sequence[Record]) -> Record | None:
    table = work.tables[side]
    for row in candidates:
        if all(same(table.column(name), row.values.get(name), value) for name, value in intent.values.items()):
            return row
    return None


def _only_young_one(intent: Intent, candidates: Sequence[Record]) -> Record | None:
    """Somebody may have edited it since; with two of the same name it is better to ask than to guess."""
    since = intent.begun_at - CLOCK_DIFFERENCE
    young = [row for row in candidates if row.modified_at is None or row.modified_at >= since]
    return young[0] if len(young) == 1 else None


async def _sources(work: Slice, intents: Sequence[Intent]) -> dict[str, Record]:
    """The records from which something was created, for the names they show."""
    sources: dict[str, Record] = {}
    for side in Side:
        ids = [intent.source_id for intent in intents if intent.source is side]
        if ids:
            sources |= await work.services.rows(side).read(work.tables[side], work.columns(side), ids)
    return sources


def _coupling(work: Slice, intent: Intent, created: Record, source: Record | None) -> Coupling:
    """The coupling as it would have been stored then: later edits on either side count as edits."""
    target, origin = intent.source.other, CoupledRecord(intent.source_id, intent.base[intent.source])
    ends = {
        target: described(CoupledRecord(created.id, intent.base[target]), created, work.tables[target]),
        intent.source: described(origin, source, work.tables[intent.source]) if source else origin,
    }
    return coupling_of(ends, work.services.clock.now())
