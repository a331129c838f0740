"""The queues of one namespace: where an address leads, who gets which message, and the one timer for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.entities import Clock, Message, SessionLock
from infra.local.service_bus.errors import EntityNotFound
from infra.local.service_bus.queue import Queue
from infra.local.service_bus.tokens import SharedKey, entity_path

DEAD_LETTER_SUFFIX = "/$deadletterqueue"


def wall_clock() -> int:
    """Now, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


class Receiver(Protocol):
    """Somebody who receives from a queue: a link with credit."""

    @property
    def session(self) -> SessionLock | None:
        """The session that the receiver holds, in a queue with sessions."""

    @property
    def deletes(self) -> bool:
        """Whether messages are removed when they are handed out."""

    @property
    def can_take(self) -> bool:
        """Whether a message can be handed out now."""

    def take(self, message: Message) -> None:
        """Send the message to the client."""


class SessionSeeker(Protocol):
    """Somebody who waits for any free session of a queue."""

    def accept(self) -> bool:
        """Try to lock a session, and wait no more; False when none is free."""


class Outlet:
    """Hands the messages of one queue to its receivers in turn, and free sessions to those who wait for one."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.receivers: dict[Receiver, None] = {}
        self.seekers: dict[SessionSeeker, None] = {}

    def pump(self) -> None:
        """Hand out all that can be handed out now."""
        self.queue.expire()
        while self._accept_one():
            pass
        while self._hand_out_one():
            pass

    def _accept_one(self) -> bool:
        seeker = next(iter(self.seekers), None)
        return seeker is not None and seeker.accept()

    def _hand_out_one(self) -> bool:
        # A copy: when time takes a session away from a receiver, the receiver leaves at once.
        for receiver in list(self.receivers):
            if not receiver.can_take:
                continue
            message = self.queue.receive(receiver.session, delete=receiver.deletes)
            if message is not None:
                # To the end of the row: competing receivers take turns.
                self.receivers[receiver] = self.receivers.pop(receiver)
                receiver.take(message)
                return True
        return False


class Broker:
    """The namespace. Needs a running event loop from the first message on.

    Changes of a queue are collected and worked off at the end of the loop's turn. Then the timer is set to the earliest
    time at which something happens by itself; there is no other timer for messages, locks or schedules.
    """

    def __init__(self, queues: Iterable[QueueSettings], key: SharedKey, clock: Clock = wall_clock) -> None:
        self.key = key
        self.clock = clock
        self._outlets: dict[str, Outlet] = {}
        self._changed: dict[Outlet, None] = {}
        self._turn_is_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due: int | None = None
        self._is_closed = False
        settings = list(queues)
        for one in settings:
            self._add(one)
        for one in settings:
            if one.forward_dead_letters_to is not None:
                self.outlet(one.name).queue.forward_dead_letters_to = self.outlet(one.forward_dead_letters_to).queue

    def outlet(self, address: str) -> Outlet:
        """The queue, or dead-letter queue, at an address: a path, or a URI with one; case does not matter.

        Raises:
            EntityNotFound: there is none.
        """
        outlet = self._outlets.get(entity_path(address))
        if outlet is None:
            raise EntityNotFound(address)
        return outlet

    @property
    def queues(self) -> dict[str, Queue]:
        """Every queue and dead-letter queue by its path."""
        return {path: outlet.queue for path, outlet in self._outlets.items()}

    def close(self) -> None:
        """Stop the timer for good."""
        self._is_closed = True
        self._set_timer()

    def _add(self, settings: QueueSettings) -> None:
        path = entity_path(settings.name)
        beneath = replace(
            settings,
            name=settings.name + "/$DeadLetterQueue",
            requires_session=False,
            requires_duplicate_detection=False,
        )
        dead_letters = Queue(beneath, self.clock)
        self._serve(path + DEAD_LETTER_SUFFIX, dead_letters)
        self._serve(path, Queue(settings, self.clock, dead_letters))

    def _serve(self, path: str, queue: Queue) -> None:
        outlet = self._outlets[path] = Outlet(queue)
        queue.on_change = lambda: self._note(outlet)

    def _note(self, outlet: Outlet) -> None:
        self._changed[outlet] = None
        if not self._turn_is_scheduled:
            self._turn_is_scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._turn_is_scheduled = False
        changed, self._changed = self._changed, {}
        for outlet in changed:
            outlet.pump()
        self._set_timer()

    def _set_timer(self) -> None:
        dues = [at for outlet in self._outlets.values() if (at := outlet.queue.next_due) is not None]
        due = None if self._is_closed else min(dues, default=None)
        if due == self._timer_due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_due = due
        if due is not None:
            delay = max(due - self.clock(), 1) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_time)

    def _on_time(self) -> None:
        self._timer = self._timer_due = None
        for outlet in self._outlets.values():
            outlet.pump()
        self._set_timer()
