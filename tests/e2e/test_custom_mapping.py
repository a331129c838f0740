"""Items and products, two tables the standard set does not know, mapped on the whole stack through HTTP only."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from azure.data.tables.aio import TableServiceClient

from shared.adapters.documents import decode_key
from shared.services.repositories.mappings import REMOVED
from tests.e2e.people import PATIENCE, Everything
from tests.unit.custom_mappings import ITEM_PRODUCT, UOM_MAPPING

CARDS = "contoso/sales/v1.0/loyaltyCards"
TO = "ToIntegrationTable"
LOGS = ("syncJobs", "syncRequests", "syncChanges")
LINES: tuple[dict[str, Any], ...] = (
    {"business_central": "number", "dataverse": "productnumber", "direction": TO},
    {"business_central": "displayName", "dataverse": "name"},
    {"business_central": "unitPrice", "dataverse": "price"},
    {"business_central": "unitCost", "dataverse": "standardcost", "direction": TO},
    {"business_central": "unitCost", "dataverse": "currentcost", "direction": TO},
    ITEM_PRODUCT["fields"][3],
    {"dataverse": "producttypecode", "direction": TO, "constant": 1, "new_rows_only": True},
)


async def ended(everything: Everything, asked: httpx.Response) -> dict[str, Any]:
    """What became of a job that was accepted."""
    assert asked.status_code == 202, asked.text
    async with asyncio.timeout(PATIENCE):
        while True:
            status = await everything.app.get(asked.headers["Location"])
            if status.status_code == 200:
                return dict(status.json())
            await asyncio.sleep(0.1)


async def made(everything: Everything, body: dict[str, Any]) -> dict[str, Any]:
    """A new mapping."""
    answer = await everything.app.post("/mappings", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def removed(everything: Everything, *names: str) -> None:
    """The mappings are gone, whether they were there or not."""
    for name in names:
        asked = await everything.app.delete(f"/mappings/{name}")
        if asked.status_code != 404:
            assert (await ended(everything, asked))["status"] == "succeeded"


async def unit(everything: Everything) -> str:
    """A unit group with the base unit PCS; the id of the unit."""
    answer = await everything.dataverse.post("/uomschedules", json={"name": "Pieces", "baseuomname": "PCS"})
    assert answer.status_code == 204, answer.text
    found = await everything.dataverse.get("/uoms", params={"$filter": "name eq 'PCS'"})
    return str(found.json()["value"][0]["uomid"])


async def products(everything: Everything) -> dict[str, dict[str, Any]]:
    """The products by number."""
    found = (await everything.dataverse.get("/products")).raise_for_status().json()["value"]
    return {row["productnumber"]: row for row in found}


async def items(everything: Everything) -> dict[str, dict[str, Any]]:
    """The items by name."""
    found = (await everything.business_central.get("/items")).raise_for_status().json()["value"]
    return {row["displayName"]: row for row in found}


async def documents_of(everything: Everything, *names: str) -> list[tuple[str, str, str]]:
    """Whatever the storage keeps for these mappings: logs, and that one was removed a moment ago, apart."""
    kept: list[tuple[str, str, str]] = []
    connection = everything.information["storage"]["connection_string"]
    async with TableServiceClient.from_connection_string(connection) as service:
        async for table in service.list_tables():
            rows = service.get_table_client(table.name).list_entities(select=["PartitionKey", "RowKey"])
            places = [tuple(map(decode_key, (row["PartitionKey"], row["RowKey"]))) async for row in rows]
            kept += [(table.name, *one) for one in places if table.name not in LOGS and not one[1].startswith(REMOVED)]
    return [one for one in kept if set(names) & {*one[1].split("|"), *one[2].split("|")}]


async def test_what_can_be_mapped_is_read_from_both_services(everything: Everything) -> None:
    listed = (await everything.app.get("/tables", params={"side": "business_central", "text": "item"})).json()
    assert {"name": "items", "caption": "Item", "mappings": []} in listed["tables"]
    custom = {"side": "business_central", "api": "contoso/sales/v1.0"}
    assert CARDS in [one["name"] for one in (await everything.app.get("/tables", params=custom)).json()["tables"]]
    product = (await everything.app.get("/tables/dataverse/product")).json()
    columns = {one["name"]: one for one in product["columns"]}
    assert (columns["name"]["kind"], columns["name"]["max_length"]) == ("text", 100)
    assert columns["defaultuomid"]["target"] == "uom"
    assert columns["productstructure"]["create_only"]
    item = (await everything.app.get("/tables/business_central/items")).json()
    assert {"number", "unitPrice"} <= {one["name"] for one in item["columns"]}
    assert (await everything.app.get("/tables/business_central/nothings")).status_code == 404


async def test_faulty_mappings_are_refused_with_what_the_services_say(everything: Everything) -> None:
    faulty = {
        **ITEM_PRODUCT,
        "depends_on": [],
        "business_central": {"table": "items", "filter": "blocked eq false or unitPrice gt 5"},
        "fields": [
            {"business_central": "colour", "dataverse": "name"},
            {"business_central": "unitPrice", "dataverse": "price_base"},
            {"business_central": "blocked", "dataverse": "quantityonhand"},
            {"business_central": "baseUnitOfMeasureId", "dataverse": "defaultuomid"},
        ],
        "match_by": [],
    }
    answer = await everything.app.post("/mappings", json=faulty)
    found = [(one["code"], one["field"]) for one in answer.json()["problems"]]
    assert (answer.status_code, found) == (
        400,
        [
            ("unknown_column", "fields.colour:name"),
            ("read_only_column", "fields.unitPrice:price_base"),
            ("does_not_convert", "fields.blocked:quantityonhand"),
            ("does_not_convert", "fields.blocked:quantityonhand"),
            ("lookup_without_mapping", "fields.baseUnitOfMeasureId:defaultuomid"),
            ("filter_refused", "business_central_filter"),
        ],
    )
    assert "OR" in answer.json()["problems"][-1]["message"]
    nowhere = {**faulty, "business_central": {"table": "contoso/sales/v1.0/gifts"}, "dataverse": {"table": "produkt"}}
    answer = await everything.app.post("/mappings", json=nowhere)
    assert [one["code"] for one in answer.json()["problems"]] == ["no_such_table", "no_such_table"]


async def test_a_custom_mapping_is_made_run_both_ways_and_removed(everything: Everything) -> None:
    await everything.fresh()
    piece = await unit(everything)
    await made(everything, UOM_MAPPING)
    new = await made(everything, {**ITEM_PRODUCT, "enabled": False, "fields": LINES[2:], "match_by": []})
    assert (new["enabled"], new["user_defined"], len(new["fields"])) == (False, True, len(LINES) - 2)
    for line in LINES[:2]:
        added = await everything.app.post("/mappings/ITEM-PRODUCT/fields", json=line)
        assert (added.status_code, added.json()["enabled"]) == (201, False), added.text
        address = f"/mappings/ITEM-PRODUCT/fields/{added.json()['line']}"
        on = await everything.app.patch(address, json={"enabled": True}, headers={"If-Match": added.headers["ETag"]})
        assert on.status_code == 200, on.text
    on = await everything.app.patch("/mappings/ITEM-PRODUCT", json={"enabled": True, "match_by": [["number"]]})
    assert on.status_code == 200, on.text
    await _edits_travel(everything, piece)
    asked = await everything.app.delete("/mappings/UOM")
    assert (asked.status_code, asked.json()["code"]) == (409, "mapping_needed")
    kept = {table for table, _, _ in await documents_of(everything, "ITEM-PRODUCT", "product")}
    assert kept >= {"syncMappings", "syncCouplings", "syncRuns"}
    await removed(everything, "ITEM-PRODUCT", "UOM")
    assert await documents_of(everything, "ITEM-PRODUCT", "UOM", "product", "items") == []
    assert len(await products(everything)) == len(await items(everything)) == 3
    assert (await everything.app.get("/mappings/ITEM-PRODUCT")).status_code == 404


async def _edits_travel(everything: Everything, piece: str) -> None:
    units = (await everything.business_central.get("/unitsOfMeasure", params={"$filter": "code eq 'PCS'"})).json()
    body = {"displayName": "Chair", "unitPrice": 12.5, "unitCost": 7, "baseUnitOfMeasureId": units["value"][0]["id"]}
    for name in ("Chair", "Table"):
        made_item = await everything.business_central.post("/items", json={**body, "displayName": name})
        assert made_item.status_code == 201, made_item.text
    bike = {"productnumber": "BIKE-1", "name": "Bicycle", "price": 900, "defaultuomid@odata.bind": f"/uoms({piece})"}
    assert (await everything.dataverse.post("/products", json=bike)).status_code == 204
    await everything.synchronize()
    numbers = {row["displayName"]: row for row in (await items(everything)).values()}
    assert numbers["Bicycle"]["unitPrice"] == 900
    chair = (await products(everything))[numbers["Chair"]["number"]]
    costs = {name: chair[name] for name in ("price", "standardcost", "currentcost", "_defaultuomid_value")}
    assert costs == {"price": 12.5, "standardcost": 7, "currentcost": 7, "_defaultuomid_value": piece}
    edited = await everything.dataverse.patch(f"/products({chair['productid']})", json={"name": "Armchair"})
    assert edited.status_code == 204
    table = numbers["Table"]
    priced = await everything.business_central.patch(
        f"/items({table['id']})", json={"unitPrice": 99.948}, headers={"If-Match": "*"}
    )
    assert priced.status_code == 200, priced.text
    await everything.synchronize("ITEM-PRODUCT")
    assert {"Armchair", "Bicycle", "Table"} == set(await items(everything))
    assert (await products(everything))[table["number"]]["price"] == 99.95  # as many decimals as Dataverse keeps
    assert (await items(everything))["Table"]["unitPrice"] == 99.948
    written = await everything.writes()
    await everything.synchronize("ITEM-PRODUCT")
    assert await everything.writes() == written
    assert (await items(everything))["Table"]["unitPrice"] == 99.948


async def test_a_custom_page_is_synchronized_under_its_own_root(everything: Everything) -> None:
    await everything.fresh()
    body = {
        "name": "CARDS",
        "business_central": {"table": CARDS},
        "dataverse": {"table": "product", "filter": "producttypecode eq 3"},
        "direction": "Bidirectional",
        "enabled": True,
        "synch_only_coupled_records": False,
        "match_by": [["number"]],
        "fields": [
            {"business_central": "number", "dataverse": "productnumber"},
            {"business_central": "description", "dataverse": "name"},
            {"dataverse": "producttypecode", "direction": TO, "constant": 3, "new_rows_only": True},
        ],
    }
    await made(everything, body)
    root = str(everything.business_central.base_url).replace("/api/v2.0/", "/api/contoso/sales/v1.0/")
    card = await everything.business_central.post(f"{root}loyaltyCards", json={"number": "L-1", "description": "Gold"})
    assert card.status_code == 201, card.text
    service = {"productnumber": "l-2", "name": "Silver", "producttypecode": 3}
    assert (await everything.dataverse.post("/products", json=service)).status_code == 204
    await everything.synchronize("CARDS")
    cards = (await everything.business_central.get(f"{root}loyaltyCards")).raise_for_status().json()["value"]
    assert {(one["number"], one["description"]) for one in cards} == {("L-1", "Gold"), ("L-2", "Silver")}
    assert {(number, row["name"]) for number, row in (await products(everything)).items()} == {
        ("L-1", "Gold"),
        ("l-2", "Silver"),
    }
    writes = await everything.writes()
    await everything.synchronize("CARDS")
    assert await everything.writes() == writes  # that a code came back in capitals is nobody's edit
    assert await documents_of(everything, CARDS)
    await removed(everything, "CARDS")
    assert await documents_of(everything, "CARDS", CARDS) == []


async def test_a_standard_mapping_gets_a_column_that_nobody_described(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    line = {"business_central": "taxRegistrationNumber", "dataverse": "description", "direction": TO, "enabled": True}
    added = await everything.app.post("/mappings/CUSTOMER/fields", json=line)
    assert added.status_code == 201, added.text
    try:
        customer = {"displayName": "Adatum", "taxRegistrationNumber": "DE123456789"}
        assert (await everything.business_central.post("/customers", json=customer)).status_code == 201
        job = await everything.synchronize("CUSTOMER")
        assert (job["inserted"], job["failed"]) == (1, 0)
        accounts = (await everything.dataverse.get("/accounts")).json()["value"]
        assert [row["description"] for row in accounts] == ["DE123456789"]
        refreshed = (await everything.app.post("/mappings/CUSTOMER/refresh-fields")).json()
        told = {(one["side"], one["table"]): one["added"] for one in refreshed["tables"]}
        assert "balanceDue" in told["business_central", "customers"]
        assert ("dataverse", "account") not in told  # read when the line was added
        assert not [one for one in refreshed["problems"] if not one["warning"]]
        await everything.synchronize("CUSTOMER")
    finally:
        await everything.app.delete("/mappings/CUSTOMER/fields/taxRegistrationNumber:description")
