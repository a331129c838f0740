"""A proxy that can swallow an answer: the service has done the work, its client never hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class CuttingProxy:
    """Forwards connections to `host:port`. `cut(marker, times)` swallows the answers to requests that hold `marker`."""

    def __init__(self, host: str, port: int) -> None:
        self.port = 0
        self._upstream = host, port
        self._marker = b""
        self._cuts = 0

    def cut(self, marker: bytes, times: int) -> None:
        """Swallow the next `times` answers to requests that hold `marker`."""
        self._marker, self._cuts = marker, times

    @asynccontextmanager
    async def running(self) -> AsyncIterator[CuttingProxy]:
        """Listen on a free port."""
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _connection(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        service, to_service = await asyncio.open_connection(*self._upstream)
        doomed = False

        async def requests() -> None:
            nonlocal doomed
            while data := await client.read(65536):
                doomed = doomed or (self._cuts > 0 and self._marker in data)
                to_service.write(data)

        async def answers() -> None:
            while data := await service.read(65536):
                if doomed:
                    self._cuts -= 1
                    return
                to_client.write(data)

        tasks = [asyncio.create_task(requests()), asyncio.create_task(answers())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        to_client.close()
        to_service.close()
