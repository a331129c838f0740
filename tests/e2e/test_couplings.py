"""What people press, on the whole stack and over HTTP only; what came of it is read back from both systems."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.e2e.people import PATIENCE, Everything


async def ended(everything: Everything, asked: httpx.Response) -> dict[str, Any]:
    """What became of a job that was accepted."""
    assert asked.status_code == 202, asked.text
    return await outcome(everything, asked.headers["Location"])


async def outcome(everything: Everything, address: str) -> dict[str, Any]:
    """What became of the job at an address."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await everything.app.get(address)
            if status.status_code == 200:
                return dict(status.json())
            await asyncio.sleep(0.1)


async def create_customer(everything: Everything, **values: object) -> dict[str, Any]:
    """A person creates a customer through the API."""
    answer = await everything.business_central.post("/customers", json=values)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def customer(everything: Everything, customer_id: str) -> dict[str, Any]:
    """A customer as it is now."""
    return dict((await everything.business_central.get(f"/customers({customer_id})")).raise_for_status().json())


async def closed(everything: Everything, *names: str) -> None:
    """Fresh systems; these mappings are enabled, but synchronize only coupled records. No coupling is left."""
    await everything.fresh(*names)
    for name in names:
        change = {"synch_only_coupled_records": True}
        (await everything.app.patch(f"/mappings/{name}", json=change)).raise_for_status()
        await ended(everything, await everything.app.post("/uncouple", json={"mappings": [name], "all": True}))


async def couple(everything: Everything, *pairs: dict[str, object], after: str = "no") -> httpx.Response:
    """Ask for pairs of customers and accounts to be coupled."""
    body = {"mapping": "CUSTOMER", "pairs": list(pairs), "synchronize_after_coupling": after}
    return await everything.app.post("/couple", json=body)


async def adatum(everything: Everything) -> tuple[str, str]:
    """A customer and an account that are coupled and in step; their ids."""
    made = await create_customer(everything, displayName="Adatum", phoneNumber="+49 1")
    account = await everything.create_account(name="Adatum Corp", telephone1="+49 2")
    pair = {"business_central_id": made["id"], "dataverse_id": account}
    job = await ended(everything, await couple(everything, pair, after="business_central_data"))
    assert (job["type"], job["coupled"], job["modified"], job["requested_by"]) == ("coupling", 1, 1, "function key")
    assert (await everything.account(account))["name"] == "Adatum"
    return made["id"], account


