"""The full synchronization review of a connection."""

from __future__ import annotations

from shared.core.full_synchronization import Review
from shared.ports import StateStore
from shared.services.repositories.documents import Shape
from shared.services.repositories.one_document import OneDocument

TABLE = "fullsynchronizations"
REVIEW = Shape(Review, "full synchronization review")


def review_in(state: StateStore, connection: str) -> OneDocument[Review]:
    """The review; one without lines where nobody has asked for a full synchronization yet."""
    return OneDocument(state, connection, TABLE, "review", REVIEW, Review)
