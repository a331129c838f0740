"""The host put together: the app, its triggers, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from aiohttp import web

from infra.local.functions_host.admin import Admin
from infra.local.functions_host.errors import AppError
from infra.local.functions_host.functions import Function
from infra.local.functions_host.host_json import HostOptions
from infra.local.functions_host.http_front import HttpFront, is_http, methods_of, path_of
from infra.local.functions_host.invoker import Invoker
from infra.local.functions_host.log import held_back, name_lines_after
from infra.local.functions_host.service_bus import ServiceBus
from infra.local.functions_host.service_bus_messages import message_by_hand
from infra.local.functions_host.stopping import Stop
from infra.local.functions_host.timer_status import TimerStatusStore
from infra.local.functions_host.timers import timer_info, timer_of
from infra.local.functions_host.worker import Worker

_log = logging.getLogger("Host")

Listen = Callable[[Stop], Coroutine[object, object, None]]

_TRIGGERS = ("httpTrigger", "timerTrigger", "serviceBusTrigger")
_SECONDS_FOR_RUNNING_CALLS = 5.0


@dataclass(frozen=True)
class HostChoices:
    """What the starter of the host decides. `port` 0 is any free one; without a state directory timers forget."""

    key: str
    port: int = 0
    with_timers: bool = True
    state_directory: Path | None = None


class FunctionsHost:
    """An app that is being served. Use as an async context manager, once per process (see worker)."""

    def __init__(self, app_directory: Path, options: HostOptions, choices: HostChoices) -> None:
        self._app_directory = app_directory
        self._options = options
        self._choices = choices
        self._stop = Stop()
        self._timer_statuses = TimerStatusStore(choices.state_directory)
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.functions: Sequence[Function] = ()

    async def __aenter__(self) -> Self:
        """Raises AppError when the app cannot be indexed or one of its triggers cannot be started."""
        with held_back():
            self._worker = await Worker.start(self._app_directory)
            self.functions = self._worker.functions
            self._service_bus = ServiceBus(self._options.service_bus)
            self._invoker = Invoker(self._worker, self._options.function_timeout, self._service_bus.send_output)
            listeners = [listen for function in self.functions if (listen := self._listener(function)) is not None]
            await self._serve_http()
        name_lines_after(self._invoker.function_of)
        for listen in listeners:
            self._in_background(listen(self._stop))
        self._log_functions()
        return self

    async def __aexit__(self, *_error: object) -> None:
        """Stop listening, give running calls a few seconds, then let go of everything."""
        self._stop.request()
        await self._site.stop()
        if self._tasks:
            _, unfinished = await asyncio.wait(self._tasks, timeout=_SECONDS_FOR_RUNNING_CALLS)
            for task in unfinished:
                task.cancel()
            if unfinished:
                await asyncio.wait(unfinished, timeout=_SECONDS_FOR_RUNNING_CALLS)
        await self._service_bus.close()
        await self._runner.cleanup()
        self._worker.stop()

    def _listener(self, function: Function) -> Listen | None:
        """What waits for the function's trigger; None for HTTP, for a disabled function and for switched-off timers."""
        kind = function.trigger.type
        if kind not in _TRIGGERS:
            raise AppError(f"{function.name} has a {kind}, which this host does not run ({', '.join(_TRIGGERS)}).")
        if function.is_disabled or kind == "httpTrigger":
            return None
        if kind == "serviceBusTrigger":
            return self._service_bus.listener_of(function, self._invoker).run
        timer = timer_of(function, self._invoker, self._timer_statuses)
        return timer.run if self._choices.with_timers else None

    async def _serve_http(self) -> None:
        prefix = self._options.route_prefix
        admin = Admin(self.functions, self._warnings(), self._invoke_url, self._run_by_hand)
        front = HttpFront(self.functions, prefix, self._choices.key, self._invoker, admin)
        # No access log: its lines would show keys given as ?code=.
        server = web.Server(front.handle, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=_SECONDS_FOR_RUNNING_CALLS)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, "127.0.0.1", self._choices.port)
        await self._site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    def _warnings(self) -> list[str]:
        # Source: Azure Functions error handling and retry guidance (retry policies are not for every trigger).
        return self._worker.warnings + [
            f"The retry policy of {function.name} has no effect: this host repeats timers only."
            for function in self.functions
            if function.retry and function.trigger.type != "timerTrigger"
        ]

    async def _run_by_hand(self, function: Function, text: str) -> None:
        reason = "This function was programmatically called via the host APIs."
        if function.trigger.type == "timerTrigger":
            run = self._invoker.invoke(function, timer_info(None), reason=reason)
        else:
            value, metadata = message_by_hand(function, text)
            run = self._invoker.invoke(function, value, metadata, reason=reason)
        self._in_background(_without_result(run))

    def _in_background(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("A listener ended: %s", error, exc_info=error)

    def _invoke_url(self, function: Function) -> str | None:
        return f"{self.url}/{path_of(function, self._options.route_prefix)}" if is_http(function) else None

    def _log_functions(self) -> None:
        for function in self.functions:
            where = f"[{','.join(methods_of(function))}] {self._invoke_url(function)}" if is_http(function) else ""
            state = " (disabled)" if function.is_disabled else ""
            _log.info("%s: %s%s %s", function.name, function.trigger.type, state, where)


async def _without_result(work: Coroutine[object, object, object]) -> None:
    await work
