"""The ribbon's way from a Dataverse row to its record in Business Central.

A row that is not coupled is coupled with the record that it means, or its record is created, where *Synch. Only Coupled
Records* is off and the mapping's direction lets it; else the answer says why not.
"""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.access import Caller
from shared.core.coupling import Coupling
from shared.core.coupling_requests import CoupleRequest, Found, PairRequest
from shared.core.coupling_requests import couple as decide_couple
from shared.core.mapping import Mapping
from shared.core.refusals import Refusal, RefusalCode, name_of_end, name_of_record
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.coupling_pairs import ask_to_couple
from shared.services.forms.base import JobReference, read_id
from shared.services.forms.synchronize_now import RibbonAnswer, RibbonOutcome
from shared.services.naming import name_of_coupled, name_of_view, refusal_answer
from shared.services.problems import Problem
from shared.services.tasks.kinds import PairToCouple
from shared.services.tasks.lookup import look_up
from shared.services.tasks.request import ended_within


@dataclass(frozen=True, slots=True)
class Row:
    """A Dataverse row, the mapping it belongs to, and what there is of it."""

    mapping: Mapping
    id: str
    found: Found

    @property
    def partner(self) -> Coupling | None:
        """Its coupling, unless the record in Business Central was deleted."""
        return None if self.found.partner_is_gone else self.found.coupling


async def look_at(services: Services, table: str, row_id: str) -> RibbonAnswer:
    """Where the record of a row is, or why there is none; nothing is changed. Raises Problem (404, 409)."""
    row = await _row(services, table, row_id)
    refusal = _refusal(services, row)
    if row.partner is not None:
        return _answer(services, row, RibbonOutcome.COUPLED)
    return _answer(services, row, RibbonOutcome.POSSIBLE if refusal is None else RibbonOutcome.REFUSED, refusal)


async def open_in_business_central(
    services: Services, table: str, row_id: str, caller: Caller, *, patience: float = 0
) -> RibbonAnswer:
    """The record of a row, coupled or created where it may be. Raises Problem (404, 409, 429)."""
    row = await _row(services, table, row_id)
    if row.partner is not None:
        return _answer(services, row, RibbonOutcome.COUPLED)
    if (refusal := _refusal(services, row)) is not None:
        return _answer(services, row, RibbonOutcome.REFUSED, refusal)
    pair = PairToCouple(None, row.id, create_new=True, match=True)
    run = await ask_to_couple(services, row.mapping, [pair], caller)
    job = JobReference(id=next(iter(run.jobs.values())), mapping=row.mapping.name)
    if not await ended_within(services, run, patience):
        return _answer(services, row, RibbonOutcome.SCHEDULED, job=job)
    after = await _row(services, table, row_id)
    if after.partner is None:
        return _answer(services, after, RibbonOutcome.FAILED, job=job)
    done = await services.jobs.get(job.id)
    outcome = RibbonOutcome.CREATED if done is not None and done.counters.inserted else RibbonOutcome.MATCHED
    return _answer(services, after, outcome, job=job)


async def _row(services: Services, table: str, row_id: str) -> Row:
    """The row in the mapping that it belongs to. Raises Problem (404, 409)."""
    plain = read_id(row_id)
    if plain is None:
        raise Problem(400, "invalid_value", "id: must be the id (GUID) of a row.", field="id")
    mappings = await _mappings(services, table)
    rows = [await _in_mapping(services, mapping, plain) for mapping in mappings]
    coupled = [row for row in rows if row.found.coupling is not None]
    inside = [row for row in rows if row.found.view.record is not None and row.found.view.in_filter]
    meant = coupled or inside or rows
    if len(meant) > 1 and (coupled or inside or _is_there(rows)):
        names = " and ".join(row.mapping.name for row in meant)
        raise Problem(409, "ambiguous_table", f"{names} both have the table {table}, and the row fits neither better.")
    if not _is_there(rows):
        raise Problem(404, "unknown_record", f"Dataverse has no row {row_id} in {table}.")
    return meant[0]


def _is_there(rows: list[Row]) -> bool:
    return any(row.found.view.record is not None for row in rows)


async def _mappings(services: Services, table: str) -> list[Mapping]:
    mappings = [stored.mapping for stored in await services.mappings.all()]
    found = [mapping for mapping in mappings if mapping.dataverse.table == table.lower()]
    if not found:
        tables = ", ".join(sorted({mapping.dataverse.table for mapping in mappings}))
        raise Problem(404, "unknown_table", f"No mapping has a table {table}. The tables are {tables}.", field="table")
    return found


async def _in_mapping(services: Services, mapping: Mapping, row_id: str) -> Row:
    found = await look_up(services, mapping, [PairRequest(dataverse=row_id)])
    return Row(mapping, row_id, found[(Side.DATAVERSE, row_id)])


def _refusal(services: Services, row: Row) -> Refusal | None:
    """Why no record is coupled or created for the row."""
    tables, found = services.tables_of(row.mapping), row.found
    if found.coupling is not None:
        if not found.partner_is_gone:
            return None
        here, there = (
            name_of_end(found.coupling.at(side), tables[side]) for side in (Side.DATAVERSE, Side.DATAVERSE.other)
        )
        return Refusal(RefusalCode.BROKEN, f"{here} is coupled with {there}, which Business Central does not have.")
    if row.mapping.synch_only_coupled_records and found.view.record is not None:
        name = name_of_record(found.view.record, tables[Side.DATAVERSE])
        text = f"{name} is not coupled, and {row.mapping.name} synchronizes only coupled records."
        return Refusal(RefusalCode.NOT_COUPLED, text)
    request = CoupleRequest(dataverse=row.id, create_new=True)
    decision = decide_couple(row.mapping, request, {Side.DATAVERSE: found}, tables)
    return decision if isinstance(decision, Refusal) else None


def _answer(
    services: Services,
    row: Row,
    outcome: RibbonOutcome,
    refusal: Refusal | None = None,
    job: JobReference | None = None,
) -> RibbonAnswer:
    tables, partner = services.tables_of(row.mapping), row.partner
    end = partner.business_central if partner is not None else None
    return RibbonAnswer(
        mapping=row.mapping.name,
        outcome=outcome,
        dataverse=name_of_view(row.id, row.found.view, tables[Side.DATAVERSE]),
        business_central=name_of_coupled(end) if end is not None else None,
        address=services.web_client.page_of(tables[Side.BUSINESS_CENTRAL], end.number) if end is not None else None,
        refusal=refusal_answer(refusal) if refusal is not None else None,
        job=job,
    )
