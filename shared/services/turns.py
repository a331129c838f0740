"""Who may write when: how much is under way to each service at once, and when a slice takes up nothing more.

Writes go out in portions. What is under way when time is up is waited for; Business Central takes a second for a few
records only, so its portions are small: what waits to be sent must never outlast the lock of the message.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from shared.core.failures import NeedsPerson, SyncFailure
from shared.core.sides import Side
from shared.ports import Clock

PORTION = {Side.BUSINESS_CENTRAL: 500, Side.DATAVERSE: 1000}  # writes
AT_ONCE = {Side.BUSINESS_CENTRAL: 3, Side.DATAVERSE: 8}  # portions
CHUNK = 500  # pairs that are decided together
CHUNK_OF_NEW = 1000  # new records: each request that creates is followed by one that reads what was created
CHUNKS_AT_ONCE = 12
STEPS_OF_A_REQUEST = 12  # so often it comes back to the event loop until it is sent


async def let_others_go_on() -> None:
    """In the midst of much to compute: requests under way come first, or a service would wait for us."""
    for _ in range(STEPS_OF_A_REQUEST):
        await asyncio.sleep(0)


class Turns:
    """The turns of one slice, which ends at `deadline`; the first portion always goes, so that every slice moves on."""

    def __init__(self, clock: Clock, deadline: datetime) -> None:
        self._clock = clock
        self._deadline = deadline
        self.failure: SyncFailure | None = None
        self._gone = False
        self._portions = {side: asyncio.Semaphore(number) for side, number in AT_ONCE.items()}
        self.chunks = asyncio.Semaphore(CHUNKS_AT_ONCE)
        self._deciding, self._pairing = asyncio.Lock(), asyncio.Lock()

    @property
    def is_over(self) -> bool:
        """Whether nothing more is taken up."""
        return self.failure is not None or self._clock.now() >= self._deadline

    def stop(self, failure: SyncFailure) -> None:
        """Take up nothing more: something has failed that concerns the whole slice. What needs a person comes first."""
        if self.failure is None or isinstance(failure, NeedsPerson):
            self.failure = failure

    @property
    def may_begin(self) -> bool:
        """Whether another chunk is worth deciding: something may still be sent, or nothing was sent yet."""
        return self.failure is None and not (self._gone and self.is_over)

    @contextlib.asynccontextmanager
    async def deciding(self) -> AsyncIterator[None]:
        """What takes a while to compute takes turns, so that what is decided goes out before more is decided."""
        async with self._deciding:
            yield

    @contextlib.asynccontextmanager
    async def pairing(self) -> AsyncIterator[None]:
        """The same for what is paired while it is found: those that decide and requests under way go first."""
        async with self._pairing:
            await let_others_go_on()
            async with self._deciding:
                yield

    async def take[T](self, side: Side, send: Callable[[], Awaitable[T]], *, again: bool) -> T | None:
        """Send one portion to `side` when it is its turn; None when time is up before that.

        What has to be done once more, because a row has moved meanwhile, is done: else it might never come to an end.
        """
        async with self._portions[side]:
            if self.failure is not None or not (again or self.may_begin):
                return None
            self._gone = True
            return await send()
