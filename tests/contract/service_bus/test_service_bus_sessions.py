"""Sessions, with the real SDK."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusMessage
from azure.servicebus.aio import ServiceBusReceiver, ServiceBusSender
from azure.servicebus.exceptions import (
    MessagingEntityNotFoundError,
    OperationTimeoutError,
    ServiceBusError,
    SessionCannotBeLockedError,
    SessionLockLostError,
)

from tests.contract.service_bus.conftest import Bench, body, quick_renewer

SESSIONS, STRICT = "contract-sessions", "contract-sessions-strict"


def texts(session_id: str, *contents: str) -> list[ServiceBusMessage]:
    return [ServiceBusMessage(content, session_id=session_id) for content in contents]


@pytest.fixture
def session_id() -> str:
    return f"session {uuid.uuid4()}"


@pytest.fixture
async def sender(bench: Bench) -> ServiceBusSender:
    return await bench.sender(SESSIONS)


def receiver_of(bench: Bench, session_id: Any, queue: str = SESSIONS, **options: Any) -> ServiceBusReceiver:
    return bench.own_receiver(queue, session_id=session_id, **options)


async def take_all(receiver: ServiceBusReceiver, count: int) -> list[bytes]:
    received = await receiver.receive_messages(count, max_wait_time=2)
    for message in received:
        await receiver.complete_message(message)
    return [body(message) for message in received]


async def test_named_session_gets_its_own_messages_in_order(
    bench: Bench, sender: ServiceBusSender, session_id: str
) -> None:
    await sender.send_messages([*texts("other", "x"), *texts(session_id, "1", "2"), *texts("other", "y")])
    async with receiver_of(bench, session_id) as mine, receiver_of(bench, "other") as other:
        assert mine.session.session_id == session_id
        assert [body(m) for m in await mine.peek_messages(10, sequence_number=1)] == [b"1", b"2"]
        first = (await mine.receive_messages(1, max_wait_time=2))[0]
        assert first.session_id == session_id
        await mine.abandon_message(first)
        assert await take_all(mine, 2) == [b"1", b"2"]
        assert await take_all(other, 2) == [b"x", b"y"]


async def test_next_available_session_waits_for_one(bench: Bench, sender: ServiceBusSender, session_id: str) -> None:
    async def accept() -> tuple[str, list[bytes]]:
        async with receiver_of(bench, NEXT_AVAILABLE_SESSION, max_wait_time=5) as receiver:
            return receiver.session.session_id, await take_all(receiver, 1)

    accepting = asyncio.create_task(accept())
    await asyncio.sleep(0.6)
    assert not accepting.done()
    await sender.send_messages(texts(session_id, "at last"))
    assert await accepting == (session_id, [b"at last"])


async def test_waiting_for_a_session_ends_in_time(bench: Bench, sender: ServiceBusSender) -> None:
    with pytest.raises(OperationTimeoutError):
        await receiver_of(bench, NEXT_AVAILABLE_SESSION, max_wait_time=0.3).__aenter__()


async def test_one_receiver_at_a_time_holds_a_session(bench: Bench, sender: ServiceBusSender, session_id: str) -> None:
    await sender.send_messages(texts(session_id, "unsettled"))
    async with receiver_of(bench, session_id) as holder:
        await holder.receive_messages(1, max_wait_time=2)
        with pytest.raises(SessionCannotBeLockedError):
            await receiver_of(bench, session_id).__aenter__()
    # Closing the receiver frees the session at once, and its message, with no failure counted.
    async with receiver_of(bench, session_id) as next_one:
        (message,) = await next_one.receive_messages(1, max_wait_time=2)
        await next_one.complete_message(message)
    assert (body(message), message.delivery_count) == (b"unsettled", 0)


async def test_state_stays_with_the_session(bench: Bench, sender: ServiceBusSender, session_id: str) -> None:
    async with receiver_of(bench, session_id) as receiver:
        assert await receiver.session.get_state() is None
        await receiver.session.set_state("checkpoint 1")
        assert await receiver.session.get_state() == b"checkpoint 1"
        assert session_id in [name async for name in bench.client.list_queue_sessions(SESSIONS)]
        await receiver.session.set_state(None)
        assert await receiver.session.get_state() is None


async def test_renewing_a_session_extends_its_lock(bench: Bench, session_id: str) -> None:
    sender = await bench.sender(STRICT)
    await sender.send_messages(texts(session_id, "slow"))
    async with receiver_of(bench, session_id, STRICT) as receiver, quick_renewer() as renewer:
        before = receiver.session.locked_until_utc
        assert before is not None
        renewer.register(receiver, receiver.session)
        (message,) = await receiver.receive_messages(1, max_wait_time=2)
        await asyncio.sleep(0.7)
        await receiver.complete_message(message)
        assert receiver.session.auto_renew_error is None
        assert await receiver.session.renew_lock() - before >= timedelta(seconds=0.5)


async def test_lost_session_settles_nothing_and_counts_a_failure(bench: Bench, session_id: str) -> None:
    sender = await bench.sender(STRICT)
    await sender.send_messages(texts(session_id, "late"))
    async with receiver_of(bench, session_id, STRICT) as receiver:
        (message,) = await receiver.receive_messages(1, max_wait_time=2)
        await asyncio.sleep(0.55)
        with pytest.raises(SessionLockLostError):
            await receiver.complete_message(message)
    async with receiver_of(bench, NEXT_AVAILABLE_SESSION, STRICT, max_wait_time=2) as receiver:
        (again,) = await receiver.receive_messages(1, max_wait_time=2)
        await receiver.complete_message(again)
    assert (body(again), again.delivery_count) == (b"late", 1)


async def test_deferred_message_of_a_session(bench: Bench, sender: ServiceBusSender, session_id: str) -> None:
    await sender.send_messages(texts(session_id, "later"))
    async with receiver_of(bench, session_id) as receiver:
        (message,) = await receiver.receive_messages(1, max_wait_time=2)
        await receiver.defer_message(message)
        (again,) = await receiver.receive_deferred_messages(message.sequence_number or 0)
        await receiver.complete_message(again)
        assert await receiver.peek_messages(1, sequence_number=1) == []
    assert body(again) == b"later"


async def test_what_does_not_fit_a_queue_is_refused(bench: Bench, sender: ServiceBusSender) -> None:
    with pytest.raises(ServiceBusError, match="SessionId was not set"):
        await sender.send_messages(ServiceBusMessage("no session"))
    refusals = await asyncio.gather(
        bench.own_receiver(SESSIONS).__aenter__(),
        receiver_of(bench, "any", "contract-plain").__aenter__(),
        bench.client.get_queue_sender(f"{SESSIONS}/$DeadLetterQueue").__aenter__(),
        bench.client.get_queue_sender("no-such-queue").__aenter__(),
        bench.own_receiver("no-such-queue").__aenter__(),
        return_exceptions=True,
    )
    expected = [
        (ServiceBusError, "non-sessionful"),
        (ServiceBusError, "sessionful message receiver cannot"),
        (ServiceBusError, "cannot be sent to a dead-letter queue"),
        (MessagingEntityNotFoundError, "no-such-queue"),
        (MessagingEntityNotFoundError, "no-such-queue"),
    ]
    for refusal, (kind, text) in zip(refusals, expected, strict=True):
        assert type(refusal) is kind
        assert text in str(refusal)
