"""The Business Central simulator: rows in bulk, as a bench needs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.business_central_simulator_client import Client, moment, refusal, simulator

CUSTOMER = "{n:08x}-0000-f011-8000-0000000000c0"
CONTACT = "{n:08x}-0000-f011-8000-00000000c0c0"
VALUES = {
    "id": CUSTOMER,
    "number": "C{n:05d}",
    "displayName": "Customer {n:04d}",
    "city": {"cycle": ["Berlin", "Hamburg"]},
    "country": "DE",
    "creditLimit": {"number": 1000, "step": 10},
    "lastModifiedDateTime": {"moment": "2025-01-01T00:00:00Z", "step_ms": 1000},
    "contactId": CONTACT,
    "contactNumber": "CT{n:05d}",
}


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


def customer(n: int) -> str:
    return CUSTOMER.format(n=n)


async def dump(bc: Client, columns: str, entity_set: str = "customers") -> list[dict[str, Any]]:
    answer = await bc.http.get(f"{bc.running.url}/_simulator/rows?table={entity_set}&columns={columns}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def send_lines(bc: Client, query: str, *rows: dict[str, Any]) -> httpx.Response:
    content = "\n".join(json.dumps(row) for row in rows)
    return await bc.http.post(f"{bc.running.url}/_simulator/rows?{query}", content=content)


async def test_a_template_makes_customers_with_their_contacts(bc: Client) -> None:
    assert (await bc.control("rows", table="customers", count=2500, start=5, values=VALUES))["rows"] == 2500
    row = await bc.one("customers", customer(7))
    assert (row["number"], row["city"], row["creditLimit"]) == ("C00007", "Hamburg", 1070)
    assert row["lastModifiedDateTime"] == "2025-01-01T00:00:07Z"
    contact = await bc.contact_of("customers", customer(7))
    assert (contact["id"], contact["number"], contact["displayName"]) == (
        CONTACT.format(n=7),
        "CT00007",
        "Customer 0007",
    )
    assert (contact["contactBusinessRelation"], contact["companyNumber"]) == ("Customer", "CT00007")
    assert contact["lastModifiedDateTime"] == row["lastModifiedDateTime"]
    rows = await dump(bc, "number,mobilePhoneNumber")
    assert [one["number"] for one in rows] == [f"C{n:05d}" for n in range(5, 2505)]
    assert rows[2]["@odata.etag"] == row["@odata.etag"]
    assert rows[0].keys() == {"@odata.etag", "id", "number", "mobilePhoneNumber"}


async def test_long_pages_are_whole_alone_and_in_a_batch(bc: Client) -> None:
    await bc.control("rows", table="customers", count=4100, values=VALUES)
    numbers = [f"C{n:05d}" for n in range(4100)]
    page = (await bc.get("customers", select="number")).json()
    assert [row["number"] for row in page["value"]] == numbers
    assert "@odata.nextLink" not in page
    read = {"method": "GET", "url": "customers?$select=number&$expand=contactsInformation"}
    for headers in ({}, {"Isolation": "snapshot"}):
        inside = (await bc.batch([read], **headers)).json()["responses"][0]["body"]["value"]
        assert [row["number"] for row in inside] == numbers
        assert all(len(row["contactsInformation"]) == 1 for row in inside)
    page = (await bc.get("customers", {"Prefer": "odata.maxpagesize=4000"}, select="number")).json()
    assert len(page["value"]) == 4000
    rest = (await bc.http.get(page["@odata.nextLink"])).json()
    assert [row["number"] for row in rest["value"]] == numbers[4000:]


async def test_persons_find_their_companies(bc: Client) -> None:
    await bc.control("rows", table="customers", count=10, values=VALUES)
    person = {"type": "Person", "displayName": "Ada Nr. {n}", "companyNumber": {"text": "CT{n:05d}", "divide": 2}}
    await bc.control("rows", table="contacts", count=20, values=person | {"number": "P{n}"})
    one = (await bc.rows("contacts", filter="number eq 'P9'"))[0]
    assert (one["companyName"], one["contactBusinessRelation"]) == ("Customer 0004", "Customer")
    assert len(await bc.rows(f"customers({customer(4)})/contactsInformation")) == 3


async def test_rows_of_the_past_are_in_no_feed_and_edits_are(bc: Client) -> None:
    await bc.control("rows", table="customers", count=30, values=VALUES)
    before = {row["id"]: row["@odata.etag"] for row in await dump(bc, "id")}
    since = "lastModifiedDateTime ge 2026-01-01T00:00:00Z"
    assert await bc.rows("customers", filter=since) == []
    edit = {"id": CUSTOMER, "displayName": "Edited {n}"}
    done = await bc.control("rows", table="customers", operation="update", count=3, step=10, values=edit)
    assert done["rows"] == 3
    changed = await bc.rows("customers", filter=since)
    assert [row["displayName"] for row in changed] == ["Edited 0", "Edited 10", "Edited 20"]
    assert all(row["@odata.etag"] != before[row["id"]] for row in changed)
    contacts = await bc.rows("contacts", filter=since)
    assert [row["displayName"] for row in contacts] == ["Edited 0", "Edited 10", "Edited 20"], "edits are mirrored"
    assert min(map(moment, contacts)).year >= 2026
    gone = await send_lines(bc, "table=customers&operation=delete", {"number": "C00001"}, {"id": customer(2)})
    assert gone.json()["rows"] == 2
    assert len(await bc.rows("customers")) == 28


async def test_given_rows_are_refused_as_those_of_a_client(bc: Client) -> None:
    good = [{"id": customer(n), "number": f"C{n:05d}", "displayName": f"{n}"} for n in range(1200)]
    answer = await send_lines(bc, "table=customers", *good[:1100], {"displayName": "x" * 101}, *good[1100:])
    assert answer.status_code == 400
    assert answer.json()["rows"] == 1000, "the first chunk is stored, of the second one nothing"
    assert answer.json()["error"]["message"].startswith("rows[1100]: Application_StringExceededLength")
    assert len(await dump(bc, "id")) == len(await dump(bc, "id", "contacts")) == 1000
    answer = await send_lines(bc, "table=customers", *good[1000:1003], good[999])
    assert answer.json()["error"]["message"].startswith("rows[3]: customers has such an id")
    assert refusal(await bc.post("customers", {"number": "C00000", "displayName": "x"}))[0] == 400


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"table": "nothing", "count": 1}, "table"),
        ({"table": "companies", "count": 1}, "operation"),
        ({"table": "customers", "count": 1, "values": {"nothing": 1}}, "rows[0]"),
        ({"table": "customers", "count": 1, "values": {"displayName": "x", "country": "??"}}, "rows[0]"),
        ({"table": "customers", "count": 1, "operation": "update", "values": {"city": "x"}}, "rows[0]"),
    ],
)
async def test_a_wrong_order_names_the_field(bc: Client, body: dict[str, Any], field: str) -> None:
    answer = await bc.http.post(f"{bc.running.url}/_simulator/rows", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{field}:")
    assert await dump(bc, "id") == []
