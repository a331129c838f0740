"""Pages and change tracking of the Dataverse simulator."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote

import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, simulator

TRACK = "odata.track-changes"


@pytest.fixture
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


async def seeded(dataverse: Client, accounts: int) -> None:
    await dataverse.control("seed", tables={"systemuser": 2, "account": accounts})


async def names(dataverse: Client, path: str, **options: str) -> list[str]:
    return [row["name"] for row in await dataverse.rows(path, **options)]


@pytest.mark.parametrize(
    "order",
    [
        "",
        "$orderby=name",
        "$orderby=name desc",
        "$orderby=address1_line2 desc,name",
        "$orderby=numberofemployees,modifiedon desc",
    ],
)
async def test_pages_hold_every_row_once_and_in_order(dataverse: Client, order: str) -> None:
    await seeded(dataverse, 53)
    whole = await names(dataverse, f"accounts?$select=name&{order}")
    assert len(set(whole)) == 53
    assert await names(dataverse, f"accounts?$select=name&{order}", prefer="odata.maxpagesize=7") == whole


async def test_the_page_size_counts_for_one_request(dataverse: Client) -> None:
    await seeded(dataverse, 30)
    first = (
        await dataverse("GET", "accounts?$select=name&$filter=statecode eq 0", prefer="odata.maxpagesize=10")
    ).json()
    link = first["@odata.nextLink"]
    assert link.startswith(f"{dataverse.root}accounts?")
    assert re.search(
        r'^<cookie pagenumber="2" pagingcookie="%253c.+" istracking="False" />$',
        unquote(link.partition("skiptoken=")[2]),
    )
    assert len((await dataverse("GET", link)).json()["value"]) == 20
    assert len((await dataverse("GET", link, prefer="odata.maxpagesize=5")).json()["value"]) == 5
    both = (await dataverse("GET", "accounts?$top=3", prefer="odata.maxpagesize=10")).json()
    assert len(both["value"]) == 10, "$top yields to the page size"
    only = (await dataverse("GET", "accounts?$top=3")).json()
    assert (len(only["value"]), only.get("@odata.nextLink")) == (3, None)
    broken = await dataverse("GET", f"{link[:-9]}")
    assert broken.status_code == 400


async def test_pages_and_counts_end_at_five_thousand(dataverse: Client) -> None:
    await seeded(dataverse, 5_003)
    annotations = (
        'odata.maxpagesize=9999,odata.include-annotations="Microsoft.Dynamics.CRM.totalrecordcount,'
        'Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"'
    )
    page = (await dataverse("GET", "accounts?$select=name&$count=true", prefer=annotations)).json()
    assert len(page["value"]) == 5000
    assert (page["@odata.count"], page["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"]) == (5000, True)
    assert len((await dataverse("GET", page["@odata.nextLink"])).json()["value"]) == 3
    assert (await dataverse("GET", "accounts/$count")).text == "5000"
    total = await dataverse.row("RetrieveTotalRecordCount(EntityNames=@p)?@p=['account']")
    assert total["EntityRecordCountCollection"]["Values"] == [5003]


async def tracked(dataverse: Client, path: str, **options: str) -> tuple[list[dict[str, Any]], str]:
    """All entries over all pages, and the delta link, which only the last page has."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = await dataverse("GET", path, **options)
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows += body["value"]
        if "@odata.nextLink" not in body:
            return rows, body["@odata.deltaLink"]
        assert "@odata.deltaLink" not in body
        path = body["@odata.nextLink"]
        options = {"prefer": "odata.maxpagesize=10"}


async def test_a_delta_tells_changes_by_version_then_deletions(dataverse: Client) -> None:
    await seeded(dataverse, 25)
    rows, link = await tracked(dataverse, "accounts?$select=name", prefer=f"{TRACK},odata.maxpagesize=10")
    assert len({row["accountid"] for row in rows}) == 25
    ids = [row["accountid"] for row in rows]
    assert (await tracked(dataverse, link))[0] == []
    for row_id in ids[5:20]:
        await dataverse("PATCH", f"accounts({row_id})", {"name": "first"})
    await dataverse("PATCH", f"accounts({ids[5]})", {"name": "second"})
    await dataverse("DELETE", f"accounts({ids[0]})")
    await dataverse("DELETE", f"accounts({ids[6]})")
    passing = await dataverse.create("accounts", name="passing")
    await dataverse("DELETE", f"accounts({passing})")
    changes, following = await tracked(dataverse, link, prefer="odata.maxpagesize=4")
    deleted = {"reason": "deleted", "@odata.context": f"{dataverse.root}$metadata#accounts/$deletedEntity"}
    assert [row.get("accountid") for row in changes] == [*ids[7:20], ids[5], None, None, None]
    assert changes[13]["name"] == "second"
    assert changes[14:] == [{"id": row_id, **deleted} for row_id in (ids[0], ids[6], passing)]
    assert set(changes[0]) == {"@odata.etag", "name", "accountid"}, "$select is baked into the link"
    assert (await tracked(dataverse, following))[0] == []
    token = link.partition("deltatoken=")[2]
    assert re.fullmatch(r"\d+!\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", unquote(token))
    assert (await dataverse("GET", f"accounts/$count?$deltatoken={token}")).text == "17"


