"""The app in the bench's own process: its use cases and real connectors, with a state and a queue of the bench's.

Every request of the connectors is counted where it leaves; what the simulators counted is compared with it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Protocol

import httpx

from infra.local.bench.simulators import BenchError, Simulators
from shared.adapters.business_central import BusinessCentral
from shared.adapters.dataverse import Dataverse
from shared.adapters.http import new_client
from shared.adapters.tokens import FixedToken
from shared.bootstrap import services_from
from shared.core.jobs import Job, JobStatus, Trigger
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.memory.queue import MemoryQueue
from shared.ports import StateStore
from shared.services.context import Services
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice

# Named but never spoken to: the bench has a state and a queue of its own.
_ELSEWHERE = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "ServiceBusConnection": "Endpoint=sb://localhost;SharedAccessKeyName=bench;SharedAccessKey=none",
}


class CountingState(StateStore, Protocol):
    """A state store that counts the transactions that Table Storage bills, by kind."""

    transactions: Counter[str]

    async def aclose(self) -> None:
        """Let go of what it holds."""
        ...


@dataclass(frozen=True)
class Run:
    """One run of one or more mappings: seconds of each message, processor time of all, jobs."""

    slices: Sequence[float]
    processor_seconds: float
    jobs: Sequence[Job]

    @property
    def seconds(self) -> float:
        """From the first message to the last."""
        return sum(self.slices)


class App:
    """The wired app and what it asks of the services; `calls` counts requests by side."""

    def __init__(self, simulators: Simulators, state: CountingState) -> None:
        self.calls: Counter[Side] = Counter()
        self.state = state
        self._clients = {side: self._client(side) for side in Side}
        wired = services_from(simulators.settings | _ELSEWHERE)
        here, there = simulators.business_central, simulators.dataverse
        self.queue = MemoryQueue(wired.clock, lock=timedelta(hours=1))
        self.services: Services = replace(
            wired,
            business_central=BusinessCentral(
                here.url,
                here.company_id,
                FixedToken(here.token, here.url),
                client=self._clients[Side.BUSINESS_CENTRAL],
            ),
            dataverse=Dataverse(there.url, FixedToken(there.token, there.url), client=self._clients[Side.DATAVERSE]),
            state=state,
            queue=self.queue,
        )

    async def aclose(self) -> None:
        """Let go of the services and the state."""
        for client in self._clients.values():
            await client.aclose()
        await self.state.aclose()

    def forget_counts(self) -> None:
        """Count from zero."""
        self.calls.clear()
        self.state.transactions.clear()

    async def configure(self, name: str, **changes: Any) -> Mapping:
        """Change settings of a mapping; answers it."""
        stored = await self.services.mappings.get(name)
        if stored is None:
            raise BenchError(f"there is no mapping {name}")
        return (await self.services.mappings.save(stored.mapping.model_copy(update=changes), stored.etag)).mapping

    async def run(self, mappings: Sequence[Mapping], trigger: Trigger = Trigger.TIMER) -> Run:
        """Ask for a run and work off its messages. Raises BenchError when a job of it failed."""
        request = await request_synchronization(self.services, mappings, trigger)
        used = time.process_time()
        slices = await self.work_off()
        used = time.process_time() - used
        jobs = await self.services.jobs.get_many(list(request.jobs))
        for job in jobs:
            if job.status is not JobStatus.SUCCEEDED or job.counters.failed or job.counters.skipped:
                raise BenchError(f"{job.mapping} {job.direction}: {job.status} {job.message} {job.counters}")
        return Run(slices, used, jobs)

    async def settle(self, mappings: Sequence[Mapping]) -> None:
        """Let these mappings come to rest, whatever their records need: twice, for the second run sees the first's."""
        for _ in range(2):
            await request_synchronization(self.services, mappings, Trigger.PERSON)
            await self.work_off()

    async def tick(self) -> list[float]:
        """What the timer sets off while every mapping is due: the seconds of the timer, then of each message."""
        for stored in await self.services.mappings.all():
            runs = self.services.runs(stored.mapping.name)
            state = await runs.state()
            await runs.save(replace(state, next_due_at=self.services.clock.now()))
        self.forget_counts()
        started = time.perf_counter()
        await enqueue_due(self.services)
        return [time.perf_counter() - started, *await self.work_off()]

    async def work_off(self) -> list[float]:
        """Take message after message, each when it is due, until there is none; answers the seconds of each."""
        seconds = []
        while (due := self.queue.next_due()) is not None:
            started = time.perf_counter()
            await asyncio.sleep(max(0.0, (due - self.services.clock.now()).total_seconds()))
            if (delivery := self.queue.receive()) is not None:
                await run_slice(self.services, delivery.message.body)
                self.queue.complete(delivery)
                seconds.append(time.perf_counter() - started)
        return seconds

    def _client(self, side: Side) -> httpx.AsyncClient:
        async def count(_: httpx.Request) -> None:
            self.calls[side] += 1

        client = new_client()
        client.event_hooks = {"request": [count]}
        return client
