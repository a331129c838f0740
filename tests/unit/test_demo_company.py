"""The sample company: the same at every start, as large as it says, and taken by both simulators."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest

from infra.local.business_central.server import serving as business_central_serving
from infra.local.dataverse.server import serving as dataverse_serving
from infra.local.demo_company import business_central, dataverse, expected, load
from infra.local.demo_company.awkward import LONG_NAME, UNKNOWN_COUNTRY
from infra.local.demo_company.contacts import contacts, partners
from infra.local.demo_company.sample import CURRENCIES, Fate, Kind, Where, salespeople

type Rows = list[dict[str, object]]


def test_it_is_some_hundreds_of_each_partly_in_both_systems() -> None:
    kinds = Counter(partner.kind for partner in partners())
    assert kinds[Kind.CUSTOMER] >= 300
    assert kinds[Kind.VENDOR] >= 80
    assert len(contacts()) >= 400
    assert len(salespeople()) == 6
    for records in (partners(), contacts()):
        places = Counter(record.where for record in records)
        assert all(0.25 < places[where] / len(records) < 0.4 for where in Where)


@pytest.mark.parametrize(
    "name", ["O'Brien & Sons", "100% GmbH", "Ελαιώνας & Υιοί Α.Ε.", "有限会社みどり商店", LONG_NAME.format("North")]
)
def test_it_has_the_names_that_real_life_has(name: str) -> None:
    assert any(partner.company.name == name for partner in partners())


def test_numbers_keys_names_and_addresses_are_each_somebodys_own() -> None:
    numbers = [(partner.kind, partner.number) for partner in partners() if partner.number]
    names = [partner.company.name for partner in partners()]
    addresses = [contact.person.email for contact in contacts()]
    keys = [record.key for record in (*partners(), *contacts(), *salespeople())]
    for values in (numbers, names, addresses, keys):
        assert len(set(values)) == len(values)
    assert "A/100" in {number for _, number in numbers}


def test_people_work_for_partners_that_are_where_they_are() -> None:
    for contact in contacts():
        assert contact.partner.where in (contact.where, Where.BOTH)
        assert contact.partner.fate is Fate.SYNCHRONIZED


def test_only_what_one_side_cannot_take_or_both_say_differently_is_an_error() -> None:
    errors = [partner for partner in partners() if partner.fate in (Fate.REFUSED, Fate.CONFLICT)]
    for partner in errors:
        refused = len(partner.company.name) > 100 or partner.company.country == UNKNOWN_COUNTRY
        assert refused or partner.in_business_central["phone"] != partner.in_dataverse["phone"]
    assert sum(one.errors for one in expected().values()) == len(errors)
    assert all(
        len(partner.company.name) <= 100 and partner.company.country != UNKNOWN_COUNTRY
        for partner in partners()
        if partner not in errors
    )


def test_a_pair_has_fields_that_only_one_side_knows() -> None:
    lacking = [set(partner.in_dataverse) for partner in partners() if partner.fate is Fate.SYNCHRONIZED]
    assert {"phone", "website"} <= set().union(*lacking)


@pytest.fixture(scope="module")
async def loaded() -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """Clients of Business Central and Dataverse with the sample company in them."""
    async with business_central_serving() as here, dataverse_serving() as there:
        facts = here.facts
        await load(
            {
                "BUSINESS_CENTRAL_URL": str(facts["url"]),
                "BUSINESS_CENTRAL_COMPANY_ID": str(facts["company_id"]),
                "BUSINESS_CENTRAL_TOKEN": str(facts["token"]),
                "DATAVERSE_URL": there.url,
                "DATAVERSE_TOKEN": there.token,
            }
        )
        here_headers = {"Authorization": f"Bearer {facts['token']}"}
        there_headers = {"Authorization": f"Bearer {there.token}"}
        here_url = f"{facts['url']}/api/v2.0/companies({facts['company_id']})/"
        async with (
            httpx.AsyncClient(base_url=here_url, headers=here_headers) as business_central_client,
            httpx.AsyncClient(base_url=f"{there.url}/api/data/v9.2/", headers=there_headers) as dataverse_client,
        ):
            yield business_central_client, dataverse_client


async def read(client: httpx.AsyncClient, query: str) -> Rows:
    answer = await client.get(query)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["value"])


async def test_business_central_holds_all_of_its_share(
    loaded: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    client, _ = loaded
    here = [partner for partner in partners() if partner.where is not Where.DATAVERSE]
    customers, vendors = await read(client, "customers"), await read(client, "vendors")
    names = {partner.company.name for partner in here}
    assert {row["displayName"] for row in (*customers, *vendors)} == names
    assert sum(row["blocked"] == "All" for row in customers) == 1
    people = await read(client, "contacts?$filter=type eq 'Person'")
    wanted = {(one.person.email, one.partner.company.name) for one in contacts() if one.where is not Where.DATAVERSE}
    assert {(row["email"], row["companyName"]) for row in people} == wanted
    currencies = await read(client, "currencies")
    assert {row["code"] for row in currencies} == set(CURRENCIES)


async def test_dataverse_holds_all_of_its_share(loaded: tuple[httpx.AsyncClient, httpx.AsyncClient]) -> None:
    _, client = loaded
    accounts = await read(client, "accounts?$select=name,customertypecode,statecode")
    there = [partner for partner in partners() if partner.where is not Where.BUSINESS_CENTRAL]
    assert {row["name"] for row in accounts} == {partner.company.name for partner in there}
    assert Counter(row["customertypecode"] for row in accounts)[dataverse.PROSPECT] == 1
    query = "contacts?$select=emailaddress1,lastname&$expand=parentcustomerid_account($select=name)"
    people = {(row["emailaddress1"], row["parentcustomerid_account"]["name"]) for row in await read(client, query)}  # type: ignore[index]
    assert people == {
        (one.person.email, one.partner.company.name) for one in contacts() if one.where is not Where.BUSINESS_CENTRAL
    }
    users = await read(client, "systemusers?$select=fullname&$filter=islicensed eq true and isdisabled eq false")
    assert {one.name for one in salespeople()} <= {row["fullname"] for row in users}
    assert len(users) == expected()["SALESPEOPLE"].pairs


async def test_loading_leaves_no_trace_in_the_statistics(
    loaded: tuple[httpx.AsyncClient, httpx.AsyncClient],
) -> None:
    for client in loaded:
        numbers = (await client.get(str(client.base_url.join("/_simulator/stats")))).json()
        assert numbers["writes"] == 0


def test_rows_are_the_same_at_every_start() -> None:
    assert dataverse.rows("unit") == dataverse.rows("unit")
    terms = {"30 DAYS": "1", "NET45": "2", "NET60": "3", "2%10NET30": "4", business_central.LOCAL_TERMS: "5"}
    assert business_central.partner_rows(terms) == business_central.partner_rows(terms)
