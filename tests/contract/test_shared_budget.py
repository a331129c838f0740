"""One principal, several instances: the port's part in it on every store, and two instances before one service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from infra.local.business_central import server as business_central_server
from infra.local.dataverse import server as dataverse_server
from shared.adapters.business_central import BusinessCentral
from shared.adapters.dataverse import Dataverse
from shared.adapters.gate import RetryPolicy
from shared.adapters.system import RandomIds
from shared.adapters.table_storage import TableStorage
from shared.adapters.tokens import FixedToken
from shared.core.budget import REFRESH_EVERY, WHOLE
from shared.core.failures import Passing
from shared.core.sides import Side
from shared.defaults import standard_tables
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from shared.memory.queue import MemoryQueue
from shared.ports import Clock, RowStore
from shared.services.context import Facts, Services
from tests.contract.simulator_control import Control

TABLES = standard_tables()
CURRENCIES = {Side.BUSINESS_CENTRAL: TABLES["business_central", "currencies"]}
CURRENCIES[Side.DATAVERSE] = TABLES["dataverse", "transactioncurrency"]
CUSTOMERS = TABLES["business_central", "customers"]
IMPATIENT = RetryPolicy(patience=5.0, first_wait=0.02, longest_wait=0.1)
MINUTE = timedelta(minutes=1)


class HurriedClock:
    """The time of this machine, and as much more as a test wants."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Bench:
    """A store, the time that it goes by, and a way to have the service tell it to pause for a minute."""

    store: RowStore
    clock: Clock
    throttle: Callable[[], Awaitable[None]]

    async def ask(self) -> None:
        """Ask the service for something."""
        await self.store.all(CURRENCIES[self.store.side], [])


@asynccontextmanager
async def memory(kind: type[MemoryBusinessCentral | MemoryDataverse]) -> AsyncIterator[Bench]:
    clock = SettableClock()
    store = kind(clock, SequentialIds(1))

    async def throttle() -> None:
        store.throttle(60)

    yield Bench(store, clock, throttle)


@asynccontextmanager
async def business_central_served() -> AsyncIterator[Bench]:
    async with business_central_server.serving() as running:
        tokens = FixedToken(running.token, running.url)
        store = BusinessCentral(running.url, running.company_id, tokens, policy=IMPATIENT)
        yield served(store, running.url)
        await store.aclose()


@asynccontextmanager
async def dataverse_served() -> AsyncIterator[Bench]:
    async with dataverse_server.serving() as running:
        store = Dataverse(running.url, FixedToken(running.token, running.url), policy=IMPATIENT)
        yield served(store, running.url)
        await store.aclose()


def served(store: RowStore, url: str) -> Bench:
    async def throttle() -> None:
        await Control(url).trouble(status=429, headers={"Retry-After": "60"})
        with pytest.raises(Passing):
            await bench.ask()

    bench = Bench(store, HurriedClock(), throttle)
    return bench


STORES = {
    "business central memory": lambda: memory(MemoryBusinessCentral),
    "business central simulator": business_central_served,
    "dataverse memory": lambda: memory(MemoryDataverse),
    "dataverse simulator": dataverse_served,
}


@pytest.fixture(params=STORES)
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    async with STORES[request.param]() as bench:
        yield bench


async def test_what_others_were_told_is_heeded_until_they_are_told_otherwise(bench: Bench) -> None:
    bench.store.allow(WHOLE, bench.clock.now() + MINUTE)
    with pytest.raises(Passing) as refused:
        await bench.ask()
    assert refused.value.retry_after == pytest.approx(60, abs=5)
    assert bench.store.paused_until() is None, "this process itself was told nothing"
    bench.store.allow(WHOLE, None)
    await bench.ask()


async def test_what_the_service_tells_this_process_can_be_passed_on(bench: Bench) -> None:
    assert bench.store.paused_until() is None
    await bench.throttle()
    until = bench.store.paused_until()
    assert until is not None
    assert (until - bench.clock.now()).total_seconds() == pytest.approx(60, abs=5)
    bench.store.allow(WHOLE, None)
    assert bench.store.paused_until() is not None, "what others know does not undo it"


# Two instances before one service


class Instance:
    """An instance of the app: like a process of its own it has an event loop of its own, hence its own gates."""

    def __init__(self, running: business_central_server.Running, storage: str, connection: str, clock: Clock) -> None:
        self._runner = asyncio.Runner()
        self._store = BusinessCentral(
            running.url, running.company_id, FixedToken(running.token, running.url), policy=IMPATIENT
        )
        self._services = Services(
            connection=connection,
            business_central=self._store,
            dataverse=MemoryDataverse(clock, SequentialIds(1)),
            state=TableStorage(connection_string=storage),
            queue=MemoryQueue(clock),
            clock=clock,
            ids=RandomIds(),
            tables=TABLES,
            standard_mappings=(),
            facts=Facts(clock),
        )

    async def refresh(self) -> None:
        """Consult the budget."""
        await self._run(self._services.budget.refresh(self._services))

    async def ask(self, times: int = 1) -> None:
        """Read so often, all at once."""

        async def read() -> None:
            await asyncio.gather(*(self._store.find(CUSTOMERS, [], "displayName", [f"{n}"]) for n in range(times)))

        await self._run(read())

    async def stop(self) -> None:
        """Close everything."""
        await self._run(self._services.state.aclose())  # type: ignore[attr-defined]
        await self._run(self._store.aclose())
        await asyncio.to_thread(self._runner.close)

    async def _run[T](self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.to_thread(self._runner.run, work)


@dataclass
class Pair:
    """Two instances over one storage, and the service before them."""

    first: Instance
    second: Instance
    control: Control
    clock: HurriedClock

    async def refresh(self) -> None:
        """Each consults the budget, as soon as the time for it has come; the first hears of the second."""
        for instance in (self.first, self.second, self.first):
            self.clock.ahead += REFRESH_EVERY
            await instance.refresh()

    async def ask(self) -> dict[str, int]:
        """Both ask at once for more than there is; what the service counted."""
        await self.control.forget()
        await asyncio.gather(self.first.ask(15), self.second.ask(15))
        counted: dict[str, int] = await self.control.stats()
        return counted


@pytest.fixture
async def pair(azurite: str) -> AsyncIterator[Pair]:
    async with business_central_server.serving() as running, AsyncExitStack() as stack:
        clock, connection = HurriedClock(), uuid4().hex
        instances = [Instance(running, azurite, connection, clock) for _ in range(2)]
        for instance in instances:
            stack.push_async_callback(instance.stop)
        yield Pair(*instances, Control(running.url), clock)


@pytest.mark.stack
async def test_two_instances_together_ask_for_no_more_than_the_user_is_granted(pair: Pair) -> None:
    await pair.control.conditions(latency_ms=20)
    assert (await pair.ask())["most_waiting"] > 1, "who does not know of the other takes everything"
    await pair.refresh()
    await pair.control.conditions(limits={"concurrent": 5})  # nobody may even wait in line
    counted = await pair.ask()
    assert (counted["requests"], counted["throttled"]) == (30, 0)


@pytest.mark.stack
async def test_a_429_that_one_has_met_pauses_the_other(pair: Pair) -> None:
    await pair.second.ask()
    await pair.control.conditions(refuse=[{"status": 429, "headers": {"Retry-After": "600"}}])
    with pytest.raises(Passing):
        await pair.first.ask()
    await pair.refresh()
    await pair.control.forget()
    with pytest.raises(Passing) as refused:
        await pair.second.ask()
    assert refused.value.retry_after == pytest.approx(600, abs=5)
    assert (await pair.control.stats())["requests"] == 0
