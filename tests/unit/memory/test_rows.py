"""What the row stores in memory offer beyond the port: a person's hands, counters, time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.records import Create, Delete, RefusalKind, Update
from shared.defaults import standard_tables
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import START, SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from shared.memory.rows import Refusal

CUSTOMERS = standard_tables()["business_central", "customers"]
CONTACTS = standard_tables()["business_central", "contacts"]
COMPANY = standard_tables()["business_central", "companyInformation"]
CURRENCIES = standard_tables()["business_central", "currencies"]
ACCOUNTS = standard_tables()["dataverse", "account"]


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture
def erp(clock: SettableClock) -> MemoryBusinessCentral:
    return MemoryBusinessCentral(clock, SequentialIds(1))


@pytest.fixture
def crm(clock: SettableClock) -> MemoryDataverse:
    return MemoryDataverse(clock, SequentialIds(2), choices={("account", "paymenttermscode"): {1: "Net 30"}})


async def test_a_person_obeys_the_same_rules_and_is_not_counted(erp: MemoryBusinessCentral) -> None:
    id = erp.put(CUSTOMERS, {"displayName": "Nordwind", "country": "de", "city": "Rostock"})
    erp.edit(CUSTOMERS, id, {"country": "FR"})
    assert erp.rows(CUSTOMERS)[id]["country"] == "FR"
    assert erp.rows(CUSTOMERS)[id]["city"] is None
    with pytest.raises(Refusal) as refusal:
        erp.edit(CUSTOMERS, id, {"city": "x" * 31})
    assert (refusal.value.refused.kind, refusal.value.refused.column) == (RefusalKind.INVALID, "city")
    erp.remove(CUSTOMERS, id)
    assert erp.rows(CUSTOMERS) == {}
    assert erp.rows(CONTACTS).popitem()[1]["contactBusinessRelation"] is None
    with pytest.raises(Refusal):
        erp.remove(CUSTOMERS, id)
    assert (erp.calls.total(), erp.written.total()) == (0, 0)


def test_a_person_may_set_what_the_service_works_out(erp: MemoryBusinessCentral) -> None:
    id = erp.put(COMPANY, {"displayName": "Contoso", "currencyCode": "eur"})
    assert erp.rows(COMPANY)[id] == {"displayName": "Contoso", "currencyCode": "EUR"}


async def test_what_is_read_and_written_through_the_port_is_counted(crm: MemoryDataverse) -> None:
    row = Create({"name": "Nordwind"}, id="00000000-0000-4000-8000-000000000001")
    await crm.write(ACCOUNTS, [row, row, Update(str(row.id), {"name": "Südwind"})], [])
    await crm.write(ACCOUNTS, [Delete(str(row.id))], [])
    await crm.read(ACCOUNTS, ["name"], [])
    assert crm.calls == {"write": 2, "read": 1}
    assert crm.written == {("account", "create"): 1, ("account", "update"): 1, ("account", "delete"): 1}


async def test_the_feed_of_business_central_overlaps_and_tells_no_version_twice(
    erp: MemoryBusinessCentral, clock: SettableClock
) -> None:
    old = erp.put(CUSTOMERS, {"displayName": "old"})
    clock.advance(minutes=11)
    new = erp.put(CUSTOMERS, {"displayName": "new"})
    first = await erp.changes(CUSTOMERS, ["displayName"], None, 50)
    assert {record.id for record in first.records} == {old, new}
    again = await erp.changes(CUSTOMERS, ["displayName"], first.position, 50)
    assert again.records == ()
    more = await erp.changes(CUSTOMERS, ["displayName", "city"], first.position, 50)
    assert [(record.id, record.modified_at) for record in more.records] == [(new, START + timedelta(minutes=11))]
    erp.edit(CUSTOMERS, new, {"city": "Bern"})
    last = await erp.changes(CUSTOMERS, ["displayName"], again.position, 50)
    assert [record.id for record in last.records] == [new]


async def test_the_feed_of_business_central_falls_silent_when_nothing_changes(
    erp: MemoryBusinessCentral, clock: SettableClock
) -> None:
    for _ in range(3):
        erp.put(CUSTOMERS, {"displayName": "Nordwind"})
    position, told = None, []
    for minutes in (0, 5, 5, 6, 1):
        clock.advance(minutes=minutes)
        records, more = 0, True
        while more:
            page = await erp.changes(CUSTOMERS, ["displayName"], position, 2)
            records, position, more = records + len(page.records), page.position, page.more
        told.append(records)
    assert told == [3, 3, 3, 3, 0]


async def test_a_code_is_wanted_where_no_series_gives_one(erp: MemoryBusinessCentral) -> None:
    with pytest.raises(Refusal, match="code must be filled in"):
        erp.put(CURRENCIES, {"displayName": "Euro"})
    erp.put(CURRENCIES, {"code": "eur"})
    with pytest.raises(Refusal, match="already exists"):
        erp.put(CURRENCIES, {"code": "EUR"})


async def test_a_feed_of_dataverse_tells_each_row_once_as_it_is_by_then(crm: MemoryDataverse) -> None:
    position = (await crm.changes(ACCOUNTS, ["name"], None, 50)).position
    kept, gone = crm.put(ACCOUNTS, {"name": "a"}), crm.put(ACCOUNTS, {"name": "b"})
    crm.edit(ACCOUNTS, kept, {"name": "c"})
    crm.remove(ACCOUNTS, gone)
    page = await crm.changes(ACCOUNTS, ["name"], position, 50)
    assert ([record.values for record in page.records], page.deleted) == ([{"name": "c"}], (gone,))
    crm.put(ACCOUNTS, {"name": "again"}, id=gone)
    page = await crm.changes(ACCOUNTS, ["name"], page.position, 50)
    assert ([record.values for record in page.records], page.deleted) == ([{"name": "again"}], ())


async def test_labels_are_as_given(crm: MemoryDataverse) -> None:
    assert await crm.choices(ACCOUNTS, "paymenttermscode") == {1: "Net 30"}
    assert await crm.choices(ACCOUNTS, "address1_freighttermscode") == {}


def test_a_clock_stands_until_it_is_moved(clock: SettableClock) -> None:
    assert clock.now() == clock.now() == START
    assert clock.advance(hours=1, seconds=1) == clock.now() == START + timedelta(hours=1, seconds=1)
    with pytest.raises(ValueError, match="time zone"):
        clock.set(START.replace(tzinfo=None))


def test_ids_are_foreseeable_and_kept_apart() -> None:
    first, second = SequentialIds(1), SequentialIds(2)
    assert [first.new(), first.new()] == [
        "00000001-0000-4000-8000-000000000001",
        "00000001-0000-4000-8000-000000000002",
    ]
    assert second.new() == "00000002-0000-4000-8000-000000000001"
