"""The host's own pages under `/admin`: is it running, which functions are there, run one by hand.

Source: Manually run a non HTTP-triggered function; Functions host, /admin/host/status and /admin/functions.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from aiohttp import web

from infra.local.functions_host.functions import Function
from infra.local.functions_host.http_messages import read_body

RunByHand = Callable[[Function, str], Awaitable[None]]


class Admin:
    """Answers requests whose key has been checked already.

    `run_by_hand` starts a function with the given input and returns at once.
    """

    def __init__(
        self,
        functions: Sequence[Function],
        warnings: Sequence[str],
        invoke_url: Callable[[Function], str | None],
        run_by_hand: RunByHand,
    ) -> None:
        self._functions: Mapping[str, Function] = {function.name.lower(): function for function in functions}
        self._warnings = list(warnings)
        self._invoke_url = invoke_url
        self._run_by_hand = run_by_hand
        self._started = time.monotonic()

    async def handle(self, request: web.BaseRequest) -> web.Response:
        """GET host/status, host/ping, functions and functions/{name}; POST functions/{name}."""
        pages = [part for part in request.path.split("/") if part][1:]
        match request.method, [page.lower() for page in pages]:
            case "GET", ["host", "status"]:
                return web.json_response(self._status())
            case "GET" | "POST", ["host", "ping"]:
                return web.Response()
            case "GET", ["functions"]:
                return web.json_response([self._description(function) for function in self._functions.values()])
            case "GET", ["functions", name] if name in self._functions:
                return web.json_response(self._description(self._functions[name]))
            case "POST", ["functions", name] if name in self._functions:
                return await self._run(self._functions[name], await read_body(request))
        return web.Response(status=404)

    def _status(self) -> dict[str, Any]:
        return {
            "id": "local",
            "state": "Running",
            "version": "4.local",
            "processUptime": round((time.monotonic() - self._started) * 1000),
            "warnings": self._warnings,
        }

    def _description(self, function: Function) -> dict[str, Any]:
        return {
            "name": function.name,
            "language": "python",
            "isDisabled": function.is_disabled,
            "invokeUrlTemplate": self._invoke_url(function),
            "config": {"bindings": [dict(binding.settings) for binding in function.bindings]},
        }

    async def _run(self, function: Function, body: bytes) -> web.Response:
        try:
            content = json.loads(body) if body.strip() else {}
        except ValueError:
            return web.Response(status=400, text="The body must be JSON.")
        text = content.get("input") if isinstance(content, dict) else None
        if function.trigger.type == "httpTrigger":
            return web.Response(status=400, text=f"{function.name} answers HTTP: call its own address.")
        await self._run_by_hand(function, "" if text is None else text if isinstance(text, str) else json.dumps(text))
        return web.Response(status=202)
