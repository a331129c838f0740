"""Previews over the API: what would be done is shown, nothing is done, and carrying it out does just that."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs

import pytest

from shared.core.jobs import Job
from shared.core.mapping import UpdateConflictResolution
from shared.core.sides import Side
from shared.services.context import Policy
from shared.services.repositories import couplings, work_items
from tests.unit.functions.api import Api
from tests.world import ACCOUNT, CUSTOMERS, World


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
def world(api: Api) -> World:
    return api.world


async def preview(api: Api, **body: object) -> tuple[str, dict[str, Any]]:
    """Ask for a preview of the customers and let it be worked out; its id and its first page."""
    started = await api.call("request_preview", body={"mapping": "CUSTOMER", **body})
    assert started.status == 202, started.text
    await api.world.work_off()
    (one,) = started.json["previews"]
    page = await api.call("get_preview", {"id": one["id"]})
    assert page.status == 200, page.text
    assert page.json["status"] == "succeeded", page.text
    return one["id"], page.json


async def carry_out(api: Api, one: str, **body: object) -> list[Job]:
    """Have a preview carried out, and let that be done; the jobs."""
    started = await api.call("carry_out_preview", {"id": one}, body=body)
    assert started.status == 202, started.text
    await api.world.work_off()
    return await api.world.services.jobs.get_many([job["id"] for job in started.json["jobs"]])


def effects(page: dict[str, Any]) -> list[tuple[str, str | None]]:
    return sorted((item["effect"], item["side"]) for item in page["items"])


async def stored(world: World) -> dict[str, object]:
    """Couplings, work items and positions: what a preview must leave alone."""
    found: dict[str, object] = {}
    for table in (couplings.TABLE, work_items.TABLE):
        for row in await world.state.scan(table, "default|CUSTOMER"):
            found[f"{table}|{row.key}"] = row.body
    return found | {"positions": (await world.services.runs("CUSTOMER").state()).positions}


async def in_step(world: World) -> tuple[str, str]:
    """One coupled pair in step; the ids of account and customer."""
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    account = world.account(name="Adatum", telephone1="1", emailaddress1="a@adatum.example")
    await world.synchronize("CUSTOMER")
    (customer,) = world.business_central.rows(CUSTOMERS)
    return account, customer


async def test_a_preview_shows_and_does_nothing_and_carrying_it_out_does_it(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.business_central.edit(CUSTOMERS, customer, {"email": "b@adatum.example"})
    fresh = world.account(name="Fabrikam")
    other = world.customer(displayName="Contoso", number="C1")
    before, written = await stored(world), world.written
    one, page = await preview(api)

    assert await stored(world) == before
    assert world.written == written
    assert effects(page) == [("create", "business_central"), ("create", "dataverse"), ("update", None)]
    (update,) = [item for item in page["items"] if item["effect"] == "update"]
    changes = {(value["side"], value["column"]): (value["old"], value["new"]) for value in update["values"]}
    assert changes == {
        ("business_central", "phoneNumber"): ("1", "2"),
        ("dataverse", "emailaddress1"): ("a@adatum.example", "b@adatum.example"),
    }
    jobs = await carry_out(api, one)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    assert world.row(ACCOUNT, account)["emailaddress1"] == "b@adatum.example"
    assert sum(job.counters.inserted for job in jobs) == 2
    assert sum(job.counters.modified for job in jobs) == 2
    found = await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [fresh])
    assert found
    assert await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [other])

    written = world.written
    await world.synchronize("CUSTOMER")
    assert world.written == written, "the run after it has nothing left to write"


async def test_what_is_to_be_written_on_both_sides_is_written_though_time_is_up_between_them() -> None:
    world = World(policy=Policy(slice_time=timedelta(0)))
    api = Api(world)
    account, customer = await in_step(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.business_central.edit(CUSTOMERS, customer, {"email": "b@adatum.example"})
    one, _ = await preview(api)
    jobs = await carry_out(api, one)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    assert world.row(ACCOUNT, account)["emailaddress1"] == "b@adatum.example"
    assert [(job.counters.modified, job.counters.skipped) for job in jobs] == [(1, 0)] * 2


async def test_what_has_moved_since_is_left_alone(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    second = world.account(name="Fabrikam", telephone1="7")
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.dataverse.edit(ACCOUNT, second, {"telephone1": "8"})
    third = world.account(name="Northwind")
    one, page = await preview(api)
    assert len(page["items"]) == 3

    world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    world.dataverse.edit(ACCOUNT, third, {"name": "Northwind Traders"})
    jobs = await carry_out(api, one)

    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "1"
    assert len(world.business_central.rows(CUSTOMERS)) == 2
    assert sum(job.counters.skipped for job in jobs) == 2
    assert sum(job.counters.modified for job in jobs) == 1
    sentences = [text for job in jobs for text in job.messages]
    assert any("Adatum" in text and "moved since the preview" in text for text in sentences)
    await world.synchronize("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "3"
    assert len(world.business_central.rows(CUSTOMERS)) == 3


async def test_a_record_that_has_a_match_now_is_not_created(api: Api, world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    world.account(name="Adatum", emailaddress1="a@adatum.example")
    one, page = await preview(api)
    assert effects(page) == [("create", "business_central")]
    world.customer(displayName="Adatum", email="a@adatum.example", number="C1")
    jobs = await carry_out(api, one)
    assert len(world.business_central.rows(CUSTOMERS)) == 1
    assert sum(job.counters.skipped for job in jobs) == 1


async def test_records_that_match_are_shown_and_coupled(api: Api, world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    account = world.account(name="Adatum", emailaddress1="a@adatum.example", telephone1="1")
    customer = world.customer(displayName="Adatum", email="a@adatum.example", number="C1")
    one, page = await preview(api)
    assert [(item["effect"], item["couples"]) for item in page["items"]] in (
        [("couple", True)],
        [("conflict", False)],
    )
    assert not await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])
    if page["items"][0]["effect"] == "couple":
        jobs = await carry_out(api, one)
        assert sum(job.counters.coupled for job in jobs) == 1
        found = await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])
        assert found[account].business_central.id == customer
        assert world.row(CUSTOMERS, customer)["phoneNumber"] == "1"


async def test_a_full_preview_also_shows_what_is_not_coupled(api: Api, world: World) -> None:
    await in_step(world)
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    world.account(name="Fabrikam")
    await world.synchronize("CUSTOMER")
    _, modified = await preview(api)
    one, full = await preview(api, what="full")
    assert modified["items"] == []
    assert effects(full) == [("create", "business_central")]
    assert full["looked_at"] >= 2
    jobs = await carry_out(api, one)
    assert sum(job.counters.inserted for job in jobs) == 1


async def test_the_choice_for_certain_records_shows_what_it_overwrites(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    one, page = await preview(api, what="records", dataverse_ids=[account], choice="send")
    (item,) = page["items"]
    phone = {"side": "dataverse", "column": "telephone1", "old": "2", "new": "1"}
    assert phone in item["values"]
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "4"})
    jobs = await carry_out(api, one)
    assert world.row(ACCOUNT, account)["telephone1"] == "4", "what was shown to be overwritten was something else"
    assert sum(job.counters.skipped for job in jobs) == 1
    one, _ = await preview(api, what="records", business_central_ids=[customer], choice="send")
    await carry_out(api, one)
    assert world.row(ACCOUNT, account)["telephone1"] == "1"


async def test_uncoupling_is_shown_and_done(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    one, page = await preview(api, what="uncouple", dataverse_ids=[account])
    assert effects(page) == [("uncouple", None)]
    assert page["items"][0]["business_central"]["id"] == customer
    jobs = await carry_out(api, one)
    assert sum(job.counters.uncoupled for job in jobs) == 1
    assert not await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])
    assert len(world.business_central.rows(CUSTOMERS)) == 1


async def broken(world: World) -> tuple[str, str]:
    """A coupled pair whose customer was deleted; the ids of account and customer."""
    account, customer = await in_step(world)
    world.business_central.remove(CUSTOMERS, customer)
    return account, customer


async def test_restoring_is_shown_with_all_values_and_done(api: Api, world: World) -> None:
    account, customer = await broken(world)
    one, page = await preview(api, what="restore", dataverse_ids=[account])
    (item,) = page["items"]
    assert (item["effect"], item["side"]) == ("restore", "business_central")
    assert {value["column"]: value["new"] for value in item["values"]}["displayName"] == "Adatum"
    assert world.business_central.rows(CUSTOMERS) == {}
    jobs = await carry_out(api, one)
    assert sum(job.counters.inserted for job in jobs) == 1
    (restored,) = world.business_central.rows(CUSTOMERS)
    assert restored != customer
    found = await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])
    assert found[account].business_central.id == restored


@pytest.mark.parametrize("moves", [False, True])
async def test_deleting_is_shown_and_done_to_the_version_that_was_seen(api: Api, world: World, moves: bool) -> None:
    account, _ = await broken(world)
    one, page = await preview(api, what="delete", dataverse_ids=[account])
    assert effects(page) == [("delete", "dataverse")]
    assert account in world.dataverse.rows(ACCOUNT)
    if moves:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "9"})
    jobs = await carry_out(api, one)
    assert sum(job.counters.deleted for job in jobs) == (0 if moves else 1)
    assert (account in world.dataverse.rows(ACCOUNT)) is moves
    assert bool(await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])) is moves


async def test_a_conflict_is_decided_field_by_field(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2", "emailaddress1": "d@adatum.example"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3", "email": "b@adatum.example"})
    fields = {"phoneNumber": "dataverse", "email": "business_central"}
    one, page = await preview(api, what="records", dataverse_ids=[account], fields=fields)
    (item,) = page["items"]
    assert {(value["column"], value["old"], value["new"]) for value in item["values"]} == {
        ("phoneNumber", "3", "2"),
        ("emailaddress1", "d@adatum.example", "b@adatum.example"),
    }
    await carry_out(api, one)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    assert world.row(ACCOUNT, account)["emailaddress1"] == "b@adatum.example"


async def test_a_full_preview_shows_who_wins_and_what_it_would_overwrite(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    await world.change("CUSTOMER", update_conflict_resolution=UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3"})
    one, page = await preview(api, what="full")
    assert page["wins"] == "business_central"
    assert "Business Central wins." in (await api.call("get_preview_table", {"id": one})).text
    (item,) = page["items"]
    assert (item["effect"], item["reason"]) == ("update", "overwritten")
    assert [(value["column"], value["old"], value["new"]) for value in item["values"]] == [("telephone1", "2", "3")]


async def test_a_conflict_is_shown_with_both_values_and_left(api: Api, world: World) -> None:
    account, customer = await in_step(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3"})
    one, page = await preview(api)
    (item,) = page["items"]
    assert item["effect"] == "conflict"
    assert item["fields"] == [{"field": "phoneNumber", "business_central": "3", "dataverse": "2"}]
    jobs = await carry_out(api, one)
    assert all(job.counters.modified == job.counters.skipped == 0 for job in jobs)
    assert await world.items("CUSTOMER") == []


async def test_an_outdated_or_guarded_preview_is_refused(api: Api, world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    accounts = [world.account(name=f"Customer {number}", telephone1="1") for number in range(30)]
    await world.synchronize("CUSTOMER")
    for account in accounts[:20]:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": None})
    one, page = await preview(api)
    assert "blank values of 20" in page["guard"]
    refused = await api.call("carry_out_preview", {"id": one}, body={})
    assert (refused.status, refused.code) == (409, "guard_tripped")
    jobs = await carry_out(api, one, release_guard=True)
    assert sum(job.counters.modified for job in jobs) == 20

    world.dataverse.edit(ACCOUNT, accounts[25], {"telephone1": "9"})
    one, _ = await preview(api)
    await world.change("CUSTOMER", guard_percent=50)
    page = (await api.call("get_preview", {"id": one})).json
    assert page["outdated"] is True
    refused = await api.call("carry_out_preview", {"id": one}, body={})
    assert (refused.status, refused.code) == (409, "preview_outdated")


async def test_pages_and_the_table_for_people(api: Api, world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    for number in range(7):
        world.account(name=f"<b>Customer</b> {number}")
    one, page = await preview(api)
    seen, continuation = [], None
    while True:
        query = "limit=3" + (f"&continuation={continuation}" if continuation else "")
        found = (await api.call("get_preview", {"id": one}, query=query)).json
        seen += [item["dataverse"]["id"] for item in found["items"]]
        continuation = found["continuation"]
        if continuation is None:
            break
    assert len(seen) == len(set(seen)) == 7
    table = await api.call("get_preview_table", {"id": one})
    assert table.headers["content-type"].startswith("text/html")
    assert table.text.count("&lt;b&gt;Customer&lt;/b&gt;") >= 7
    assert "<b>" not in table.text
    assert page["counts"] == [{"effect": "create", "side": "business_central", "pairs": 7}]
    assert all("would be created" in item["explanation"] for item in page["items"])


async def test_the_table_leads_on_with_the_key_and_the_size_that_brought_one_there(api: Api, world: World) -> None:
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    for number in range(5):
        world.account(name=f"Customer {number}")
    one, _ = await preview(api)
    first = await api.call("get_preview_table", {"id": one}, query="limit=3&code=local%26key")
    (onward,) = re.findall(r'href="\?([^"]+)"', first.text)
    second = await api.call("get_preview_table", {"id": one}, query=unescape(onward))
    assert (parse_qs(unescape(onward))["code"], first.text.count("<tr>"), second.text.count("<tr>")) == (
        ["local&key"],
        4,
        3,
    )


@pytest.mark.parametrize("continuation", ["0", "-1.0", "%C2%B2.0", "0.x"])
async def test_a_continuation_that_was_never_given_out_is_refused(api: Api, continuation: str) -> None:
    one, _ = await preview(api)
    refused = await api.call("get_preview", {"id": one}, query=f"continuation={continuation}")
    assert (refused.status, refused.code) == (400, "invalid_value")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"what": "records", "mapping": "CUSTOMER"}, "invalid_value"),
        ({"what": "everything"}, "invalid_value"),
        ({"what": "modified", "choice": "send"}, "invalid_value"),
        ({"what": "modified", "unconditional": True}, "invalid_value"),
        ({"what": "full", "mapping": "CUSTOMER", "unconditional": True}, "direction_forbids"),
        ({"what": "modified", "mapping": "NOBODY"}, "unknown_mapping"),
        (
            {"what": "uncouple", "mapping": "CUSTOMER", "dataverse_ids": ["00000000-0000-4000-8000-000000000000"]},
            "not_coupled",
        ),
    ],
)
async def test_senseless_requests_are_refused(api: Api, body: dict[str, object], code: str) -> None:
    assert (await api.call("request_preview", body=body)).code == code


async def test_a_senseless_request_for_all_mappings_starts_none(api: Api, world: World) -> None:
    answer = await api.call("request_preview", body={"what": "full", "unconditional": True})
    assert answer.code == "direction_forbids"
    jobs, _ = await world.services.jobs.page(None, 10)
    assert jobs == []
