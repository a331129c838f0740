"""The HTTP side: who calls, which headers every answer has, and the way to the operations."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from uuid import uuid4

from aiohttp import web

from infra.local.dataverse.address import ROOT
from infra.local.dataverse.answers import JSON, Answer, Operation, refused
from infra.local.dataverse.batch import Headers, run_batch
from infra.local.dataverse.errors import Refusal, not_allowed, not_supported_method
from infra.local.dataverse.operations import answer, route_of
from infra.local.dataverse.organization import find_application, find_user
from infra.local.dataverse.query.preferences import parse_preferences
from infra.local.dataverse.session import Session, User
from infra.local.dataverse.simulator import DataverseSimulator
from infra.local.simulator.control import control_routes
from infra.local.simulator.faults import Faults
from infra.local.simulator.gate import ROUTE, Gate, remaining_of
from infra.local.simulator.limits import Limits
from infra.local.simulator.oauth import DEFAULT_TOKEN
from infra.local.simulator.rows import rows_routes
from infra.local.simulator.statistics import Statistics
from infra.local.simulator.wrong_body import WrongBodyError

MOST_URL = 32_768
MOST_BODY = 128 * 1024 * 1024
_LONGEST_LINE = 2 * 65_536
_AFFINITY = "ARRAffinity"
_SERVER = web.RequestKey("server", str)


class DataverseServer:
    """Serves one simulator."""

    def __init__(self, simulator: DataverseSimulator) -> None:
        self.simulator = simulator
        self.gate = Gate(
            limits=Limits(), refuse=_throttled, statistics=Statistics(), faults=Faults(), caller=self._caller
        )
        self._servers = count()

    def application(self) -> web.Application:
        """Answer the aiohttp application."""
        app = web.Application(middlewares=[self.gate.middleware], client_max_size=MOST_BODY)
        app.add_routes(control_routes(self.simulator, self.gate))
        app.add_routes(rows_routes(self.simulator))
        app.router.add_get("/_simulator/delta_link", self._delta_link)
        app.add_routes(self.simulator.tokens.routes())
        app.router.add_route("*", "/{tail:.*}", self._serve)
        return app

    async def _delta_link(self, request: web.Request) -> web.Response:
        """`?table=account&select=name`: the position of a reader who knows all rows as they are now."""
        base, given = f"{request.scheme}://{request.host}/api/data/v9.2/", request.query
        try:
            link = self.simulator.delta_link(base, given.get("table", ""), given.get("select", ""))
        except WrongBodyError as error:
            return web.json_response({"error": {"message": str(error)}}, status=400)
        return web.json_response({"delta_link": link})

    async def _serve(self, request: web.Request) -> web.Response:
        try:
            response = await self._answer(request)
        except Refusal as refusal:
            response = _response(refused(refusal))
        except web.HTTPRequestEntityTooLarge:
            response = _response(refused(Refusal(413, "0x8004418a", "The request is too large.")))
        except RecursionError:
            response = _response(refused(not_allowed("The query is nested too deeply.")))
        except Exception:
            # A defect of the simulator: answered as the service answers its own, and told on standard error.
            traceback.print_exc()
            response = _response(refused(Refusal(500, "0x80040216", "An unexpected error occurred.")))
        if response.status >= 400:
            self._count_refusal(response)
        return self._with_service_headers(request, response)

    async def _answer(self, request: web.Request) -> web.Response:
        path, _, query = request.raw_path.partition("?")
        found = ROOT.match(path)
        if found is None:
            raise Refusal(404, "", f"No HTTP resource was found that matches the request URI '{path}'.")
        if len(request.raw_path) > MOST_URL:
            raise not_allowed("Invalid URI: The Uri string is too long.")
        below = path[found.end() :]
        request[ROUTE] = route_of(below) or "service document"
        session = self._session(request, f"{request.scheme}://{request.host}{found[0].rstrip('/')}/")
        body = await request.read()
        if below == "$batch":
            return await self._batch(request, session, body)
        operation = Operation(request.method, below, query, session.headers, body)
        done = answer(session, operation)
        session.events.settle(succeeded=done.status < 400)
        self.gate.statistics.wrote(done.wrote)
        if done.targets:
            self.gate.statistics.operation(request.method, route_of(below), done.status, done.targets)
        if request.method != "GET":
            self.gate.count_operations(max(1, done.targets))
        else:
            self.gate.count_rows(*done.read)
        return _response(done)

    async def _batch(self, request: web.Request, session: Session, body: bytes) -> web.Response:
        if request.method != "POST":
            raise not_supported_method(request.method)
        outcome = await run_batch(session, self.gate, request.headers.get("Content-Type", ""), body)
        return web.Response(status=outcome.status, body=outcome.body, headers={"Content-Type": outcome.content_type})

    def _session(self, request: web.Request, base: str) -> Session:
        name = self.simulator.tokens.user_of(request.headers.get("Authorization"))
        if name is None:
            headers = {"WWW-Authenticate": f'Bearer authorization_uri="{base}", resource_id="{base}"'}
            raise Refusal(401, "0x80040204", "The user authentication passed to the platform is not valid.", headers)
        user = self._user(name)
        headers = Headers(request.headers)
        session = self.simulator.session(user, base)
        session = session.preferring(headers=headers, preferences=parse_preferences(headers.get("Prefer", "")))
        return self._impersonating(session, headers)

    def _user(self, name: str) -> User:
        """Answer the user a token speaks for: an application by its client id, whatever its user is called now."""
        client = self.simulator.tokens.client_of(name)
        user = find_application(self.simulator.storage, client) if client else None
        user = user or find_user(self.simulator.storage, name)
        if user is None:
            raise Refusal(403, "0x80072560", "The user is not a member of the organization.")
        if user.disabled:
            raise Refusal(403, "0x80040225", "The specified user is either disabled or is not a member of any unit.")
        return user

    def _impersonating(self, session: Session, headers: Headers) -> Session:
        for header, column in (("CallerObjectId", "azureactivedirectoryobjectid"), ("MSCRMCallerID", "systemuserid")):
            if wanted := headers.get(header):
                sql = f"SELECT systemuserid, fullname, businessunitid, isdisabled FROM systemuser WHERE {column} = ?"
                row = self.simulator.storage.one(sql, [str(wanted).lower()])
                if row is None:
                    raise Refusal(403, "0x80072560", "The user is not a member of the organization.")
                return session.preferring(
                    user=User(row[0], row[1], row[2], disabled=bool(row[3])), on_behalf=session.user
                )
        return session

    def _caller(self, request: web.Request) -> str:
        """Limits are kept per user and server; whoever keeps the affinity cookie stays on one server."""
        user = self.simulator.tokens.user_of(request.headers.get("Authorization"))
        return f"{user}@{self._server_of(request)}" if user else ""

    def _server_of(self, request: web.Request) -> str:
        servers = self.simulator.settings_in_force.servers
        if servers == 1:
            return "0"
        kept = request.cookies.get(_AFFINITY, "")
        if kept.isdigit() and int(kept) < servers:
            return kept
        if _SERVER not in request:
            request[_SERVER] = str(next(self._servers) % servers)
        return request[_SERVER]

    def _count_refusal(self, response: web.Response) -> None:
        with suppress(ValueError, KeyError, TypeError):
            self.gate.statistics.refused(json.loads(response.body or b"")["error"]["code"])  # type: ignore[arg-type]

    def _with_service_headers(self, request: web.Request, response: web.Response) -> web.Response:
        request_id = str(uuid4())
        response.headers["OData-Version"] = "4.0"
        response.headers["REQ_ID"] = request_id
        response.headers["x-ms-service-request-id"] = request_id
        response.headers["x-ms-dop-hint"] = str(self.simulator.settings_in_force.hint)
        if remaining := remaining_of(request):
            response.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] = str(remaining.requests)
            seconds = f"{remaining.execution_seconds:,.2f}"
            response.headers["x-ms-ratelimit-time-remaining-xrm-requests"] = seconds
        response.set_cookie(_AFFINITY, self._server_of(request), path="/", httponly=True)
        return response


def _response(done: Answer) -> web.Response:
    content = done.content
    headers = dict(done.headers)
    if content:
        streaming = "; odata.streaming=true" if done.content_type == JSON else ""
        headers["Content-Type"] = f"{done.content_type}{streaming}"
    return web.Response(status=done.status, body=content, headers=headers)


_THROTTLED = {
    "requests": ("0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."),
    "execution_time": (
        "0x80072321",
        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 "
        "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
    ),
    "concurrency": ("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
}


def _throttled(kind: str, seconds: float) -> web.Response:
    code, message = _THROTTLED[kind]
    response = _response(refused(Refusal(429, code, message)))
    response.headers["Retry-After"] = str(int(seconds))
    response.headers["OData-Version"] = "4.0"
    return response


@dataclass(frozen=True)
class Serving:
    """A simulator that serves: its address, its token, and itself for whoever runs in the same process."""

    url: str
    token: str
    server: DataverseServer


@asynccontextmanager
async def serving(
    *, port: int = 0, token: str = DEFAULT_TOKEN, database: Path | None = None, base_currency: str = "EUR"
) -> AsyncIterator[Serving]:
    """Serve a simulator on 127.0.0.1 as long as the block lasts; port 0 is any free one."""
    simulator = DataverseSimulator(token=token, database=database, base_currency=base_currency)
    server = DataverseServer(simulator)
    runner = web.AppRunner(
        server.application(),
        access_log=None,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_LINE,
        shutdown_timeout=1,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield Serving(url, token, server)
    finally:
        await simulator.webhooks.close()
        await runner.cleanup()
        await asyncio.sleep(0)
        simulator.close()
