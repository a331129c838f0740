"""The synchronization log of one record, as callers read it: every change of its pair, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.core.mapping import DeletionConflictResolution, UpdateConflictResolution
from shared.core.records import RefusalKind, Refused, Write, WriteResult
from shared.core.sides import Side
from shared.core.tables import Table
from tests.unit.functions.api import Answered, Api
from tests.world import ACCOUNT, CUSTOMERS

TO, FROM = "ToIntegrationTable", "FromIntegrationTable"
NAME = {
    Side.BUSINESS_CENTRAL: ("business_central", "displayName"),
    Side.DATAVERSE: ("dataverse", "name"),
}


@pytest.fixture
async def api() -> Api:
    api = Api()
    await api.world.change("CUSTOMER", enabled=True)
    await api.world.open_all()
    return api


async def log(api: Api, query: str) -> dict[str, Any]:
    answered = await api.call("record_log", query=f"mapping=CUSTOMER&{query}")
    assert answered.status == 200, answered.text
    return dict(answered.json)


def told(found: dict[str, Any]) -> list[tuple[str, str, list[str]]]:
    return [(touch["what"], touch["rule"], touch["directions"]) for touch in found["touches"]]


def change(side: Side, old: object, new: object) -> dict[str, object]:
    return {"side": NAME[side][0], "column": NAME[side][1], "old": old, "new": new}


async def couple(api: Api, customer: str, account: str) -> Answered:
    """Couple them; the job is done while the call waits for its end, as a host does it."""
    body = {"mapping": "CUSTOMER", "pairs": [{"business_central_id": customer, "dataverse_id": account}]}
    call = asyncio.create_task(api.call("couple", body=body, headers={"x-functions-key": "key"}))
    while not call.done():
        await api.world.work_off()
        await asyncio.sleep(0.01)
    return call.result()


async def created(api: Api) -> tuple[str, str]:
    """A customer and the account that was created for it; their ids."""
    customer = api.world.customer(displayName="Adatum")
    await api.world.synchronize("CUSTOMER")
    (account,) = api.world.dataverse.rows(ACCOUNT)
    return customer, account


async def test_edits_of_both_sides_are_told_with_old_and_new_and_unchanged_looks_are_not(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Adatum Ltd"})
    jobs = await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"name": "Adatum Inc"})
    await world.synchronize("CUSTOMER")
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Adatum Inc"})  # nothing new
    await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert told(found) == [
        ("updated", "source_changed", [FROM]),
        ("updated", "source_changed", [TO]),
        ("created", "new_record", [TO]),
    ]
    back, there, _ = found["touches"]
    assert back["changes"] == [change(Side.BUSINESS_CENTRAL, "Adatum Ltd", "Adatum Inc")]
    assert there["changes"] == [change(Side.DATAVERSE, "Adatum", "Adatum Ltd")]
    (job,) = there["jobs"]
    (sent,) = (one for (_, direction), one in jobs.items() if direction == TO)
    assert (job["id"], job["trigger"], job["direction"]) == (sent.id, "person", TO)
    assert found == await log(api, f"dataverse_id={account}")
    assert (found["business_central"]["id"], found["dataverse"]["id"]) == (customer, account)


async def test_a_conflict_is_an_open_error_and_its_end_a_touch_with_the_rule_that_decided(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Here"})
    world.dataverse.edit(ACCOUNT, account, {"name": "There"})
    await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert (found["error"]["reason"], found["error"]["attempts"], found["count"]) == ("update_conflict", 1, 1)
    await world.change("CUSTOMER", update_conflict_resolution=UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION)
    await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert found["error"] is None
    assert told(found)[0] == ("updated", "conflict_decided", [TO])
    assert found["touches"][0]["changes"] == [change(Side.DATAVERSE, "There", "Here")]  # the edit that gave way


async def test_the_same_edit_on_both_sides_is_told_as_agreed(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Same"})
    world.dataverse.edit(ACCOUNT, account, {"name": "Same"})
    await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert told(found)[0] == ("agreed", "in_step", [])
    assert found["touches"][0]["changes"] == [change(side, "Adatum", "Same") for side in Side]


async def test_what_was_uncoupled_and_coupled_again_is_told_as_one_story(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    body = {"mappings": ["CUSTOMER"], "business_central_ids": [customer]}
    asked = await api.call("uncouple", body=body)
    assert asked.status == 202, asked.text
    await world.work_off()
    for query in (f"business_central_id={customer}", f"dataverse_id={account}"):
        found = await log(api, query)
        assert (found["business_central"], found["coupled_at"]) == (None, None)
        assert told(found) == [("uncoupled", "chosen", []), ("created", "new_record", [TO])]
    assert found["touches"][0]["requested_by"]
    world.clock.advance(minutes=1)
    await couple(api, customer, account)
    found = await log(api, f"dataverse_id={account}")
    assert told(found)[0] == ("coupled", "chosen", [])
    assert found["count"] == 3
    assert found["coupled_at"] is not None


async def test_a_restored_record_goes_on_with_what_was_known_of_its_pair(api: Api) -> None:
    world = api.world
    await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.RESTORE_RECORDS)
    customer, account = await created(api)
    world.dataverse.remove(ACCOUNT, account)
    await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert told(found) == [("restored", "restored", [TO]), ("created", "new_record", [TO])]


async def test_a_log_is_paged_and_a_deleted_job_keeps_its_id(api: Api) -> None:
    world = api.world
    customer, _ = await created(api)
    for number in range(3):
        world.business_central.edit(CUSTOMERS, customer, {"displayName": f"Adatum {number}"})
        await world.synchronize("CUSTOMER")
    query, seen = f"business_central_id={customer}&limit=3", []
    page = await log(api, query)
    seen += page["touches"]
    while page["continuation"]:
        page = await log(api, f"{query}&continuation={page['continuation']}")
        seen += page["touches"]
    assert [touch["what"] for touch in seen] == ["updated"] * 3 + ["created"]
    assert page["count"] == 4
    assert all(job["status"] == "succeeded" for touch in seen for job in touch["jobs"])


async def test_a_record_that_nothing_was_done_to_has_an_empty_log(api: Api) -> None:
    found = await log(api, "business_central_id=00000000-0000-4000-8000-000000000000")
    assert (found["touches"], found["count"], found["business_central"], found["error"]) == ([], 0, None, None)


async def test_what_a_person_has_chosen_is_told_as_that(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Here"})
    world.dataverse.edit(ACCOUNT, account, {"name": "There"})
    body = {"mapping": "CUSTOMER", "business_central_ids": [customer], "choice": "get"}
    assert (await api.call("sync_now", body=body)).status == 202
    await world.work_off()
    found = await log(api, f"business_central_id={customer}")
    assert told(found)[0] == ("updated", "chosen", [FROM])
    assert found["touches"][0]["changes"] == [change(Side.BUSINESS_CENTRAL, "Here", "There")]


async def test_records_that_agree_are_coupled_by_their_match_fields(api: Api) -> None:
    world = api.world
    world.account(name="Adatum", emailaddress1="a@adatum.example")
    customer = world.customer(displayName="Adatum", email="a@adatum.example")
    await world.synchronize("CUSTOMER")
    first = told(await log(api, f"business_central_id={customer}"))[-1]
    assert first == ("coupled", "matched", [])


async def test_the_record_that_was_left_and_deleted_keeps_its_log(api: Api) -> None:
    world = api.world
    customer, account = await created(api)
    world.dataverse.remove(ACCOUNT, account)
    await world.synchronize("CUSTOMER")
    (error,) = (await api.call("list_errors", query="mapping=CUSTOMER")).json["errors"]
    asked = await api.call("delete_records", body={"ids": [error["id"]]})
    assert asked.status == 202, asked.text
    await world.work_off()
    assert world.business_central.rows(CUSTOMERS) == {}
    for query in (f"business_central_id={customer}", f"dataverse_id={account}"):
        assert told(await log(api, query)) == [("deleted", "chosen", []), ("created", "new_record", [TO])]


async def test_a_write_whose_answer_was_lost_is_told_when_it_is_found(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = api.world
    customer, _ = await created(api)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Adatum Ltd"})
    write = world.dataverse.write

    async def unanswered(table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        await write(table, writes, returning)
        return [Refused(RefusalKind.UNKNOWN, "") for _ in writes]

    with monkeypatch.context() as deaf:
        deaf.setattr(world.dataverse, "write", unanswered)
        await world.synchronize("CUSTOMER")
    assert told(await log(api, f"business_central_id={customer}")) == [("created", "new_record", [TO])]
    for _ in range(3):
        world.clock.advance(minutes=15)
        await world.synchronize("CUSTOMER")
    found = await log(api, f"business_central_id={customer}")
    assert told(found) == [("updated", "source_changed", [TO]), ("created", "new_record", [TO])]
    assert found["touches"][0]["changes"] == [change(Side.DATAVERSE, "Adatum", "Adatum Ltd")]
