"""The control plane of the Business Central simulator: seed, edits, replica lag, permissions, tokens, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local import people
from infra.local.simulator.oauth import DEFAULT_CLIENT, DEFAULT_SECRET
from tests.contract.business_central_simulator_client import Client, moment, refusal, simulator, tick

READ_WRITE = {"Data-Access-Intent": "ReadWrite"}
TABLES = {"customers": 30, "vendors": 10, "contacts": 50, "salespeoplePurchasers": 3, "currencies": 8}


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


async def test_a_fresh_company_has_setup_and_nobody_in_it(bc: Client) -> None:
    for entity_set in ("customers", "vendors", "contacts", "salespeoplePurchasers"):
        assert (await bc.get(f"{entity_set}/$count")).text == "0"
    codes = {row["code"] for row in await bc.rows("countriesRegions")}
    assert codes >= {*people.COUNTRIES, "US", "DE"}
    assert "EUR" not in {row["code"] for row in await bc.rows("currencies")}
    assert (await bc.rows("companyInformation"))[0]["currencyCode"] == "EUR"


async def test_the_local_currency_can_be_chosen() -> None:
    async with simulator(local_currency="USD") as bc:
        assert (await bc.create("customers", displayName="X"))["currencyCode"] == "USD"
        assert {"USD", "EUR"} & {row["code"] for row in await bc.rows("currencies")} == set()


async def test_seeding_is_repeatable_and_makes_the_people_of_the_seed(bc: Client) -> None:
    answer = await bc.control("seed", seed=3, tables=TABLES, values={"customers": {"country": "SE", "creditLimit": 7}})
    assert answer["counts"] == TABLES | {"currencies": 3}
    customers = await bc.rows("customers")
    assert [row["displayName"] for row in customers] == [people.company(3, index).name for index in range(30)]
    assert {(row["country"], row["creditLimit"]) for row in customers} == {("SE", 7)}
    vendors = await bc.rows("vendors")
    assert [row["email"] for row in vendors] == [people.company(3, index).email for index in range(30, 40)]
    persons = await bc.rows("contacts", filter="type eq 'Person'")
    assert [row["email"] for row in persons] == [people.person(3, index).email for index in range(50)]
    companies = {row["number"]: row for row in await bc.rows("contacts", filter="type eq 'Company'")}
    assert len(companies) == 40
    assert all(row["companyName"] == companies[row["companyNumber"]]["displayName"] for row in persons)
    await bc.control("reset")
    await bc.control("seed", seed=3, tables=TABLES)
    assert [row["id"] for row in await bc.rows("customers")] == [row["id"] for row in customers]


async def test_seeded_rows_behave_like_entered_ones(bc: Client) -> None:
    await bc.control("seed", tables={"customers": 2, "contacts": 2})
    customer = (await bc.rows("customers"))[0]
    await bc.change("customers", customer["id"], displayName="Carried on")
    names = [row["contactName"] for row in await bc.rows(f"customers({customer['id']})/contactsInformation")]
    assert names[0] == "Carried on"
    assert (await bc.create("customers", displayName="Next"))["number"] == "C00030"


async def test_given_rows_keep_their_ids_and_values(bc: Client) -> None:
    customer = {
        "id": "0A000000-0000-0000-0000-000000000001", "number": "10000", "displayName": "Given", "country": "DE",
        "postalCode": "10115", "city": "Mitte", "currencyCode": "USD", "lastModifiedDateTime": "2021-02-03T04:05:06.5Z",
    }  # fmt: skip
    person = {"type": "Person", "displayName": "Ada Lovelace", "companyNumber": "CT000001", "city": "Bath"}
    made = await bc.control("seed", rows={"customers": [customer], "contacts": [person]})
    row = await bc.one("customers", "0a000000-0000-0000-0000-000000000001")
    assert made["ids"]["customers"] == [row["id"]]
    assert {name: row[name] for name in customer if name != "id"} == {k: v for k, v in customer.items() if k != "id"}
    contact = await bc.one("contacts", made["ids"]["contacts"][0])
    assert (contact["companyName"], contact["city"], contact["country"]) == ("Given", "Bath", "")


async def test_given_rows_may_have_numbers_although_the_series_forbids_them(bc: Client) -> None:
    await bc.control("settings", manual_numbers=False)
    await bc.control("seed", rows={"customers": [{"number": "MINE", "displayName": "X"}]})
    assert [row["number"] for row in await bc.rows("customers")] == ["MINE"]


@pytest.mark.parametrize(
    "body",
    [
        {"tables": {"nothings": 1}},
        {"tables": {"customers": -1}},
        {"table": {"customers": 1}},
        {"values": {"customers": {"country": "XX"}}, "tables": {"customers": 1}},
        {"rows": {"customers": [{"displayName": "x"}, {"displayName": ""}]}},
        {"rows": {"companies": [{"name": "x"}]}},
    ],
)
async def test_a_wrong_seed_is_refused_and_does_nothing(bc: Client, body: dict[str, object]) -> None:
    answer = await bc.http.post(f"{bc.running.url}/_simulator/seed", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert (await bc.get("customers/$count")).text == "0"


async def test_the_same_seed_twice_is_refused_until_it_starts_elsewhere(bc: Client) -> None:
    await bc.control("seed", tables={"customers": 5})
    answer = await bc.http.post(f"{bc.running.url}/_simulator/seed", json={"tables": {"customers": 5}})
    assert answer.status_code == 400
    await bc.control("seed", tables={"customers": 5}, start={"customers": 5})
    assert (await bc.get("customers/$count")).text == "10"


async def test_a_person_edits_under_the_same_rules_and_sees_more_fields(bc: Client) -> None:
    row = await bc.create("customers", displayName="Edited", country="SE", city="Lund")
    await tick()
    changes = [{"set": "customers", "id": row["id"], "operation": "update", "values": {"country": "NO"}}]
    changes += [{"table": "customers", "number": row["number"], "values": {"mobilePhoneNumber": "+46 70"}}]
    await bc.control("edit", user="Ann", changes=changes)
    edited = await bc.one("customers", row["id"])
    assert (edited["country"], edited["city"]) == ("NO", "")
    assert moment(edited) > moment(row)
    assert (await bc.contact_of("customers", row["id"]))["mobilePhoneNumber"] == "+46 70"
    made = await bc.control("edit", changes=[{"set": "vendors", "operation": "create", "values": {"displayName": "V"}}])
    await bc.control("edit", changes=[{"set": "vendors", "operation": "delete", "id": made["ids"][0]}])
    assert (await bc.get(f"vendors({made['ids'][0]})")).status_code == 404


async def test_a_computed_value_changes_the_tag_and_not_the_time(bc: Client) -> None:
    row = await bc.create("customers", displayName="Owes")
    await tick()
    await bc.control("edit", changes=[{"set": "customers", "id": row["id"], "values": {"balanceDue": 99.5}}])
    owing = await bc.one("customers", row["id"])
    assert (owing["balanceDue"], moment(owing)) == (99.5, moment(row))
    assert owing["@odata.etag"] != row["@odata.etag"]


async def test_edits_are_all_or_nothing(bc: Client) -> None:
    row = await bc.create("customers", displayName="Untouched")
    changes = [
        {"set": "customers", "id": row["id"], "values": {"displayName": "Touched"}},
        {"set": "customers", "id": row["id"], "values": {"country": "XX"}},
    ]
    answer = await bc.http.post(f"{bc.running.url}/_simulator/edit", json={"changes": changes})
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("changes[1]")
    assert await bc.one("customers", row["id"]) == row


async def test_a_long_transaction_shows_late_with_its_early_time(bc: Client) -> None:
    row = await bc.create("customers", displayName="Slow")
    change = {"set": "customers", "id": row["id"], "values": {"displayName": "Committed"}}
    await bc.control("edit", changes=[change], commit_delay_ms=300)
    await tick()
    other = await bc.create("customers", displayName="Between")
    assert (await bc.one("customers", row["id"]))["displayName"] == "Slow"
    late = row
    while late["displayName"] != "Committed":
        await asyncio.sleep(0.02)
        late = await bc.one("customers", row["id"])
    assert moment(late) < moment(other)


async def test_a_lagging_replica_shows_what_was(bc: Client) -> None:
    kept = await bc.create("customers", displayName="Old name")
    gone = await bc.create("customers", displayName="Deleted")
    await bc.control("settings", replica_lag_ms=900)
    await bc.change("customers", kept["id"], displayName="New name")
    await bc.delete("customers", gone["id"])
    fresh = await bc.create("customers", displayName="Added")
    wanted = "displayName eq 'Old name' or displayName eq 'Deleted' or displayName eq 'Added'"
    assert [row["displayName"] for row in await bc.rows("customers", filter=wanted)] == ["Old name", "Deleted"]
    assert (await bc.get(f"customers({fresh['id']})")).status_code == 404
    assert (await bc.get(f"customers({gone['id']})")).status_code == 200
    assert (await bc.get("customers/$count")).text == "2"
    sure = await bc.get("customers", READ_WRITE, select="displayName")
    assert [row["displayName"] for row in sure.json()["value"]] == ["New name", "Added"]
    stale = await bc.one("customers", kept["id"])
    assert refusal(await bc.patch("customers", kept["id"], stale["@odata.etag"], city="x"))[0] == 409
    await asyncio.sleep(0.95)
    assert [row["displayName"] for row in await bc.rows("customers")] == ["New name", "Added"]


async def test_read_intent_is_for_reading(bc: Client) -> None:
    answer = await bc.post("customers", {"displayName": "X"}, **{"Data-Access-Intent": "ReadOnly"})
    assert answer.status_code == 400


async def test_permissions_can_be_taken_away(bc: Client) -> None:
    row = await bc.create("customers", displayName="Guarded")
    rights = {"Synchronization": {"customers": ["read"], "vendors": []}}
    await bc.control("settings", permissions=rights)
    assert (await bc.get("customers")).status_code == 200
    assert refusal(await bc.patch("customers", row["id"], city="x")) == (403, "Authorization_RequestDenied")
    assert (await bc.post("customers", {"displayName": "X"})).status_code == 403
    assert (await bc.get("contacts")).status_code == 200
    await bc.control("settings", permissions={"Synchronization": {"*": ["read"]}}, permission_failure_status=401)
    assert (await bc.post("vendors", {})).status_code == 401
    await bc.control("settings", permissions=rights)
    assert (await bc.get("vendors")).status_code == 401


async def test_a_company_can_go_away(bc: Client) -> None:
    await bc.control("settings", company_available=False)
    assert refusal(await bc.get("customers")) == (404, "Internal_CompanyNotFound")


@pytest.mark.parametrize("body", [{"unknown": 1}, {"replica_lag_ms": "x"}, {"permissions": {"a": {"b": ["fly"]}}}])
async def test_wrong_settings_are_refused(bc: Client, body: dict[str, object]) -> None:
    assert (await bc.http.post(f"{bc.running.url}/_simulator/settings", json=body)).status_code == 400


async def test_tokens_are_issued_to_known_clients_and_end(bc: Client) -> None:
    form = {
        "grant_type": "client_credentials", "client_id": DEFAULT_CLIENT, "client_secret": DEFAULT_SECRET,
        "scope": "https://api.businesscentral.dynamics.com/.default",
    }  # fmt: skip
    issued = (await bc.http.post(f"{bc.running.url}/tenant/oauth2/v2.0/token", data=form)).json()
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    assert (await bc.get("customers", headers)).status_code == 200
    await bc.control("settings", expire_tokens=True)
    assert refusal(await bc.get("customers", headers)) == (401, "Authentication_InvalidCredentials")


async def test_an_app_that_business_central_does_not_know_is_refused(bc: Client) -> None:
    await bc.control("settings", clients={"stranger": {"secret": "s", "user": None}})
    form = {"grant_type": "client_credentials", "client_id": "stranger", "client_secret": "s", "scope": "x/.default"}
    issued = (await bc.http.post(f"{bc.running.url}/tenant/oauth2/v2.0/token", data=form)).json()
    answer = await bc.get("customers", {"Authorization": f"Bearer {issued['access_token']}"})
    assert refusal(answer) == (401, "Authentication_InvalidCredentials")


async def test_too_many_requests_are_429(bc: Client) -> None:
    await bc.control("faults", limits={"requests": 3})
    answers = [(await bc.get("customers")).status_code for _ in range(5)]
    assert answers == [200, 200, 200, 429, 429]


async def test_a_user_has_five_requests_worked_on_and_95_waiting(bc: Client) -> None:
    usual = (await bc.http.get(f"{bc.running.url}/_simulator/faults")).json()["limits"]
    assert (usual["processed"], usual["concurrent"], usual["requests"]) == (5, 100, 6000)
    await bc.control("faults", page_latency_ms=300, limits={"processed": 2, "concurrent": 6})
    started = asyncio.get_running_loop().time()
    answers = await asyncio.gather(*(bc.get("customers/$count") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 6 + [429] * 4
    assert asyncio.get_running_loop().time() - started >= 0.9, "two at once, three times one after the other"


async def test_every_row_written_counts_towards_the_stated_time(bc: Client) -> None:
    row = await bc.create("customers", displayName="x")
    await bc.control("faults", operation_latency_ms=1, page_latency_ms=100)
    patch = {"method": "PATCH", "url": f"customers({row['id']})", "body": {"city": "y"}}
    read = {"method": "GET", "url": "customers"}

    async def stated(call: Awaitable[httpx.Response]) -> Any:
        await bc.http.delete(f"{bc.running.url}/_simulator/stats")
        assert (await call).is_success
        return (await bc.http.get(f"{bc.running.url}/_simulator/stats")).json()["stated_ms"]

    assert await stated(bc.patch("customers", row["id"], city="z")) == 1
    assert await stated(bc.get("customers")) == 100
    assert await stated(bc.get(f"customers({row['id']})")) == 0
    assert await stated(bc.batch([patch, read, patch])) == 103
    assert await stated(bc.batch([patch, read], Isolation="snapshot")) == 102


async def test_a_cut_answer_leaves_the_work_done(bc: Client) -> None:
    await bc.control("faults", refuse=[{"method": "POST", "route": "customers", "after_commit": True}])
    with pytest.raises(httpx.TransportError):
        await bc.post("customers", {"displayName": "Unheard"})
    assert [row["displayName"] for row in await bc.rows("customers")] == ["Unheard"]


async def test_statistics_name_routes_without_keys(bc: Client) -> None:
    row = await bc.create("customers", displayName="Counted")
    await bc.change("customers", row["id"], city="x")
    await bc.get(f"customers({row['id']})/contactsInformation")
    await bc.patch("customers", row["id"], None, city="y")
    stats = (await bc.http.get(f"{bc.running.url}/_simulator/stats")).json()
    assert stats["by_route"] == {
        "POST customers": 1, "PATCH customers(id)": 2, "GET customers(id)/contactsInformation": 1,
    }  # fmt: skip
    assert (stats["writes"], stats["refusals_by_code"]) == (2, {"BadRequest_InvalidToken": 1})


async def test_a_database_file_keeps_the_company(tmp_path: Path) -> None:
    path = tmp_path / "company.sqlite"
    async with simulator(database=path, local_currency="USD") as bc:
        row = await bc.create("customers", displayName="Kept")
    async with simulator(database=path) as bc:
        assert await bc.one("customers", row["id"]) | {"@odata.context": ""} == row | {"@odata.context": ""}
        assert (await bc.create("customers", displayName="Next"))["number"] == "C00020"