async def test_existing_records_are_coupled_while_the_caller_waits(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    made = await create_customer(everything, displayName="Adatum")
    account = await everything.create_account(name="Other name")
    pair = {"business_central_id": made["id"], "dataverse_id": account}
    done = await couple(everything, pair)
    assert (done.status_code, done.json()["coupled"]) == (200, 1), done.text
    again = await couple(everything, pair)
    assert (again.status_code, again.json()["pairs"][0]["outcome"], again.json()["job"]) == (200, "in_place", None)
    assert (await everything.account(account))["name"] == "Other name"


async def test_new_records_are_created_on_both_sides(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    made = await create_customer(everything, displayName="From Business Central")
    account = await everything.create_account(name="From Dataverse")
    asked = await couple(
        everything,
        {"business_central_id": made["id"], "create_new": True},
        {"dataverse_id": account, "create_new": True},
    )
    job = await ended(everything, asked)
    assert (job["inserted"], job["failed"]) == (2, 0), job
    rows = (await everything.dataverse.get("/accounts?$select=name")).json()["value"]
    assert {row["name"] for row in rows} == {"From Business Central", "From Dataverse"}
    assert {one["displayName"] for one in await everything.customers()} == {"From Business Central", "From Dataverse"}
    after = await everything.synchronize("CUSTOMER")
    assert (after["inserted"], after["modified"]) == (0, 0)


async def test_a_coupling_to_a_deleted_record_is_replaced(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    (await everything.dataverse.delete(f"/accounts({account})")).raise_for_status()
    other = await everything.create_account(name="Another account")
    done = await couple(everything, {"business_central_id": customer_id, "dataverse_id": other})
    assert (done.status_code, done.json()["pairs"][0]["outcome"]) == (200, "coupled"), done.text
    (await everything.dataverse.delete(f"/accounts({other})")).raise_for_status()
    job = await ended(everything, await couple(everything, {"business_central_id": customer_id, "create_new": True}))
    assert job["inserted"] == 1
    rows = (await everything.dataverse.get("/accounts?$select=name")).json()["value"]
    assert [row["name"] for row in rows] == ["Adatum"]


async def test_what_is_coupled_outside_gone_or_of_another_table_is_refused_by_name(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    free = await create_customer(everything, displayName="Free")
    vendor = (await everything.business_central.post("/vendors", json={"displayName": "Vendor"})).json()["id"]
    partner = await everything.create_account(name="Partner", customertypecode=1)
    nobody = "00000000-0000-4000-8000-000000000001"
    pairs = [
        {"business_central_id": free["id"], "dataverse_id": account},
        {"business_central_id": nobody, "create_new": True},
        {"business_central_id": vendor, "create_new": True},
        {"dataverse_id": partner, "create_new": True},
    ]
    answer = await couple(everything, *pairs)
    refusals = [pair["refusal"] for pair in answer.json()["pairs"]]
    codes = ["already_coupled", "record_gone", "wrong_table", "outside_filter"]
    assert (answer.status_code, [refusal["code"] for refusal in refusals]) == (200, codes)
    assert "Account Adatum" in refusals[0]["message"]
    assert (await customer(everything, customer_id))["number"] in refusals[0]["message"]
    assert all(refusal["remedy"] for refusal in refusals)


async def test_one_customer_is_uncoupled_by_either_id_and_both_records_stay(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    nobody = "00000000-0000-4000-8000-000000000001"
    body = {"mappings": ["customer"], "dataverse_ids": [account], "business_central_ids": [nobody]}
    asked = await everything.app.post("/uncouple", json=body)
    assert [one["refusal"]["code"] for one in asked.json()["refused"]] == ["not_coupled"]
    request = await ended(everything, asked)
    assert (request["uncoupled"], [job["type"] for job in request["jobs"]]) == (1, ["uncoupling"])
    assert (await everything.account(account))["name"] == (await customer(everything, customer_id))["displayName"]
    await everything.edit_customer(await customer(everything, customer_id), displayName="Alone")
    await everything.synchronize("CUSTOMER")
    assert (await everything.account(account))["name"] == "Adatum"
    again = await everything.app.post("/uncouple", json={"mappings": ["CUSTOMER"], "dataverse_ids": [account]})
    assert (again.status_code, again.json()["jobs"]) == (200, [])


async def test_a_filter_chooses_what_is_uncoupled(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    for number in range(3):
        await create_customer(everything, displayName=f"Customer {number}", city="Aarhus" if number else "Berlin")
    pairs = [{"business_central_id": one["id"], "create_new": True} for one in await everything.customers()]
    await ended(everything, await couple(everything, *pairs))
    body = {"mappings": ["CUSTOMER"], "filter": "city eq 'aarhus'", "side": "business_central"}
    assert (await ended(everything, await everything.app.post("/uncouple", json=body)))["uncoupled"] == 2
    body = {"mappings": ["CUSTOMER"], "all": True}
    assert (await ended(everything, await everything.app.post("/uncouple", json=body)))["uncoupled"] == 1


async def test_with_a_customer_go_the_couplings_of_its_persons(everything: Everything) -> None:
    await everything.fresh("CUSTOMER", "CONTACT")
    account = await everything.create_account(name="Adatum")
    await everything.synchronize("CUSTOMER")
    person = {"firstname": "Ida", "lastname": "Berg", "parentcustomerid_account@odata.bind": f"/accounts({account})"}
    (await everything.dataverse.post("/contacts", json=person)).raise_for_status()
    assert (await everything.synchronize("CONTACT"))["inserted"] == 1
    body = {"mappings": ["CUSTOMER"], "dataverse_ids": [account]}
    request = await ended(everything, await everything.app.post("/uncouple", json=body))
    (said,) = request["jobs"][0]["messages"]
    contacts = said["text"].rsplit(" ", 1)[1].rstrip(".")
    job = await outcome(everything, f"/jobs/{contacts}")
    assert (job["mapping"], job["uncoupled"]) == ("CONTACT", 1)
    mappings = {"mappings": ["CUSTOMER", "CONTACT"], "all": True}
    assert (await ended(everything, await everything.app.post("/uncouple", json=mappings)))["uncoupled"] == 0


@pytest.mark.parametrize(("choice", "phone", "mail"), [("send", "+49 1", "a@b.example"), ("get", "+49 9", None)])
async def test_a_single_pair_is_synchronized_the_way_that_was_chosen(
    everything: Everything, choice: str, phone: str, mail: str | None
) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    await everything.edit_customer(await customer(everything, customer_id), email="a@b.example")
    (await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "+49 9"})).raise_for_status()
    options = (
        await everything.app.get("/sync-now/options", params={"table": "customers", "dataverse_id": account})
    ).json()
    assert set(options["changed"]) == {"business_central", "dataverse"}
    assert options["preselected"] == "merge"
    shown = {
        option["choice"]: [one["column"] for one in option["changes"] if one["loses_edit"]]
        for option in options["options"]
    }
    assert shown == {"send": ["telephone1"], "get": ["email"], "merge": []}
    body = {"mapping": "CUSTOMER", "dataverse_ids": [account], "choice": choice}
    request = await ended(everything, await everything.app.post("/sync-now", json=body))
    assert request["modified"] == 1, request
    row, record = await everything.account(account), await customer(everything, customer_id)
    assert row["telephone1"] == record["phoneNumber"] == phone
    assert row["emailaddress1"] == (record["email"] or None) == mail


async def test_edits_of_different_fields_are_merged_and_a_conflict_is_refused(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    await everything.edit_customer(await customer(everything, customer_id), email="a@b.example")
    (await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "+49 9"})).raise_for_status()
    body = {"mapping": "CUSTOMER", "business_central_ids": [customer_id], "choice": "merge"}
    request = await ended(everything, await everything.app.post("/sync-now", json=body))
    assert sorted(job["direction"] for job in request["jobs"]) == ["FromIntegrationTable", "ToIntegrationTable"]
    row, record = await everything.account(account), await customer(everything, customer_id)
    assert (row["emailaddress1"], record["phoneNumber"]) == ("a@b.example", "+49 9")
    await everything.edit_customer(record, phoneNumber="+49 5")
    (await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "+49 6"})).raise_for_status()
    refused = await everything.app.post("/sync-now", json=body)
    assert refused.status_code == 200, refused.text
    assert [one["refusal"]["code"] for one in refused.json()["skipped_records"]] == ["update_conflict"]


async def test_of_several_those_are_skipped_that_would_lose_an_edit(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, account = await adatum(everything)
    other = await create_customer(everything, displayName="Fabrikam")
    await ended(everything, await couple(everything, {"business_central_id": other["id"], "create_new": True}))
    await everything.synchronize("CUSTOMER")  # from now on both know what a new row gets by itself
    (await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "+49 9"})).raise_for_status()
    await everything.edit_customer(await customer(everything, other["id"]), displayName="Fabrikam Inc")
    free = await create_customer(everything, displayName="Free")
    ids = [customer_id, other["id"], free["id"]]
    body = {"mapping": "CUSTOMER", "business_central_ids": ids, "choice": "send"}
    asked = await everything.app.post("/sync-now", json=body)
    told = asked.json()
    assert (told["total"], told["scheduled"], told["skipped"], told["failed"]) == (3, 1, 2, 0)
    assert {one["refusal"]["code"] for one in told["skipped_records"]} == {"destination_changed", "not_coupled"}
    await ended(everything, asked)
    rows = (await everything.dataverse.get("/accounts?$select=name,telephone1")).json()["value"]
    assert {(row["name"], row["telephone1"]) for row in rows} == {("Adatum", "+49 9"), ("Fabrikam Inc", None)}


