"""The tables of mappings: asking the services for them, and what is kept of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.core.filters import FilterError, parse_filter
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.tables import Table, TableName, completed
from shared.ports import StateChange
from shared.services.context import Services
from shared.services.problems import Problem
from shared.services.read_tables import forget, keep

type Named = tuple[Side, str]


@dataclass(slots=True)
class Described:
    """The tables of a mapping by side and name, None where the service has none; `read` were described just now."""

    tables: dict[Named, Table | None] = field(default_factory=dict)
    read: list[Table] = field(default_factory=list)

    def of(self, mapping: Mapping) -> dict[Side, Table | None]:
        """Both tables of a mapping."""
        return {side: self.tables[(side, mapping.table(side).table)] for side in Side}


@dataclass(frozen=True, slots=True)
class TablesPage:
    """Tables by name with the mappings that have them, and what to hand in to get the next ones (None at the end)."""

    tables: list[tuple[TableName, tuple[str, ...]]]
    continuation: str | None


async def tables_page(
    services: Services, side: Side, *, api: str | None, text: str, after: str | None, limit: int
) -> TablesPage:
    """A page of the tables that could be mapped, of those whose name or caption has `text` in it."""
    found, stored = await asyncio.gather(services.rows(side).tables(api), services.mappings.all())
    wanted = text.casefold()
    rest = [
        table
        for table in found
        if (wanted in table.name.casefold() or wanted in table.caption.casefold()) and table.name > (after or "")
    ]
    users = {table.name: _users((one.mapping for one in stored), side, table.name) for table in rest[:limit]}
    page = [(table, users[table.name]) for table in rest[:limit]]
    return TablesPage(page, page[-1][0].name if len(rest) > limit else None)


async def table_now(services: Services, side: Side, name: str) -> Table:
    """A table as its service describes it now, with what the app itself knows of it. Raises Problem (404)."""
    table = await _read(services, side, name)
    if table is None:
        text = f"{side.product} has no table {name} whose records have an id. GET tables?side={side} lists the others."
        raise Problem(404, "unknown_table", text, field="table")
    return table


async def describe(services: Services, mapping: Mapping, *, anew: bool = False) -> Described:
    """The tables that a mapping needs: as they are known, unless it names what is not, or `anew` is wanted."""
    described = Described()
    named = needed_tables(mapping)
    tables = await asyncio.gather(*(_table(services, mapping, *one, described, anew=anew) for one in named))
    described.tables = dict(zip(named, tables, strict=True))
    return described


def needed_tables(mapping: Mapping) -> list[Named]:
    """Both tables of a mapping, and those whose records its choices mean."""
    choices = (line.reference.table for line in mapping.fields if line.reference and line.reference.table)
    named = [*((side, mapping.table(side).table) for side in Side), *((Side.BUSINESS_CENTRAL, one) for one in choices)]
    return list(dict.fromkeys(named))


def changes_of_tables(services: Services, mappings: Iterable[Mapping], read: Sequence[Table]) -> list[StateChange]:
    """What to store with a change, after which there are these mappings: what was read goes in, what is over goes."""
    needed = {(side.value, name) for mapping in mappings for side, name in needed_tables(mapping)}
    gone = [forget(side, name) for side, name in services.read_tables.names if (side, name) not in needed]
    return [*map(keep, read), *gone]


async def _table(
    services: Services, mapping: Mapping, side: Side, name: str, described: Described, *, anew: bool
) -> Table | None:
    known = services.known_table(side, name)
    if (
        known is not None
        and not anew
        and columns_named(mapping, side, name) <= {column.name for column in known.columns}
    ):
        return known
    table = await _read(services, side, name)
    if table is not None and table != known:
        described.read.append(table)
    return table


async def _read(services: Services, side: Side, name: str) -> Table | None:
    """As the service describes it; what the standard set knows of it stays."""
    found = await services.rows(side).describe(name)
    known = services.standard_table(side, name)
    return completed(known, found) if found is not None and known is not None else found


def columns_named(mapping: Mapping, side: Side, name: str) -> set[str]:
    """The columns of a table that a mapping names."""
    if mapping.table(side).table != name:
        return set()
    columns = {column for line in mapping.fields for column in line.columns(side)}
    for expression in (
        mapping.table(side).filter,
        *(one.filter for one in mapping.templates if one.side is side.other),
    ):
        try:
            columns.update(parse_filter(expression).columns)
        except FilterError:
            continue  # told as a problem of the mapping
    return columns.union(*(one.values for one in mapping.templates if one.side is side))


def _users(mappings: Iterable[Mapping], side: Side, table: str) -> tuple[str, ...]:
    return tuple(sorted(mapping.name for mapping in mappings if mapping.table(side).table == table))
