"""The Dataverse simulator: rows in bulk, as a bench needs them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, simulator

ACCOUNT = "{n:08x}-0000-4000-8000-00000000acc0"
VALUES = {
    "accountid": ACCOUNT,
    "name": "Customer {n:04d}",
    "address1_city": {"cycle": ["Berlin", "Hamburg"]},
    "creditlimit": {"number": 1000, "step": 10},
    "customertypecode": 3,
    "modifiedon": {"moment": "2025-01-01T00:00:00Z", "step_ms": 1000},
}


@pytest.fixture
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


def account(n: int) -> str:
    return ACCOUNT.format(n=n)


async def dump(dataverse: Client, columns: str, table: str = "account") -> list[dict[str, Any]]:
    answer = await dataverse.http.get(f"{dataverse.url}/_simulator/rows?table={table}&columns={columns}")
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def send_lines(dataverse: Client, query: str, *rows: dict[str, Any]) -> httpx.Response:
    content = "\n".join(json.dumps(row) for row in rows)
    return await dataverse.http.post(f"{dataverse.url}/_simulator/rows?{query}", content=content)


async def test_a_template_makes_rows_that_can_be_worked_out(dataverse: Client) -> None:
    made = await dataverse.control("rows", table="account", count=2500, start=5, values=VALUES)
    assert made["rows"] == 2500
    row = await dataverse.row(f"accounts({account(7)})")
    assert (row["name"], row["address1_city"], row["modifiedon"]) == (
        "Customer 0007",
        "Hamburg",
        "2025-01-01T00:00:07Z",
    )
    assert (row["creditlimit"], row["creditlimit_base"], row["statecode"]) == (1070, 1070, 0), "as on create"
    rows = await dump(dataverse, "name")
    assert [one["name"] for one in rows] == [f"Customer {n:04d}" for n in range(5, 2505)]
    assert rows[2]["@odata.etag"] == row["@odata.etag"]


async def test_persons_find_their_companies(dataverse: Client) -> None:
    await dataverse.control("rows", table="accounts", count=10, values=VALUES)
    company = {"text": f"/accounts({ACCOUNT})", "divide": 2, "modulo": 10}
    values = {"lastname": "Person {n}", "parentcustomerid_account@odata.bind": company}
    await dataverse.control("rows", table="contact", count=24, values=values)
    assert len(await dataverse.rows(f"accounts({account(0)})/contact_customer_accounts")) == 4
    assert len(await dataverse.rows(f"accounts({account(9)})/contact_customer_accounts")) == 2


async def test_rows_of_the_past_are_in_no_delta(dataverse: Client) -> None:
    await dataverse.create("accounts", name="before")
    first = await dataverse("GET", "accounts?$select=name", prefer="odata.track-changes")
    link = first.json()["@odata.deltaLink"]
    await dataverse.control("rows", table="account", count=30, values=VALUES, tracked=False)
    assert await dataverse.rows(link) == []
    await dataverse.control("rows", table="account", count=1, start=99, values=VALUES)
    assert [row["name"] for row in await dataverse.rows(link)] == ["Customer 0099"]
    await dataverse("PATCH", f"accounts({account(3)})", {"name": "changed"})
    assert [row["name"] for row in await dataverse.rows(link)] == ["Customer 0099", "changed"]
    everything = await dataverse.rows("accounts?$select=name", prefer="odata.track-changes")
    assert len(everything) == 32, "who reads everything sees them"


async def test_the_present_position_can_be_asked_for(dataverse: Client) -> None:
    await dataverse.control("rows", table="account", count=30, values=VALUES)
    answer = await dataverse.http.get(f"{dataverse.url}/_simulator/delta_link?table=account&select=name,fax")
    link = answer.json()["delta_link"]
    read = await dataverse("GET", "accounts?$select=name,fax", prefer="odata.track-changes")
    assert link.partition("%21")[0] == read.json()["@odata.deltaLink"].partition("%21")[0]
    assert await dataverse.rows(link) == []
    await dataverse("PATCH", f"accounts({account(3)})", {"name": "changed"})
    assert [row.keys() for row in await dataverse.rows(link)] == [{"@odata.etag", "name", "fax", "accountid"}]


async def test_people_edit_many_rows(dataverse: Client) -> None:
    await dataverse.control("rows", table="account", count=30, values=VALUES, tracked=False)
    before = {row["accountid"]: row["@odata.etag"] for row in await dump(dataverse, "accountid")}
    link = (await dataverse("GET", "accounts?$select=name", prefer="odata.track-changes")).json()["@odata.deltaLink"]
    edit = {"accountid": ACCOUNT, "name": "Edited {n}"}
    done = await dataverse.control("rows", table="account", operation="update", count=3, step=10, values=edit)
    assert done["rows"] == 3
    changed = await dataverse.rows(link)
    assert [row["name"] for row in changed] == ["Edited 0", "Edited 10", "Edited 20"]
    assert all(row["@odata.etag"] != before[row["accountid"]] for row in changed)
    row = await dataverse.row(f"accounts({account(10)})?$expand=modifiedby($select=fullname)")
    assert row["modifiedon"] > "2026"
    assert row["modifiedby"]["fullname"] == "Ada Admin"
    gone = await send_lines(dataverse, "table=account&operation=delete", {"accountid": account(0)})
    assert gone.json()["rows"] == 1
    assert [row.get("reason") for row in await dataverse.rows(link)] == [None, None, "deleted"]


async def test_given_rows_are_refused_as_those_of_a_client(dataverse: Client) -> None:
    good = [{"accountid": account(n), "name": f"{n}"} for n in range(1200)]
    answer = await send_lines(dataverse, "table=account", *good[:1100], {"name": "x" * 161}, *good[1100:])
    assert answer.status_code == 400
    assert answer.json()["rows"] == 1000, "the first chunk is stored, of the second one nothing"
    assert answer.json()["error"]["message"].startswith("rows[1100]: 0x80044331")
    assert len(await dump(dataverse, "name")) == 1000
    answer = await send_lines(dataverse, "table=account&tracked=false", *good[999:1001])
    assert answer.json()["error"]["message"].startswith("rows[0]: a record with this id")
    again = await dataverse("POST", "accounts", good[0])
    assert error_of(again) == (412, "0x80040237")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"table": "nothing", "count": 1}, "table.nothing"),
        ({"table": "account"}, "count"),
        ({"table": "account", "count": 1, "operation": "merge"}, "operation"),
        ({"table": "account", "count": 1, "rows": 1}, "rows"),
        ({"table": "account", "count": 1, "values": {"name": "{n:q}"}}, "values.name"),
        ({"table": "account", "count": 1, "values": {"name": {"any": 1}}}, "values.name"),
        ({"table": "account", "count": 1, "values": {"nothing": 1}}, "rows[0]"),
        ({"table": "account", "count": 1, "values": {"modifiedon": "now"}}, "rows[0]"),
        ({"table": "account", "count": 1, "operation": "update", "values": {"name": "x"}}, "rows[0]"),
        ({"table": "account", "count": 1, "user": "Nobody"}, "user"),
    ],
)
async def test_a_wrong_order_names_the_field(dataverse: Client, body: dict[str, Any], field: str) -> None:
    answer = await dataverse.http.post(f"{dataverse.url}/_simulator/rows", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{field}:")
    assert await dump(dataverse, "name") == []
