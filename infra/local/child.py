"""A part of the local stack as a child process: started, listened to until it is ready, logged, and stopped."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from infra.local.part import READY

ROOT = Path(__file__).resolve().parents[2]
SECONDS_TO_START = 60
SECONDS_TO_STOP = 10
LAST_LINES = 15
LONGEST_LINE = 16 * 1024 * 1024


class PartError(Exception):
    """A part did not start or ended by itself; the text says which, and ends with the last lines of its log."""


class Child:
    """`python -m infra.local.<part>`, with all that it prints in `<name>.log` of the run's folder.

    One that was stopped or killed can be started again: on the port that it had, with its log going on.
    """

    def __init__(self, part: str, arguments: Sequence[str], folder: Path, name: str = "") -> None:
        """`name` is what it is called where it is not the only one of its kind."""
        self.name = name or part
        self.ended = asyncio.Event()
        """Set when the process is gone, whoever ended it."""
        self.port: int | None = None
        """Where it listens, or did before it ended; None before the first start."""
        self._part = part
        self._arguments = arguments
        self._log = folder / f"{self.name}.log"
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._told_to_end = False

    @property
    def ended_by_itself(self) -> bool:
        """Whether the process is gone though nobody told it to end."""
        return self.ended.is_set() and not self._told_to_end

    async def start(self) -> dict[str, Any]:
        """Start the part, or start it again; answers what it announced about itself.

        Raises:
            PartError: it ended, or said nothing in time.
        """
        announced = await self._start(() if self.port is None else ("--port", str(self.port)))
        self.port = announced.get("port") or urlsplit(announced["url"]).port
        return announced

    async def _start(self, port: Sequence[str]) -> dict[str, Any]:
        self._ready, self._told_to_end = asyncio.get_running_loop().create_future(), False
        self.ended.clear()
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", f"infra.local.{self._part}", *self._arguments, *port),
            cwd=ROOT,
            env={**os.environ, "LOCAL_STACK_PARENT": "1", "PYTHONUNBUFFERED": "1"},
            stdin=asyncio.subprocess.PIPE,  # its end tells the part to stop, even when this process is killed
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LONGEST_LINE,
            **_own_group(),
        )
        self._reader = asyncio.create_task(self._read(self._process))
        try:
            return await asyncio.wait_for(asyncio.shield(self._ready), SECONDS_TO_START)
        except TimeoutError:
            raise self.failure(f"did not start within {SECONDS_TO_START} seconds") from None

    async def stop(self) -> None:
        """End the part: by closing its input, by a signal when that does not help, and by force at last."""
        if self._process is None or self._reader is None:
            return
        self._told_to_end = True
        assert self._process.stdin is not None
        self._process.stdin.close()
        for harder in (self._process.terminate, self._process.kill):
            try:
                await asyncio.wait_for(self.ended.wait(), SECONDS_TO_STOP)
                break
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    harder()
        await self._reader

    async def kill(self) -> None:
        """End the process at once, in the middle of whatever it does (SIGKILL, or TerminateProcess on Windows)."""
        assert self._process is not None
        assert self._reader is not None
        self._told_to_end = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._reader

    def failure(self, what: str) -> PartError:
        """The error that says what happened to this part, with the end of its log."""
        lines = "\n".join(f"  {line}" for line in self._last) or "  (it printed nothing)"
        return PartError(f"The local stack's part {self.name} {what}. The end of {self._log}:\n{lines}")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self._log.open("a", encoding="utf-8") as log:
            async for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                if line.startswith(READY) and not self._ready.done():
                    print(READY.strip(), file=log, flush=True)  # what is announced includes keys
                    self._ready.set_result(json.loads(line.removeprefix(READY)))
                else:
                    print(line, file=log, flush=True)
                    self._last.append(line)
        code = await process.wait()
        self.ended.set()
        if not self._ready.done():
            self._ready.set_exception(self.failure(f"ended with exit code {code} before it was ready"))
            self._ready.exception()  # a start that was given up does not wait for it


def _own_group() -> dict[str, Any]:
    """Keep Ctrl-C from the parts: whoever started them stops them in order."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}
