"""Pauses and records kept out, on the whole stack and over HTTP only."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.people import Everything
from tests.e2e.test_couplings import create_customer, customer, ended


@pytest.fixture
async def pair(everything: Everything) -> dict[str, Any]:
    """A customer and its account, in step; the customer, with the account's id."""
    await everything.fresh("CUSTOMER")
    account = await everything.create_account(name="Adatum", emailaddress1="info@adatum.example")
    await everything.synchronize("CUSTOMER")
    (made,) = await everything.customers()
    return {**made, "account": account}


async def test_a_paused_mapping_runs_for_nobody_but_single_records(
    everything: Everything, pair: dict[str, Any]
) -> None:
    paused = await everything.app.post("/mappings/CUSTOMER/pause", json={"reason": "Migration"})
    assert paused.json()["status"] == "on hold"
    await everything.edit_customer(pair, city="Rostock")
    refused = await everything.app.post("/mappings/CUSTOMER/synchronize")
    assert (refused.status_code, refused.json()["code"]) == (409, "mapping_paused")
    await everything.host.post("/admin/functions/enqueue_due_jobs", json={"input": ""})
    listed = (await everything.app.get("/schedule", params={"status": "on hold"})).json()["mappings"]
    assert [(line["mapping"], line["pause"]["reason"]) for line in listed] == [("CUSTOMER", "Migration")]
    asked = {"mapping": "CUSTOMER", "business_central_ids": [pair["id"]]}
    await ended(everything, await everything.app.post("/sync-now", json=asked))
    assert (await everything.account(pair["account"]))["address1_city"] == "Rostock"
    resumed = await everything.app.post("/mappings/CUSTOMER/resume")
    assert resumed.json()["pause"] is None
    await everything.synchronize("CUSTOMER")


async def test_a_held_pair_is_left_alone_and_merged_after_its_release(
    everything: Everything, pair: dict[str, Any]
) -> None:
    named = {"mapping": "CUSTOMER", "dataverse_ids": [pair["account"]]}
    held = (await everything.app.post("/records/hold", json={**named, "reason": "Lawsuit"})).json()
    assert [record["business_central"]["number"] for record in held["records"]] == [pair["number"]]
    await everything.edit_customer(pair, city="Rostock")
    change = {"telephone1": "+49 381 1"}
    (await everything.dataverse.patch(f"/accounts({pair['account']})", json=change)).raise_for_status()
    before = await everything.writes()
    await everything.synchronize("CUSTOMER")
    assert await everything.writes() == before
    assert (await everything.app.get("/errors")).json()["count"] == 0
    refused = (await everything.app.post("/sync-now", json=named)).json()["skipped_records"]
    assert [one["refusal"]["code"] for one in refused] == ["record_held"]
    await everything.app.post("/records/release", json=named)
    await everything.synchronize("CUSTOMER")
    assert (await everything.account(pair["account"]))["address1_city"] == "Rostock"
    assert (await customer(everything, pair["id"]))["phoneNumber"] == "+49 381 1"
    assert (await everything.app.get("/records/held")).json()["count"] == 0


async def test_a_held_customer_gets_no_account(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    made = await create_customer(everything, displayName="Fabrikam")
    named = {"mapping": "CUSTOMER", "business_central_ids": [made["id"]]}
    await everything.app.post("/records/hold", json=named)
    await everything.synchronize("CUSTOMER")
    pairs = {"mapping": "CUSTOMER", "pairs": [{"business_central_id": made["id"], "create_new": True}]}
    asked = (await everything.app.post("/couple", json=pairs)).json()
    assert asked["pairs"][0]["refusal"]["code"] == "record_held"
    assert (await everything.dataverse.get("/accounts")).json()["value"] == []
    await everything.app.post("/records/release", json=named)
    await everything.synchronize("CUSTOMER")
    assert [row["name"] for row in (await everything.dataverse.get("/accounts")).json()["value"]] == ["Fabrikam"]


async def test_where_no_address_is_set_nobody_is_told(everything: Everything) -> None:
    assert (await everything.app.get("/notifications")).json()["is_on"] is False
    refused = await everything.app.post("/notifications/test")
    assert (refused.status_code, refused.json()["code"]) == (409, "notifications_off")
