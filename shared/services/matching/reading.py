"""Reading both sides into indexes: each once, in pages as large as its service allows, whatever their number."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Container, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from shared.core.filters import parse_filter
from shared.core.mapping import FieldMapping
from shared.core.match_index import MatchIndex
from shared.core.match_plan import Matching, match
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Value
from shared.core.transfer import References
from shared.services.context import Services
from shared.services.matching.criteria import Comparison
from shared.services.problems import Problem
from shared.services.resolve import answers_for


@dataclass(frozen=True, slots=True)
class Compared:
    """Both sides as they were read, and what matching them came to."""

    indexes: dict[Side, MatchIndex]
    matching: Matching


async def compare(comparison: Comparison) -> Compared:
    """Read both sides and who is coupled with whom, and match. Raises Passing, NeedsPerson."""
    indexes = dict(zip(Side, await asyncio.gather(*(_read(comparison, side) for side in Side)), strict=True))
    await _note_couplings(comparison, indexes)
    sides = (indexes[Side.BUSINESS_CENTRAL], indexes[Side.DATAVERSE])
    return Compared(indexes, await asyncio.to_thread(match, *sides))


def columns_compared(comparison: Comparison, side: Side) -> list[str]:
    """The columns that tell whether a record passes the filter and with whom it agrees."""
    filtered = parse_filter(comparison.mapping.table(side).filter).columns
    return list(dict.fromkeys((*comparison.criteria.columns(side), *filtered)))


async def references_of(comparison: Comparison, records: Mapping[Side, Sequence[Record]]) -> References:
    """What the lookups among the match fields of these records mean on the other side."""

    def held(line: FieldMapping, side: Side) -> set[Value]:
        return {record.values.get(line.columns(side)[0]) for record in records.get(side, ())}

    return await answers_for(comparison, comparison.criteria.references, held)


def must_exist(comparison: Comparison, found: Container[str]) -> None:
    """Whoever selects a record that is not there has to know. Raises Problem (404)."""
    for one in comparison.selected:
        if one not in found:
            caption = comparison.tables[Side.BUSINESS_CENTRAL].caption
            text = f"{Side.BUSINESS_CENTRAL.product} has no {caption} {one}."
            raise Problem(404, "unknown_record", text, field="business_central_ids")


async def coupled_ids(services: Services, mapping: str) -> AsyncIterator[list[tuple[str, str]]]:
    """The ids (BC, Dataverse) of all couplings of a mapping, a thousand at a time."""
    couplings = services.couplings(mapping)
    after: str | None = ""
    while after is not None:
        page, after = await couplings.page_of_ids(Side.DATAVERSE, after or None)
        yield page


async def _read(comparison: Comparison, side: Side) -> MatchIndex:
    is_selected = side is Side.BUSINESS_CENTRAL and bool(comparison.selected)
    expression = "" if is_selected else comparison.mapping.table(side).filter
    index = MatchIndex(comparison.criteria, side, comparison.tables, expression)
    async for page in _selected(comparison) if is_selected else _all(comparison, side):
        await asyncio.to_thread(index.add, page, await references_of(comparison, {side: page}))
    return index


def _all(comparison: Comparison, side: Side) -> AsyncIterator[list[Record]]:
    return comparison.services.rows(side).pages(comparison.tables[side], columns_compared(comparison, side))


async def _selected(comparison: Comparison) -> AsyncIterator[list[Record]]:
    side = Side.BUSINESS_CENTRAL
    rows, columns = comparison.services.rows(side), columns_compared(comparison, side)
    yield list((await rows.read(comparison.tables[side], columns, comparison.selected)).values())


async def _note_couplings(comparison: Comparison, indexes: dict[Side, MatchIndex]) -> None:
    """Tell both indexes who is taken; the other end may have left the filter, or not be among those selected."""
    async for page in coupled_ids(comparison.services, comparison.mapping.name):
        for business_central, dataverse in page:
            with suppress(KeyError):
                indexes[Side.BUSINESS_CENTRAL].take(business_central, dataverse)
            with suppress(KeyError):
                indexes[Side.DATAVERSE].take(dataverse, business_central)
