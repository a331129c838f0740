"""What the SDK never does, or hides when it does: drain, broken frames, missing tokens, unknown deliveries.

The client here is a bare socket that speaks with the broker's own codec (which the SDK's tests and
tests/unit/service_bus hold to the standard).
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest

from infra.local.service_bus.codec import Described, Symbol, Uint, Ulong
from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.frames import (
    EMPTY_FRAME,
    PROTOCOL_HEADER_AMQP,
    RECEIVER,
    SENDER,
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    Flow,
    Open,
    Performative,
    Transfer,
    encode_frame,
    take_frame,
)
from infra.local.service_bus.links import Link
from infra.local.service_bus.messages import (
    AMQP_VALUE,
    APPLICATION_PROPERTIES,
    DATA,
    FORMAT_BATCH,
    PROPERTIES,
    section,
    sections,
)
from infra.local.service_bus.server import serve
from tests.unit.service_bus.tokens_for_tests import signed

QUEUE = "jobs"
ACCEPTED = Described(Ulong(0x24), [])


class Peer:
    """One connection, with one AMQP session."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._max_frame_size = 1 << 20

    async def open(self, **options: Any) -> None:
        self._max_frame_size = options.get("max_frame_size", self._max_frame_size)
        self._writer.write(PROTOCOL_HEADER_AMQP)
        self.send(Open("test", **options))
        self.send(Begin(None, 0, 1000, 1000))
        assert await self._reader.readexactly(8) == PROTOCOL_HEADER_AMQP
        await self.expect(Open)
        await self.expect(Begin)

    async def authorize(self, token: str, audience: str = QUEUE) -> int:
        """Put a token; returns the status."""
        self.send(attach("cbs out", 0, SENDER, "$cbs"))
        self.send(attach("cbs in", 1, RECEIVER, "$cbs"))
        self.send(Flow(0, 1000, 0, 1000, 1, 0, 10))
        request = (
            section(PROPERTIES, [Ulong(7)])
            + section(APPLICATION_PROPERTIES, {"operation": "put-token", "type": "jwt", "name": audience})
            + section(AMQP_VALUE, token)
        )
        self.send(Transfer(0, 0, b"0"), request)
        _, payload = await self.expect(Transfer)
        reply = {code: value for code, value, _ in sections(payload)}
        assert reply[PROPERTIES][5] == 7
        return int(reply[APPLICATION_PROPERTIES]["status-code"])

    def send(self, performative: Performative, payload: bytes = b"") -> None:
        self.write(encode_frame(0, performative, payload))

    def write(self, data: bytes) -> None:
        self._writer.write(data)

    async def expect[P](self, kind: type[P]) -> tuple[P, bytes]:
        """The next frame of a kind, and its payload; others before it are skipped."""
        while True:
            performative, payload = await self.next()
            if isinstance(performative, kind):
                return performative, payload

    async def next(self) -> tuple[Performative | None, bytes]:
        while (frame := take_frame(self._buffer, self._max_frame_size)) is None:
            data = await asyncio.wait_for(self._reader.read(1 << 16), 2)
            assert data, "The broker has closed the connection."
            self._buffer += data
        return frame[1], frame[2]

    async def is_closed(self) -> bool:
        return await asyncio.wait_for(self._reader.read(1), 2) == b""

    def close(self) -> None:
        self._writer.close()


def attach(name: str, handle: int, role: bool, address: str) -> Attach:
    source, target = Described(Ulong(0x28), [address]), Described(Ulong(0x29), [address])
    return Attach(name, handle, role, source=source, target=target, initial_delivery_count=None if role else 0)


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serve([QueueSettings(QUEUE, lock_duration=200)]) as service:
        yield service.port


@pytest.fixture
async def peer(port: int) -> AsyncIterator[Peer]:
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
    await peer.open()
    yield peer
    peer.close()


@pytest.fixture
async def linked(peer: Peer) -> Peer:
    """A peer with a sending link (handle 2) and a receiving one (handle 3) on the queue, the latter without credit."""
    assert await peer.authorize(signed(QUEUE)) == 202
    peer.send(attach("out", 2, SENDER, QUEUE))
    peer.send(attach("in", 3, RECEIVER, QUEUE))
    await peer.expect(Attach)
    await peer.expect(Attach)
    return peer


