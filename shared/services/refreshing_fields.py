"""Reading the tables of a mapping anew: columns that came, went or changed since they were described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.core.check_mapping import unknown_tables
from shared.core.mapping_problem import MappingProblem
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.mapping_settings import mapping_named
from shared.services.mapping_tables import changes_of_tables, describe
from shared.services.saving_mappings import mappings_beside, problems_of_all, refuse


@dataclass(frozen=True, slots=True)
class TableChange:
    """How a description differs from the one before: the names of columns."""

    table: Table
    added: list[str]
    removed: list[str]
    changed: list[str]


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What was refreshed, and what is wrong with the mapping now."""

    mapping: str
    tables: list[TableChange]
    problems: list[MappingProblem]


async def refresh_fields(services: Services, name: str) -> Refreshed:
    """Describe a mapping's tables as the services have them now. Raises Problem: 404, 400 when a table is gone."""
    stored = await mapping_named(services, name)
    mapping = stored.mapping
    before = {side: services.known_table(side, mapping.table(side).table) for side in Side}
    described = await describe(services, mapping, anew=True)
    found = described.of(mapping)
    refuse(unknown_tables(mapping, found))
    others = await mappings_beside(services, mapping.name)
    if changes := changes_of_tables(services, [*others, mapping], described.read):
        await services.mappings.change(changes)
    problems = await problems_of_all(services, mapping, others, described, mapping)
    tables = [one for side, table in found.items() if table for one in _change(before[side], table)]
    return Refreshed(mapping.name, tables, problems)


def _change(before: Table | None, after: Table) -> Iterator[TableChange]:
    old = {column.name: column for column in before.columns} if before else {}
    new = {column.name: column for column in after.columns}
    added, removed = sorted(new.keys() - old.keys()), sorted(old.keys() - new.keys())
    changed = sorted(name for name in new.keys() & old.keys() if new[name] != old[name])
    if added or removed or changed:
        yield TableChange(after, added, removed, changed)
