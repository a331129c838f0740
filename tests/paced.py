"""A whole app over ports in memory that take the time the bench states, on a clock that jumps: what waiting costs.

Computing costs nothing here, so what is measured is which calls wait for which others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from itertools import batched
from typing import Any, cast

from infra.local.bench.ideal import LIMITS
from infra.local.bench.simulators import Latency
from shared.core.sides import Side
from shared.core.tables import Table
from shared.memory.rows import MemoryRows
from shared.memory.state import MemoryState
from shared.ports import BusinessCentralStore, DataverseStore, StateStore
from shared.services.context import Services
from tests.simulation.loop import SteppedLoop
from tests.world import World

LATENCY, STORAGE = Latency(), 0.008
_READING = ("changes", "read", "find")


class PacedRows:
    """A side whose calls take a request's time; writes go in batches, as many at a time as the service takes."""

    def __init__(self, rows: MemoryRows) -> None:
        self._rows = rows
        self._limits = LIMITS[rows.side]
        self._lanes = asyncio.Semaphore(self._limits.lanes)
        self.requests = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._rows, name)
        if name not in _READING:
            return found

        async def read(*asked: Any) -> Any:
            self.requests += 1
            await asyncio.sleep(LATENCY.request + LATENCY.page)
            return await found(*asked)

        return read

    async def write(self, table: Table, writes: Sequence[Any], returning: Sequence[str]) -> list[Any]:
        """See RowStore."""

        async def send(batch: Sequence[Any]) -> list[Any]:
            async with self._lanes:
                self.requests += 1
                await asyncio.sleep(LATENCY.request + len(batch) * LATENCY.operation)
                return await self._rows.write(table, batch, returning)

        answers = await asyncio.gather(*map(send, batched(writes, self._limits.batch, strict=False)))
        return [result for answer in answers for result in answer]


class PacedState:
    """The state, whose transactions take a while each."""

    def __init__(self, state: MemoryState) -> None:
        self._state = state

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._state, name)

        async def ask(*asked: Any, **named: Any) -> Any:
            await asyncio.sleep(STORAGE)
            return await found(*asked, **named)

        return ask


class PacedWorld(World):
    """The world, and how many seconds went by in it. Nothing takes time before `begin`."""

    def __post_init__(self) -> None:
        self.seconds = 0.0
        self._loop = SteppedLoop(lambda: self.seconds, self._idle)
        self.sides: dict[Side, PacedRows] = {}
        super().__post_init__()

    def begin(self) -> None:
        """From now on calls take their time; those of `unpaced` never do."""
        self.unpaced = self.services
        self.services = self._paced(self.services)

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """The result of some work on this clock. What it leaves undone is a mistake."""
        task = self._loop.create_task(work)
        self._loop.run()
        return cast(T, task.result())

    def _paced(self, services: Services) -> Services:
        self.sides = {side: PacedRows(cast(MemoryRows, services.rows(side))) for side in Side}
        return replace(
            services,
            business_central=cast(BusinessCentralStore, self.sides[Side.BUSINESS_CENTRAL]),
            dataverse=cast(DataverseStore, self.sides[Side.DATAVERSE]),
            state=cast(StateStore, PacedState(self.state)),
        )

    def _idle(self) -> bool:
        if (at := self._loop.next_timer()) is None:
            return False
        self.seconds = max(self.seconds, at)
        return self._loop.ring()
