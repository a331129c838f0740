"""The Business Central connector against the simulator: what it does, and how it gets through trouble."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

import pytest

from infra.local.business_central.server import serving
from shared.adapters import feeds
from shared.adapters.business_central import BusinessCentral
from shared.adapters.gate import RetryPolicy
from shared.adapters.tokens import FixedToken
from shared.core.failures import NeedsPerson, Passing
from shared.core.records import Create, Delete, Record, RefusalKind, Refused, Update, Write, WriteResult, Written
from shared.core.tables import Table, Values
from shared.defaults import standard_tables
from tests.contract.simulator_control import Control

_POLICY = RetryPolicy(patience=3.0, first_wait=0.02, longest_wait=0.1)
_COLUMNS = ["number", "displayName", "city", "country", "email", "creditLimit", "blocked", "currencyId"]


def table(name: str) -> Table:
    return standard_tables()["business_central", name]


CUSTOMERS = table("customers")


@dataclass
class Stage:
    """A simulator of its own and the connector to it."""

    store: BusinessCentral
    control: Control

    async def create(self, *names: str, **values: str) -> list[Record]:
        """Customers with these names, as the connector wrote them."""
        writes = [Create({"displayName": name, **values}) for name in names]
        return [written(result) for result in await self.store.write(CUSTOMERS, writes, _COLUMNS)]

    async def requests(self) -> int:
        """How many requests the simulator has met since it began or was told to forget."""
        return int((await self.control.stats())["requests"])

    async def names(self) -> list[str]:
        """The names of all customers there are."""
        return sorted(str(record.values["displayName"]) for record in await self.store.all(CUSTOMERS, _COLUMNS))

    async def write(self, *writes: Write) -> list[WriteResult]:
        return await self.store.write(CUSTOMERS, writes, _COLUMNS)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with serving() as running:
        tokens = FixedToken(running.token, running.url)
        store = BusinessCentral(running.url, running.company_id, tokens, policy=_POLICY)
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


async def test_a_written_record_is_told_back_as_the_service_has_it(stage: Stage) -> None:
    values: Values = {
        "displayName": "O'Hara & Søn",
        "country": "DK",
        "city": "Århus",
        "creditLimit": Decimal("1234.56"),
    }
    [result] = await stage.write(Create({**values, "email": None, "currencyId": None}))
    record = written(result)
    assert record.values | values == record.values
    assert record.values["number"]
    assert (record.values["email"], record.values["blocked"], record.values["currencyId"]) == (None, None, None)
    assert record.etag
    assert record.modified_at is not None
    assert await stage.store.read(CUSTOMERS, _COLUMNS, [record.id]) == {record.id: record}


async def test_each_write_has_its_own_result_in_the_order_given(stage: Stage) -> None:
    first, second, third, fourth = await stage.create("A", "B", "C", "D")
    await stage.control.edit("customers", second.id, "update", displayName="By a person")
    results = await stage.write(
        Update(first.id, {"displayName": "A2"}, first.etag),
        Update(second.id, {"displayName": "B2"}, second.etag),
        Update(str(uuid4()), {"displayName": "nobody"}),
        Update(third.id, {"displayName": "x" * 101}),
        Create({"displayName": "E", "number": first.values["number"]}),
        Update(third.id, {"blocked": "All", "currencyId": None, "displayName": "C2"}),
        Update(third.id, {"country": "XX"}),
        Delete(fourth.id, 'W/"c3RhbGU="'),
        Delete(fourth.id, fourth.etag),
    )
    assert kinds(results) == [
        "written", "changed", "gone", "invalid", "exists", "written", "invalid", "changed", "written",
    ]  # fmt: skip
    assert [refused(results[at]).column for at in (3, 6)] == ["displayName", "country"]
    assert written(results[5]).values["blocked"] == "All"
    assert await stage.names() == ["A2", "By a person", "C2"]


async def test_changing_the_country_with_its_address_keeps_the_address(stage: Stage) -> None:
    [record] = await stage.create("A", country="DK", city="Århus")
    [result] = await stage.write(Update(record.id, {"city": "Malmö", "country": "SE"}, record.etag))
    assert (written(result).values["country"], written(result).values["city"]) == ("SE", "Malmö")


async def test_a_thousand_changes_cost_ten_requests_and_reading_a_thousand_one(stage: Stage) -> None:
    names = [f"Customer {number:04}" for number in range(1000)]
    records = await stage.create(*names)
    assert [record.values["displayName"] for record in records] == names
    assert await stage.requests() == 10
    results = await stage.write(*(Update(record.id, {"city": "Bonn"}, record.etag) for record in records))
    assert {written(result).values["city"] for result in results} == {"Bonn"}
    assert await stage.requests() == 20
    found = await stage.store.read(CUSTOMERS, ["displayName"], [record.id for record in records])
    assert found.keys() == {record.id for record in records}
    matches = await stage.store.find(CUSTOMERS, ["displayName"], "displayName", names)
    assert sorted(str(record.values["displayName"]) for record in matches) == names
    assert await stage.requests() == 22


@pytest.mark.parametrize(("writes", "requests"), [(1, 1), (20, 1), (21, 2), (100, 5), (500, 5), (510, 6)])
async def test_operations_run_one_by_one_so_they_are_spread_over_five_requests(
    stage: Stage, writes: int, requests: int
) -> None:
    await stage.create(*(f"Customer {number}" for number in range(writes)))
    assert await stage.requests() == requests


async def test_what_a_large_read_does_not_show_is_asked_for_plainly(stage: Stage) -> None:
    """That parts of a batch read the primary is not documented, and what is missing counts as deleted."""
    records = await stage.create(*(f"Customer {number}" for number in range(250)))
    await stage.control.forget()
    found = await stage.store.read(CUSTOMERS, [], [*(record.id for record in records), str(uuid4())])
    assert found.keys() == {record.id for record in records}
    assert (await stage.control.stats())["by_route"] == {"POST $batch": 1, "GET customers": 1}


async def test_a_request_that_is_too_large_is_cut_in_halves(stage: Stage) -> None:
    await stage.control.trouble(route="batch", status=413, times=3)
    records = await stage.create(*(f"A{number:03}" for number in range(60)))
    assert [record.values["displayName"] for record in records] == [f"A{number:03}" for number in range(60)]
    assert await stage.names() == [f"A{number:03}" for number in range(60)]


async def test_the_feed_tells_every_record_once_and_then_what_changed(stage: Stage) -> None:
    records = await stage.create(*(f"C{number}" for number in range(7)))
    told: list[Record] = []
    position, more = None, True
    while more:
        page = await stage.store.changes(CUSTOMERS, _COLUMNS, position, 3)
        told, position, more = [*told, *page.records], page.position, page.more
    assert sorted(record.id for record in told) == sorted(record.id for record in records)
    await stage.control.edit("customers", records[2].id, "update", displayName="Edited")
    page = await stage.store.changes(CUSTOMERS, _COLUMNS, position, 100)
    assert "Edited" in [record.values["displayName"] for record in page.records]
    assert page.more is False


async def test_a_feed_falls_silent_when_nothing_has_changed_for_an_hour(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_TOLD", 2)
    await stage.create("A", "B", "C")
    await stage.control.settings(clock_offset_ms=3_600_000)
    position, told = None, []
    for _ in range(3):
        page = await stage.store.changes(CUSTOMERS, ["displayName"], position, 100)
        position = page.position
        told.append(len(page.records))
    assert told == [3, 3, 0]
    await stage.create("D")
    page = await stage.store.changes(CUSTOMERS, ["displayName"], position, 100)
    assert [record.values["displayName"] for record in page.records] == ["D"]


async def test_only_the_first_scan_of_a_feed_is_read_from_the_replica(stage: Stage) -> None:
    await stage.create("A")
    first = await stage.store.changes(CUSTOMERS, ["displayName"], None, 100)
    await stage.control.settings(replica_lag_ms=60_000)
    await stage.create("B")
    assert (await stage.store.changes(CUSTOMERS, ["displayName"], None, 100)).records == first.records
    page = await stage.store.changes(CUSTOMERS, ["displayName"], first.position, 100)
    assert [record.values["displayName"] for record in page.records] == ["B"]


async def test_a_feed_whose_link_died_is_completed_all_the_same(stage: Stage) -> None:
    await stage.create("A", "B", "C")
    first = await stage.store.changes(CUSTOMERS, ["displayName"], None, 2)
    body = {"error": {"code": "SkipTokenIsNoLongerValid", "message": "The skip token is no longer valid."}}
    await stage.control.trouble(method="GET", route="skiptoken", status=400, body=body)
    again = await stage.store.changes(CUSTOMERS, ["displayName"], first.position, 100)
    assert sorted(str(record.values["displayName"]) for record in again.records) == ["A", "B", "C"]


@pytest.mark.parametrize("name", ["O'Hara", "100% & more + #1", "a/b?c=d", "Łódź “quoted”", "日本"])
async def test_records_are_found_by_any_text(stage: Stage, name: str) -> None:
    await stage.create(name, "Another")
    found = await stage.store.find(CUSTOMERS, ["displayName"], "displayName", [name, "absent", ""])
    assert [record.values["displayName"] for record in found] == [name]


async def test_more_values_than_fit_into_one_address_are_found(stage: Stage) -> None:
    names = [f"{number:03} " + "ä" * 90 for number in range(120)]
    await stage.create(*names)
    found = await stage.store.find(CUSTOMERS, ["displayName"], "displayName", names)
    assert sorted(str(record.values["displayName"]) for record in found) == names


async def test_reads_see_our_own_writes_although_the_replica_lags(stage: Stage) -> None:
    await stage.control.settings(replica_lag_ms=60_000)
    [record] = await stage.create("Just written")
    assert record.id in await stage.store.read(CUSTOMERS, ["displayName"], [record.id])
    assert await stage.store.find(CUSTOMERS, ["displayName"], "displayName", ["Just written"])
    assert (await stage.store.changes(CUSTOMERS, ["displayName"], None, 10)).records == ()


async def test_throttling_is_waited_for(stage: Stage) -> None:
    await stage.control.trouble(route="batch", status=429, times=2, headers={"Retry-After": "0.1"})
    await stage.control.trouble(method="GET", status=429)
    await stage.create("A")
    assert await stage.names() == ["A"]


async def test_a_throttled_operation_inside_a_batch_is_looked_for_later_and_holds_the_others(stage: Stage) -> None:
    await stage.control.trouble(method="POST", operations=True, status=429, headers={"Retry-After": "0.3"})
    throttled, written = await stage.write(Create({"displayName": "A"}), Create({"displayName": "B"}))
    assert kinds([throttled, written]) == ["unknown", "written"]
    assert isinstance(throttled, Refused)
    assert throttled.status == 429  # after which one look is enough
    before = time.monotonic()
    await stage.write(Create({"displayName": "C"}))
    assert time.monotonic() - before >= 0.25


@pytest.mark.parametrize("status", [None, 504])
async def test_a_create_whose_answer_was_lost_is_unknown_and_not_repeated(stage: Stage, status: int | None) -> None:
    [existing] = await stage.create("Existing")
    fault = {"route": "batch", "after_commit": True, "times": 1}
    await stage.control.trouble(**fault, **({} if status is None else {"status": status}))
    creates = await stage.write(Create({"displayName": "A"}), Create({"displayName": "B"}))
    assert kinds(creates) == ["unknown", "unknown"]
    assert await stage.names() == ["A", "B", "Existing"]
    await stage.control.trouble(**fault, **({} if status is None else {"status": status}))
    assert kinds(await stage.write(Update(existing.id, {"displayName": "Updated"}))) == ["written"]
    assert await stage.names() == ["A", "B", "Updated"]


async def test_reads_survive_gateways_and_cut_connections(stage: Stage) -> None:
    [record] = await stage.create("A")
    for fault in ({"status": 503}, {"status": 502, "body": "<html>Bad gateway</html>"}, {"cut": True}):
        await stage.control.trouble(method="GET", **fault)
    assert list(await stage.store.read(CUSTOMERS, _COLUMNS, [record.id])) == [record.id]


async def test_a_service_that_stays_down_ends_the_run_for_now(stage: Stage) -> None:
    await stage.control.trouble(method="GET", status=503, times=1000, headers={"Retry-After": "100"})
    with pytest.raises(Passing) as failure:
        await stage.store.all(CUSTOMERS, _COLUMNS)
    assert failure.value.retry_after == pytest.approx(100, abs=1)


async def test_a_permission_that_is_missing_is_named_with_who_lacks_it(stage: Stage) -> None:
    [record] = await stage.create("A")
    await stage.control.settings(permissions={"Synchronization": {"customers": ["read"], "vendors": []}})
    [result] = await stage.write(Update(record.id, {"displayName": "B"}))
    assert refused(result).kind is RefusalKind.FORBIDDEN
    assert "the caller with the fixed token lacks a permission on Customer" in refused(result).message
    with pytest.raises(NeedsPerson, match="Microsoft Entra Applications"):
        await stage.store.all(table("vendors"), ["displayName"])


async def test_the_health_report_names_each_table_and_what_to_do(stage: Stage) -> None:
    assert all(check.ok for check in await stage.store.check())
    await stage.control.settings(permissions={"Synchronization": {"vendors": []}})
    failing = [check for check in await stage.store.check() if not check.ok]
    assert [check.name for check in failing] == ["Business Central: Vendor"]
    assert "Microsoft Entra Applications" in failing[0].fix
    wrong = BusinessCentral("http://127.0.0.1:9", "x", FixedToken("t", "http://127.0.0.1"), policy=RetryPolicy(0.01))
    assert not any(check.ok for check in await wrong.check())
    await wrong.aclose()


async def test_a_missing_company_never_looks_like_deleted_records(stage: Stage) -> None:
    [record] = await stage.create("A")
    await stage.control.settings(company_available=False)
    with pytest.raises(NeedsPerson, match="no such company"):
        await stage.store.read(CUSTOMERS, _COLUMNS, [record.id])
    with pytest.raises(NeedsPerson, match="no such company"):
        await stage.write(Update(record.id, {"displayName": "B"}), Delete(record.id))


async def test_a_token_that_is_not_accepted_needs_a_person(stage: Stage) -> None:
    stranger = BusinessCentral(
        stage.store._service.root.removesuffix("/api/v2.0"), "x", FixedToken("no", "http://[::1]")
    )
    with pytest.raises(NeedsPerson, match="does not let the caller with the fixed token in"):
        await stranger.all(CUSTOMERS, [])
    await stranger.aclose()


async def test_the_company_contacts_of_many_customers_cost_one_request(stage: Stage) -> None:
    records = await stage.create(*(f"Customer {number}" for number in range(120)))
    await stage.control.forget()
    found = await stage.store.company_contacts(CUSTOMERS, [record.id for record in records])
    assert found.keys() == {record.id for record in records}
    assert await stage.requests() == 1


async def test_the_company_contacts_of_customers_are_told_by_number(stage: Stage) -> None:
    company, person = await stage.create("A company"), await stage.create("A person", type="Person")
    found = await stage.store.company_contacts(CUSTOMERS, [company[0].id, person[0].id, str(uuid4())])
    assert set(found) == {company[0].id}
    [contact] = await stage.store.find(table("contacts"), ["displayName", "type"], "number", list(found.values()))
    assert contact.values == {"displayName": "A company", "type": "Company"}
