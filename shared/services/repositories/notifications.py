"""What people were told of a connection."""

from __future__ import annotations

from shared.core.notifications import Desk
from shared.ports import StateStore
from shared.services.repositories.documents import Shape
from shared.services.repositories.one_document import OneDocument

TABLE = "notifications"
DESK = Shape(Desk, "state of the notifications")


def desk_of(state: StateStore, connection: str) -> OneDocument[Desk]:
    """What was told so far."""
    return OneDocument(state, connection, TABLE, "desk", DESK, Desk)
