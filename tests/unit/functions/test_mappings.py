"""Mappings over HTTP: made, checked, changed, set up anew, and removed with everything that was kept for them."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind
from shared.services import removing_mappings
from shared.services.requests import enqueue_due
from tests.unit.custom_mappings import (
    CARDS,
    FAULTY,
    ITEM_PRODUCT,
    ITEMS,
    PRODUCT,
    SCHEDULE,
    SCHEDULE_MAPPING,
    UNITS,
    UOM,
    UOM_MAPPING,
    custom_world,
)
from tests.unit.functions.api import Answered, Api
from tests.world import ACCOUNT, CUSTOMERS

ITEM = {"mapping": "ITEM-PRODUCT"}
CUSTOMER = {"mapping": "CUSTOMER"}


@pytest.fixture
def api() -> Api:
    return Api(custom_world())


async def made(api: Api, *bodies: dict[str, Any]) -> Answered:
    answer = None
    for body in bodies or (UOM_MAPPING, ITEM_PRODUCT):
        answer = await api.call("create_mapping", body=body)
        assert answer.status == 201, answer.text
    assert answer is not None
    return answer


async def mapping(api: Api, name: str = "ITEM-PRODUCT") -> dict[str, Any]:
    return dict((await api.call("get_mapping", {"mapping": name})).json)


async def test_every_faulty_mapping_is_refused_with_all_its_problems(api: Api) -> None:
    assert len(FAULTY) >= 25
    await made(api, UOM_MAPPING)
    before = (await api.call("list_mappings")).json
    for faulty in FAULTY:
        answer = await api.call("create_mapping", body=faulty.body)
        found = [(one["code"], one["field"]) for one in answer.json.get("problems", ())]
        assert (answer.status, found) == (400, [one[:2] for one in faulty.problems]), faulty.name
        for one, (_, _, part) in zip(answer.json["problems"], faulty.problems, strict=True):
            assert part in one["message"], faulty.name
            assert one["message"].endswith("."), faulty.name
        assert (answer.json["code"], answer.json["field"]) == found[0], faulty.name
        checked = await api.call("create_mapping", body=faulty.body, query="preview=true")
        told = [(one["code"], one["member"]) for one in checked.json["problems"] if not one["warning"]]
        assert (checked.status, told) == (200, found), faulty.name
    assert (await api.call("list_mappings")).json == before


async def test_a_custom_mapping_is_made_and_works_both_ways(api: Api) -> None:
    world, new = api.world, await made(api)
    assert new.headers["location"].endswith("/api/mappings/ITEM-PRODUCT")
    assert (new.json["user_defined"], new.json["enabled"], new.headers["etag"]) == (True, True, new.json["etag"])
    piece = world.business_central.put(UNITS, {"code": "PCS"})
    unit = world.dataverse.put(UOM, {"name": "PCS", "quantity": 1})
    chair = world.business_central.put(
        ITEMS,
        {"number": "1000", "displayName": "Chair", "unitPrice": 12, "baseUnitOfMeasureId": piece, "blocked": False},
    )
    bike = world.dataverse.put(PRODUCT, {"name": "Bicycle", "productnumber": "B1", "producttypecode": 1, "price": 900})
    await world.synchronize()
    products = {row["name"]: row for row in world.dataverse.rows(PRODUCT).values()}
    assert products["Chair"]["defaultuomid"] == unit
    assert (products["Chair"]["price"], products["Chair"]["productnumber"]) == (12, "1000")
    world.dataverse.edit(PRODUCT, bike, {"price": 950})
    world.business_central.edit(ITEMS, chair, {"displayName": "Armchair"})
    await world.synchronize()
    assert {row["name"] for row in world.dataverse.rows(PRODUCT).values()} == {"Armchair", "Bicycle"}
    written = dict(world.written)
    await world.synchronize()
    assert world.written == written


async def test_one_field_may_refer_to_rows_of_two_tables(api: Api) -> None:
    world, body = api.world, deepcopy(ITEM_PRODUCT)
    group = {**body["fields"][3], "dataverse": "defaultuomscheduleid"}
    body["fields"].append({**group, "reference": {"kind": "coupled_record", "mappings": ["UNIT-GROUP"]}})
    body["depends_on"] = ["UOM", "UNIT-GROUP"]
    await made(api, UOM_MAPPING, SCHEDULE_MAPPING, body)
    piece = world.business_central.put(UNITS, {"code": "PCS"})
    unit, schedule = (world.dataverse.put(table, {"name": "PCS"}) for table in (UOM, SCHEDULE))
    world.business_central.put(
        ITEMS, {"number": "1", "displayName": "Chair", "baseUnitOfMeasureId": piece, "blocked": False}
    )
    await world.synchronize()
    (row,) = world.dataverse.rows(PRODUCT).values()
    assert (row["defaultuomid"], row["defaultuomscheduleid"]) == (unit, schedule)


async def test_another_instance_knows_the_tables_of_a_custom_mapping(api: Api) -> None:
    await made(api)
    other = api.world.instance()
    stored = await other.mappings.get("ITEM-PRODUCT")
    assert stored is not None
    tables = other.tables_of(stored.mapping)
    assert tables == {Side.BUSINESS_CENTRAL: ITEMS, Side.DATAVERSE: PRODUCT}
    await other.mappings.all()
    assert (
        other.tables_of(stored.mapping)[Side.DATAVERSE] is tables[Side.DATAVERSE]
    )  # what is unchanged is not read anew


async def test_another_instance_learns_what_was_refreshed(api: Api) -> None:
    await made(api)
    other = api.world.instance()
    stored = await other.mappings.get("ITEM-PRODUCT")
    assert stored is not None
    extended = PRODUCT.model_copy(update={"columns": (*PRODUCT.columns, Column(name="cr_colour", max_length=20))})
    api.world.dataverse.add_table(extended)
    assert (await api.call("refresh_fields", ITEM)).json["tables"][0]["added"] == ["cr_colour"]
    assert not other.tables_of(stored.mapping)[Side.DATAVERSE].has("cr_colour")
    await other.mappings.all()
    assert other.tables_of(stored.mapping)[Side.DATAVERSE] == extended


async def test_a_new_mapping_is_disabled_and_synchronizes_only_what_is_coupled(api: Api) -> None:
    body = {name: ITEM_PRODUCT[name] for name in ("name", "business_central", "dataverse", "direction")}
    answer = await made(api, {**body, "name": "item-product"})
    assert (answer.json["name"], answer.json["fields"]) == ("ITEM-PRODUCT", [])
    assert (answer.json["enabled"], answer.json["synch_only_coupled_records"]) == (False, True)
    assert [one["code"] for one in answer.json["warnings"]] == ["no_field_mapping", "no_field_mapping"]
    again = await api.call("create_mapping", body=body)
    assert (again.status, again.code) == (409, "mapping_exists")
    told = (await api.call("create_mapping", body=body, query="preview=true")).json["problems"][0]
    assert (told["code"], told["member"], told["warning"]) == ("mapping_exists", "name", False)
    on = await api.call("change_mapping", ITEM, body={"enabled": True})
    assert (on.status, on.code) == (400, "no_field_mapping")


async def test_a_custom_page_is_mapped_by_its_full_name(api: Api) -> None:
    body = {
        "name": "CARDS",
        "business_central": {"table": CARDS.name},
        "dataverse": {"table": "product", "filter": "producttypecode eq 3"},
        "direction": "ToIntegrationTable",
        "enabled": True,
        "synch_only_coupled_records": False,
        "fields": [
            {"business_central": "number", "dataverse": "productnumber", "direction": "ToIntegrationTable"},
            {"business_central": "points", "dataverse": "quantityonhand", "direction": "ToIntegrationTable"},
        ],
    }
    await made(api, body)
    api.world.business_central.put(CARDS, {"number": "L1", "points": 5})
    await api.world.synchronize("CARDS")
    (row,) = api.world.dataverse.rows(PRODUCT).values()
    assert (row["productnumber"], row["quantityonhand"]) == ("L1", 5)


async def test_what_may_be_unwise_is_told_and_hinders_nobody(api: Api) -> None:
    body = deepcopy(ITEM_PRODUCT)
    body["fields"].append({"business_central": "unitCost", "dataverse": "description"})
    body["depends_on"] = []
    body["fields"][1]["dataverse"] = "description"
    body["fields"].pop()
    await made(api, UOM_MAPPING)
    checked = (await api.call("create_mapping", body=body, query="preview=true")).json["problems"]
    assert {(one["code"], one["member"], one["warning"]) for one in checked} == {
        ("may_be_too_long", "fields.displayName:description", True),
        ("not_in_depends_on", "fields.baseUnitOfMeasureId:defaultuomid", True),
    }
    assert {one["code"] for one in (await made(api, body)).json["warnings"]} >= {"may_be_too_long"}


async def test_mappings_that_would_share_records_are_refused_when_the_second_is_enabled(api: Api) -> None:
    await made(api)
    rival = {**deepcopy(ITEM_PRODUCT), "name": "RIVAL", "enabled": False}
    warned = await made(api, rival)
    assert warned.status == 201
    on = await api.call("change_mapping", {"mapping": "RIVAL"}, body={"enabled": True})
    assert (on.status, on.code) == (400, "same_tables")
    apart = {"enabled": True, "business_central_filter": "blocked eq true", "dataverse_filter": "producttypecode eq 3"}
    assert (await api.call("change_mapping", {"mapping": "RIVAL"}, body=apart)).status == 200


async def test_loops_between_mappings_are_found_whichever_end_is_saved_last(api: Api) -> None:
    await made(api)
    looped = await api.call("change_mapping", {"mapping": "UOM"}, body={"depends_on": ["ITEM-PRODUCT"]})
    assert (looped.status, looped.code, looped.json["field"]) == (400, "dependency_loop", "depends_on")
    assert "UOM -> ITEM-PRODUCT -> UOM" in looped.json["detail"]


async def test_a_mapping_is_replaced_and_keeps_its_name(api: Api) -> None:
    etag = (await made(api)).headers["etag"]
    body = {**deepcopy(ITEM_PRODUCT), "name": "OTHER", "guard_percent": 50}
    body["fields"] = body["fields"][:3]
    answer = await api.call("replace_mapping", ITEM, body=body, headers={"If-Match": etag})
    assert (answer.status, answer.json["name"], answer.json["guard_percent"]) == (200, "ITEM-PRODUCT", 50)
    assert len(answer.json["fields"]) == 3
    stale = await api.call("replace_mapping", ITEM, body=body, headers={"If-Match": etag})
    assert (stale.status, stale.code) == (412, "mapping_changed")


async def test_a_disabled_mapping_is_replaced_by_one_of_other_tables(api: Api) -> None:
    await api.call("change_mapping", CUSTOMER, body={"enabled": False})
    tables = {"business_central": {"table": "items"}, "dataverse": {"table": "product"}}
    fields = [{"business_central": "displayName", "dataverse": "name"}]
    body = {**tables, "direction": "Bidirectional", "enabled": False, "fields": fields}
    answer = await api.call("replace_mapping", CUSTOMER, body=body)
    assert answer.status == 200, answer.text
    unknown = {**body, "dataverse": {"table": "nobody_has_this"}}
    assert (await api.call("replace_mapping", CUSTOMER, body=unknown)).code == "no_such_table"


async def test_the_tables_of_a_mapping_with_couplings_stay(api: Api) -> None:
    await made(api)
    api.world.business_central.put(ITEMS, {"number": "1", "displayName": "Chair", "blocked": False})
    await api.world.synchronize("ITEM-PRODUCT")
    other = {
        **deepcopy(ITEM_PRODUCT),
        "business_central": {"table": "unitsOfMeasure"},
        "match_by": [],
        "depends_on": [],
    }
    other["fields"] = [{"business_central": "code", "dataverse": "size"}]
    answer = await api.call("replace_mapping", ITEM, body=other)
    assert (answer.status, answer.code) == (409, "tables_in_use")


async def test_a_disabled_mapping_can_be_changed_whatever_became_of_its_tables(api: Api) -> None:
    await made(api)
    without = PRODUCT.model_copy(update={"columns": tuple(one for one in PRODUCT.columns if one.name != "price")})
    api.world.dataverse.add_table(without)
    refreshed = (await api.call("refresh_fields", ITEM)).json
    assert refreshed["tables"] == [
        {"side": "dataverse", "table": "product", "added": [], "removed": ["price"], "changed": []}
    ]
    assert [(one["code"], one["member"]) for one in refreshed["problems"]] == [
        ("unknown_column", "fields.unitPrice:price")
    ]
    assert (await api.call("change_mapping", ITEM, body={"guard_percent": 9})).code == "unknown_column"
    assert (await api.call("change_mapping", ITEM, body={"enabled": False})).status == 200


async def test_new_columns_are_known_once_somebody_maps_them(api: Api) -> None:
    await made(api)
    extended = PRODUCT.model_copy(update={"columns": (*PRODUCT.columns, Column(name="cr_colour", max_length=20))})
    api.world.dataverse.add_table(extended)
    line = {"business_central": "displayName", "dataverse": "cr_colour", "direction": "ToIntegrationTable"}
    assert (await api.call("add_line", ITEM, body=line)).status == 201
    customer = CUSTOMERS.model_copy(update={"columns": (*CUSTOMERS.columns, Column(name="fax", max_length=30))})
    api.world.business_central.add_table(customer)
    line = {"business_central": "fax", "dataverse": "fax", "enabled": True}
    assert (await api.call("add_line", CUSTOMER, body=line)).status == 201
    fresh = api.world.instance()
    stored = await fresh.mappings.get("CUSTOMER")
    assert stored is not None
    assert fresh.tables_of(stored.mapping)[Side.BUSINESS_CENTRAL].has("fax")


async def test_a_table_that_is_gone_is_told(api: Api) -> None:
    await made(api)
    del api.world.dataverse._tables["product"]
    answer = await api.call("refresh_fields", ITEM)
    assert (answer.status, answer.code, answer.json["field"]) == (400, "no_such_table", "dataverse.table")


# Lines ----------------------------------------------------------------------------------------------------------------


async def test_lines_are_added_changed_and_deleted(api: Api) -> None:
    await made(api)
    line = {"business_central": "unitCost", "dataverse": "standardcost", "direction": "ToIntegrationTable"}
    added = await api.call("add_line", ITEM, body=line)
    assert (added.status, added.json["line"], added.json["enabled"]) == (201, "unitCost:standardcost", False)
    one = {**ITEM, "line": "unitCost:standardcost"}
    assert (await api.call("get_line", one)).json == added.json
    changed = await api.call("change_line", one, body={"enabled": True}, headers={"If-Match": added.headers["etag"]})
    assert (changed.status, changed.json["enabled"]) == (200, True)
    stale = await api.call("change_line", one, body={"enabled": False}, headers={"If-Match": added.headers["etag"]})
    assert (stale.status, stale.code) == (412, "mapping_changed")
    left = await api.call("delete_line", one)
    lines = [one["line"] for one in left.json["lines"]]
    assert lines == [one["line"] for one in (await api.call("list_lines", ITEM)).json["lines"]]
    assert lines[0] == "number:productnumber"
    assert lines[-1] == ":producttypecode"
    assert (await api.call("get_line", one)).code == "unknown_line"


REFUSED_LINES = (
    ({"business_central": "colour", "dataverse": "size"}, "unknown_column", "fields.colour:size"),
    ({"business_central": "unitPrice", "dataverse": "price"}, "duplicate_line", "fields.unitPrice:price"),
    ({"business_central": "blocked", "dataverse": "price"}, "does_not_convert", "fields.blocked:price"),
    ({"dataverse": "size"}, "incomplete_line", "fields.:size"),
)


@pytest.mark.parametrize(("line", "code", "field"), REFUSED_LINES)
async def test_a_faulty_line_is_refused_though_it_would_start_disabled(
    api: Api, line: dict[str, Any], code: str, field: str
) -> None:
    await made(api)
    answer = await api.call("add_line", ITEM, body=line)
    assert (answer.status, answer.code, answer.json["field"]) == (400, code, field)


async def test_the_last_line_of_a_direction_cannot_be_taken_from_an_enabled_mapping(api: Api) -> None:
    await made(api)
    for line in ("displayName:name", "unitPrice:price"):
        answer = await api.call("delete_line", {**ITEM, "line": line})
    assert (answer.status, answer.code) == (400, "no_field_mapping")


async def test_members_of_a_line_take_null_only_where_null_is_a_value(api: Api) -> None:
    await made(api)
    one = {**ITEM, "line": "displayName:name"}
    assert (await api.call("change_line", one, body={"enabled": None})).code == "invalid_value"
    assert (await api.call("change_line", one, body={"group": "names"})).json["group"] == "names"
    assert (await api.call("change_line", one, body={"group": None})).json["group"] is None
    assert (await api.call("change_line", one, body={"dataverse": "size"})).code == "unknown_member"


# Tables ---------------------------------------------------------------------------------------------------------------


async def test_tables_are_listed_searched_and_paged(api: Api) -> None:
    await made(api)
    found = (await api.call("list_tables", query="side=business_central&text=item")).json["tables"]
    assert found == [{"name": "items", "caption": "Item", "mappings": ["ITEM-PRODUCT"]}]
    first = (await api.call("list_tables", query="side=dataverse&limit=2")).json
    rest = (await api.call("list_tables", query=f"side=dataverse&continuation={first['continuation']}")).json
    names = [one["name"] for one in first["tables"] + rest["tables"]]
    assert names == sorted(names)
    assert {"account", "product", "uom"} <= set(names)
    assert rest["continuation"] is None
    custom = (await api.call("list_tables", query="side=business_central&api=contoso/sales/v1.0")).json["tables"]
    assert [one["name"] for one in custom] == [CARDS.name]
    assert (await api.call("list_tables", query="side=nowhere")).code == "invalid_value"


async def test_a_table_is_shown_with_its_columns(api: Api) -> None:
    shown = (await api.call("get_table", {"side": "dataverse", "table": "product"})).json
    columns = {one["name"]: one for one in shown["columns"]}
    assert (shown["key"], shown["number"], shown["modified"]) == ("productid", "productnumber", "modifiedon")
    assert columns["producttypecode"]["options"][0] == {"value": 1, "label": "Sales Inventory"}
    assert (columns["defaultuomid"]["kind"], columns["defaultuomid"]["target"]) == ("lookup", "uom")
    assert (columns["price_base"]["read_only"], columns["productstructure"]["create_only"]) == (True, True)
    card = {"side": "business_central", "table": "loyaltyCards"}
    assert (await api.call("get_table", card, query="api=contoso/sales/v1.0")).json["name"] == CARDS.name
    assert (await api.call("get_table", card)).code == "unknown_table"
    assert (await api.call("get_table", {"side": "sideways", "table": "x"})).code == "invalid_value"


# Default setup --------------------------------------------------------------------------------------------------------


async def test_a_standard_mapping_is_set_up_anew_and_keeps_what_is_kept_for_it(api: Api) -> None:
    world = api.world
    await world.open_all()
    world.customer(displayName="Adatum")
    await world.synchronize("CUSTOMER")
    await api.call("change_mapping", CUSTOMER, body={"guard_percent": 99, "enabled": False})
    await api.call("delete_line", {**CUSTOMER, "line": "website:websiteurl"})
    before = await mapping(api, "CUSTOMER")
    preview = (await api.call("use_default_setup", CUSTOMER, query="preview=true")).json
    changes = {one["member"]: (one["before"], one["after"]) for one in preview["changes"]}
    assert changes["guard_percent"] == (99, 25)
    assert changes["synch_only_coupled_records"] == (False, True)
    assert changes["fields.website"][0] is None
    assert changes["fields.number"][1]["enabled"] is False
    assert "enabled" not in changes
    assert await mapping(api, "CUSTOMER") == before
    done = await api.call("use_default_setup", CUSTOMER, headers={"If-Match": before["etag"]})
    assert done.json["changes"] == preview["changes"]
    after = await mapping(api, "CUSTOMER")
    assert (after["enabled"], after["guard_percent"], after["etag"]) == (False, 25, done.headers["etag"])
    assert [one["enabled"] for one in after["fields"] if one["business_central"] == "number"] == [False]
    assert len(await world.services.couplings("CUSTOMER").all()) == 1
    assert (await api.call("use_default_setup", CUSTOMER)).json["changes"] == []
    stale = await api.call("use_default_setup", CUSTOMER, headers={"If-Match": before["etag"]})
    assert stale.code == "mapping_changed"


async def test_all_standard_mappings_are_set_up_anew_and_custom_ones_stay(api: Api) -> None:
    await made(api)
    custom = await mapping(api)
    await api.call("change_mapping", {"mapping": "VENDOR"}, body={"guard_percent": 1})
    told = (await api.call("use_default_setups", query="preview=true")).json["mappings"]
    assert (await mapping(api, "VENDOR"))["guard_percent"] == 1
    done = (await api.call("use_default_setups")).json["mappings"]
    assert [one["changes"] for one in done] == [one["changes"] for one in told]
    assert (await mapping(api, "VENDOR"))["guard_percent"] == 25
    assert await mapping(api) == custom
    refused = await api.call("use_default_setup", ITEM)
    assert (refused.status, refused.code) == (409, "no_default_setup")


# Removal --------------------------------------------------------------------------------------------------------------


def left_of(api: Api, name: str) -> list[tuple[str, str, str]]:
    """Every stored document that belongs to a mapping, the job log apart, and that it was removed a moment ago."""
    return [
        (table, partition, key)
        for (table, partition), rows in api.world.state._partitions.items()
        for key in rows
        if table not in ("jobs", "requests")
        and key != f"removed|{name}"
        and name in (*partition.split("|"), *key.split("|"))
    ]


async def removed(api: Api, name: str) -> dict[str, Any]:
    answer = await api.call("delete_mapping", {"mapping": name})
    assert answer.status == 202, answer.text
    await api.world.work_off()
    job = answer.headers["location"].rpartition("/")[2]
    return dict((await api.call("get_job", {"id": job})).json)


async def test_a_removed_mapping_leaves_no_document_and_touches_no_record(api: Api) -> None:
    world = api.world
    await made(api)
    for number in range(120):
        world.business_central.put(ITEMS, {"number": f"I{number}", "displayName": f"Item {number}", "blocked": False})
    await world.synchronize("ITEM-PRODUCT")
    records = world.business_central.rows(ITEMS), world.dataverse.rows(PRODUCT)
    assert left_of(api, "ITEM-PRODUCT")
    job = await removed(api, "item-product")
    assert (job["status"], job["uncoupled"], job["type"]) == ("succeeded", 120, "uncoupling")
    assert left_of(api, "ITEM-PRODUCT") == []
    assert left_of(api, "items") == left_of(api, "product") == []
    assert (world.business_central.rows(ITEMS), world.dataverse.rows(PRODUCT)) == records
    assert (await api.call("get_mapping", ITEM)).code == "unknown_mapping"
    await made(api, ITEM_PRODUCT)
    await world.synchronize("ITEM-PRODUCT")
    assert len(world.dataverse.rows(PRODUCT)) == 120  # matched by their numbers, not doubled


async def test_a_mapping_that_others_need_stays(api: Api) -> None:
    await made(api)
    refused = await api.call("delete_mapping", {"mapping": "UOM"})
    assert (refused.status, refused.code) == (409, "mapping_needed")
    assert "ITEM-PRODUCT needs UOM" in refused.json["detail"]
    await api.call("delete_line", {**ITEM, "line": "baseUnitOfMeasureId:defaultuomid"})
    await api.call("change_mapping", ITEM, body={"depends_on": []})
    assert (await removed(api, "UOM"))["status"] == "succeeded"


async def test_a_mapping_stays_while_a_run_of_it_is_on(api: Api) -> None:
    await made(api)
    assert (await api.call("synchronize_mapping", ITEM)).status == 202
    refused = await api.call("delete_mapping", ITEM)
    assert (refused.status, refused.code) == (409, "mapping_busy")
    await api.world.work_off()
    assert (await removed(api, "ITEM-PRODUCT"))["status"] == "succeeded"


async def test_standard_mappings_stay_removed_and_come_back_by_default_setup(api: Api) -> None:
    for name in ("CONTACT", "CUSTOMER", "VENDOR", "SALESPEOPLE", "CURRENCY"):
        await removed(api, name)
    assert (await api.call("list_mappings")).json["mappings"] == []
    back = await api.call("use_default_setup", {"mapping": "CURRENCY"})
    assert (back.status, back.json["changes"][0]["before"]) == (200, None)
    assert [one["name"] for one in (await api.call("list_mappings")).json["mappings"]] == ["CURRENCY"]


async def test_what_is_known_of_companies_goes_with_their_mapping(api: Api) -> None:
    world = api.world
    await world.open_all()
    world.customer(displayName="Adatum")
    world.dataverse.put(ACCOUNT, {"name": "Fabrikam", "customertypecode": 11})
    await world.synchronize()
    for name in ("CONTACT", "CUSTOMER"):
        await removed(api, name)
    assert left_of(api, "CUSTOMER") == []
    assert left_of(api, "VENDOR") != []


async def removal_whose_message_was_lost(api: Api) -> Answered:
    world = api.world
    await made(api)
    for number in range(30):
        world.business_central.put(ITEMS, {"number": f"I{number}", "displayName": f"Item {number}", "blocked": False})
    await world.synchronize("ITEM-PRODUCT")
    asked = await api.call("delete_mapping", ITEM)
    delivery = world.queue.receive()
    assert delivery is not None
    world.queue.complete(delivery)
    return asked


async def test_a_name_is_taken_until_everything_of_its_mapping_is_gone(api: Api) -> None:
    asked = await removal_whose_message_was_lost(api)
    repeated = await api.call("create_mapping", body=ITEM_PRODUCT)
    assert (repeated.status, repeated.code) == (409, "mapping_being_removed")
    again = await api.call("delete_mapping", ITEM)
    assert again.json["id"] == asked.json["id"]


async def test_the_timer_wakes_a_removal_whose_message_was_lost(api: Api) -> None:
    asked, world = await removal_whose_message_was_lost(api), api.world
    for name in ("CUSTOMER", "VENDOR", "CONTACT", "CURRENCY", "SALESPEOPLE", "UOM"):
        await api.call("change_mapping", {"mapping": name}, body={"enabled": False})
    await enqueue_due(world.services)
    assert world.queue.receive() is None  # it may still be on its way
    world.clock.advance(minutes=10)
    await enqueue_due(world.services)
    await world.work_off()
    assert left_of(api, "ITEM-PRODUCT") == []
    assert (await api.call("get_job", {"id": asked.json["id"]})).json["status"] == "succeeded"


async def test_a_removal_is_cut_into_slices(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    world = api.world
    await made(api)
    for number in range(30):
        world.business_central.put(ITEMS, {"number": f"I{number}", "displayName": f"Item {number}", "blocked": False})
    await world.synchronize("ITEM-PRODUCT")
    monkeypatch.setattr(removing_mappings, "PAGE", 10)
    world.policy = replace(world.policy, slice_time=timedelta(0))
    world.services = world.instance()
    job = await removed(api, "ITEM-PRODUCT")
    assert (job["status"], job["uncoupled"]) == ("succeeded", 30)
    assert job["slices"] >= 60 // 10
    assert left_of(api, "ITEM-PRODUCT") == []


def test_the_kinds_of_columns_of_these_tests_are_many() -> None:
    kinds = {column.kind for table in (ITEMS, PRODUCT) for column in table.columns}
    assert kinds >= set(ColumnKind) - {ColumnKind.CODE, ColumnKind.INTEGER}
