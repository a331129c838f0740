"""This instance's share of what the services grant: signs of life in the state store, and what follows from them.

Every instance writes one document and reads those of all others, at most every twenty seconds. What it learns it tells
its connectors: how many of the user's lanes are its own, and until when a service wants nobody of us. Connections that
sign in to the same environment as the same user share what it grants, so they are counted together.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from shared.core.budget import ALIVE_FOR, REFRESH_EVERY, Instance, forgotten, pause_of, share_of
from shared.core.sides import Side
from shared.ports import Put, Remove, RowStore
from shared.services.repositories.documents import Shape

if TYPE_CHECKING:
    from datetime import datetime

    from shared.services.context import Services

TABLE = "instances"
PARTITION = "all connections"
"""No name of a connection: none has a blank."""
INSTANCE = Shape(Instance, "instance")


class Budget:
    """What one process needs to remember for it. All slices of the process share one, whatever their connection."""

    def __init__(self) -> None:
        self._id: str | None = None
        self._refreshed_at: datetime | None = None
        self._forgotten: list[str] = []
        self._stores: dict[tuple[str, Side], RowStore] = {}
        self._used_at: dict[tuple[str, Side], datetime] = {}

    async def refresh(self, services: Services) -> None:
        """Give a sign of life and heed the others', unless that was done a moment ago. Raises Passing.

        The own sign is written before the others' are read: of two instances that start at once one sees the other.
        """
        now = services.clock.now()
        is_known = self._note_use(services, now)
        if is_known and self._refreshed_at is not None and now - self._refreshed_at < REFRESH_EVERY:
            return
        self._refreshed_at = now
        self._id = self._id or services.ids.new()
        stores = self._stores_in_use(now)
        await self._give_sign(services, Instance(self._id, now, tuple(sorted(stores)), _pauses(stores)))
        rows = await services.state.scan(TABLE, PARTITION)
        instances = [INSTANCE.unpack(row.body) for row in rows]
        self._forgotten = forgotten(instances, now)
        for account, same in stores.items():
            for store in same:
                store.allow(share_of(self._id, account, instances, now), pause_of(account, instances, now))

    def _note_use(self, services: Services, now: datetime) -> bool:
        """Remember what this process works with; whether it has lately, so that the others count it already."""
        keys = [(services.connection, side) for side in Side]
        is_known = all(key in self._used_at and now - self._used_at[key] < ALIVE_FOR for key in keys)
        for key in keys:
            self._stores[key], self._used_at[key] = services.rows(key[1]), now
        return is_known

    def _stores_in_use(self, now: datetime) -> dict[str, list[RowStore]]:
        """The connectors by account; what was not used for long is left to the other instances."""
        stores: defaultdict[str, list[RowStore]] = defaultdict(list)
        for key, store in self._stores.items():
            if now - self._used_at[key] < ALIVE_FOR:
                stores[store.account].append(store)
        return dict(stores)

    async def _give_sign(self, services: Services, sign: Instance) -> None:
        removals = [Remove(id) for id in self._forgotten]
        await services.state.transact(TABLE, PARTITION, [Put(sign.id, INSTANCE.pack(sign)), *removals])


def _pauses(stores: dict[str, list[RowStore]]) -> dict[str, datetime]:
    """Until when each service has told this process to pause, by account."""
    told = {account: [store.paused_until() for store in same] for account, same in stores.items()}
    pauses = {account: [until for until in untils if until is not None] for account, untils in told.items()}
    return {account: max(untils) for account, untils in pauses.items() if untils}
