"""The queue against a model, in whatever order clients and time act.

The model is kept by the test: for each message where it is. It says nothing about how a queue finds the next message,
only what must hold: nothing is lost, nothing has two holders, a session's messages come in their order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, precondition, rule

from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.entities import Message, SessionLock, State
from infra.local.service_bus.errors import MessageLockLost, SessionCannotBeLocked, SessionLockLost
from infra.local.service_bus.messages import DATA, Content, section, sections
from infra.local.service_bus.queue import Queue

LOCK, LIFE, MAX_DELIVERIES = 100, 250, 3


class Clock:
    """Time that passes only when told to."""

    def __init__(self) -> None:
        self.now = 1_000_000

    def __call__(self) -> int:
        return self.now


def content(
    number: int, session_id: str | None = None, *, time_to_live: int | None = None, scheduled_for: int | None = None
) -> Content:
    body = section(DATA, b"%d" % number)
    return Content(body=body, session_id=session_id, time_to_live=time_to_live, scheduled_for=scheduled_for)


def number_of(message: Message) -> int:
    return int(next(value for code, value, _ in sections(message.content.body) if code == DATA))


def make(clock: Clock, **options: object) -> Queue:
    base = {"lock_duration": LOCK, "max_delivery_count": MAX_DELIVERIES, "dead_letter_on_expiration": True}
    given = QueueSettings("q", **{**base, **options})  # type: ignore[arg-type]
    return Queue(given, clock, Queue(QueueSettings("q/$dlq", lock_duration=LOCK), clock))


@dataclass
class Delivery:
    """A lock that a client holds, as far as the model knows."""

    number: int
    token: UUID
    until: int


@dataclass
class Ledger:
    """Where each message is, by its number."""

    sent: set[int] = field(default_factory=set)
    completed: set[int] = field(default_factory=set)
    failures: dict[int, int] = field(default_factory=dict)


class QueueWithoutSessions(RuleBasedStateMachine):
    """Receivers, settlements and time in any order."""

    deliveries: Bundle[Delivery] = Bundle("deliveries")

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = make(self.clock)
        self.ledger = Ledger()
        self.held: dict[int, Delivery] = {}

    @rule(life=st.none() | st.just(LIFE), delay=st.sampled_from([None, 50]))
    def send(self, life: int | None, delay: int | None) -> None:
        number = len(self.ledger.sent)
        due = None if delay is None else self.clock.now + delay
        self.queue.send([content(number, time_to_live=life, scheduled_for=due)])
        self.ledger.sent.add(number)

    @rule(target=deliveries)
    def receive(self) -> Delivery:
        message = self.queue.receive()
        if message is None or message.lock is None:
            return Delivery(-1, uuid4(), 0)
        number = number_of(message)
        holder = self.held.get(number)
        assert holder is None or holder.until <= self.clock.now, "a message has two holders"
        if holder is not None:
            self.fail(number)
        assert message.delivery_count == self.ledger.failures.get(number, 0)
        self.held[number] = Delivery(number, message.lock.token, message.lock.until)
        return self.held[number]

    @rule(delivery=consumes(deliveries), how=st.sampled_from(["complete", "abandon", "release"]))
    def settle(self, delivery: Delivery, how: str) -> None:
        current = self.held.get(delivery.number)
        if current is not delivery or delivery.until <= self.clock.now:
            with pytest.raises(MessageLockLost):
                getattr(self.queue, how)(delivery.token)
            return
        getattr(self.queue, how)(delivery.token)
        del self.held[delivery.number]
        if how == "complete":
            self.ledger.completed.add(delivery.number)
        elif how == "abandon":
            self.fail(delivery.number)

    @rule(delivery=deliveries)
    def renew(self, delivery: Delivery) -> None:
        if self.held.get(delivery.number) is delivery and delivery.until > self.clock.now:
            delivery.until = self.queue.renew(delivery.token)
            assert delivery.until == self.clock.now + LOCK
        else:
            with pytest.raises(MessageLockLost):
                self.queue.renew(delivery.token)

    @rule(milliseconds=st.sampled_from([1, 49, 50, 99, 100, 101]))
    def pass_time(self, milliseconds: int) -> None:
        self.clock.now += milliseconds

    @invariant()
    def nothing_is_lost_or_doubled(self) -> None:
        main = [number_of(message) for message in self.queue.peek(0, 10_000)]
        assert self.queue.dead_letters is not None
        dead = [number_of(message) for message in self.queue.dead_letters.peek(0, 10_000)]
        assert sorted([*main, *dead, *self.ledger.completed]) == sorted(self.ledger.sent)

    @invariant()
    def nothing_that_is_due_is_forgotten(self) -> None:
        dues = [message.due for message in self.queue.peek(0, 10_000) if message.due is not None]
        assert not dues or (self.queue.next_due is not None and self.queue.next_due <= min(dues))

    def fail(self, number: int) -> None:
        self.ledger.failures[number] = self.ledger.failures.get(number, 0) + 1
        self.held.pop(number, None)
        assert self.ledger.failures[number] <= MAX_DELIVERIES


class QueueWithSessions(RuleBasedStateMachine):
    """Receivers of sessions, and time, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = make(self.clock, requires_session=True, max_delivery_count=2000)
        self.waiting: dict[str, list[int]] = {name: [] for name in "abc"}
        self.locks: dict[str, SessionLock] = {}
        self.lost: list[str] = []
        self.numbers = iter(range(10_000))

    @rule(session_id=st.sampled_from("abc"))
    def send(self, session_id: str) -> None:
        number = next(self.numbers)
        self.queue.send([content(number, session_id)])
        self.waiting[session_id].append(number)

    @rule(wanted=st.none() | st.sampled_from("abc"))
    def accept(self, wanted: str | None) -> None:
        self.expire()
        free = [name for name, numbers in self.waiting.items() if numbers and name not in self.locks]
        if wanted is not None and wanted in self.locks:
            with pytest.raises(SessionCannotBeLocked):
                self.queue.accept_session(wanted, "other", lambda: None)
            return
        lock = self.queue.accept_session(wanted, f"owner {uuid4()}", lambda: None)
        if wanted is None:
            # The free session whose first message is the oldest.
            expected = min(free, key=lambda name: self.waiting[name][0]) if free else None
            assert (lock.session_id if lock else None) == expected
        if lock is not None:
            lock.on_lost = lambda name=lock.session_id: self.lost.append(name)  # type: ignore[misc]
            self.locks[lock.session_id] = lock

    @precondition(lambda self: self.locks)
    @rule(data=st.data(), how=st.sampled_from(["complete", "abandon", "release", "keep"]))
    def work(self, data: st.DataObject, how: str) -> None:
        lock = self.locks[data.draw(st.sampled_from(sorted(self.locks)))]
        message = self.queue.receive(lock)
        if lock.until <= self.clock.now:
            assert message is None
            self.expire()
            return
        free = [n for n in self.waiting[lock.session_id] if n not in {number_of(m) for m in lock.messages.values()}]
        if message is None or message.lock is None:
            assert not free
            return
        number = number_of(message)
        assert number == min([*free, number]), "a session's messages came out of order"
        assert number in self.waiting[lock.session_id]
        if how != "keep":
            getattr(self.queue, how)(message.lock.token)
        if how == "complete":
            self.waiting[lock.session_id].remove(number)

    @precondition(lambda self: self.locks)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.locks)))
        self.queue.release_session(self.locks.pop(name))

    @precondition(lambda self: self.locks)
    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.locks)))
        lock = self.locks[name]
        if lock.until <= self.clock.now:
            with pytest.raises(SessionLockLost):
                self.queue.renew_session(name, lock.owner)
            self.expire()
        else:
            assert self.queue.renew_session(name, lock.owner) == self.clock.now + LOCK

    @rule(milliseconds=st.sampled_from([1, 60, 100]))
    def pass_time(self, milliseconds: int) -> None:
        self.clock.now += milliseconds

    @invariant()
    def nothing_is_lost(self) -> None:
        left = sorted(number_of(message) for message in self.queue.peek(0, 10_000))
        assert left == sorted(number for numbers in self.waiting.values() for number in numbers)

    def expire(self) -> None:
        """What the model thinks time has taken, the queue must have told the owners."""
        gone = {name for name, lock in self.locks.items() if lock.until <= self.clock.now}
        self.queue.expire()
        assert gone <= set(self.lost)
        for name in gone:
            del self.locks[name]
        self.lost.clear()


