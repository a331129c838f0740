"""Match-based coupling on the whole stack: asked for over HTTP, read back from both systems."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.e2e.people import PATIENCE, Everything

BY_NAME = {"mapping": "CUSTOMER", "match_by": [["displayName"]]}


async def create_customer(everything: Everything, **values: object) -> str:
    """A person creates a customer through the API; its id."""
    answer = await everything.business_central.post("/customers", json=values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def preview(everything: Everything, **request: Any) -> dict[str, Any]:
    """What match-based coupling would do."""
    answer = await everything.app.post("/match-coupling/preview", json=BY_NAME | request)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def match(everything: Everything, **request: Any) -> dict[str, Any]:
    """Match-based coupling to its end, as the status address says; its job."""
    asked = await everything.app.post("/match-coupling", json=BY_NAME | request)
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await everything.app.get(asked.headers["Location"])
            if status.status_code == 200:
                assert status.json()["status"] == "succeeded", status.text
                return dict(status.json())
            await asyncio.sleep(0.1)


def named(answer: dict[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """The pairs by their names, and the reasons by name."""
    pairs = {one["business_central"]["title"]: one["dataverse"]["title"] for one in answer["pairs"]}
    return pairs, {one["business_central"]["title"]: one["reason"] for one in answer["left"]}


async def test_what_is_coupled_is_what_the_preview_told_and_the_rest_has_reasons(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    for name in ("Alpine Ski House", "Baltic Yachts", "Contoso", "Müller"):
        await create_customer(everything, displayName=name, phoneNumber="0431 100")
    rows = {
        name: await everything.create_account(name=name, address1_city="Kiel")
        for name in ("ALPINE SKI HOUSE", "Contoso", "contoso", "Muller")
    }
    writes = await everything.writes()
    told = await preview(everything)
    assert named(told) == (
        {"Alpine Ski House": "ALPINE SKI HOUSE"},
        {"Baltic Yachts": "no_match", "Contoso": "several_matches", "Müller": "no_match"},
    )
    assert await everything.writes() == writes

    job = await match(everything)
    assert (job["type"], job["coupled"], job["failed"], job["inserted"]) == ("coupling", 1, 3, 0)
    assert await everything.writes() == writes
    left = await everything.app.get(f"/jobs/{job['id']}/unmatched")
    assert left.json()["left"] == told["left"]

    await everything.synchronize("CUSTOMER")
    assert (await everything.account(rows["ALPINE SKI HOUSE"]))["telephone1"] == "0431 100"
    (customer,) = await everything.customers("displayName eq 'Alpine Ski House'")
    assert customer["city"] == "Kiel"
    assert (await everything.account(rows["Contoso"]))["telephone1"] is None

    await create_customer(everything, displayName="Alpine ski house")
    (taken,) = [one for one in (await preview(everything))["left"] if one["reason"] == "match_is_coupled"]
    assert taken["candidates"][0]["coupled_with"]["number"] == customer["number"]


async def test_groups_blanks_new_rows_and_the_data_of_the_chosen_side(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    await create_customer(everything, displayName="First", email="first@x.example", city="Kiel")
    await create_customer(everything, displayName="Second", email="second@x.example", city="Kiel")
    await create_customer(everything, displayName="New")
    first = await everything.create_account(name="Renamed", emailaddress1="FIRST@x.example", address1_city="Ulm")
    second = await everything.create_account(name="second", address1_city="KIEL")
    groups = [["email"], ["displayName", "city"]]
    never = {"match_by": groups, "blanks": "never_match", "create_new": "no_match"}
    told = await preview(everything, **never)
    assert [one["group"] for one in sorted(told["pairs"], key=lambda one: one["business_central"]["title"])] == [0, 1]
    assert [one["would_create"] for one in told["left"]] == [True]

    winner = {"synchronize_after_coupling": True, "resolve_update_conflicts": "SendUpdateToIntegration"}
    job = await match(everything, **never, **winner)
    assert (job["coupled"], job["inserted"], job["modified"], job["failed"]) == (2, 1, 2, 0)
    assert {(await everything.account(one))["address1_city"] for one in (first, second)} == {"Kiel"}
    rows = (await everything.dataverse.get("/accounts", params={"$select": "name"})).json()["value"]
    assert sorted(row["name"] for row in rows) == ["First", "New", "Second"]
    writes = await everything.writes()
    await everything.synchronize("CUSTOMER")
    assert await everything.writes() == writes


async def test_a_suggestion_is_accepted_by_coupling_the_pair(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    customer = await create_customer(everything, displayName="Fabrikam Trading GmbH", email="info@fabrikam.example")
    account = await everything.create_account(name="Fabricam Trading", emailaddress1="info@fabrikam.example")
    await everything.create_account(name="Another one")
    asked = {"mapping": "CUSTOMER", "business_central_id": customer}
    (one,) = (await everything.app.get("/suggestions", params=asked)).json()["suggestions"]
    assert (one["dataverse"]["id"], one["dataverse"]["title"]) == (account, "Fabricam Trading")
    assert {reason["trait"] for reason in one["reasons"]} == {"name", "e_mail"}
    pair = {"business_central_id": customer, "dataverse_id": account}
    coupled = await everything.app.post("/couple", json={"mapping": "CUSTOMER", "pairs": [pair]})
    assert coupled.status_code in (200, 202), coupled.text
    for _ in range(100):
        if not (await everything.app.get("/suggestions", params=asked)).json()["suggestions"]:
            return
        await asyncio.sleep(0.1)
    raise AssertionError("what is coupled is suggested still")


async def test_what_cannot_be_asked_is_refused_with_code_field_and_remedy(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    cases = [
        ({"match_by": [["name"]]}, (400, "unknown_field", "match_by")),
        ({"match_by": [[]]}, (400, "invalid_value", "match_by.0")),
        ({"mapping": "NOBODY"}, (404, "unknown_mapping", None)),
        ({"table": "account"}, (400, "which_mapping", "mapping")),
        ({"business_central_ids": ["5"]}, (400, "invalid_value", "business_central_ids.0")),
    ]
    for request, problem in cases:
        for path in ("/match-coupling", "/match-coupling/preview"):
            answer = await everything.app.post(path, json=BY_NAME | request)
            told = answer.json()
            assert (answer.status_code, told["code"], told["field"]) == problem, answer.text
            assert told["remedy"]