async def test_the_ribbon_creates_a_record_where_the_mapping_is_open_and_else_says_why_not(
    everything: Everything,
) -> None:
    await closed(everything, "CUSTOMER")
    account = await everything.create_account(name="Adatum")
    refused = await everything.app.post(f"/ribbon/account/{account}")
    told = refused.json()
    assert (refused.status_code, told["outcome"], told["refusal"]["code"]) == (200, "refused", "not_coupled")
    assert await everything.customers() == []
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": False})
    page = await everything.app.get(f"/open/account/{account}")
    assert (page.status_code, page.headers["Content-Type"].partition(";")[0]) == (200, "text/html")
    assert '<form method="post">' in page.text
    assert await everything.customers() == []
    created = await everything.app.post(f"/ribbon/account/{account}")
    (made,) = await everything.customers()
    assert (created.status_code, created.json()["outcome"]) == (200, "created"), created.text
    assert made["number"] in created.json()["address"]
    there = await everything.app.get(f"/open/account/{account}")
    assert (there.status_code, there.headers["Location"]) == (303, created.json()["address"])
    once_more = await everything.app.post(f"/ribbon/account/{account}")
    assert once_more.json()["outcome"] == "coupled"


async def test_the_ribbon_couples_the_record_that_is_there_already(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": False})
    made = await create_customer(everything, displayName="Adatum", email="a@b.example")
    account = await everything.create_account(name="Adatum", emailaddress1="a@b.example")
    led = await everything.app.post(f"/open/account/{account}")
    assert led.status_code == 303, led.text
    assert made["number"] in led.headers["Location"]
    assert len(await everything.customers()) == 1


async def test_candidates_are_found_by_number_and_name_and_marked_when_they_are_coupled(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    customer_id, _ = await adatum(everything)
    free = [await create_customer(everything, displayName=name) for name in ("Adatum West", "ADATUM East", "Fabrikam")]
    query = {"mapping": "CUSTOMER", "side": "business_central", "text": "adatum"}
    found = (await everything.app.get("/candidates", params=query)).json()["candidates"]
    assert [one["record"]["title"] for one in found] == ["Adatum", "ADATUM East", "Adatum West"]
    assert [one["coupled_with"] and one["coupled_with"]["title"] for one in found] == ["Adatum", None, None]
    assert [one["coupled_by"] for one in found] == ["function key", "", ""]
    number = {**query, "text": free[2]["number"]}
    (one,) = (await everything.app.get("/candidates", params=number)).json()["candidates"]
    assert one["record"]["title"] == "Fabrikam"
    first = (await everything.app.get("/candidates", params={**query, "free": "true", "limit": 1})).json()
    after = {**query, "free": "true", "limit": 1, "continuation": first["continuation"]}
    second = (await everything.app.get("/candidates", params=after)).json()
    assert [page["candidates"][0]["record"]["title"] for page in (first, second)] == ["ADATUM East", "Adatum West"]
    assert second["continuation"] is None
    rows = (await everything.app.get("/candidates", params={**query, "side": "dataverse"})).json()["candidates"]
    assert [row["coupled_with"]["id"] for row in rows] == [customer_id]


async def test_bad_requests_are_refused_with_code_field_and_remedy(everything: Everything) -> None:
    await closed(everything, "CUSTOMER")
    pair = {"business_central_id": "00000000-0000-4000-8000-000000000001", "create_new": True}
    many = [f"00000000-0000-4000-8000-{number:012d}" for number in range(1001)]
    cases: list[tuple[str, dict[str, object], int, str, str]] = [
        ("/couple", {"table": "account", "pairs": [pair]}, 409, "ambiguous_table", "table"),
        ("/couple", {"table": "items", "pairs": [pair]}, 404, "unknown_table", "table"),
        ("/couple", {"pairs": [pair]}, 400, "which_mapping", "mapping"),
        (
            "/couple",
            {"mapping": "CUSTOMER", "pairs": [{"dataverse_id": "7"}]},
            400,
            "invalid_value",
            "pairs.0.dataverse_id",
        ),
        (
            "/uncouple",
            {"mappings": ["CUSTOMER"], "business_central_ids": many},
            400,
            "invalid_value",
            "business_central_ids",
        ),
        ("/uncouple", {"mappings": ["CUSTOMER"], "filter": "city like 1"}, 400, "invalid_filter", "filter"),
        ("/uncouple", {"mappings": ["CUSTOMER"], "filter": "colour eq 1"}, 400, "unknown_column", "filter"),
        (
            "/sync-now",
            {"mapping": "CURRENCY", "business_central_ids": many[:1], "choice": "get"},
            409,
            "direction_forbids",
            "choice",
        ),
    ]
    for path, body, status, code, field in cases:
        answer = await everything.app.post(path, json=body)
        problem = answer.json()
        assert (answer.status_code, problem["code"], problem["field"]) == (status, code, field), answer.text
        assert problem["remedy"]
