"""The HTTP side: requests to calls, answers to responses, the gate before and the control plane beside."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from aiohttp import web

from infra.local.business_central import batch
from infra.local.business_central.calls import API, Answer, Call, refusal
from infra.local.business_central.company import Company
from infra.local.business_central.control import ControlledSimulator
from infra.local.business_central.errors import ApiError, no_route
from infra.local.business_central.notifications import Notifier
from infra.local.business_central.schema import APIS
from infra.local.business_central.service import Service
from infra.local.business_central.subscriptions import Subscriptions
from infra.local.simulator.control import control_routes
from infra.local.simulator.faults import Faults
from infra.local.simulator.gate import ROUTE, Gate, OperationFault
from infra.local.simulator.limits import Limits
from infra.local.simulator.oauth import DEFAULT_TOKEN, Tokens
from infra.local.simulator.rows import rows_routes
from infra.local.simulator.statistics import Statistics

_log = logging.getLogger(__name__)
_ROOT = re.compile(rf".*?(?:{'|'.join(re.escape(f'/api/{api}') if api else API for api in APIS)})(?=/|$)")
_LARGEST_BODY = 350 * 1024 * 1024


def limits() -> Limits:
    """6,000 requests in 5 minutes; 5 worked on and 95 queued; per user (page "Operational limits")."""
    return Limits(requests=6000, window_seconds=300, execution_ms=None, concurrent=100, processed=5)


class Server:
    """The simulator as a web application."""

    def __init__(self, database: Path | None, token: str, local_currency: str) -> None:
        self.company = Company(database, local_currency)
        self.tokens = Tokens(token)
        self.statistics = Statistics()
        self._service = Service(self.company)
        self._writing = asyncio.Lock()
        self.gate = Gate(
            limits=limits(), refuse=_too_many, statistics=self.statistics, faults=Faults(), caller=self._caller
        )
        self._batches = batch.Batch(
            self._operation,
            self.company,
            self._writing,
            self.statistics.wrote,
            never_waits=lambda: not self.gate.faults.waiting,
        )
        self._http = aiohttp.ClientSession()
        self._subscriptions = Subscriptions(self.company, self._http)
        self._notifier = Notifier(self.company, self._subscriptions, self._http)
        self._control = ControlledSimulator(self.company, self.tokens, self._writing, self._notifier.look)

    async def close(self) -> None:
        """Stop what runs beside the requests, and close the tables."""
        await self._notifier.close()
        await self._http.close()
        self.company.close()

    def application(self) -> web.Application:
        """Everything that is served."""
        application = web.Application(middlewares=[self.gate.middleware], client_max_size=_LARGEST_BODY)
        application.add_routes(control_routes(self._control, self.gate))
        application.add_routes(rows_routes(self._control))
        application.add_routes(self.tokens.routes())
        application.router.add_route("*", "/{anything:.*}", self._serve)
        return application

    def _caller(self, request: web.Request) -> str:
        """The user behind a request; "" for none, also for an app that Entra knows and Business Central does not."""
        user = self.tokens.user_of(request.headers.get("Authorization")) or ""
        unknown = user in self.tokens.clients and self.tokens.clients[user].user is None
        return "" if unknown else user

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            answer = await self._answer(request)
        except ApiError as error:
            answer = refusal(error)
        except Exception:
            _log.exception("%s %s failed", request.method, request.rel_url)
            answer = refusal(ApiError(500, "Internal_ServerError", "An unexpected error occurred."))
        self._notifier.look()
        if answer.code:
            self.statistics.refused(answer.code)
        headers = {"OData-Version": "4.0", "request-id": str(uuid4()), "Cache-Control": "no-cache, no-store"}
        headers["Date"] = self.company.clock.date()
        content = answer.content()
        if content:
            headers["Content-Type"] = "application/json; odata.metadata=minimal"
        return web.Response(status=answer.status, body=content, headers=headers | answer.headers)

    async def _answer(self, request: web.Request) -> Answer:
        root = _ROOT.match(request.rel_url.raw_path)
        if root is None:
            raise no_route()
        path = request.rel_url.raw_path[root.end() :]
        user = self._caller(request)
        if not user:
            raise ApiError(401, "Authentication_InvalidCredentials", "The server has rejected the client credentials.")
        call = Call(
            request.method,
            f"{request.scheme}://{request.host}{root[0]}",
            path,
            request.rel_url.raw_query_string,
            {name.lower(): ", ".join(request.headers.getall(name)) for name in request.headers},
            await request.read(),
            user,
        )
        if path.strip("/") == "$batch" and call.method == "POST":
            request[ROUTE] = "$batch"
            return await self._batches.run(call)
        request[ROUTE] = call.route
        if call.method != "GET":
            self.gate.count_operations()
        return await self._do(call)

    async def _do(self, call: Call) -> Answer:
        if call.path.strip("/").startswith("subscriptions"):
            return await (await self._subscriptions.answer(call)).completed()
        if call.method == "GET":
            answer = await self._service.answer(call).completed()
            self.gate.count_rows(*answer.read)
            return answer
        async with nullcontext() if call.locked else self._writing:
            answer = self._service.answer(call)
        if batch.writes(call, answer):
            self.statistics.wrote()
        return answer

    async def _operation(self, call: Call) -> Answer:
        """One operation inside a batch."""
        fault = await self.gate.operation(call.method, call.target)
        if fault is not None:
            answer = _faulty(fault)
        elif call.in_snapshot:
            answer = await self._service.answer(call).completed()
            if call.method == "GET":
                self.gate.count_rows(*answer.read)
        else:
            answer = await self._do(call)
        self.statistics.operation(call.method, call.route, answer.status)
        if answer.code:
            self.statistics.refused(answer.code)
        return answer


def _faulty(fault: OperationFault) -> Answer:
    if isinstance(fault.body, str):
        return Answer(fault.status, text=fault.body, headers=fault.headers)
    return Answer(fault.status, fault.body, fault.headers)


def _too_many(kind: str, retry_after: float) -> web.Response:
    """The 429: the documentation promises no Retry-After here."""
    answer = refusal(ApiError(429, "TooManyRequests", "The request was refused because too many requests were sent."))
    return web.Response(status=429, body=answer.content(), content_type="application/json")


@dataclass(frozen=True)
class Running:
    """A simulator that serves: `url` + `/api/v2.0` is the API root."""

    url: str
    token: str
    company_id: str
    server: Server

    @property
    def api(self) -> str:
        """The API root."""
        return self.url + API

    @property
    def facts(self) -> dict[str, Any]:
        """What the READY line tells."""
        return {"url": self.url, "company_id": self.company_id, "token": self.token}


@asynccontextmanager
async def serving(
    *, port: int = 0, token: str = DEFAULT_TOKEN, database: Path | None = None, local_currency: str = "EUR"
) -> AsyncIterator[Running]:
    """Serve on 127.0.0.1 while the block runs; port 0 is any free one."""
    server = Server(database, token, local_currency)
    runner = web.AppRunner(
        server.application(), access_log=None, max_line_size=65_536, max_field_size=65_536, shutdown_timeout=1.0
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        bound = runner.addresses[0][1]
        yield Running(f"http://127.0.0.1:{bound}", token, server.company.id, server)
    finally:
        await runner.cleanup()
        await server.close()
