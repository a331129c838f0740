"""Starts the parts of the local stack that the contract tests need, each as a process of its own."""

from __future__ import annotations

import json
import os
import queue
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
AZURITE = ROOT / ".dev/node/node_modules/azurite/dist/src/azurite.js"
_WELL_KNOWN_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_LISTENING = re.compile(r"Azurite Table service is successfully listening at (http://\S+)")
_PATIENCE = 30  # seconds until a part serves
_READY = "READY "


class PartMissingError(Exception):
    """A part cannot be started; the message says what to run."""


@contextmanager
def azurite_running() -> Iterator[str]:
    """Azurite in memory on free ports; yields the connection string for its tables."""
    node = shutil.which("node")
    if node is None or not AZURITE.exists():
        raise PartMissingError("Azurite is not installed: run the tests with `python3 dev.py test`, which installs it.")
    ports = [option for service in ("blob", "queue", "table") for option in (f"--{service}Port", "0")]
    command = [node, str(AZURITE), *ports, "--inMemoryPersistence", "--silent", "--disableTelemetry"]
    with _running(command, lambda line: found[1] if (found := _LISTENING.search(line)) else None) as address:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={_WELL_KNOWN_KEY};"
            f"TableEndpoint={address}/devstoreaccount1;"
        )


@contextmanager
def part_running(part: str, *options: str) -> Iterator[dict[str, Any]]:
    """`python -m infra.local.<part>` on a free port; yields the facts of its READY line."""
    command = [sys.executable, "-m", f"infra.local.{part}", *options]
    with _running(command, lambda line: line.removeprefix(_READY) if line.startswith(_READY) else None) as facts:
        yield json.loads(facts)


@contextmanager
def _running(command: Sequence[str], ready: Callable[[str], str | None]) -> Iterator[str]:
    """The process, from the line in which `ready` finds what is wanted until it is no longer needed."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "LOCAL_STACK_PARENT": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_pass_on, args=(process, lines), daemon=True).start()
    try:
        yield _awaited(command, lines, ready)
    finally:
        process.terminate()
        process.wait(timeout=_PATIENCE)


def _pass_on(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:  # read to the end: a full pipe would stop the part
        lines.put(line.rstrip())
    lines.put(None)


def _awaited(command: Sequence[str], lines: queue.Queue[str | None], ready: Callable[[str], str | None]) -> str:
    said = []
    while (line := lines.get(timeout=_PATIENCE)) is not None:
        if (wanted := ready(line)) is not None:
            return wanted
        said.append(line)
    raise PartMissingError("\n".join([f"{' '.join(command)} ended before it served:", *said]))
