"""The full synchronization review of a connection: one document, changed only over the version that was read."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.full_synchronization import Review
from shared.ports import Insert, Put, StateStore
from shared.services.repositories.documents import Shape

TABLE = "fullsynchronizations"
KEY = "review"
REVIEW = Shape(Review, "full synchronization review")


@dataclass(frozen=True, slots=True)
class StoredReview:
    """The review and its version, None before it is stored."""

    review: Review
    etag: str | None


class ReviewRepository:
    """The review of one connection."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._connection = connection

    async def get(self) -> StoredReview:
        """The review; one without lines where nobody has asked for a full synchronization yet."""
        row = await self._state.get(TABLE, self._connection, KEY)
        return StoredReview(REVIEW.unpack(row.body), row.etag) if row else StoredReview(Review(), None)

    async def save(self, review: Review, etag: str | None) -> None:
        """Replace the review that was read at that version. Raises StateConflict."""
        body = REVIEW.pack(review)
        change = Insert(KEY, body) if etag is None else Put(KEY, body, etag)
        await self._state.transact(TABLE, self._connection, [change])
