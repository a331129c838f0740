"""Queue messages in the form in which the Service Bus extension of the real host hands them to a worker.

Values without content are left out. What the extension does not send (time to live, lock expiry, state, scheduled time)
is not sent here either, so that an app does not come to rely on it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from infra.local.functions_host.functions import Function
from infra.local.functions_host.worker import Datum

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage

Fields = Mapping[str, Any]

# What .NET reports for a message that never expires.
_NEVER = "9999-12-31T23:59:59.9999999"


def single_message(function: Function, message: ServiceBusReceivedMessage) -> tuple[Datum, dict[str, Datum]]:
    """Trigger value and metadata of a function with cardinality ONE."""
    return _body(function, body_of(message)), _metadata(_fields(message))


def message_batch(function: Function, messages: Sequence[ServiceBusReceivedMessage]) -> tuple[Datum, dict[str, Datum]]:
    """Trigger value and metadata of a function with cardinality MANY: each field becomes an array."""
    bodies = [body_of(message) for message in messages]
    if wants_bytes(function):
        value = Datum(SimpleNamespace(bytes=bodies), "collection_bytes")
    else:
        value = Datum(SimpleNamespace(string=[_text(body) for body in bodies]), "collection_string")
    rows = [_fields(message) for message in messages]
    names = dict.fromkeys(name for row in rows for name in row)
    return value, {f"{name}Array": _json([row.get(name) for row in rows]) for name in names}


def message_by_hand(function: Function, text: str) -> tuple[Datum, dict[str, Datum]]:
    """What a queue function gets when it is run by hand: a message that was never in a queue."""
    now = _without_offset(datetime.now(UTC))
    fields = {
        "MessageId": uuid.uuid4().hex,
        "DeliveryCount": 1,
        "EnqueuedTimeUtc": now,
        "ApplicationProperties": {},
        "UserProperties": {},
    }
    if is_batch(function):
        value = Datum(SimpleNamespace(string=[text], bytes=[text.encode()]), f"collection_{_kind(function)}")
        return value, {f"{name}Array": _json([field]) for name, field in fields.items()}
    return _body(function, text.encode()), _metadata(fields)


def is_batch(function: Function) -> bool:
    """Whether the function takes several messages at once."""
    return function.trigger.text("cardinality", "ONE").upper() == "MANY"


def wants_bytes(function: Function) -> bool:
    """Whether bodies are handed over as bytes; text is the host's default."""
    return function.trigger.text("dataType").upper() == "BINARY"


def body_of(message: ServiceBusReceivedMessage) -> bytes:
    """The body's bytes; a body that is an AMQP value or sequence comes as its text."""
    body = message.body
    if isinstance(body, bytes):
        return body
    if isinstance(body, str) or not hasattr(body, "__iter__"):
        return str(body).encode()
    parts = list(body)
    return b"".join(parts) if all(isinstance(part, bytes) for part in parts) else str(message).encode()


def _body(function: Function, body: bytes) -> Datum:
    return Datum(body, "bytes") if wants_bytes(function) else Datum(_text(body), "string")


def _kind(function: Function) -> str:
    return "bytes" if wants_bytes(function) else "string"


def _fields(message: ServiceBusReceivedMessage) -> dict[str, Any]:
    properties = _plain(message.application_properties or {})
    enqueued, expires = message.enqueued_time_utc, message.expires_at_utc
    fields = {
        # The SDK counts deliveries from 0, .NET and hence the trigger from 1.
        "DeliveryCount": (message.delivery_count or 0) + 1,
        "DeadLetterSource": message.dead_letter_source,
        "LockToken": str(message.lock_token) if message.lock_token else None,
        "ExpiresAtUtc": _without_offset(expires) if expires else _NEVER,
        "ExpiresAt": _with_offset(expires) if expires else f"{_NEVER}+00:00",
        "EnqueuedTimeUtc": _without_offset(enqueued) if enqueued else None,
        "EnqueuedTime": _with_offset(enqueued) if enqueued else None,
        "MessageId": message.message_id,
        "ContentType": message.content_type,
        "ReplyTo": message.reply_to,
        "SequenceNumber": message.sequence_number,
        "To": message.to,
        "Subject": message.subject,
        "Label": message.subject,
        "CorrelationId": message.correlation_id,
        "ApplicationProperties": properties,
        "UserProperties": properties,
        "SessionId": message.session_id,
        "ReplyToSessionId": message.reply_to_session_id,
        "PartitionKey": message.partition_key,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _metadata(fields: Fields) -> dict[str, Datum]:
    return {name: Datum(value, "string") if isinstance(value, str) else _json(value) for name, value in fields.items()}


def _json(value: Any) -> Datum:
    return Datum(json.dumps(value, default=str), "json")


def _plain(value: Any) -> Any:
    """AMQP brings names and texts as bytes."""
    if isinstance(value, bytes):
        return _text(value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(item) for name, item in value.items()}
    return value


def _text(body: bytes) -> str:
    return body.decode("utf-8", errors="replace")


def _without_offset(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0")


def _with_offset(moment: datetime) -> str:
    return f"{_without_offset(moment)}+00:00"
