"""Candidates for a coupling: records of one side whose number or name is like a text, those coupled already marked."""

from __future__ import annotations

from shared.core.coupling import Coupling
from shared.core.filters import parse_filter
from shared.core.mapping import Mapping
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.forms.coupling import Candidate, CandidatesPage
from shared.services.matching.names import columns_of_names, record_name
from shared.services.naming import name_of_coupled
from shared.services.pass_context import columns_to_read
from shared.services.problems import Problem
from shared.services.which_mapping import mapping_meant

MOST = 1000  # records of each column that are looked at: whoever gets more must write more of the text


async def find_candidates(
    services: Services,
    mapping: str | None,
    table: str | None,
    side: Side,
    text: str,
    *,
    free: bool,
    after: str | None,
    limit: int,
) -> CandidatesPage:
    """A page of candidates, those first whose number or name is just the text. Raises Problem (which mapping, 400)."""
    if after is not None and not (after.isascii() and after.isdigit()):
        text = "continuation: must be that of an answer before."
        raise Problem(400, "invalid_value", text, field="continuation")
    meant = await mapping_meant(services, mapping, table)
    found = await _found(services, meant, side, text.strip())
    couplings = await services.couplings(meant.name).find(side, [record.id for record in found])
    if free:
        found = [record for record in found if record.id not in couplings]
    start = int(after or 0)
    page = found[start : start + limit]
    shown = [_candidate(services.tables_of(meant)[side], side, record, couplings.get(record.id)) for record in page]
    more = start + limit < len(found)
    return CandidatesPage(
        mapping=meant.name, candidates=tuple(shown), continuation=str(start + limit) if more else None
    )


async def _found(services: Services, mapping: Mapping, side: Side, text: str) -> list[Record]:
    """Every record in the filter whose number or name begins with the text, in the order in which they are shown."""
    table, rows, found = services.tables_of(mapping)[side], services.rows(side), dict[str, Record]()
    columns = columns_to_read(mapping, table, side)
    named = columns_of_names(table)
    for column in named if text else ():
        found |= {one.id: one for one in await rows.find(table, columns, column, [text])}
        found |= {one.id: one for one in await rows.beginning(table, columns, column, text, MOST)}
    passes = parse_filter(mapping.table(side).filter).passes
    inside = [record for record in found.values() if passes(record.values)]
    return sorted(inside, key=lambda record: _place(record, named, text))


def _place(record: Record, columns: list[str], text: str) -> tuple[bool, str, str]:
    """What is just the text comes first; then by name and number."""
    values = [str(record.values.get(column) or "").casefold() for column in columns]
    return text.casefold() not in values, " ".join(reversed(values)), record.id


def _candidate(table: Table, side: Side, record: Record, coupling: Coupling | None) -> Candidate:
    name = record_name(record, table)
    if coupling is None:
        return Candidate(side=side, record=name)
    partner = name_of_coupled(coupling.at(side.other))
    return Candidate(
        side=side,
        record=name,
        coupled_with=partner,
        coupled_by=coupling.coupled_by,
        coupled_at=coupling.coupled_at,
    )
