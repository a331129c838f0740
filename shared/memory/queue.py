"""The job queue in memory: `ports.JobQueue`, and what a test or a trial needs to work it off, on a clock of its own."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from shared.ports import Check, Clock, JobMessage

MAX_ID = 128  # characters of a message id or session id (Service Bus quotas)
MAX_SIZE = 256 * 1024  # bytes of a message (Standard tier)
VERSION = 1


class LockLost(Exception):
    """The message is no longer held by this delivery: its lock ran out, or it was settled."""


@dataclass(slots=True, eq=False)
class Delivery:
    """A message in somebody's hands. `count` is 1 on the first delivery; `reason` says why it is a dead letter.

    Each delivery of a message is an object of its own: who held it before has no say any more.
    """

    message: JobMessage
    due: datetime
    number: int
    count: int = 0
    locked_until: datetime | None = None
    reason: str = ""


@dataclass
class MemoryQueue:
    """A queue with sessions, duplicate detection, schedules, locks and dead letters, as Service Bus has them.

    One message of a session is delivered at a time, in order; a message whose lock ran out is delivered again, and
    after `max_deliveries` it becomes a dead letter, as does one that nobody took within `time_to_live` of falling due.
    Defaults are the properties of the app's own queue. `calls` counts the calls of each method.
    """

    clock: Clock
    lock: timedelta = timedelta(minutes=1)
    max_deliveries: int = 5
    duplicate_window: timedelta = timedelta(minutes=5)
    time_to_live: timedelta = timedelta(hours=1)
    dead: list[Delivery] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    _waiting: list[Delivery] = field(default_factory=list)
    _seen: dict[str, datetime] = field(default_factory=dict)
    _sent: int = 0

    async def send(self, message: JobMessage, *, not_before: datetime | None = None) -> None:
        """Add one message, due now or at a time; not the same id twice within the window. Raises ValueError."""
        self.calls["send"] += 1
        copy = _checked(message)
        now = self.clock.now()
        self._seen = {key: at for key, at in self._seen.items() if now - at < self.duplicate_window}
        if message.id in self._seen:
            return
        self._seen[message.id] = now
        self._sent += 1
        due = max(now, not_before.astimezone(UTC)) if not_before else now
        self._waiting.append(Delivery(copy, due, self._sent))

    async def check(self) -> list[Check]:
        """Always well."""
        return [Check("Queue in memory", True, "Messages are lost when the process ends.")]

    async def aclose(self) -> None:
        """Nothing to close."""

    @property
    def waiting(self) -> list[JobMessage]:
        """The messages that are neither settled nor in somebody's hands, in the order in which they fall due."""
        self._take_back()
        return [delivery.message for delivery in self._in_order() if delivery.locked_until is None]

    def next_due(self) -> datetime | None:
        """When the next waiting message can be received: where a virtual clock may jump to."""
        self._take_back()
        return min((delivery.due for delivery in self._waiting if delivery.locked_until is None), default=None)

    def next_unlock(self) -> datetime | None:
        """When the next lock runs out if nobody renews it."""
        self._take_back()
        return min((delivery.locked_until for delivery in self._waiting if delivery.locked_until), default=None)

    def receive(self, session: str | None = None) -> Delivery | None:
        """Take the first due message whose session nobody holds (or of this `session`) and lock it, or None."""
        self._take_back()
        now = self.clock.now()
        held = {delivery.message.session for delivery in self._waiting if delivery.locked_until}
        for delivery in self._in_order():
            wanted = session in (None, delivery.message.session)
            if wanted and delivery.due <= now and delivery.message.session not in held:
                return self._replace(delivery, count=delivery.count + 1, locked_until=now + self.lock)
        return None

    def renew(self, delivery: Delivery) -> None:
        """Hold the message for another lock duration. Raises LockLost."""
        self._held(delivery).locked_until = self.clock.now() + self.lock

    def complete(self, delivery: Delivery) -> None:
        """Done: remove the message. Raises LockLost."""
        self._waiting.remove(self._held(delivery))

    def abandon(self, delivery: Delivery) -> None:
        """Not done: give the message back, for the last time as a dead letter. Raises LockLost."""
        self._give_back(self._held(delivery))

    def dead_letter(self, delivery: Delivery, reason: str) -> None:
        """Set the message aside for a person. Raises LockLost."""
        self._set_aside(self._held(delivery), reason)

    def lose_lock(self, delivery: Delivery) -> None:
        """The service gives up a session whose receiver it has lost sight of; that one goes on without knowing."""
        if delivery in self._waiting and delivery.locked_until is not None:
            self._give_back(delivery)

    def _in_order(self) -> list[Delivery]:
        return sorted(self._waiting, key=lambda delivery: (delivery.due, delivery.number))

    def _held(self, delivery: Delivery) -> Delivery:
        self._take_back()
        if delivery.locked_until is None or delivery not in self._waiting:
            raise LockLost(f"message {delivery.message.id} is no longer held")
        return delivery

    def _take_back(self) -> None:
        now = self.clock.now()
        for delivery in [each for each in self._waiting if each.locked_until and each.locked_until <= now]:
            self._give_back(delivery)
        for delivery in [
            each for each in self._waiting if not each.locked_until and each.due + self.time_to_live <= now
        ]:
            self._set_aside(delivery, "TTLExpiredException")

    def _give_back(self, delivery: Delivery) -> None:
        if delivery.count < self.max_deliveries:
            self._replace(delivery, count=delivery.count, locked_until=None)
            return
        self._set_aside(delivery, "MaxDeliveryCountExceeded")

    def _set_aside(self, delivery: Delivery, reason: str) -> None:
        self._waiting.remove(delivery)
        delivery.reason = reason
        self.dead.append(delivery)

    def _replace(self, delivery: Delivery, *, count: int, locked_until: datetime | None) -> Delivery:
        new = replace(delivery, count=count, locked_until=locked_until)
        self._waiting[self._waiting.index(delivery)] = new
        return new


def _checked(message: JobMessage) -> JobMessage:
    """The message as a receiver will see it."""
    for name, value in (("message_id", message.id), ("session_id", message.session)):
        if len(value) > MAX_ID:
            raise ValueError(f"{name} cannot be longer than {MAX_ID} characters")
    text = json.dumps({"version": VERSION, **message.body}, ensure_ascii=False, allow_nan=False)
    if len(text.encode()) > MAX_SIZE:
        raise ValueError(f"a message has at most {MAX_SIZE:,} bytes")
    return JobMessage(message.id, message.session, json.loads(text))
