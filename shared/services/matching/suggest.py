"""Suggestions for BC records that are not coupled: free rows that look alike, with the reasons. Nothing is coupled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from heapq import nsmallest

from shared.core.filters import parse_filter
from shared.core.likeness import TraitField, trait_fields
from shared.core.mapping import Mapping as TableMapping
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.suggestions import Suggestion, SuggestionIndex
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.forms.matching import LikenessReason, SuggestedPair, SuggestionsPage
from shared.services.matching.names import Names, columns_of_names
from shared.services.matching.reading import coupled_ids
from shared.services.problems import Problem
from shared.services.which_mapping import mapping_meant

MOST_KEPT = 50_000  # rows, of a kilobyte each, that an instance remembers for the pages that follow
HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE


@dataclass(frozen=True, slots=True)
class Search:
    """Where suggestions are looked for, and by which fields."""

    services: Services
    mapping: TableMapping
    tables: dict[Side, Table]
    fields: tuple[TraitField, ...]

    def columns(self, side: Side) -> list[str]:
        """The columns that are compared, that the filter asks for, and that people know a record by."""
        compared = [name for item in self.fields for name in item.line.columns(side)]
        filtered = parse_filter(self.mapping.table(side).filter).columns
        return list(dict.fromkeys((*compared, *filtered, *columns_of_names(self.tables[side]))))

    def is_inside(self, side: Side, record: Record) -> bool:
        """Whether a record passes the mapping's filter."""
        return parse_filter(self.mapping.table(side).filter).passes(record.values)


@dataclass(frozen=True, slots=True)
class Free:
    """The free rows, `count` of them, ready to be asked; and the BC records that are coupled."""

    rows: SuggestionIndex
    count: int
    coupled: frozenset[str]


async def suggest(
    services: Services,
    mapping: str | None,
    table: str | None,
    business_central_id: str | None,
    *,
    after: str | None,
    limit: int,
) -> SuggestionsPage:
    """Suggestions for one BC record, or for the next `limit` free ones beyond the id `after`.

    Raises Problem (400, 404, 409).
    """
    meant = await mapping_meant(services, mapping, table)
    tables = services.tables_of(meant)
    search = Search(services, meant, tables, trait_fields(meant, tables))
    free = await _free(search, is_first=after is None)
    if business_central_id is not None:
        records = await _one(search, free, business_central_id)
    else:
        records = await _next(search, free, after or "", limit + 1)
    page = records[:limit]
    found = await asyncio.to_thread(lambda: [one for record in page for one in free.rows.suggest(record)])
    names = Names(tables)
    await names.read(services, {HERE: (one.id for one in page), THERE: (one.dataverse for one in found)})
    return SuggestionsPage(
        mapping=meant.name,
        suggestions=tuple(_pair(one, names) for one in found),
        continuation=page[-1].id if len(records) > limit else None,
    )


async def _free(search: Search, *, is_first: bool) -> Free:
    """All free rows; the first page reads them, those that follow go on with that for a while."""
    services, now, asked = (
        search.services,
        search.services.clock.now(),
        ("suggestions", search.mapping.model_dump_json()),
    )
    if not is_first and (kept := services.recent.find(asked, Free, now)) is not None:
        return kept
    coupled: dict[Side, set[str]] = {side: set() for side in Side}
    async for pairs in coupled_ids(services, search.mapping.name):
        coupled[HERE].update(pair[0] for pair in pairs)
        coupled[THERE].update(pair[1] for pair in pairs)
    index, count = SuggestionIndex(search.fields, search.tables), 0
    async for page in services.rows(THERE).pages(search.tables[THERE], search.columns(THERE)):
        rows = [row for row in page if row.id not in coupled[THERE] and search.is_inside(THERE, row)]
        await asyncio.to_thread(index.add, rows)
        count += len(rows)
    free = Free(index, count, frozenset(coupled[HERE]))
    if count <= MOST_KEPT:
        services.recent.keep(asked, free, now)
    return free


async def _one(search: Search, free: Free, record_id: str) -> list[Record]:
    """The record that is asked for, none when it is coupled. Raises Problem (404)."""
    table = search.tables[HERE]
    found = await search.services.rows(HERE).read(table, search.columns(HERE), [record_id])
    if record_id not in found:
        text = f"{HERE.product} has no {table.caption} {record_id}."
        raise Problem(404, "unknown_record", text, field="business_central_id")
    return [] if record_id in free.coupled else [found[record_id]]


async def _next(search: Search, free: Free, after: str, count: int) -> list[Record]:
    """The next free BC records of the mapping, by ascending id."""
    nearest: list[Record] = []
    async for page in search.services.rows(HERE).pages(search.tables[HERE], search.columns(HERE)):
        wanted = (one for one in page if one.id > after and one.id not in free.coupled and search.is_inside(HERE, one))
        both = {one.id: one for one in (*nearest, *wanted)}
        nearest = nsmallest(count, both.values(), key=lambda one: one.id)
    return nearest


def _pair(one: Suggestion, names: Names) -> SuggestedPair:
    return SuggestedPair(
        business_central=names.of(HERE, one.business_central),
        dataverse=names.of(THERE, one.dataverse),
        score=one.score,
        reasons=tuple(LikenessReason.model_validate(reason) for reason in one.reasons),
    )
