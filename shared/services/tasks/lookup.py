"""What there is of the records that people name: read for all of them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from shared.core.actions import GONE, Seen, View
from shared.core.coupling import Coupling
from shared.core.coupling_requests import Found, PairRequest
from shared.core.filters import parse_filter
from shared.core.mapping import Mapping as TableMapping
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.pass_context import columns_to_read

type Named = tuple[Side, str]


async def look_up(services: Services, mapping: TableMapping, requests: Iterable[PairRequest]) -> dict[Named, Found]:
    """Every record that these requests name: as it is now, its coupling, and whether its partner still exists."""
    named = {one for request in requests for one in request.named}
    ids = {side: sorted(one for at, one in named if at is side) for side in Side}
    tables = services.tables_of(mapping)
    views = await read_both(services, mapping, ids)
    repository = services.couplings(mapping.name)
    couplings = {side: await repository.find(side, ids[side]) for side in Side}
    gone = await _gone_partners(services, tables, views, couplings)
    held = {one for item in await services.work_items(mapping.name).held() for one in item.named}
    elsewhere = {side: await _in_other_tables(services, tables[side], _missing(views[side])) for side in Side}
    return {
        (side, one): Found(
            views[side][one],
            coupling := couplings[side].get(one),
            coupling is not None and (side.other, coupling.at(side.other).id) in gone,
            elsewhere[side].get(one),
            (side, one) in held,
        )
        for side, one in named
    }


def found_for(request: PairRequest, found: Mapping[Named, Found]) -> dict[Side, Found]:
    """What was found of one request's records, by side."""
    return {side: found[(side, one)] for side, one in request.named}


async def read_both(
    services: Services, mapping: TableMapping, ids: Mapping[Side, Sequence[str]]
) -> dict[Side, dict[str, View]]:
    """These records of both sides as they are now, judged by the mapping's filters."""
    read = await asyncio.gather(*(_read(services, mapping, side, ids[side]) for side in Side))
    return dict(zip(Side, read, strict=True))


async def _read(services: Services, mapping: TableMapping, side: Side, ids: Sequence[str]) -> dict[str, View]:
    table = services.tables_of(mapping)[side]
    records: dict[str, Record] = {}
    if ids:
        records = await services.rows(side).read(table, columns_to_read(mapping, table, side), ids)
    passes = parse_filter(mapping.table(side).filter).passes
    return {
        one: View(Seen.PRESENT, record, passes(record.values)) if (record := records.get(one)) is not None else GONE
        for one in ids
    }


def _missing(views: Mapping[str, View]) -> list[str]:
    return [one for one, view in views.items() if view.seen is not Seen.PRESENT]


async def _gone_partners(
    services: Services,
    tables: Mapping[Side, Table],
    views: Mapping[Side, Mapping[str, View]],
    couplings: Mapping[Side, Mapping[str, Coupling]],
) -> set[Named]:
    """The records that couplings name and that no longer exist."""
    gone: set[Named] = set()
    for side in Side:
        partners = {coupling.at(side).id for coupling in couplings[side.other].values()}
        unread = sorted(partners - views[side].keys())
        there = await services.rows(side).read(tables[side], _one_column(tables[side]), unread) if unread else {}
        gone |= {(side, one) for one in unread if one not in there}
        gone |= {(side, one) for one in partners & views[side].keys() if views[side][one].seen is not Seen.PRESENT}
    return gone


async def _in_other_tables(services: Services, table: Table, ids: Sequence[str]) -> dict[str, str]:
    """The table of each id that the mapping's own table does not have, where another mapping's has it."""
    found: dict[str, str] = {}
    if not ids:
        return found
    mapped = {services.tables_of(stored.mapping)[table.side].name for stored in await services.mappings.all()}
    for name in sorted(mapped - {table.name}):
        other = services.table(table.side, name)
        found |= dict.fromkeys(await services.rows(table.side).read(other, _one_column(other), ids), name)
    return found


def _one_column(table: Table) -> list[str]:
    """What is read of a record of which only its existence is asked."""
    return [table.number or table.title or table.columns[0].name]
