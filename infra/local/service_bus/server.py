"""Starts the broker: in the running event loop, or on a thread of its own for callers that block."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from infra.local.service_bus.broker import Broker, wall_clock
from infra.local.service_bus.config import QueueSettings
from infra.local.service_bus.connection import Connection
from infra.local.service_bus.entities import Clock
from infra.local.service_bus.keeping import keep, refill
from infra.local.service_bus.tokens import SharedKey

HOST = "127.0.0.1"
_FAREWELL = 1.0
"""Seconds that clients have to read what was sent to them, when the broker stops."""


class Service:
    """A broker that listens."""

    def __init__(self, port: int, key: SharedKey) -> None:
        self.port = port
        self._key = key

    @property
    def connection_string(self) -> str:
        """What a ServiceBusClient needs."""
        return (
            f"Endpoint=sb://localhost:{self.port};SharedAccessKeyName={self._key.name};"
            f"SharedAccessKey={self._key.key};UseDevelopmentEmulator=true;"
        )


@asynccontextmanager
async def serve(
    queues: Iterable[QueueSettings],
    port: int = 0,
    *,
    key: SharedKey | None = None,
    clock: Clock = wall_clock,
    state: Path | None = None,
) -> AsyncIterator[Service]:
    """Serve `queues` on a port of this machine (0: any free one) in the running event loop.

    With a file `state` they begin with what it holds and leave there what they hold in the end. The
    synchronous SDK must not be used on the thread of this loop: it would wait for itself.
    """
    key = key or SharedKey()
    broker = Broker(queues, key, clock)
    if state is not None:
        refill(broker.queues, state)
    connections: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(broker, connections), HOST, port)
    try:
        yield Service(server.sockets[0].getsockname()[1], key)
    finally:
        server.close()
        for connection in list(connections):
            connection.fail("amqp:connection:forced", "The broker is shutting down.")
        try:
            async with asyncio.timeout(_FAREWELL):
                await server.wait_closed()
        except TimeoutError:
            server.abort_clients()
        broker.close()
        if state is not None:
            keep(broker.queues, state)


@contextmanager
def serve_on_thread(
    queues: Iterable[QueueSettings], port: int = 0, *, key: SharedKey | None = None, clock: Clock = wall_clock
) -> Iterator[Service]:
    """The same on a thread with an event loop of its own: for the synchronous SDK."""
    started: list[Service | BaseException] = []
    ready = threading.Event()
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        told = asyncio.Event()
        stop.append((asyncio.get_running_loop(), told))
        try:
            async with serve(queues, port, key=key, clock=clock) as service:
                started.append(service)
                ready.set()
                await told.wait()
        except OSError as error:
            started.append(error)
            ready.set()

    thread = threading.Thread(target=asyncio.run, args=(run(),), name="service-bus", daemon=True)
    thread.start()
    ready.wait()
    if isinstance(started[0], BaseException):
        raise started[0]
    try:
        yield started[0]
    finally:
        loop, told = stop[0]
        loop.call_soon_threadsafe(told.set)
        thread.join()