TestQueueWithoutSessions = QueueWithoutSessions.TestCase
TestQueueWithSessions = QueueWithSessions.TestCase
TestQueueWithoutSessions.settings = TestQueueWithSessions.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None
)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def drain(queue: Queue) -> Iterator[Message]:
    while (message := queue.receive(delete=True)) is not None:
        yield message


def take(queue: Queue, session: SessionLock | None = None) -> tuple[Message, UUID]:
    """The next message and its lock token; fails when there is none."""
    message = queue.receive(session)
    assert message is not None
    assert message.lock is not None
    return message, message.lock.token


def test_message_is_tried_as_often_as_allowed_and_then_dead_lettered(clock: Clock) -> None:
    queue = make(clock)
    queue.send([content(1)])
    for count in range(MAX_DELIVERIES):
        message, token = take(queue)
        assert message.delivery_count == count
        queue.abandon(token)
    assert queue.receive() is None
    assert queue.dead_letters is not None
    assert [number_of(m) for m in drain(queue.dead_letters)] == [1]


def test_lock_ends_to_the_millisecond_even_if_nobody_looks(clock: Clock) -> None:
    queue = make(clock)
    queue.send([content(1), content(2)])
    (_, first), (_, second) = take(queue), take(queue)
    clock.now += LOCK - 1
    queue.complete(first)
    clock.now += 1
    with pytest.raises(MessageLockLost):
        queue.complete(second)


