"""Tables that only metadata describes, in a configuration file: read by people, and compared when they come back."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.table_words import words_of
from shared.core.tables import Column, ColumnKind, Table
from shared.services.configuration_text import read_text
from tests.unit.custom_mappings import ITEM_PRODUCT, ITEMS, PRODUCT, TABLES, UOM_MAPPING, custom_world
from tests.unit.functions.api import Api
from tests.unit.functions.test_configuration import apply, exported, planned, preview
from tests.world import World


@pytest.fixture
async def text() -> str:
    """The export of an app with items and products."""
    api = Api(custom_world())
    for body in (UOM_MAPPING, ITEM_PRODUCT):
        assert (await api.call("create_mapping", body=body)).status == 201
    return await exported(api)


def empty_app(*moved: Table) -> Api:
    """An app without mappings, whose services describe these tables otherwise."""
    world = World(mappings=())
    for table in {(one.side, one.name): one for one in (*TABLES, *moved)}.values():
        (world.business_central if table.side == "business_central" else world.dataverse).add_table(table)
    return Api(world)


def with_column(table: Table, name: str, **values: Any) -> Table:
    columns = tuple(one.model_copy(update=values) if one.name == name else one for one in table.columns)
    return table.model_copy(update={"columns": columns})


def without_column(table: Table, name: str) -> Table:
    return table.model_copy(update={"columns": tuple(one for one in table.columns if one.name != name)})


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (Column(name="a"), "text"),
        (Column(name="a", max_length=20), "text 20"),
        (Column(name="a", kind=ColumnKind.DECIMAL, read_only=True), "decimal, read-only"),
        (Column(name="a", kind=ColumnKind.GUID, target="itemCategories"), "guid of itemCategories"),
        (Column(name="a", kind=ColumnKind.ENUM, members=("Inventory", "Service")), "enum (Inventory, Service)"),
        (
            Column(name="a", kind=ColumnKind.CHOICE, options={2: "Family", 1: "Product"}, create_only=True),
            "choice (1 Product, 2 Family), new rows only",
        ),
    ],
)
def test_a_column_is_described_in_words(column: Column, words: str) -> None:
    assert words_of(column) == words


async def test_a_file_describes_what_its_mappings_use_of_tables_that_nobody_knows(text: str) -> None:
    tables = {one["name"]: one for one in read_text(text.encode()).value["tables"]}
    assert tables.keys() == {"items", "product", "unitsOfMeasure", "uom"}
    assert tables["items"] == {
        "name": "items",
        "side": "business_central",
        "columns": {
            "baseUnitOfMeasureId": "guid of unitsOfMeasure",
            "blocked": "boolean",
            "displayName": "text 100",
            "number": "text 20",
            "unitPrice": "decimal",
        },
    }


async def test_where_nothing_has_moved_on_nothing_is_said_and_the_export_is_the_same(text: str) -> None:
    api = empty_app()
    plan = await preview(api, text)
    assert [one for one in plan["problems"] if one["code"] == "table_moved"] == []
    assert (await apply(api, text)).status == 200
    assert await exported(api) == text


async def test_the_preview_tells_what_has_moved_on_and_the_services_word_counts(text: str) -> None:
    api = empty_app(
        with_column(ITEMS, "number", max_length=50),
        with_column(with_column(PRODUCT, "size", max_length=9), "producttypecode", options={1: "Sales Inventory"}),
    )
    plan = await preview(api, text)
    assert set(planned(plan).values()) == {"created"}
    told = {one["member"]: one for one in plan["problems"] if one["code"] == "table_moved"}
    # nobody uses `size`
    assert told.keys() == {"tables.items.number", "tables.product.producttypecode"}
    number = told["tables.items.number"]
    assert "was described as text 20 when the file was written, and is text 50 now" in number["message"]
    assert text.splitlines()[number["line"] - 1].strip().startswith("columns:")
    assert number["warning"]
    assert (await apply(api, text)).status == 200
    assert "number: text 50" in await exported(api)


async def test_a_column_that_is_gone_hinders_the_mapping_that_uses_it(text: str) -> None:
    plan = await preview(empty_app(without_column(ITEMS, "unitPrice")), text)
    codes = {one["code"]: one for one in plan["problems"]}
    assert "is not there now" in codes["table_moved"]["message"]
    assert plan["digest"] is None


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ("tables: 1", "tables must be a list."),
        ("tables: [{name: items}]", "side is missing"),
        ("tables: [{name: items, side: oracle}]", "must be 'business_central' or 'dataverse'"),
    ],
)
async def test_tables_that_cannot_be_read_are_faults(tables: str, message: str) -> None:
    plan = await preview(Api(), f"version: 1\nmappings: []\n{tables}\n")
    (problem,) = plan["problems"]
    assert message in problem["message"]
    assert problem["line"] == 3