async def test_what_changes_while_pages_are_read_comes_with_the_next_delta(dataverse: Client) -> None:
    await seeded(dataverse, 20)
    first = (await dataverse("GET", "accounts?$select=name", prefer=f"{TRACK},odata.maxpagesize=10")).json()
    changed = first["value"][0]["accountid"]
    await dataverse("PATCH", f"accounts({changed})", {"name": "meanwhile"})
    _, link = await tracked(dataverse, first["@odata.nextLink"])
    rows, _ = await tracked(dataverse, link)
    assert [row["name"] for row in rows] == ["meanwhile"]


async def test_a_row_that_comes_back_is_no_deletion(dataverse: Client) -> None:
    row_id = await dataverse.create("accounts", name="back")
    _, link = await tracked(dataverse, "accounts?$select=name", prefer=TRACK)
    await dataverse("DELETE", f"accounts({row_id})")
    await dataverse("PATCH", f"accounts({row_id})", {"name": "again"})
    rows, _ = await tracked(dataverse, link)
    assert [row.get("name") for row in rows] == ["again"]


async def test_a_deleted_company_takes_its_contacts_out_of_their_feed(dataverse: Client) -> None:
    account = await dataverse.create("accounts", name="c", contact_customer_accounts=[{"lastname": "x"}])
    _, link = await tracked(dataverse, "contacts?$select=fullname", prefer=TRACK)
    await dataverse("DELETE", f"accounts({account})")
    rows, _ = await tracked(dataverse, link)
    assert [row["reason"] for row in rows] == ["deleted"]


@pytest.mark.parametrize("option", ["$filter=statecode eq 0", "$orderby=name", "$top=5", "$expand=primarycontactid"])
async def test_tracking_forbids_options(dataverse: Client, option: str) -> None:
    answer = await dataverse("GET", f"accounts?{option}", prefer=TRACK)
    assert answer.status_code == 400
    name = option.partition("=")[0]
    message = f'The "{name}" query parameter isn\'t supported when Change Tracking is enabled.'
    assert answer.json()["error"]["message"] == message


async def test_tokens_expire_and_tracking_can_be_off(dataverse: Client) -> None:
    await dataverse.create("accounts", name="a")
    _, link = await tracked(dataverse, "accounts?$select=name", prefer=TRACK)
    await dataverse.control("settings", expire_change_tracking=True)
    assert error_of(await dataverse("GET", link))[1] == "0x80044352"
    rows, link = await tracked(dataverse, "accounts?$select=name", prefer=TRACK)
    assert len(rows) == 1
    assert (await tracked(dataverse, link))[0] == []
    future = re.sub(r"deltatoken=\d+", "deltatoken=99999999", link)
    assert error_of(await dataverse("GET", future))[1] == "0x80044352"
    old = re.sub(r"%2f\d{4}%20", "%2f2020%20", link)
    assert error_of(await dataverse("GET", old))[1] == "0x80044352"
    await dataverse.control("settings", change_tracking={"contact": False})
    assert error_of(await dataverse("GET", "contacts", prefer=TRACK))[1] == "0x80072491"
    definition = "EntityDefinitions(LogicalName='contact')"
    assert (await dataverse.row(f"{definition}?$select=ChangeTrackingEnabled"))["ChangeTrackingEnabled"] is False
    await dataverse("PUT", definition, {"ChangeTrackingEnabled": True})
    assert (await dataverse("GET", "contacts", prefer=TRACK)).status_code == 200
    assert error_of(await dataverse("GET", "organizations", prefer=TRACK))[1] == "0x80072491"
