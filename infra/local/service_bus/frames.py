"""Frames and performatives ("Part 2: Transport" and "Part 5: Security" of the AMQP 1.0 standard).

Each performative is a named tuple with the fields in the order of the standard, so that it can be written in full:
the SDK reads some of them by position.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

from infra.local.service_bus.codec import (
    Array,
    DecodeError,
    Described,
    Symbol,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    decode,
    encode,
)

PROTOCOL_HEADER_AMQP = b"AMQP\x00\x01\x00\x00"
PROTOCOL_HEADER_SASL = b"AMQP\x03\x01\x00\x00"
FRAME_AMQP, FRAME_SASL = 0, 1
SENDER, RECEIVER = False, True
SETTLE_MODE_SETTLED = 1

_HEAD = struct.Struct(">IBBH")
EMPTY_FRAME = _HEAD.pack(8, 2, FRAME_AMQP, 0)


class FramingError(Exception):
    """The bytes of the peer are no frame that this connection can accept."""


class Open(NamedTuple):
    """Starts a connection. `idle_time_out` is in milliseconds."""

    container_id: str
    hostname: str | None = None
    max_frame_size: int | None = None
    channel_max: int | None = None
    idle_time_out: int | None = None
    outgoing_locales: Any = None
    incoming_locales: Any = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[Symbol, Any] | None = None


class Begin(NamedTuple):
    """Starts an AMQP session on a channel."""

    remote_channel: int | None
    next_outgoing_id: int
    incoming_window: int
    outgoing_window: int
    handle_max: int | None = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[Symbol, Any] | None = None


class Attach(NamedTuple):
    """Starts a link. `role` is that of the peer which sends the frame."""

    name: str
    handle: int
    role: bool
    snd_settle_mode: int | None = None
    rcv_settle_mode: int | None = None
    source: Any = None
    target: Any = None
    unsettled: Any = None
    incomplete_unsettled: bool | None = None
    initial_delivery_count: int | None = None
    max_message_size: int | None = None
    offered_capabilities: Any = None
    desired_capabilities: Any = None
    properties: dict[Symbol, Any] | None = None


class Flow(NamedTuple):
    """The state of an AMQP session's windows and, with a handle, of a link's credit."""

    next_incoming_id: int | None
    incoming_window: int
    next_outgoing_id: int
    outgoing_window: int
    handle: int | None = None
    delivery_count: int | None = None
    link_credit: int | None = None
    available: int | None = None
    drain: bool | None = None
    echo: bool | None = None
    properties: Any = None


class Transfer(NamedTuple):
    """One message, or a part of one while `more` is true. The payload follows the performative."""

    handle: int
    delivery_id: int | None = None
    delivery_tag: bytes | None = None
    message_format: int | None = None
    settled: bool | None = None
    more: bool | None = None
    rcv_settle_mode: int | None = None
    state: Any = None
    resume: bool | None = None
    aborted: bool | None = None
    batchable: bool | None = None


class Disposition(NamedTuple):
    """What became of the deliveries `first` to `last`."""

    role: bool
    first: int
    last: int | None = None
    settled: bool | None = None
    state: Any = None
    batchable: bool | None = None


class Detach(NamedTuple):
    """Ends a link."""

    handle: int
    closed: bool | None = None
    error: Any = None


class End(NamedTuple):
    """Ends an AMQP session."""

    error: Any = None


class Close(NamedTuple):
    """Ends a connection."""

    error: Any = None


class SaslMechanisms(NamedTuple):
    """The ways to authenticate that the server offers."""

    sasl_server_mechanisms: Array


class SaslInit(NamedTuple):
    """The way that the client chose."""

    mechanism: Symbol
    initial_response: bytes | None = None
    hostname: str | None = None


class SaslOutcome(NamedTuple):
    """The answer: code 0 is success."""

    code: int
    additional_data: bytes | None = None


Performative = (
    Open
    | Begin
    | Attach
    | Flow
    | Transfer
    | Disposition
    | Detach
    | End
    | Close
    | SaslMechanisms
    | SaslInit
    | SaslOutcome
)

_DESCRIPTORS: dict[type[Performative], int] = {
    Open: 0x10,
    Begin: 0x11,
    Attach: 0x12,
    Flow: 0x13,
    Transfer: 0x14,
    Disposition: 0x15,
    Detach: 0x16,
    End: 0x17,
    Close: 0x18,
    SaslMechanisms: 0x40,
    SaslInit: 0x41,
    SaslOutcome: 0x44,
}
_PERFORMATIVES = {code: kind for kind, code in _DESCRIPTORS.items()}

# The AMQP types of the integer fields; the others say theirs by their Python type.
_INTEGERS: dict[str, type[int]] = {
    **dict.fromkeys(("channel_max", "remote_channel"), Ushort),
    **dict.fromkeys(("snd_settle_mode", "rcv_settle_mode", "code"), Ubyte),
    "max_message_size": Ulong,
}


def encode_frame(channel: int, performative: Performative, payload: bytes = b"") -> bytes:
    """The bytes of one frame."""
    fields = [
        _INTEGERS.get(name, Uint)(value) if type(value) is int else value
        for name, value in zip(performative._fields, performative, strict=True)
    ]
    body = encode(Described(Ulong(_DESCRIPTORS[type(performative)]), fields))
    kind = FRAME_SASL if isinstance(performative, (SaslMechanisms, SaslInit, SaslOutcome)) else FRAME_AMQP
    return b"".join((_HEAD.pack(8 + len(body) + len(payload), 2, kind, channel), body, payload))


def take_frame(buffer: bytearray, max_frame_size: int) -> tuple[int, Performative | None, bytes] | None:
    """Remove the first whole frame from `buffer`: its channel, performative (None: a heartbeat) and payload.

    Returns None while the frame is not complete.

    Raises:
        FramingError: the head of the frame is invalid, or its size is above `max_frame_size` (bytes).
        DecodeError: the body of the frame is no performative that this side knows.
    """
    if len(buffer) < 8:
        return None
    size, offset, _, channel = _HEAD.unpack_from(buffer)
    if not 8 <= size <= max_frame_size or not 8 <= offset * 4 <= size:
        raise FramingError(f"A frame of {size} bytes with a data offset of {offset * 4} bytes is not acceptable.")
    if len(buffer) < size:
        return None
    body = bytes(buffer[offset * 4 : size])
    del buffer[:size]
    if not body:
        return channel, None, b""
    value, end = decode(body)
    return channel, _performative(value), body[end:]


def _performative(value: Any) -> Performative:
    if not isinstance(value, Described) or not isinstance(value.value, list):
        raise DecodeError("The body of a frame must be a performative.")
    kind = _PERFORMATIVES.get(value.descriptor)
    if kind is None or len(value.value) > len(kind._fields):
        raise DecodeError(f"There is no performative with the descriptor {value.descriptor!r} and these fields.")
    missing = len(kind._fields) - len(value.value) - len(kind._field_defaults)
    if missing > 0:
        raise DecodeError(f"The performative {kind.__name__} misses mandatory fields.")
    return kind(*value.value)
