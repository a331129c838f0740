"""The sample company's rows as Dataverse holds them, in the form of its simulator's seed."""

from __future__ import annotations

from dataclasses import asdict
from uuid import NAMESPACE_URL, uuid5

from infra.local.demo_company.contacts import contacts, partners
from infra.local.demo_company.sample import CURRENCIES, Contact, Fate, Kind, Partner, Where, salespeople

type Row = dict[str, object]

FIELDS = {
    "name": "name",
    "address1_line1": "address_line1",
    "address1_line2": "address_line2",
    "address1_country": "country",
    "address1_postalcode": "postal_code",
    "address1_city": "city",
    "address1_stateorprovince": "state",
    "telephone1": "phone",
    "emailaddress1": "email",
    "websiteurl": "website",
}
"""Columns of an account, and the fields of a company."""

CUSTOMER_TYPES = {Kind.CUSTOMER: 3, Kind.VENDOR: 11}
PROSPECT = 8
TERMS = {"30 DAYS": 1, "2%10NET30": 2, "NET45": 3, "NET60": 4}
"""Business Central's payment terms as choices of an account."""


def rows(business_unit: str) -> dict[str, list[Row]]:
    """Currencies, users, accounts and contacts, parents first; `business_unit` is the id of the users' unit."""
    unit: Row = {"businessunitid@odata.bind": f"/businessunits({business_unit})"}
    return {
        "transactioncurrency": [_currency(code, *facts) for code, facts in CURRENCIES.items()],
        "systemuser": [one | unit for one in _users()],
        "account": [_account(one) for one in partners() if one.where is not Where.BUSINESS_CENTRAL],
        "contact": [_contact(one) for one in contacts() if one.where is not Where.BUSINESS_CENTRAL],
    }


def row_id(key: str) -> str:
    """The id of a record of the sample, the same at every start."""
    return str(uuid5(NAMESPACE_URL, f"https://alderwood.example/dataverse/{key}"))


def _currency(code: str, name: str, symbol: str, rate: float) -> Row:
    return {
        "transactioncurrencyid": row_id(code),
        "isocurrencycode": code,
        "currencyname": name,
        "currencysymbol": symbol,
        "currencyprecision": 0 if code == "JPY" else 2,
        "exchangerate": rate,
    }


def _users() -> list[Row]:
    """The salespeople, and a licence that has ended: nobody's salesperson."""
    found: list[Row] = [
        {
            "systemuserid": row_id(one.key),
            "domainname": one.person.email,
            "firstname": one.person.first_name,
            "lastname": one.person.last_name,
            "internalemailaddress": one.person.email,
            "mobilephone": one.person.mobile,
            "islicensed": True,
        }
        for one in salespeople()
    ]
    gone = {"firstname": "Former", "lastname": "Colleague", "islicensed": False, "isdisabled": True}
    address = "former.colleague@alderwood.example"
    return [*found, {"systemuserid": row_id("gone"), "domainname": address, "internalemailaddress": address, **gone}]


def _account(partner: Partner) -> Row:
    values = {**asdict(partner.company), **partner.in_dataverse}
    kind = PROSPECT if partner.fate is Fate.LEFT_ALONE else CUSTOMER_TYPES[partner.kind]
    row: Row = {"accountid": row_id(partner.key), "customertypecode": kind, "statecode": 0}
    row |= {name: values[field] for name, field in FIELDS.items() if values[field]}
    if partner.currency:
        row["transactioncurrencyid@odata.bind"] = f"/transactioncurrencies({row_id(partner.currency)})"
    if partner.terms:
        row["paymenttermscode"] = TERMS[partner.terms]
    return row


def _contact(contact: Contact) -> Row:
    values = {**asdict(contact.person), **contact.in_dataverse}
    company = contact.partner.company
    row: Row = {
        "contactid": row_id(contact.key),
        "firstname": values["first_name"],
        "middlename": values["middle_name"],
        "lastname": values["last_name"],
        "jobtitle": values["job_title"],
        "telephone1": values["phone"],
        "mobilephone": values["mobile"],
        "emailaddress1": values["email"],
        "websiteurl": company.website,
        "parentcustomerid_account@odata.bind": f"/accounts({row_id(contact.partner.key)})",
    }
    if contact.address:
        row |= {name: getattr(company, field) for name, field in FIELDS.items() if name.startswith("address1_")}
    return {name: value for name, value in row.items() if value != ""}
