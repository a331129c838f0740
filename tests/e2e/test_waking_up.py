"""A mapping on hold due to inactivity, from falling asleep to waking up, on the whole stack."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.e2e.people import Everything

PROBES = 5
PAUSE = 0.5  # seconds: two of them are more than the grid of tests/e2e/conftest.py


async def creates_vendor(everything: Everything) -> None:
    answer = await everything.business_central.post("/vendors", json={"displayName": "Fabrikam"})
    assert answer.status_code == 201, answer.text


async def creates_account(everything: Everything) -> None:
    await everything.create_account(name="Adatum")


async def accounts(everything: Everything) -> list[dict[str, Any]]:
    return list((await everything.dataverse.get("/accounts")).json()["value"])


async def customers(everything: Everything) -> list[dict[str, Any]]:
    return await everything.customers()


async def tick(everything: Everything) -> None:
    """The timer fires, as it does each minute, and its work has time to be done."""
    fired = await everything.host.post("/admin/functions/enqueue_due_jobs", json={"input": ""})
    assert fired.status_code == 202
    await asyncio.sleep(PAUSE)


async def status(everything: Everything, mapping: str) -> str:
    lines = (await everything.app.get("/schedule")).json()["mappings"]
    return str(next(line["status"] for line in lines if line["mapping"] == mapping))


async def jobs(everything: Everything, mapping: str) -> dict[str, dict[str, Any]]:
    found = (await everything.app.get("/jobs", params={"mapping": mapping})).json()["jobs"]
    return {job["id"]: job for job in found}


@pytest.mark.parametrize(
    ("mapping", "happens", "counterparts"),
    [("CUSTOMER", creates_account, customers), ("VENDOR", creates_vendor, accounts)],
    ids=["Dataverse", "Business Central"],
)
async def test_a_mapping_on_hold_does_not_run_until_either_side_has_news(
    everything: Everything,
    mapping: str,
    happens: Callable[[Everything], Awaitable[None]],
    counterparts: Callable[[Everything], Awaitable[list[dict[str, Any]]]],
) -> None:
    await everything.fresh(mapping)
    async with asyncio.timeout(30):
        while await status(everything, mapping) != "on hold due to inactivity":
            await tick(everything)
    before = await jobs(everything, mapping)
    for _ in range(PROBES):
        await tick(everything)
    assert await jobs(everything, mapping) == before, "there was no news, and so no run"

    await happens(everything)
    async with asyncio.timeout(30):
        while not await counterparts(everything):
            await tick(everything)
    woken = [job for key, job in (await jobs(everything, mapping)).items() if key not in before]
    assert "rule" in {job["trigger"] for job in woken}
    assert await status(everything, mapping) != "on hold due to inactivity"
