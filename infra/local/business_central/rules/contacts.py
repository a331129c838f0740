"""Contacts: companies and persons, their names, and what a person takes from its company."""

from __future__ import annotations

from infra.local.business_central.database import Record
from infra.local.business_central.errors import business_rule, field_error, no_related
from infra.local.business_central.rules import addresses, mirroring, names
from infra.local.business_central.rules.series import give_number
from infra.local.business_central.rules.table import Table, Validation
from infra.local.business_central.rules.work import CONTACTS, Work
from infra.local.business_central.schema import Stored

_INHERITED_IF_BLANK = ("phoneNumber", "mobilePhoneNumber", "email", "website")
_NAME_PARTS = ("firstName", "middleName", "surname")


class ContactTable(Table):
    """Contact."""

    always_validated = frozenset({"displayName", "companyNumber", "companyName", *_NAME_PARTS})

    def __init__(self) -> None:
        super().__init__("contacts")
        self.validations = {
            **addresses.VALIDATIONS,
            "type": _validate_type,
            "displayName": _validate_name,
            "companyNumber": _validate_company_number,
            "companyName": _validate_company_name,
            **{name: _part_validation(name) for name in _NAME_PARTS},
        }

    def prepare(self, work: Work, record: Record) -> None:
        """Refuse a contact without a name; complete the rest."""
        if not record["displayName"]:
            raise business_rule('A "displayName" must be provided.')
        self.complete_new(work, record)

    def complete_new(self, work: Work, record: Record) -> None:
        """Give a number; a company is its own company; a person has its company's relation."""
        give_number(work, self.set, record)
        _settle(record)
        if work.as_given and record["type"] == "Person" and not any(record[name] for name in _NAME_PARTS):
            names.split_name(record)
        record["contactBusinessRelation"] = mirroring.relation_of(work, record)

    def complete(self, work: Work, record: Record, before: Record) -> None:
        """Keep a changed row consistent."""
        _settle(record)
        if record["companyNumber"] != before["companyNumber"]:
            record["contactBusinessRelation"] = mirroring.relation_of(work, record)

    def changed(self, work: Work, record: Record, before: Record) -> None:
        """Carry the edit to persons and partners."""
        mirroring.contact_changed(work, before, record)

    def delete(self, work: Work, record: Record) -> None:
        """Remove the contact, the persons of a company, and its links; customers and vendors stay."""
        self.refuse_if_used(work, record)
        for person in mirroring.persons_of(work, record) if record["type"] == "Company" else []:
            mirroring.unlink(work, "contactId", person["id"])
            work.remove(CONTACTS, person)
        mirroring.unlink(work, "contactId", record["id"])
        work.remove(CONTACTS, record)

    def rename(self, work: Work, record: Record, before: Record) -> None:
        """A company's own company number is its number."""
        _settle(record)
        super().rename(work, record, before)


def _settle(record: Record) -> None:
    if record["type"] == "Company":
        record.update(companyNumber=record["number"], companyName=record["displayName"], jobTitle="")


def _validate_name(work: Work, record: Record, before: Record, value: Stored) -> None:
    if not value:
        raise business_rule('The blank "displayName" is not allowed.')
    names.rename(record, value)
    if record["type"] == "Person":
        names.split_name(record)


def _part_validation(name: str) -> Validation:
    def validate(work: Work, record: Record, before: Record, value: Stored) -> None:
        record[name] = value
        names.join_name(record)

    return validate


def _validate_type(work: Work, record: Record, before: Record, value: Stored) -> None:
    if value == record["type"]:
        return
    stored = bool(before["number"])
    if value == "Person":
        if stored and _has_company_ties(work, before):
            raise business_rule(
                f"You cannot change the Type of Contact {before['number']}: it has persons, business relations, "
                "a VAT registration number or a currency."
            )
        record.update(type=value, companyNumber="", companyName="")
        if stored:
            names.split_name(record)
    else:
        record.update(type=value, companyNumber=record["number"], companyName=record["displayName"], jobTitle="")
        record.update(dict.fromkeys(_NAME_PARTS, ""))


def _has_company_ties(work: Work, contact: Record) -> bool:
    return bool(
        contact["taxRegistrationNumber"]
        or contact["currencyCode"]
        or mirroring.persons_of(work, contact)
        or mirroring.partners_of(work, contact)
    )


def _validate_company_number(work: Work, record: Record, before: Record, value: Stored) -> None:
    if value == record["companyNumber"]:
        return
    if record["type"] != "Person":
        raise field_error(
            f"Type must be equal to 'Person'  in Contact: No.={record['number']}. Current value is 'Company'."
        )
    record["companyNumber"] = value
    company = work.database.find("contacts", "number", value) if value else None
    if value and (company is None or company["type"] != "Company"):
        raise no_related("Company No.", "Contact", value, "Contact")
    record["companyName"] = company["displayName"] if company else ""
    if company and not work.as_given and work.switches.inherit_from_company:
        _inherit(work, record, before, company)


def _inherit(work: Work, record: Record, before: Record, company: Record) -> None:
    """Country and salesperson always; the rest where it is blank or still what the former company had."""
    former = work.database.find("contacts", "number", before["companyNumber"]) if before["companyNumber"] else None
    record.update(country=company["country"], salespersonCode=company["salespersonCode"])
    for group in (mirroring.ADDRESS, *((name,) for name in _INHERITED_IF_BLANK)):
        blank = not any(record[name] for name in group)
        if blank or (former and all(record[name] == former[name] for name in group)):
            record.update({name: company[name] for name in group})


def _validate_company_name(work: Work, record: Record, before: Record, value: Stored) -> None:
    """A name is looked up and sets the number."""
    number = _find_company(work, str(value)) if value else ""
    _validate_company_number(work, record, before, number)


_SEARCHES = (
    "number = upper(?1)",
    "displayName = ?1",
    "substr(fold(displayName), 1, length(?1)) = fold(?1) OR substr(number, 1, length(?1)) = upper(?1)",
)
_LAST_SEARCH = " OR ".join(
    f"instr(fold({name}), fold(?1)) > 0" for name in ("displayName", "number", "city", "phoneNumber", "postalCode")
)


def _find_company(work: Work, text: str) -> str:
    for search in _SEARCHES:
        sql = f"SELECT number FROM contacts WHERE type = 'Company' AND ({search}) ORDER BY number LIMIT 1"
        if rows := work.database.query(sql, (text,)):
            return str(rows[0][0])
    rows = work.database.query(f"SELECT number FROM contacts WHERE type = 'Company' AND ({_LAST_SEARCH})", (text,))
    if len(rows) != 1:
        raise business_rule("You must select an existing contact.")
    return str(rows[0][0])
