"""A message that nobody can work off, on the whole stack: set aside by the queue, seen over HTTP, and sent again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient

from tests.e2e.people import Everything

QUEUE = "sync-jobs"


@pytest.fixture
async def poison(everything: Everything) -> AsyncIterator[str]:
    """The id of a message without a mapping in it, sent by somebody else; it is taken away in the end."""
    message_id = f"poison {uuid4()}"
    connection = everything.information["service_bus"]["connection_string"]
    async with ServiceBusClient.from_connection_string(connection) as client:
        async with client.get_queue_sender(QUEUE) as sender:
            await sender.send_messages(ServiceBusMessage("{}", message_id=message_id, session_id=message_id))
        yield message_id
        async with client.get_queue_receiver(QUEUE, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
            for message in await receiver.receive_messages(10, max_wait_time=1):
                await receiver.complete_message(message)


async def set_aside(everything: Everything, message_id: str, after: int = 0) -> dict[str, Any]:
    """The dead letter with an id that begins so and a number beyond `after`, as soon as it is there."""
    async with asyncio.timeout(20):
        while True:
            listed = (await everything.app.get("/messages/dead")).raise_for_status().json()
            for one in listed["messages"]:
                if one["message_id"].startswith(message_id) and one["sequence_number"] > after:
                    return dict(one)


async def test_a_poison_message_is_set_aside_and_comes_back_when_it_is_sent_again(
    everything: Everything, poison: str
) -> None:
    first = await set_aside(everything, poison)
    assert (first["reason"], first["deliveries"]) == ("MaxDeliveryCountExceeded", 5)
    assert (first["mapping"], first["waited_for"]) == (None, False)
    assert "5 delivery attempts" in first["description"]

    answer = await everything.app.post(f"/messages/dead/{first['sequence_number']}/resubmit")
    assert (answer.status_code, answer.json()["message_id"]) == (200, poison)
    second = await set_aside(everything, poison, after=first["sequence_number"])
    assert second["message_id"] != poison, "duplicate detection would have swallowed the same id"

    gone = await everything.app.post(f"/messages/dead/{first['sequence_number']}/resubmit")
    assert (gone.status_code, gone.json()["code"]) == (404, "unknown_message")
    everyone = (await everything.app.post("/messages/dead/resubmit")).json()
    assert second["message_id"] in [one["message_id"] for one in everyone["messages"]]
    await set_aside(everything, poison, after=second["sequence_number"])
