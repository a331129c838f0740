"""One connection of a client: protocol headers, SASL, frames, and the tokens that the client has put."""

from __future__ import annotations

import asyncio
import logging

from infra.local.service_bus.broker import Broker
from infra.local.service_bus.channel import Channel
from infra.local.service_bus.codec import Array, DecodeError, Described, Symbol, Ulong
from infra.local.service_bus.errors import InvalidRequest, Unauthorized
from infra.local.service_bus.frames import (
    EMPTY_FRAME,
    PROTOCOL_HEADER_AMQP,
    PROTOCOL_HEADER_SASL,
    Begin,
    Close,
    End,
    FramingError,
    Open,
    Performative,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    encode_frame,
    take_frame,
)
from infra.local.service_bus.requests import Reply, Request
from infra.local.service_bus.tokens import covers, entity_path

MAX_FRAME_SIZE = 64 * 1024
"""The largest frame in bytes, as the service has it."""
_HEADERS = (PROTOCOL_HEADER_AMQP, PROTOCOL_HEADER_SASL)
# Python uses ANONYMOUS; other SDKs look for the service's own name of the same thing.
_MECHANISMS = Array.of(Symbol, ["MSSBCBS", "ANONYMOUS", "EXTERNAL"])

_log = logging.getLogger(__name__)


class Connection(asyncio.Protocol):
    """The protocol of one TCP connection. All work is done as the bytes come in; there are no tasks."""

    def __init__(self, broker: Broker, connections: set[Connection]) -> None:
        self.broker = broker
        self.peer_max_frame_size = MAX_FRAME_SIZE
        self.is_writable = True
        self._all = connections
        self._buffer = bytearray()
        self._channels: dict[int, Channel] = {}
        self._granted: dict[str, int] = {}
        self._transport: asyncio.Transport | None = None
        self._heartbeat: asyncio.TimerHandle | None = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._all.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._all.discard(self)
        self._transport = None
        if self._heartbeat is not None:
            self._heartbeat.cancel()
        for channel in self._channels.values():
            channel.close()
        self._channels.clear()

    def pause_writing(self) -> None:
        """The client reads too slowly: no more messages for now."""
        self.is_writable = False

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.is_writable = True
        for channel in self._channels.values():
            channel.serve()

    def data_received(self, data: bytes) -> None:
        """Work off all whole frames."""
        self._buffer += data
        try:
            while self._transport is not None and self._step():
                pass
        except FramingError as error:
            self.fail("amqp:connection:framing-error", str(error))
        except DecodeError as error:
            self.fail("amqp:decode-error", str(error))
        except Exception:
            _log.exception("A frame could not be worked off.")
            self.fail("amqp:internal-error", "The broker failed to work off a frame.")

    # For channels

    def write(self, data: bytes) -> None:
        """Send bytes, unless the client is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def put_token(self, request: Request) -> Reply:
        """Handle a request to `$cbs`.

        Raises:
            Unauthorized: the token is not valid.
            InvalidRequest: the request is not to put a token, or does not say for what.
        """
        audience = request.properties.get("name")
        if request.properties.get("operation") != "put-token" or not isinstance(audience, str):
            raise InvalidRequest("Only put-token, with the name of an entity, is possible here.")
        expiry = self.broker.key.verify(request.body, audience, self.broker.clock())
        self._granted[entity_path(audience)] = expiry
        return Reply(202, "Accepted")

    def check_access(self, address: str) -> None:
        """Raises Unauthorized unless the client has put a token that covers the address and is still valid."""
        path, now = entity_path(address), self.broker.clock()
        if not any(covers(granted, path) and expiry > now for granted, expiry in self._granted.items()):
            raise Unauthorized(f"Unauthorized access. No valid token has been put for '{address}'.")

    def fail(self, condition: str, description: str) -> None:
        """Close the connection with an error."""
        if self._transport is not None:
            error = Described(Ulong(0x1D), [Symbol(condition), description, {}])
            self._emit(Close(error))
            self._transport.close()

    # Frames

    def _step(self) -> bool:
        """Work off one header or frame; False when the buffer holds no whole one."""
        if self._buffer.startswith(b"AMQP"):
            return self._on_header()
        frame = take_frame(self._buffer, MAX_FRAME_SIZE)
        if frame is None:
            return False
        channel, performative, payload = frame
        if performative is not None:
            self._on_frame(channel, performative, payload)
        return True

    def _on_header(self) -> bool:
        if len(self._buffer) < 8:
            return False
        header = bytes(self._buffer[:8])
        del self._buffer[:8]
        if header not in _HEADERS:
            raise FramingError(f"The protocol header {header!r} is not supported.")
        self.write(header)
        if header == PROTOCOL_HEADER_SASL:
            self._emit(SaslMechanisms(_MECHANISMS))
        return True

    def _on_frame(self, number: int, performative: Performative, payload: bytes) -> None:
        match performative:
            case SaslInit():
                self._emit(SaslOutcome(0))
            case Open():
                self._on_open(performative)
            case Begin():
                self._channels[number] = Channel(self, number, performative)
            case End():
                if (channel := self._channels.pop(number, None)) is not None:
                    channel.close()
                self._emit(End(), number)
            case Close():
                self._emit(Close())
                if self._transport is not None:
                    self._transport.close()
            case _ if number in self._channels:
                self._channels[number].handle(performative, payload)
            case _:
                raise FramingError(f"There is no session on channel {number}.")

    def _on_open(self, frame: Open) -> None:
        if frame.max_frame_size is not None:
            if frame.max_frame_size < 512:
                raise FramingError("The maximum frame size must be at least 512 bytes.")
            self.peer_max_frame_size = min(frame.max_frame_size, MAX_FRAME_SIZE)
        self._emit(Open("service-bus", frame.hostname, MAX_FRAME_SIZE, 255))
        if frame.idle_time_out:
            self._beat(frame.idle_time_out / 2000)

    def _beat(self, interval: float) -> None:
        """Send an empty frame every `interval` seconds, so that the client does not think the broker is dead."""
        self.write(EMPTY_FRAME)
        self._heartbeat = asyncio.get_running_loop().call_later(interval, self._beat, interval)

    def _emit(self, performative: Performative, channel: int = 0) -> None:
        self.write(encode_frame(channel, performative))
