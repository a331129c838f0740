"""Codes in tables that only metadata describes: Business Central writes them in capitals, and nothing tells before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from shared.core.jobs import Job
from shared.core.records import Write, WriteResult
from shared.core.sides import Direction
from shared.core.tables import Table, Values
from tests.unit.custom_mappings import ITEM_PRODUCT, ITEMS, PRODUCT, custom_world
from tests.unit.functions.api import Api
from tests.world import World

BOTH, FROM = Direction.BIDIRECTIONAL, Direction.FROM_INTEGRATION_TABLE
LINES = (("number", "productnumber"), ("displayName", "name"), ("unitPrice", "price"))


class Codes:
    """Items and products by number and name, and each column that was sent to Business Central."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = custom_world()
        self.sent: list[set[str]] = []
        here = self.world.business_central
        complete, write = here._complete, here.write

        def in_capitals(table: Table, values: Values) -> None:
            complete(table, values)
            if table.name == ITEMS.name:
                values["number"] = str(values["number"]).strip().upper()

        async def watched(table: Table, writes: Sequence[Write], columns: Sequence[str]) -> list[WriteResult]:
            self.sent += [set(one.values) for one in writes if hasattr(one, "values")]
            return await write(table, writes, columns)

        monkeypatch.setattr(here, "_complete", in_capitals)
        monkeypatch.setattr(here, "write", watched)

    async def mapped(self, direction: Direction) -> Codes:
        """The mapping, and one product from Dataverse that is in step."""
        fields = [{"business_central": left, "dataverse": right, "direction": direction} for left, right in LINES]
        body = {**ITEM_PRODUCT, "direction": direction, "fields": fields, "depends_on": []}
        body["dataverse"] = {"table": "product"}
        made = await Api(self.world).call("create_mapping", body=body)
        assert made.status == 201, made.text
        self.world.dataverse.put(PRODUCT, {"productnumber": "ab-1", "name": "Chair", "price": 1})
        await self.run()
        return self

    async def run(self) -> int:
        """A run to its end; how many records it has written or refused."""
        self.sent.clear()
        jobs = (await self.world.synchronize("ITEM-PRODUCT")).values()
        return sum(_deeds(job) for job in jobs)

    @property
    def item(self) -> Values:
        return self.world.only(ITEMS)

    @property
    def product(self) -> Values:
        return self.world.only(PRODUCT)

    def edit(self, world: World, **values: Any) -> None:
        """A person edits the product."""
        (key,) = world.dataverse.rows(PRODUCT)
        world.dataverse.edit(PRODUCT, key, values)


def _deeds(job: Job) -> int:
    counted = job.counters
    return counted.inserted + counted.modified + counted.failed + counted.skipped


@pytest.fixture(params=[BOTH, FROM])
async def codes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Codes:
    return await Codes(monkeypatch).mapped(request.param)


async def test_what_comes_back_in_capitals_is_nobodys_edit(codes: Codes) -> None:
    assert (codes.item["number"], codes.product["productnumber"]) == ("AB-1", "ab-1")
    for _ in range(3):
        assert await codes.run() == 0
    codes.edit(codes.world, productnumber="ab-2")
    assert await codes.run() == 1
    assert (codes.item["number"], codes.product["productnumber"]) == ("AB-2", "ab-2")
    assert await codes.run() == 0


async def test_an_edit_at_once_after_a_write_is_no_conflict(codes: Codes) -> None:
    codes.edit(codes.world, productnumber="ab-3")
    await codes.run()
    codes.edit(codes.world, productnumber="ab-4")
    assert await codes.run() == 1
    assert (codes.item["number"], codes.product["productnumber"]) == ("AB-4", "ab-4")
    assert await codes.world.items("ITEM-PRODUCT") == []


async def test_another_edit_does_not_send_the_code_once_more(codes: Codes) -> None:
    codes.edit(codes.world, name="Armchair")
    assert await codes.run() == 1
    assert codes.sent == [{"displayName"}]


async def test_a_text_that_a_person_writes_in_capitals_is_an_edit(codes: Codes) -> None:
    codes.edit(codes.world, name="CHAIR")
    await codes.run()
    assert codes.item["displayName"] == "CHAIR"
    codes.edit(codes.world, name="Chair", price=2)
    await codes.run()
    assert codes.item["displayName"] == "Chair"


async def test_business_centrals_own_edit_of_a_code_is_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = await Codes(monkeypatch).mapped(BOTH)
    (key,) = codes.world.business_central.rows(ITEMS)
    codes.world.business_central.edit(ITEMS, key, {"number": "ZZ"})
    assert await codes.run() == 1
    assert codes.product["productnumber"] == "ZZ"
