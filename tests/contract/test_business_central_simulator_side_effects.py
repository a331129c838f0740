"""What one write changes elsewhere: addresses, contacts, customers and vendors that mirror each other."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.business_central_simulator_client import Client, Row, moment, refusal, simulator, tick

_words = (f"Alpha{one}" for one in itertools.count())


@pytest.fixture(scope="module")
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


async def company_with_person(bc: Client, **customer: Any) -> tuple[Row, Row, Row]:
    """A new customer, its company contact and one person of it."""
    values = {"displayName": next(_words), "country": "NO", "city": "Oslo", "postalCode": "0150"} | customer
    row = await bc.create("customers", **values)
    company = await bc.contact_of("customers", row["id"])
    person = await bc.create("contacts", type="Person", displayName="Kari Moe", companyNumber=company["number"])
    return row, company, person


ADDRESS = {"country": "NO", "postalCode": "0150", "city": "Oslo", "state": "Viken"}


@pytest.mark.parametrize(
    ("patch", "address"),
    [
        ({"country": "SE"}, {"country": "SE", "postalCode": "", "city": "", "state": ""}),
        ({"country": ""}, {"country": "", "postalCode": "", "city": "", "state": ""}),
        ({"country": "NO"}, ADDRESS),
        ({"country": "SE", "postalCode": "9", "city": "X", "state": "Y"},
         {"country": "SE", "postalCode": "9", "city": "X", "state": "Y"}),
        ({"city": "X", "country": "SE"}, {"country": "SE", "postalCode": "", "city": "", "state": ""}),
        ({"city": "Bergen"}, ADDRESS | {"city": "Bergen"}),
        ({"postalCode": "80331"}, {"country": "DE", "postalCode": "80331", "city": "München", "state": "BY"}),
        ({"postalCode": "00100", "city": "Mine"},
         {"country": "FI", "postalCode": "00100", "city": "Mine", "state": ""}),
        ({"country": "IT", "postalCode": "00100"},
         {"country": "IT", "postalCode": "00100", "city": "Roma", "state": "RM"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("entity_set", ["customers", "vendors", "contacts"])
async def test_members_of_an_address_change_each_other_in_the_order_they_come(
    bc: Client, entity_set: str, patch: dict[str, str], address: dict[str, str]
) -> None:
    row = await bc.create(entity_set, displayName=next(_words), **ADDRESS)
    changed = await bc.change(entity_set, row["id"], **patch)
    assert {name: changed[name] for name in address} == address


async def test_a_first_country_clears_nothing(bc: Client) -> None:
    row = await bc.create("customers", displayName="X", city="Oslo", postalCode="0150", country="NO")
    assert (row["city"], row["postalCode"]) == ("Oslo", "0150")


async def test_a_tax_number_has_the_form_of_its_country(bc: Client) -> None:
    row = await bc.create("customers", displayName="X", country="DE", taxRegistrationNumber="de123456789")
    assert row["taxRegistrationNumber"] == "DE123456789"
    for patch in ({"taxRegistrationNumber": "12"}, {"country": "AT"}):
        assert refusal(await bc.patch("customers", row["id"], **patch)) == (400, "Application_DialogException")


@pytest.mark.parametrize(
    ("entity_set", "values", "kind", "relation"),
    [
        ("customers", {}, "Company", "Customer"),
        ("customers", {"type": "Person"}, "Person", "Customer"),
        ("vendors", {}, "Company", "Vendor"),
    ],
)
async def test_a_new_customer_or_vendor_comes_with_its_contact(
    bc: Client, entity_set: str, values: dict[str, str], kind: str, relation: str
) -> None:
    row = await bc.create(entity_set, displayName="Ada Lovelace", email="ada@example.com", country="GB", **values)
    contact = await bc.contact_of(entity_set, row["id"])
    assert (contact["type"], contact["contactBusinessRelation"]) == (kind, relation)
    for name in ("displayName", "email", "country"):
        assert contact[name] == row[name]
    assert contact["companyNumber"] == (contact["number"] if kind == "Company" else "")


async def test_without_the_set_up_no_contact_is_made(bc: Client) -> None:
    await bc.control("settings", create_contacts=False)
    try:
        row = await bc.create("customers", displayName="Alone")
        assert await bc.rows(f"customers({row['id']})/contactsInformation") == []
    finally:
        await bc.control("settings", create_contacts=True)


WATCHED = {
    "displayName": "Renamed",
    "addressLine1": "New Road 1",
    "city": "Bergen",
    "phoneNumber": "+47 1",
    "email": "new@example.com",
    "website": "https://new.example",
}


@pytest.mark.parametrize("entity_set", ["customers", "vendors"])
@pytest.mark.parametrize("name", list(WATCHED))
async def test_an_edit_on_either_side_shows_and_is_dated_on_the_other(bc: Client, entity_set: str, name: str) -> None:
    partner = await bc.create(entity_set, displayName=next(_words), country="NO")
    contact = await bc.contact_of(entity_set, partner["id"])
    await tick()
    await bc.change(entity_set, partner["id"], **{name: WATCHED[name]})
    mirrored = await bc.one("contacts", contact["id"])
    assert mirrored[name] == WATCHED[name]
    assert moment(mirrored) > moment(contact)
    await bc.change("contacts", contact["id"], **{name: WATCHED[name] + "0"})
    back = await bc.one(entity_set, partner["id"])
    assert back[name] == WATCHED[name] + "0"
    assert moment(back) > moment(partner)


@pytest.mark.parametrize("values", [{"creditLimit": 5}, {"blocked": "Ship"}, {}])
async def test_what_a_contact_does_not_have_leaves_it_alone(bc: Client, values: dict[str, Any]) -> None:
    partner = await bc.create("customers", displayName=next(_words))
    contact = await bc.contact_of("customers", partner["id"])
    await bc.change("customers", partner["id"], **values)
    assert await bc.one("contacts", contact["id"]) == contact


async def test_persons_get_the_company_name_and_what_they_had_inherited(bc: Client) -> None:
    customer, _, person = await company_with_person(bc, phoneNumber="+47 22")
    assert (person["country"], person["city"], person["phoneNumber"]) == ("NO", "Oslo", "+47 22")
    own = await bc.change("contacts", person["id"], phoneNumber="+47 99")
    await tick()
    await bc.change("customers", customer["id"], displayName="Beta", city="Bergen", phoneNumber="+47 33")
    person = await bc.one("contacts", person["id"])
    assert (person["companyName"], person["city"], person["phoneNumber"]) == ("Beta", "Bergen", "+47 99")
    assert moment(person) > moment(own)


async def test_nothing_is_inherited_when_the_company_has_switched_it_off(bc: Client) -> None:
    await bc.control("settings", inherit_from_company=False)
    try:
        customer, _, person = await company_with_person(bc)
        assert (person["country"], person["city"]) == ("", "")
        await bc.change("contacts", person["id"], city="Oslo", postalCode="0150")
        await bc.change("customers", customer["id"], displayName="Gamma", city="Bergen")
        person = await bc.one("contacts", person["id"])
        assert (person["companyName"], person["city"]) == ("Gamma", "Oslo")
    finally:
        await bc.control("settings", inherit_from_company=True)


async def test_a_person_takes_over_the_relation_of_its_company(bc: Client) -> None:
    customer, company, person = await company_with_person(bc)
    assert person["contactBusinessRelation"] == "Customer"
    assert (person["companyName"], person["companyNumber"]) == (company["displayName"], company["number"])
    rows = await bc.rows("customerContacts", filter=f"id eq {person['id']}")
    assert [row["customerId"] for row in rows] == [customer["id"]]
    left = await bc.change("contacts", person["id"], companyNumber="")
    assert (left["companyName"], left["contactBusinessRelation"]) == ("", "None")


async def test_a_blank_address_is_filled_from_the_company_and_an_own_one_kept(bc: Client) -> None:
    _, company, _ = await company_with_person(bc)
    own = await bc.create(
        "contacts", type="Person", displayName="P Q", country="SE", city="Lund", companyNumber=company["number"]
    )
    assert (own["country"], own["city"]) == ("NO", "Lund")


@pytest.mark.parametrize(
    "split",
    [
        ("Cher", "Cher", "", ""),
        ("Ada Lovelace", "Ada", "", "Lovelace"),
        ("Anna van der Berg", "Anna van", "der", "Berg"),
        ("Ida " + "x" * 40, "Ida", "", "x" * 30),
    ],
)
async def test_a_persons_name_falls_into_parts(bc: Client, split: tuple[str, str, str, str]) -> None:
    name, first, middle, last = split
    _, company, _ = await company_with_person(bc)
    person = await bc.create("contacts", type="Person", displayName=name, companyNumber=company["number"])
    assert person["displayName"] == name
    shown = (await bc.rows("customerContacts", filter=f"id eq {person['id']}"))[0]
    assert (shown["firstName"], shown["lastName"]) == (first, last)
    changed = await bc.patch("customerContacts", person["id"], firstName="Eva")
    assert changed.status_code == 200
    whole = (await bc.one("contacts", person["id"]))["displayName"]
    assert whole == " ".join(part for part in ("Eva", middle, last) if part)


async def test_a_name_sent_before_the_type_is_not_split(bc: Client) -> None:
    _, company, _ = await company_with_person(bc)
    person = await bc.create("contacts", displayName="Ada Lovelace", type="Person", companyNumber=company["number"])
    shown = (await bc.rows("customerContacts", filter=f"id eq {person['id']}"))[0]
    assert (shown["firstName"], shown["lastName"]) == ("", "")


async def test_the_search_name_follows_until_it_is_set(bc: Client) -> None:
    row = await bc.create("contacts", displayName="Größe")
    assert row["searchName"] == "GRÖßE"
    row = await bc.change("contacts", row["id"], displayName="Other")
    assert row["searchName"] == "OTHER"
    await bc.change("contacts", row["id"], searchName="mine")
    assert (await bc.change("contacts", row["id"], displayName="Third"))["searchName"] == "MINE"


@pytest.mark.parametrize("written", ["number", "whole", "begin", "inside"])
async def test_a_company_name_is_looked_up(bc: Client, written: str) -> None:
    name = f"Kontor{next(_words)}bygg"
    company = await bc.create("contacts", displayName=name)
    text = {"number": company["number"], "whole": name, "begin": name[:-3], "inside": name[3:-1]}[written]
    person = await bc.create("contacts", type="Person", displayName="P", companyName=text)
    assert (person["companyNumber"], person["companyName"]) == (company["number"], name)


async def test_contacts_refuse_what_does_not_fit_together(bc: Client) -> None:
    _, company, person = await company_with_person(bc)
    for identity, values, code in (
        (company["id"], {"companyNumber": person["number"]}, "Internal_InvalidTableRelation"),
        (company["id"], {"companyNumber": ""}, "Application_FieldValidationException"),
        (person["id"], {"companyNumber": "NOBODY"}, "Internal_InvalidTableRelation"),
        (person["id"], {"companyName": "no such company at all"}, "Application_DialogException"),
        (company["id"], {"type": "Person"}, "Application_DialogException"),
        (person["id"], {"contactBusinessRelation": "None"}, "BadRequest_InvalidOperation"),
    ):
        assert refusal(await bc.patch("contacts", identity, **values)) == (400, code), values


async def test_a_company_has_no_job_title(bc: Client) -> None:
    assert (await bc.create("contacts", displayName="X", jobTitle="Boss"))["jobTitle"] == ""


async def test_deleting_a_customer_keeps_its_contact_without_the_relation(bc: Client) -> None:
    customer, company, person = await company_with_person(bc)
    await bc.delete("customers", customer["id"])
    for one in (company, person):
        assert (await bc.one("contacts", one["id"]))["contactBusinessRelation"] == "None"
    assert await bc.rows("customerContacts", filter=f"id eq {person['id']}") == []


async def test_deleting_a_company_contact_takes_its_persons_but_not_the_customer(bc: Client) -> None:
    customer, company, person = await company_with_person(bc)
    await bc.delete("contacts", company["id"])
    assert (await bc.get(f"contacts({person['id']})")).status_code == 404
    assert (await bc.one("customers", customer["id"]))["displayName"] == customer["displayName"]
    assert await bc.rows(f"customers({customer['id']})/contactsInformation") == []


async def test_renaming_a_company_contact_takes_its_persons_along(bc: Client) -> None:
    customer, company, person = await company_with_person(bc)
    renamed = await bc.change("contacts", company["id"], number="CT-" + company["number"])
    assert renamed["companyNumber"] == renamed["number"]
    assert (await bc.one("contacts", person["id"]))["companyNumber"] == renamed["number"]
    await bc.change("customers", customer["id"], displayName="Still linked")
    assert (await bc.one("contacts", company["id"]))["displayName"] == "Still linked"


async def test_privacy_blocks_through_the_contact(bc: Client) -> None:
    customer, company, _ = await company_with_person(bc)
    await bc.change("customers", customer["id"], blocked="All")
    await bc.change("contacts", company["id"], privacyBlocked=True, city="X")
    assert refusal(await bc.patch("customers", customer["id"], blocked=" ")) == (400, "Application_DialogException")
    assert (await bc.change("customers", customer["id"], blocked="All"))["blocked"] == "All"


async def test_a_currency_travels_to_the_contact_and_back(bc: Client) -> None:
    customer, company, _ = await company_with_person(bc, currencyCode="USD")
    await bc.change("contacts", company["id"], city="Y")
    assert (await bc.one("customers", customer["id"]))["currencyCode"] == "USD"


async def test_a_contact_that_is_customer_and_vendor_passes_edits_on_to_the_third(bc: Client) -> None:
    customer, company, person = await company_with_person(bc)
    change = {"set": "vendors", "operation": "create", "from_contact": company["number"]}
    vendor = (await bc.control("edit", changes=[change]))["ids"][0]
    assert (await bc.one("vendors", vendor))["displayName"] == customer["displayName"]
    for one in (company, person):
        assert (await bc.one("contacts", one["id"]))["contactBusinessRelation"] == "Multiple"
    assert await bc.rows("customerContacts", filter=f"id eq {person['id']}") == []
    await bc.change("customers", customer["id"], city="Tromsø")
    assert (await bc.one("vendors", vendor))["city"] == "Tromsø"
    assert len(await bc.rows(f"vendors({vendor})/contactsInformation")) == 2
