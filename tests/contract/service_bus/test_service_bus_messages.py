"""Sending, receiving and settling with the real SDK."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusMessageState, ServiceBusReceiveMode
from azure.servicebus.aio import ServiceBusSender
from azure.servicebus.exceptions import MessageNotFoundError, MessageSizeExceededError

from tests.contract.service_bus.conftest import Bench, QueueUnderTest, body, number_of

Send = Callable[[ServiceBusSender, list[ServiceBusMessage]], Awaitable[None]]


async def one_by_one(sender: ServiceBusSender, messages: list[ServiceBusMessage]) -> None:
    for message in messages:
        await sender.send_messages(message)


async def as_list(sender: ServiceBusSender, messages: list[ServiceBusMessage]) -> None:
    await sender.send_messages(messages)


async def as_batch(sender: ServiceBusSender, messages: list[ServiceBusMessage]) -> None:
    batch = await sender.create_message_batch()
    for message in messages:
        batch.add_message(message)
    await sender.send_messages(batch)


@pytest.mark.parametrize("send", [one_by_one, as_list, as_batch])
async def test_messages_arrive_whole_and_in_order(plain: QueueUnderTest, send: Send) -> None:
    await send(plain.sender, [ServiceBusMessage(f"text {n}", message_id=f"id {n}", subject="s") for n in range(3)])
    received = await plain.receiver.receive_messages(3, max_wait_time=2)
    for message in received:
        await plain.receiver.complete_message(message)
    assert [(body(m), m.message_id, m.subject, m.delivery_count) for m in received] == [
        (f"text {n}".encode(), f"id {n}", "s", 0) for n in range(3)
    ]
    numbers = [number_of(m) for m in received]
    assert numbers == sorted(set(numbers))
    ages = [datetime.now(UTC) - m.enqueued_time_utc for m in received if m.enqueued_time_utc]
    assert len(ages) == 3
    assert max(abs(age) for age in ages) < timedelta(seconds=30)


async def test_properties_keep_their_values_and_types(plain: QueueUnderTest) -> None:
    given: dict[str | bytes, Any] = {
        "text": "Ångström",
        "int": 7,
        "negative": -(2**31),
        "float": 1.5,
        "bool": True,
        "uuid": uuid.uuid4(),
    }
    await plain.sender.send_messages(
        ServiceBusMessage(
            b"\x00\xff", application_properties=given, correlation_id="c", content_type="application/json"
        )
    )
    message = await plain.receive()
    await plain.receiver.complete_message(message)
    # The SDK decodes neither names nor texts.
    expected = {str(name).encode(): v.encode() if isinstance(v, str) else v for name, v in given.items()}
    assert message.application_properties == expected
    assert (body(message), message.correlation_id, message.content_type) == (b"\x00\xff", "c", "application/json")


async def test_large_message_goes_both_ways_in_many_frames(plain: QueueUnderTest) -> None:
    content = bytes(range(256)) * 4090
    await plain.sender.send_messages(ServiceBusMessage(content))
    message = await plain.receive(wait=5)
    await plain.receiver.complete_message(message)
    assert body(message) == content


async def test_too_large_message_is_refused_and_the_link_lives_on(plain: QueueUnderTest) -> None:
    with pytest.raises(MessageSizeExceededError):
        await plain.sender.send_messages(ServiceBusMessage(b"x" * 1024 * 1024))
    await plain.sender.send_messages(ServiceBusMessage("small"))
    message = await plain.receive()
    await plain.receiver.complete_message(message)
    assert body(message) == b"small"


async def test_completed_message_is_gone(plain: QueueUnderTest) -> None:
    await plain.sender.send_messages(ServiceBusMessage("done"))
    await plain.receiver.complete_message(await plain.receive())
    assert await plain.receiver.peek_messages(1, sequence_number=1) == []


async def test_abandoned_message_comes_back_first_and_counts_the_failure(plain: QueueUnderTest) -> None:
    await plain.sender.send_messages([ServiceBusMessage("first"), ServiceBusMessage("second")])
    for count in range(3):
        message = await plain.receive()
        assert (body(message), message.delivery_count) == (b"first", count)
        await plain.receiver.abandon_message(message)


async def test_dead_lettered_message_carries_reason_and_description(plain: QueueUnderTest) -> None:
    await plain.sender.send_messages(ServiceBusMessage("bad", application_properties={"mine": 1}))
    message = await plain.receive()
    await plain.receiver.dead_letter_message(message, reason="wrong", error_description="Not a job.")
    dead = await plain.receive_dead_letter()
    assert (body(dead), dead.dead_letter_reason, dead.dead_letter_error_description) == (b"bad", "wrong", "Not a job.")
    assert (dead.application_properties or {})[b"mine"] == 1
    assert await plain.is_empty()


async def test_forwarded_dead_letter_tells_its_source(bench: Bench, plain: QueueUnderTest) -> None:
    sender, receiver = await bench.sender("contract-forwarding"), await bench.receiver("contract-forwarding")
    await sender.send_messages(ServiceBusMessage("moved"))
    (message,) = await receiver.receive_messages(1, max_wait_time=2)
    await receiver.dead_letter_message(message, reason="elsewhere")
    moved = await plain.receive()
    await plain.receiver.complete_message(moved)
    assert (body(moved), moved.dead_letter_source) == (b"moved", "contract-forwarding")


async def deferred_message(queue: QueueUnderTest) -> int:
    """The sequence number of a message that was received and deferred."""
    await queue.sender.send_messages(ServiceBusMessage("later"))
    message = await queue.receive()
    await queue.receiver.defer_message(message)
    return number_of(message)


async def test_deferred_message_is_received_by_its_number_only(plain: QueueUnderTest) -> None:
    number = await deferred_message(plain)
    assert await plain.is_empty()
    (again,) = await plain.receiver.receive_deferred_messages(number)
    assert (body(again), again.sequence_number, again.lock_token is not None) == (b"later", number, True)
    with pytest.raises(MessageNotFoundError):
        await plain.receiver.receive_deferred_messages(number)
    await plain.receiver.complete_message(again)
    assert await plain.receiver.peek_messages(1, sequence_number=1) == []


async def test_abandoned_deferred_message_stays_deferred(plain: QueueUnderTest) -> None:
    number = await deferred_message(plain)
    (first,) = await plain.receiver.receive_deferred_messages(number)
    await plain.receiver.abandon_message(first)
    assert await plain.is_empty()
    (second,) = await plain.receiver.receive_deferred_messages(number)
    assert second.delivery_count == (first.delivery_count or 0) + 1
    await plain.receiver.complete_message(second)


async def test_deferred_message_can_be_dead_lettered(plain: QueueUnderTest) -> None:
    (message,) = await plain.receiver.receive_deferred_messages(await deferred_message(plain))
    await plain.receiver.dead_letter_message(message, reason="r", error_description="d")
    dead = await plain.receive_dead_letter()
    assert (dead.dead_letter_reason, dead.dead_letter_error_description) == ("r", "d")


async def test_unknown_sequence_number_is_refused(plain: QueueUnderTest) -> None:
    with pytest.raises(MessageNotFoundError):
        await plain.receiver.receive_deferred_messages(999_999)


async def test_peek_shows_every_state_and_takes_nothing(plain: QueueUnderTest) -> None:
    await deferred_message(plain)
    await plain.sender.send_messages([ServiceBusMessage("locked"), ServiceBusMessage("active")])
    locked = await plain.receive()
    (scheduled,) = await plain.sender.schedule_messages(
        ServiceBusMessage("scheduled"), datetime.now(UTC) + timedelta(hours=1)
    )
    seen = await plain.receiver.peek_messages(10, sequence_number=1)
    assert [(body(m), m.state) for m in seen] == [
        (b"later", ServiceBusMessageState.DEFERRED),
        (b"locked", ServiceBusMessageState.ACTIVE),
        (b"active", ServiceBusMessageState.ACTIVE),
        (b"scheduled", ServiceBusMessageState.SCHEDULED),
    ]
    assert [body(m) for m in await plain.receiver.peek_messages(1, sequence_number=number_of(locked))] == [b"locked"]
    await plain.receiver.complete_message(locked)
    await plain.sender.cancel_scheduled_messages(scheduled)
    assert len(await plain.receiver.peek_messages(10, sequence_number=1)) == 2


async def by_annotation(sender: ServiceBusSender, message: ServiceBusMessage, at: datetime) -> None:
    message.scheduled_enqueue_time_utc = at
    await sender.send_messages(message)


async def by_management(sender: ServiceBusSender, message: ServiceBusMessage, at: datetime) -> None:
    await sender.schedule_messages(message, at)


@pytest.mark.parametrize("schedule", [by_annotation, by_management])
async def test_scheduled_message_comes_when_due(
    plain: QueueUnderTest, schedule: Callable[[ServiceBusSender, ServiceBusMessage, datetime], Awaitable[None]]
) -> None:
    due = datetime.now(UTC) + timedelta(seconds=0.5)
    await schedule(plain.sender, ServiceBusMessage("due"), due)
    await plain.sender.send_messages(ServiceBusMessage("at once"))
    received = [await plain.receive(), await plain.receive()]
    for message in received:
        await plain.receiver.complete_message(message)
    assert [body(m) for m in received] == [b"at once", b"due"]
    assert number_of(received[0]) < number_of(received[1])  # activated means appended
    assert received[1].enqueued_time_utc is not None
    assert received[1].enqueued_time_utc >= due - timedelta(milliseconds=1)


async def test_cancelled_schedule_never_comes_and_cannot_be_cancelled_twice(plain: QueueUnderTest) -> None:
    at = datetime.now(UTC) + timedelta(seconds=0.3)
    numbers = await plain.sender.schedule_messages([ServiceBusMessage("a"), ServiceBusMessage("b")], at)
    await plain.sender.cancel_scheduled_messages(numbers)
    with pytest.raises(MessageNotFoundError):
        await plain.sender.cancel_scheduled_messages(numbers)
    assert await plain.receiver.receive_messages(1, max_wait_time=0.5) == []


async def test_receive_and_delete_needs_no_settling(bench: Bench, unshared: ServiceBusSender) -> None:
    await unshared.send_messages([ServiceBusMessage(str(n)) for n in range(5)])
    async with bench.own_receiver(
        unshared.entity_name, receive_mode=ServiceBusReceiveMode.RECEIVE_AND_DELETE
    ) as receiver:
        received = await receiver.receive_messages(5, max_wait_time=2)
        assert await receiver.peek_messages(1, sequence_number=1) == []
    assert [body(m) for m in received] == [b"0", b"1", b"2", b"3", b"4"]


async def test_closing_a_receiver_gives_prefetched_messages_back_unharmed(
    bench: Bench, unshared: ServiceBusSender
) -> None:
    await unshared.send_messages([ServiceBusMessage(str(n)) for n in range(4)])
    async with bench.own_receiver(unshared.entity_name, prefetch_count=10) as receiver:
        (taken,) = await receiver.receive_messages(1, max_wait_time=2)
        await receiver.complete_message(taken)
    async with bench.own_receiver(unshared.entity_name) as receiver:
        rest = await receiver.receive_messages(3, max_wait_time=2)
        for message in rest:
            await receiver.complete_message(message)
    assert [(body(m), m.delivery_count) for m in rest] == [(b"1", 0), (b"2", 0), (b"3", 0)]


async def test_competing_receivers_share_without_overlap(bench: Bench, unshared: ServiceBusSender) -> None:
    async def work() -> list[bytes]:
        done: list[bytes] = []
        async with bench.own_receiver(unshared.entity_name) as receiver:
            await ready.wait()
            while messages := await receiver.receive_messages(1, max_wait_time=0.7):
                await receiver.complete_message(messages[0])
                done.append(body(messages[0]))
        return done

    ready = asyncio.Barrier(3)
    workers = [asyncio.create_task(work()) for _ in range(2)]
    await ready.wait()
    await unshared.send_messages([ServiceBusMessage(str(n)) for n in range(30)])
    shares = await asyncio.gather(*workers)
    assert sorted(chain.from_iterable(shares)) == sorted(str(n).encode() for n in range(30))
    assert all(shares)


async def test_iterating_receives_until_the_wait_ends(plain: QueueUnderTest) -> None:
    await plain.sender.send_messages([ServiceBusMessage("1"), ServiceBusMessage("2")])
    seen = []
    async for message in plain.receiver._get_streaming_message_iter(max_wait_time=0.5):
        seen.append(body(message))
        await plain.receiver.complete_message(message)
    assert seen == [b"1", b"2"]
