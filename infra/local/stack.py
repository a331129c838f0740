"""The whole product on one machine: `async with local_stack() as stack`, or `python -m infra.local.stack` until Ctrl-C.

Every part is a process of its own on a port that it picked itself, every run has its own state and its own folder of
logs, so several run side by side. A part whose address is given as a setting is left out: Microsoft's Service Bus
emulator, a storage account or a real environment can stand in its place.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra.local import demo_company
from infra.local.child import ROOT, Child, PartError
from infra.local.door import Door
from infra.local.further import connections_setting, further_services, settings_of
from infra.local.part import wait_until_told_to_stop
from infra.local.service import SERVICES, Service

FUNCTIONS_KEY = "local-key"
RUNS = ROOT / ".dev" / "runs"
RUNS_KEPT = 20
STOPPED = 130
"""The exit code of a command that was stopped before it was done."""


class Stack:
    """A running stack: the address of the app, its key, and the settings that lead to its parts.

    The simulators of the second connection are the parts `dataverse_2` and `business_central_2`. `doors` has, by part,
    the doors between it and the app that were asked for.
    """

    def __init__(
        self,
        url: str,
        settings: Mapping[str, str],
        folder: Path,
        parts: Sequence[Child],
        doors: Mapping[str, Door] | None = None,
        connections: int = 1,
    ) -> None:
        self.url = url
        self.key = FUNCTIONS_KEY
        self.settings = settings
        self.folder = folder
        self.doors = doors or {}
        self.connections = connections
        self._parts = {part.name: part for part in parts}

    async def kill(self, part: str) -> None:
        """End a part in the middle of what it does."""
        await self._parts[part].kill()

    async def stop(self, part: str) -> None:
        """Stop a part in order."""
        await self._parts[part].stop()

    async def start(self, part: str) -> None:
        """Start a part again that was killed or stopped, at the address that it had.

        Raises:
            PartError: it did not start.
        """
        await self._parts[part].start()

    def information(self) -> dict[str, dict[str, str | None]]:
        """Addresses and keys for clients, as `--info` writes them; None where a real service has no fixed token."""
        setting = self.settings.get
        further = [
            (f"{name}_{number}", about)
            for number in range(2, self.connections + 1)
            for name, about in _simulators(settings_of(number, self.settings)).items()
        ]
        return {
            "functions": {"url": self.url, "key": self.key},
            **_simulators(self.settings),
            **dict(further),
            "storage": {"connection_string": setting("AzureWebJobsStorage")},
            "service_bus": {"connection_string": setting("ServiceBusConnection")},
        }

    async def until_a_part_ends(self) -> None:
        """Wait; a running stack has no part that ends.

        Raises:
            PartError: as soon as one did.
        """
        waiting = [asyncio.create_task(part.ended.wait()) for part in self._parts.values()]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
        raise next(part.failure("ended by itself") for part in self._parts.values() if part.ended.is_set())


def _simulators(settings: Mapping[str, str]) -> dict[str, dict[str, str | None]]:
    """Addresses and tokens of both systems of a connection."""
    setting = settings.get
    return {
        "dataverse": {"url": setting("DATAVERSE_URL"), "token": setting("DATAVERSE_TOKEN")},
        "business_central": {
            "url": setting("BUSINESS_CENTRAL_URL"),
            "company_id": setting("BUSINESS_CENTRAL_COMPANY_ID"),
            "token": setting("BUSINESS_CENTRAL_TOKEN"),
        },
    }


@contextlib.asynccontextmanager
async def local_stack(
    *,
    settings: Mapping[str, str] | None = None,
    empty: bool = False,
    durable: bool = False,
    doors: Collection[str] = (),
    connections: int = 1,
) -> AsyncIterator[Stack]:
    """Start everything, with the sample company unless `empty`; stop it all on the way out, however that is taken.

    When `durable`, broker and storage keep what they hold while they are stopped. Before each of the parts named in
    `doors` stands a door that the app has to pass, and nobody else. Each of the `connections` has two simulators of its
    own.

    Raises:
        PartError: a part did not start, or was found to have ended when the work with the stack failed.
    """
    given = dict(settings or {})
    folder = new_run_folder()
    parts: list[Child] = []
    try:
        async with contextlib.AsyncExitStack() as exits:
            every = [*SERVICES, *further_services(connections)]
            services = [service for service in every if service.address not in given]
            found = await _start_services(services, parts, folder, durable)
            before = {part.name: await exits.enter_async_context(_door(part)) for part in parts if part.name in doors}
            facts = {**found, **given}
            reached = _through(before, parts, facts, every)
            host = Child("functions_host", _host_arguments(connections_setting(connections, reached) | reached), folder)
            parts.append(host)
            announced, _ = await _together(host.start(), _load(found, 0 if empty else connections))
            yield Stack(str(announced["url"]), facts, folder, parts, before, connections)
    except Exception as error:
        ended = [part for part in parts if part.ended_by_itself]
        if ended and not isinstance(error, PartError):
            raise ended[0].failure("ended by itself") from error
        raise
    finally:
        await _stop(parts)


async def _start_services(
    services: Sequence[Service], parts: list[Child], folder: Path, durable: bool
) -> dict[str, str]:
    """Start what is asked for side by side; answers the settings by which the app finds it."""
    children = []
    for service in services:
        kept = (service.keep, str(folder / f"{service.name}.state")) if durable and service.keep else ()
        children.append(Child(service.part, (*service.arguments, *kept), folder, service.name))
    parts.extend(children)
    announced = await _together(*(child.start() for child in children))
    return {
        setting: str(facts[fact])
        for service, facts in zip(services, announced, strict=True)
        for setting, fact in service.settings.items()
    }


def _door(part: Child) -> contextlib.AbstractAsyncContextManager[Door]:
    assert part.port is not None
    return Door(part.port).standing()


async def _load(settings: Mapping[str, str], connections: int) -> None:
    """Put the sample company into the simulators of so many connections."""
    every = [settings, *(settings_of(number, settings) for number in range(2, connections + 1))]
    await _together(*(demo_company.load(one) for one in every[:connections]))


def _through(
    doors: Mapping[str, Door], parts: Sequence[Child], facts: Mapping[str, str], services: Sequence[Service]
) -> dict[str, str]:
    """The settings with the addresses of the doors in place of those of the parts behind them."""
    ports = {f":{part.port}": f":{doors[part.name].port}" for part in parts if part.name in doors}
    changed = dict(facts)
    for service in services:
        for port, door in ports.items():
            changed[service.address] = changed[service.address].replace(port, door)
    return changed


async def _together(*work: Any) -> list[Any]:
    """Run all at once; the first failure ends the others and is raised as it is."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()


