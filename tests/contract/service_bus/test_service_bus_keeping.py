"""A broker that was stopped and started again still has what it held, and knows what it has seen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from azure.servicebus import ServiceBusMessage, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient

from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.server import serve

QUEUE = QueueSettings("jobs", requires_session=True, requires_duplicate_detection=True, max_delivery_count=1)


def message(name: str, session: str = "A", later: timedelta | None = None) -> ServiceBusMessage:
    at = datetime.now(UTC) + later if later else None
    return ServiceBusMessage(name, message_id=name, session_id=session, scheduled_enqueue_time_utc=at)


@asynccontextmanager
async def serving(state: Path) -> AsyncIterator[ServiceBusClient]:
    """A client of a broker that keeps its state in this file."""
    async with (
        serve([QUEUE], state=state) as service,
        ServiceBusClient.from_connection_string(service.connection_string) as client,
    ):
        yield client


async def test_messages_schedules_dead_letters_and_ids_survive_a_stop(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    async with serving(state) as client:
        async with client.get_queue_sender("jobs") as sender:
            await sender.send_messages([message("failed"), message("waiting")])
            await sender.send_messages(message("scheduled", "B", timedelta(hours=1)))
        async with client.get_queue_receiver("jobs", session_id="A") as receiver:
            (failed,) = await receiver.receive_messages(1)
            await receiver.abandon_message(failed)
    async with serving(state) as client:
        async with client.get_queue_sender("jobs") as sender:
            await sender.send_messages([message("waiting"), message("new")])
        async with client.get_queue_receiver("jobs", session_id="A") as receiver:
            found = [str(one) for one in await receiver.peek_messages(10, sequence_number=1)]
        async with client.get_queue_receiver("jobs", session_id="B") as receiver:
            scheduled = [str(one) for one in await receiver.peek_messages(10, sequence_number=1)]
        async with client.get_queue_receiver("jobs", sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
            (dead,) = await receiver.receive_messages(1, max_wait_time=1)
    assert (found, scheduled) == (["waiting", "new"], ["scheduled"])
    assert (str(dead), dead.dead_letter_reason) == ("failed", "MaxDeliveryCountExceeded")
