"""What a Service Bus queue does, without any protocol: locks, sessions, schedules, duplicates, dead letters.

Nothing here waits or looks at a clock of its own: `clock` says the time (milliseconds since the Unix epoch), and
whoever holds the queue calls `expire` when `next_due` has come. Every operation does so first, hence no answer depends
on how punctual that caller is.

Sources: "Message transfers, locks, and settlement", "Message sessions", "Message deferral", "Scheduled messages",
"Duplicate detection", "Dead-letter queues" and "Message expiration" in Microsoft's documentation.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from infra.local.service_bus.agenda import Agenda, DuplicateHistory
from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.entities import Clock, Lock, Message, SessionLock, State
from infra.local.service_bus.errors import (
    MessageLockLost,
    MessageNotFound,
    NotAllowed,
    SessionCannotBeLocked,
    SessionLockLost,
)
from infra.local.service_bus.messages import Content


class Queue:
    """A queue, or with `dead_letters=None` the dead-letter queue of one.

    `on_change` is called whenever a receiver may get something that it could not get before, and whenever `next_due`
    may be earlier than before.
    """

    def __init__(self, settings: QueueSettings, clock: Clock, dead_letters: Queue | None = None) -> None:
        self.settings = settings
        self.dead_letters = dead_letters
        self.forward_dead_letters_to: Queue | None = None
        self.on_change: Callable[[], None] = lambda: None
        self._clock = clock
        self._numbers = count(1)
        self._messages: dict[int, Message] = {}
        self._locks: dict[UUID, Message] = {}
        self._sessions: dict[str, SessionLock] = {}
        self._states: dict[str, tuple[bytes, int]] = {}
        self._history = DuplicateHistory(settings.duplicate_detection_window)
        # Heaps of sequence numbers, by session (None without sessions). An entry that is no longer true is skipped.
        self._ready: dict[str | None, list[int]] = {}
        # Sequence numbers and session ids: when to look at which.
        self._agenda: Agenda[int | str] = Agenda()

    # Sending

    def send(self, contents: list[Content]) -> list[int]:
        """Take all of `contents` or none; returns their sequence numbers, 0 for a duplicate that was dropped.

        Raises:
            NotAllowed: the queue requires sessions and a message has none.
        """
        self.expire()
        if self.settings.requires_session and any(not content.session_id for content in contents):
            raise NotAllowed(
                "The SessionId was not set on a message, and it cannot be sent to the entity. Entities that have "
                "session support enabled can only receive messages that have the SessionId set to a valid value."
            )
        return [0 if self._is_duplicate(content) else self._enqueue(content) for content in contents]

    def cancel_scheduled(self, sequence_numbers: Iterable[int]) -> None:
        """Remove scheduled messages: all of them or, when one is not found, none.

        Raises:
            MessageNotFound: a message does not exist or is not scheduled any more.
        """
        self.expire()
        for message in [self._in_state(number, State.SCHEDULED) for number in sequence_numbers]:
            self._remove(message)

    def _is_duplicate(self, content: Content) -> bool:
        if not self.settings.requires_duplicate_detection or content.message_id is None:
            return False
        return not self._history.is_new(content.message_id, self._clock())

    def _enqueue(self, content: Content, dead_letter_source: str | None = None) -> int:
        now = self._clock()
        message = Message(next(self._numbers), content, now, dead_letter_source=dead_letter_source)
        if content.scheduled_for is not None and content.scheduled_for > now:
            message.state, message.activates_at = State.SCHEDULED, content.scheduled_for
            self._store(message)
        else:
            self._activate(message)
        return message.sequence_number

    def _activate(self, message: Message) -> None:
        lives = [ttl for ttl in (message.content.time_to_live, self.settings.default_time_to_live) if ttl is not None]
        message.state, message.enqueued_at = State.ACTIVE, self._clock()
        message.expires_at = message.enqueued_at + min(lives) if lives else None
        self._store(message)

    def _store(self, message: Message) -> None:
        self._messages[message.sequence_number] = message
        self._offer(message)

    def _offer(self, message: Message) -> None:
        """Make an unlocked message available, if it is active, and watch the time for it."""
        if message.state is State.ACTIVE:
            heapq.heappush(self._ready.setdefault(self._lane(message), []), message.sequence_number)
        self._watch(message.sequence_number, message.due)

    def _lane(self, message: Message) -> str | None:
        return message.content.session_id if self.settings.requires_session else None

    # Receiving

    def receive(self, session: SessionLock | None = None, *, delete: bool = False) -> Message | None:
        """The next message, locked for the caller, or removed (`delete`).

        None when there is none, or when `session` (needed in a queue with sessions) is not locked any more.
        """
        self.expire()
        if session is not None and self._sessions.get(session.session_id) is not session:
            return None
        number = self._first_ready(session.session_id if session is not None else None, take=True)
        if number is None:
            return None
        return self._hand_out(self._messages[number], session, delete)

    def receive_deferred(
        self, sequence_numbers: Iterable[int], session: SessionLock | None = None, *, delete: bool = False
    ) -> list[Message]:
        """The deferred messages with these sequence numbers: all of them or, when one is not found, none.

        Raises:
            MessageNotFound: a message does not exist, is not deferred, is locked, or is of another session.
        """
        self.expire()
        found = [self._in_state(number, State.DEFERRED) for number in sequence_numbers]
        for message in found:
            other_session = session is not None and message.content.session_id != session.session_id
            if message.lock is not None or other_session:
                raise MessageNotFound(message.sequence_number)
        return [self._hand_out(message, session, delete) for message in found]

    def peek(self, from_sequence_number: int, limit: int, session_id: str | None = None) -> list[Message]:
        """Up to `limit` messages in any state, in the order of their sequence numbers; nothing is locked."""
        self.expire()
        numbers = (
            number
            for number, message in self._messages.items()
            if number >= from_sequence_number and session_id in (None, message.content.session_id)
        )
        return [self._messages[number] for number in heapq.nsmallest(limit, numbers)]

    def _first_ready(self, lane: str | None, *, take: bool = False) -> int | None:
        heap = self._ready.get(lane, [])
        while heap and not self._is_ready(heap[0]):
            heapq.heappop(heap)
        number = heap[0] if heap else None
        if take and heap:
            heapq.heappop(heap)
        if not heap:
            self._ready.pop(lane, None)
        return number

    def _is_ready(self, number: int) -> bool:
        message = self._messages.get(number)
        return message is not None and message.state is State.ACTIVE and message.lock is None

    def _hand_out(self, message: Message, session: SessionLock | None, delete: bool) -> Message:
        if delete:
            self._remove(message)
            return message
        message.lock = Lock(uuid4(), self._clock() + self.settings.lock_duration, session)
        self._locks[message.lock.token] = message
        if session is not None:
            session.messages[message.lock.token] = message
        self._watch(message.sequence_number, message.due)
        return message

    def _in_state(self, number: int, state: State) -> Message:
        message = self._messages.get(number)
        if message is None or message.state is not state:
            raise MessageNotFound(number)
        return message

    # Settling. Each raises MessageLockLost, or SessionLockLost in a queue with sessions, when the lock is gone.

    def complete(self, token: UUID) -> None:
        """The message is done: remove it."""
        self._remove(self._locked(token))

    def abandon(self, token: UUID) -> None:
        """The delivery failed: give the message back, or dead-letter it after too many failures."""
        self._give_back(self._locked(token), failed=True)

    def release(self, token: UUID) -> None:
        """The message was not looked at: give it back, without counting a failure."""
        self._give_back(self._locked(token), failed=False)

    def defer(self, token: UUID) -> None:
        """Set the message aside: from now on it is only received by its sequence number."""
        message = self._locked(token)
        message.state = State.DEFERRED
        message.delivery_count += 1
        self._unlock(message)
        self._offer(message)

    def dead_letter(self, token: UUID, reason: str | None = None, description: str | None = None) -> None:
        """Move the message to the dead-letter queue.

        Raises:
            NotAllowed: this is a dead-letter queue.
        """
        message = self._locked(token)
        if self.dead_letters is None:
            raise NotAllowed("A message cannot be dead-lettered from a dead-letter queue.")
        self._bury(message, reason, description)

    def renew(self, token: UUID) -> int:
        """Lock the message for another lock duration; returns until when."""
        message = self._locked(token)
        assert message.lock is not None
        message.lock.expires_at = self._clock() + self.settings.lock_duration
        self._watch(message.sequence_number, message.due)
        return message.lock.until

    def holds(self, token: UUID) -> bool:
        """Whether a message is locked with this token."""
        return token in self._locks

    def _locked(self, token: UUID) -> Message:
        self.expire()
        message = self._locks.get(token)
        if message is None:
            raise SessionLockLost() if self.settings.requires_session else MessageLockLost()
        return message

    def _give_back(self, message: Message, *, failed: bool) -> None:
        self._unlock(message)
        message.delivery_count += failed
        if failed and self.dead_letters is not None and message.delivery_count >= self.settings.max_delivery_count:
            attempts = self.settings.max_delivery_count
            explanation = f"Message could not be consumed after {attempts} delivery attempts."
            self._bury(message, "MaxDeliveryCountExceeded", explanation)
        else:
            self._offer(message)

    def _unlock(self, message: Message) -> None:
        if message.lock is None:
            return
        del self._locks[message.lock.token]
        if message.lock.session is not None:
            del message.lock.session.messages[message.lock.token]
        message.lock = None

    def _remove(self, message: Message) -> None:
        self._unlock(message)
        del self._messages[message.sequence_number]

    def _bury(self, message: Message, reason: str | None, description: str | None) -> None:
        """Move a message to where dead letters go. Its own dead-letter queue shares the sequence numbers."""
        assert self.dead_letters is not None
        self._remove(message)
        given = {"DeadLetterReason": reason, "DeadLetterErrorDescription": description}
        message.content = message.content.with_application_properties({k: v for k, v in given.items() if v is not None})
        if self.forward_dead_letters_to is not None:
            self.forward_dead_letters_to._enqueue(message.content, self.settings.name)
            return
        # Messages do not expire in a dead-letter queue.
        message.state, message.expires_at = State.ACTIVE, None
        self.dead_letters._store(message)

    # Sessions

    def accept_session(self, session_id: str | None, owner: str, on_lost: Callable[[], None]) -> SessionLock | None:
        """Lock a session for `owner`: the one with this id, or (None) a free one with messages, oldest message first.

        `on_lost` is called when the lock ends without the owner's doing. Returns None when no session is free.

        Raises:
            SessionCannotBeLocked: somebody holds the session with this id.
        """
        self.expire()
        if session_id is None:
            session_id = self._next_session()
            if session_id is None:
                return None
        elif session_id in self._sessions:
            raise SessionCannotBeLocked(session_id)
        session = SessionLock(session_id, owner, self._clock() + self.settings.lock_duration, on_lost)
        self._sessions[session_id] = session
        self._watch(session.session_id, session.until)
        return session

    def renew_session(self, session_id: str, owner: str | None) -> int:
        """Lock the session for another lock duration; returns until when. Raises SessionLockLost."""
        session = self.session_held(session_id, owner)
        session.until = self._clock() + self.settings.lock_duration
        self._watch(session.session_id, session.until)
        return session.until

    def release_session(self, session: SessionLock) -> None:
        """The owner closes its receiver: what it did not settle is free again, and no failure is counted."""
        if self._sessions.get(session.session_id) is session:
            self._end_session(session, failed=False)

    def session_held(self, session_id: str, owner: str | None) -> SessionLock:
        """The lock of the session. Raises SessionLockLost when nobody holds it, or not `owner` (None: anybody)."""
        self.expire()
        return self._check_session(session_id, owner)

    def session_state(self, session_id: str) -> bytes | None:
        """What was stored with the session, if anything."""
        return self._states.get(session_id, (None, 0))[0]

    def set_session_state(self, session_id: str, state: bytes | None) -> None:
        """Store `state` with the session; None clears it."""
        if state is None:
            self._states.pop(session_id, None)
        else:
            self._states[session_id] = (state, self._clock())

    def session_ids(self, state_updated_after: int | None = None) -> list[str]:
        """Sessions with active messages or a state; or only those whose state was stored after a time. Sorted."""
        self.expire()
        if state_updated_after is not None:
            return sorted(name for name, (_, at) in self._states.items() if at > state_updated_after)
        active = {message.content.session_id for message in self._messages.values() if message.state is State.ACTIVE}
        return sorted(name for name in active | self._states.keys() if name is not None)

    def _next_session(self) -> str | None:
        heads = [
            (number, lane)
            for lane in list(self._ready)
            if lane is not None and lane not in self._sessions and (number := self._first_ready(lane)) is not None
        ]
        return min(heads)[1] if heads else None

    def _check_session(self, session_id: str, owner: str | None) -> SessionLock:
        session = self._sessions.get(session_id)
        if session is None or owner not in (None, session.owner):
            raise SessionLockLost(session_id)
        return session

    def _end_session(self, session: SessionLock, *, failed: bool) -> None:
        del self._sessions[session.session_id]
        for message in list(session.messages.values()):
            self._give_back(message, failed=failed)
        self.on_change()

    # Keeping

    def contents(self) -> tuple[list[Message], DuplicateHistory, dict[str, tuple[bytes, int]], int]:
        """What has to be kept while the broker is stopped: messages, ids seen, session states, the next number.

        Locks are not among it: whoever holds one loses it with its connection.
        """
        self.expire()
        return list(self._messages.values()), self._history, self._states, next(self._numbers)

    def refill(self, messages: Iterable[Message], seen: Mapping[Any, int], states: Mapping[str, Any], at: int) -> None:
        """Go on from the `contents` of another queue."""
        self._history.recall(seen)
        self._states = dict(states)
        self._numbers = count(at)
        for message in messages:
            self._store(message)

    # Time

    @property
    def next_due(self) -> int | None:
        """When `expire` has something to do next; maybe earlier than really needed, never later."""
        return self._agenda.next

    def expire(self) -> None:
        """Do what time demands: end locks, activate scheduled messages, expire messages."""
        now = self._clock()
        while (key := self._agenda.take(now)) is not None:
            if isinstance(key, int):
                self._message_due(self._messages.get(key), now)
            elif (session := self._sessions.get(key)) is not None and session.until <= now:
                self._end_session(session, failed=True)
                session.on_lost()

    def _message_due(self, message: Message | None, now: int) -> None:
        if message is None or message.due is None or message.due > now:
            return
        if message.lock is not None:
            self._give_back(message, failed=True)
        elif message.state is State.SCHEDULED:
            # An activated message joins the end of the queue, under a number of its own.
            del self._messages[message.sequence_number]
            message.sequence_number = next(self._numbers)
            self._activate(message)
        elif self.settings.dead_letter_on_expiration and self.dead_letters is not None:
            self._bury(message, "TTLExpiredException", "The message expired and was dead lettered.")
        else:
            self._remove(message)

    def _watch(self, key: int | str, at: int | None) -> None:
        if at is not None:
            self._agenda.add(at, key)
        if self._agenda.is_crowded(len(self._messages) + len(self._sessions)):
            messages = ((m.due, number) for number, m in self._messages.items() if m.due is not None)
            self._agenda.replace([*messages, *((session.until, name) for name, session in self._sessions.items())])
        self.on_change()
