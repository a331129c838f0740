"""What `ports.JobQueue` promises, held against memory and against the broker through the real SDK."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import uuid4

import pytest
from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

from infra.local.service_bus.config import load
from infra.local.service_bus.server import serve_on_thread
from shared.adapters.service_bus import ServiceBusQueue
from shared.core.failures import NeedsPerson, Passing, SyncFailure
from shared.memory.clock import SettableClock
from shared.memory.queue import MemoryQueue
from shared.ports import JobMessage, JobQueue
from tests.contract.parts import ROOT

QUEUE = "sync-jobs"


class Bench(Protocol):
    """A queue under test and its time. `drain` works a session off: it waits for the expected, then looks for more."""

    @property
    def queue(self) -> JobQueue: ...

    def now(self) -> datetime: ...

    async def wait(self, seconds: float) -> None: ...

    async def drain(self, session: str, expected: int) -> list[JobMessage]: ...


@dataclass
class MemoryBench:
    queue: MemoryQueue
    clock: SettableClock

    def now(self) -> datetime:
        return self.clock.now()

    async def wait(self, seconds: float) -> None:
        self.clock.advance(seconds=seconds)

    async def drain(self, session: str, expected: int) -> list[JobMessage]:
        received = []
        while delivery := self.queue.receive(session):
            received.append(delivery.message)
            self.queue.complete(delivery)
        return received


class BrokerBench:
    """Receivers are kept until the end: to open one takes half a second, to close one a whole."""

    def __init__(self, connection_string: str) -> None:
        self.queue = ServiceBusQueue(QUEUE, connection_string=connection_string)
        self._client = ServiceBusClient.from_connection_string(connection_string)
        self._receivers: dict[str, ServiceBusReceiver] = {}

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def drain(self, session: str, expected: int) -> list[JobMessage]:
        if session not in self._receivers:
            receiver = self._client.get_queue_receiver(QUEUE, session_id=session)
            self._receivers[session] = await receiver.__aenter__()
        received: list[JobMessage] = []
        while messages := await self._receivers[session].receive_messages(
            max_message_count=max(1, expected - len(received)), max_wait_time=10 if len(received) < expected else 0.1
        ):
            for message in messages:
                assert message.content_type == "application/json"
                body = json.loads(b"".join(message.body))
                received.append(JobMessage(str(message.message_id), str(message.session_id), body))
                await self._receivers[session].complete_message(message)
        return received

    async def close(self) -> None:
        await asyncio.gather(self.queue.aclose(), *(receiver.close() for receiver in self._receivers.values()))
        await self._client.close()


@pytest.fixture(scope="session")
async def service_bus(broker: str) -> AsyncIterator[BrokerBench]:
    bench = BrokerBench(broker)
    yield bench
    await bench.close()


@pytest.fixture(params=["memory", "service bus"])
def bench(request: pytest.FixtureRequest) -> Bench:
    if request.param == "service bus":
        bench: Bench = request.getfixturevalue("service_bus")
        return bench
    clock = SettableClock()
    return MemoryBench(MemoryQueue(clock), clock)


def message(session: str, text: str = "") -> JobMessage:
    return JobMessage(str(uuid4()), session, {"text": text})


def texts(messages: list[JobMessage]) -> list[object]:
    return [each.body["text"] for each in messages]


async def test_a_message_arrives_as_it_was_sent(bench: Bench) -> None:
    session = f"mapping/Kunden, 東京 {uuid4()}"
    sent = JobMessage(f"{uuid4()} ä", session, {"slice": 3, "nested": {"list": [None, "Å"]}})
    await bench.queue.send(sent)
    assert await bench.drain(session, 1) == [JobMessage(sent.id, session, {"version": 1, **sent.body})]


async def test_one_id_is_one_message(bench: Bench) -> None:
    session = str(uuid4())
    first = message(session, "first")
    await bench.queue.send(first)
    await bench.queue.send(first)
    await bench.queue.send(JobMessage(first.id, session, {"text": "same id, other body"}))
    await bench.queue.send(JobMessage(first.id, session, {}), not_before=bench.now() + timedelta(seconds=0.05))
    await bench.wait(0.1)
    assert texts(await bench.drain(session, 1)) == ["first"]
    await bench.queue.send(first)
    assert await bench.drain(session, 0) == []  # settled, but still remembered


async def test_a_session_keeps_its_order(bench: Bench) -> None:
    sessions = [str(uuid4()), str(uuid4())]
    for number in range(10):
        await bench.queue.send(message(sessions[number % 2], str(number)))
    even, odd = await asyncio.gather(*(bench.drain(session, 5) for session in sessions))
    assert texts(even) == ["0", "2", "4", "6", "8"]
    assert texts(odd) == ["1", "3", "5", "7", "9"]


async def test_a_message_waits_for_its_time(bench: Bench) -> None:
    session = str(uuid4())
    soon = bench.now() + timedelta(seconds=0.9)
    await bench.queue.send(message(session, "in an hour"), not_before=soon + timedelta(hours=1))
    await bench.queue.send(message(session, "soon"), not_before=soon)
    await bench.queue.send(message(session, "long due"), not_before=soon - timedelta(hours=1))
    await bench.queue.send(message(session, "now"))
    assert texts(await bench.drain(session, 2))[:2] == ["long due", "now"]
    assert bench.now() < soon, "the machine was too slow for this test"
    await bench.wait((soon - bench.now()).total_seconds())
    assert texts(await bench.drain(session, 1)) == ["soon"]


async def test_concurrent_sends_all_arrive(bench: Bench) -> None:
    session = str(uuid4())
    await asyncio.gather(*(bench.queue.send(message(session, str(number))) for number in range(20)))
    assert set(texts(await bench.drain(session, 20))) == {str(number) for number in range(20)}


@pytest.mark.parametrize(
    ("refused", "reason"),
    [
        (JobMessage("x" * 129, "session"), "message_id"),
        (JobMessage("id", "x" * 129), "session_id"),
        (JobMessage("id", "session", {"x": "y" * 256 * 1024}), "bytes"),
        (JobMessage("id", "session", {"x": float("nan")}), "JSON"),
    ],
    ids=["id", "session", "size", "nan"],
)
async def test_what_cannot_be_sent_is_refused(bench: Bench, refused: JobMessage, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        await bench.queue.send(refused)


async def test_a_healthy_queue_says_so(bench: Bench) -> None:
    assert [line.ok for line in await bench.queue.check()] == [True]


# Service Bus only -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value", "queue_name", "reason"),
    [
        ("SharedAccessKey=[^;]*", "SharedAccessKey=wrong", QUEUE, "Azure Service Bus Data Sender"),
        ("", "", "no-such-queue", "no queue no-such-queue"),
    ],
    ids=["wrong key", "no queue"],
)
async def test_a_refusing_service_needs_a_person(
    broker: str, setting: str, value: str, queue_name: str, reason: str
) -> None:
    connection_string = re.sub(setting, value, broker) if setting else broker
    queue = ServiceBusQueue(queue_name, connection_string=connection_string, retries=0)
    failure, (line,) = await asyncio.gather(_failure_of(queue), queue.check())
    assert isinstance(failure, NeedsPerson)
    assert reason in str(failure)
    assert (line.ok, line.message, bool(line.fix)) == (False, str(failure), True)
    await queue.aclose()


async def test_the_queue_recovers_when_the_service_comes_back() -> None:
    queues = load(ROOT / "infra/local/service-bus-config.json")
    with serve_on_thread(queues) as service:
        queue = ServiceBusQueue(QUEUE, connection_string=service.connection_string, retries=0)
        await queue.send(message("session"))
    failure, (line,) = await asyncio.gather(_failure_of(queue), queue.check())
    assert isinstance(failure, Passing)
    assert (line.ok, "wait" in line.fix) == (False, True)
    with serve_on_thread(queues, service.port):
        await queue.send(message("session"))
    await queue.aclose()


async def _failure_of(queue: ServiceBusQueue) -> SyncFailure:
    with pytest.raises(SyncFailure) as failure:
        await queue.send(message("session"))
    return failure.value
