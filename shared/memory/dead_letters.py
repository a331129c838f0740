"""The dead letters of the queue in memory: `ports.DeadLetters`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from shared.memory.queue import Delivery, MemoryQueue
from shared.ports import DeadLetter


class MemoryDeadLetters:
    """What `MemoryQueue.dead` has, in the order of the numbers under which it was sent."""

    def __init__(self, queue: MemoryQueue) -> None:
        self._queue = queue

    async def page(self, after: int | None, limit: int) -> list[DeadLetter]:
        """Dead letters beyond a number."""
        found = sorted((_dead_letter(one) for one in self._queue.dead), key=lambda one: one.number)
        return [one for one in found if one.number > (after or 0)][:limit]

    async def resubmit(self, numbers: Collection[int]) -> list[DeadLetter]:
        """Send these again and remove them."""
        moved = []
        for delivery in [one for one in self._queue.dead if one.number in set(numbers)]:
            first = delivery.message.id.partition(":again:")[0]
            await self._queue.send(replace(delivery.message, id=f"{first}:again:{delivery.number}"))
            self._queue.dead.remove(delivery)
            moved.append(_dead_letter(delivery))
        return moved


def _dead_letter(delivery: Delivery) -> DeadLetter:
    return DeadLetter(delivery.number, delivery.message, delivery.reason, "", delivery.due, delivery.count)
