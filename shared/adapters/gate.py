"""The gate before a service: how many requests may be under way at once, and when the service asked for a pause.

One gate per service, user and process: what a service asks of one caller (Retry-After, parallelism) it asks of the user
behind all of them.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from shared.core.budget import WHOLE, Share
from shared.core.failures import Passing
from shared.core.sides import Side


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long one request may wait in all, and the exponential back-off where a service names no time (seconds)."""

    patience: float = 60.0
    first_wait: float = 1.0
    longest_wait: float = 20.0

    def backoff(self, attempt: int) -> float:
        """The wait after the given attempt (0 is the first), with jitter."""
        return min(self.longest_wait, self.first_wait * 2.0 ** min(attempt, 30)) * random.uniform(0.5, 1.0)


class Patience:
    """What one request has left to wait. The time that the service works on it does not count."""

    def __init__(self, seconds: float, side: Side) -> None:
        self._whole = seconds
        self._left = seconds
        self._side = side

    def spend(self, seconds: float, why: str) -> None:
        """Use some of it up. Raises Passing with the wait as `retry_after` when that is more than is left."""
        if seconds > self._left:
            message = f"{self._side.product} {why}; waiting {seconds:.0f} s more is beyond one run's patience."
            raise Passing(message, side=self._side, code="patience", retry_after=seconds)
        self._left -= seconds

    def spend_on_silence(self, why: str) -> None:
        """Pay for an attempt that timed out: half of the whole, so that a service that hangs is asked twice."""
        self.spend(self._whole / 2, why)


class Gate:
    """Lets this instance's share of the user's `limit` requests through at once, and none while a pause lasts."""

    def __init__(self, limit: int) -> None:
        self._granted = limit
        self._share = WHOLE
        self._limit = limit
        self._surplus = 0  # slots to withhold, because the limit sank while they were in use
        self._slots = asyncio.Semaphore(limit)
        self._told_until = 0.0  # by the service
        self._held_until = 0.0  # by what other instances were told

    @property
    def limit(self) -> int:
        """How many requests may be under way at once."""
        return self._limit

    @property
    def seconds_told(self) -> float:
        """How much longer the service itself wants nobody to start; not above 0 when it does not."""
        return self._told_until - time.monotonic()

    def allow(self, limit: int) -> None:
        """Change how many requests of the user may be under way at once."""
        self._granted = max(1, limit)
        self._resize(self._share.of(self._granted))

    def share(self, share: Share) -> None:
        """Change which part of that is this instance's."""
        self._share = share
        self._resize(share.of(self._granted))

    def _resize(self, limit: int) -> None:
        more = limit - self._limit
        self._limit += more
        self._surplus -= more
        while self._surplus < 0:
            self._surplus += 1
            self._slots.release()

    def pause(self, seconds: float) -> None:
        """Let nobody start for so long: the service says so."""
        self._told_until = max(self._told_until, time.monotonic() + seconds)

    def hold(self, seconds: float) -> None:
        """Let nobody start for so long, and no longer for what was heard before: the service said so to others."""
        self._held_until = time.monotonic() + seconds

    @asynccontextmanager
    async def passage(self, patience: Patience) -> AsyncIterator[None]:
        """Hold a slot while the body runs. Waiting for an own slot is free, waiting for a pause to end is not."""
        await self._enter()
        try:
            while (wait := max(self._told_until, self._held_until) - time.monotonic()) > 0:
                patience.spend(wait, "is throttling")
                await asyncio.sleep(wait)
            yield
        finally:
            self._leave()

    async def _enter(self) -> None:
        await self._slots.acquire()
        while self._surplus > 0:  # this slot is one too many now: keep it, and wait for another
            self._surplus -= 1
            await self._slots.acquire()

    def _leave(self) -> None:
        if self._surplus > 0:
            self._surplus -= 1
        else:
            self._slots.release()


_gates: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, Gate]] = WeakKeyDictionary()


def gate_of(account: str, limit: int) -> Gate:
    """The gate of a service for one of its users in this process; `limit` is where a new one starts."""
    gates = _gates.setdefault(asyncio.get_running_loop(), {})
    if account not in gates:
        gates[account] = Gate(limit)
    return gates[account]
