"""Conflicts, deletions and waiting records on the whole stack, under each setting."""

from __future__ import annotations

from typing import Any

import pytest

from tests.e2e.people import Everything


async def coupled_pair(everything: Everything, **settings: object) -> tuple[dict[str, Any], str]:
    """A customer and its account in step, under these settings of the mapping; the customer and the account's id."""
    await everything.fresh("CUSTOMER")
    defaults = {"update_conflict_resolution": "None", "deletion_conflict_resolution": "None"}
    (await everything.app.patch("/mappings/CUSTOMER", json=defaults | settings)).raise_for_status()
    account = await everything.create_account(name="Fabrikam", telephone1="1", emailaddress1="1@fabrikam.example")
    await everything.synchronize("CUSTOMER")
    (customer,) = await everything.customers()
    return customer, account


async def test_different_fields_edited_on_both_sides_are_on_both_sides_after_one_run(everything: Everything) -> None:
    customer, account = await coupled_pair(everything)
    await everything.edit_customer(customer, phoneNumber="2")
    await everything.dataverse.patch(f"/accounts({account})", json={"emailaddress1": "2@fabrikam.example"})
    answer = await everything.synchronize("CUSTOMER")
    assert (answer["failed"], answer["modified"]) == (0, 2)
    (customer,) = await everything.customers()
    row = await everything.account(account)
    assert (customer["phoneNumber"], customer["email"]) == (row["telephone1"], row["emailaddress1"])
    assert (row["telephone1"], row["emailaddress1"]) == ("2", "2@fabrikam.example")


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [("SendUpdateToIntegration", "2"), ("GetUpdateFromIntegration", "3")],
)
async def test_a_resolution_decides_as_it_is_named(everything: Everything, resolution: str, expected: str) -> None:
    customer, account = await coupled_pair(everything, update_conflict_resolution=resolution)
    await everything.edit_customer(customer, phoneNumber="2")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "3"})
    await everything.synchronize("CUSTOMER")
    assert (await everything.account(account))["telephone1"] == expected
    assert (await everything.customers())[0]["phoneNumber"] == expected


@pytest.mark.parametrize("deleted", ["dataverse", "business_central"])
@pytest.mark.parametrize("resolution", ["None", "RestoreRecords", "RemoveCoupling"])
async def test_a_deletion_is_handled_as_the_mapping_says(everything: Everything, resolution: str, deleted: str) -> None:
    customer, account = await coupled_pair(everything, deletion_conflict_resolution=resolution)
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    if deleted == "dataverse":
        assert (await everything.dataverse.delete(f"/accounts({account})")).status_code == 204
    else:
        assert (await everything.business_central.delete(f"/customers({customer['id']})")).status_code == 204
    await everything.synchronize("CUSTOMER")
    rows = (await everything.dataverse.get("/accounts", params={"$select": "name"})).json()["value"]
    errors = (await everything.app.get("/errors", params={"mapping": "CUSTOMER"})).json()["errors"]
    both_there = (len(rows), len(await everything.customers()))
    if resolution == "RestoreRecords":
        assert (both_there, errors) == ((1, 1), [])
    else:
        assert both_there == ((0, 1) if deleted == "dataverse" else (1, 0))
        assert [error["reason"] for error in errors] == (["deletion_conflict"] if resolution == "None" else [])


async def test_a_contact_waits_for_its_account_and_goes_when_that_is_coupled(everything: Everything) -> None:
    await everything.fresh("CONTACT")
    account = await everything.create_account(name="Fabrikam")
    contact = {"firstname": "Anna", "lastname": "Berg", "parentcustomerid_account@odata.bind": f"/accounts({account})"}
    assert (await everything.dataverse.post("/contacts", json=contact)).status_code == 204
    answer = await everything.synchronize("CONTACT")
    assert (answer["skipped"], answer["failed"], answer["inserted"]) == (1, 0, 0)
    assert (await everything.app.get("/errors", params={"mapping": "CONTACT"})).json()["errors"] == []
    (waiting,) = (await everything.app.get("/errors?waiting=true")).json()["errors"]
    assert (waiting["reason"], waiting["waits_for"]) == ("waits_for_parent", ["CUSTOMER", "VENDOR"])
    change = {"enabled": True, "synch_only_coupled_records": False}
    (await everything.app.patch("/mappings/CUSTOMER", json=change)).raise_for_status()
    await everything.synchronize("CUSTOMER")
    answer = await everything.synchronize("CONTACT")
    assert answer["inserted"] == 1
    assert (await everything.app.get("/errors?waiting=true")).json()["errors"] == []


async def test_an_implausible_loss_stops_the_run_until_a_person_releases_it(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    (
        await everything.app.patch("/mappings/CUSTOMER", json={"deletion_conflict_resolution": "RemoveCoupling"})
    ).raise_for_status()
    ids = [await everything.create_account(name=f"Account {index}") for index in range(15)]
    await everything.synchronize("CUSTOMER")
    await everything.app.patch("/mappings/CUSTOMER", json={"synch_only_coupled_records": True})
    for account in ids:
        await everything.dataverse.delete(f"/accounts({account})")
    stopped = await everything.synchronize("CUSTOMER")
    assert (stopped["status"], stopped["uncoupled"]) == ("failed", 0)
    assert "release_guard" in stopped["jobs"][0]["message"]
    await everything.app.patch("/mappings/CUSTOMER", json={"release_guard": True})
    released = await everything.synchronize("CUSTOMER")
    assert (released["status"], released["uncoupled"]) == ("succeeded", 15)
