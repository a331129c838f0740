"""Both systems' records in one form, read through their own APIs, so that anybody can lay them side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infra.local.demo.clients import Row, System

FIELDS = ("name", "address", "address 2", "post code", "city", "state", "country", "phone", "e-mail", "web site")
type Values = Mapping[str, str]


@dataclass(frozen=True)
class Reader:
    """How one kind of record is read on one side: a query, the key column and the column of each field."""

    query: str
    key: str
    table: str
    values: Callable[[Row], Values]

    async def read(self, system: System) -> list[Found]:
        """Every record of the query."""
        return [Found(str(row[self.key]), self.table, self.values(row)) for row in await system.rows(self.query)]


@dataclass(frozen=True)
class Found:
    """A record: id, table, and what people see of it."""

    id: str
    table: str
    values: Values

    @property
    def mark(self) -> str:
        """What both systems know a record by: its e-mail address, or its name when it has none."""
        return (self.values["e-mail"] or self.values["name"]).casefold()


_BUSINESS_CENTRAL = (
    *("displayName", "addressLine1", "addressLine2", "postalCode", "city", "state", "country"),
    *("phoneNumber", "email", "website"),
)
_DATAVERSE = (
    *("name", "address1_line1", "address1_line2", "address1_postalcode", "address1_city", "address1_stateorprovince"),
    *("address1_country", "telephone1", "emailaddress1", "websiteurl"),
)


def _columns(*names: str, **more: str) -> Callable[[Row], Values]:
    columns = dict(zip(FIELDS, names, strict=False)) | more
    return lambda row: {field: str(row.get(column) or "") for field, column in columns.items()}


def _partner_in_business_central(row: Row) -> Values:
    return {**_columns(*_BUSINESS_CENTRAL)(row), "currency": row["currencyCode"]}


def _account(row: Row) -> Values:
    currency = row.get("transactioncurrencyid") or {}
    return {**_columns(*_DATAVERSE)(row), "currency": currency.get("isocurrencycode") or "EUR"}


def _person_in_business_central(row: Row) -> Values:
    return {
        **_columns(*_BUSINESS_CENTRAL)(row),
        "mobile": row["mobilePhoneNumber"],
        "company": row["companyName"],
    }


def _contact(row: Row) -> Values:
    names = (row.get("firstname"), row.get("middlename"), row.get("lastname"))
    return {
        **_columns(*_DATAVERSE)(row),
        "name": " ".join(filter(None, names)),
        "mobile": row.get("mobilephone") or "",
        "company": (row.get("parentcustomerid_account") or {}).get("name") or "",
    }


_ACCOUNTS = (
    f"accounts?$select={','.join(_DATAVERSE)}&$expand=transactioncurrencyid($select=isocurrencycode)"
    "&$filter=statecode eq 0 and customertypecode eq {}"
)
_CONTACTS = (
    f"contacts?$select=firstname,middlename,lastname,mobilephone,{','.join(_DATAVERSE[1:])}"
    "&$expand=parentcustomerid_account($select=name)&$filter=statecode eq 0 and _parentcustomerid_value ne null"
)
_USERS = (
    "systemusers?$select=fullname,internalemailaddress,mobilephone"
    "&$filter=isdisabled eq false and islicensed eq true and isintegrationuser eq false"
)

READERS: dict[str, tuple[Reader, Reader]] = {
    "CURRENCY": (
        Reader("currencies", "id", "currencies", _columns("displayName", **{"e-mail": "code"})),
        Reader(
            "transactioncurrencies?$select=isocurrencycode,currencyname",
            "transactioncurrencyid",
            "transactioncurrency",
            _columns("currencyname", **{"e-mail": "isocurrencycode"}),
        ),
    ),
    "SALESPEOPLE": (
        Reader(
            "salespeoplePurchasers",
            "id",
            "salespeoplePurchasers",
            _columns("displayName", phone="phoneNo", **{"e-mail": "email"}),
        ),
        Reader(
            _USERS,
            "systemuserid",
            "systemuser",
            _columns("fullname", phone="mobilephone", **{"e-mail": "internalemailaddress"}),
        ),
    ),
    "VENDOR": (
        Reader("vendors?$filter=blocked eq ' '", "id", "vendors", _partner_in_business_central),
        Reader(_ACCOUNTS.format(11), "accountid", "account", _account),
    ),
    "CUSTOMER": (
        Reader("customers?$filter=blocked eq ' '", "id", "customers", _partner_in_business_central),
        Reader(_ACCOUNTS.format(3), "accountid", "account", _account),
    ),
    "CONTACT": (
        Reader(
            "contacts?$filter=type eq 'Person' and companyNumber ne ''", "id", "contacts", _person_in_business_central
        ),
        Reader(_CONTACTS, "contactid", "contact", _contact),
    ),
}
"""By mapping: how Business Central and Dataverse are read."""
