"""How the host's endless loops are told to stop without being torn out of what they do."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine


class Stop:
    """A request to stop that loops wait for, alone or beside something else."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    @property
    def is_requested(self) -> bool:
        return self._event.is_set()

    def request(self) -> None:
        self._event.set()

    async def within(self, seconds: float) -> bool:
        """Sleep that long; True as soon as the stop is requested."""
        try:
            await asyncio.wait_for(self._event.wait(), max(seconds, 0.0))
        except TimeoutError:
            return False
        return True

    async def or_result[T](self, work: Coroutine[object, object, T]) -> T | None:
        """The result of the work, or None when the stop came first; the work is cancelled then."""
        task = asyncio.ensure_future(work)
        stop = asyncio.ensure_future(self._event.wait())
        try:
            await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait((task,))
            return None
        finally:
            stop.cancel()
            task.cancel()
