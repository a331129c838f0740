"""What `ports.RowStore` promises, held against memory and against the connectors over the simulators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.adapters.business_central import BusinessCentral
from shared.adapters.dataverse import Dataverse
from shared.adapters.tokens import FixedToken
from shared.core.failures import FeedExpired
from shared.core.records import Create, Delete, Record, RefusalKind, Refused, Update, Write, WriteResult, Written
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.defaults import standard_tables
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from shared.ports import BusinessCentralStore, DataverseStore, RowStore
from tests.contract.conftest import Simulator

CUSTOMERS = standard_tables()["business_central", "customers"]
CONTACTS = standard_tables()["business_central", "contacts"]
SALESPEOPLE = standard_tables()["business_central", "salespeoplePurchasers"]
ACCOUNTS = standard_tables()["dataverse", "account"]
PERSONS = standard_tables()["dataverse", "contact"]

NOBODY = "00000000-0000-4000-8000-00000000dead"
_numbers = count(1)


@dataclass
class Bench[S: RowStore]:
    """A store, and the table of companies on its side with the names of a few of its columns."""

    store: S
    table: Table
    name: str
    city: str
    street: str

    @property
    def columns(self) -> list[str]:
        return [self.name, self.city, self.street]

    def company(self, **changes: str | None) -> Create:
        """A new company that nobody else has."""
        values: Values = {self.name: f"Company {uuid4()}", self.city: "Rostock", self.street: "Hafenstraße 12"}
        values |= {getattr(self, key): value for key, value in changes.items()}
        return Create(values, id=None if self.table.side is Side.BUSINESS_CENTRAL else str(uuid4()))

    async def write(self, *writes: Write, returning: Sequence[str] | None = None) -> list[WriteResult]:
        return await self.store.write(self.table, writes, self.columns if returning is None else returning)

    async def create(self, **changes: str | None) -> Record:
        (result,) = await self.write(self.company(**changes))
        return done(result)

    async def read(self, *ids: str) -> dict[str, Record]:
        return await self.store.read(self.table, self.columns, ids)

    async def now(self, record: Record) -> Record:
        return (await self.read(record.id))[record.id]


def business_central_bench(store: BusinessCentralStore) -> Bench[BusinessCentralStore]:
    return Bench(store, CUSTOMERS, "displayName", "city", "addressLine1")


def dataverse_bench(store: DataverseStore) -> Bench[DataverseStore]:
    return Bench(store, ACCOUNTS, "name", "address1_city", "address1_line1")


@pytest.fixture(scope="session")
async def business_central(business_central_simulator: Simulator) -> AsyncIterator[BusinessCentralStore]:
    simulator = business_central_simulator
    store = BusinessCentral(simulator.url, simulator.company_id, FixedToken(simulator.token, simulator.url))
    yield store
    await store.aclose()


@pytest.fixture(scope="session")
async def dataverse(dataverse_simulator: Simulator) -> AsyncIterator[DataverseStore]:
    store = Dataverse(dataverse_simulator.url, FixedToken(dataverse_simulator.token, dataverse_simulator.url))
    yield store
    await store.aclose()


@pytest.fixture(params=["memory", "simulator"])
def erp(request: pytest.FixtureRequest) -> Bench[BusinessCentralStore]:
    """Business Central."""
    if request.param == "memory":
        return business_central_bench(MemoryBusinessCentral(SettableClock(), SequentialIds(1)))
    return business_central_bench(request.getfixturevalue("business_central"))


@pytest.fixture(params=["memory", "simulator"])
def crm(request: pytest.FixtureRequest) -> Bench[DataverseStore]:
    """Dataverse."""
    if request.param == "memory":
        return dataverse_bench(MemoryDataverse(SettableClock(), SequentialIds(2)))
    return dataverse_bench(request.getfixturevalue("dataverse"))


@pytest.fixture(
    params=["business central memory", "business central simulator", "dataverse memory", "dataverse simulator"]
)
def bench(request: pytest.FixtureRequest) -> Bench[Any]:
    """Either side."""
    match request.param:
        case "business central memory":
            return business_central_bench(MemoryBusinessCentral(SettableClock(), SequentialIds(1)))
        case "business central simulator":
            return business_central_bench(request.getfixturevalue("business_central"))
        case "dataverse memory":
            return dataverse_bench(MemoryDataverse(SettableClock(), SequentialIds(2)))
        case _:
            return dataverse_bench(request.getfixturevalue("dataverse"))


def done(result: WriteResult) -> Record:
    assert isinstance(result, Written), result
    return result.record


def refused(result: WriteResult) -> tuple[RefusalKind, str | None]:
    assert isinstance(result, Refused), result
    assert result.message
    return result.kind, result.column


# Both sides -----------------------------------------------------------------------------------------------------------


async def test_a_new_row_is_answered_as_it_is_then_read(bench: Bench[Any]) -> None:
    wanted = bench.company(name="Ångström & Søn «东京» O'Neill")
    record = done((await bench.write(wanted))[0])
    assert record.id == str(UUID(record.id))
    assert record.values == wanted.values
    assert record.etag
    assert (await bench.now(record)).values == wanted.values
    assert (await bench.now(record)).etag == record.etag


async def test_what_does_not_exist_is_left_out(bench: Bench[Any]) -> None:
    record = await bench.create()
    assert (await bench.read(NOBODY, record.id)).keys() == {record.id}
    assert await bench.read() == {}


async def test_an_update_changes_its_columns_and_the_version(bench: Bench[Any]) -> None:
    before = await bench.create()
    after = done((await bench.write(Update(before.id, {bench.city: "Bremen"}, before.etag)))[0])
    assert after.values == before.values | {bench.city: "Bremen"}
    assert after.etag != before.etag
    assert after == await bench.now(before)


async def test_a_stale_version_refuses_and_none_does_not(bench: Bench[Any]) -> None:
    old = await bench.create()
    new = done((await bench.write(Update(old.id, {bench.city: "Bremen"})))[0])
    results = await bench.write(Update(old.id, {bench.city: "Lübeck"}, old.etag), Delete(old.id, old.etag))
    assert [refused(result)[0] for result in results] == [RefusalKind.CHANGED, RefusalKind.CHANGED]
    assert await bench.now(old) == new
    assert done((await bench.write(Delete(old.id, new.etag)))[0]).id == old.id
    assert await bench.read(old.id) == {}


async def test_a_missing_row_is_gone(bench: Bench[Any]) -> None:
    row = await bench.create()
    await bench.write(Delete(row.id))
    results = await bench.write(
        Update(NOBODY, {bench.city: "Bremen"}), Delete(NOBODY), Update(row.id, {bench.city: "x"}, row.etag)
    )
    assert [refused(result)[0] for result in results] == [RefusalKind.GONE] * 3


async def test_one_refusal_costs_only_itself(bench: Bench[Any]) -> None:
    row = await bench.create()
    long = "x" * ((bench.table.column(bench.city).max_length or 0) + 1)
    results = await bench.write(
        bench.company(city=long),
        Update(row.id, {bench.street: "Before", bench.city: long}),
        bench.company(city="Bremen"),
        Update(row.id, {bench.street: "After"}),
    )
    assert [refused(result) for result in results[:2]] == [(RefusalKind.INVALID, bench.city)] * 2
    assert done(results[2]).values[bench.city] == "Bremen"
    assert (await bench.now(row)).values == row.values | {bench.street: "After"}


async def test_the_longest_text_goes_in(bench: Bench[Any]) -> None:
    longest = "ß" * (bench.table.column(bench.city).max_length or 0)
    assert (await bench.create(city=longest)).values[bench.city] == longest


async def test_many_writes_are_answered_in_their_order(bench: Bench[Any]) -> None:
    wanted = [bench.company(street=f"Street {number}") for number in range(250)]
    records = [done(result) for result in await bench.write(*wanted)]
    assert [record.values for record in records] == [create.values for create in wanted]
    assert (await bench.read(*(record.id for record in records))).keys() == {record.id for record in records}


async def test_a_blank_is_none_and_none_blanks(bench: Bench[Any]) -> None:
    blank = await bench.create(city=None)
    assert blank.values[bench.city] is None
    filled = await bench.create()
    after = done((await bench.write(Update(filled.id, {bench.city: None})))[0])
    assert after.values == filled.values | {bench.city: None}


async def test_read_only_columns_are_not_sent(bench: Bench[Any]) -> None:
    row = await bench.create()
    modified = bench.table.modified or ""
    read = await bench.store.read(bench.table, [modified], [row.id])
    (result,) = await bench.write(Update(row.id, {bench.city: "Bremen", modified: None}), returning=[modified])
    assert done(result).values[modified] is not None
    assert read[row.id].values[modified] == read[row.id].modified_at


async def test_rows_are_found_by_a_column(bench: Bench[Any]) -> None:
    names = [f"{each} {uuid4()}" for each in ("O'Neill & Co", "Ångström", "50% _[x]", "東京, +1")]
    rows = {name: await bench.create(name=name) for name in names}
    await bench.create()
    found = await bench.store.find(bench.table, bench.columns, bench.name, [*names, names[0], "", str(uuid4())])
    assert {record.values[bench.name]: record for record in found} == rows
    assert len(found) == len(names)
    assert await bench.store.find(bench.table, bench.columns, bench.name, [""]) == []
    assert await bench.store.find(bench.table, bench.columns, bench.name, []) == []


async def test_rows_are_found_by_many_values(bench: Bench[Any]) -> None:
    results = await bench.write(*(bench.company() for _ in range(120)))
    names = [str(done(result).values[bench.name]) for result in results]
    found = await bench.store.find(bench.table, [bench.name], bench.name, [*names, *(f"not {n}" for n in names)])
    assert sorted(str(record.values[bench.name]) for record in found) == sorted(names)


@pytest.mark.parametrize("beginning", ["O'Neill & Co", "50% _[x]", "Ångström", "東京, +1"])
async def test_rows_are_found_by_the_beginning_of_a_column(bench: Bench[Any], beginning: str) -> None:
    start = f"{beginning} {uuid4().int}"
    rows = [await bench.create(name=f"{start} {city}") for city in ("Kiel", "Bonn")]
    await bench.create(name=f"The {start}")
    for spelling in (start, start.lower(), start.upper()):
        found = await bench.store.beginning(bench.table, bench.columns, bench.name, spelling, 10)
        assert sorted(found, key=lambda row: row.id) == sorted(rows, key=lambda row: row.id), spelling
    assert len(await bench.store.beginning(bench.table, bench.columns, bench.name, start, 1)) == 1


async def test_all_are_all(bench: Bench[Any]) -> None:
    rows = [await bench.create() for _ in range(3)]
    every = {record.id: record for record in await bench.store.all(bench.table, bench.columns)}
    assert {row.id: every[row.id] for row in rows} == {row.id: row for row in rows}


async def test_whole_tables_come_in_pages(bench: Bench[Any]) -> None:
    rows = {row.id: row for row in [await bench.create() for _ in range(3)]}
    pages = [page async for page in bench.store.pages(bench.table, bench.columns)]
    told = [record for page in pages for record in page]
    assert len({record.id for record in told}) == len(told)
    assert {record.id: record for record in told if record.id in rows} == rows
    ids = {one for page in [page async for page in bench.store.ids(bench.table)] for one in page}
    assert ids == {record.id for record in told}


async def test_a_column_that_the_table_does_not_describe_is_a_mistake(bench: Bench[Any]) -> None:
    with pytest.raises(KeyError, match="no column"):
        await bench.write(Create({"no_such_column": "x"}))
    with pytest.raises(KeyError, match="no column"):
        await bench.store.read(bench.table, ["no_such_column"], [NOBODY])


async def test_a_healthy_store_says_so(bench: Bench[Any]) -> None:
    lines = await bench.store.check()
    assert lines
    assert [line.message for line in lines if not line.ok] == []


# The feed -------------------------------------------------------------------------------------------------------------


async def feed(
    bench: Bench[Any], position: str | None, page_size: int = 50
) -> tuple[dict[str, Record], list[str], str]:
    """Everything that a feed tells from a position on: records by id, deletions, where it ended."""
    records: dict[str, Record] = {}
    deleted: list[str] = []
    for _ in range(1000):
        page = await bench.store.changes(bench.table, bench.columns, position, page_size)
        assert len(page.records) + len(page.deleted) <= page_size
        records |= {record.id: record for record in page.records}
        deleted += page.deleted
        position = page.position
        if not page.more:
            return records, deleted, position
    raise AssertionError("the feed has no end")


async def test_a_feed_begins_with_every_row_and_pages(bench: Bench[Any]) -> None:
    rows = [done(result) for result in await bench.write(*(bench.company() for _ in range(25)))]
    records, deleted, _ = await feed(bench, None, page_size=7)
    assert {row.id: records[row.id] for row in rows} == {row.id: row for row in rows}
    assert deleted == []


async def test_a_feed_goes_on_with_what_changed(bench: Bench[Any]) -> None:
    edited, untouched = await bench.create(), await bench.create()
    _, _, position = await feed(bench, None)
    (result,) = await bench.write(Update(edited.id, {bench.city: "Bremen"}))
    created = await bench.create()
    records, _, position = await feed(bench, position)
    assert {edited.id, created.id} <= records.keys()
    assert records[edited.id] == done(result)
    assert records[created.id] == created
    if bench.table.side is Side.DATAVERSE:
        assert untouched.id not in records
        assert (await feed(bench, position))[0] == {}


async def test_a_change_while_a_feed_is_read_is_told(bench: Bench[Any]) -> None:
    rows = [done(result) for result in await bench.write(*(bench.company() for _ in range(10)))]
    first = await bench.store.changes(bench.table, bench.columns, None, 3)
    changed = await bench.write(*(Update(row.id, {bench.city: "Bremen"}) for row in rows))
    created = await bench.create()
    records, _, position = await feed(bench, first.position, page_size=3)
    later, _, _ = await feed(bench, position)
    told = {record.id: record for record in first.records} | records | later
    assert {row.id: told[row.id] for row in rows} == {done(result).id: done(result) for result in changed}
    assert told[created.id] == created


async def test_a_feed_tells_deletions_of_dataverse_only(bench: Bench[Any]) -> None:
    row = await bench.create()
    _, _, position = await feed(bench, None)
    await bench.write(Delete(row.id))
    records, deleted, _ = await feed(bench, position)
    assert row.id not in records
    assert deleted == ([row.id] if bench.table.side is Side.DATAVERSE else [])
    assert row.id not in (await feed(bench, None))[0]


async def test_a_position_that_is_none_of_ours_has_expired(bench: Bench[Any]) -> None:
    with pytest.raises(FeedExpired):
        await bench.store.changes(bench.table, bench.columns, "not a position", 50)


async def test_a_change_is_news_until_the_feed_has_told_it(bench: Bench[Any]) -> None:
    edited = await bench.create()
    _, _, position = await feed(bench, None)
    for write in (Update(edited.id, {bench.city: "Bremen"}), bench.company(), Update(edited.id, {bench.city: None})):
        assert not await bench.store.has_news(bench.table, position)
        pass_the_time(bench)
        await bench.write(write)
        assert await bench.store.has_news(bench.table, position)
        assert await bench.store.has_news(bench.table, position), "asking does not move the position"
        _, _, position = await feed(bench, position)


async def test_a_deletion_is_news_in_dataverse_only(bench: Bench[Any]) -> None:
    row = await bench.create()
    _, _, position = await feed(bench, None)
    await bench.write(Delete(row.id))
    assert await bench.store.has_news(bench.table, position) is (bench.table.side is Side.DATAVERSE)


async def test_where_there_is_no_whole_position_there_may_be_news(bench: Bench[Any]) -> None:
    await bench.write(*(bench.company() for _ in range(3)))
    halfway = await bench.store.changes(bench.table, bench.columns, None, 1)
    assert halfway.more
    for position in (None, "not a position", halfway.position):
        assert await bench.store.has_news(bench.table, position)
    assert not bench.store.is_settled(None)


async def test_dataverse_is_settled_at_once_business_central_is_not(bench: Bench[Any]) -> None:
    await bench.create()
    _, _, position = await feed(bench, None)
    assert bench.store.is_settled(position) is (bench.table.side is Side.DATAVERSE)


def pass_the_time(bench: Bench[Any]) -> None:
    """Two changes of a test in memory do not happen at the same moment."""
    if isinstance(bench.store, MemoryBusinessCentral):
        bench.store._clock.advance(minutes=1)  # type: ignore[attr-defined]


# Business Central -----------------------------------------------------------------------------------------------------


async def test_the_rows_of_a_table_are_counted(erp: Bench[BusinessCentralStore]) -> None:
    before = await erp.store.count(CUSTOMERS)
    kept, gone = await erp.create(), await erp.create()
    await erp.write(Delete(gone.id))
    assert (await erp.read(kept.id)).keys() == {kept.id}
    assert await erp.store.count(CUSTOMERS) == before + 1


async def test_codes_come_back_trimmed_and_in_upper_case(erp: Bench[BusinessCentralStore]) -> None:
    number = f"n{next(_numbers)}-{uuid4().hex[:8]}"
    (result,) = await erp.store.write(CUSTOMERS, [Create({"number": f" {number} ", "displayName": "x"})], ["number"])
    assert done(result).values == {"number": number.upper()}
    found = await erp.store.find(CUSTOMERS, ["number"], "number", [number.upper()])
    assert [record.id for record in found] == [done(result).id]


async def test_numbers_are_given_by_the_store_and_unique(erp: Bench[BusinessCentralStore]) -> None:
    results = await erp.write(erp.company(), erp.company(), returning=["number"])
    numbers = [done(result).values["number"] for result in results]
    assert all(numbers)
    assert numbers[0] != numbers[1]
    (taken,) = await erp.write(Create({"number": numbers[0], "displayName": "x"}))
    assert refused(taken)[0] is RefusalKind.EXISTS


async def test_blanks_of_numbers_and_switches_are_values(erp: Bench[BusinessCentralStore]) -> None:
    columns = ["creditLimit", "type", "blocked", "currencyId", "salespersonCode"]
    (result,) = await erp.write(Create({"displayName": "x"}), returning=columns)
    assert done(result).values == {
        "creditLimit": Decimal(0), "type": "Company", "blocked": None, "currencyId": None, "salespersonCode": None,
    }  # fmt: skip


async def test_another_country_clears_the_address(erp: Bench[BusinessCentralStore]) -> None:
    address: Values = {"country": "DE", "postalCode": "99999", "city": "Nowhere", "state": "North"}
    columns = [*address, "addressLine1"]
    (result,) = await erp.write(erp.company(), returning=columns)
    (filled,) = await erp.write(Update(done(result).id, address), returning=columns)
    assert done(filled).values == address | {"addressLine1": "Hafenstraße 12"}
    (same,) = await erp.write(Update(done(result).id, {"country": "de"}), returning=columns)
    assert done(same).values == done(filled).values
    (moved,) = await erp.write(Update(done(result).id, {"city": "Elsewhere", "country": "FR"}), returning=columns)
    assert done(moved).values == {
        "country": "FR", "postalCode": None, "city": "Elsewhere", "state": None, "addressLine1": "Hafenstraße 12",
    }  # fmt: skip


async def test_a_new_customer_brings_its_contact(erp: Bench[BusinessCentralStore]) -> None:
    company, person = await erp.create(), erp.company()
    (result,) = await erp.write(Create({**person.values, "type": "Person"}))
    numbers = await erp.store.company_contacts(CUSTOMERS, [company.id, done(result).id, NOBODY])
    assert numbers.keys() == {company.id}
    columns = ["displayName", "city", "type", "contactBusinessRelation"]
    (contact,) = await erp.store.find(CONTACTS, columns, "number", [numbers[company.id]])
    assert contact.values == {
        "displayName": company.values["displayName"], "city": "Rostock", "type": "Company",
        "contactBusinessRelation": "Customer",
    }  # fmt: skip
    employee: Values = {"type": "Person", "displayName": "Ida", "companyNumber": numbers[company.id]}
    (result,) = await erp.store.write(CONTACTS, [Create(employee)], ["companyNumber"])
    assert done(result).values == {"companyNumber": numbers[company.id]}


@pytest.mark.parametrize(("column", "value"), [("salespersonCode", "NOBODY"), ("currencyId", NOBODY)])
async def test_a_reference_must_exist(erp: Bench[BusinessCentralStore], column: str, value: str) -> None:
    (result,) = await erp.write(Create({"displayName": "x", column: value}))
    assert refused(result)[0] is RefusalKind.INVALID


async def test_a_salesperson_is_named_by_code(erp: Bench[BusinessCentralStore]) -> None:
    code = uuid4().hex[:10].upper()
    (made,) = await erp.store.write(SALESPEOPLE, [Create({"code": code, "displayName": "Ida"})], ["code", "blocked"])
    assert done(made).values == {"code": code, "blocked": False}
    (result,) = await erp.write(Create({"displayName": "x", "salespersonCode": code}), returning=["salespersonCode"])
    assert done(result).values == {"salespersonCode": code}


# Dataverse ------------------------------------------------------------------------------------------------------------


async def test_an_id_is_ours_to_choose_once(crm: Bench[DataverseStore]) -> None:
    wanted = crm.company()
    results = [*await crm.write(wanted), *await crm.write(Create(crm.company().values, id=wanted.id))]
    assert done(results[0]).id == wanted.id
    assert refused(results[1])[0] is RefusalKind.EXISTS


async def test_without_an_id_the_service_gives_one(crm: Bench[DataverseStore]) -> None:
    (result,) = await crm.write(Create(crm.company().values))
    assert done(result).id == str(UUID(done(result).id))


async def test_a_new_row_is_active(crm: Bench[DataverseStore]) -> None:
    (result,) = await crm.write(crm.company(), returning=["statecode", "statuscode"])
    assert done(result).values == {"statecode": 0, "statuscode": 1}


async def test_a_full_name_is_put_together(crm: Bench[DataverseStore]) -> None:
    person: Values = {"firstname": "Ida", "lastname": "Ångström"}
    (made,) = await crm.store.write(PERSONS, [Create(person)], ["fullname"])
    assert done(made).values == {"fullname": "Ida Ångström"}
    (renamed,) = await crm.store.write(PERSONS, [Update(done(made).id, {"firstname": None})], ["fullname"])
    assert done(renamed).values == {"fullname": "Ångström"}


async def test_a_lookup_names_a_row_or_none(crm: Bench[DataverseStore]) -> None:
    account = await crm.create()
    employee: Values = {"lastname": "Ida", "parentcustomerid": account.id}
    made, lost = await crm.store.write(
        PERSONS, [Create(employee), Create(employee | {"parentcustomerid": NOBODY})], ["parentcustomerid"]
    )
    assert done(made).values == {"parentcustomerid": account.id}
    assert refused(lost) == (RefusalKind.INVALID, "parentcustomerid")
    cleared = Update(done(made).id, {"parentcustomerid": None})
    (result,) = await crm.store.write(PERSONS, [cleared], ["parentcustomerid"])
    assert done(result).values == {"parentcustomerid": None}


async def test_more_columns_need_another_feed(crm: Bench[DataverseStore]) -> None:
    page = await crm.store.changes(ACCOUNTS, ["name", "address1_city"], None, 5000)
    row = await crm.create()
    fewer = await crm.store.changes(ACCOUNTS, ["name"], page.position, 5000)
    assert [record.values for record in fewer.records if record.id == row.id] == [{"name": row.values["name"]}]
    with pytest.raises(FeedExpired):
        await crm.store.changes(ACCOUNTS, ["name", "telephone1"], page.position, 5000)


async def test_forgotten_changes_have_expired() -> None:
    bench = dataverse_bench(MemoryDataverse(SettableClock(), SequentialIds()))
    page = await bench.store.changes(ACCOUNTS, ["name"], None, 50)
    assert isinstance(bench.store, MemoryDataverse)
    bench.store.forget_changes()
    with pytest.raises(FeedExpired):
        await bench.store.changes(ACCOUNTS, ["name"], page.position, 50)
