"""Coupling what a plan has matched: each pair is read once more, must still be free and still agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched

from shared.core.actions import GONE, View
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.history import What, with_touch
from shared.core.match_criteria import agreement_of
from shared.core.match_report import MatchedPair
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.remember import described
from shared.core.sides import Side
from shared.services.matching.criteria import Comparison
from shared.services.matching.names import columns_of_names
from shared.services.matching.reading import columns_compared, references_of
from shared.services.observe import view_of
from shared.services.pass_context import Pair, Slice
from shared.services.touches import note_of
from shared.services.turns import let_others_go_on

AT_A_STRETCH = 500  # pairs that are compared while all else waits
HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE


@dataclass(frozen=True, slots=True)
class Coupled:
    """What became of planned pairs: `pairs` are coupled now; so many are gone, or agree no longer (`left`).

    A pair of which somebody else has coupled a record meanwhile is in neither.
    """

    pairs: list[Pair]
    left: int


async def read_planned(
    work: Slice, comparison: Comparison, planned: Sequence[MatchedPair], *, whole: bool
) -> dict[Side, dict[str, View]]:
    """The records of these pairs with all mapped columns (`whole`), or only as far as they are compared and named."""
    return await read_fresh(work, comparison, {side: [_id(one, side) for one in planned] for side in Side}, whole=whole)


async def couple_planned(
    work: Slice, comparison: Comparison, planned: Sequence[MatchedPair], views: Mapping[Side, Mapping[str, View]]
) -> Coupled:
    """Couple these pairs, as they were just read; one that is coupled already, when this is done once more, will do."""
    storing: list[asyncio.Future[list[Coupling]]] = []
    left = len(planned)
    try:
        for some in batched(planned, AT_A_STRETCH, strict=False):  # while these are stored the next are compared
            agreeing = await _agreeing(comparison, some, views)
            left -= len(agreeing)
            history = with_touch("", note_of(work, What.COUPLED, Reason.MATCHED))
            couplings = [_coupling(work, one, views, history) for one in agreeing]
            storing.append(asyncio.ensure_future(work.couplings.add(couplings)))
            await let_others_go_on()
    finally:
        await asyncio.gather(*storing, return_exceptions=True)
    added = [one for stored in storing for one in stored.result()]
    pairs = [Pair({side: views[side][one.at(side).id] for side in Side}, one) for one in added]
    return Coupled(pairs, left)


async def read_fresh(
    work: Slice, comparison: Comparison, ids: Mapping[Side, Sequence[str]], *, whole: bool
) -> dict[Side, dict[str, View]]:
    """These records as they are now; one that is gone is GONE."""

    async def read(side: Side) -> dict[str, View]:
        rest = work.columns(side) if whole else columns_of_names(work.tables[side])
        columns = list(dict.fromkeys((*columns_compared(comparison, side), *rest)))
        found = await work.services.rows(side).read(work.tables[side], columns, ids[side]) if ids[side] else {}
        return {one: view_of(work, side, found[one]) if one in found else GONE for one in ids[side]}

    return dict(zip(Side, await asyncio.gather(*map(read, Side)), strict=True))


async def _agreeing(
    comparison: Comparison, planned: Sequence[MatchedPair], views: Mapping[Side, Mapping[str, View]]
) -> list[MatchedPair]:
    """Those whose records still pass the filter and agree: an index compares digests, and somebody may have edited."""
    records = {one: _records(one, views) for one in planned}
    held = {side: [found[side] for found in records.values() if side in found] for side in Side}
    references = await references_of(comparison, held)
    agrees = agreement_of(comparison.criteria, comparison.tables)

    def is_agreed(one: MatchedPair) -> bool:
        inside = views[THERE][one.dataverse].in_filter
        inside = inside and (bool(comparison.selected) or views[HERE][one.business_central].in_filter)
        values = {side: record.values for side, record in records[one].items()}
        return inside and len(values) == len(Side) and agrees(one.group, values, references)

    return [one for one in planned if is_agreed(one)]


def _records(one: MatchedPair, views: Mapping[Side, Mapping[str, View]]) -> dict[Side, Record]:
    found = {side: views[side][_id(one, side)].record for side in Side}
    return {side: record for side, record in found.items() if record is not None}


def _coupling(work: Slice, one: MatchedPair, views: Mapping[Side, Mapping[str, View]], history: str) -> Coupling:
    ends = {}
    for side, record in _records(one, views).items():
        end = CoupledRecord(record.id, outside=not views[side][record.id].in_filter)
        ends[side] = described(end, record, work.tables[side])
    return replace(coupling_of(ends, work.now, work.run.requested_by), history=history)


def _id(one: MatchedPair, side: Side) -> str:
    return one.business_central if side is HERE else one.dataverse
