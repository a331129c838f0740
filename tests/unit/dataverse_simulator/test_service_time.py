"""Stated latency is a deadline: an answer comes when it is over (or longer work is done), till then a slot is taken."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from infra.local.simulator.faults import Faults
from infra.local.simulator.gate import Gate
from infra.local.simulator.limits import Limits
from infra.local.simulator.service_time import Latency
from infra.local.simulator.statistics import Statistics

STATED = Latency(request_ms=20, operation_ms=10, page_ms=30)


class Desk:
    """A service whose work takes as long as a test says."""

    def __init__(self) -> None:
        self.gate = Gate(
            limits=Limits(processed=2),
            refuse=lambda kind, seconds: web.Response(status=429),
            statistics=Statistics(),
            faults=Faults(),
        )
        self.gate.faults.latency = STATED
        self.work: Callable[[], Awaitable[None]] = self.nothing

    async def nothing(self) -> None:
        return None

    async def serve(self, request: web.Request) -> web.Response:
        await self.work()
        return web.Response()


@pytest.fixture
async def desk() -> Desk:
    return Desk()


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    app = web.Application(middlewares=[desk.gate.middleware])
    app.add_routes([web.get("/", desk.serve)])
    async with TestClient(TestServer(app)) as client:
        yield client


async def _seconds(client: Any, *users: str) -> float:
    started = time.monotonic()
    await asyncio.gather(*(client.get("/", headers={"Authorization": user}) for user in users))
    return time.monotonic() - started


@pytest.mark.parametrize(("operations", "pages", "stated"), [(0, 0, 0.02), (3, 0, 0.05), (0, 1, 0.05), (2, 1, 0.07)])
async def test_operations_and_pages_add_to_the_stated_time(
    desk: Desk, client: Any, operations: int, pages: int, stated: float
) -> None:
    async def work() -> None:
        desk.gate.count_operations(operations)
        desk.gate.count_rows(7, pages)

    desk.work = work
    assert await _seconds(client, "a") >= stated
    seen: dict[str, Any] = desk.gate.statistics.snapshot()
    assert (seen["stated_ms"], seen["pages"], seen["rows_read"]) == (stated * 1000, pages, 7)


async def test_real_work_counts_towards_the_stated_time(desk: Desk, client: Any) -> None:
    desk.gate.faults.latency = Latency(request_ms=300)
    desk.work = lambda: asyncio.sleep(0.25)
    assert 0.3 <= await _seconds(client, "a") < 0.5, "not one after the other"
    desk.gate.faults.latency = Latency(request_ms=50)
    desk.gate.statistics.reset()
    desk.work = lambda: asyncio.sleep(0.15)
    assert await _seconds(client, "a") >= 0.15
    seen: dict[str, Any] = desk.gate.statistics.snapshot()
    assert seen["late"] == 1
    assert seen["late_ms"] >= 99


async def test_slots_are_kept_by_user_until_the_time_is_over(desk: Desk, client: Any) -> None:
    desk.gate.faults.latency = Latency(request_ms=50)
    assert await _seconds(client, *"aaaaa") >= 0.15, "two at once, three times one after the other"
    assert desk.gate.statistics.snapshot()["most_at_once"] == 2
    assert desk.gate.statistics.snapshot()["most_waiting"] == 3
    desk.gate.statistics.reset()
    await _seconds(client, *"aabbcc")
    assert desk.gate.statistics.snapshot()["most_at_once"] == 6, "another user has slots of its own"


async def test_the_limit_of_slots_can_be_changed(desk: Desk, client: Any) -> None:
    desk.gate.faults.latency = Latency(request_ms=50)
    desk.gate.limits.processed = None
    await _seconds(client, *"aaaaaa")
    assert desk.gate.statistics.snapshot()["most_at_once"] == 6
    desk.gate.limits.processed = 1
    assert await _seconds(client, *"aaa") >= 0.15
