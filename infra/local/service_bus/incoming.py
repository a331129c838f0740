"""The links on which a client sends: messages to a queue, and requests to `$cbs` and `$management`."""

from __future__ import annotations

from infra.local.service_bus.broker import Outlet
from infra.local.service_bus.codec import DecodeError
from infra.local.service_bus.errors import Malformed, MessageTooLarge, NotAllowed, Refusal
from infra.local.service_bus.frames import RECEIVER, Attach, Disposition, Flow, Transfer
from infra.local.service_bus.links import ACCEPTED, Carrier, Link, rejected
from infra.local.service_bus.messages import MAX_MESSAGE_SIZE, parse_transfer
from infra.local.service_bus.requests import Handler, answer, parse_request, render_reply

_CREDIT = 1000


class IncomingLink(Link):
    """A link on which the client sends: collects the frames of a message and keeps the client in credit."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        super().__init__(carrier, attach)
        self._received = 0
        self._credit = 0
        self._first: Transfer | None = None
        self._payload = bytearray()

    def open(self) -> None:
        super().open()
        self._grant()

    def on_flow(self, flow: Flow) -> None:
        if flow.echo:
            self._grant()

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._first = first = self._first or transfer
        if len(self._payload) <= MAX_MESSAGE_SIZE:
            self._payload += payload
        if transfer.more and not transfer.aborted:
            return
        whole, self._first, self._payload = bytes(self._payload), None, bytearray()
        self._received += 1
        self._credit -= 1
        if not transfer.aborted:
            self._settle(first, transfer, whole)
        if self._credit < _CREDIT // 2:
            self._grant()

    def receive(self, message_format: int, payload: bytes) -> None:
        """Take a whole message. Raises Refusal, DecodeError."""
        raise NotImplementedError

    def _settle(self, first: Transfer, last: Transfer, payload: bytes) -> None:
        state = ACCEPTED
        try:
            if len(payload) > MAX_MESSAGE_SIZE:
                raise MessageTooLarge(f"The message is larger than {MAX_MESSAGE_SIZE} bytes, which the link allows.")
            self.receive(first.message_format or 0, payload)
        except Refusal as refusal:
            state = rejected(refusal)
        except DecodeError as error:
            state = rejected(Malformed(str(error)))
        if not (first.settled or last.settled) and first.delivery_id is not None:
            self.carrier.send(Disposition(RECEIVER, first.delivery_id, first.delivery_id, True, state))

    def _grant(self) -> None:
        self._credit = _CREDIT
        self.carrier.send_flow(self.handle, self._received, self._credit)


class Publisher(IncomingLink):
    """A link to a queue."""

    def __init__(self, carrier: Carrier, attach: Attach, outlet: Outlet) -> None:
        super().__init__(carrier, attach)
        self._queue = outlet.queue
        if self._queue.dead_letters is None:
            raise NotAllowed("Messages cannot be sent to a dead-letter queue.")

    def receive(self, message_format: int, payload: bytes) -> None:
        self._queue.send(parse_transfer(payload, message_format))


class RequestLink(IncomingLink):
    """A link to `$cbs` or `$management`."""

    def __init__(self, carrier: Carrier, attach: Attach, address: str, handler: Handler) -> None:
        super().__init__(carrier, attach)
        self._address = address
        self._handler = handler

    def receive(self, message_format: int, payload: bytes) -> None:
        request = parse_request(payload)
        reply = answer(request, self._handler)
        self.carrier.reply(self._address, render_reply(request, reply, dashed=self._address == "$cbs"))
