"""What every simulator shares: the gate, ordered faults, limits, counters, the control plane and tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, ServerDisconnectedError, web
from aiohttp.test_utils import TestClient, TestServer

from infra.local.simulator.control import control_routes
from infra.local.simulator.faults import Faults
from infra.local.simulator.gate import ROUTE, Gate
from infra.local.simulator.limits import Allowance, Limits
from infra.local.simulator.oauth import DEFAULT_CLIENT, DEFAULT_SECRET, DEFAULT_USER, Tokens
from infra.local.simulator.statistics import Statistics


class Counter:
    """The smallest simulator: it counts what reached it."""

    def __init__(self) -> None:
        self.reached = 0
        self.gate = Gate(
            limits=Limits(),
            refuse=lambda kind, seconds: web.Response(status=429, text=kind, headers={"Retry-After": str(seconds)}),
            statistics=Statistics(),
            faults=Faults(),
        )

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        return body

    async def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        return body

    async def settings(self, body: dict[str, Any]) -> dict[str, Any]:
        return body

    async def reset(self) -> None:
        self.reached = 0

    async def reach(self, request: web.Request) -> web.Response:
        self.reached += 1
        request[ROUTE] = "things"
        return web.json_response({"reached": self.reached})


@pytest.fixture
async def counter() -> Counter:
    return Counter()


@pytest.fixture
async def client(counter: Counter) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[counter.gate.middleware])
    app.add_routes([web.get("/things", counter.reach), *control_routes(counter, counter.gate), *Tokens().routes()])
    async with TestClient(TestServer(app)) as client:
        yield client


async def test_faults_happen_as_often_as_ordered_and_do_no_work(counter: Counter, client: Any) -> None:
    order = {"refuse": [{"route": "/things", "times": 2, "status": 503, "headers": {"Retry-After": "3"}}]}
    assert (await client.post("/_simulator/faults", json=order)).status == 200
    answers = [await client.get("/things") for _ in range(3)]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].headers["Retry-After"] == "3"
    assert counter.reached == 1


async def test_an_answer_can_be_lost_after_the_work_is_done(counter: Counter, client: Any) -> None:
    await client.post("/_simulator/faults", json={"refuse": [{"after_commit": True, "times": 2}]})
    async with ClientSession() as session:

        async def read_twice() -> None:
            # Twice: aiohttp repeats a GET once by itself.
            await session.get(client.make_url("/things"))
            await session.get(client.make_url("/things"))

        with pytest.raises(ServerDisconnectedError):
            await read_twice()
    assert counter.reached == 2


async def test_requests_over_the_limit_are_refused_with_the_seconds_to_wait(counter: Counter, client: Any) -> None:
    await client.post("/_simulator/faults", json={"limits": {"requests": 2, "window_seconds": 60}})
    answers = [await client.get("/things", headers={"Authorization": "Bearer x"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert 59 <= int(answers[2].headers["Retry-After"]) <= 60
    other = await client.get("/things", headers={"Authorization": "Bearer y"})
    assert other.status == 200, "limits are kept per caller"
    await client.delete("/_simulator/faults")
    assert (await client.get("/things", headers={"Authorization": "Bearer x"})).status == 200


async def test_counters_tell_routes_refusals_and_bytes(client: Any) -> None:
    await client.post("/_simulator/faults", json={"refuse": [{"status": 503}]})
    await client.get("/things")
    await client.get("/things")
    stats = await (await client.get("/_simulator/stats")).json()
    assert stats["requests"] == 2
    assert stats["by_route"]["GET things"] == 2
    assert stats["refusals"] == {"503": 1}
    assert stats["bytes_sent"] > 0
    assert (await client.delete("/_simulator/stats")).status == 204
    assert (await (await client.get("/_simulator/stats")).json())["requests"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"latency": 1}, "latency"),
        ({"latency_ms": -1}, "latency_ms"),
        ({"limits": {"requests": "many"}}, "limits.requests"),
        ({"limits": {"burst": 1}}, "limits.burst"),
        ({"refuse": {}}, "refuse"),
        ({"refuse": [{"status": 503}, {"statis": 503}]}, "refuse[1].statis"),
        ({"refuse": [{"status": 503, "times": 0}]}, "refuse[0].times"),
        ({"refuse": [{"status": 503, "route": "("}]}, "refuse[0].route"),
        ({"refuse": [{"times": 3}]}, "refuse[0]"),
        ([], "body"),
    ],
)
async def test_a_wrong_order_names_the_field_and_does_nothing(client: Any, body: Any, field: str) -> None:
    answer = await client.post("/_simulator/faults", json=body)
    assert answer.status == 400
    assert (await answer.json())["error"]["message"].startswith(f"{field}:")
    assert (await (await client.get("/_simulator/faults")).json())["refuse"] == []


def test_the_wait_grows_for_who_keeps_pushing_but_never_over_the_window() -> None:
    now = [0.0]
    allowance = Allowance(Limits(requests=1, window_seconds=10), clock=lambda: now[0])
    assert allowance.enter() is None
    now[0] = 4
    waits = [refusal.retry_after for _ in range(8) if (refusal := allowance.enter())]
    assert waits == [6, 7, 8, 9, 10, 10, 10, 10]
    now[0] = 10.5
    assert allowance.enter() is None


def test_execution_time_and_concurrency_are_facets_of_their_own() -> None:
    allowance = Allowance(Limits(execution_ms=100, concurrent=1))
    assert allowance.enter() is None
    refusal = allowance.enter()
    assert refusal is not None
    assert refusal.kind == "concurrency"
    allowance.leave(150)
    refusal = allowance.enter()
    assert refusal is not None
    assert refusal.kind == "execution_time"


async def _token(client: Any, **form: str) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/any-tenant/oauth2/v2.0/token", data=form)
    return answer.status, await answer.json()


async def test_the_token_endpoint_knows_its_clients(client: Any) -> None:
    form = {"grant_type": "client_credentials", "client_id": DEFAULT_CLIENT, "scope": "x/.default"}
    status, body = await _token(client, **form, client_secret=DEFAULT_SECRET)
    assert (status, body["token_type"]) == (200, "Bearer")
    status, body = await _token(client, **form, client_secret="guess")
    assert (status, body["error"], body["error_codes"]) == (401, "invalid_client", [7000215])
    status, body = await _token(client, **{**form, "client_id": "unknown"}, client_secret=DEFAULT_SECRET)
    assert (status, body["error_codes"]) == (400, [700016])


def test_a_token_speaks_for_its_user_until_it_expires() -> None:
    tokens = Tokens(fixed="fixed")
    issued = tokens.issue(DEFAULT_CLIENT)
    assert tokens.user_of("Bearer fixed") == tokens.user_of(f"Bearer {issued}") == DEFAULT_USER
    assert tokens.user_of(f"Basic {issued}") is None
    assert tokens.user_of(None) is None
    tokens.expire()
    assert tokens.user_of(f"Bearer {issued}") is None
