"""Which mapping a request means: one that it names, or the only one that has the table it names."""

from __future__ import annotations

from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.mapping_settings import mapping_named
from shared.services.problems import Problem


async def mapping_meant(services: Services, mapping: str | None, table: str | None) -> Mapping:
    """The mapping, by its name or by a table of either side, in any case.

    Raises Problem: 400 neither or both are named, 404 there is none, 409 several have the table.
    """
    if mapping is not None and table is None:
        return (await mapping_named(services, mapping)).mapping
    if table is None or mapping is not None:
        raise Problem(400, "which_mapping", "Name a mapping or a table, just one of both.", field="mapping")
    everything = [stored.mapping for stored in await services.mappings.all()]
    found = [one for one in everything if table.lower() in _tables_of(one)]
    if not found:
        tables = ", ".join(sorted({one.table(side).table for one in everything for side in Side}))
        raise Problem(404, "unknown_table", f"No mapping has a table {table}. The tables are {tables}.", field="table")
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        raise Problem(409, "ambiguous_table", f"Several mappings have {table}: {names}. Name one.", field="table")
    return found[0]


def _tables_of(mapping: Mapping) -> set[str]:
    return {mapping.table(side).table.lower() for side in Side}
