"""A door before a part of the local stack: whoever comes through it is let in, until it is closed.

Closing it is what an outage looks like from outside: connections break off and new ones are refused, while the part
behind goes on and keeps what it holds.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

HOST = "127.0.0.1"


class Door:
    """Forwards connections on a port of its own to `behind`, a port of this machine."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self._behind = behind
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None] | None] = set()

    @contextlib.asynccontextmanager
    async def standing(self) -> AsyncIterator[Door]:
        """Open the door; it is closed on the way out."""
        await self.open()
        try:
            yield self
        finally:
            await self.close()

    async def open(self) -> None:
        """Let everybody in, on the same port as before."""
        self._server = await asyncio.start_server(self._pass, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Break off all connections and refuse new ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        server.abort_clients()
        for task in self._passing:
            if task is not None:
                task.cancel()
        await server.wait_closed()

    async def _pass(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task, both = asyncio.current_task(), [to_client]
        self._passing.add(task)
        try:
            if self._server is not None:  # it may have been closed since somebody came
                service, to_service = await asyncio.open_connection(HOST, self._behind)
                both.append(to_service)
                await asyncio.gather(_copy(client, to_service), _copy(service, to_client))
        except OSError:
            return  # nobody is behind the door
        finally:
            self._passing.discard(task)
            for writer in both:
                writer.transport.abort()


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Hand on what comes, then its end."""
    with contextlib.suppress(OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError, RuntimeError):
        sink.write_eof()
