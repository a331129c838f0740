"""The sample company's rows as Business Central holds them, in the form of its simulator's seed."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import asdict

from infra.local.demo_company.contacts import contacts, partners
from infra.local.demo_company.sample import CURRENCIES, Contact, Fate, Kind, Partner, Where, salespeople

type Row = dict[str, object]

FIELDS = {
    "displayName": "name",
    "addressLine1": "address_line1",
    "addressLine2": "address_line2",
    "country": "country",
    "postalCode": "postal_code",
    "city": "city",
    "state": "state",
    "phoneNumber": "phone",
    "email": "email",
    "website": "website",
}
"""Properties of a customer or vendor, and the fields of a company."""

LOCAL_TERMS = "14 DAYS"
"""Terms that Dataverse has no choice for; some partners that only Business Central knows have them."""


def currency_rows(known: Container[str]) -> dict[str, list[Row]]:
    """The currencies of the sample that the company does not have yet."""
    missing = {code: facts for code, facts in CURRENCIES.items() if code not in known}
    return {
        "currencies": [
            {"code": code, "displayName": name, "symbol": symbol} for code, (name, symbol, _) in missing.items()
        ]
    }


def partner_rows(terms: Mapping[str, str]) -> dict[str, list[Row]]:
    """Salespeople, customers and vendors; `terms` has the id of each payment term by its code."""
    here = [partner for partner in partners() if partner.where is not Where.DATAVERSE]
    return {
        "salespeoplePurchasers": [
            {"code": one.code, "displayName": one.name, "email": one.person.email, "phoneNo": one.person.mobile}
            for one in salespeople()
            if one.code
        ],
        "customers": [_partner(one, place, terms) for place, one in enumerate(here) if one.kind is Kind.CUSTOMER],
        "vendors": [_partner(one, place, terms) for place, one in enumerate(here) if one.kind is Kind.VENDOR],
    }


def _partner(partner: Partner, place: int, terms: Mapping[str, str]) -> Row:
    values = {**asdict(partner.company), **partner.in_business_central}
    row: Row = {"number": partner.number, **{name: values[field] for name, field in FIELDS.items()}}
    code = LOCAL_TERMS if partner.where is Where.BUSINESS_CENTRAL and place % 16 == 1 else partner.terms
    if code:
        row["paymentTermsId"] = terms[code]
    if partner.currency:
        row["currencyCode"] = partner.currency
    if partner.kind is Kind.CUSTOMER:
        row["creditLimit"] = partner.credit_limit
        if partner.salesperson is not None:
            row["salespersonCode"] = salespeople()[partner.salesperson].code
    if partner.fate is Fate.LEFT_ALONE:
        row["blocked"] = "All"
    return row


def contact_rows(companies: Mapping[str, str]) -> dict[str, list[Row]]:
    """People; `companies` has the number of each company contact by the company's name."""
    here = (contact for contact in contacts() if contact.where is not Where.DATAVERSE)
    return {"contacts": [_contact(contact, companies) for contact in here]}


def _contact(contact: Contact, companies: Mapping[str, str]) -> Row:
    person, company = contact.person, contact.partner.company
    row: Row = {
        "type": "Person",
        "displayName": " ".join(filter(None, (person.first_name, person.middle_name, person.last_name))),
        "companyNumber": companies[company.name],
        "jobTitle": person.job_title,
        "phoneNumber": person.phone,
        "mobilePhoneNumber": person.mobile,
        "email": person.email,
        "website": company.website,
    }
    if contact.address:
        address = ("addressLine1", "addressLine2", "country", "postalCode", "city", "state")
        row |= {name: getattr(company, FIELDS[name]) for name in address}
    return row
