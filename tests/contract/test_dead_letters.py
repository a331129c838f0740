"""What `ports.DeadLetters` promises, held against memory and against the broker through the real SDK."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

import pytest
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.server import serve_on_thread
from shared.adapters.dead_letters import ServiceBusDeadLetters
from shared.adapters.service_bus import ServiceBusQueue
from shared.core.failures import NeedsPerson, Passing
from shared.memory.clock import SettableClock
from shared.memory.dead_letters import MemoryDeadLetters
from shared.memory.queue import MemoryQueue
from shared.ports import DeadLetter, DeadLetters, JobMessage

FAILING = QueueSettings("failing", max_delivery_count=1, requires_session=True, requires_duplicate_detection=True)
EXPIRING = QueueSettings("expiring", requires_session=True, default_time_to_live=1, dead_letter_on_expiration=True)


class Bench(Protocol):
    """A queue that sets aside whatever fails once, as one session sees it.

    `fail` sends messages and lets as many that wait fail; `take` takes what waits.
    """

    @property
    def dead_letters(self) -> DeadLetters: ...

    async def fail(self, count: int, *messages: JobMessage) -> None: ...

    async def take(self) -> list[JobMessage]: ...


@dataclass
class MemoryBench:
    queue: MemoryQueue

    @property
    def dead_letters(self) -> DeadLetters:
        return MemoryDeadLetters(self.queue)

    async def fail(self, count: int, *messages: JobMessage) -> None:
        for message in messages:
            await self.queue.send(message)
        for _ in range(count):
            delivery = self.queue.receive()
            assert delivery is not None
            self.queue.abandon(delivery)

    async def take(self) -> list[JobMessage]:
        taken = []
        while delivery := self.queue.receive():
            self.queue.complete(delivery)
            taken.append(delivery.message)
        return taken


@dataclass
class BrokerBench:
    """The receiver stays open: to open one takes half a second, to close one a whole."""

    queue: ServiceBusQueue
    receiver: ServiceBusReceiver

    @property
    def dead_letters(self) -> DeadLetters:
        return ServiceBusDeadLetters(self.queue)

    async def fail(self, count: int, *messages: JobMessage) -> None:
        for message in messages:
            await self.queue.send(message)
        for _ in range(count):
            (received,) = await self.receiver.receive_messages(1)
            await self.receiver.abandon_message(received)

    async def take(self) -> list[JobMessage]:
        taken = await self.receiver.receive_messages(10, max_wait_time=0.3)
        for message in taken:
            await self.receiver.complete_message(message)
        return [JobMessage(str(one.message_id), "session", json.loads(str(one))) for one in taken]


@pytest.fixture(params=["memory", "service bus"])
async def bench(request: pytest.FixtureRequest) -> AsyncIterator[Bench]:
    if request.param == "memory":
        yield MemoryBench(MemoryQueue(SettableClock(), max_deliveries=1))
        return
    with serve_on_thread([FAILING]) as service:
        queue = ServiceBusQueue("failing", connection_string=service.connection_string)
        client = ServiceBusClient.from_connection_string(service.connection_string)
        receiver = await client.get_queue_receiver("failing", session_id="session").__aenter__()
        yield BrokerBench(queue, receiver)
        await asyncio.gather(queue.aclose(), receiver.close())


def message(name: str) -> JobMessage:
    return JobMessage(name, "session", {"version": 1, "mapping": "CUSTOMER", "run": name, "slice": 3})


def names(found: list[DeadLetter]) -> list[str]:
    return [one.message.id for one in found]


async def test_a_message_that_failed_too_often_is_seen_with_its_reason(bench: Bench) -> None:
    await bench.fail(1, message("first"))

    (found,) = await bench.dead_letters.page(None, 10)

    assert found.message == message("first")
    assert (found.reason, found.deliveries) == ("MaxDeliveryCountExceeded", 1)
    assert found.enqueued_at.tzinfo is not None


async def test_dead_letters_come_in_pages_and_stay(bench: Bench) -> None:
    await bench.fail(3, *(message(name) for name in "abc"))

    first = await bench.dead_letters.page(None, 2)
    rest = await bench.dead_letters.page(first[-1].number, 2)

    assert (names(first), names(rest)) == (["a", "b"], ["c"])
    assert names(await bench.dead_letters.page(None, 10)) == ["a", "b", "c"]


async def test_what_is_resubmitted_is_in_the_queue_again_and_nothing_else_is(bench: Bench) -> None:
    await bench.fail(3, *(message(name) for name in "abc"))
    numbers = {one.message.id: one.number for one in await bench.dead_letters.page(None, 10)}

    moved = await bench.dead_letters.resubmit([numbers["b"], max(numbers.values()) + 1])

    assert names(moved) == ["b"]
    assert names(await bench.dead_letters.page(None, 10)) == ["a", "c"]
    (again,) = await bench.take()
    assert (again.session, again.body) == ("session", message("b").body)


async def test_a_message_that_fails_again_can_be_resubmitted_again(bench: Bench) -> None:
    """Duplicate detection must swallow neither."""
    await bench.fail(1, message("a"))
    for fails_again in (1, 0):
        (found,) = await bench.dead_letters.page(None, 10)
        await bench.dead_letters.resubmit([found.number])
        await bench.fail(fails_again)
    assert [one.body for one in await bench.take()] == [message("a").body]
    assert await bench.dead_letters.page(None, 10) == []


# Service Bus only -----------------------------------------------------------------------------------------------------


async def test_what_expired_or_is_nobodys_json_is_seen_too() -> None:
    with serve_on_thread([EXPIRING]) as service:
        queue = ServiceBusQueue("expiring", connection_string=service.connection_string)
        async with (
            ServiceBusClient.from_connection_string(service.connection_string) as client,
            client.get_queue_sender("expiring") as sender,
        ):
            await sender.send_messages(ServiceBusMessage(b"\xff not JSON", message_id="odd", session_id="session"))
        (found,) = await ServiceBusDeadLetters(queue).page(None, 10)
    assert (found.message, found.reason) == (JobMessage("odd", "session", {}), "TTLExpiredException")
    assert found.description


@pytest.mark.parametrize(
    ("port", "queue_name", "expected"),
    [(9, "failing", Passing), (None, "no-such-queue", NeedsPerson)],
    ids=["no service", "no queue"],
)
async def test_what_goes_wrong_has_a_class(port: int | None, queue_name: str, expected: type[Exception]) -> None:
    with serve_on_thread([FAILING]) as service:
        address = service.connection_string
        if port is not None:
            address = address.replace(f":{service.port};", f":{port};")
        queue = ServiceBusQueue(queue_name, connection_string=address)
        with pytest.raises(expected):
            await ServiceBusDeadLetters(queue).page(None, 10)
