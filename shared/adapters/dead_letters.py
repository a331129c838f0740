"""The dead letters of a Service Bus queue: `ports.DeadLetters`.

The service hands out dead letters in their order only, so the one that is wanted is looked for from the beginning, with
those before it locked meanwhile and then given back.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import UTC
from typing import TYPE_CHECKING

from shared.adapters.service_bus import RECEIVER, ServiceBusQueue, failure_of, sdk_error
from shared.ports import DeadLetter, JobMessage

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusMessage, ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

RETRIES = 1
AT_A_TIME = 50
PATIENCE = 1.0  # seconds without another message until there is none
AGAIN = ":again:"
"""In the id of a message that was sent again, before its number as a dead letter: another id than the first time, or
duplicate detection would swallow it; the same however often this one is resubmitted."""


class ServiceBusDeadLetters:
    """The dead-letter queue beside a queue."""

    def __init__(self, queue: ServiceBusQueue) -> None:
        self._queue = queue

    async def page(self, after: int | None, limit: int) -> list[DeadLetter]:
        """Dead letters beyond a number; they are looked at, not locked. Raises Passing, NeedsPerson."""
        found: list[DeadLetter] = []
        position = 1 if after is None else after + 1
        try:
            async with self._queue.new_client(RETRIES) as client, _receiver(client, self._queue.name) as receiver:
                while len(found) < limit:
                    messages = await receiver.peek_messages(limit - len(found), sequence_number=position)
                    if not messages:
                        break
                    found += [_dead_letter(message) for message in messages]
                    position = found[-1].number + 1
        except sdk_error() as error:
            raise failure_of(error, self._queue.name, role=RECEIVER) from error
        return found

    async def resubmit(self, numbers: Collection[int]) -> list[DeadLetter]:
        """Send these again and remove them, one after the other. Raises Passing, NeedsPerson."""
        try:
            async with self._queue.new_client(RETRIES) as client, _receiver(client, self._queue.name) as receiver:
                return await self._move(receiver, set(numbers))
        except sdk_error() as error:
            raise failure_of(error, self._queue.name, role=RECEIVER) from error

    async def _move(self, receiver: ServiceBusReceiver, wanted: set[int]) -> list[DeadLetter]:
        moved: list[DeadLetter] = []
        passed: list[ServiceBusReceivedMessage] = []
        while len(moved) < len(wanted):
            messages = await receiver.receive_messages(AT_A_TIME, max_wait_time=PATIENCE)
            if not messages:
                break
            for message in messages:
                if message.sequence_number in wanted:
                    await self._queue.forward(_again(message))
                    await receiver.complete_message(message)
                    moved.append(_dead_letter(message))
                else:
                    passed.append(message)
        for message in passed:
            await receiver.abandon_message(message)
        return moved


def _receiver(client: ServiceBusClient, queue_name: str) -> ServiceBusReceiver:
    from azure.servicebus import ServiceBusSubQueue

    return client.get_queue_receiver(queue_name, sub_queue=ServiceBusSubQueue.DEAD_LETTER)


def _dead_letter(message: ServiceBusReceivedMessage) -> DeadLetter:
    enqueued_at = message.enqueued_time_utc
    assert message.sequence_number is not None
    assert enqueued_at is not None
    return DeadLetter(
        message.sequence_number,
        JobMessage(str(message.message_id), message.session_id or "", _body(message)),
        message.dead_letter_reason or "",
        message.dead_letter_error_description or "",
        enqueued_at if enqueued_at.tzinfo else enqueued_at.replace(tzinfo=UTC),
        message.delivery_count or 0,
    )


def _body(message: ServiceBusReceivedMessage) -> dict[str, object]:
    """The JSON object in the message; nothing when somebody else has sent something else."""
    try:
        body = json.loads(b"".join(message.body))
    except (TypeError, ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _again(message: ServiceBusReceivedMessage) -> ServiceBusMessage:
    """The same message, as new: without its history."""
    from azure.servicebus import ServiceBusMessage

    first = str(message.message_id).partition(AGAIN)[0]
    return ServiceBusMessage(
        b"".join(message.body),
        message_id=f"{first}{AGAIN}{message.sequence_number}",
        session_id=message.session_id,
        content_type=message.content_type,
    )