def test_session_lock_ends_in_time_after_much_traffic(clock: Clock) -> None:
    queue = make(clock, requires_session=True, default_time_to_live=86_400_000)
    lost: list[bool] = []
    session = queue.accept_session("s", "owner", lambda: lost.append(True))
    for number in range(200):
        queue.send([content(number, "s")])
        queue.complete(take(queue, session)[1])
    clock.now += LOCK
    queue.expire()
    assert lost == [True]


def test_refused_message_refuses_the_whole_batch(clock: Clock) -> None:
    queue = make(clock, requires_session=True)
    with pytest.raises(Exception, match="SessionId was not set"):
        queue.send([content(1, "a"), content(2)])
    assert queue.peek(0, 10) == []


def test_message_id_counts_as_seen_until_the_window_has_passed(clock: Clock) -> None:
    queue = make(clock, requires_duplicate_detection=True, duplicate_detection_window=1000)
    same = Content(message_id="id")
    sent = []
    for _ in range(3):
        sent += queue.send([same])
        clock.now += 500
    assert [bool(number) for number in sent] == [True, False, True]
    assert queue.send([Content(), Content()]) == [3, 4]  # no id, no duplicate


def test_scheduled_message_lives_from_its_activation(clock: Clock) -> None:
    queue = make(clock)
    queue.send([content(1, scheduled_for=clock.now + 1000, time_to_live=LIFE)])
    clock.now += 1000 + LIFE - 1
    assert [number_of(m) for m in drain(queue)] == [1]


def test_locked_message_expires_only_when_its_lock_has_ended(clock: Clock) -> None:
    queue = make(clock)
    queue.send([content(1, time_to_live=50)])
    message, _ = take(queue)
    clock.now += 60
    assert queue.peek(0, 10) == [message]
    clock.now += 40
    assert queue.peek(0, 10) == []
    assert queue.dead_letters is not None
    assert len(queue.dead_letters.peek(0, 10)) == 1


def test_deferred_message_does_not_expire(clock: Clock) -> None:
    queue = make(clock)
    queue.send([content(1, time_to_live=LIFE)])
    message, token = take(queue)
    queue.defer(token)
    clock.now += 10 * LIFE
    assert [(m, m.state) for m in queue.peek(0, 10)] == [(message, State.DEFERRED)]


def test_books_do_not_grow_with_what_is_gone(clock: Clock) -> None:
    queue = make(clock, default_time_to_live=86_400_000)
    queue.send([content(0, time_to_live=LIFE)])
    _, kept = take(queue)
    for number in range(2000):
        queue.send([content(number)])
        _, token = take(queue)
        queue.renew(token)
        queue.complete(token)
    queue.send([content(0)])
    assert len(queue._agenda._entries) < 100
    assert list(queue._locks) == [kept]
    clock.now += LOCK
    with pytest.raises(MessageLockLost):
        queue.complete(kept)
    assert queue.next_due == clock.now - LOCK + LIFE
