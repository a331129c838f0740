"""What goes with an uncoupled customer: the couplings of the persons under it.

Both conditions must hold (page of the codeunit CDS Int. Table Uncouple): the row's parent is the uncoupled account, and
the person belongs to the company contact of the uncoupled customer.
"""

from __future__ import annotations

from collections.abc import Mapping as Document
from collections.abc import Sequence

from shared.core.jobs import RunKind
from shared.core.mapping import FieldMapping, Mapping, ReferenceKind
from shared.core.sides import Side
from shared.services.pass_context import Slice
from shared.services.tasks.kinds import UNCOUPLE, UncoupleTask
from shared.services.tasks.request import request_task

PARENTS = ("customers",)
"""The BC tables whose uncoupling takes the persons along; a vendor's does not."""


async def uncouple_persons_under(work: Slice, pairs: Document[str, str]) -> str | None:
    """Ask for the uncoupling of the persons under these pairs (BC id: Dataverse id); the job, if there are any.

    Asked again for the same pairs, it is the same task.
    """
    if work.mapping.business_central.table not in PARENTS:
        return None
    for stored in await work.services.mappings.all():
        line = _company_line(stored.mapping, work.mapping.name)
        if line is not None and (persons := await _persons(work, stored.mapping, line, pairs)):
            return await _ask(work, stored.mapping, persons, min(pairs))
    return None


def _company_line(mapping: Mapping, parent: str) -> FieldMapping | None:
    for line in mapping.fields:
        reference = line.reference
        if reference is not None and reference.kind is ReferenceKind.COMPANY and parent in reference.mappings:
            return line
    return None


async def _persons(work: Slice, mapping: Mapping, line: FieldMapping, pairs: Document[str, str]) -> list[str]:
    """The BC ids of coupled persons under these pairs."""
    services, tables = work.services, work.services.tables_of(mapping)
    column, number = line.columns(Side.DATAVERSE)[0], line.columns(Side.BUSINESS_CENTRAL)[0]
    rows = await services.dataverse.find(tables[Side.DATAVERSE], [column], column, list(pairs.values()))
    parents = {row.id: str(row.values[column]) for row in rows}
    found = await services.couplings(mapping.name).find(Side.DATAVERSE, parents) if parents else {}
    if not found:
        return []
    persons = [coupling.business_central.id for coupling in found.values()]
    records = await services.business_central.read(tables[Side.BUSINESS_CENTRAL], [number], persons)
    companies = await _companies(work, pairs, {parents[row_id] for row_id in found})
    return sorted(
        person
        for row_id, coupling in found.items()
        if (person := coupling.business_central.id) in records
        and records[person].values.get(number) == companies.get(parents[row_id], "")
    )


async def _companies(work: Slice, pairs: Document[str, str], accounts: set[str]) -> dict[str, str]:
    """The number of the company contact by account."""
    customers = {customer: account for customer, account in pairs.items() if account in accounts}
    table = work.tables[Side.BUSINESS_CENTRAL]
    numbers = await work.services.business_central.company_contacts(table, sorted(customers))
    return {customers[customer]: number for customer, number in numbers.items()}


async def _ask(work: Slice, mapping: Mapping, persons: Sequence[str], first: str) -> str:
    run = await request_task(
        work.services,
        mapping,
        RunKind.UNCOUPLE,
        UNCOUPLE,
        UncoupleTask(listed=True),
        items=persons,
        requested_by=work.run.requested_by,
        run_id=f"{work.run.id}.{first}",
    )
    return next(iter(run.jobs.values()))