def credit(count: int, *, delivery_count: int = 0, drain: bool = False) -> Flow:
    return Flow(0, 1000, 0, 1000, 3, delivery_count, count, None, drain)


async def test_messages_flow_only_as_far_as_the_credit(linked: Peer) -> None:
    for number in range(3):
        linked.send(Transfer(2, 1 + number, b"t", settled=True), section(DATA, b"%d" % number))
    linked.send(credit(2))
    bodies = [(await linked.expect(Transfer))[1][-1:] for _ in range(2)]
    assert bodies == [b"0", b"1"]
    linked.send(credit(0, delivery_count=2)._replace(echo=True))
    performative, _ = await linked.next()  # and not a third message
    assert isinstance(performative, Flow)
    assert (performative.delivery_count, performative.link_credit) == (2, 0)


async def test_messages_wait_for_the_window_of_the_session(linked: Peer) -> None:
    # One transfer, the reply of $cbs, has come already.
    linked.send(credit(5)._replace(next_incoming_id=1, incoming_window=1))
    for number in range(2):
        linked.send(Transfer(2, 1 + number, b"t", settled=True), section(DATA, b"%d" % number))
    first, _ = await linked.expect(Transfer)
    linked.send(Flow(2, 0, 0, 1000, echo=True))
    assert isinstance((await linked.next())[0], Flow)  # and not the second message
    linked.send(Flow(2, 1, 0, 1000))
    second, payload = await linked.expect(Transfer)
    assert payload.endswith(b"1")
    assert (second.delivery_id or 0) == (first.delivery_id or 0) + 1


async def test_drain_uses_up_the_credit(linked: Peer) -> None:
    linked.send(Transfer(2, 1, b"t", settled=True), section(DATA, b"only"))
    linked.send(credit(5, drain=True))
    _, payload = await linked.expect(Transfer)
    assert payload.endswith(b"only")
    flow, _ = await linked.expect(Flow)
    assert (flow.handle, flow.delivery_count, flow.link_credit, flow.drain) == (3, 5, 0, True)


async def test_large_message_is_cut_to_the_frame_size_of_the_peer(port: int) -> None:
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
    await peer.open(max_frame_size=512)
    await peer.authorize(signed(QUEUE))
    peer.send(attach("out", 2, SENDER, QUEUE))
    peer.send(attach("in", 3, RECEIVER, QUEUE))
    peer.send(Transfer(2, 1, b"t", more=True), section(DATA, b"x" * 3000)[:100])
    peer.send(Transfer(2), section(DATA, b"x" * 3000)[100:])
    peer.send(credit(1))
    parts = [await peer.expect(Transfer)]
    while parts[-1][0].more:
        parts.append(await peer.expect(Transfer))
    payload = b"".join(payload for _, payload in parts)
    assert len(parts) > 3000 / 512
    assert [value for code, value, _ in sections(payload) if code == DATA] == [b"x" * 3000]
    peer.close()


async def test_refusal_has_all_three_fields_of_an_error(linked: Peer) -> None:
    for start in range(18):
        linked.send(Transfer(2, 1, b"t", more=start < 17), b"x" * 60_000)
    disposition, _ = await linked.expect(Disposition)
    condition, description, info = disposition.state.value[0].value
    assert (disposition.settled, disposition.state.descriptor, condition) == (
        True,
        0x25,
        "amqp:link:message-size-exceeded",
    )
    assert isinstance(description, str)
    assert info == {}


@pytest.mark.parametrize(
    ("message_format", "payload"),
    [(0, b"\x00\x53\x75\xb0\x00\x00\x00\x09short"), (0, b"\x41"), (FORMAT_BATCH, section(DATA, b"no message"))],
    ids=["cut off", "no section", "batch of something else"],
)
async def test_message_that_cannot_be_decoded_is_refused(linked: Peer, message_format: int, payload: bytes) -> None:
    linked.send(Transfer(2, 1, b"t", message_format), payload)
    disposition, _ = await linked.expect(Disposition)
    assert disposition.state.value[0].value[0] == "amqp:decode-error"


