"""What a queue holds: messages with their states and locks, and the locks of sessions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from infra.local.service_bus.messages import Content

Clock = Callable[[], int]


class State(IntEnum):
    """The states of a message, numbered as in the annotation `x-opt-message-state`."""

    ACTIVE = 0
    DEFERRED = 1
    SCHEDULED = 2


@dataclass(slots=True, eq=False)
class SessionLock:
    """The right of one receiver (`owner`) to the messages of one session, until a time."""

    session_id: str
    owner: str
    until: int
    on_lost: Callable[[], None]
    messages: dict[UUID, Message] = field(default_factory=dict)


@dataclass(slots=True)
class Lock:
    """The right to settle one message. A message of a session is locked as long as its session is."""

    token: UUID
    expires_at: int
    session: SessionLock | None = None

    @property
    def until(self) -> int:
        """When the lock ends, if nobody renews it."""
        return self.expires_at if self.session is None else self.session.until


@dataclass(slots=True, eq=False)
class Message:
    """One message in a queue. `delivery_count` counts the deliveries that failed."""

    sequence_number: int
    content: Content
    enqueued_at: int
    state: State = State.ACTIVE
    activates_at: int | None = None
    expires_at: int | None = None
    delivery_count: int = 0
    lock: Lock | None = None
    dead_letter_source: str | None = None

    @property
    def due(self) -> int | None:
        """When something happens to the message by itself: its lock ends, it becomes active, or it expires."""
        if self.lock is not None:
            return self.lock.expires_at if self.lock.session is None else None
        # A deferred message stays until somebody asks for it, even when its time to live is over.
        return {State.ACTIVE: self.expires_at, State.SCHEDULED: self.activates_at, State.DEFERRED: None}[self.state]
