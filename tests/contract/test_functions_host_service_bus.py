"""Queue functions under the local Functions host, with the local broker."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient, ServiceBusSender

from tests.contract.functions_host_apps.running import APPS, RunningHost, host_running
from tests.contract.parts import part_running

CONFIG = APPS / "queues" / "service-bus-config.json"


@dataclass
class Bus:
    """The broker as the tests use it: one sender per queue, kept open because opening one takes half a second."""

    client: ServiceBusClient
    senders: dict[str, ServiceBusSender]

    async def send(self, queue: str, *messages: ServiceBusMessage) -> None:
        if queue not in self.senders:
            self.senders[queue] = self.client.get_queue_sender(queue)
        await self.senders[queue].send_messages(list(messages))


@pytest.fixture(scope="module")
def connection_string() -> Iterator[str]:
    with part_running("service_bus", "--config", str(CONFIG)) as facts:
        yield facts["connection_string"]


@pytest.fixture(scope="module")
def host(connection_string: str) -> Iterator[RunningHost]:
    with host_running("queues", "--set", f"Bus={connection_string}", "--set", "PLAIN_QUEUE=plain") as running:
        yield running


@pytest.fixture(scope="module")
async def bus(connection_string: str) -> AsyncIterator[Bus]:
    async with ServiceBusClient.from_connection_string(connection_string) as client:
        bus = Bus(client, {})
        yield bus
        await asyncio.gather(*(sender.close() for sender in bus.senders.values()))


def message(body: str = "work", session_id: str | None = None, **properties: object) -> ServiceBusMessage:
    return ServiceBusMessage(body, message_id=uuid.uuid4().hex, session_id=session_id, **properties)


async def until_logged(host: RunningHost, text: str, times: int = 1) -> None:
    await asyncio.to_thread(host.wait_for_log, text, times)


async def test_a_message_arrives_with_what_the_real_trigger_sends(host: RunningHost, bus: Bus) -> None:
    properties = {"subject": "greeting", "correlation_id": "c-1", "content_type": "text/plain"}
    sent = message("käse", application_properties={"mapping": "CUSTOMER", "attempt": 2}, **properties)

    await bus.send("plain", sent)

    await until_logged(host, f"plain {sent.message_id} saw")
    seen = json.loads(host.log().split(f"plain {sent.message_id} saw ")[1].splitlines()[0])
    assert seen["body"] == "käse"
    assert seen["application_properties"] == {"mapping": "CUSTOMER", "attempt": 2}
    assert (seen["subject"], seen["label"], seen["correlation_id"]) == ("greeting", "greeting", "c-1")
    assert seen["content_type"] == "text/plain"
    assert seen["sequence_number"] > 0
    assert seen["lock_token"] is True
    assert "+" not in seen["enqueued_time_utc"]  # naive, as in Azure
    assert seen["time_to_live"] is None  # not sent by the real extension
    assert f"plain {sent.message_id} delivery 1" in host.log()
    assert {"UserProperties", "MessageId", "DeliveryCount"} <= set(seen["metadata"])
    assert not {"SessionId", "ReplyTo", "LockedUntil"} & set(seen["metadata"])


async def test_a_message_that_always_fails_is_dead_lettered_after_the_queues_deliveries(
    host: RunningHost, bus: Bus
) -> None:
    sent = message("fail")

    await bus.send("plain", sent)

    async with bus.client.get_queue_receiver("plain", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
        (dead,) = await receiver.receive_messages(max_message_count=1, max_wait_time=10)
        await receiver.complete_message(dead)
    assert dead.message_id == sent.message_id
    assert dead.dead_letter_reason == "MaxDeliveryCountExceeded"
    assert [f"plain {sent.message_id} delivery {number}" in host.log() for number in range(1, 5)] == [True] * 3 + [
        False
    ]


async def test_a_lock_is_renewed_while_the_function_runs(host: RunningHost, bus: Bus) -> None:
    sent = message("take 1.5")  # with a lock of one second

    await bus.send("plain", sent)

    await until_logged(host, f"plain {sent.message_id} saw")
    assert f"plain {sent.message_id} delivery 2" not in host.log()


async def test_a_message_that_the_host_must_not_complete_comes_again(host: RunningHost, bus: Bus) -> None:
    sent = message()

    await bus.send("kept", sent)

    await until_logged(host, f"kept {sent.message_id} delivery 2")


async def test_a_batch_function_gets_several_messages_at_once(host: RunningHost, bus: Bus) -> None:
    sent = [message(str(number)) for number in range(20)]

    await bus.send("batches", *sent)

    await until_logged(host, "batch of")
    await asyncio.to_thread(host.wait_for_log, sent[-1].message_id or "")
    batches = [line.partition(": [[")[2] for line in host.log().splitlines() if "batch of" in line]
    received = [entry for batch in batches for entry in json.loads("[[" + batch)]
    assert sorted(received) == sorted([sent_one.message_id, 1, str(number)] for number, sent_one in enumerate(sent))
    assert len(batches) < len(sent)


async def test_sessions_run_side_by_side_and_each_in_order(host: RunningHost, bus: Bus) -> None:
    sessions = [uuid.uuid4().hex for _ in range(4)]
    sent = [message("take 0.3", session) for _ in range(2) for session in sessions]

    await bus.send("ordered", *sent)
    for one in sent[4:]:
        await until_logged(host, f"end {one.session_id} {one.message_id}")

    events = [line.rpartition(": ")[2].split() for line in host.log().splitlines() if "ordered [app]" in line]
    events = [event for event in events if event[1] in sessions]
    for session in sessions:
        first, second = [one.message_id for one in sent if one.session_id == session]
        happened = [(what, message_id) for what, of_session, message_id in events if of_session == session]
        assert happened == [("begin", first), ("end", first), ("begin", second), ("end", second)]
    running = accumulate(1 if what == "begin" else -1 for what, _, _ in events)
    assert 2 <= max(running) <= 4


async def test_a_message_of_any_session_starts_soon(host: RunningHost, bus: Bus) -> None:
    for _ in range(3):
        sent = message(session_id=uuid.uuid4().hex)
        began = time.monotonic()
        await bus.send("ordered", sent)
        await until_logged(host, f"begin {sent.session_id}")
        assert time.monotonic() - began < 2.0


async def test_a_session_lock_is_renewed_while_a_function_runs(host: RunningHost, bus: Bus) -> None:
    sent = message("take 1.5", uuid.uuid4().hex)  # with a lock of one second

    await bus.send("ordered", sent)

    await until_logged(host, f"end {sent.session_id}")
    assert host.log().count(f"begin {sent.session_id}") == 1


async def test_the_time_of_renewing_a_sessions_lock_is_that_of_all_its_messages() -> None:
    """As the .NET SDK under the real host does it; locks are of one second here."""
    setting = "AzureFunctionsJobHost__extensions__serviceBus__maxAutoLockRenewalDuration=00:00:01.5"
    session = uuid.uuid4().hex
    first, second = message("take 0.9", session), message("take 1.7", session)
    with ExitStack() as stack:
        facts = stack.enter_context(part_running("service_bus", "--config", str(CONFIG)))
        connection = f"Bus={facts['connection_string']}"
        await send_once(facts["connection_string"], "ordered", first, second)
        host = stack.enter_context(
            host_running("queues", "--set", connection, "--set", "PLAIN_QUEUE=plain", "--set", setting)
        )
        await until_logged(host, f"begin {session} {second.message_id}", times=2)
        assert host.log().count(f"begin {session} {first.message_id}") == 1


async def test_an_output_binding_sends_after_success_only(host: RunningHost, bus: Bus) -> None:
    failed = await asyncio.to_thread(host.client.post, "/api/forward", content="fail")
    sent = await asyncio.to_thread(host.client.post, "/api/forward", content="hello")

    assert (failed.status_code, sent.status_code) == (500, 200)
    async with bus.client.get_queue_receiver("forwarded") as receiver:
        (received,) = await receiver.receive_messages(max_message_count=2, max_wait_time=5)
        await receiver.complete_message(received)
    assert str(received) == "hello"


async def test_a_queue_function_runs_by_hand(host: RunningHost) -> None:
    answer = await asyncio.to_thread(host.admin, "POST", "functions/plain", {"input": "by hand"})

    assert answer.status_code == 202
    await until_logged(host, '"body": "by hand"')


async def test_the_connection_string_is_never_logged(host: RunningHost, connection_string: str) -> None:
    key = connection_string.partition("SharedAccessKey=")[2].partition(";")[0]
    assert key
    assert key not in host.log()


async def test_a_broker_that_comes_back_is_served_again_and_a_running_call_is_waited_for() -> None:
    broker = ["service_bus", "--config", str(CONFIG)]
    with ExitStack() as stack:
        with part_running(*broker) as facts:
            connection = f"Bus={facts['connection_string']}"
            host = stack.enter_context(host_running("queues", "--set", connection, "--set", "PLAIN_QUEUE=plain"))
        await until_logged(host, "cannot be reached and is tried again")

        stack.enter_context(part_running(*broker, "--port", str(facts["port"])))
        await until_logged(host, "The queue plain of plain is reached again.")
        await send_once(facts["connection_string"], "plain", sent := message("take 0.7"))
        await until_logged(host, f"plain {sent.message_id} delivery 1")
        took = await asyncio.to_thread(host.stop)

        assert f"plain {sent.message_id} saw" in host.log()
        assert (took < 5.0, host.process.returncode) == (True, 0)


async def send_once(connection_string: str, queue: str, *sent: ServiceBusMessage) -> None:
    async with (
        ServiceBusClient.from_connection_string(connection_string) as client,
        client.get_queue_sender(queue) as sender,
    ):
        await sender.send_messages(list(sent))
