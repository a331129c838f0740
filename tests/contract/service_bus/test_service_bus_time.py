"""What time does to messages: locks, delivery counts, time to live, duplicates. With the real SDK."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
from azure.servicebus.exceptions import MessageLockLostError

from tests.contract.service_bus.conftest import QueueUnderTest, body, quick_renewer


async def until_after(moment: datetime | None) -> None:
    assert moment is not None
    await asyncio.sleep(max((moment - datetime.now(UTC)).total_seconds() + 0.03, 0))


async def test_lost_lock_cannot_settle_and_the_message_comes_back(
    strict: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    await strict.sender.send_messages(ServiceBusMessage("slow"))
    first = await strict.receive()
    await until_after(first.locked_until_utc)
    with pytest.raises(MessageLockLostError):
        await strict.receiver.renew_message_lock(first)
    # The SDK looks at the clock before it asks; here it must ask.
    monkeypatch.setattr(ServiceBusReceivedMessage, "_lock_expired", False)
    with pytest.raises(MessageLockLostError):
        await strict.receiver.complete_message(first)
    again = await strict.receive()
    await strict.receiver.complete_message(again)
    assert (body(again), again.delivery_count) == (b"slow", 1)
    assert again.lock_token != first.lock_token


async def test_renewed_lock_lasts_longer(strict: QueueUnderTest) -> None:
    await strict.sender.send_messages(ServiceBusMessage("renewed"))
    message = await strict.receive()
    before = message.locked_until_utc
    assert before is not None
    await asyncio.sleep(0.3)
    after = await strict.receiver.renew_message_lock(message)
    assert after - before >= timedelta(seconds=0.25)
    await until_after(before)
    await strict.receiver.complete_message(message)
    assert await strict.is_empty()


async def test_renewer_keeps_a_message_locked(strict: QueueUnderTest) -> None:
    await strict.sender.send_messages(ServiceBusMessage("long"))
    message = await strict.receive()
    first_end = message.locked_until_utc
    async with quick_renewer() as renewer:
        renewer.register(strict.receiver, message)
        await until_after(first_end)
        await strict.receiver.complete_message(message)
    assert message.auto_renew_error is None
    assert await strict.is_empty()


async def test_too_many_failed_deliveries_dead_letter_a_message(strict: QueueUnderTest) -> None:
    await strict.sender.send_messages(ServiceBusMessage("poison"))
    for count in range(2):
        message = await strict.receive()
        assert message.delivery_count == count
        await strict.receiver.abandon_message(message)
    dead = await strict.receive_dead_letter()
    assert (body(dead), dead.dead_letter_reason) == (b"poison", "MaxDeliveryCountExceeded")
    assert await strict.is_empty()


async def test_expired_message_is_dead_lettered_where_the_queue_says_so(strict: QueueUnderTest) -> None:
    await strict.sender.send_messages(ServiceBusMessage("stale", time_to_live=timedelta(seconds=0.2)))
    dead = await strict.receive_dead_letter()
    assert (body(dead), dead.dead_letter_reason) == (b"stale", "TTLExpiredException")


async def test_expired_message_is_dropped_otherwise(plain: QueueUnderTest) -> None:
    await plain.sender.send_messages(ServiceBusMessage("stale", time_to_live=timedelta(seconds=0.1)))
    await asyncio.sleep(0.15)
    assert await plain.receiver.peek_messages(1, sequence_number=1) == []
    assert await plain.dead_letters.peek_messages(1, sequence_number=1) == []


async def test_duplicates_are_dropped_within_the_window_only(strict: QueueUnderTest) -> None:
    def job(text: str) -> ServiceBusMessage:
        return ServiceBusMessage(text, message_id="job 1")

    started = datetime.now(UTC)
    await strict.sender.send_messages(job("first"))
    first = await strict.receive()
    await strict.receiver.complete_message(first)
    await strict.sender.send_messages([job("again"), ServiceBusMessage("other", message_id="job 2")])
    other = await strict.receive()
    await strict.receiver.complete_message(other)
    await until_after(started + timedelta(seconds=0.55))
    await strict.sender.send_messages(job("after the window"))
    late = await strict.receive()
    await strict.receiver.complete_message(late)
    assert [body(m) for m in (first, other, late)] == [b"first", b"other", b"after the window"]
