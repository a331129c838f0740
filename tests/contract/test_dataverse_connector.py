"""The Dataverse connector against the simulator: what it does, and how it gets through trouble."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from infra.local.dataverse.server import serving
from shared.adapters.dataverse import Dataverse
from shared.adapters.gate import RetryPolicy, gate_of
from shared.adapters.tokens import FixedToken
from shared.core.failures import FeedExpired, NeedsPerson, Passing
from shared.core.records import (
    ChangePage,
    Create,
    Delete,
    Record,
    RefusalKind,
    Refused,
    Update,
    Write,
    WriteResult,
    Written,
)
from shared.core.tables import Table, Values
from shared.defaults import standard_tables
from tests.contract.simulator_control import Control

_POLICY = RetryPolicy(patience=3.0, first_wait=0.02, longest_wait=0.1)
_COLUMNS = ["name", "fax", "creditlimit", "customertypecode", "transactioncurrencyid", "primarycontactid"]


def table(name: str) -> Table:
    return standard_tables()["dataverse", name]


ACCOUNT = table("account")


@dataclass
class Stage:
    """A simulator of its own and the connector to it."""

    store: Dataverse
    control: Control

    async def create(self, *names: str) -> list[Record]:
        """Accounts with these names and ids of ours."""
        writes = [Create({"name": name}, str(uuid4())) for name in names]
        return [written(result) for result in await self.write(*writes)]

    async def requests(self) -> int:
        """How many requests the simulator has met since it began or was told to forget."""
        return int((await self.control.stats())["requests"])

    async def names(self) -> list[str]:
        """The names of all accounts there are."""
        return sorted(str(record.values["name"]) for record in await self.store.all(ACCOUNT, ["name"]))

    async def write(self, *writes: Write) -> list[WriteResult]:
        return await self.store.write(ACCOUNT, writes, _COLUMNS)

    async def follow(self, position: str | None, page_size: int = 100) -> tuple[list[ChangePage], str | None]:
        """The pages of the feed until no more wait, and the position behind them."""
        pages: list[ChangePage] = []
        while not pages or pages[-1].more:
            pages.append(await self.store.changes(ACCOUNT, _COLUMNS, position, page_size))
            position = pages[-1].position
        return pages, position


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with serving() as running:
        store = Dataverse(running.url, FixedToken(running.token, running.url), policy=_POLICY)
        try:
            yield Stage(store, Control(running.url))
        finally:
            await store.aclose()


def written(result: WriteResult) -> Record:
    assert isinstance(result, Written), result
    return result.record


def refused(result: WriteResult) -> Refused:
    assert isinstance(result, Refused), result
    return result


def kinds(results: Sequence[WriteResult]) -> list[str]:
    return [str(result.kind) if isinstance(result, Refused) else "written" for result in results]


async def test_a_row_is_created_under_our_id_and_told_back_with_its_version(stage: Stage) -> None:
    [currency, *_] = await stage.store.all(table("transactioncurrency"), ["isocurrencycode"])
    key = str(uuid4())
    values: Values = {"name": "O'Hara & Søn \r\n--batch", "creditlimit": Decimal("1234.56"), "customertypecode": 3}
    [result] = await stage.write(Create({**values, "transactioncurrencyid": currency.id, "fax": None}, key))
    record = written(result)
    assert record.id == key
    assert record.values == {**values, "fax": None, "transactioncurrencyid": currency.id, "primarycontactid": None}
    assert record.etag
    assert record.modified_at is not None
    assert await stage.store.read(ACCOUNT, _COLUMNS, [key, str(uuid4())]) == {key: record}


async def test_lookups_are_set_read_and_cleared(stage: Stage) -> None:
    [account] = await stage.create("A")
    key, columns = str(uuid4()), ["lastname", "parentcustomerid"]
    person = Create({"lastname": "Person", "parentcustomerid": account.id}, key)
    [created] = await stage.store.write(table("contact"), [person], columns)
    assert written(created).values == {"lastname": "Person", "parentcustomerid": account.id}
    [linked] = await stage.write(Update(account.id, {"primarycontactid": key}))
    assert written(linked).values["primarycontactid"] == key
    [cleared] = await stage.store.write(table("contact"), [Update(key, {"parentcustomerid": None})], columns)
    assert written(cleared).values["parentcustomerid"] is None


async def test_each_write_has_its_own_result_in_the_order_given(stage: Stage) -> None:
    first, second, third, fourth = await stage.create("A", "B", "C", "D")
    await stage.control.edit("account", second.id, "update", name="By a person")
    nobody = str(uuid4())
    results = await stage.write(
        Update(first.id, {"name": "A2"}, first.etag),
        Update(second.id, {"name": "B2"}, second.etag),
        Update(nobody, {"name": "nobody"}),
        Update(third.id, {"fax": "x" * 51}),
        Create({"name": "E"}, first.id),
        Update(third.id, {"primarycontactid": nobody}),
        Update(third.id, {"fax": "1", "name": "C2"}, third.etag),
        Delete(second.id, second.etag),
        Delete(fourth.id, fourth.etag),
        Create({"name": "F"}),
    )
    assert kinds(results) == [
        "written", "changed", "gone", "invalid", "exists", "invalid", "written", "changed", "written", "written",
    ]  # fmt: skip
    assert [refused(results[at]).column for at in (3, 5)] == ["fax", "primarycontactid"]
    assert written(results[6]).etag != third.etag
    assert await stage.names() == ["A2", "By a person", "C2", "F"]


async def test_the_version_of_a_write_guards_the_next_one(stage: Stage) -> None:
    [record] = await stage.create("A")
    for name in ("B", "C"):
        [result] = await stage.write(Update(record.id, {"name": name}, record.etag))
        record = written(result)
    assert record.values["name"] == "C"


async def test_a_thousand_rows_cost_few_requests_once_the_service_has_shown_its_speed(stage: Stage) -> None:
    records = await stage.create(*(f"Account {number:04}" for number in range(8000)))
    assert await stage.requests() <= 32
    updates = [Update(record.id, {"fax": "1"}, record.etag) for record in records]
    assert {written(result).values["fax"] for result in await stage.write(*updates)} == {"1"}
    assert await stage.requests() <= 48

    await stage.control.forget()
    names = [f"Account {number:04}" for number in range(1000)]
    more = await stage.create(*(f"More {name}" for name in names))
    assert [record.values["name"] for record in more] == [f"More {name}" for name in names]
    assert await stage.requests() == 2
    results = await stage.write(*(Update(record.id, {"fax": "2"}, record.etag) for record in more))
    assert {written(result).values["fax"] for result in results} == {"2"}
    assert await stage.requests() == 3

    await stage.control.forget()
    found = await stage.store.read(ACCOUNT, ["name"], [*(record.id for record in records), str(uuid4())])
    assert found.keys() == {record.id for record in records}
    assert await stage.requests() == 1
    matches = await stage.store.find(ACCOUNT, ["name"], "name", names)
    assert sorted(str(record.values["name"]) for record in matches) == names
    assert await stage.requests() == 2


async def test_many_new_rows_and_a_few_changes_have_their_results_in_the_order_given(stage: Stage) -> None:
    changed, deleted = await stage.create("A", "B")
    creates: list[Write] = [Create({"name": f"New {number}"}, str(uuid4())) for number in range(120)]
    writes = [*creates[:60], Update(changed.id, {"name": "A2"}), *creates[60:], Delete(deleted.id)]
    results = [written(result) for result in await stage.write(*writes)]
    assert [record.id for record in results] == [write.id for write in writes]
    assert all(record.etag for record in results[:-1])
    assert (await stage.control.stats())["by_route"]["POST accounts/CreateMultiple"] == 1


async def test_one_bad_row_among_many_new_ones_costs_only_itself_and_one_more_request(stage: Stage) -> None:
    await stage.create(*(str(number) for number in range(100)))
    creates = [Create({"name": "x" * (161 if at == 70 else 5)}, str(uuid4())) for at in range(200)]
    await stage.control.forget()
    results = await stage.write(*creates)
    assert [at for at, result in enumerate(results) if not isinstance(result, Written)] == [70]
    assert (refused(results[70]).kind, refused(results[70]).column) == (RefusalKind.INVALID, "name")
    assert [written(result).id for at, result in enumerate(results) if at != 70] == [
        create.id for at, create in enumerate(creates) if at != 70
    ]
    assert await stage.requests() == 2


async def test_an_id_that_is_taken_refuses_only_its_own_row(stage: Stage) -> None:
    [taken] = await stage.create("A")
    creates = [Create({"name": f"New {at}"}, taken.id if at == 3 else str(uuid4())) for at in range(150)]
    results = await stage.write(*creates)
    assert [at for at, result in enumerate(results) if not isinstance(result, Written)] == [3]
    assert refused(results[3]).kind is RefusalKind.EXISTS
    assert await stage.store.read(ACCOUNT, ["name"], [taken.id]) == {
        taken.id: Record(taken.id, {"name": "A"}, taken.etag, taken.modified_at)
    }


@pytest.mark.parametrize("status", [None, 200, 500, 504])
async def test_many_new_rows_whose_answer_was_lost_are_made_once(stage: Stage, status: int | None) -> None:
    fault = {"route": "CreateMultiple", "after_commit": True} | ({} if status is None else {"status": status})
    await stage.control.trouble(**fault)
    creates = [Create({"name": f"New {at:03}"}, str(uuid4())) for at in range(150)]
    results = [written(result) for result in await stage.write(*creates)]
    assert [record.id for record in results] == [create.id for create in creates]
    assert await stage.names() == [f"New {at:03}" for at in range(150)]
    assert {record.id: record for record in results} == await stage.store.read(
        ACCOUNT, _COLUMNS, [record.id for record in results]
    )


async def test_rows_that_were_made_and_cannot_be_read_back_may_go_through_later(stage: Stage) -> None:
    await stage.control.trouble(method="GET", route="In", status=503, headers={"Retry-After": "100"})
    creates: list[Write] = [Create({"name": "New"}, str(uuid4())) for _ in range(150)]
    with pytest.raises(Passing):
        await stage.write(*creates)
    assert (await stage.control.stats())["writes"] == 150


@pytest.mark.parametrize(
    ("status", "code"), [(400, "0x80040800"), (404, "0x8006088a"), (404, "")], ids=["message", "segment", "resource"]
)
async def test_a_table_without_bulk_messages_is_asked_for_them_once(stage: Stage, status: int, code: str) -> None:
    body = {"error": {"code": code, "message": "not for this table"}}
    await stage.control.trouble(route="CreateMultiple", status=status, body=body)
    for _ in range(2):
        results = await stage.write(*(Create({"name": "New"}, str(uuid4())) for _ in range(100)))
        assert set(kinds(results)) == {"written"}
    assert (await stage.control.stats())["by_route"] == {
        "POST api/data/v9.2/accounts/Microsoft.Dynamics.CRM.CreateMultiple": 1,
        "POST $batch": 2,
    }


async def test_a_request_that_is_too_large_is_cut_in_halves(stage: Stage) -> None:
    await stage.control.trouble(route="batch|CreateMultiple", status=413, times=2)
    records = await stage.create(*(f"A{number:03}" for number in range(120)))
    assert await stage.names() == [f"A{number:03}" for number in range(120)]
    await stage.control.trouble(route="batch", status=413, times=2)
    results = await stage.write(*(Update(record.id, {"fax": "1"}, record.etag) for record in records))
    assert [written(result).id for result in results] == [record.id for record in records]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 429, "body": {"error": {"code": "0x80072321", "message": "Combined execution time"}}},
        {"status": 504},
        {"status": 408},
    ],
    ids=["execution time", "gateway", "time-out"],
)
async def test_what_is_too_much_for_the_service_makes_later_requests_smaller(
    stage: Stage, fault: dict[str, Any]
) -> None:
    updates = [Update(record.id, {"fax": "1"}) for record in await stage.create(*map(str, range(500)))]
    await stage.control.trouble(route="batch", headers={"Retry-After": "0.05"}, **fault)
    assert set(kinds(await stage.write(*updates))) == {"written"}
    await stage.control.forget()
    assert set(kinds(await stage.write(*updates))) == {"written"}
    assert await stage.requests() == 2
    assert set(kinds(await stage.write(*updates))) == {"written"}
    assert await stage.requests() == 3


async def test_every_attempt_is_counted_as_the_service_counts_it(stage: Stage) -> None:
    await stage.control.trouble(method="GET", status=503, times=2)
    await stage.create("A")
    assert await stage.names() == ["A"]
    assert stage.store.requests_sent == await stage.requests() == 4


async def test_a_refused_part_of_a_large_read_is_asked_for_again(stage: Stage) -> None:
    records = await stage.create(*(f"A{number:04}" for number in range(600)))
    await stage.control.trouble(method="GET", operations=True, status=429, headers={"Retry-After": "0.2"})
    before = time.monotonic()
    found = await stage.store.read(ACCOUNT, ["name"], [record.id for record in records])
    assert found.keys() == {record.id for record in records}
    assert time.monotonic() - before >= 0.2


async def test_a_whole_table_comes_in_the_largest_pages_there_are(stage: Stage) -> None:
    await stage.control.seed(account=5_500)
    assert [len(page) async for page in stage.store.ids(ACCOUNT)] == [5_000, 500]
    pages = [page async for page in stage.store.pages(ACCOUNT, ["name"])]
    assert [len(page) for page in pages] == [5_000, 500]
    assert len({record.id for page in pages for record in page}) == 5_500


async def test_the_feed_tells_every_row_then_changes_and_deletions(stage: Stage) -> None:
    records = await stage.create(*(f"A{number}" for number in range(7)))
    pages, position = await stage.follow(None, page_size=3)
    assert [len(page.records) for page in pages] == [3, 3, 1]
    assert {record.id for page in pages for record in page.records} == {record.id for record in records}
    assert all(record in records for page in pages for record in page.records)
    await stage.control.edit("account", records[2].id, "update", name="Edited")
    await stage.control.edit("account", records[5].id, "delete")
    [page], position = await stage.follow(position)
    assert [record.values["name"] for record in page.records] == ["Edited"]
    assert page.deleted == (records[5].id,)
    [page], _ = await stage.follow(position)
    assert (page.records, page.deleted) == ((), ())


async def test_a_feed_that_was_left_too_long_has_to_begin_again(stage: Stage) -> None:
    await stage.create("A")
    _, position = await stage.follow(None)
    await stage.control.settings(expire_change_tracking=True)
    with pytest.raises(FeedExpired):
        await stage.follow(position)
    [page], _ = await stage.follow(None)
    assert [record.values["name"] for record in page.records] == ["A"]


async def test_a_table_without_change_tracking_is_followed_all_the_same(stage: Stage) -> None:
    await stage.control.settings(change_tracking={"account": False})
    records = await stage.create("A", "B", "C")
    pages, position = await stage.follow(None, page_size=2)
    assert {record.id for page in pages for record in page.records} == {record.id for record in records}
    await stage.control.edit("account", records[0].id, "update", name="Edited")
    pages, _ = await stage.follow(position, page_size=2)
    assert "Edited" in [record.values["name"] for page in pages for record in page.records]


@pytest.mark.parametrize("name", ["O'Hara", "100% & more + #1", "a/b?c=d", "Łódź “quoted”", "日本", "[x]_y"])
async def test_rows_are_found_by_any_text(stage: Stage, name: str) -> None:
    await stage.create(name, "Another")
    found = await stage.store.find(ACCOUNT, ["name"], "name", [name, "absent", ""])
    assert [record.values["name"] for record in found] == [name]


async def test_a_row_that_several_values_find_is_told_once(stage: Stage) -> None:
    await stage.create("Nordwind")
    values = ["nordwind", *(f"absent {number}" for number in range(200)), "NORDWIND"]
    assert len(await stage.store.find(ACCOUNT, ["name"], "name", values)) == 1


async def test_rows_are_found_by_what_they_refer_to(stage: Stage) -> None:
    first, second = await stage.create("A", "B")
    people = [
        Create({"lastname": account.id[:8], "parentcustomerid": account.id}, str(uuid4()))
        for account in (first, second)
    ]
    await stage.store.write(table("contact"), people, [])
    found = await stage.store.find(table("contact"), ["lastname"], "parentcustomerid", [first.id])
    assert [record.values["lastname"] for record in found] == [first.id[:8]]


async def test_throttling_is_waited_for(stage: Stage) -> None:
    await stage.control.trouble(route="batch", status=429, times=2, headers={"Retry-After": "0.1"})
    await stage.control.trouble(method="GET", status=429)
    await stage.create("A")
    assert await stage.names() == ["A"]


async def test_a_throttled_operation_inside_a_batch_may_go_through_later_and_holds_the_others(stage: Stage) -> None:
    body = {"error": {"code": "0x80072322", "message": "Number of requests exceeded the limit."}}
    await stage.control.trouble(method="PATCH", operations=True, status=429, headers={"Retry-After": "0.3"}, body=body)
    results = await stage.write(Create({"name": "A"}, str(uuid4())), Create({"name": "B"}, str(uuid4())))
    assert kinds(results) == ["passing", "written"]
    before = time.monotonic()
    await stage.write(Create({"name": "C"}, str(uuid4())))
    assert time.monotonic() - before >= 0.25


@pytest.mark.parametrize("status", [None, 504])
async def test_a_create_with_our_id_whose_answer_was_lost_is_done_once(stage: Stage, status: int | None) -> None:
    fault = {"route": "batch", "after_commit": True} | ({} if status is None else {"status": status})
    await stage.control.trouble(**fault)
    keys = [str(uuid4()), str(uuid4())]
    results = await stage.write(*(Create({"name": key[:4]}, key) for key in keys))
    assert [written(result).id for result in results] == keys
    assert {key: record.etag for key, record in (await stage.store.read(ACCOUNT, ["name"], keys)).items()} == {
        written(result).id: written(result).etag for result in results
    }
    await stage.control.trouble(**fault)
    assert kinds(await stage.write(Create({"name": "no id of ours"}))) == ["unknown"]


async def test_reads_survive_gateways_and_cut_connections(stage: Stage) -> None:
    [record] = await stage.create("A")
    for fault in ({"status": 503}, {"status": 502, "body": "<html>Bad gateway</html>"}, {"cut": True}):
        await stage.control.trouble(method="GET", **fault)
    assert list(await stage.store.read(ACCOUNT, _COLUMNS, [record.id])) == [record.id]


async def test_a_service_that_stays_down_ends_the_run_for_now(stage: Stage) -> None:
    await stage.control.trouble(method="GET", status=503, times=1000, headers={"Retry-After": "100"})
    with pytest.raises(Passing) as failure:
        await stage.store.all(ACCOUNT, _COLUMNS)
    assert failure.value.retry_after == pytest.approx(100, abs=1)


async def test_a_privilege_that_is_missing_is_named_with_who_lacks_it(stage: Stage) -> None:
    [record] = await stage.create("A")
    await stage.control.settings(privileges={"Synchronization": {"account": ["read"]}})
    [result] = await stage.write(Update(record.id, {"name": "B"}))
    assert refused(result).kind is RefusalKind.FORBIDDEN
    assert "the caller with the fixed token lacks a privilege on Account" in refused(result).message
    with pytest.raises(NeedsPerson, match=r"prvReadContact.*security role"):
        await stage.store.all(table("contact"), ["lastname"])


async def test_the_health_report_names_each_table_and_what_to_do(stage: Stage) -> None:
    assert [check.message for check in await stage.store.check() if not check.ok] == []
    rights = {name: ["read"] for name in ("contact", "systemuser", "transactioncurrency")}
    await stage.control.settings(privileges={"Synchronization": rights})
    failing = [check for check in await stage.store.check() if not check.ok]
    assert [check.name for check in failing] == ["Dataverse: Account"]
    assert "organization-wide read" in failing[0].fix


async def test_the_labels_of_a_choice_are_told_by_value(stage: Stage) -> None:
    assert await stage.store.choices(ACCOUNT, "paymenttermscode") == {
        1: "Net 30",
        2: "2% 10, Net 30",
        3: "Net 45",
        4: "Net 60",
    }
    assert (await stage.store.choices(ACCOUNT, "statecode"))[0] == "Active"


async def test_the_hint_of_the_service_is_followed(stage: Stage) -> None:
    await stage.control.settings(dop_hint=7)
    await stage.names()
    assert gate_of(stage.store.account, 1).limit == 7
