"""This instance's share of what the services grant: signs of life in the state store, and what follows from them.

Every instance writes one document and reads those of all others, at most every twenty seconds. What it learns it tells
its connectors: how many of the user's lanes are its own, and until when a service wants nobody of us.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.core.budget import REFRESH_EVERY, Instance, forgotten, pause_of, share_of
from shared.core.sides import Side
from shared.ports import Put, Remove
from shared.services.repositories.documents import Shape

if TYPE_CHECKING:
    from datetime import datetime

    from shared.services.context import Services

TABLE = "instances"
INSTANCE = Shape(Instance, "instance")


class Budget:
    """What one process needs to remember for it. All slices of the process share one."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._refreshed_at: datetime | None = None
        self._forgotten: list[str] = []

    async def refresh(self, services: Services) -> None:
        """Give a sign of life and heed the others', unless that was done a moment ago. Raises Passing.

        The own sign is written before the others' are read: of two instances that start at once one sees the other.
        """
        now = services.clock.now()
        if self._refreshed_at is not None and now - self._refreshed_at < REFRESH_EVERY:
            return
        self._refreshed_at = now
        self._id = self._id or services.ids.new()
        await self._give_sign(services, Instance(self._id, now, _pauses(services)))
        rows = await services.state.scan(TABLE, services.connection)
        instances = [INSTANCE.unpack(row.body) for row in rows]
        self._forgotten = forgotten(instances, now)
        for side in Side:
            services.rows(side).allow(share_of(self._id, instances, now), pause_of(side, instances, now))

    async def _give_sign(self, services: Services, sign: Instance) -> None:
        removals = [Remove(id) for id in self._forgotten]
        await services.state.transact(TABLE, services.connection, [Put(sign.id, INSTANCE.pack(sign)), *removals])


def _pauses(services: Services) -> dict[Side, datetime]:
    """Until when each service has told this process to pause."""
    pauses = ((side, services.rows(side).paused_until()) for side in Side)
    return {side: until for side, until in pauses if until is not None}
