"""Customers and vendors mirror their contact, a company contact its persons, and all of them the other way round.

A link joins a contact with a customer or a vendor (table Contact Business Relation). An edit of a watched field on
either side copies all like fields to the other, without validation; so one PATCH moves the last change of several rows.
"""

from __future__ import annotations

from collections.abc import Iterable

from infra.local.business_central.database import LINKS, Record
from infra.local.business_central.rules.names import split_name
from infra.local.business_central.rules.work import CONTACTS, CUSTOMERS, VENDORS, Work
from infra.local.business_central.schema import ZERO_GUID, EntitySet, Stored

ADDRESS = ("addressLine1", "addressLine2", "city", "state", "postalCode")
WATCHED = (
    "displayName", "searchName", *ADDRESS, "country", "phoneNumber", "mobilePhoneNumber", "email", "website",
    "taxRegistrationNumber", "currencyCode",
)  # fmt: skip
_LIKE = (*(name for name in WATCHED if name != "currencyCode"), "privacyBlocked")
_PARTNERS: dict[str, EntitySet] = {"customers": CUSTOMERS, "vendors": VENDORS}
_RELATION = {"customers": "Customer", "vendors": "Vendor"}


def link(work: Work, contact: Record, partner_set: EntitySet, partner: Record) -> None:
    """Join a contact with a customer or vendor."""
    work.database.connection.execute(
        f"INSERT INTO {LINKS} VALUES (?, ?, ?)", (contact["id"], partner_set.name, partner["id"])
    )


def contact_of(work: Work, partner: Record) -> Record | None:
    """The contact that a customer or vendor is linked with."""
    rows = work.database.query(f"SELECT contactId FROM {LINKS} WHERE partnerId = ?", (partner["id"],))
    return work.database.get("contacts", rows[0][0]) if rows else None


def partners_of(work: Work, contact: Record) -> list[tuple[EntitySet, Record]]:
    """The customer and the vendor that a contact is linked with."""
    rows = work.database.query(f"SELECT partnerSet, partnerId FROM {LINKS} WHERE contactId = ?", (contact["id"],))
    found = [(_PARTNERS[str(name)], work.database.get(str(name), partner)) for name, partner in rows]
    return [(entity_set, partner) for entity_set, partner in found if partner]


def unlink(work: Work, column: str, value: Stored) -> None:
    """Remove the links of a contact (`contactId`) or a partner (`partnerId`)."""
    work.database.connection.execute(f"DELETE FROM {LINKS} WHERE {column} = ?", (value,))


def to_contact(partner_set: EntitySet, partner: Record, contact: Record) -> None:
    """Copy the like fields of a customer or vendor to a contact."""
    contact.update({name: partner[name] for name in _LIKE})
    contact["currencyCode"] = "" if partner["currencyId"] == ZERO_GUID else partner["currencyCode"]
    if partner_set is CUSTOMERS:
        contact["salespersonCode"] = partner["salespersonCode"]
    if contact["type"] == "Company":
        contact["companyName"] = contact["displayName"]
    else:
        split_name(contact)


def to_partner(work: Work, contact: Record, partner_set: EntitySet, partner: Record) -> None:
    """Copy the like fields of a contact to a customer or vendor."""
    partner.update({name: contact[name] for name in _LIKE})
    currency = work.database.find("currencies", "code", contact["currencyCode"]) if contact["currencyCode"] else None
    partner["currencyId"] = currency["id"] if currency else ZERO_GUID
    partner["currencyCode"] = currency["code"] if currency else work.local_currency
    if partner_set is CUSTOMERS:
        partner.update(type=contact["type"], salespersonCode=contact["salespersonCode"])


def partner_changed(work: Work, partner_set: EntitySet, before: Record, after: Record) -> None:
    """Carry an edit of a customer or vendor to its contact, and from there on."""
    watched = (*WATCHED, "salespersonCode") if partner_set is CUSTOMERS else WATCHED
    contact = contact_of(work, after) if _differ(before, after, watched) else None
    if contact is None:
        return
    new = dict(contact)
    to_contact(partner_set, after, new)
    save_contact(work, contact, new, origin=after["id"])


def save_contact(work: Work, before: Record, after: Record, *, origin: Stored | None = None) -> None:
    """Store a changed contact and carry the change to its persons and partners, but not back to its `origin`."""
    work.modify(CONTACTS, before, after, stamp=True)
    contact_changed(work, before, after, origin=origin)


def contact_changed(work: Work, before: Record, after: Record, *, origin: Stored | None = None) -> None:
    """Carry a stored edit of a contact to its persons and partners."""
    if after["type"] == "Company":
        _to_persons(work, before, after)
    if not _differ(before, after, (*WATCHED, "type")):
        return
    for partner_set, partner in partners_of(work, after):
        if partner["id"] != origin:
            new = dict(partner)
            to_partner(work, after, partner_set, new)
            work.modify(partner_set, partner, new, stamp=True)


def persons_of(work: Work, company: Record) -> list[Record]:
    """The person contacts of a company contact."""
    return work.database.where("contacts", "companyNumber = ? AND type = 'Person'", company["number"])


def _to_persons(work: Work, before: Record, after: Record) -> None:
    """Persons get the new company name and what they had inherited and not changed since."""
    if not _differ(before, after, ("displayName", *ADDRESS, "country", "phoneNumber", "email", "salespersonCode")):
        return
    for person in persons_of(work, after):
        new = {**person, "companyName": after["displayName"]}
        if work.switches.inherit_from_company:
            new.update(_still_inherited(before, after, person))
        if new != person:
            save_contact(work, person, new)


def _still_inherited(before: Record, after: Record, person: Record) -> Record:
    groups: tuple[tuple[str, ...], ...] = (ADDRESS, ("country",), ("phoneNumber",), ("email",), ("salespersonCode",))
    same = [group for group in groups if not _differ(before, person, group)]
    return {name: after[name] for group in same for name in group}


def refresh_relation(work: Work, contact: Record) -> None:
    """Work out `contactBusinessRelation` of a contact and, if it is a company, of its persons."""
    for one in [contact, *(persons_of(work, contact) if contact["type"] == "Company" else [])]:
        work.modify(CONTACTS, one, {**one, "contactBusinessRelation": relation_of(work, one)})


def relation_of(work: Work, contact: Record) -> str:
    """`None`, the kind of the only partner, or `Multiple`; a person takes over that of its company."""
    sql = (
        f"SELECT DISTINCT partnerSet FROM {LINKS} WHERE contactId = ? OR contactId IN"
        " (SELECT id FROM contacts WHERE number = ? AND type = 'Company')"
    )
    kinds = [str(name) for (name,) in work.database.query(sql, (contact["id"], contact["companyNumber"]))]
    if not kinds:
        return "None"
    return _RELATION[kinds[0]] if len(kinds) == 1 else "Multiple"


def _differ(one: Record, other: Record, names: Iterable[str]) -> bool:
    return any(one[name] != other[name] for name in names)
