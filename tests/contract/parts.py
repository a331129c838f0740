"""Starts the parts of the local stack that the contract tests need, each as a process of its own."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.part import READY

ROOT = Path(__file__).resolve().parents[2]
_PATIENCE = 30  # seconds until a part serves


class PartMissingError(Exception):
    """A part of the local stack cannot be started; the message says what to run."""


@contextmanager
def part_running(part: str, *options: str) -> Iterator[dict[str, Any]]:
    """`python -m infra.local.<part>` on a free port; yields the facts of its READY line."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"infra.local.{part}", *options],
        cwd=ROOT,
        env={**os.environ, "LOCAL_STACK_PARENT": "1"},
        stdin=subprocess.PIPE,  # its end tells the part to stop, on every operating system
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pass_on, args=(process, lines), daemon=True).start()
    try:
        yield _facts(part, lines)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=_PATIENCE)


def _pass_on(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:  # read to the end: a full pipe would stop the part
        lines.put(line.rstrip())
    lines.put(None)


def _facts(part: str, lines: queue.Queue[str | None]) -> dict[str, Any]:
    said = []
    while (line := lines.get(timeout=_PATIENCE)) is not None:
        if line.startswith(READY):
            facts: dict[str, Any] = json.loads(line.removeprefix(READY))
            return facts
        said.append(line)
    message = f"{part} ended before it served; `python3 dev.py test` prepares all that the tests need."
    raise PartMissingError("\n".join([message, *said]))
