"""Answers for the lookups of a batch of pairs, gathered in bulk before planning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice
from typing import cast

from shared.core.actions import UNREAD, Seen, View
from shared.core.coupling import Coupling
from shared.core.failures import SyncFailure
from shared.core.mapping import FieldMapping, Reference, ReferenceKind
from shared.core.references import ReferenceAnswers
from shared.core.sides import Side
from shared.core.tables import Value
from shared.core.transfer import References
from shared.services.company_contacts import CompanyContacts
from shared.services.context import Services
from shared.services.observe import Observed
from shared.services.options import options_of
from shared.services.pass_context import Pair
from shared.services.references import Asking
from shared.services.turns import CHUNK

WHAT = {"CURRENCY": "Currency", "SALESPEOPLE": "Salesperson", "CUSTOMER": "Customer", "VENDOR": "Vendor"}


async def references_for(work: Asking, pairs: Sequence[Pair]) -> References:
    """The answers for every reference line of the mapping, as far as these pairs need them."""
    lines = [line for line in work.mapping.fields if line.enabled]
    return await answers_for(work, lines, lambda line, side: _values(line, side, pairs))


async def ask_ahead(work: Asking, observed: Observed) -> None:
    """Look up what the first records of a large page refer to, before it is known what they are coupled to.

    What cannot be answered is asked again by those who need it.
    """
    for side in Side:
        first = list(islice(observed.records[side].values(), CHUNK))
        if len(first) == CHUNK:
            with suppress(SyncFailure):
                await references_for(work, [Pair({side: View(Seen.PRESENT, one), side.other: UNREAD}) for one in first])


async def answers_for(
    work: Asking, lines: Iterable[FieldMapping], values: Callable[[FieldMapping, Side], set[Value]]
) -> References:
    """The answers for the reference lines among `lines`; `values` tells what records of a side hold in a line."""
    asked = {
        line.id: _answers(work, line, line.reference, {side: values(line, side) for side in Side})
        for line in lines
        if line.reference is not None
    }
    return dict(zip(asked, await asyncio.gather(*asked.values()), strict=True))


def _values(line: FieldMapping, side: Side, pairs: Iterable[Pair]) -> set[Value]:
    column = line.columns(side)[0]
    found: set[Value] = set()
    for pair in pairs:
        record = pair.views[side].record
        if record is not None:
            found.add(record.values.get(column))
        elif pair.coupling is not None:
            found.add((pair.coupling.at(side).base or {}).get(column))
    return found


async def _answers(
    work: Asking, line: FieldMapping, reference: Reference, values: dict[Side, set[Value]]
) -> ReferenceAnswers:
    match reference.kind:
        case ReferenceKind.COUPLED_RECORD:
            return await _coupled_records(work, reference, values)
        case ReferenceKind.CURRENCY:
            return await _currencies(work, reference, values)
        case ReferenceKind.COUPLED_NUMBER:
            return await _coupled_numbers(work, reference, values)
        case ReferenceKind.COMPANY:
            return await _companies(work, reference, values)
        case ReferenceKind.CHOICE:
            return await _choices(work, line, reference, values)


async def _couplings(work: Asking, mappings: Sequence[str], side: Side, values: Iterable[Value]) -> list[Coupling]:
    ids = [str(value) for value in values if value is not None]
    found: list[Coupling] = []
    for mapping in mappings:
        found += await work.references.couplings(mapping, side, ids)
    return found


async def _coupled_records(work: Asking, reference: Reference, values: dict[Side, set[Value]]) -> ReferenceAnswers:
    found = await asyncio.gather(*(_couplings(work, reference.mappings, side, values[side]) for side in Side))
    answers: dict[Side, dict[Value, Value]] = {
        side: {coupling.at(side).id: coupling.at(side.other).id for coupling in couplings}
        for side, couplings in zip(Side, found, strict=True)
    }
    return ReferenceAnswers(_what(reference), reference.mappings, answers)


async def _currencies(work: Asking, reference: Reference, values: dict[Side, set[Value]]) -> ReferenceAnswers:
    """Blank in BC is the local currency; in Dataverse that is the row with its ISO code."""
    if not any(values.values()):
        return ReferenceAnswers(_what(reference), reference.mappings)
    coupled, services = await _coupled_records(work, reference, values), work.services
    local = await work.references.once("local currency", lambda: _local_currency(services))
    answers = {side: dict(coupled.answers[side]) for side in Side}
    blanks: dict[Side, Value] = {Side.DATAVERSE: None}
    if local is not None:
        answers[Side.DATAVERSE][local] = None
        blanks[Side.BUSINESS_CENTRAL] = local
    missing: dict[Side, set[Value]] = {
        side: {value for value in values[side] if value and value not in answers[side]} for side in Side
    }
    names = await _names(services, reference, missing)
    names[None] = "of the company (the local one)"
    return ReferenceAnswers("Currency", reference.mappings, answers, blanks, names, blank_is_unresolved=True)


async def _local_currency(services: Services) -> str | None:
    return await services.facts.get("local currency", lambda: _local_currency_row(services))


async def _local_currency_row(services: Services) -> str | None:
    information = services.table(Side.BUSINESS_CENTRAL, "companyInformation")
    currencies = services.table(Side.DATAVERSE, "transactioncurrency")
    companies = await services.business_central.all(information, ["currencyCode"])
    codes = [str(company.values["currencyCode"]) for company in companies if company.values.get("currencyCode")]
    rows = await services.dataverse.find(currencies, ["isocurrencycode"], "isocurrencycode", codes)
    return rows[0].id if rows else None


async def _names(services: Services, reference: Reference, missing: dict[Side, set[Value]]) -> dict[Value, str]:
    """What people call the records that turned out not to be coupled: a message with an id helps nobody."""
    names: dict[Value, str] = {}
    for side in Side:
        ids = sorted(str(value) for value in missing[side])
        for mapping in reference.mappings if ids else ():
            stored = await services.mappings.get(mapping)
            if stored is not None:
                table = services.tables_of(stored.mapping)[side]
                shown = table.number or table.title or table.key
                found = await services.rows(side).read(table, [shown], ids)
                names |= {one: str(record.values.get(shown) or one) for one, record in found.items()}
    return names


async def _coupled_numbers(work: Asking, reference: Reference, values: dict[Side, set[Value]]) -> ReferenceAnswers:
    answers: dict[Side, dict[Value, Value]] = {side: {} for side in Side}
    if any(value is not None for side in Side for value in values[side]):
        for mapping in reference.mappings:
            for coupling in await work.references.once(f"all of {mapping}", work.services.couplings(mapping).all):
                number = coupling.business_central.number
                answers[Side.BUSINESS_CENTRAL][number] = coupling.dataverse.id
                answers[Side.DATAVERSE][coupling.dataverse.id] = number
    return ReferenceAnswers(_what(reference), reference.mappings, answers)


async def _companies(work: Asking, reference: Reference, values: dict[Side, set[Value]]) -> ReferenceAnswers:
    contacts = CompanyContacts(work.services, reference.mappings)

    async def learn() -> None:
        await work.references.once("company contacts", contacts.learn_all)

    numbers = [str(value) for value in values[Side.BUSINESS_CENTRAL] if value is not None]
    accounts = [str(value) for value in values[Side.DATAVERSE] if value is not None]
    answers = {
        Side.BUSINESS_CENTRAL: cast(dict[Value, Value], await contacts.accounts_of(numbers, learn)),
        Side.DATAVERSE: cast(dict[Value, Value], await contacts.numbers_of(accounts)),
    }
    what = "The customer or vendor of company"
    return ReferenceAnswers(what, reference.mappings, answers, blank_is_unresolved=True)


async def _choices(
    work: Asking, line: FieldMapping, reference: Reference, values: dict[Side, set[Value]]
) -> ReferenceAnswers:
    if not any(value is not None for side in Side for value in values[side]):
        return ReferenceAnswers(str(reference.table))
    options = await work.references.once(f"options of {line.id}", lambda: options_of(work.services, work, line))
    table = work.services.table(Side.BUSINESS_CENTRAL, str(reference.table))
    return ReferenceAnswers(table.caption, (), options.answers, captions=options.captions)


def _what(reference: Reference) -> str:
    return " or ".join(WHAT.get(mapping, mapping.capitalize()) for mapping in reference.mappings)
