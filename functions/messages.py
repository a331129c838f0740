"""Dead letters over HTTP: messages that the queue has set aside, and sending them again."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from functions.api.operation import Call, Reply, operation
from functions.queries import PageQuery
from shared.core.access import Role
from shared.services.dead_letters import DeadMessage, DeadMessages, dead_messages, resubmit, resubmit_all
from shared.services.forms.base import Answer


class DeadMessageAnswer(Answer):
    """A message that the queue has set aside."""

    sequence_number: int = Field(description="Its number among the dead letters.")
    message_id: str
    reason: str = Field(description="The queue's own word: `MaxDeliveryCountExceeded`, `TTLExpiredException`.")
    description: str = Field(description="The queue's own sentence.")
    enqueued_at: datetime
    deliveries: int = Field(description="How often it was handed out, here included.")
    connection: str | None = Field(description="null: it is no message of this app.")
    mapping: str | None
    run: str | None
    slice: int | None
    waited_for: bool = Field(description="Whether its run still waits for it; else it is ignored when it comes again.")
    trouble: str = Field(description="Why sending it again is of no use; empty when nothing is known against it.")


class DeadMessagesAnswer(Answer):
    """A page of dead letters, the oldest first."""

    messages: tuple[DeadMessageAnswer, ...]
    continuation: str | None


@operation(Role.READER, {200: DeadMessagesAnswer})
async def list_dead_messages(call: Call[PageQuery]) -> Reply:
    """Messages that the queue has set aside, the oldest first: delivered too often without success, or too old.

    A run whose message was set aside is not lost: the timer wakes it after a while, from its last checkpoint. What
    made its slices fail is in the app's log. The queue is that of all connections, and so is the list; `connection`
    narrows it to those of one.
    """
    query = call.query
    found = await dead_messages(call.connections, of=call.asked, after=query.continuation, limit=query.limit)
    return Reply(_answer(found))


@operation(
    Role.OPERATOR,
    {200: DeadMessageAnswer},
    problems=("unknown_message",),
)
async def resubmit_dead_message(call: Call) -> Reply:
    """Sends one of them, by its `sequence_number`, to the queue again and removes it here.

    It goes to the end of its mapping's turn. `waited_for` false: its run has ended or gone on meanwhile, and the
    message will be ignored; no harm is done.
    """
    return Reply(_message(await resubmit(call.connections, call.path["id"])))


@operation(Role.OPERATOR, {200: DeadMessagesAnswer})
async def resubmit_dead_messages(call: Call) -> Reply:
    """Sends all of them again, as the same for one: at most a hundred at a time.

    A `continuation` that is not null says that there are more: ask again.
    """
    return Reply(_answer(await resubmit_all(call.connections, of=call.asked)))


def _answer(found: DeadMessages) -> DeadMessagesAnswer:
    return DeadMessagesAnswer(messages=tuple(_message(one) for one in found.messages), continuation=found.continuation)


def _message(found: DeadMessage) -> DeadMessageAnswer:
    letter = found.letter
    return DeadMessageAnswer(
        sequence_number=letter.number,
        message_id=letter.message.id,
        reason=letter.reason,
        description=letter.description,
        enqueued_at=letter.enqueued_at,
        deliveries=letter.deliveries,
        connection=found.connection,
        mapping=found.mapping,
        run=found.run,
        slice=found.slice,
        waited_for=found.waited_for,
        trouble=found.trouble,
    )
