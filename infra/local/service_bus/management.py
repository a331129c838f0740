"""The request-response operations on a queue, at its address `<queue>/$management`.

Source: "AMQP 1.0 in Azure Service Bus: request-response-based operations" in Microsoft's documentation, which gives the
names and types of all arguments. An operation on a session needs the link that holds the session (its name is the
application property `associated-link-name`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from infra.local.service_bus.codec import Array, DecodeError, Int, Timestamp
from infra.local.service_bus.entities import Message, SessionLock
from infra.local.service_bus.errors import InvalidRequest, Malformed, NotImplementedByBroker
from infra.local.service_bus.messages import parse, render
from infra.local.service_bus.queue import Queue
from infra.local.service_bus.requests import Reply, Request

VENDOR = "com.microsoft:"
_ANY_STATE_TIME = 253402300800000
"""`last-updated-time` with this value (the year 10000) asks for all sessions."""
_RECEIVE_AND_DELETE = 0


def manage(queue: Queue, request: Request) -> Reply:
    """Do the operation that `request` names, on `queue`.

    Raises:
        Refusal: it cannot be done.
    """
    name = str(request.properties.get("operation", ""))
    operation = _OPERATIONS.get(name.removeprefix(VENDOR))
    if operation is None:
        raise NotImplementedByBroker(f"The operation '{name}' is not implemented.")
    return operation(queue, request)


def rendered(message: Message) -> bytes:
    """The message in `queue`, as a receiver gets it."""
    lock = message.lock
    return render(
        message.content,
        sequence_number=message.sequence_number,
        enqueued_at=message.enqueued_at,
        delivery_count=message.delivery_count,
        state=message.state,
        locked_until=lock.until if lock is not None else None,
        lock_token=lock.token if lock is not None else None,
        dead_letter_source=message.dead_letter_source,
    )


def _renew_lock(queue: Queue, request: Request) -> Reply:
    expirations = [queue.renew(token) for token in _lock_tokens(request)]
    return Reply(body={"expirations": Array.of(Timestamp, expirations)})


def _renew_session_lock(queue: Queue, request: Request) -> Reply:
    until = queue.renew_session(request.argument("session-id", str), _owner(request))
    return Reply(body={"expiration": Timestamp(until)})


def _schedule_message(queue: Queue, request: Request) -> Reply:
    entries = request.argument("messages", list)
    try:
        contents = [parse(entry["message"]) for entry in entries]
    except (DecodeError, KeyError, TypeError) as error:
        raise Malformed(f"A message to schedule cannot be read: {error}") from error
    if any(content.scheduled_for is None for content in contents):
        raise InvalidRequest("A message to schedule misses the annotation x-opt-scheduled-enqueue-time.")
    return Reply(body={"sequence-numbers": Array.of(int, queue.send(contents))})


def _cancel_scheduled_message(queue: Queue, request: Request) -> Reply:
    queue.cancel_scheduled(_sequence_numbers(request))
    return Reply()


def _peek_message(queue: Queue, request: Request) -> Reply:
    first, limit = request.argument("from-sequence-number", int), request.argument("message-count", int)
    found = queue.peek(first, limit, request.optional("session-id", str))
    if not found:
        return Reply(204, "No messages are available.")
    return Reply(body={"messages": [{"message": rendered(message)} for message in found]})


def _receive_by_sequence_number(queue: Queue, request: Request) -> Reply:
    delete = request.argument("receiver-settle-mode", int) == _RECEIVE_AND_DELETE
    found = queue.receive_deferred(_sequence_numbers(request), _session(queue, request), delete=delete)
    return Reply(body={"messages": [_with_lock_token(message) for message in found]})


def _with_lock_token(message: Message) -> dict[str, Any]:
    token = {} if message.lock is None else {"lock-token": message.lock.token}
    return {"message": rendered(message), **token}


def _update_disposition(queue: Queue, request: Request) -> Reply:
    _session(queue, request)
    reason, description = request.optional("deadletter-reason", str), request.optional("deadletter-description", str)
    settlements: dict[str, Callable[[UUID], None]] = {
        "completed": queue.complete,
        "abandoned": queue.abandon,
        "defered": queue.defer,  # the service's own spelling
        "suspended": lambda token: queue.dead_letter(token, reason or None, description or None),
    }
    status = request.argument("disposition-status", str)
    if status not in settlements:
        raise InvalidRequest(f"The disposition status '{status}' is not known.")
    for token in _lock_tokens(request):
        settlements[status](token)
    return Reply()


def _get_session_state(queue: Queue, request: Request) -> Reply:
    session = _own_session(queue, request)
    return Reply(body={"session-state": queue.session_state(session.session_id)})


def _set_session_state(queue: Queue, request: Request) -> Reply:
    session = _own_session(queue, request)
    queue.set_session_state(session.session_id, request.optional("session-state", bytes))
    return Reply()


def _get_message_sessions(queue: Queue, request: Request) -> Reply:
    skip, top = request.argument("skip", int), request.argument("top", int)
    after = request.argument("last-updated-time", int)
    names = queue.session_ids(None if after >= _ANY_STATE_TIME else after)[skip : skip + top]
    if not names:
        return Reply(204, "No sessions are available.", VENDOR + "session-not-found")
    return Reply(body={"skip": Int(skip + len(names)), "sessions-ids": Array.of(str, names)})


_OPERATIONS: dict[str, Callable[[Queue, Request], Reply]] = {
    "renew-lock": _renew_lock,
    "renew-session-lock": _renew_session_lock,
    "schedule-message": _schedule_message,
    "cancel-scheduled-message": _cancel_scheduled_message,
    "peek-message": _peek_message,
    "receive-by-sequence-number": _receive_by_sequence_number,
    "update-disposition": _update_disposition,
    "get-session-state": _get_session_state,
    "set-session-state": _set_session_state,
    "get-message-sessions": _get_message_sessions,
}


def _owner(request: Request) -> str | None:
    return request.properties.get("associated-link-name")


def _own_session(queue: Queue, request: Request) -> SessionLock:
    """The lock of the session that the request names. Raises SessionLockLost when the caller does not hold it."""
    return queue.session_held(request.argument("session-id", str), _owner(request))


def _session(queue: Queue, request: Request) -> SessionLock | None:
    """The same, and None when the request names no session."""
    return _own_session(queue, request) if request.optional("session-id", str) is not None else None


def _items(request: Request, name: str, kind: type) -> Iterator[Any]:
    for item in request.argument(name, Array).items:
        if not isinstance(item, kind):
            raise InvalidRequest(f"The argument '{name}' must be an array of {kind.__name__}.")
        yield item


def _lock_tokens(request: Request) -> list[UUID]:
    return list(_items(request, "lock-tokens", UUID))


def _sequence_numbers(request: Request) -> list[int]:
    return list(_items(request, "sequence-numbers", int))
