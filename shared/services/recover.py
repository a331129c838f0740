"""Creates that were begun and never heard of again: a crash, a lost answer, a killed host.

Before anything is planned, each is looked for on its target side. What is found is coupled, so that it does not look
like somebody's new record; what is not found will be created again by its own intent (Dataverse: under the same id;
Business Central: once the service cannot be working on it any more).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.history import What
from shared.core.jobs import Counters
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.remember import versioned
from shared.core.sides import Side
from shared.core.tables import ColumnKind
from shared.core.values import same
from shared.services.journal import entries
from shared.services.pass_context import Pair, Slice
from shared.services.repositories.coupling_documents import Intent
from shared.services.touches import with_note

CLOCK_DIFFERENCE = timedelta(minutes=5)  # between this machine and the service
SEARCHED = 4  # text columns by which a record is looked for
ENOUGH = 0.5  # of the values sent, for a record that somebody has edited since
MAY_BE_OURS = "Whether it was just created by this app is not certain yet; it waits until that is known."


async def recover_creates(work: Slice) -> datetime | None:
    """Couple what unfinished creates have made; the others stay in `work.intents`.

    Answers since when Business Central may have made a record that has not been found; None when there is no doubt.
    """
    intents = list(work.intents.values())
    if not intents:
        return None
    found: list[tuple[Intent, Record]] = []
    for side in Side:
        mine = [intent for intent in intents if intent.source is side.other]
        if mine:
            find = _find_by_id if side is Side.DATAVERSE else _find_by_content
            found += await find(work, side, mine)
    sources = await _sources(work, [intent for intent, _ in found])
    couplings = [_coupling(work, intent, record, sources.get(intent.source_id)) for intent, record in found]
    announcements = await work.ledger.announce(entries([intent for intent, _ in found], ()))  # counted if we die now
    await work.couplings.add(await _noted(work, couplings, found), [intent for intent, _ in found])
    for intent, _ in found:
        work.intents.pop((intent.source, intent.source_id))
        work.state.coupled += 0 if intent.replaces else 1
        if intent.source in work.run.counters:
            work.run.counters[intent.source].add(Counters(inserted=1))
    work.ledger.settle(announcements)
    await _give_up_the_hopeless(work)
    return _doubt(work)


async def _noted(work: Slice, couplings: list[Coupling], found: list[tuple[Intent, Record]]) -> list[Coupling]:
    """The couplings with a note of their creation; that of a restored record takes over what was known before."""
    replaced = [intent.replaces[0] for intent, _ in found if intent.replaces is not None]
    broken = await work.couplings.find(Side.BUSINESS_CENTRAL, replaced) if replaced else {}
    noted = []
    for coupling, (intent, _) in zip(couplings, found, strict=True):
        before = broken.get(intent.replaces[0]) if intent.replaces is not None else None
        what, rule = (What.RESTORED, Reason.RESTORED) if intent.replaces else (What.CREATED, Reason.NEW_RECORD)
        coupling = replace(coupling, history=before.history if before is not None else "")
        noted.append(with_note(work, coupling, what, rule, source=intent.source))
    return noted


async def _give_up_the_hopeless(work: Slice) -> None:
    """What was not found and cannot land any more was not made; if it is still wanted, it is created like new."""
    past = [intent for intent in work.intents.values() if intent.in_doubt_until <= work.now]
    if past:
        await work.couplings.give_up(past)
    for intent in past:
        del work.intents[(intent.source, intent.source_id)]


def may_be_the_missing_one(pair: Pair, doubt: datetime | None) -> bool:
    """Whether this uncoupled BC record may be what an unanswered create has made: then it must not be sent back."""
    record = pair.views[Side.BUSINESS_CENTRAL].record
    if doubt is None or pair.coupling is not None or record is None:
        return False
    return record.modified_at is None or record.modified_at >= doubt - CLOCK_DIFFERENCE


def _doubt(work: Slice) -> datetime | None:
    return min((one.begun_at for one in work.intents.values() if one.target_id is None), default=None)


async def _find_by_id(work: Slice, side: Side, intents: Sequence[Intent]) -> list[tuple[Intent, Record]]:
    ids = [intent.target_id for intent in intents if intent.target_id is not None]
    coupled = await work.couplings.find(side, ids)
    ids = [one for one in ids if one not in coupled]
    rows = await work.services.rows(side).read(work.tables[side], work.columns(side), ids)
    return [(intent, rows[intent.target_id]) for intent in intents if intent.target_id in rows]


async def _find_by_content(work: Slice, side: Side, intents: Sequence[Intent]) -> list[tuple[Intent, Record]]:
    """For each intent the uncoupled record that is most like what was sent, if there is just one such.

    What was sent just so comes first: it must not be taken for another one that is much like it.
    """
    free = await _uncoupled_rows_like(work, side, intents)
    found: list[tuple[Intent, Record]] = []
    for find in (_just_so, _most_like):
        open_ones = [intent for intent in intents if all(intent is not known for known, _ in found)]
        for intent in open_ones:
            made = find(work, side, intent, list(free.values()))
            if made is not None:
                del free[made.id]
                found.append((intent, made))
    return found


async def _uncoupled_rows_like(work: Slice, side: Side, intents: Sequence[Intent]) -> dict[str, Record]:
    """Rows that share a text with what was sent, by id: the name first, for somebody may have changed it since."""
    table = work.tables[side]
    columns = {name for intent in intents for name in intent.values} | set(work.columns(side))
    wanted = [column.name for column in table.columns if column.name in columns]
    sent = {name for intent in intents for name, value in intent.values.items() if value}
    texts = [name for name in wanted if name in sent and table.column(name).kind is ColumnKind.TEXT]
    texts.sort(key=lambda name: name != table.title)
    rows: dict[str, Record] = {}
    for name in texts[:SEARCHED]:
        values = sorted({str(intent.values[name]) for intent in intents if intent.values.get(name)})
        if values:
            rows |= {row.id: row for row in await work.services.rows(side).find(table, wanted, name, values)}
    coupled = await work.couplings.find(side, rows)
    return {row_id: row for row_id, row in rows.items() if row_id not in coupled}


def _just_so(work: Slice, side: Side, intent: Intent, rows: Sequence[Record]) -> Record | None:
    """A row with all that was sent."""
    return next((row for row in rows if _share(work, side, intent, row) == 1), None)


def _most_like(work: Slice, side: Side, intent: Intent, rows: Sequence[Record]) -> Record | None:
    """The one young row that has most of what was sent. Two alike are nobody's guess."""
    since = intent.begun_at - CLOCK_DIFFERENCE
    young = [row for row in rows if row.modified_at is None or row.modified_at >= since]
    shares = {row.id: _share(work, side, intent, row) for row in young}
    best = max(shares.values(), default=0.0)
    alike = [row for row in young if shares[row.id] == best]
    return alike[0] if len(alike) == 1 and best >= ENOUGH else None


def _share(work: Slice, side: Side, intent: Intent, row: Record) -> float:
    table = work.tables[side]
    equal = [same(table.column(name), row.values.get(name), value) for name, value in intent.values.items()]
    return sum(equal) / len(equal)


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
    records = {intent.source.other: created, intent.source: source or Record(intent.source_id, {})}
    ends = {
        side: versioned(work.mapping, side, CoupledRecord(record.id, intent.base[side]), record, work.tables[side])
        for side, record in records.items()
    }
    return coupling_of(ends, work.now, work.run.requested_by)
