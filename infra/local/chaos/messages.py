"""What the queue still holds, seen through the SDK while no host is there to take it."""

from __future__ import annotations

from azure.servicebus import NEXT_AVAILABLE_SESSION, ServiceBusSubQueue
from azure.servicebus.aio import ServiceBusClient
from azure.servicebus.exceptions import OperationTimeoutError

QUEUE = "sync-jobs"
_PATIENCE = 1.0  # seconds


async def left_over(connection_string: str) -> list[str]:
    """A sentence for each kind of message that is left."""
    async with ServiceBusClient.from_connection_string(connection_string, retry_total=0) as client:
        async with client.get_queue_receiver(QUEUE, sub_queue=ServiceBusSubQueue.DEAD_LETTER) as receiver:
            dead = await receiver.peek_messages(100)
        wrong = [f"A dead letter: {one.message_id}: {one.dead_letter_reason}" for one in dead]
        waiting = client.get_queue_receiver(QUEUE, session_id=NEXT_AVAILABLE_SESSION, max_wait_time=_PATIENCE)
        try:
            async with waiting:
                wrong += [f"An open message: {one.message_id}" for one in await waiting.peek_messages(100)]
        except OperationTimeoutError:
            pass  # no session has messages
    return wrong
