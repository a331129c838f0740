"""The broker as a process, and what clients see of its keys, its end, and its return. Always against the own broker."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from azure.servicebus import ServiceBusClient as BlockingClient
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import MessageLockLostError, ServiceBusAuthenticationError

from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.server import Service, serve, serve_on_thread
from tests.contract.service_bus.conftest import body

CONFIG = Path(__file__).parents[3] / "infra" / "local" / "service-bus-config.json"


def start(port: int = 0) -> AbstractAsyncContextManager[Service]:
    return serve([QueueSettings("jobs")], port)


async def test_wrong_key_is_refused() -> None:
    async with start() as service:
        wrong = service.connection_string.replace("SAS_KEY_VALUE", "GUESSED")
        async with ServiceBusClient.from_connection_string(wrong, retry_total=0) as client:
            with pytest.raises(ServiceBusAuthenticationError):
                await client.get_queue_sender("jobs").__aenter__()


async def test_clients_reconnect_when_the_broker_returns() -> None:
    async with start() as service:
        client = ServiceBusClient.from_connection_string(
            service.connection_string, retry_backoff_factor=0.1, retry_backoff_max=0.3
        )
        sender, receiver = await asyncio.gather(
            client.get_queue_sender("jobs").__aenter__(), client.get_queue_receiver("jobs").__aenter__()
        )
        await sender.send_messages(ServiceBusMessage("lost with the broker"))
        (old,) = await receiver.receive_messages(1, max_wait_time=2)
    async with start(service.port):
        await sender.send_messages(ServiceBusMessage("new"))
        with pytest.raises(MessageLockLostError):
            await receiver.complete_message(old)
        (new,) = await receiver.receive_messages(1, max_wait_time=5)
        await receiver.complete_message(new)
        assert body(new) == b"new"
        await asyncio.gather(sender.close(), receiver.close())
        await client.close()


def test_blocking_client_works_with_a_broker_on_a_thread() -> None:
    with (
        serve_on_thread([QueueSettings("jobs")]) as service,
        BlockingClient.from_connection_string(service.connection_string, retry_total=0) as client,
        client.get_queue_sender("jobs") as sender,
        client.get_queue_receiver("jobs") as receiver,
    ):
        sender.send_messages([ServiceBusMessage("good"), ServiceBusMessage("bad")])
        (number,) = sender.schedule_messages(ServiceBusMessage("later"), datetime.now(UTC) + timedelta(hours=1))
        sender.cancel_scheduled_messages(number)
        good, bad = receiver.receive_messages(2, max_wait_time=2)
        assert receiver.renew_message_lock(good) > datetime.now(UTC)
        receiver.complete_message(good)
        receiver.dead_letter_message(bad, reason="because")
        assert receiver.peek_messages(1, sequence_number=1) == []
    assert (body(good), body(bad)) == (b"good", b"bad")


def test_taken_port_is_reported_to_the_caller() -> None:
    queues = [QueueSettings("jobs")]
    with serve_on_thread(queues) as service, pytest.raises(OSError), serve_on_thread(queues, service.port):  # noqa: PT011
        pass


async def run(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "infra.local.service_bus", *arguments]
    return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=CONFIG.parents[2])


async def test_process_announces_itself_and_serves_the_configured_queue() -> None:
    process = await run("--config", str(CONFIG), "--port", "0")
    assert process.stdout is not None
    try:
        word, _, facts = (await process.stdout.readline()).decode().partition(" ")
        told = json.loads(facts)
        async with ServiceBusClient.from_connection_string(told["connection_string"], retry_total=0) as client:
            sender = await client.get_queue_sender("sync-jobs").__aenter__()
            await sender.send_messages(ServiceBusMessage("job", session_id="mapping"))
            await sender.close()
        assert word == "READY"
        assert f":{told['port']};" in told["connection_string"]
    finally:
        process.kill()
        await process.communicate()


async def test_process_refuses_a_wrong_configuration_in_one_sentence(tmp_path: Path) -> None:
    queue = {"Name": "jobs", "Properties": {"LockDuration": "1 minute"}}
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"UserConfig": {"Namespaces": [{"Queues": [queue]}]}}))
    process = await run("--config", str(path))
    output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert errors.decode().count("\n") == 1
    assert "LockDuration" in errors.decode()
