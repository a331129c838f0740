"""Full synchronization on the whole stack: the sample company, two systems that each have a part of it."""

from __future__ import annotations

import asyncio
from typing import Any

from infra.local.demo_company.expected import expected
from infra.local.demo_company.load import load
from tests.e2e.people import PATIENCE, Everything

MAPPINGS = ("CURRENCY", "SALESPEOPLE", "VENDOR", "CUSTOMER", "CONTACT")
FULL = {"do": "full_synchronization"}


async def half_filled(everything: Everything) -> None:
    """The sample company, nothing of it coupled, and every mapping for coupled records only."""
    await everything.fresh(*MAPPINGS)
    uncoupled = await everything.app.post("/uncouple", json={"mappings": list(MAPPINGS), "all": True})
    await ended(everything, uncoupled.headers["Location"])
    information = everything.information
    dataverse, central = information["dataverse"], information["business_central"]
    await load(
        {
            "DATAVERSE_URL": dataverse["url"],
            "DATAVERSE_TOKEN": dataverse["token"],
            "BUSINESS_CENTRAL_URL": central["url"],
            "BUSINESS_CENTRAL_COMPANY_ID": central["company_id"],
            "BUSINESS_CENTRAL_TOKEN": central["token"],
        }
    )
    for mapping in MAPPINGS:
        (
            await everything.app.patch(f"/mappings/{mapping}", json={"synch_only_coupled_records": True})
        ).raise_for_status()


async def ended(everything: Everything, address: str) -> dict[str, Any]:
    """What the address says when it does not say 202 any more."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await everything.app.get(address)
            if status.status_code == 200:
                return dict(status.json())
            assert status.status_code == 202, status.text
            await asyncio.sleep(0.5)


async def in_full(everything: Everything, **request: Any) -> dict[str, dict[str, Any]]:
    """A full synchronization of all to its end; the lines by mapping."""
    started = await everything.app.post("/full-synchronization", json=request)
    assert started.status_code == 202, started.text
    lines = {line["mapping"]: line for line in (await ended(everything, started.headers["Location"]))["lines"]}
    assert {name: lines[name]["status"] for name in MAPPINGS} == dict.fromkeys(MAPPINGS, "finished"), lines
    return lines


def total(line: dict[str, Any], counter: str) -> int:
    """A counter over the jobs of a line."""
    return sum(int(job[counter]) for job in line["jobs"])


def jobs(line: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The jobs of a line by direction."""
    return {job["direction"]: job for job in line["jobs"]}


def assert_parents_first(lines: dict[str, dict[str, Any]]) -> None:
    for line in lines.values():
        for parent in line["depends_on"]:
            assert line["started_at"] >= lines[parent]["finished_at"], (line["mapping"], parent)


async def test_two_half_filled_systems_become_one_company_and_a_second_time_changes_nothing(
    everything: Everything,
) -> None:
    await half_filled(everything)
    fates = expected()
    review = (await everything.app.get("/full-synchronization")).json()["lines"]
    recommended = {line["mapping"]: line["recommendation"] for line in review if line["mapping"] in MAPPINGS}
    assert recommended == dict.fromkeys(MAPPINGS, "couple_records") | {"SALESPEOPLE": "full_synchronization"}

    coupled = await in_full(everything)
    assert_parents_first(coupled)
    for name in ("CURRENCY", "VENDOR", "CUSTOMER", "CONTACT"):
        assert (coupled[name]["does"], total(coupled[name], "coupled")) == ("couple_records", fates[name].coupled)
        assert coupled[name]["question"] == "not_asked"

    filled = await in_full(everything, **FULL)
    assert_parents_first(filled)
    for name in ("VENDOR", "CUSTOMER", "CONTACT"):
        found, fate = jobs(filled[name]), fates[name]
        assert found["ToIntegrationTable"]["inserted"] == fate.created_in_dataverse
        assert found["FromIntegrationTable"]["inserted"] == fate.created_in_business_central
        assert filled[name]["coupled"] == fate.pairs
        assert filled[name]["question"] == "open"
    assert await overwritten(everything, filled["CUSTOMER"]) > 0
    conflicts = await everything.app.get("/errors", params={"mapping": "CUSTOMER", "reason": "update_conflict"})
    assert conflicts.json()["errors"] == []

    for name, only_coupled in (("CUSTOMER", False), ("VENDOR", True)):
        address = f"/full-synchronization/{name}/answer"
        answered = await everything.app.post(address, json={"synch_only_coupled_records": only_coupled})
        assert (answered.status_code, answered.json()["question"]) == (200, "answered")
        mapping = (await everything.app.get(f"/mappings/{name}")).json()
        assert mapping["synch_only_coupled_records"] is only_coupled

    before = await everything.writes()
    again = await in_full(everything, **FULL)
    assert await everything.writes() == before
    for name in MAPPINGS:
        assert (total(again[name], "inserted"), total(again[name], "modified")) == (0, 0)


async def overwritten(everything: Everything, line: dict[str, Any]) -> int:
    """How often the jobs of a line tell that a value was overwritten."""
    found = [(await everything.app.get(f"/jobs/{job['id']}")).json() for job in line["jobs"]]
    return sum(one["count"] for job in found for one in job["messages"] if "was overwritten by" in one["text"])
