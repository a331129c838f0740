"""The control plane of a simulator: counters, seed data, edits by a person, faults and switches. It needs no token.

Rows by the hundred thousand go through `/_simulator/rows`: see `rows`.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from typing import Any, Protocol

from aiohttp import web

from infra.local.simulator import faults as ordered_faults
from infra.local.simulator import limits as service_limits
from infra.local.simulator.gate import Gate
from infra.local.simulator.wrong_body import WrongBodyError, an_object, known_fields


class Simulator(Protocol):
    """What a simulator gives to its control plane. Each method raises WrongBodyError and then has done nothing."""

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make rows: `{"seed": 1, "tables": {"account": 1000}}`, the same ones for the same seed; answers counts."""
        ...

    async def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change rows as a person: `{"user": ..., "changes": [{"table", "id", "operation", "values"}]}`."""
        ...

    async def reset(self) -> None:
        """Go back to the state of a fresh start."""
        ...

    async def settings(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set the switches that this simulator has; answers all of them."""
        ...


def control_routes(simulator: Simulator, gate: Gate) -> list[web.RouteDef]:
    """Answer the routes under `/_simulator/`."""
    plane = _Plane(simulator, gate)
    return [
        web.get("/_simulator/stats", plane.read_statistics),
        web.delete("/_simulator/stats", plane.reset_statistics),
        web.post("/_simulator/seed", _with_body(simulator.seed)),
        web.post("/_simulator/edit", _with_body(simulator.edit)),
        web.post("/_simulator/settings", _with_body(simulator.settings)),
        web.post("/_simulator/reset", plane.reset),
        web.get("/_simulator/faults", plane.read_faults),
        web.post("/_simulator/faults", _with_body(plane.order_faults)),
        web.delete("/_simulator/faults", plane.clear_faults),
    ]


class _Plane:
    def __init__(self, simulator: Simulator, gate: Gate) -> None:
        self._simulator = simulator
        self._gate = gate

    async def read_statistics(self, _: web.Request) -> web.Response:
        return web.json_response(self._gate.statistics.snapshot())

    async def reset_statistics(self, _: web.Request) -> web.Response:
        self._gate.statistics.reset()
        return web.Response(status=204)

    async def reset(self, _: web.Request) -> web.Response:
        await self._simulator.reset()
        self._gate.clear()
        self._gate.statistics.reset()
        return web.Response(status=204)

    async def order_faults(self, body: dict[str, Any]) -> dict[str, Any]:
        known_fields(body, {*ordered_faults.FAULTS_BODY_FIELDS, "limits"})
        limits = an_object(body.get("limits", {}), "limits")
        service_limits.change(replace(self._gate.limits), limits)
        ordered_faults.order(self._gate.faults, body)
        service_limits.change(self._gate.limits, limits)
        if limits:
            self._gate.forget_use()
        return self._faults()

    async def read_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._faults())

    async def clear_faults(self, _: web.Request) -> web.Response:
        self._gate.clear()
        return web.Response(status=204)

    def _faults(self) -> dict[str, Any]:
        latency = self._gate.faults.latency
        return {
            "latency_ms": latency.request_ms,
            "operation_latency_ms": latency.operation_ms,
            "page_latency_ms": latency.page_ms,
            "limits": asdict(self._gate.limits),
            "refuse": [asdict(fault) for fault in self._gate.faults.waiting],
        }


def _with_body(do: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response(await do(await _body(request)))
        except WrongBodyError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)

    return handle


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise WrongBodyError("body", f"is no JSON: {error}") from error
    return an_object(body, "body")
