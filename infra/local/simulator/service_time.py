"""How long a request takes by order: a deadline that its answer keeps, and the slot that it occupies until then."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Latency:
    """Stated service time in milliseconds: of a request, and in addition of each of its operations and pages.

    An operation is a row written (a single write, a part of a batch, a target of a bulk message), or any other part
    of a batch; a page is an answer with a list or a count.
    """

    request_ms: float = 0
    operation_ms: float = 0
    page_ms: float = 0


@dataclass
class Meter:
    """What one request has asked of the service so far; `delay_ms` is what ordered faults add."""

    operations: int = 0
    pages: int = 0
    rows_read: int = 0
    delay_ms: float = 0
    started: float = field(default_factory=time.monotonic)

    def stated_ms(self, latency: Latency) -> float:
        """Answer how long the request takes where the real work takes less."""
        of_parts = self.operations * latency.operation_ms + self.pages * latency.page_ms
        return latency.request_ms + of_parts + self.delay_ms

    def start(self) -> None:
        """The request is worked on from now on; what it waited for a slot is no service time."""
        self.started = time.monotonic()

    @property
    def taken_ms(self) -> float:
        """How long the request has been worked on."""
        return (time.monotonic() - self.started) * 1000


class Slots:
    """The requests of one caller that are worked on at once; whoever finds none free waits in line."""

    def __init__(self) -> None:
        self._taken = 0
        self._line: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def one(self, most: int) -> AsyncIterator[None]:
        """Hold a slot of at most `most` while the block runs."""
        await self._take(most)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, most: int) -> None:
        if self._taken < most and not self._line:
            self._taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        while self._line:
            turn = self._line.popleft()
            if not turn.done():
                # The slot passes on: whoever comes in between has no chance to take it.
                turn.set_result(None)
                return
        self._taken -= 1
