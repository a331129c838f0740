"""Coupling what a plan has matched: each pair is read once more, must still be free and still agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.core.actions import GONE, View
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.match_criteria import agrees
from shared.core.match_report import MatchedPair
from shared.core.records import Record
from shared.core.remember import described
from shared.core.sides import Side
from shared.services.matching.criteria import Comparison
from shared.services.matching.reading import columns_compared, references_of
from shared.services.observe import view_of
from shared.services.pass_context import Pair, Slice

HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE


@dataclass(slots=True)
class Coupled:
    """What became of planned pairs: `pairs` are coupled now; `left` are gone, or agree no longer.

    A record that somebody else has coupled meanwhile is in neither.
    """

    pairs: list[Pair] = field(default_factory=list)
    left: list[MatchedPair] = field(default_factory=list)


async def couple_planned(
    work: Slice, comparison: Comparison, planned: Sequence[MatchedPair], *, again: bool
) -> Coupled:
    """Couple these pairs. With `again` those that are coupled with each other already are this run's own."""
    stored, views = await asyncio.gather(_couplings(work, planned), _read_pairs(work, comparison, planned))
    taken = {(side, coupling.at(side).id) for coupling in stored for side in Side}
    free = [one for one in planned if not taken & {(side, _id(one, side)) for side in Side}]
    agreeing = await _agreeing(comparison, free, views)
    added = await work.couplings.add([_coupling(work, one, views) for one in agreeing])
    wanted = {(one.business_central, one.dataverse) for one in planned if again}
    mine = [*added, *(one for one in stored if (one.business_central.id, one.dataverse.id) in wanted)]
    return Coupled([_pair(one, views) for one in mine], [one for one in free if one not in agreeing])


async def read_fresh(
    work: Slice, comparison: Comparison, ids: Mapping[Side, Sequence[str]]
) -> dict[Side, dict[str, View]]:
    """These records as they are now, with all that matching or synchronizing them needs; one that is gone is GONE."""

    async def read(side: Side) -> dict[str, View]:
        columns = list(dict.fromkeys((*work.columns(side), *columns_compared(comparison, side))))
        found = await work.services.rows(side).read(work.tables[side], columns, ids[side]) if ids[side] else {}
        return {one: view_of(work, side, found[one]) if one in found else GONE for one in ids[side]}

    return dict(zip(Side, await asyncio.gather(*map(read, Side)), strict=True))


async def _read_pairs(
    work: Slice, comparison: Comparison, planned: Sequence[MatchedPair]
) -> dict[Side, dict[str, View]]:
    return await read_fresh(work, comparison, {side: [_id(one, side) for one in planned] for side in Side})


async def _couplings(work: Slice, planned: Sequence[MatchedPair]) -> list[Coupling]:
    return await work.couplings.concerning({side: [_id(one, side) for one in planned] for side in Side})


async def _agreeing(
    comparison: Comparison, free: Sequence[MatchedPair], views: Mapping[Side, Mapping[str, View]]
) -> list[MatchedPair]:
    """Those whose records still pass the filter and agree: an index compares digests, and somebody may have edited."""
    records = {one: _records(one, views) for one in free}
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

    return [one for one in free if is_agreed(one)]


def _records(one: MatchedPair, views: Mapping[Side, Mapping[str, View]]) -> dict[Side, Record]:
    found = {side: views[side][_id(one, side)].record for side in Side}
    return {side: record for side, record in found.items() if record is not None}


def _coupling(work: Slice, one: MatchedPair, views: Mapping[Side, Mapping[str, View]]) -> Coupling:
    ends = {}
    for side, record in _records(one, views).items():
        end = CoupledRecord(record.id, outside=not views[side][record.id].in_filter)
        ends[side] = described(end, record, work.tables[side])
    return coupling_of(ends, work.now)


def _pair(coupling: Coupling, views: Mapping[Side, Mapping[str, View]]) -> Pair:
    return Pair({side: views[side][coupling.at(side).id] for side in Side}, coupling)


def _id(one: MatchedPair, side: Side) -> str:
    return one.business_central if side is HERE else one.dataverse
