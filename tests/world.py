"""A whole app over the in-memory ports, on a clock of its own: what tests of the use cases play with."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from shared.core.jobs import Job, Trigger
from shared.core.mapping import Mapping
from shared.core.sides import Direction, Side
from shared.core.tables import Table, Value, Values
from shared.defaults import standard_mappings, standard_tables
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from shared.memory.queue import MemoryQueue
from shared.memory.state import MemoryState
from shared.services.context import Facts, Policy, Services
from shared.services.mapping_settings import enabled_mappings
from shared.services.repositories.work_items import WorkItem
from shared.services.requests import request_synchronization
from shared.services.run_slice import run_slice

TABLES = standard_tables()
ACCOUNT = TABLES[(Side.DATAVERSE, "account")]
CONTACT = TABLES[(Side.DATAVERSE, "contact")]
USER = TABLES[(Side.DATAVERSE, "systemuser")]
CURRENCY_ROW = TABLES[(Side.DATAVERSE, "transactioncurrency")]
CUSTOMERS = TABLES[(Side.BUSINESS_CENTRAL, "customers")]
VENDORS = TABLES[(Side.BUSINESS_CENTRAL, "vendors")]
CONTACTS = TABLES[(Side.BUSINESS_CENTRAL, "contacts")]
SALESPEOPLE = TABLES[(Side.BUSINESS_CENTRAL, "salespeoplePurchasers")]
COMPANY = TABLES[(Side.BUSINESS_CENTRAL, "companyInformation")]
PAYMENT_TERMS = TABLES[(Side.BUSINESS_CENTRAL, "paymentTerms")]
CURRENCIES = TABLES[(Side.BUSINESS_CENTRAL, "currencies")]


@dataclass
class World:
    """Both systems, storage, queue and app. Nothing moves unless a test says so."""

    policy: Policy = field(default_factory=Policy)
    mappings: tuple[Mapping, ...] = field(default_factory=standard_mappings)

    def __post_init__(self) -> None:
        self.clock = SettableClock()
        self.business_central = MemoryBusinessCentral(self.clock, SequentialIds(1))
        self.dataverse = MemoryDataverse(self.clock, SequentialIds(2))
        self.ids = SequentialIds(3)
        self.state = MemoryState()
        self.queue = MemoryQueue(self.clock)
        self.services = self.instance()
        self.business_central.put(COMPANY, {"displayName": "Contoso", "currencyCode": "EUR"})
        self.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "EUR", "currencyname": "Euro", "currencysymbol": "€"})

    def instance(self) -> Services:
        """Another instance of the app over the same world."""
        return Services(
            connection="default",
            business_central=self.business_central,
            dataverse=self.dataverse,
            state=self.state,
            queue=self.queue,
            clock=self.clock,
            ids=self.ids,
            tables=TABLES,
            standard_mappings=self.mappings,
            facts=Facts(self.clock),
            policy=self.policy,
        )

    async def change(self, name: str, **values: object) -> None:
        """Change a mapping's settings."""
        stored = await self.services.mappings.get(name)
        assert stored is not None
        await self.services.mappings.save(stored.mapping.model_copy(update=values), stored.etag)

    async def open_all(self) -> None:
        """Switch Synch. Only Coupled Records off everywhere."""
        for stored in await self.services.mappings.all():
            await self.change(stored.mapping.name, synch_only_coupled_records=False)

    async def synchronize(self, *names: str) -> dict[tuple[str, Direction], Job]:
        """Run these mappings (all when none is named) to their end; the jobs by mapping and direction."""
        stored = enabled_mappings(await self.services.mappings.all())
        chosen = [mapping for mapping in stored if not names or mapping.name in names]
        request = await request_synchronization(self.services, chosen, Trigger.PERSON)
        await self.work_off()
        self.clock.advance(minutes=1)
        jobs = await self.services.jobs.get_many(list(request.jobs))
        assert all(job.status.ended for job in jobs), [(job.mapping, job.status) for job in jobs]
        return {(job.mapping, job.direction): job for job in jobs}

    async def work_off(self) -> None:
        """Deliver messages until none is left, letting time pass for the scheduled ones."""
        for _ in range(10_000):
            delivery = self.queue.receive()
            if delivery is not None:
                await run_slice(self.services, delivery.message.body)
                self.queue.complete(delivery)
            elif (due := self.queue.next_due()) is not None:
                self.clock.set(max(due, self.clock.now()))
            else:
                return
        raise AssertionError("the queue never becomes empty")

    async def items(self, name: str) -> list[WorkItem]:
        """What is not in step in a mapping."""
        return list((await self.services.work_items(name).all()).values())

    @property
    def written(self) -> Counter[tuple[str, str]]:
        """What the app has written so far, on both sides."""
        return self.business_central.written + self.dataverse.written

    def account(self, **values: Value) -> str:
        """A person creates an active customer account."""
        return self.dataverse.put(ACCOUNT, {"customertypecode": 3, "statecode": 0, **values})

    def customer(self, **values: Value) -> str:
        """A person creates a customer."""
        return self.business_central.put(CUSTOMERS, dict(values))

    def row(self, table: Table, record_id: str) -> Values:
        """A row as it is now."""
        side = self.business_central if table.side is Side.BUSINESS_CENTRAL else self.dataverse
        return side.rows(table)[record_id]

    def only(self, table: Table) -> Values:
        """The one row of a table."""
        side = self.business_central if table.side is Side.BUSINESS_CENTRAL else self.dataverse
        (values,) = side.rows(table).values()
        return values
