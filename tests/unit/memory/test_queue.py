"""What the queue in memory offers beyond the port: receiving, locks, dead letters, on a clock of its own."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.memory.clock import START, SettableClock
from shared.memory.queue import Delivery, LockLost, MemoryQueue
from shared.ports import JobMessage


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def queue(clock: SettableClock) -> MemoryQueue:
    return MemoryQueue(clock, max_deliveries=3)


def received(queue: MemoryQueue) -> Delivery:
    delivery = queue.receive()
    assert delivery is not None
    return delivery


async def send(queue: MemoryQueue, *ids: str, session: str = "mapping") -> None:
    for each in ids:
        await queue.send(JobMessage(each, session))


async def test_a_session_is_held_while_one_of_its_messages_is(queue: MemoryQueue) -> None:
    await send(queue, "a1", "a2", session="a")
    await send(queue, "b1", session="b")
    first, second = received(queue), received(queue)
    assert (first.message.id, second.message.id, queue.receive()) == ("a1", "b1", None)
    queue.complete(first)
    assert received(queue).message.id == "a2"


async def test_an_abandoned_message_comes_again_before_its_followers_and_dies_in_the_end(queue: MemoryQueue) -> None:
    await send(queue, "poison", "next")
    for count in (1, 2, 3):
        delivery = received(queue)
        assert (delivery.message.id, delivery.count) == ("poison", count)
        queue.abandon(delivery)
    assert [(dead.message.id, dead.reason) for dead in queue.dead] == [("poison", "MaxDeliveryCountExceeded")]
    assert received(queue).message.id == "next"


async def test_a_lock_runs_out(queue: MemoryQueue, clock: SettableClock) -> None:
    await send(queue, "job")
    first = received(queue)
    clock.advance(seconds=59)
    queue.renew(first)
    assert queue.next_unlock() == clock.now() + queue.lock
    clock.advance(seconds=59)
    assert queue.receive() is None
    clock.advance(seconds=1)
    second = received(queue)
    assert second.count == 2
    for settle in (queue.complete, queue.abandon, queue.renew):
        with pytest.raises(LockLost):
            settle(first)
    queue.complete(second)
    with pytest.raises(LockLost):
        queue.complete(second)
    assert queue.waiting == []


async def test_the_window_of_duplicates_closes(queue: MemoryQueue, clock: SettableClock) -> None:
    await send(queue, "job")
    clock.advance(minutes=4, seconds=59)
    await send(queue, "job")
    assert len(queue.waiting) == 1
    clock.advance(seconds=1)
    await send(queue, "job")
    assert len(queue.waiting) == 2


async def test_a_virtual_clock_can_jump_to_the_next_message(queue: MemoryQueue, clock: SettableClock) -> None:
    assert queue.next_due() is None
    await queue.send(JobMessage("later", "b"), not_before=START + timedelta(hours=2))
    await queue.send(JobMessage("sooner", "a"), not_before=START + timedelta(hours=1))
    assert queue.receive() is None
    clock.set(queue.next_due() or START)
    assert received(queue).message.id == "sooner"
    assert queue.next_due() == START + timedelta(hours=2)


async def test_a_dead_letter_is_set_aside(queue: MemoryQueue) -> None:
    await send(queue, "job")
    queue.dead_letter(received(queue), "cannot be read")
    assert [(dead.message.id, dead.reason) for dead in queue.dead] == [("job", "cannot be read")]
    assert queue.waiting == []


async def test_a_lock_that_the_service_gives_up_is_somebody_elses_at_once(queue: MemoryQueue) -> None:
    await send(queue, "job")
    first = received(queue)
    queue.lose_lock(first)
    second = received(queue)
    assert second.count == 2
    queue.lose_lock(first)
    queue.complete(second)
    with pytest.raises(LockLost):
        queue.complete(first)


async def test_a_message_that_nobody_takes_becomes_a_dead_letter(queue: MemoryQueue, clock: SettableClock) -> None:
    await queue.send(JobMessage("later", "mapping"), not_before=START + timedelta(hours=2))
    clock.advance(hours=2, minutes=59, seconds=59)
    held = received(queue)
    queue.abandon(held)
    clock.advance(seconds=1)
    assert queue.receive() is None
    assert [(dead.message.id, dead.reason) for dead in queue.dead] == [("later", "TTLExpiredException")]
