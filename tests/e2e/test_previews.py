"""Previews on the whole stack: shown over HTTP, nothing written by the systems' own count, and then done as shown."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from tests.e2e.people import PATIENCE, Everything


async def ended(everything: Everything, asked: httpx.Response) -> dict[str, Any]:
    """What became of work that was asked for, as its status address says."""
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await everything.app.get(asked.headers["Location"])
            if status.status_code == 200:
                assert status.json()["status"] == "succeeded", status.text
                return dict(status.json())
            await asyncio.sleep(0.1)


async def preview(everything: Everything, **request: Any) -> dict[str, Any]:
    """A preview of the customers, once it is complete."""
    asked = await everything.app.post("/previews", json={"mapping": "CUSTOMER", **request})
    await ended(everything, asked)
    (one,) = asked.json()["previews"]
    page = await everything.app.get(one["address"])
    assert page.status_code == 200, page.text
    return dict(page.json())


async def test_a_preview_writes_nothing_and_what_it_showed_is_done(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    account = await everything.create_account(name="Coho Winery", telephone1="0431 1", address1_city="Kiel")
    await everything.synchronize("CUSTOMER")
    (customer,) = await everything.customers()
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "0431 2"})
    await everything.edit_customer(customer, email="coho@winery.example")
    await everything.create_account(name="Fourth Coffee")
    writes = await everything.writes()

    shown = await preview(everything)
    assert await everything.writes() == writes
    assert sorted((one["effect"], one["side"]) for one in shown["items"]) == [
        ("create", "business_central"),
        ("update", None),
    ]
    table = await everything.app.get(f"/previews/{shown['id']}/table")
    assert "Fourth Coffee" in table.text
    assert "0431 2" in table.text

    done = await ended(everything, await everything.app.post(f"/previews/{shown['id']}/carry-out", json={}))
    assert (done["inserted"], done["modified"], done["skipped"], done["failed"]) == (1, 2, 0, 0)
    assert {one["displayName"] for one in await everything.customers()} == {"Coho Winery", "Fourth Coffee"}
    assert (await everything.account(account))["emailaddress1"] == "coho@winery.example"
    writes = await everything.writes()
    await everything.synchronize("CUSTOMER")
    assert await everything.writes() == writes


async def test_what_moved_after_the_preview_is_not_overwritten(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    account = await everything.create_account(name="Coho Winery", telephone1="0431 1")
    await everything.synchronize("CUSTOMER")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "0431 2"})
    shown = await preview(everything, what="records", dataverse_ids=[account], choice="send")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "0431 3"})
    done = await ended(everything, await everything.app.post(f"/previews/{shown['id']}/carry-out", json={}))
    assert (done["modified"], done["skipped"]) == (0, 1)
    assert (await everything.account(account))["telephone1"] == "0431 3"