async def _stop(parts: Sequence[Child]) -> None:
    """Stop the app first, for it uses the others."""
    host = [part for part in parts if part.name == "functions_host"]
    for group in (host, [part for part in parts if part not in host]):
        await asyncio.gather(*(part.stop() for part in group))


def _host_arguments(settings: Mapping[str, str]) -> list[str]:
    assignments = [argument for item in settings.items() for argument in ("--set", "=".join(item))]
    return ["--app", str(ROOT), "--key", FUNCTIONS_KEY, *assignments]


def new_run_folder() -> Path:
    """A new folder for the logs of one run; the oldest ones are tidied away."""
    RUNS.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=RUNS))
    for old in sorted(RUNS.iterdir(), key=lambda run: run.stat().st_mtime_ns)[:-RUNS_KEPT]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def write_information(file: Path, information: object) -> None:
    """Write the JSON so that a reader sees nothing or all of it."""
    temporary = file.with_name(f"{file.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(information, indent=2) + "\n", encoding="utf-8")
    os.replace(temporary, file)


def show(stack: Stack) -> None:
    """Print addresses and keys, one a line, as they are to be copied."""
    print("The local stack is running; Ctrl-C stops it.\n")
    facts = [(f"{part} {name}", value) for part, one in stack.information().items() for name, value in one.items()]
    for name, value in [*facts, ("logs", str(stack.folder))]:
        print(f"{name.replace('_', ' '):<32}{value or '-'}")
    sys.stdout.flush()


def end_on_termination() -> None:
    """Let SIGTERM cancel the running task, so that it stops its parts in order, as Ctrl-C does."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    signal.signal(signal.SIGTERM, lambda *_: loop.call_soon_threadsafe(task.cancel))


async def up(information_file: Path | None, empty: bool, settings: Mapping[str, str], connections: int) -> None:
    """Run the stack until told to stop.

    Raises:
        PartError: a part did not start or ended by itself.
    """
    end_on_termination()
    async with local_stack(settings=settings, empty=empty, connections=connections) as stack:
        show(stack)
        if information_file:
            write_information(information_file, stack.information())
        told = asyncio.create_task(wait_until_told_to_stop())
        watch = asyncio.create_task(stack.until_a_part_ends())
        done, pending = await asyncio.wait({told, watch}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in done:
            task.result()


def main(arguments: Sequence[str]) -> int:
    """Run `up` with command-line arguments; answers the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.stack", description="Run the local stack until Ctrl-C."
    )
    parser.add_argument("--info", type=Path, metavar="FILE", help="write addresses and keys as JSON when all is ready")
    parser.add_argument("--empty", action="store_true", help="start without the sample company")
    parser.add_argument("--connections", type=int, default=1, metavar="N", help="pairs of a company and an environment")
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="override an app setting")
    options = parser.parse_args(arguments)
    settings = dict(assignment.split("=", 1) for assignment in options.set)
    try:
        asyncio.run(up(options.info, options.empty, settings, options.connections))
    except (PartError, OSError) as problem:
        print(problem, file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return STOPPED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
