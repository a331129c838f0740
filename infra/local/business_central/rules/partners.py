"""Customers and vendors: their contact, currency, salesperson and blocking."""

from __future__ import annotations

from functools import partial

from infra.local.business_central.database import Record
from infra.local.business_central.errors import business_rule
from infra.local.business_central.rules import addresses, mirroring, names
from infra.local.business_central.rules.contacts import ContactTable
from infra.local.business_central.rules.series import give_number
from infra.local.business_central.rules.table import Table
from infra.local.business_central.rules.work import CONTACTS, CUSTOMERS, Work
from infra.local.business_central.schema import ZERO_GUID, Stored

# Not a column: the currency that a `currencyId` in the same request chose.
_CHOSEN = "chosenCurrency"


class PartnerTable(Table):
    """Customer or Vendor."""

    always_validated = frozenset({"currencyId", "currencyCode", "displayName"})

    def __init__(self, name: str, contacts: ContactTable) -> None:
        super().__init__(name)
        self._contacts = contacts
        self.validations = {
            **addresses.VALIDATIONS,
            "displayName": self._validate_name,
            "currencyId": _validate_currency_id,
            "currencyCode": _validate_currency_code,
            "taxAreaId": _validate_tax_area,
            "salespersonCode": _validate_salesperson,
            "blocked": _validate_blocked,
            "privacyBlocked": partial(_validate_privacy, blocked_for_good="All"),
        }

    def _validate_name(self, work: Work, record: Record, before: Record, value: Stored) -> None:
        if not value and self.set.properties["displayName"].not_blank:
            raise business_rule('The blank "displayName" is not allowed.')
        names.rename(record, value)

    def prepare(self, work: Work, record: Record) -> None:
        """Refuse a customer without a name; give number and local currency."""
        if not record["displayName"] and self.set.properties["displayName"].required:
            raise business_rule('A "displayName" must be provided.')
        give_number(work, self.set, record)
        if record["currencyId"] == ZERO_GUID:
            record["currencyCode"] = work.local_currency

    def take_over(self, work: Work, record: Record, contact_number: str) -> Record:
        """What the action "Create as customer" (or vendor) does on a contact that is none yet."""
        contact = work.database.find("contacts", "number", contact_number)
        if contact is None:
            raise business_rule(f"The contact {contact_number} does not exist.")
        if any(partner_set is self.set for partner_set, _ in mirroring.partners_of(work, contact)):
            raise business_rule(f"The contact {contact_number} is a {self.set.entity} already.")
        mirroring.to_partner(work, contact, self.set, record)
        return contact

    def entered(self, work: Work, record: Record, contact: Record | None) -> None:
        """Link the contact; a new one is a person for a customer of type Person, else a company."""
        if contact is not None:
            mirroring.link(work, contact, self.set, record)
            mirroring.refresh_relation(work, contact)
        elif work.switches.create_contacts:
            self._create_contact(work, record)

    def _create_contact(self, work: Work, record: Record) -> None:
        contact = self.new_contact(work, record, self._contacts.blank() | {"id": work.identifiers.new()})
        work.store(CONTACTS, contact)
        mirroring.link(work, contact, self.set, record)

    def new_contact(self, work: Work, record: Record, contact: Record) -> Record:
        """Complete a blank contact (with id, maybe with number) as that of a new row."""
        contact["type"] = record["type"] if self.set is CUSTOMERS else "Company"
        mirroring.to_contact(self.set, record, contact)
        self._contacts.complete_new(work, contact)
        contact["contactBusinessRelation"] = "Customer" if self.set is CUSTOMERS else "Vendor"
        return contact

    def complete(self, work: Work, record: Record, before: Record) -> None:
        """A customer keeps a name."""

    def changed(self, work: Work, record: Record, before: Record) -> None:
        """Carry the edit to the contact."""
        mirroring.partner_changed(work, self.set, before, record)

    def delete(self, work: Work, record: Record) -> None:
        """Remove the row and its link; the contact stays."""
        self.refuse_if_used(work, record)
        contact = mirroring.contact_of(work, record)
        work.remove(self.set, record)
        mirroring.unlink(work, "partnerId", record["id"])
        if contact:
            mirroring.refresh_relation(work, contact)


def _validate_currency_id(work: Work, record: Record, before: Record, value: Stored) -> None:
    record["currencyId"] = value
    currency = work.database.get("currencies", value) if value != ZERO_GUID else None
    record["currencyCode"] = currency["code"] if currency else work.local_currency
    record[_CHOSEN] = record["currencyCode"] if currency else ""


def _validate_currency_code(work: Work, record: Record, before: Record, value: Stored) -> None:
    """Blank and the local code mean the local currency; a `currencyId` sent before must agree."""
    wanted = "" if value == work.local_currency else value
    if chosen := record.get(_CHOSEN):
        if chosen != wanted:
            raise business_rule("The currency values do not match to a specific Currency.")
        return
    currency = work.database.find("currencies", "code", wanted) if wanted else None
    if wanted and currency is None:
        raise business_rule('The "currencyCode" does not match to a Currency.')
    record["currencyId"] = currency["id"] if currency else ZERO_GUID
    record["currencyCode"] = wanted or work.local_currency


def _validate_tax_area(work: Work, record: Record, before: Record, value: Stored) -> None:
    """The zero id does nothing: the id is worked out again from the code behind it."""
    if value != ZERO_GUID:
        record["taxAreaId"] = value


def _validate_salesperson(work: Work, record: Record, before: Record, value: Stored) -> None:
    record["salespersonCode"] = value
    person = work.database.find("salespeoplePurchasers", "code", value) if value else None
    if person and person["privacyBlocked"]:
        raise business_rule(f"You cannot choose the salesperson {value} because it is blocked due to privacy.")


def _validate_blocked(work: Work, record: Record, before: Record, value: Stored) -> None:
    if record["privacyBlocked"] and value != "All":
        raise business_rule("The Blocked field cannot be changed because the record is blocked due to privacy.")
    record["blocked"] = value


def _validate_privacy(work: Work, record: Record, before: Record, value: Stored, *, blocked_for_good: str) -> None:
    record["privacyBlocked"] = value
    record["blocked"] = blocked_for_good if value else "_x0020_"
