"""Coupling what a plan has matched: each pair is read once more, must still be free and still agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.actions import GONE, View
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.history import What
from shared.core.match_criteria import agrees
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
from shared.services.touches import with_note

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
    agreeing = await _agreeing(comparison, planned, views)
    added = await work.couplings.add([_coupling(work, one, views) for one in agreeing])
    pairs = [Pair({side: views[side][one.at(side).id] for side in Side}, one) for one in added]
    return Coupled(pairs, len(planned) - len(agreeing))


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

    def is_agreed(one: MatchedPair) -> bool:
        inside = views[THERE][one.dataverse].in_filter
        inside = inside and (bool(comparison.selected) or views[HERE][one.business_central].in_filter)
        values = {side: record.values for side, record in records[one].items()}
        return (
            inside
            and len(values) == len(Side)
            and agrees(comparison.criteria, one.group, values, comparison.tables, references)
        )

    return [one for one in planned if is_agreed(one)]


def _records(one: MatchedPair, views: Mapping[Side, Mapping[str, View]]) -> dict[Side, Record]:
    found = {side: views[side][_id(one, side)].record for side in Side}
    return {side: record for side, record in found.items() if record is not None}


def _coupling(work: Slice, one: MatchedPair, views: Mapping[Side, Mapping[str, View]]) -> Coupling:
    ends = {}
    for side, record in _records(one, views).items():
        end = CoupledRecord(record.id, outside=not views[side][record.id].in_filter)
        ends[side] = described(end, record, work.tables[side])
    coupling = coupling_of(ends, work.now, work.run.requested_by)
    return with_note(work, coupling, What.COUPLED, Reason.MATCHED)


def _id(one: MatchedPair, side: Side) -> str:
    return one.business_central if side is HERE else one.dataverse
