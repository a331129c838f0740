"""Counting for the full synchronization review: which side has records that are not coupled yet."""

from __future__ import annotations

import asyncio

from shared.core.filters import parse_filter
from shared.core.full_synchronization import Counted
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.services.context import Services

COUNTED_AT_LEAST = 20_000
"""Records of a side; beyond that the count goes on only until one is found that is not coupled."""


async def counted(services: Services, mapping: Mapping) -> dict[Side, Counted]:
    """The records of both sides that pass the mapping's filter. Raises Passing, NeedsPerson."""
    coupled = (await services.runs(mapping.name).state()).coupled
    found = await asyncio.gather(*(_counted(services, mapping, side, coupled) for side in Side))
    return dict(zip(Side, found, strict=True))


async def _counted(services: Services, mapping: Mapping, side: Side, coupled: int) -> Counted:
    table = services.tables_of(mapping)[side]
    judge = parse_filter(mapping.table(side).filter)
    couplings = services.couplings(mapping.name, coupled)
    columns = [column.name for column in table.columns if column.name in (table.key, *judge.columns)]
    records = uncoupled = 0
    async for page in services.rows(side).pages(table, columns):
        if records >= COUNTED_AT_LEAST and uncoupled:
            return Counted(records, uncoupled, complete=False)
        inside = [record.id for record in page if judge.passes(record.values)]
        records += len(inside)
        uncoupled += len(inside) - len(await couplings.find(side, inside) if coupled else ())
    return Counted(records, uncoupled)