async def test_aborted_message_is_forgotten(linked: Peer) -> None:
    linked.send(Transfer(2, 1, b"t", more=True), section(DATA, b"never"))
    linked.send(Transfer(2, aborted=True))
    linked.send(Transfer(2, 2, b"t", settled=True), section(DATA, b"kept"))
    linked.send(credit(1))
    _, payload = await linked.expect(Transfer)
    assert payload.endswith(b"kept")


@pytest.mark.parametrize("wait", [0, 0.25], ids=["settled twice", "lock ended"])
async def test_settling_without_a_lock_is_refused(linked: Peer, wait: float) -> None:
    linked.send(Transfer(2, 1, b"t", settled=True), section(DATA, b"x"))
    linked.send(credit(1))
    transfer, _ = await linked.expect(Transfer)
    settlement = Disposition(RECEIVER, transfer.delivery_id or 0, state=ACCEPTED)
    if wait:
        await asyncio.sleep(wait)
    else:
        linked.send(settlement)
        assert (await linked.expect(Disposition))[0].state.descriptor == 0x24
    linked.send(settlement)
    refused, _ = await linked.expect(Disposition)
    assert (refused.settled, refused.state.value[0].value[0]) == (True, "com.microsoft:message-lock-lost")


async def test_link_without_token_is_refused(peer: Peer) -> None:
    assert await peer.authorize(signed("another-queue"), "another-queue") == 202
    peer.send(attach("out", 2, SENDER, QUEUE))
    reply = (await peer.expect(Attach), await peer.expect(Detach))
    while reply[0][0].name != "out":
        reply = (await peer.expect(Attach), reply[1])
    assert reply[1][0].error.value[0] == "amqp:unauthorized-access"


async def test_bad_token_is_answered_with_401(peer: Peer) -> None:
    assert await peer.authorize(signed(QUEUE, key="wrong")) == 401


@pytest.mark.parametrize(
    ("data", "condition"),
    [
        (b"\xff\xff\xff\xff\x02\x00\x00\x00", "amqp:connection:framing-error"),
        (b"\x00\x00\x00\x09\x02\x00\x00\x00\x41", "amqp:decode-error"),
        (encode_frame(9, Detach(0)), "amqp:connection:framing-error"),
        (b"AMQP\x00\x00\x09\x01", "amqp:connection:framing-error"),
    ],
    ids=["giant frame", "no performative", "unknown channel", "another protocol"],
)
async def test_broken_frame_ends_the_connection_with_a_reason(peer: Peer, data: bytes, condition: str) -> None:
    peer.write(data)
    close, _ = await peer.expect(Close)
    assert close.error.value[0] == Symbol(condition)
    assert await peer.is_closed()


async def test_links_leave_nothing_behind(port: int) -> None:
    def links() -> int:
        gc.collect()
        return sum(isinstance(thing, Link) for thing in gc.get_objects())

    before = links()
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
    await peer.open()
    await peer.authorize(signed(QUEUE))
    for round_trip in range(20):
        peer.send(attach(f"out {round_trip}", 2, SENDER, QUEUE))
        peer.send(attach(f"in {round_trip}", 3, RECEIVER, QUEUE))
        peer.send(Transfer(2, round_trip, b"t", settled=True), section(DATA, b"x"))
        peer.send(credit(1))
        await peer.expect(Transfer)
        for handle in (2, 3):
            peer.send(Detach(handle, True))
            await peer.expect(Detach)
    assert links() - before == 2  # those to $cbs
    peer.send(Close())
    assert isinstance((await peer.expect(Close))[0], Close)
    assert await peer.is_closed()
    assert links() == before
    peer.close()


async def test_idle_client_gets_heartbeats(port: int) -> None:
    peer = Peer(*await asyncio.open_connection("127.0.0.1", port))
    await peer.open(idle_time_out=Uint(200))
    peer.write(EMPTY_FRAME)
    assert await peer.next() == (None, b"")
    peer.close()
