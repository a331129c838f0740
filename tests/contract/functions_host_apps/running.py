"""Starts an app of this folder under the local Functions host, as a process: its function registry is process-wide."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

APPS = Path(__file__).parent
ROOT = APPS.parents[2]
_READY = "READY "
_PATIENCE = 20.0  # seconds; only a broken host takes them


@dataclass(frozen=True)
class RunningHost:
    """A host that has announced itself. `client` sends no key."""

    process: subprocess.Popen[str]
    client: httpx.Client
    key: str
    functions: list[str]
    log_file: Path

    def log(self) -> str:
        """What the host has written on standard error so far."""
        return self.log_file.read_text(encoding="utf-8")

    def admin(self, method: str, path: str, content: object = None) -> httpx.Response:
        """A request to the host's own pages, with the key."""
        return self.client.request(method, f"/admin/{path}", json=content, headers={"x-functions-key": self.key})

    def wait_for_log(self, text: str, times: int = 1) -> None:
        """Return when the log contains the text that often."""
        wait_until(lambda: self.log().count(text) >= times, lambda: f"{text!r} is not {times} times in:\n{self.log()}")

    def stop(self) -> float:
        """End the host as the local stack does; the seconds that it took."""
        assert self.process.stdin is not None
        began = time.monotonic()
        self.process.stdin.close()
        self.process.wait(_PATIENCE)
        return time.monotonic() - began


def wait_until(condition: Callable[[], bool], complaint: Callable[[], str] = lambda: "it did not happen") -> None:
    """Return as soon as the condition holds; AssertionError after the patience of these tests."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, complaint()
        time.sleep(0.02)


def command(app: Path, *options: str) -> list[str]:
    """The command line that serves an app."""
    return [sys.executable, "-m", "infra.local.functions_host", "--app", str(app), "--port", "0", *options]


@contextmanager
def host_running(app: str, *options: str, environment: Mapping[str, str] | None = None) -> Iterator[RunningHost]:
    """The host with one of the apps here, from its READY line until it is no longer needed."""
    with tempfile.TemporaryDirectory() as folder:
        log_file = Path(folder) / "log.txt"
        with log_file.open("w", encoding="utf-8") as log:
            process = subprocess.Popen(
                command(APPS / app, *options),
                cwd=ROOT,
                env={**os.environ, "LOCAL_STACK_PARENT": "1", **(environment or {})},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
            )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith(_READY), log_file.read_text(encoding="utf-8")
            facts = json.loads(line.removeprefix(_READY))
            with httpx.Client(base_url=facts["url"], timeout=_PATIENCE) as client:
                yield RunningHost(process, client, facts["key"], facts["functions"], log_file)
        finally:
            process.kill()
            with process:  # closes the pipes and waits
                pass
