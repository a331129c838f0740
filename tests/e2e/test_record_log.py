"""The life of one record as its synchronization log tells it, on the whole stack and over HTTP only."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.e2e.people import PATIENCE, Everything

TO, FROM = "ToIntegrationTable", "FromIntegrationTable"


async def log(everything: Everything, **record: str) -> dict[str, Any]:
    """The log of one record of the mapping CUSTOMER."""
    found = await everything.app.get("/records/log", params={"mapping": "CUSTOMER", **record})
    return dict(found.raise_for_status().json())


async def ended(everything: Everything, asked: httpx.Response) -> None:
    """Wait for a task to end, if the answer has not waited for it."""
    status = asked.raise_for_status()
    async with asyncio.timeout(PATIENCE):
        while status.status_code == 202:
            await asyncio.sleep(0.1)
            status = (await everything.app.get(asked.headers["Location"])).raise_for_status()


def story(found: dict[str, Any]) -> list[tuple[str, str, list[str], list[tuple[str, object, object]]]]:
    """What was done, by which rule, which way, and what was changed from what to what; the oldest first."""
    return [
        (
            touch["what"],
            touch["rule"],
            touch["directions"],
            [(one["column"], one["old"], one["new"]) for one in touch["changes"]],
        )
        for touch in reversed(found["touches"])
    ]


async def test_the_life_of_a_record_is_told(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    none = {"update_conflict_resolution": "None"}
    (await everything.app.patch("/mappings/CUSTOMER", json=none)).raise_for_status()

    account = await everything.create_account(name="Fabrikam", telephone1="1")
    await everything.synchronize("CUSTOMER")
    (customer,) = await everything.customers()
    await everything.edit_customer(customer, phoneNumber="2")
    await everything.synchronize("CUSTOMER")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "3"})
    met = await everything.synchronize("CUSTOMER")
    assert met["modified"] == 1

    await everything.edit_customer(customer, phoneNumber="4")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "5"})
    conflict = await everything.synchronize("CUSTOMER")
    found = await log(everything, dataverse_id=account)
    assert (found["error"]["reason"], found["count"]) == ("update_conflict", 3)
    wins = {"update_conflict_resolution": "GetUpdateFromIntegration"}
    (await everything.app.patch("/mappings/CUSTOMER", json=wins)).raise_for_status()
    await everything.synchronize("CUSTOMER")
    (await everything.app.patch("/mappings/CUSTOMER", json=none)).raise_for_status()

    only = {"synch_only_coupled_records": True}
    (await everything.app.patch("/mappings/CUSTOMER", json=only)).raise_for_status()
    which = {"mappings": ["CUSTOMER"], "dataverse_ids": [account]}
    await ended(everything, await everything.app.post("/uncouple", json=which))
    found = await log(everything, business_central_id=customer["id"])
    assert (found["coupled_at"], found["touches"][0]["what"]) == (None, "uncoupled")
    pair = {"business_central_id": customer["id"], "dataverse_id": account}
    again = {"mapping": "CUSTOMER", "pairs": [pair]}
    await ended(everything, await everything.app.post("/couple", json=again))

    found = await log(everything, dataverse_id=account)
    assert story(found) == [
        ("created", "new_record", [FROM], []),
        ("updated", "source_changed", [TO], [("telephone1", "1", "2")]),
        ("updated", "source_changed", [FROM], [("phoneNumber", "2", "3")]),
        ("updated", "conflict_decided", [FROM], [("phoneNumber", "4", "5")]),
        ("uncoupled", "chosen", [], []),
        ("coupled", "chosen", [], []),
    ]
    assert (found["error"], found["business_central"]["id"]) == (None, customer["id"])
    told = found["touches"][3]
    assert {job["id"] for job in told["jobs"]} <= {job["id"] for job in met["jobs"]}
    assert (told["jobs"][0]["trigger"], told["requested_by"]) == ("person", "function key")

    errors = [
        error
        for job in conflict["jobs"]
        for error in (await everything.app.get(f"/jobs/{job['id']}/errors")).raise_for_status().json()["errors"]
    ]
    assert {(error["reason"], error["solved"]) for error in errors} == {("update_conflict", True)}
