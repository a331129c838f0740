"""Items and products: two tables that the standard set does not know, a sound mapping of them, and many faulty ones."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table
from tests.world import World

type Body = dict[str, Any]

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
K = ColumnKind
CHANGED = Column(name="lastModifiedDateTime", kind=K.DATETIME, read_only=True)
MODIFIED = Column(name="modifiedon", kind=K.DATETIME, read_only=True)


def entity_set(name: str, caption: str, *columns: Column, modified: str | None = CHANGED.name, **more: Any) -> Table:
    return Table(
        name=name, side=BC, caption=caption, entity_set=name.rpartition("/")[2], key="id", title="displayName",
        modified=modified, columns=(*columns, CHANGED) if modified else columns, **more,
    )  # fmt: skip


def dataverse_table(name: str, caption: str, *columns: Column, **more: Any) -> Table:
    return Table(
        name=name, side=DV, caption=caption, entity_set=f"{name}s", key=f"{name}id", title="name",
        modified=MODIFIED.name, columns=(*columns, MODIFIED), **more,
    )  # fmt: skip


ITEMS = entity_set(
    "items",
    "Item",
    Column(name="number", max_length=20),
    Column(name="displayName", max_length=100),
    Column(name="type", kind=K.ENUM, members=("Inventory", "Service")),
    Column(name="blocked", kind=K.BOOLEAN),
    Column(name="unitPrice", kind=K.DECIMAL),
    Column(name="unitCost", kind=K.DECIMAL),
    Column(name="inventory", kind=K.DECIMAL, read_only=True),
    Column(name="baseUnitOfMeasureId", kind=K.GUID, target="unitsOfMeasure"),
    Column(name="itemCategoryId", kind=K.GUID, target="itemCategories"),
    number="number",
)
UNITS = entity_set(
    "unitsOfMeasure", "Unit of Measure", Column(name="code", max_length=10), Column(name="displayName", max_length=50),
    number="code",
)  # fmt: skip
CARDS = entity_set(
    "contoso/sales/v1.0/loyaltyCards",
    "Loyalty Card",
    Column(name="number", max_length=20),
    Column(name="points", kind=K.INTEGER),
    number="number",
    api="contoso/sales/v1.0",
)
UNDATED = entity_set("journals", "Journal", Column(name="code", max_length=10), modified=None, number="code")
PRODUCT = dataverse_table(
    "product",
    "Product",
    Column(name="productnumber", max_length=100),
    Column(name="name", max_length=100),
    Column(name="description", max_length=2000),
    Column(name="size", max_length=50),
    Column(name="price", kind=K.DECIMAL),
    Column(name="standardcost", kind=K.DECIMAL),
    Column(name="currentcost", kind=K.DECIMAL),
    Column(name="price_base", kind=K.DECIMAL, read_only=True),
    Column(name="quantityonhand", kind=K.DECIMAL),
    Column(name="isstockitem", kind=K.BOOLEAN),
    Column(name="producttypecode", kind=K.CHOICE, options={1: "Sales Inventory", 3: "Services"}),
    Column(name="productstructure", kind=K.CHOICE, options={1: "Product", 2: "Family"}, create_only=True),
    Column(name="validfrom", kind=K.DATE),
    Column(name="defaultuomid", kind=K.LOOKUP, navigation="defaultuomid", target_set="uoms", target="uom"),
    Column(
        name="defaultuomscheduleid",
        kind=K.LOOKUP,
        navigation="defaultuomscheduleid",
        target_set="uomschedules",
        target="uomschedule",
    ),
    Column(name="statecode", kind=K.CHOICE, options={0: "Active", 1: "Retired", 2: "Draft"}),
    number="productnumber",
)
UOM = dataverse_table("uom", "Unit", Column(name="name", max_length=100), Column(name="quantity", kind=K.DECIMAL))
SCHEDULE = dataverse_table("uomschedule", "Unit Group", Column(name="name", max_length=200))
TABLES = (ITEMS, UNITS, CARDS, UNDATED, PRODUCT, UOM, SCHEDULE)

UOM_MAPPING: Body = {
    "name": "UOM",
    "business_central": {"table": "unitsOfMeasure"},
    "dataverse": {"table": "uom"},
    "direction": "ToIntegrationTable",
    "create_new_in": [],
    "match_by": [["code"]],
    "synch_only_coupled_records": False,
    "enabled": True,
    "fields": [{"business_central": "code", "dataverse": "name", "direction": "ToIntegrationTable"}],
}
SCHEDULE_MAPPING: Body = {**UOM_MAPPING, "name": "UNIT-GROUP", "dataverse": {"table": "uomschedule"}}
"""The same units, coupled with unit groups."""

ITEM_PRODUCT: Body = {
    "name": "ITEM-PRODUCT",
    "business_central": {"table": "items", "filter": "blocked eq false"},
    "dataverse": {"table": "product", "filter": "producttypecode eq 1"},
    "direction": "Bidirectional",
    "depends_on": ["UOM"],
    "match_by": [["number"]],
    "synch_only_coupled_records": False,
    "enabled": True,
    "fields": [
        {"business_central": "number", "dataverse": "productnumber", "direction": "ToIntegrationTable"},
        {"business_central": "displayName", "dataverse": "name"},
        {"business_central": "unitPrice", "dataverse": "price"},
        {
            "business_central": "baseUnitOfMeasureId",
            "dataverse": "defaultuomid",
            "direction": "ToIntegrationTable",
            "reference": {"kind": "coupled_record", "mappings": ["UOM"]},
        },
        {"dataverse": "producttypecode", "direction": "ToIntegrationTable", "constant": 1, "new_rows_only": True},
    ],
}


def custom_world() -> World:
    """A world whose systems have these tables, too, and refuse one filter."""
    world = World()
    for table in TABLES:
        (world.business_central if table.side is BC else world.dataverse).add_table(table)
    world.business_central.refuse_filter("blocked eq false or type eq 'Service'", "The 'OR' operator is not supported.")
    return world


@dataclass(frozen=True)
class Faulty:
    """A mapping that is refused: its body, and code, member and a part of the sentence of each problem, in order."""

    name: str
    body: Body
    problems: tuple[tuple[str, str, str], ...]


def _faulty(name: str, change: Callable[[Body], object], *problems: tuple[str, str, str]) -> Faulty:
    body = deepcopy(ITEM_PRODUCT)
    change(body)
    return Faulty(name, body, problems)


def _line(**members: Any) -> Callable[[Body], None]:
    return lambda body: body["fields"].append(members)


def _set(**members: Any) -> Callable[[Body], None]:
    return lambda body: body.update(members)


def _table(side: Side, table: str, filter: str = "") -> Callable[[Body], None]:
    return lambda body: body.update({side.value: {"table": table, "filter": filter}})


def _uom(**members: Any) -> Callable[[Body], None]:
    return lambda body: body["fields"][3].update(members)


def _both(*changes: Callable[[Body], None]) -> Callable[[Body], None]:
    return lambda body: [change(body) for change in changes]  # type: ignore[return-value]


TO = "ToIntegrationTable"
FROM = "FromIntegrationTable"
CUSTOMERS: Body = {
    "business_central": {"table": "customers", "filter": ""},
    "dataverse": {"table": "account", "filter": "statecode eq 0"},
    "depends_on": [],
    "match_by": [],
    "direction": TO,
    "fields": [{"business_central": "displayName", "dataverse": "name", "direction": TO}],
}

FAULTY = (
    _faulty("a name with blanks", _set(name="ITEM PRODUCT"), ("invalid_name", "name", "A to Z, 0 to 9")),
    _faulty("a long name", _set(name="I" * 21), ("invalid_name", "name", "1 to 20 characters")),
    _faulty("no name", _set(name=""), ("invalid_name", "name", "1 to 20 characters")),
    _faulty(
        "an entity set that is not there",
        _table(BC, "itemz"),
        ("no_such_table", "business_central.table", "no table itemz"),
    ),
    _faulty(
        "a custom page that is not there",
        _table(BC, "contoso/sales/v1.0/gifts"),
        ("no_such_table", "business_central.table", "contoso/sales/v1.0/gifts"),
    ),
    _faulty(
        "two tables that are not there",
        _both(_table(BC, "itemz"), _table(DV, "produkt"), _set(name="?")),
        ("invalid_name", "name", "letter or digit"),
        ("no_such_table", "business_central.table", "Business Central has no table itemz"),
        ("no_such_table", "dataverse.table", "Dataverse has no table produkt"),
    ),
    _faulty(
        "a table without time of modification",
        _both(
            _table(BC, "journals"),
            _set(
                fields=[{"business_central": "code", "dataverse": "size"}],
                match_by=[],
                depends_on=[],
            ),
        ),
        ("missing_modified", "business_central.table", "lastModifiedDateTime"),
    ),
    _faulty(
        "a field that is not there",
        _line(business_central="colour", dataverse="size"),
        ("unknown_column", "fields.colour:size", "items has no column colour"),
    ),
    _faulty(
        "a column that is not there",
        _line(business_central="displayName", dataverse="colour", direction=TO),
        ("unknown_column", "fields.displayName:colour", "product has no column colour"),
    ),
    _faulty(
        "a read-only field",
        _line(business_central="inventory", dataverse="quantityonhand"),
        ("read_only_column", "fields.inventory:quantityonhand", "only the direction from Business Central"),
    ),
    _faulty(
        "a read-only column in a disabled line",
        _line(business_central="unitCost", dataverse="price_base", direction=TO, enabled=False),
        ("read_only_column", "fields.unitCost:price_base", "price_base of product is read-only"),
    ),
    _faulty(
        "a column for new rows only",
        _line(dataverse="productstructure", constant=1, direction=TO),
        ("create_only_column", "fields.:productstructure", "Set new_rows_only"),
    ),
    _faulty(
        "a number from yes or no",
        _line(business_central="blocked", dataverse="quantityonhand", direction=TO),
        ("does_not_convert", "fields.blocked:quantityonhand", "yes or no"),
    ),
    _faulty(
        "a date from a text",
        _line(business_central="displayName", dataverse="validfrom", direction=TO),
        ("does_not_convert", "fields.displayName:validfrom", "a date"),
    ),
    _faulty(
        "an option and a choice, both ways",
        _line(business_central="type", dataverse="statecode"),
        ("does_not_convert", "fields.type:statecode", "type of items holds an option"),
        ("does_not_convert", "fields.type:statecode", "statecode of product holds a choice"),
    ),
    _faulty(
        "an option of Business Central as a line's direction says",
        _set(
            direction=FROM,
            fields=[{"business_central": "displayName", "dataverse": "name", "direction": TO}],
            match_by=[],
        ),
        ("no_field_mapping", "direction", "no enabled field mapping from Dataverse"),
    ),
    _faulty(
        "a direction that no enabled line goes",
        _set(fields=[{"business_central": "displayName", "dataverse": "name", "enabled": False}], match_by=[]),
        ("no_field_mapping", "direction", "from Business Central, which Bidirectional needs"),
        ("no_field_mapping", "direction", "from Dataverse, which Bidirectional needs"),
    ),
    _faulty(
        "a filter that cannot be read",
        _table(BC, "items", "blocked is false"),
        ("invalid_filter", "business_central_filter", "Expected a comparison"),
    ),
    _faulty(
        "a filter by a column that is not there",
        _table(DV, "product", "colour eq 1"),
        ("unknown_column", "dataverse_filter", "no column colour"),
    ),
    _faulty(
        "a filter that the service refuses",
        _table(BC, "items", "blocked eq false or type eq 'Service'"),
        ("filter_refused", "business_central_filter", "The 'OR' operator is not supported."),
    ),
    _faulty(
        "a dependency that is not there",
        _set(depends_on=["UOM", "PRICES"]),
        ("unknown_dependency", "depends_on", "no mapping PRICES"),
    ),
    _faulty(
        "a dependency on itself",
        _set(depends_on=["UOM", "ITEM-PRODUCT"]),
        ("dependency_loop", "depends_on", "ITEM-PRODUCT -> ITEM-PRODUCT"),
    ),
    _faulty(
        "a lookup without a mapping",
        _uom(reference=None),
        ("lookup_without_mapping", "fields.baseUnitOfMeasureId:defaultuomid", "name in `reference` the mapping"),
    ),
    _faulty(
        "a lookup into a mapping that is not there",
        _uom(reference={"kind": "coupled_record", "mappings": ["UNITS"]}),
        ("lookup_without_mapping", "fields.baseUnitOfMeasureId:defaultuomid", "no such mapping"),
    ),
    _faulty(
        "a lookup that names no mapping",
        _uom(reference={"kind": "coupled_record"}),
        ("lookup_without_mapping", "fields.baseUnitOfMeasureId:defaultuomid", "name the mapping"),
    ),
    _faulty(
        "a lookup into another table",
        _uom(reference={"kind": "coupled_record", "mappings": ["CURRENCY"]}),
        ("wrong_reference", "fields.baseUnitOfMeasureId:defaultuomid", "CURRENCY couples transactioncurrency"),
    ),
    _faulty(
        "a lookup by something that is no id",
        _line(
            business_central="displayName",
            dataverse="name",
            direction=TO,
            reference={"kind": "coupled_record", "mappings": ["UOM"]},
        ),
        ("wrong_reference", "fields.displayName:name", "joins an id in Business Central with a lookup"),
        ("duplicate_line", "fields.displayName:name", "2 times"),
    ),
    _faulty(
        "a lookup into something that is no lookup",
        _line(
            business_central="baseUnitOfMeasureId",
            dataverse="size",
            direction=TO,
            enabled=False,
            reference={"kind": "coupled_record", "mappings": ["UOM"]},
        ),
        ("wrong_reference", "fields.baseUnitOfMeasureId:size", "size is a text"),
    ),
    _faulty(
        "choices of a table without codes",
        _line(
            business_central="itemCategoryId",
            dataverse="statecode",
            direction=TO,
            reference={"kind": "choice", "table": "nothings"},
        ),
        ("wrong_reference", "fields.itemCategoryId:statecode", "codes and names"),
    ),
    _faulty(
        "the same line twice",
        _line(business_central="unitPrice", dataverse="price", enabled=False),
        ("duplicate_line", "fields.unitPrice:price", "Keep one"),
    ),
    _faulty(
        "two lines into one column",
        _line(business_central="unitCost", dataverse="price", direction=TO),
        ("column_written_twice", "fields.unitCost:price", "written by unitPrice:price"),
    ),
    _faulty(
        "a match field without a line",
        _set(match_by=[["number"], ["displayName", "gtin"]]),
        ("unknown_field", "match_by", "no field mapping for gtin"),
    ),
    _faulty(
        "a text for a number",
        _line(dataverse="quantityonhand", constant="many", direction=TO),
        ("constant_does_not_fit", "fields.:quantityonhand", "it holds a decimal number"),
    ),
    _faulty(
        "a choice that is not there",
        _line(dataverse="statecode", constant=7, direction=TO),
        ("constant_does_not_fit", "fields.:statecode", "0 (Active), 1 (Retired), 2 (Draft)"),
    ),
    _faulty(
        "an option that is not there",
        _line(business_central="type", constant="Kit", direction=FROM),
        ("constant_does_not_fit", "fields.type:", "one of its options: Inventory, Service"),
    ),
    _faulty(
        "a constant that is too long",
        _line(dataverse="size", constant="x" * 51, direction=TO),
        ("constant_does_not_fit", "fields.:size", "at most 50 characters"),
    ),
    _faulty(
        "a constant both ways",
        _line(dataverse="size", constant="XL"),
        ("constant_direction", "fields.:size", "ToIntegrationTable"),
    ),
    _faulty(
        "a constant beside a source",
        _line(business_central="displayName", dataverse="size", direction=TO, constant="XL"),
        ("contradiction", "fields.displayName:size", "no constant"),
    ),
    _faulty("half a line", _line(dataverse="size", direction=TO), ("incomplete_line", "fields.:size", "either side")),
    _faulty(
        "a name in one column",
        _line(business_central="displayName", dataverse="size", direction=TO, conversion="person_name"),
        ("wrong_column_count", "fields.displayName:size", "takes 3 Dataverse columns"),
    ),
    _faulty(
        "not null and blanked",
        _uom(not_null=True, clear_value_on_failed_sync=True),
        ("contradiction", "fields.baseUnitOfMeasureId:defaultuomid", "exclude each other"),
    ),
    _faulty(
        "a number series without digits",
        _set(number_series="ITEM"),
        ("value_does_not_fit", "number_series", "no digits"),
    ),
    _faulty(
        "a template that does not fit",
        _set(
            templates=[
                {
                    "name": "NEW",
                    "side": "dataverse",
                    "filter": "colour eq 1",
                    "values": {"price_base": 1, "colour": "red", "statecode": 9},
                }
            ]
        ),
        ("unknown_column", "templates.NEW", "items has no column colour"),
        ("read_only_column", "templates.NEW", "price_base"),
        ("unknown_column", "templates.NEW", "product has no column colour"),
        ("value_does_not_fit", "templates.NEW", "no choice of this number"),
    ),
    _faulty(
        "blocking without anything to block",
        _both(
            _table(BC, "unitsOfMeasure"),
            _set(block_when_inactive=True, match_by=[], depends_on=[]),
            lambda body: body.update(fields=[{"business_central": "code", "dataverse": "size"}]),
        ),
        ("unknown_column", "block_when_inactive", "has no column blocked"),
    ),
    _faulty(
        "the two tables of another mapping",
        _set(**{**CUSTOMERS, "dataverse": {"table": "account", "filter": "statecode eq 0 and customertypecode eq 3"}}),
        ("same_tables", "dataverse.table", "CUSTOMER has the same two tables"),
    ),
    _faulty(
        "a column of another mapping's records",
        _set(**{**CUSTOMERS, "business_central": {"table": "contacts", "filter": ""}}),
        ("column_owned_twice", "fields.displayName:name", "CUSTOMER writes name of account, too"),
        ("column_owned_twice", "fields.displayName:name", "VENDOR writes name of account, too"),
    ),
    _faulty(
        "much at once",
        _both(
            _set(name="item/product", match_by=[["gtin"]], depends_on=["NOTHING", "UOM"]),
            _line(business_central="colour", dataverse="price_base"),
            _table(DV, "product", "nonsense"),
        ),
        ("invalid_name", "name", ""),
        ("invalid_filter", "dataverse_filter", ""),
        ("unknown_column", "fields.colour:price_base", ""),
        ("unknown_field", "match_by", "gtin"),
        ("unknown_dependency", "depends_on", "NOTHING"),
    ),
)
