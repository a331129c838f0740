"""What all links have in common: attaching, refusing, ending."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Protocol
from uuid import UUID

from infra.local.service_bus.broker import Broker
from infra.local.service_bus.codec import Described, Symbol, Ulong
from infra.local.service_bus.errors import Refusal
from infra.local.service_bus.frames import RECEIVER, Attach, Detach, Disposition, Flow, Transfer
from infra.local.service_bus.messages import MAX_MESSAGE_SIZE


class Outcome(IntEnum):
    """The descriptors of the ways in which a delivery can end."""

    ACCEPTED = 0x24
    REJECTED = 0x25
    RELEASED = 0x26
    MODIFIED = 0x27


ACCEPTED = Described(Ulong(Outcome.ACCEPTED), [])


def rejected(refusal: Refusal) -> Described:
    """The delivery state "rejected" with the reason."""
    return Described(Ulong(Outcome.REJECTED), [refusal.described()])


class Carrier(Protocol):
    """What a link needs of the AMQP session that it belongs to."""

    @property
    def broker(self) -> Broker:
        """The namespace."""

    @property
    def is_open(self) -> bool:
        """Whether the peer's window and the connection's buffer have room for another message."""

    def send(self, performative: Attach | Detach | Disposition) -> None:
        """Send a frame."""

    def send_flow(self, handle: int, delivery_count: int, credit: int, *, drain: bool = False) -> None:
        """Send the state of a link."""

    def send_message(self, link: Link, tag: bytes, payload: bytes, token: UUID | None) -> None:
        """Send a message, in as many frames as it takes; settled when no lock token stands for it."""

    def drop(self, link: Link) -> None:
        """Forget a link that the broker has ended."""

    def reply(self, address: str, payload: bytes) -> None:
        """Send the reply of a request-response node. Raises NotAllowed when the client has no link for it."""


class Link:
    """A link, by the client's attach frame; the broker uses the client's handle for its own end, too."""

    def __init__(self, carrier: Carrier, attach: Attach) -> None:
        self.carrier = carrier
        self.attach = attach
        self.handle = attach.handle

    def open(self) -> None:
        """Answer the attach frame."""
        self.confirm()

    def confirm(self, source: Any = None, properties: dict[Symbol, Any] | None = None) -> None:
        """Send the broker's attach frame; the client compares source and target with its own."""
        self.carrier.send(
            Attach(
                name=self.attach.name,
                handle=self.handle,
                role=not self.attach.role,
                snd_settle_mode=self.attach.snd_settle_mode,
                rcv_settle_mode=self.attach.rcv_settle_mode,
                source=source or self.attach.source,
                target=self.attach.target,
                initial_delivery_count=0 if self.attach.role is RECEIVER else None,
                max_message_size=MAX_MESSAGE_SIZE,
                properties=properties,
            )
        )

    def refuse(self, refusal: Refusal) -> None:
        """Attach without source and target, and detach at once: the protocol's way to say no."""
        self.carrier.send(Attach(self.attach.name, self.handle, not self.attach.role, initial_delivery_count=0))
        self.end(refusal)

    def end(self, refusal: Refusal) -> None:
        """Detach from the broker's side."""
        self.close()
        self.carrier.drop(self)
        self.carrier.send(Detach(self.handle, True, refusal.described()))

    def on_flow(self, flow: Flow) -> None:
        """The client tells the state of its end."""

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        """The client sends (a part of) a message."""

    def close(self) -> None:
        """The link is gone, with its connection or without."""
