"""The errors as an administrator works them off: from cause to cure, on the whole stack and over HTTP only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.e2e.people import PATIENCE, Everything

ALL_RIGHTS = ["create", "read", "write", "delete"]
TABLES = ("account", "contact", "transactioncurrency", "systemuser", "organization", "businessunit")


class Errors:
    """The list of CUSTOMER and its actions, each awaited to the end of its jobs."""

    def __init__(self, everything: Everything) -> None:
        self.everything = everything

    async def rows(self, **query: str) -> dict[str, dict[str, Any]]:
        """The rows by title."""
        found = await self.everything.app.get("/errors", params={"mapping": "CUSTOMER", **query})
        return {row["title"]: row for row in found.raise_for_status().json()["errors"]}

    async def causes(self) -> dict[str, dict[str, Any]]:
        """The causes by their sentence."""
        found = await self.everything.app.get("/errors/causes", params={"mapping": "CUSTOMER"})
        return {cause["sentence"]: cause for cause in found.raise_for_status().json()["causes"]}

    async def act(self, action: str, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """What an action answers, and what came of it."""
        return await self.ended(await self.everything.app.post(f"/errors/{action}", json=body))

    async def ended(self, asked: httpx.Response) -> tuple[dict[str, Any], dict[str, Any]]:
        """The answer, and the request or job once it has ended; nothing when nothing was started."""
        assert asked.status_code in (200, 202), asked.text
        if asked.status_code == 200:
            return asked.json(), {}
        async with asyncio.timeout(PATIENCE):
            while True:
                status = await self.everything.app.get(asked.headers["Location"])
                if status.status_code == 200:
                    return asked.json(), status.json()
                await asyncio.sleep(0.1)


@pytest.fixture
async def errors(everything: Everything) -> AsyncIterator[Errors]:
    """Fresh systems, and a person in Dataverse whose rights nobody takes away; in the end the app has all its own."""
    await everything.fresh("CUSTOMER")
    await rights(everything, *ALL_RIGHTS)
    settings = {
        "update_conflict_resolution": "None",
        "deletion_conflict_resolution": "None",
        "direction": "Bidirectional",
    }
    (await everything.app.patch("/mappings/CUSTOMER", json=settings)).raise_for_status()
    await everything.synchronize("CUSTOMER")  # what other tests have left is gone on both sides: so are its errors
    yield Errors(everything)
    (await everything.controls["dataverse"].post("/settings", json={"privileges": {}})).raise_for_status()


async def coupled(everything: Everything, *names: str) -> dict[str, tuple[dict[str, Any], str]]:
    """Pairs in step: customer and id of the account by name."""
    accounts = {
        name: await everything.create_account(name=name, telephone1="1", emailaddress1="1@x.example") for name in names
    }
    await everything.synchronize("CUSTOMER")
    customers = {str(one["displayName"]): one for one in await everything.customers()}
    return {name: (customers[name], accounts[name]) for name in names}


async def names(everything: Everything) -> tuple[set[str], set[str]]:
    """The names of all customers and of all accounts."""
    rows = (await everything.dataverse.get("/accounts?$select=name")).raise_for_status().json()["value"]
    return {one["displayName"] for one in await everything.customers()}, {row["name"] for row in rows}


def codes(answer: dict[str, Any]) -> set[str]:
    return {one["refusal"]["code"] for one in answer["refused"]}


async def test_conflicts_are_decided_field_by_field_and_all_of_a_cause(everything: Everything, errors: Errors) -> None:
    pairs = await coupled(everything, "A", "B", "C")
    for customer, account in pairs.values():
        await everything.edit_customer(customer, phoneNumber="2", email="2@x.example")
        await everything.dataverse.patch(
            f"/accounts({account})", json={"telephone1": "3", "emailaddress1": "3@x.example"}
        )
    await everything.synchronize("CUSTOMER")
    row = (await errors.rows())["A"]
    assert {one["field"]: (one["business_central"], one["dataverse"]) for one in row["fields"]} == {
        "phoneNumber": ("2", "3"),
        "email": ("2@x.example", "3@x.example"),
    }
    half, _ = await errors.act("synchronize", ids=[row["id"]], fields={"email": "dataverse"})
    assert codes(half) == {"update_conflict"}
    fields = {"email": "dataverse", "phoneNumber": "business_central"}
    _, done = await errors.act("synchronize", ids=[row["id"]], fields=fields)
    assert (done["status"], done["modified"]) == ("succeeded", 2)
    account = await everything.account(pairs["A"][1])
    assert (account["telephone1"], account["emailaddress1"]) == ("2", "3@x.example")
    (cause,) = (await errors.causes()).values()
    assert (cause["reason"], cause["count"]) == ("update_conflict", 2)
    fix = next(fix for fix in cause["fixes"] if fix["body"]["choice"] == "get")
    _, done = await errors.ended(await everything.app.post(f"/{fix['path']}", json=fix["body"]))
    assert (done["modified"], await errors.rows()) == (2, {})
    assert {one["phoneNumber"] for one in await everything.customers()} == {"2", "3"}


async def test_deletions_are_worked_off_in_mixed_selections(everything: Everything, errors: Errors) -> None:
    every = ("Conflict", "Restore 1", "Restore 2", "Delete 1", "Delete 2", "Uncouple", "Vanished", "Edited")
    pairs = await coupled(everything, *every)
    customer, account = pairs["Conflict"]
    await everything.edit_customer(customer, phoneNumber="2")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "3"})
    for name in ("Restore 1", "Delete 1", "Uncouple"):
        (await everything.business_central.delete(f"/customers({pairs[name][0]['id']})")).raise_for_status()
    for name in ("Restore 2", "Delete 2", "Vanished", "Edited"):
        (await everything.dataverse.delete(f"/accounts({pairs[name][1]})")).raise_for_status()
    await everything.synchronize("CUSTOMER")
    rows = await errors.rows()
    assert set(rows) == set(every)
    assert rows["Restore 1"]["actions"] == ["restore", "delete_records", "delete_coupling"]
    assert (rows["Restore 2"]["record_exists"], rows["Restore 2"]["coupled_record_exists"]) == (True, False)
    ids = {name: row["id"] for name, row in rows.items()}

    (await everything.business_central.delete(f"/customers({pairs['Vanished'][0]['id']})")).raise_for_status()
    await everything.edit_customer(pairs["Edited"][0], phoneNumber="9")
    nobody = "CUSTOMER|dataverse|00000000-0000-4000-8000-000000000001"

    answer, _ = await errors.act("retry", ids=[ids["Restore 1"], nobody])
    assert (answer["scheduled"], codes(answer)) == (0, {"coupled_to_deleted_record", "unknown_error"})
    chosen = [ids[name] for name in ("Restore 1", "Restore 2", "Conflict", "Vanished")]
    answer, done = await errors.act("restore", ids=chosen)
    assert (answer["scheduled"], codes(answer)) == (2, {"both_records_exist", "record_gone"})
    assert (done["status"], done["inserted"]) == ("succeeded", 2)
    answer, done = await errors.act(
        "delete-records", ids=[ids[name] for name in ("Delete 1", "Delete 2", "Edited", "Conflict")]
    )
    assert (answer["scheduled"], codes(answer)) == (2, {"edited_meanwhile", "both_records_exist"})
    assert (done["status"], done["deleted"], done["jobs"][0]["type"]) == ("succeeded", 2, "synchronization")
    answer, done = await errors.act("delete-couplings", ids=[ids["Uncouple"]])
    assert (done["uncoupled"], done["jobs"][0]["type"]) == (1, "uncoupling")

    rows = await errors.rows(mapping="CUSTOMER", verify="true")
    assert set(rows) == {"Conflict", "Edited", "Vanished"}
    assert rows["Vanished"]["actions"] == ["delete_coupling"]
    here, there = await names(everything)
    assert here == {"Conflict", "Restore 1", "Restore 2", "Edited"}
    assert there == {"Conflict", "Restore 1", "Restore 2", "Uncouple"}
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    again = await everything.synchronize("CUSTOMER")
    assert (again["inserted"], again["modified"], again["deleted"]) == (0, 0, 0)
    assert set(await errors.rows()) == {"Conflict", "Edited"}


async def test_an_error_gets_another_partner(everything: Everything, errors: Errors) -> None:
    pairs = await coupled(everything, "Lonely", "Happy")
    (await everything.dataverse.delete(f"/accounts({pairs['Lonely'][1]})")).raise_for_status()
    await everything.synchronize("CUSTOMER")
    row = (await errors.rows())["Lonely"]
    error = {"mapping": "CUSTOMER", "key": row["key"]}
    answer, _ = await errors.act("set-up-coupling", error=error, dataverse_id=pairs["Happy"][1])
    assert codes(answer) == {"already_coupled"}
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    free = await everything.create_account(name="Free")
    _, done = await errors.act(
        "set-up-coupling", error=error, dataverse_id=free, synchronize_after_coupling="business_central_data"
    )
    assert (done["coupled"], done["modified"]) == (1, 1)
    assert (await everything.account(free))["name"] == "Lonely"
    assert await errors.rows() == {}


async def test_deletions_that_no_run_notices_are_found(everything: Everything, errors: Errors) -> None:
    pairs = await coupled(everything, "Gone", "There")
    await everything.app.patch("/mappings/CUSTOMER", json={"direction": "ToIntegrationTable"})
    (await everything.business_central.delete(f"/customers({pairs['Gone'][0]['id']})")).raise_for_status()
    for failed in (1, 0):
        _, done = await errors.ended(await everything.app.post("/mappings/CUSTOMER/find-deleted"))
        assert (done["status"], done["failed"]) == ("succeeded", failed)
    row = (await errors.rows())["Gone"]
    assert (row["reason"], row["actions"]) == ("deletion_conflict", ["delete_records", "delete_coupling"])
    _, done = await errors.act("delete-records", filter={"mapping": "CUSTOMER"})
    assert (done["deleted"], await names(everything)) == (1, ({"There"}, {"There"}))


async def test_a_permission_that_is_given_releases_what_it_held(everything: Everything, errors: Errors) -> None:
    pairs = await coupled(everything, "A", "B", "C", "Deleted")
    (await everything.business_central.delete(f"/customers({pairs['Deleted'][0]['id']})")).raise_for_status()
    for name in ("A", "B", "C"):
        await everything.edit_customer(pairs[name][0], phoneNumber="2")
    await rights(everything, "read")
    for _ in range(2):
        await everything.synchronize("CUSTOMER")
    rows = await errors.rows()
    assert {name for name, row in rows.items() if row["skipped"]} == {"A", "B", "C", "Deleted"}
    (sentence,) = (one for one in await errors.causes() if "lacks a permission in Dataverse" in one)
    assert sentence.endswith("holds 3 records of CUSTOMER.")
    answer, done = await errors.act("delete-records", ids=[rows["Deleted"]["id"]])
    assert (answer["scheduled"], done["deleted"], done["failed"]) == (1, 0, 1)
    assert "prvDelete" in done["jobs"][0]["messages"][0]["text"]
    assert "Deleted" in await errors.rows()

    await rights(everything, *ALL_RIGHTS)
    await everything.synchronize("CUSTOMER")
    assert set(await errors.rows()) == {"Deleted"}
    for name in ("A", "B", "C"):
        assert (await everything.account(pairs[name][1]))["telephone1"] == "2"
    _, done = await errors.act("delete-records", ids=[rows["Deleted"]["id"]])
    assert (done["deleted"], await errors.rows()) == (1, {})


async def rights(everything: Everything, *given: str) -> None:
    """What the application user may do with accounts."""
    own = dict.fromkeys(TABLES, ALL_RIGHTS) | {"account": list(given)}
    body = {"privileges": {"Synchronization": own}}
    (await everything.controls["dataverse"].post("/settings", json=body)).raise_for_status()


async def test_a_missing_parent_is_found_as_the_one_cause(everything: Everything, errors: Errors) -> None:
    body = {"code": "XYZ", "displayName": "Xyz"}
    currency = (await everything.business_central.post("/currencies", json=body)).raise_for_status().json()
    for name in ("A", "B", "C"):
        customer = {"displayName": name, "currencyId": currency["id"]}
        (await everything.business_central.post("/customers", json=customer)).raise_for_status()
    await everything.synchronize("CUSTOMER")
    assert await errors.rows() == {}, "they wait, which is nobody's task"
    cause = (await errors.causes())["Currency XYZ Xyz is not coupled: holds 3 records of CUSTOMER."]
    assert cause["fixes"][-1]["path"] == "candidates?mapping=CURRENCY&side=dataverse&text=XYZ"
    row = {
        "isocurrencycode": "XYZ",
        "currencyname": "Xyz",
        "currencysymbol": "X",
        "exchangerate": 1,
        "currencyprecision": 2,
    }
    made = await everything.dataverse.post("/transactioncurrencies", json=row)
    assert made.status_code == 204, made.text
    found = (await everything.app.get(f"/{cause['fixes'][-1]['path']}")).raise_for_status().json()["candidates"]
    pair = {"business_central_id": currency["id"], "dataverse_id": found[0]["record"]["id"]}
    (await everything.app.post("/couple", json={"mapping": "CURRENCY", "pairs": [pair]})).raise_for_status()
    done = await everything.synchronize("CUSTOMER")
    assert (done["inserted"], await errors.causes()) == (3, {})
