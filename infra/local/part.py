"""How a part of the local stack announces itself and how it is told to stop.

Each part is a process of its own (`python -m infra.local.<part>`). When it serves, it prints one line

    READY {"url": "...", ...}

on standard output, and nothing else there before. It stops on Ctrl-C, on SIGTERM and, when started with
`LOCAL_STACK_PARENT=1` in its environment, as soon as its standard input ends: then no part outlives the process that
started it, on any operating system.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import threading

READY = "READY "


def announce(**facts: object) -> None:
    """Print the one line by which the starter learns that this part serves, and where."""
    print(READY + json.dumps(facts), flush=True)


async def wait_until_told_to_stop() -> None:
    """Return when this process is asked to end: Ctrl-C, SIGTERM, or the end of the starter's pipe."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if (number := getattr(signal, name, None)) is not None:
            # Windows has no loop.add_signal_handler; signal.signal works everywhere.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stop.set))
    if os.environ.get("LOCAL_STACK_PARENT") == "1":
        threading.Thread(target=_stop_at_end_of_input, args=(loop, stop), daemon=True).start()
    while not stop.is_set():
        # A bounded wait lets Windows deliver Ctrl-C to the interpreter.
        try:
            await asyncio.wait_for(stop.wait(), timeout=0.5)
        except TimeoutError:
            continue


def _stop_at_end_of_input(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    sys.stdin.buffer.read()
    loop.call_soon_threadsafe(stop.set)
