"""One broker and one set of SDK connections for all tests: opening a sender or receiver takes the SDK half a second.

With SERVICE_BUS_TEST_CONNECTION_STRING the same tests run against another broker or the service itself. Its queues must
have the names and properties of QUEUES below; tests of queues that it does not have are skipped.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from azure.servicebus import ServiceBusReceivedMessage, ServiceBusSubQueue
from azure.servicebus._pyamqp.aio import _client_async
from azure.servicebus.aio import (
    AutoLockRenewer,
    ServiceBusClient,
    ServiceBusReceiver,
    ServiceBusSender,
    _servicebus_receiver_async,
    _servicebus_sender_async,
    _session_browser_async,
)
from azure.servicebus.exceptions import MessagingEntityNotFoundError

from infra.local.service_bus.config import parse
from infra.local.service_bus.server import serve

EXTERNAL = os.environ.get("SERVICE_BUS_TEST_CONNECTION_STRING")

PROPERTIES: dict[str, dict[str, Any]] = {
    "contract-plain": {},
    "contract-unshared": {},
    "contract-strict": {
        "LockDuration": "PT0.6S",
        "MaxDeliveryCount": 2,
        "RequiresDuplicateDetection": True,
        "DuplicateDetectionHistoryTimeWindow": "PT0.5S",
        "DeadLetteringOnMessageExpiration": True,
    },
    "contract-sessions": {"RequiresSession": True},
    "contract-sessions-strict": {"RequiresSession": True, "LockDuration": "PT0.5S"},
    "contract-forwarding": {"ForwardDeadLetteredMessagesTo": "contract-plain"},
}
QUEUES = parse(
    {"UserConfig": {"Namespaces": [{"Queues": [{"Name": n, "Properties": p} for n, p in PROPERTIES.items()]}]}}
)


class Bench:
    """Senders and receivers of one client. Shared ones are opened once and stay open."""

    def __init__(self, client: ServiceBusClient) -> None:
        self.client = client
        self._shared: dict[tuple[str, str, str], Any] = {}

    async def sender(self, queue: str) -> ServiceBusSender:
        """The shared sender to a queue."""
        sender: ServiceBusSender = await self._share(("sender", queue, ""), lambda: self.client.get_queue_sender(queue))
        return sender

    async def receiver(self, queue: str, sub_queue: ServiceBusSubQueue | None = None) -> ServiceBusReceiver:
        """The shared receiver from a queue, or its dead-letter queue."""
        key = ("receiver", queue, str(sub_queue))
        receiver: ServiceBusReceiver = await self._share(
            key, lambda: self.client.get_queue_receiver(queue, sub_queue=sub_queue)
        )
        return receiver

    def own_receiver(self, queue: str, **options: Any) -> ServiceBusReceiver:
        """A receiver for one test, to be entered and left."""
        return self.client.get_queue_receiver(queue, **options)

    async def close(self) -> None:
        """Close the shared links."""
        await asyncio.gather(*(link.close() for link in self._shared.values()))

    async def _share(self, key: tuple[str, str, str], create: Callable[[], Any]) -> Any:
        if key not in self._shared:
            try:
                self._shared[key] = await create().__aenter__()
            except MessagingEntityNotFoundError:
                pytest.skip(f"The broker under test has no queue {key[1]}.")
        return self._shared[key]


class QueueUnderTest:
    """A queue that is empty at the start of a test, with its shared sender and receivers."""

    def __init__(self, name: str, bench: Bench) -> None:
        self.name = name
        self.bench = bench
        self.sender: ServiceBusSender
        self.receiver: ServiceBusReceiver
        self.dead_letters: ServiceBusReceiver

    async def prepare(self) -> QueueUnderTest:
        self.sender, self.receiver, self.dead_letters = await asyncio.gather(
            self.bench.sender(self.name),
            self.bench.receiver(self.name),
            self.bench.receiver(self.name, ServiceBusSubQueue.DEAD_LETTER),
        )
        for receiver in (self.receiver, self.dead_letters):
            await empty(receiver)
        return self

    async def receive(self, wait: float = 2) -> ServiceBusReceivedMessage:
        """The next message; fails when there is none."""
        (message,) = await self.receiver.receive_messages(1, max_wait_time=wait)
        return message

    async def receive_dead_letter(self, wait: float = 2) -> ServiceBusReceivedMessage:
        """The next dead letter, completed; fails when there is none."""
        (message,) = await self.dead_letters.receive_messages(1, max_wait_time=wait)
        await self.dead_letters.complete_message(message)
        return message

    async def is_empty(self) -> bool:
        """Whether nothing can be received now."""
        return await self.receiver.receive_messages(1, max_wait_time=0.1) == []


async def empty(receiver: ServiceBusReceiver) -> None:
    """Remove whatever an earlier test left behind."""
    for left in await receiver.peek_messages(100, sequence_number=1):
        state = left.state.name
        if state == "DEFERRED":
            (message,) = await receiver.receive_deferred_messages(number_of(left))
        elif state == "ACTIVE":
            (message,) = await receiver.receive_messages(1, max_wait_time=2)
        else:
            continue
        await receiver.complete_message(message)


def quick_renewer() -> AutoLockRenewer:
    """A renewer for short locks: by itself it looks only once a second."""
    renewer = AutoLockRenewer(max_lock_renewal_duration=10)
    renewer._sleep_time = 0.2  # type: ignore[assignment]
    return renewer


def body(message: ServiceBusReceivedMessage) -> bytes:
    """The data sections of a message, as one."""
    return b"".join(message.body)


class _Brisk:
    """asyncio, with naps 25 times shorter."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, delay: float) -> None:
        await asyncio.sleep(delay / 25)


