"""The sections of a message ("Part 3: Messaging" of the AMQP 1.0 standard) and the annotations of Service Bus.

The broker owns the header and the annotations. The bare message (properties, application properties, body) and the
footer belong to the sender and are passed on byte for byte. Only a dead-lettered message gets two application
properties more: the reason and its description.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from infra.local.service_bus.codec import DecodeError, Described, Int, Symbol, Timestamp, Uint, Ulong, decode, encode

MAX_MESSAGE_SIZE = 1024 * 1024
"""The largest message that is taken, in bytes: that of the Premium tier, and of the SDK's own check."""
FORMAT_BATCH = 0x80013700
"""The message format of a batch: each data section holds one encoded message."""

HEADER, DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, PROPERTIES, APPLICATION_PROPERTIES = range(0x70, 0x75)
DATA, AMQP_VALUE, FOOTER = 0x75, 0x77, 0x78

ENQUEUED_TIME = Symbol("x-opt-enqueued-time")
SEQUENCE_NUMBER = Symbol("x-opt-sequence-number")
LOCKED_UNTIL = Symbol("x-opt-locked-until")
LOCK_TOKEN = Symbol("x-opt-lock-token")
MESSAGE_STATE = Symbol("x-opt-message-state")
DEAD_LETTER_SOURCE = Symbol("x-opt-deadletter-source")
SCHEDULED_ENQUEUE_TIME = Symbol("x-opt-scheduled-enqueue-time")
_OWNED = frozenset({ENQUEUED_TIME, SEQUENCE_NUMBER, LOCKED_UNTIL, LOCK_TOKEN, MESSAGE_STATE, DEAD_LETTER_SOURCE})


@dataclass(frozen=True, slots=True)
class Content:
    """What a sender sent: the parts that the broker reads, and the rest as it came.

    `header` holds durable, priority, ttl, first-acquirer, delivery-count. `time_to_live` is in milliseconds,
    `scheduled_for` in milliseconds since the Unix epoch. `application_properties` (encoded, maybe empty) stands apart
    from `properties` before it and `body` (with footer) behind it, because dead-lettering extends it.
    """

    header: tuple[Any, ...] = (None,) * 5
    annotations: dict[Any, Any] = field(default_factory=dict)
    properties: bytes = b""
    application_properties: bytes = b""
    body: bytes = b""
    message_id: Any = None
    session_id: str | None = None
    time_to_live: int | None = None
    scheduled_for: int | None = None

    def with_application_properties(self, extra: dict[str, str]) -> Content:
        """The same message with these application properties added."""
        known = decode(self.application_properties)[0].value if self.application_properties else {}
        return replace(self, application_properties=section(APPLICATION_PROPERTIES, {**known, **extra}))


def section(code: int, value: Any) -> bytes:
    """One encoded section of a message."""
    return encode(Described(Ulong(code), value))


def sections(payload: bytes) -> Iterator[tuple[int, Any, bytes]]:
    """Each section of an encoded message: its code, its decoded value, and its bytes.

    Raises:
        DecodeError: the payload is no AMQP message.
    """
    position = 0
    while position < len(payload):
        start = position
        value, position = decode(payload, position)
        if not isinstance(value, Described) or not isinstance(value.descriptor, int):
            raise DecodeError("A message must consist of described sections.")
        yield value.descriptor, value.value, payload[start:position]


def parse(payload: bytes) -> Content:
    """The message in `payload`, in format 0.

    Raises:
        DecodeError: the payload is no AMQP message.
    """
    values: dict[int, Any] = {}
    parts: dict[int, bytes] = {}
    body = []
    for code, value, data in sections(payload):
        if code >= DATA:
            body.append(data)
        else:
            values[code], parts[code] = value, data
    header = tuple(values.get(HEADER) or ()) + (None,) * 5
    properties = list(values.get(PROPERTIES) or ()) + [None] * 13
    annotations = {key: value for key, value in (values.get(MESSAGE_ANNOTATIONS) or {}).items() if key not in _OWNED}
    return Content(
        header=header[:5],
        annotations=annotations,
        properties=parts.get(PROPERTIES, b""),
        application_properties=parts.get(APPLICATION_PROPERTIES, b""),
        body=b"".join(body),
        message_id=_typed(properties[0], "message-id", str, bytes, UUID, Ulong),
        session_id=_typed(properties[10], "group-id", str),
        time_to_live=_typed(header[2], "ttl", Uint),
        scheduled_for=_typed(annotations.get(SCHEDULED_ENQUEUE_TIME), SCHEDULED_ENQUEUE_TIME, Timestamp),
    )


def _typed(value: Any, name: str, *kinds: type) -> Any:
    if value is not None and not isinstance(value, kinds):
        raise DecodeError(f"The field {name} of the message has the wrong type.")
    return value


def parse_transfer(payload: bytes, message_format: int) -> list[Content]:
    """The messages in one transfer: one, or those of a batch. A batch's own properties repeat the first message's.

    Raises:
        DecodeError: the payload is no AMQP message, or the batch holds something else than data sections.
    """
    if message_format != FORMAT_BATCH:
        return [parse(payload)]
    return [parse(value) for code, value, _ in sections(payload) if code == DATA]


def render(
    content: Content,
    *,
    sequence_number: int,
    enqueued_at: int,
    delivery_count: int,
    state: int,
    locked_until: int | None = None,
    lock_token: UUID | None = None,
    dead_letter_source: str | None = None,
) -> bytes:
    """The message as a receiver gets it. Times are in milliseconds since the Unix epoch."""
    annotations: dict[Any, Any] = {
        **content.annotations,
        ENQUEUED_TIME: Timestamp(enqueued_at),
        SEQUENCE_NUMBER: sequence_number,
        MESSAGE_STATE: Int(state),
    }
    if locked_until is not None:
        annotations[LOCKED_UNTIL] = Timestamp(locked_until)
    if dead_letter_source is not None:
        annotations[DEAD_LETTER_SOURCE] = dead_letter_source
    header = [*content.header[:4], Uint(delivery_count)]
    return b"".join(
        (
            section(HEADER, header),
            b"" if lock_token is None else section(DELIVERY_ANNOTATIONS, {LOCK_TOKEN: lock_token}),
            section(MESSAGE_ANNOTATIONS, annotations),
            content.properties,
            content.application_properties,
            content.body,
        )
    )
