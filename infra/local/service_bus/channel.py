"""One AMQP session. The broker calls it a channel, because Service Bus has sessions of its own."""

from __future__ import annotations

from functools import partial
from typing import Any, Protocol
from uuid import UUID

from infra.local.service_bus.broker import Broker
from infra.local.service_bus.codec import DecodeError, Described
from infra.local.service_bus.errors import EntityNotFound, MessageLockLost, NotAllowed, Refusal
from infra.local.service_bus.frames import (
    RECEIVER,
    SENDER,
    Attach,
    Begin,
    Detach,
    Disposition,
    Flow,
    Performative,
    Transfer,
    encode_frame,
)
from infra.local.service_bus.incoming import Publisher, RequestLink
from infra.local.service_bus.links import Link, rejected
from infra.local.service_bus.management import manage
from infra.local.service_bus.outgoing import Consumer, OutgoingLink, ReplyLink
from infra.local.service_bus.requests import Handler
from infra.local.service_bus.tokens import entity_path

_WINDOW = 0x7FFF_FFFF
_MANAGEMENT_SUFFIX = "/$management"
_TRANSFER_HEAD = 64
"""More bytes than the frame and the transfer performative before a payload can take."""


class Wire(Protocol):
    """What a channel needs of its connection."""

    @property
    def broker(self) -> Broker:
        """The namespace."""

    @property
    def is_writable(self) -> bool:
        """Whether the peer reads fast enough."""

    @property
    def peer_max_frame_size(self) -> int:
        """The largest frame that the peer accepts, in bytes."""

    @property
    def put_token(self) -> Handler:
        """Handles the requests to `$cbs`."""

    def check_access(self, address: str) -> None:
        """Raises Unauthorized unless the peer has put a token for the address."""

    def write(self, data: bytes) -> None:
        """Send bytes."""


