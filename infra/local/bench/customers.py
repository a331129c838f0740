"""The customers of the bench: what each holds, and the same as a row of either side.

Customer `index` is the same at every run. Its e-mail address holds the index, so that a row is known by it wherever it
was created. `Fields` are what both sides hold, in words of neither: currency, salesperson, terms and shipment by code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from infra.local import people
from shared.core.sides import Side

type Fields = dict[str, str | float]
type Row = dict[str, Any]

SEED = 4
LOCAL_CURRENCY = "EUR"
CURRENCIES = ("USD", "GBP", "CHF", "SEK")
SALESPEOPLE = ("SP-1", "SP-2", "SP-3", "SP-4")
TERMS = {"30 DAYS": 1, "2%10NET30": 2, "NET45": 3, "NET60": 4, "": None}
"""Payment terms by their code in Business Central, as choices of Dataverse."""
SHIPMENTS = {"FOB": 1, "": None}
CUSTOMER_TYPE = 3
LONG_AGO = "2025-01-01T00:00:00Z"

PLAIN = {
    "name": ("displayName", "name"),
    "address": ("addressLine1", "address1_line1"),
    "address 2": ("addressLine2", "address1_line2"),
    "city": ("city", "address1_city"),
    "state": ("state", "address1_stateorprovince"),
    "post code": ("postalCode", "address1_postalcode"),
    "country": ("country", "address1_country"),
    "phone": ("phoneNumber", "telephone1"),
    "e-mail": ("email", "emailaddress1"),
    "web site": ("website", "websiteurl"),
}
"""The fields that are texts on both sides: property of Business Central, column of Dataverse."""

OF_OLD: Mapping[Side, Row] = {
    Side.BUSINESS_CENTRAL: {"lastModifiedDateTime": LONG_AGO},
    Side.DATAVERSE: {"customertypecode": CUSTOMER_TYPE, "statecode": 0, "modifiedon": LONG_AGO},
}
"""What all seeded customers hold besides."""

_TABLES = {Side.BUSINESS_CENTRAL: ("customers", "id"), Side.DATAVERSE: ("account", "accountid")}
_INDEX = re.compile(r"-(\d+)\.\w+\.example$")


@dataclass(frozen=True)
class Lookups:
    """The ids of the records that customers refer to, by code: currencies of both sides, users, terms, shipments."""

    currencies: Mapping[Side, Mapping[str, str]]
    users: Mapping[str, str]
    terms: Mapping[str, str]
    shipments: Mapping[str, str]
    codes: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        named = (*self.currencies.values(), self.users, self.terms, self.shipments)
        object.__setattr__(self, "codes", {one.lower(): code for by_code in named for code, one in by_code.items()})


def fields_of(index: int) -> Fields:
    """What both sides hold of this customer."""
    company = people.company(SEED, index)
    return {
        "name": company.name,
        "address": company.address_line1,
        "address 2": company.address_line2,
        "city": company.city,
        "state": company.state,
        "post code": company.postal_code.upper(),
        "country": company.country,
        "phone": company.phone,
        "e-mail": company.email,
        "web site": company.website,
        "currency": ("", *CURRENCIES)[index % 5],
        "salesperson": SALESPEOPLE[index % 4],
        "terms": tuple(TERMS)[index // 3 % 5],
        "shipment": tuple(SHIPMENTS)[index // 7 % 2],
        "credit limit": float(index % 50 * 500),
    }


def index_of(email: object) -> int | None:
    """Which customer a row is, by its e-mail address."""
    found = _INDEX.search(str(email))
    return int(found[1]) if found else None


def table_of(side: Side) -> str:
    """The table of customers on `side`."""
    return _TABLES[side][0]


def key_of(side: Side) -> str:
    """The column of `side` that holds a customer's id."""
    return _TABLES[side][1]


def identifiers(side: Side) -> dict[str, str]:
    """The columns that tell seeded customers apart, as formats of the index `n`; ids and numbers rise with it."""
    if side is Side.DATAVERSE:
        return {"accountid": "{n:08x}-d000-4000-8000-{n:012x}"}
    return {
        "id": "{n:08x}-bc00-4000-8000-{n:012x}",
        "number": "B{n:07d}",
        "contactId": "{n:08x}-bcc0-4000-8000-{n:012x}",
        "contactNumber": "K{n:07d}",
    }


def id_of(side: Side, index: int) -> str:
    """The id of a seeded row."""
    return identifiers(side)[key_of(side)].format(n=index)


def row_of(side: Side, index: int, lookups: Lookups) -> Row:
    """A customer of long ago, as its simulator takes many."""
    row: Row = {name: text.format(n=index) for name, text in identifiers(side).items()}
    return row | OF_OLD[side] | values_of(side, fields_of(index), lookups)


def values_of(side: Side, fields: Fields, lookups: Lookups) -> Row:
    """These fields as values to write on `side`."""
    place = list(Side).index(side)
    row: Row = {PLAIN[name][place]: value for name, value in fields.items() if name in PLAIN}
    if side is Side.BUSINESS_CENTRAL:
        return row | _references_here(fields, lookups)
    return {name: value or None for name, value in row.items()} | _references_there(fields, lookups)


def _references_here(fields: Fields, lookups: Lookups) -> Row:
    row: Row = {}
    if fields.get("currency"):
        row["currencyCode"] = fields["currency"]
    if "salesperson" in fields:
        row["salespersonCode"] = fields["salesperson"]
    if fields.get("terms"):
        row["paymentTermsId"] = lookups.terms[str(fields["terms"])]
    if fields.get("shipment"):
        row["shipmentMethodId"] = lookups.shipments[str(fields["shipment"])]
    if "credit limit" in fields:
        row["creditLimit"] = fields["credit limit"]
    return row


def _references_there(fields: Fields, lookups: Lookups) -> Row:
    row: Row = {}
    if "currency" in fields:
        currency = lookups.currencies[Side.DATAVERSE][str(fields["currency"]) or LOCAL_CURRENCY]
        row["transactioncurrencyid@odata.bind"] = f"/transactioncurrencies({currency})"
    if "salesperson" in fields:
        row["ownerid@odata.bind"] = f"/systemusers({lookups.users[str(fields['salesperson'])]})"
    if "terms" in fields:
        row["paymenttermscode"] = TERMS[str(fields["terms"])]
    if "shipment" in fields:
        row["address1_freighttermscode"] = SHIPMENTS[str(fields["shipment"])]
    if "credit limit" in fields:
        row["creditlimit"] = fields["credit limit"]
    return row
