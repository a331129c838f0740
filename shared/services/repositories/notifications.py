"""What people were told of a connection: one document."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.notifications import Desk
from shared.ports import Insert, Put, StateConflict, StateStore
from shared.services.repositories.documents import Shape

TABLE = "notifications"
KEY = "desk"
DESK = Shape(Desk, "state of the notifications")


@dataclass(frozen=True, slots=True)
class StoredDesk:
    """The desk and its version; None: nothing is stored yet."""

    desk: Desk
    etag: str | None


class NotificationRepository:
    """Reads and changes it."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._connection = connection

    async def get(self) -> StoredDesk:
        """What was told so far."""
        row = await self._state.get(TABLE, self._connection, KEY)
        return StoredDesk(DESK.unpack(row.body), row.etag) if row else StoredDesk(Desk(), None)

    async def save(self, desk: Desk, stored: StoredDesk) -> StoredDesk | None:
        """Store it unless somebody else did since it was read: then None, for that one does what is to be done."""
        body = DESK.pack(desk)
        change = Insert(KEY, body) if stored.etag is None else Put(KEY, body, stored.etag)
        try:
            etags = await self._state.transact(TABLE, self._connection, [change])
        except StateConflict:
            return None
        return StoredDesk(desk, etags[KEY])