class Channel:
    """The links, windows and unsettled deliveries of one AMQP session."""

    def __init__(self, wire: Wire, number: int, begin: Begin) -> None:
        self._wire = wire
        self._number = number
        self._links: dict[int, Link] = {}
        self._unsettled: dict[int, tuple[Consumer, UUID]] = {}
        self._tidy_at = 1024
        self._next_delivery = 0
        self._next_outgoing = 0
        self._next_incoming = begin.next_outgoing_id
        self._peer_window = begin.incoming_window
        self._emit(Begin(number, self._next_outgoing, _WINDOW, _WINDOW, handle_max=255))

    def handle(self, performative: Performative, payload: bytes) -> None:
        """Do what a frame of the peer asks for.

        Raises:
            DecodeError: the frame has no place on a channel.
        """
        match performative:
            case Transfer():
                self._next_incoming = (self._next_incoming + 1) & 0xFFFF_FFFF
                if (link := self._links.get(performative.handle)) is not None:
                    link.on_transfer(performative, payload)
            case Disposition():
                self._on_disposition(performative)
            case Flow():
                self._on_flow(performative)
            case Attach():
                self._on_attach(performative)
            case Detach():
                if (link := self._links.get(performative.handle)) is not None:
                    link.close()
                    self.drop(link)
                    self.send(Detach(performative.handle, performative.closed))
            case _:
                raise DecodeError(f"{type(performative).__name__} has no place here.")

    def close(self) -> None:
        """End all links: the channel is gone."""
        for link in list(self._links.values()):
            link.close()
        self._links.clear()
        self._unsettled.clear()

    def serve(self) -> None:
        """Go on sending, as there is room again."""
        for link in list(self._links.values()):
            if isinstance(link, OutgoingLink):
                link.serve()

    # For links

    @property
    def broker(self) -> Broker:
        """The namespace."""
        return self._wire.broker

    @property
    def is_open(self) -> bool:
        """Whether the peer's window and the connection's buffer have room for another message."""
        return self._peer_window > 0 and self._wire.is_writable

    def send(self, performative: Attach | Detach | Disposition) -> None:
        """Send a frame."""
        self._emit(performative)

    def send_flow(
        self, handle: int | None, delivery_count: int | None, credit: int | None, *, drain: bool = False
    ) -> None:
        """Send the state of a link or, without a handle, of the channel only."""
        state = (self._next_incoming, _WINDOW, self._next_outgoing, _WINDOW)
        self._emit(Flow(*state, handle, delivery_count, credit, None if handle is None else 0, drain, False))

    def send_message(self, link: Link, tag: bytes, payload: bytes, token: UUID | None) -> None:
        """Send a message, in as many frames as it takes; settled when no lock token stands for it."""
        number = self._next_delivery
        self._next_delivery = (number + 1) & 0xFFFF_FFFF
        if token is not None and isinstance(link, Consumer):
            self._unsettled[number] = (link, token)
            self._tidy()
        room = self._wire.peer_max_frame_size - _TRANSFER_HEAD
        transfer = Transfer(link.handle, number, tag, 0, token is None)
        for start in range(0, len(payload), room):
            more = start + room < len(payload)
            self._next_outgoing = (self._next_outgoing + 1) & 0xFFFF_FFFF
            self._peer_window -= 1
            self._emit(transfer._replace(more=more), payload[start : start + room])
            transfer = Transfer(link.handle)

    def drop(self, link: Link) -> None:
        """Forget a link, and what it left unsettled."""
        self._links.pop(link.handle, None)
        for number in [number for number, (owner, _) in self._unsettled.items() if owner is link]:
            del self._unsettled[number]

    def reply(self, address: str, payload: bytes) -> None:
        """Send the reply of a request-response node. Raises NotAllowed when the client has no link for it."""
        for link in self._links.values():
            if isinstance(link, ReplyLink) and link.address == address:
                return link.reply(payload)
        raise NotAllowed(f"There is no link to receive the reply of {address} on.")

    # Frames of the peer

    def _on_attach(self, attach: Attach) -> None:
        try:
            link = self._link(attach)
            self._links[attach.handle] = link
            link.open()
        except Refusal as refusal:
            refused = Link(self, attach)
            self._links.pop(attach.handle, None)
            refused.refuse(refusal)

    def _link(self, attach: Attach) -> Link:
        """The link that an attach frame asks for. Raises Refusal."""
        address = _address(attach.target if attach.role is SENDER else attach.source)
        path = entity_path(address)
        if path == "$cbs":
            return self._control_link(attach, path, self._wire.put_token)
        self._wire.check_access(address)
        if path.endswith(_MANAGEMENT_SUFFIX):
            queue = self.broker.outlet(path.removesuffix(_MANAGEMENT_SUFFIX)).queue
            return self._control_link(attach, path, partial(manage, queue))
        kind = Publisher if attach.role is SENDER else Consumer
        return kind(self, attach, self.broker.outlet(address))

    def _control_link(self, attach: Attach, path: str, handler: Handler) -> Link:
        return RequestLink(self, attach, path, handler) if attach.role is SENDER else ReplyLink(self, attach, path)

    def _on_flow(self, flow: Flow) -> None:
        on_the_way = (self._next_outgoing - (flow.next_incoming_id or 0)) & 0xFFFF_FFFF
        self._peer_window = flow.incoming_window - on_the_way
        if flow.handle is None:
            self.serve()
            if flow.echo:
                self.send_flow(None, None, None)
        elif (link := self._links.get(flow.handle)) is not None:
            link.on_flow(flow)

    def _on_disposition(self, disposition: Disposition) -> None:
        if disposition.role is not RECEIVER or not isinstance(disposition.state, Described):
            return
        last = disposition.first if disposition.last is None else disposition.last
        for number in range(disposition.first, min(last, self._next_delivery) + 1):
            link, token = self._unsettled.pop(number, (None, None))
            if link is None or token is None:
                outcome: Any = rejected(MessageLockLost())
            else:
                outcome = link.settle(token, disposition.state)
            if not disposition.settled:
                self._emit(Disposition(SENDER, number, number, True, outcome))

    def _tidy(self) -> None:
        """Forget deliveries whose lock is gone. To settle one of them is answered with "lock lost" all the same."""
        if len(self._unsettled) < self._tidy_at:
            return
        self._unsettled = {
            number: (link, token) for number, (link, token) in self._unsettled.items() if link.outlet.queue.holds(token)
        }
        self._tidy_at = 1024 + 2 * len(self._unsettled)

    def _emit(self, performative: Performative, payload: bytes = b"") -> None:
        self._wire.write(encode_frame(self._number, performative, payload))


def _address(terminus: Any) -> str:
    fields = terminus.value if isinstance(terminus, Described) else []
    if not fields or not isinstance(fields[0], str):
        raise EntityNotFound("(no address)")
    return fields[0]
