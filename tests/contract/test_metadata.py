"""What the connectors read from the services' own descriptions of their tables, and that what they read can be used."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from infra.local.dataverse.schema.catalog import TABLES
from shared.adapters.business_central import BusinessCentral
from shared.adapters.dataverse import Dataverse
from shared.adapters.tokens import FixedToken
from shared.core.records import Create, Delete, Record, Update, Written
from shared.core.sides import Side
from shared.core.tables import ColumnKind, Table, completed
from shared.defaults import standard_tables
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from tests.contract.conftest import Simulator

CARDS = "contoso/sales/v1.0/loyaltyCards"


@pytest.fixture(scope="module")
async def business_central(business_central_simulator: Simulator) -> AsyncIterator[BusinessCentral]:
    one = business_central_simulator
    store = BusinessCentral(one.url, one.company_id, FixedToken(one.token, one.url))
    yield store
    await store.aclose()


@pytest.fixture(scope="module")
async def dataverse(dataverse_simulator: Simulator) -> AsyncIterator[Dataverse]:
    store = Dataverse(dataverse_simulator.url, FixedToken(dataverse_simulator.token, dataverse_simulator.url))
    yield store
    await store.aclose()


async def described(store: Any, name: str) -> Table:
    table = await store.describe(name)
    assert table is not None, name
    return table


async def test_an_entity_set_is_described_as_its_metadata_say(business_central: BusinessCentral) -> None:
    items = await described(business_central, "items")
    assert (items.side, items.entity_set, items.key, items.api) == (Side.BUSINESS_CENTRAL, "items", "id", None)
    assert (items.caption, items.number, items.title) == ("Item", "number", "displayName")
    assert items.modified == "lastModifiedDateTime"
    assert not items.has("id")
    columns = {column.name: column for column in items.columns}
    assert (columns["displayName"].kind, columns["displayName"].max_length) == (ColumnKind.TEXT, 100)
    assert columns["unitPrice"].kind is ColumnKind.DECIMAL
    assert columns["type"].members == ("Inventory", "Service", "Non-Inventory")
    assert columns["baseUnitOfMeasureId"].target == "unitsOfMeasure"
    assert columns["lastModifiedDateTime"].read_only
    assert not columns["unitPrice"].read_only


async def test_a_custom_page_is_found_under_its_own_root(business_central: BusinessCentral) -> None:
    standard = {one.name for one in await business_central.tables()}
    custom = [one.name for one in await business_central.tables("contoso/sales/v1.0")]
    assert {"customers", "items", "unitsOfMeasure"} <= standard
    assert "loyaltyCards" not in standard
    assert custom == ["contoso/sales/v1.0/companies", CARDS]
    cards = await described(business_central, CARDS)
    assert (cards.name, cards.api, cards.entity_set) == (CARDS, "contoso/sales/v1.0", "loyaltyCards")
    assert cards.column("turnover").read_only
    assert cards.column("level").members == ("Silver", "Gold")


@pytest.mark.parametrize(
    "name", ["nothings", "contoso/sales/v1.0/nothings", "nobody/nothing/v1.0/cards", "../x/y/z", ""]
)
async def test_what_does_not_exist_is_not_described(business_central: BusinessCentral, name: str) -> None:
    assert await business_central.describe(name) is None


async def test_sets_whose_records_have_no_id_cannot_be_mapped(business_central: BusinessCentral) -> None:
    assert await business_central.describe("contactsInformation") is None
    assert "contactsInformation" not in {one.name for one in await business_central.tables()}


async def test_records_of_a_custom_page_are_written_read_and_fed(business_central: BusinessCentral) -> None:
    cards, columns = await described(business_central, CARDS), ["number", "points", "level", "validUntil"]
    numbers = [f"L{uuid4().hex[:12].upper()}" for _ in range(3)]
    writes = [Create({"number": number, "points": 5, "level": "Gold"}) for number in numbers]
    made = [done(result) for result in await business_central.write(cards, writes, columns)]
    assert [one.values["level"] for one in made] == ["Gold"] * 3
    (changed,) = await business_central.write(cards, [Update(made[0].id, {"points": 7}, made[0].etag)], columns)
    assert done(changed).values["points"] == 7
    ids = [one.id for one in made]
    assert set(await business_central.read(cards, columns, ids)) == set(ids)
    assert {one.id for one in await business_central.find(cards, columns, "number", numbers)} == set(ids)
    page = await business_central.changes(cards, columns, None, 1000)
    assert set(ids) <= {record.id for record in page.records}
    assert set(ids) <= {one async for page in business_central.ids(cards) for one in page}
    for result in await business_central.write(cards, [Delete(one) for one in ids], []):
        assert isinstance(result, Written)


async def test_a_table_is_described_as_its_definition_says(dataverse: Dataverse) -> None:
    product = await described(dataverse, "product")
    assert (product.entity_set, product.key, product.caption) == ("products", "productid", "Product")
    assert (product.number, product.title, product.modified) == ("productnumber", "name", "modifiedon")
    assert product.tracked
    columns = {column.name: column for column in product.columns}
    assert (columns["name"].kind, columns["name"].max_length) == (ColumnKind.TEXT, 100)
    assert (columns["description"].kind, columns["description"].max_length) == (ColumnKind.TEXT, 2000)
    assert columns["statecode"].options == {0: "Active", 1: "Retired", 2: "Draft", 3: "Under Revision"}
    assert columns["price"].kind is ColumnKind.DECIMAL
    assert columns["price_base"].read_only
    assert columns["productstructure"].create_only
    unit = columns["defaultuomid"]
    assert (unit.kind, unit.target, unit.navigation, unit.target_set) == (
        ColumnKind.LOOKUP,
        "uom",
        "defaultuomid",
        "uoms",
    )
    assert not product.has("productid")


async def test_a_lookup_into_several_tables_is_bound_to_the_usual_one(dataverse: Dataverse) -> None:
    contact = await described(dataverse, "contact")
    parent, owner = contact.column("parentcustomerid"), contact.column("ownerid")
    assert (parent.target, parent.navigation, parent.target_set) == ("account", "parentcustomerid_account", "accounts")
    assert (owner.target, owner.navigation, owner.target_set) == ("systemuser", "ownerid", "systemusers")
    assert contact.column("birthdate").kind is ColumnKind.DATE
    assert contact.column("createdon").read_only


@pytest.mark.parametrize("name", ["nothing", "x' or 'a' eq 'a", "Account", ""])
async def test_a_table_that_dataverse_does_not_have_is_not_described(dataverse: Dataverse, name: str) -> None:
    assert await dataverse.describe(name) is None


async def test_every_table_of_the_environment_can_be_described(dataverse: Dataverse) -> None:
    names = {one.name for one in await dataverse.tables()}
    assert names == set(TABLES)
    for name in names:
        assert (await described(dataverse, name)).columns


async def test_products_are_written_with_their_lookups(dataverse: Dataverse) -> None:
    schedules, units, products = [await described(dataverse, name) for name in ("uomschedule", "uom", "product")]
    schedule, unit, product = (str(uuid4()) for _ in range(3))
    (made,) = await dataverse.write(
        schedules, [Create({"name": f"Pieces {schedule}", "baseuomname": "PCS"}, schedule)], []
    )
    done(made)
    base = await dataverse.find(units, ["name", "isschedulebaseuom"], "uomscheduleid", [schedule])
    assert [record.values for record in base] == [{"name": "PCS", "isschedulebaseuom": True}]
    values = {"productnumber": product, "name": "Bicycle", "price": Decimal("12.50"), "defaultuomid": base[0].id}
    (made,) = await dataverse.write(products, [Create(values, product)], ["price", "defaultuomid", "statecode"])
    assert done(made).values == {"price": Decimal("12.5"), "defaultuomid": base[0].id, "statecode": 2}
    (refused,) = await dataverse.write(products, [Create({"name": "No number"}, unit)], [])
    assert not isinstance(refused, Written)
    assert "productnumber" in refused.message


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ("blocked eq false", True),
        ("blocked eq false and unitPrice gt 1", True),
        ("blocked eq false or displayName eq 'x'", False),
        ("nothing eq 1", False),
    ],
)
async def test_business_central_says_what_it_has_against_a_filter(
    business_central: BusinessCentral, condition: str, taken: bool
) -> None:
    said = await business_central.refusal_of(await described(business_central, "items"), condition)
    assert (said is None) is taken, said


@pytest.mark.parametrize(
    ("condition", "taken"),
    [("statecode eq 0 or startswith(name,'x')", True), ("nothing eq 1", False), ("name eq 3 and", False)],
)
async def test_dataverse_says_what_it_has_against_a_filter(dataverse: Dataverse, condition: str, taken: bool) -> None:
    said = await dataverse.refusal_of(await described(dataverse, "product"), condition)
    assert (said is None) is taken, said


async def test_the_standard_descriptions_agree_with_the_services(
    business_central: BusinessCentral, dataverse: Dataverse
) -> None:
    wrong = []
    for (side, name), known in standard_tables().items():
        store = business_central if side == Side.BUSINESS_CENTRAL else dataverse
        read = await described(store, name)
        alike = {ColumnKind.CODE: ColumnKind.TEXT}
        for column in known.columns:
            found = read.column(column.name)
            if alike.get(column.kind, column.kind) is not found.kind or (column.read_only and not found.read_only):
                wrong.append((name, column.name, column.kind, found.kind))
            if column.kind is ColumnKind.LOOKUP:
                assert (column.navigation, column.target_set) == (found.navigation, found.target_set), column.name
        merged = completed(known, read)
        assert [column.name for column in merged.columns[: len(known.columns)]] == [one.name for one in known.columns]
        assert {column.name for column in merged.columns} == {column.name for column in read.columns}
    assert wrong == []


async def test_the_stores_in_memory_describe_what_they_hold() -> None:
    for store in (
        MemoryBusinessCentral(SettableClock(), SequentialIds(1)),
        MemoryDataverse(SettableClock(), SequentialIds(2)),
    ):
        names = [one.name for one in await store.tables()]
        assert names == sorted(name for side, name in standard_tables() if side == store.side)
        assert await store.describe(names[0]) == standard_tables()[store.side, names[0]]
        assert await store.describe("nothing") is None


def done(result: object) -> Record:
    assert isinstance(result, Written), result
    return result.record
