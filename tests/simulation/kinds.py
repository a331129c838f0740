"""What people keep in both systems: currencies, customers, and the persons they talk to there.

Every record has a tag that nobody edits: it tells the judge whose it is. Values say the same on both sides: a currency
its code, a company its tag.
"""

from __future__ import annotations

from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from decimal import Decimal

from shared.core.mapping import FieldMapping, Mapping, MappingTable, Reference, ReferenceKind
from shared.core.sides import Direction, Side
from shared.core.tables import Table, Value, Values
from tests.world import ACCOUNT, CONTACT, CONTACTS, CURRENCIES, CURRENCY_ROW, CUSTOMERS

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
TO, BOTH_WAYS = Direction.TO_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
LOCAL = "EUR"
DANGLING = "?"  # what a reference says whose record is gone


@dataclass(frozen=True)
class Field:
    """A field that people edit: its columns, which way it travels, what it belongs to and what it refers to."""

    business_central: str
    dataverse: str
    direction: Direction = BOTH_WAYS
    group: str | None = None
    reference: Reference | None = None
    number: bool = False

    def column(self, side: Side) -> str:
        """What it is called on that side."""
        return self.business_central if side is BC else self.dataverse


@dataclass(frozen=True)
class Kind:
    """One sort of record, kept in step by the mapping of its `name`.

    `tags` are pairs of columns that hold the tag. `inside` and `outside` are the columns that take a record over the
    filter's edge; `only` picks the rows of the table that are of this kind.
    """

    name: str
    tables: ReadOnly[Side, Table]
    fields: ReadOnly[str, Field]
    tags: tuple[tuple[str, str], ...]
    direction: Direction = BOTH_WAYS
    filters: ReadOnly[Side, str] = field(default_factory=dict)
    inside: ReadOnly[Side, Values] = field(default_factory=lambda: {BC: {}, DV: {}})
    outside: ReadOnly[Side, Values] = field(default_factory=dict)
    only: ReadOnly[Side, Values] = field(default_factory=lambda: {BC: {}, DV: {}})
    depends_on: tuple[str, ...] = ()

    def tag_column(self, side: Side) -> str:
        """Where the tag stands first."""
        return self.tags[0][0 if side is BC else 1]

    def is_one(self, side: Side, row: Values) -> bool:
        """Whether this row is of this kind."""
        return all(row[name] == value for name, value in self.only[side].items())

    def mapping(self, **settings: object) -> Mapping:
        """The mapping as the app has it."""
        one_way = self.direction is not BOTH_WAYS
        lines = [FieldMapping(business_central=bc, dataverse=(dv,), direction=self.direction) for bc, dv in self.tags]
        lines += [
            FieldMapping(
                business_central=each.business_central,
                dataverse=(each.dataverse,),
                direction=self.direction if one_way else each.direction,
                group=each.group,
                reference=each.reference,
            )
            for each in self.fields.values()
        ]
        if self.name == "CONTACT":
            person = {"business_central": "type", "direction": Direction.FROM_INTEGRATION_TABLE, "constant": "Person"}
            lines.append(FieldMapping.model_validate(person))
        sides = {"business_central": BC, "dataverse": DV}
        tables = {
            name: MappingTable(table=self.tables[side].name, filter=self.filters.get(side, ""))
            for name, side in sides.items()
        }
        values = {"name": self.name, **tables, "direction": self.direction, "fields": lines}
        defaults = {"synch_only_coupled_records": False, "depends_on": self.depends_on}
        return Mapping.model_validate({**values, **defaults, **settings})


def _currency() -> Reference:
    return Reference(kind=ReferenceKind.CURRENCY, mappings=("CURRENCY",))


CURRENCY = Kind(
    name="CURRENCY",
    tables={BC: CURRENCIES, DV: CURRENCY_ROW},
    fields={"title": Field("displayName", "currencyname"), "sign": Field("symbol", "currencysymbol")},
    tags=(("code", "isocurrencycode"),),
    direction=TO,
)
CUSTOMER = Kind(
    name="CUSTOMER",
    tables={BC: CUSTOMERS, DV: ACCOUNT},
    fields={
        "name": Field("displayName", "name"),
        "phone": Field("phoneNumber", "telephone1"),
        "street": Field("addressLine1", "address1_line1", group="address"),
        "city": Field("city", "address1_city", group="address"),
        "credit": Field("creditLimit", "creditlimit", TO, number=True),
        "currency": Field("currencyId", "transactioncurrencyid", reference=_currency()),
    },
    tags=(("website", "websiteurl"), ("addressLine2", "address1_line2")),
    filters={BC: "blocked eq ' '", DV: "statecode eq 0"},
    inside={BC: {"blocked": None}, DV: {"statecode": 0}},
    outside={BC: {"blocked": "All"}, DV: {"statecode": 1}},
    depends_on=("CURRENCY",),
)
PERSON = Kind(
    name="CONTACT",
    tables={BC: CONTACTS, DV: CONTACT},
    fields={
        "name": Field("displayName", "lastname"),
        "mobile": Field("mobilePhoneNumber", "mobilephone"),
        "company": Field(
            "companyNumber",
            "parentcustomerid",
            reference=Reference(kind=ReferenceKind.COMPANY, mappings=("CUSTOMER",)),
        ),
    },
    tags=(("website", "websiteurl"), ("email", "emailaddress1")),
    filters={BC: "type eq 'Person'", DV: "statecode eq 0"},
    inside={BC: {}, DV: {"statecode": 0}},
    outside={DV: {"statecode": 1}},
    only={BC: {"type": "Person"}, DV: {}},
    depends_on=("CUSTOMER",),
)
KINDS = (CURRENCY, CUSTOMER, PERSON)
BY_TABLE = {table.name: kind for kind in KINDS for table in kind.tables.values()}


class Dictionary:
    """The words of both sides for what fields refer to: id or number, and code or tag."""

    def __init__(self, side: Side, rows: ReadOnly[str, dict[str, Values]]) -> None:
        """`rows` are those of the tables that are referred to, by table and id."""
        currencies = rows[CURRENCY.tables[side].name].items()
        code = CURRENCY.tag_column(side)
        self._codes: dict[Value, str] = {key: str(row[code]) for key, row in currencies}
        self._companies: dict[Value, str] = {}
        if side is BC:
            for row in rows[CONTACTS.name].values():
                if row["type"] == "Company":
                    self._companies[row["number"]] = str(row["website"])
        else:
            self._companies = {key: str(row["websiteurl"]) for key, row in rows[ACCOUNT.name].items()}

    def meaning(self, name: str, each: Field, value: Value) -> Value:
        """What the value of a field says, in the words of both sides."""
        if each.number:
            return value or Decimal(0)
        if each.reference is None:
            return value
        if each.reference.kind is ReferenceKind.CURRENCY:
            code = self._codes.get(value, DANGLING if value else None)
            return None if code == LOCAL else code
        return self._companies.get(value, DANGLING if value else None)
