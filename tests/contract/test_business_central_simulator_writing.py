"""What the Business Central simulator does with POST, PATCH and DELETE, and what it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.business_central_simulator_client import Client, moment, refusal, simulator, tick

ZERO = "00000000-0000-0000-0000-000000000000"
UNKNOWN = "11111111-1111-1111-1111-111111111111"


@pytest.fixture(scope="module")
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        await client.control(
            "seed",
            rows={
                "salespeoplePurchasers": [
                    {"code": "ANN", "displayName": "Ann"},
                    {"code": "OUT", "blocked": True},
                    {"code": "GONE", "privacyBlocked": True},
                ]
            },
        )
        yield client


async def test_post_answers_the_whole_record_and_where_it_is(bc: Client) -> None:
    answer = await bc.post("customers", {"displayName": "Fresh"})
    row = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{bc.company}/customers({row['id']})"
    assert row == await bc.one("customers", row["id"])
    assert (row["type"], row["currencyCode"], row["blocked"]) == ("Company", "EUR", "_x0020_")


async def test_numbers_come_from_the_series_and_skip_what_is_taken(bc: Client) -> None:
    first = (await bc.create("vendors"))["number"]
    assert first == "V00010"
    await bc.create("vendors", number="V00020")
    assert (await bc.create("vendors", number=""))["number"] == "V00030"
    assert (await bc.create("contacts", displayName="One"))["number"].startswith("CT00000")


async def test_post_without_content_on_request(bc: Client) -> None:
    answer = await bc.post("customers", {"displayName": "Quiet"}, Prefer="return-no-content")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await bc.http.get(answer.headers["Location"])).json()["displayName"] == "Quiet"


@pytest.mark.parametrize(
    ("entity_set", "values", "code"),
    [
        ("customers", {}, "Application_DialogException"),
        ("customers", {"displayName": ""}, "Application_DialogException"),
        ("contacts", {"type": "Person"}, "Application_DialogException"),
        ("currencies", {"displayName": "No code"}, "BadRequest_RequiredParamNotProvided"),
        ("salespeoplePurchasers", {"displayName": "No code"}, "BadRequest_RequiredParamNotProvided"),
        ("customers", {"displayName": "X", "id": UNKNOWN}, "BadRequest_InvalidOperation"),
        ("customers", {"displayName": "X", "balanceDue": 1}, "BadRequest_InvalidOperation"),
        ("customers", {"displayName": "X", "taxAreaDisplayName": "x"}, "BadRequest_InvalidOperation"),
        ("customers", {"displayName": "X", "unknown": 1}, "BadRequest"),
        ("customers", {"displayName": "X", "searchName": "X"}, "BadRequest"),
        ("customers", {"displayName": 5}, "BadRequest"),
        ("customers", {"displayName": "X", "creditLimit": "5"}, "BadRequest"),
        ("customers", {"displayName": "X", "taxLiable": "true"}, "BadRequest"),
        ("customers", {"displayName": "X", "paymentTermsId": "NET45"}, "BadRequest"),
        ("customers", {"displayName": "x" * 101}, "Application_StringExceededLength"),
        ("customers", {"displayName": "🚢" * 51}, "Application_StringExceededLength"),
        ("customers", {"displayName": "X", "taxRegistrationNumber": "1" * 21}, "Application_StringExceededLength"),
        ("customers", {"displayName": "X", "type": "Persons"}, "Unknown"),
        ("customers", {"displayName": "X", "blocked": "Payment"}, "Unknown"),
        ("customers", {"displayName": "X", "country": "XX"}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "paymentTermsId": UNKNOWN}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "currencyId": UNKNOWN}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "taxAreaId": UNKNOWN}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "salespersonCode": "NOBODY"}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "salespersonCode": "OUT"}, "Internal_InvalidTableRelation"),
        ("customers", {"displayName": "X", "salespersonCode": "GONE"}, "Application_DialogException"),
        ("customers", {"displayName": "X", "currencyCode": "ZZZ"}, "Application_DialogException"),
        ("customers", {"displayName": "X", "email": "no address"}, "Application_DialogException"),
        ("customers", {"displayName": "X", "email": "a@b.example; c"}, "Application_DialogException"),
        ("salespeoplePurchasers", {"code": "X", "email": "a@b.example;c@d.example"}, "Application_DialogException"),
        ("customers", {"displayName": "X", "phoneNumber": "0800 CALL"}, "Application_FieldValidationException"),
        ("contacts", {"displayName": "X", "mobilePhoneNumber": "x"}, "Application_FieldValidationException"),
        ("salespeoplePurchasers", {"code": "X", "commisionPercent": 101}, "Application_FieldValidationException"),
        ("currencies", {"code": "X", "amountRoundingPrecision": 0.015}, "Application_DialogException"),
        ("paymentTerms", {"code": "X", "dueDateCalculation": "soon"}, "Application_EvaluateException"),
        ("vendors", {"salespersonCode": "ANN"}, "BadRequest"),
        ("vendors", {"shipmentMethodId": ZERO}, "BadRequest"),
    ],
)
async def test_post_refuses(bc: Client, entity_set: str, values: dict[str, Any], code: str) -> None:
    before = (await bc.get(f"{entity_set}/$count")).text
    assert refusal(await bc.post(entity_set, values)) == (400, code)
    assert (await bc.get(f"{entity_set}/$count")).text == before


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"number": " k-17 "}, {"number": "K-17"}),
        ({"country": "de", "postalCode": "99 abc"}, {"country": "DE", "postalCode": "99 ABC"}),
        ({"salespersonCode": "ann"}, {"salespersonCode": "ANN"}),
        ({"country": "AT", "taxRegistrationNumber": "atu12345678"}, {"taxRegistrationNumber": "ATU12345678"}),
        ({"blocked": " "}, {"blocked": "_x0020_"}),
        ({"blocked": "all"}, {"blocked": "All"}),
        ({"currencyCode": "usd" + " " * 9 + "and more"}, {"currencyCode": "USD"}),
        ({"currencyCode": "EUR"}, {"currencyCode": "EUR", "currencyId": ZERO}),
        ({"currencyId": ZERO, "currencyCode": "GBP"}, {"currencyCode": "GBP"}),
        ({"taxAreaId": ZERO}, {"taxAreaId": ZERO}),
        ({"email": "a@b.example;c@d.example"}, {"email": "a@b.example;c@d.example"}),
        ({"phoneNumber": "+45 (12) 34-56/78"}, {"phoneNumber": "+45 (12) 34-56/78"}),
        ({"creditLimit": 12.5}, {"creditLimit": 12.5}),
        ({"creditLimit": 12.0}, {"creditLimit": 12}),
        ({"city": None}, {"city": ""}),
        ({"displayName": "ж" * 100}, {"displayName": "ж" * 100}),
    ],
)
async def test_values_come_back_as_the_server_stores_them(
    bc: Client, given: dict[str, Any], stored: dict[str, Any]
) -> None:
    row = await bc.create("customers", **{"displayName": "Values"} | given)
    assert {name: row[name] for name in stored} == stored


async def test_currency_id_and_code_must_agree_when_the_id_comes_first(bc: Client) -> None:
    usd = (await bc.rows("currencies", filter="code eq 'USD'"))[0]["id"]
    assert (await bc.create("customers", displayName="A", currencyId=usd))["currencyCode"] == "USD"
    wrong = await bc.post("customers", {"displayName": "A", "currencyId": usd, "currencyCode": "GBP"})
    assert refusal(wrong) == (400, "Application_DialogException")
    last_wins = await bc.create("customers", displayName="A", currencyCode="GBP", currencyId=usd)
    assert last_wins["currencyCode"] == "USD"


async def test_duplicates_are_400(bc: Client) -> None:
    await bc.create("customers", number="TWICE", displayName="First")
    assert refusal(await bc.post("customers", {"number": "twice", "displayName": "Second"})) == (
        400,
        "Internal_EntityWithSameKeyExists",
    )
    assert refusal(await bc.post("currencies", {"code": "USD"})) == (400, "Internal_EntityWithSameKeyExists")


async def test_patch_changes_what_is_listed_and_needs_a_current_tag(bc: Client) -> None:
    row = await bc.create("customers", displayName="Before", city="Here")
    answer = await bc.patch("customers", row["id"], row["@odata.etag"], displayName="After")
    assert answer.status_code == 200
    assert (answer.json()["displayName"], answer.json()["city"]) == ("After", "Here")
    assert answer.json()["@odata.etag"] != row["@odata.etag"]
    stale = await bc.patch("customers", row["id"], row["@odata.etag"], displayName="Late")
    assert refusal(stale) == (409, "Request_EntityChanged")
    assert (await bc.one("customers", row["id"]))["displayName"] == "After"


@pytest.mark.parametrize("tag", [None, "nonsense", '"JzIw"', ""])
async def test_patch_without_a_readable_tag_is_400(bc: Client, tag: str | None) -> None:
    row = await bc.create("customers", displayName="Untagged")
    assert refusal(await bc.patch("customers", row["id"], tag, city="x")) == (400, "BadRequest_InvalidToken")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"displayName": ""}, "Application_DialogException"),
        ({"lastModifiedDateTime": "2020-01-01T00:00:00Z"}, "BadRequest_InvalidOperation"),
        ({"id": UNKNOWN}, "BadRequest_InvalidOperation"),
        ({"number": ""}, "Application_FieldValidationException"),
        ({"city": "Kept?", "country": "XX"}, "Internal_InvalidTableRelation"),
    ],
)
async def test_patch_refuses_and_changes_nothing(bc: Client, values: dict[str, Any], code: str) -> None:
    row = await bc.create("customers", displayName="Steady")
    assert refusal(await bc.patch("customers", row["id"], **values)) == (400, code)
    assert await bc.one("customers", row["id"]) == row


async def test_annotations_in_a_body_are_ignored(bc: Client) -> None:
    row = await bc.create("customers", displayName="Annotated")
    changed = await bc.change("customers", row["id"], **{"@odata.etag": "x", "@odata.context": "y", "city": "Z"})
    assert changed["city"] == "Z"


async def test_an_unknown_record_is_404_and_is_not_created(bc: Client) -> None:
    for answer in (await bc.patch("customers", UNKNOWN, city="x"), await bc.delete("customers", UNKNOWN)):
        assert refusal(answer) == (404, "BadRequest_ResourceNotFound")


@pytest.mark.parametrize(
    ("content_type", "content", "status"),
    [
        ("text/plain", b"{}", 415),
        ("application/json", b"{", 400),
        ("application/json", b"[]", 400),
        ("application/json", b"[" * 9999, 400),
    ],
)
async def test_bodies_that_cannot_be_read(bc: Client, content_type: str, content: bytes, status: int) -> None:
    answer = await bc.http.post(f"{bc.company}/customers", content=content, headers={"Content-Type": content_type})
    assert answer.status_code == status


async def test_put_merges(bc: Client) -> None:
    row = await bc.create("customers", displayName="Put", city="Here")
    answer = await bc.http.put(
        f"{bc.company}/customers({row['id']})", json={"displayName": "Merged"}, headers={"If-Match": "*"}
    )
    assert (answer.json()["displayName"], answer.json()["city"]) == ("Merged", "Here")


async def test_delete_checks_a_tag_only_when_it_is_sent(bc: Client) -> None:
    row = await bc.create("customers", displayName="Going")
    changed = await bc.change("customers", row["id"], city="x")
    assert refusal(await bc.delete("customers", row["id"], **{"If-Match": row["@odata.etag"]})) == (
        409,
        "Request_EntityChanged",
    )
    answer = await bc.delete("customers", row["id"], **{"If-Match": changed["@odata.etag"]})
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await bc.get(f"customers({row['id']})")).status_code == 404
    other = await bc.create("customers", displayName="Going, too")
    assert (await bc.delete("customers", other["id"])).status_code == 204


@pytest.mark.parametrize(
    ("entity_set", "key", "moves"),
    [
        ("customers", {}, True),
        ("vendors", {}, True),
        ("contacts", {}, True),
        ("currencies", {"code": "SAME"}, True),
        ("salespeoplePurchasers", {"code": "SAME"}, False),
        ("paymentTerms", {"code": "SAME"}, False),
    ],
)
async def test_an_identical_patch_moves_only_tables_with_a_date_of_their_own(
    bc: Client, entity_set: str, key: dict[str, str], moves: bool
) -> None:
    row = await bc.create(entity_set, displayName="Same", **key)
    await tick()
    again = await bc.change(entity_set, row["id"], displayName="Same")
    moved = moment(again) > moment(row)
    assert (moved, again["@odata.etag"] != row["@odata.etag"]) == (moves, moves)


async def test_a_new_number_renames_and_references_follow(bc: Client) -> None:
    person = await bc.create("salespeoplePurchasers", code="OLD", displayName="Renamed")
    customer = await bc.create("customers", displayName="Refers", salespersonCode="OLD", currencyCode="CHF")
    await bc.change("salespeoplePurchasers", person["id"], code="new")
    chf = (await bc.rows("currencies", filter="code eq 'CHF'"))[0]
    await bc.change("currencies", chf["id"], code="SFR")
    renamed = await bc.change("customers", customer["id"], number="renamed-1")
    assert renamed["id"] == customer["id"]
    assert (renamed["number"], renamed["salespersonCode"], renamed["currencyCode"]) == ("RENAMED-1", "NEW", "SFR")
    taken = await bc.patch("salespeoplePurchasers", person["id"], code="ANN")
    assert refusal(taken) == (400, "Internal_EntityWithSameKeyExists")


async def test_a_symbol_comes_from_the_code_when_none_is_given(bc: Client) -> None:
    assert (await bc.create("currencies", code="nok"))["symbol"] == "kr"
    assert (await bc.create("currencies", code="DKK", symbol="DK"))["symbol"] == "DK"


async def test_manual_numbers_and_deletions_can_be_forbidden(bc: Client) -> None:
    row = await bc.create("customers", number="BUSY", displayName="Busy")
    await bc.control("settings", manual_numbers=False, undeletable={"customers": ["BUSY"]})
    try:
        by_hand = await bc.post("customers", {"number": "BYHAND", "displayName": "X"})
        assert refusal(by_hand) == (400, "Application_DialogException")
        assert refusal(await bc.delete("customers", row["id"])) == (400, "Application_DialogException")
    finally:
        await bc.control("settings", manual_numbers=True, undeletable={})
