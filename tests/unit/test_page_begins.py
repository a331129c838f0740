"""A large page is begun while its couplings are still being looked up; what may take something away waits for all."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.jobs import JobStatus
from shared.core.sides import Direction
from shared.services import pipeline
from shared.services.repositories import couplings
from tests.world import ACCOUNT, CUSTOMERS, World

MANY = 200
FROM = Direction.FROM_INTEGRATION_TABLE


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Customers in step with accounts, in a house where everything large is small."""
    monkeypatch.setattr(pipeline, "CHUNK", 10)
    monkeypatch.setattr(couplings, "PAGE", 20)
    world = World()
    await world.open_all()
    for number in range(MANY):
        world.account(name=f"Account {number}", telephone1="1", fax="2")
    for _ in range(2):
        await world.synchronize("CUSTOMER")
    return world


def happenings(world: World, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is looked up and written from now on, in its order."""
    told: list[str] = []
    state, rows = world.services.state, world.services.business_central
    scan, write = state.scan, rows.write

    async def look_up(table: str, *rest: Any, **options: Any) -> Any:
        told.extend(["couplings"] if options.get("prefix") == "bc|" else [])
        return await scan(table, *rest, **options)

    async def send(*rest: Any) -> Any:
        told.append("write")
        return await write(*rest)

    monkeypatch.setattr(state, "scan", look_up)
    monkeypatch.setattr(rows, "write", send)
    return told


async def test_writing_begins_before_all_couplings_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for account in list(world.dataverse.rows(ACCOUNT)):
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    told = happenings(world, monkeypatch)
    jobs = await world.synchronize("CUSTOMER")
    assert told.index("write") < len(told) - 1 - told[::-1].index("couplings")
    assert jobs["CUSTOMER", FROM].counters.modified == MANY
    assert {row["phoneNumber"] for row in world.business_central.rows(CUSTOMERS).values()} == {"3"}


async def test_of_an_implausible_share_nothing_is_written_although_the_rest_has_begun(world: World) -> None:
    accounts = list(world.dataverse.rows(ACCOUNT))
    for number, account in enumerate(accounts):
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "3" if number % 2 else None})
    jobs = await world.synchronize("CUSTOMER")
    assert {job.status for job in jobs.values()} == {JobStatus.FAILED}
    phones = [row["phoneNumber"] for row in world.business_central.rows(CUSTOMERS).values()]
    assert not {None, ""} & set(phones)
    assert phones.count("3") >= 10


async def test_new_records_of_a_page_that_has_begun_are_created_once(world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    for account in list(world.dataverse.rows(ACCOUNT)):
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    new = [world.account(name=f"New {number}") for number in range(25)]
    for _ in range(2):
        await world.synchronize("CUSTOMER")
    names = sorted(str(row["displayName"]) for row in world.business_central.rows(CUSTOMERS).values())
    assert names == sorted([*(f"Account {n}" for n in range(MANY)), *(f"New {n}" for n in range(len(new)))])
