"""The tables product, uom and uomschedule (pages "Product", "Unit" and "Unit group table/entity reference")."""

from __future__ import annotations

from infra.local.dataverse.schema.model import Column, Kind, OnDelete, Required, Table
from infra.local.dataverse.schema.words import (
    USUAL_STATUSES,
    choice,
    currency,
    decimal,
    guid,
    lookup,
    memo,
    money,
    named,
    stamps,
    state,
    text,
    texts,
    yes_no,
)

_MOST_PRICE = 1_000_000_000_000
_MOST_STOCK = 1_000_000_000

_PRODUCT = [
    guid("productid", update=False),
    text("productnumber", 100, Required.SYSTEM, indexed=True),
    text("name", 100, Required.APPLICATION, indexed=True),
    memo("description"),
    choice("producttypecode", {1: "Sales Inventory", 2: "Miscellaneous Charges", 3: "Services", 4: "Flat Fees"}, 1),
    Column(
        "productstructure",
        Kind.CHOICE,
        options={1: "Product", 2: "Product Family", 3: "Product Bundle"},
        default=1,
        update=False,
    ),
    Column("quantitydecimal", Kind.INTEGER, least=0, most=5, default=2, required=Required.APPLICATION),
    *money("price", "currentcost", "standardcost", most=_MOST_PRICE),
    decimal("quantityonhand", 0, _MOST_STOCK, 2),
    decimal("stockvolume", 0, _MOST_STOCK, 2),
    decimal("stockweight", 0, _MOST_STOCK, 2),
    *texts(100, "vendorid vendorname vendorpartnumber suppliername"),
    text("producturl", 255),
    text("size", 200),
    yes_no("iskit"),
    yes_no("isstockitem"),
    lookup("defaultuomid", "uom", "unit_of_measurement_products", OnDelete.RESTRICT, required=Required.APPLICATION),
    lookup(
        "defaultuomscheduleid",
        "uomschedule",
        "unit_of_measurement_schedule_products",
        OnDelete.RESTRICT,
        required=Required.APPLICATION,
    ),
    lookup("parentproductid", "product", "product_parent_product", OnDelete.RESTRICT),
    Column("statecode", Kind.STATE, options={0: "Active", 1: "Retired", 2: "Draft", 3: "Under Revision"}, default=2),
    Column("statuscode", Kind.STATUS, options={0: "Draft", 1: "Active", 2: "Retired", 3: "Under Revision"}),
    *currency("product"),
    *stamps("product"),
]

PRODUCT = Table(
    "product",
    "products",
    "productid",
    "name",
    1024,
    named(_PRODUCT),
    ownership="OrganizationOwned",
    bulk=True,
    statuses={2: (0,), 0: (1,), 1: (2,), 3: (3,)},
)

_UOM = [
    guid("uomid", update=False),
    text("name", 100, Required.SYSTEM, indexed=True),
    decimal("quantity", 0, _MOST_STOCK, 10, Required.SYSTEM),
    yes_no("isschedulebaseuom"),
    Column(
        "uomscheduleid",
        Kind.LOOKUP,
        navigations={"uomscheduleid": ("uomschedule",)},
        relationships={"uomschedule": "unit_of_measurement_schedule_conversions"},
        on_delete=OnDelete.CASCADE,
        required=Required.SYSTEM,
        update=False,
        indexed=True,
    ),
    lookup("baseuom", "uom", "unit_of_measurement_base_unit", OnDelete.RESTRICT),
    *stamps("uom"),
]

UOM = Table("uom", "uoms", "uomid", "name", 1055, named(_UOM), ownership="OrganizationOwned")

_UOM_SCHEDULE = [
    guid("uomscheduleid", update=False),
    text("name", 200, Required.SYSTEM, indexed=True),
    Column("baseuomname", Kind.STRING, length=100, update=False),
    memo("description"),
    *state(),
    *stamps("uomschedule"),
]

UOM_SCHEDULE = Table(
    "uomschedule",
    "uomschedules",
    "uomscheduleid",
    "name",
    1056,
    named(_UOM_SCHEDULE),
    ownership="OrganizationOwned",
    statuses=USUAL_STATUSES,
)
