"""A person contact's company, seen from both sides.

In BC a person belongs to a company contact, which belongs to a customer or vendor; in Dataverse a contact's parent is
the account. The link between company contact and customer or vendor is known to the API only per customer or vendor
(sub-page contactsInformation), so it is asked once for each coupled one and remembered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence

from shared.core.sides import Side
from shared.services.context import Services
from shared.services.repositories.companies import Company


class CompanyContacts:
    """Answers for the customers and vendors coupled in `mappings`."""

    def __init__(self, services: Services, mappings: Sequence[str]) -> None:
        self._services = services
        self._mappings = mappings

    async def numbers_of(self, accounts: Sequence[str]) -> dict[str, str]:
        """The number of the company contact of each coupled account; accounts without one are left out."""
        numbers: dict[str, str] = {}
        for mapping in self._mappings:
            found = await self._services.couplings(mapping).find(Side.DATAVERSE, accounts)
            records = {coupling.business_central.id: account for account, coupling in found.items()}
            for company in await self._known(mapping, records, ask_again=True):
                if company.number is not None:
                    numbers[records[company.record_id]] = company.number
        return numbers

    async def accounts_of(self, numbers: Sequence[str], learn: Callable[[], Awaitable[None]]) -> dict[str, str]:
        """The account of each company contact's number; those whose customer or vendor is not coupled are left out.

        `learn` asks about the coupled ones never asked about: a number that leads nowhere may have got another record
        since, for a deleted customer that was restored is a new one.
        """
        accounts = await self._accounts(numbers)
        if set(numbers) - accounts.keys():
            await learn()
            accounts = await self._accounts(numbers)
        return accounts

    async def learn_all(self) -> None:
        """Ask about every coupled customer and vendor that was never asked about."""
        for mapping in self._mappings:
            couplings = self._services.couplings(mapping)
            page, after = await couplings.page()
            while page:
                await self._known(mapping, [coupling.business_central.id for coupling in page], ask_again=False)
                page, after = await couplings.page(after) if after is not None else ([], None)

    async def _accounts(self, numbers: Sequence[str]) -> dict[str, str]:
        """The accounts of the numbers that lead to one, as far as is known."""
        known = await self._services.companies.of_numbers(numbers)
        accounts: dict[str, str] = {}
        for mapping in reversed(self._mappings):  # the first mapping has the last word: customer before vendor
            records = {entry[mapping]: number for number, entry in known.items() if mapping in entry}
            found = await self._services.couplings(mapping).find(Side.BUSINESS_CENTRAL, records)
            accounts |= {records[record]: coupling.dataverse.id for record, coupling in found.items()}
        return accounts

    async def _known(self, mapping: str, ids: Iterable[str], *, ask_again: bool) -> list[Company]:
        """The companies of these customers or vendors, asking the service about those never asked about.

        With `ask_again` also about those that had no company contact then.
        """
        wanted = sorted(set(ids))
        known = await self._services.companies.of_records(mapping, wanted)
        settled = {one: company for one, company in known.items() if company.number is not None or not ask_again}
        unknown = [one for one in wanted if one not in settled]
        return [*settled.values(), *await self._ask(mapping, unknown)]

    async def _ask(self, mapping: str, ids: Sequence[str]) -> list[Company]:
        if not ids:
            return []
        stored = await self._services.mappings.get(mapping)
        if stored is None:
            return []
        table = self._services.table(Side.BUSINESS_CENTRAL, stored.mapping.business_central.table)
        numbers = await self._services.business_central.company_contacts(table, ids)
        companies = [Company(mapping, one, numbers.get(one)) for one in ids]
        await self._services.companies.save(companies)
        return companies
