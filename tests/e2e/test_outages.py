"""One part of the world is away for a while: the app says so, pauses, and goes on by itself when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from infra.local.stack import Stack, local_stack
from tests.e2e.conftest import SETTINGS
from tests.e2e.logs import leaks, secrets
from tests.e2e.people import Everything

PATIENCE = 40.0  # seconds until all has gone on
PAUSE = 0.1
EACH_SECOND = {"SYNC_SCHEDULE": "* * * * * *"}


@dataclass
class World:
    """The stack with a door before each system, and clients."""

    stack: Stack
    everything: Everything

    async def health(self) -> tuple[int, list[dict[str, Any]]]:
        """The status of the health report, and the checks that failed."""
        answer = await self.everything.app.get("/health")
        return answer.status_code, [check for check in answer.json()["checks"] if not check["ok"]]

    async def slow_down(self, milliseconds: int) -> None:
        """Let Business Central take so long for every request."""
        control = self.everything.controls["business_central"]
        (await control.post("/faults", json={"latency_ms": milliseconds})).raise_for_status()

    async def begin_slowly(self) -> None:
        """Ask for a run, and return when it is in the middle of reading."""
        await self.slow_down(1500)
        asked = await self.everything.app.post("/mappings/CUSTOMER/synchronize")
        assert asked.status_code == 202, asked.text
        await self._until(self._is_running)

    async def until_in_step(self, names: set[str]) -> None:
        """Wait until both systems have just these customers, each once."""
        await self._until(lambda: self._in_step(names))

    async def _until(self, reached: Callable[[], Awaitable[bool]]) -> None:
        for _ in range(round(PATIENCE / PAUSE)):
            if await reached():
                return
            await asyncio.sleep(PAUSE)
        raise AssertionError("it did not come to that in time")

    async def _is_running(self) -> bool:
        return bool((await self.everything.app.get("/mappings/CUSTOMER")).json()["state"]["running"])

    async def _in_step(self, names: set[str]) -> bool:
        rows = (await self.everything.dataverse.get("/accounts", params={"$select": "name"})).json()["value"]
        customers = await self.everything.customers()
        found = sorted(row["name"] for row in rows), sorted(one["displayName"] for one in customers)
        return found == (sorted(names), sorted(names))


@pytest.fixture(scope="module")
async def world() -> AsyncIterator[World]:
    async with (
        local_stack(
            settings=SETTINGS | EACH_SECOND, empty=True, durable=True, doors=("dataverse", "business_central")
        ) as stack,
        Everything(stack.information(), stack.folder) as everything,
    ):
        yield World(stack, everything)


@dataclass(frozen=True)
class Outage:
    """How a part goes away and comes back, what the health report names, and what asking for a run answers then."""

    begin: Callable[[World], Awaitable[object]]
    end: Callable[[World], Awaitable[object]]
    named: str
    asking: int


UNAVAILABLE = {"refuse": [{"status": 503, "times": 100_000}]}
OUTAGES = {
    "storage is down": Outage(
        lambda world: world.stack.stop("azurite"), lambda world: world.stack.start("azurite"), "Table Storage", 503
    ),
    "storage is killed": Outage(
        lambda world: world.stack.kill("azurite"), lambda world: world.stack.start("azurite"), "Table Storage", 503
    ),
    "Business Central cannot be reached": Outage(
        lambda world: world.stack.doors["business_central"].close(),
        lambda world: world.stack.doors["business_central"].open(),
        "Business Central",
        202,
    ),
    "Dataverse cannot be reached": Outage(
        lambda world: world.stack.doors["dataverse"].close(),
        lambda world: world.stack.doors["dataverse"].open(),
        "Dataverse",
        202,
    ),
    "Business Central is not available": Outage(
        lambda world: world.everything.controls["business_central"].post("/faults", json=UNAVAILABLE),
        lambda world: world.everything.controls["business_central"].delete("/faults"),
        "Business Central",
        202,
    ),
    "Dataverse is not available": Outage(
        lambda world: world.everything.controls["dataverse"].post("/faults", json=UNAVAILABLE),
        lambda world: world.everything.controls["dataverse"].delete("/faults"),
        "Dataverse",
        202,
    ),
    "Service Bus is down": Outage(
        lambda world: world.stack.stop("service_bus"),
        lambda world: world.stack.start("service_bus"),
        "Service Bus",
        503,
    ),
}


@pytest.mark.parametrize("name", OUTAGES)
async def test_a_run_pauses_and_goes_on_by_itself(world: World, name: str) -> None:
    outage, everything = OUTAGES[name], world.everything
    await everything.fresh("CUSTOMER")
    names = {f"Confidential {number} Ltd" for number in range(6)}
    for account in names:
        await everything.create_account(name=account, emailaddress1=f"{account[:14]}@hidden.example".replace(" ", "."))
    await world.begin_slowly()

    await outage.begin(world)
    await world.slow_down(0)
    asked = await everything.app.post("/mappings/CUSTOMER/synchronize")
    status, failed = await world.health()
    await outage.end(world)

    assert asked.status_code == outage.asking, asked.text
    assert status == 503
    assert failed
    assert all(check["name"].startswith(outage.named) and check["fix"] for check in failed), failed
    await world.until_in_step(names)
    assert (await everything.app.get("/messages/dead")).json()["messages"] == []


async def test_no_log_of_an_outage_names_a_secret_or_a_person(world: World) -> None:
    opened = secrets(world.stack.settings)
    assert leaks(world.stack.folder, ["Executed 'run_job_slice'"]), "the logs are read"

    assert leaks(world.stack.folder, {*opened, "Confidential", "hidden.example"}) == []
