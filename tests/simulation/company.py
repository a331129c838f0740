"""The little company of the simulation: two tables, a few fields, tiny alphabets, so that everything meets."""

from __future__ import annotations

from decimal import Decimal

from shared.core.mapping import FieldMapping, Mapping, MappingTable, Reference, ReferenceKind
from shared.core.sides import Direction, Side
from shared.core.tables import Table, Value, Values
from shared.defaults import standard_mappings
from tests.simulation.trouble import TroubledWorld
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
TABLE: dict[Side, Table] = {BC: CUSTOMERS, DV: ACCOUNT}

# What people edit, by a name for both sides.
FIELDS: dict[str, tuple[str, str]] = {
    "name": ("displayName", "name"),
    "phone": ("phoneNumber", "telephone1"),
    "email": ("email", "emailaddress1"),
    "street": ("addressLine1", "address1_line1"),
    "city": ("city", "address1_city"),
    "credit": ("creditLimit", "creditlimit"),
    "currency": ("currencyId", "transactioncurrencyid"),
}
# What nobody edits: whose record it is. Twice, for a record is known by more than one word.
TAG = ("website", "websiteurl")
TAG_AGAIN = ("addressLine2", "address1_line2")
GROUPS = {"street": "address", "city": "address"}
ONE_WAY = "credit"  # from BC to Dataverse only
LOCAL = "EUR"
IN_FILTER: dict[Side, Values] = {BC: {"blocked": None}, DV: {"statecode": 0}}
OUTSIDE: dict[Side, Values] = {BC: {"blocked": "All"}, DV: {"statecode": 1}}


def column(field: str, side: Side) -> str:
    """What a field is called on that side."""
    return FIELDS[field][0 if side is BC else 1]


def caption(field: str) -> str:
    """What a field is called in work items."""
    return FIELDS[field][0]


def customer_mapping(**settings: object) -> Mapping:
    """Customers and accounts, everything in both directions but the credit limit."""
    lines = [FieldMapping(business_central=bc, dataverse=(dv,)) for bc, dv in (TAG, TAG_AGAIN)]
    for field, (bc, dv) in FIELDS.items():
        reference = Reference(kind=ReferenceKind.CURRENCY, mappings=("CURRENCY",)) if field == "currency" else None
        direction = Direction.TO_INTEGRATION_TABLE if field == ONE_WAY else Direction.BIDIRECTIONAL
        group = GROUPS.get(field)
        lines.append(
            FieldMapping(business_central=bc, dataverse=(dv,), direction=direction, group=group, reference=reference)
        )
    return Mapping.model_validate(
        {
            "name": "CUSTOMER",
            "business_central": MappingTable(table="customers", filter="blocked eq ' '"),
            "dataverse": MappingTable(table="account", filter="statecode eq 0"),
            "direction": Direction.BIDIRECTIONAL,
            "fields": lines,
            "synch_only_coupled_records": False,
            "depends_on": ("CURRENCY",),
            **settings,
        }
    )


def currency_mapping() -> Mapping:
    """Currencies, created in Dataverse from Business Central."""
    standard = next(mapping for mapping in standard_mappings() if mapping.name == "CURRENCY")
    return standard.model_copy(update={"synch_only_coupled_records": False, "create_new_in": (DV,)})


def rows(world: TroubledWorld, side: Side) -> dict[str, Values]:
    """The customers or accounts as they are now, by id."""
    return world.business_central.rows(CUSTOMERS) if side is BC else world.dataverse.rows(ACCOUNT)


def edit(world: TroubledWorld, side: Side, record_id: str, values: Values) -> None:
    """A person changes columns."""
    (world.business_central if side is BC else world.dataverse).edit(TABLE[side], record_id, values)


def passes_filter(side: Side, row: Values) -> bool:
    """Whether the row is to be synchronized."""
    return all(row[name] == value for name, value in IN_FILTER[side].items())


def known_currencies(world: TroubledWorld, side: Side) -> dict[str, str]:
    """The code of each currency's row, by id. The local one has none in Business Central."""
    if side is BC:
        return {key: str(row["code"]) for key, row in world.business_central.rows(CURRENCIES).items()}
    return {key: str(row["isocurrencycode"]) for key, row in world.dataverse.rows(CURRENCY_ROW).items()}


def meaning(world: TroubledWorld, side: Side, row: Values) -> dict[str, Value]:
    """What a row says in each field, in the same words on both sides."""
    held: dict[str, Value] = {field: row[column(field, side)] for field in FIELDS}
    held[ONE_WAY] = held[ONE_WAY] or Decimal(0)
    code = known_currencies(world, side).get(str(held["currency"]))
    held["currency"] = None if code == LOCAL else code
    return held


def tag_of(side: Side, row: Values) -> str:
    """Which person's record it is, or was made from."""
    return str(row[TAG[0 if side is BC else 1]])