def number_of(message: ServiceBusReceivedMessage) -> int:
    """The sequence number of a message, which every received one has."""
    assert message.sequence_number is not None
    return message.sequence_number


@pytest.fixture(scope="session", autouse=True)
def brisk_sdk() -> Iterator[None]:
    """Opening a link, the SDK looks every 50 ms whether it is open, and closing one it ends a nap of a second first.

    Only these naps are shortened, which saves most of the time of these tests; what the SDK sends stays the same.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in (_client_async, _servicebus_receiver_async, _servicebus_sender_async, _session_browser_async):
            patch.setattr(module, "asyncio", _Brisk())
        yield


@pytest.fixture(scope="session")
async def connection_string() -> AsyncIterator[str]:
    if EXTERNAL:
        yield EXTERNAL
    else:
        async with serve(QUEUES) as service:
            yield service.connection_string


@pytest.fixture(scope="session")
async def failures() -> list[dict[str, Any]]:
    """What went wrong in callbacks of the event loop, where no caller sees it."""
    seen: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(context))
    return seen


@pytest.fixture(autouse=True)
async def no_hidden_failure(failures: list[dict[str, Any]]) -> AsyncIterator[None]:
    yield
    hidden = [context for context in failures if "handle" in context]
    failures.clear()
    assert hidden == []


@pytest.fixture(scope="session")
async def bench(connection_string: str) -> AsyncIterator[Bench]:
    async with ServiceBusClient.from_connection_string(connection_string, retry_total=0) as client:
        bench = Bench(client)
        yield bench
        await bench.close()


@pytest.fixture
async def plain(bench: Bench) -> QueueUnderTest:
    """A queue with the service's defaults."""
    return await QueueUnderTest("contract-plain", bench).prepare()


@pytest.fixture
async def strict(bench: Bench) -> QueueUnderTest:
    """A queue with locks of 0.6 seconds, two deliveries, duplicate detection, and dead-lettering on expiration."""
    return await QueueUnderTest("contract-strict", bench).prepare()


@pytest.fixture
async def unshared(bench: Bench) -> ServiceBusSender:
    """A sender to a queue that has no shared receiver: an idle one may still have credit, and take a message."""
    return await bench.sender("contract-unshared")
