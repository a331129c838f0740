"""customerContacts: the persons of customers, under other names than in contacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infra.local.business_central import errors, writing
from infra.local.business_central.checking import accept
from infra.local.business_central.database import LINKS, Record
from infra.local.business_central.rules import mirroring
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.rules.work import CONTACTS, Work
from infra.local.business_central.schema import ENTITY_SETS

_SET = ENTITY_SETS["customerContacts"]
_CONTACT_NAMES = {
    "email": "email",
    "firstName": "firstName",
    "lastName": "surname",
    "professionalTitle": "jobTitle",
    "primaryPhoneNumber": "phoneNumber",
}


def update(work: Work, identity: str, body: Mapping[str, Any], tag: str) -> None:
    """Change the contact behind; first and last name rebuild its whole name. Raises ApiError."""
    table = TABLES["contacts"]
    with work.database.transaction():
        before = _existing(work, identity, tag)
        record = dict(before)
        for one, value in writing.members(work, _SET, body):
            stored = accept(work.database, _SET, one, value)
            if one.name == "customerId":
                _point_to(work, record, str(stored))
            else:
                name = _CONTACT_NAMES[one.name]
                table.assign(work, record, before, CONTACTS.properties[name], stored)
        writing.save(work, table, record, before)


def delete(work: Work, identity: str, tag: str | None) -> None:
    """Delete the contact behind. Raises ApiError."""
    with work.database.transaction():
        TABLES["contacts"].delete(work, _existing(work, identity, tag or "*"))


def _existing(work: Work, identity: str, tag: str) -> Record:
    record = work.database.get("contacts", identity.lower())
    if record is None or record["type"] != "Person" or record["contactBusinessRelation"] != "Customer":
        raise errors.no_segment(_SET.name)
    writing.refuse_stale(record, tag)
    return record


def _point_to(work: Work, person: Record, customer_id: str) -> None:
    """Point the link of the person's company to another customer: for all of its persons."""
    customer = work.database.get("customers", customer_id)
    company = work.database.find("contacts", "number", person["companyNumber"]) if person["companyNumber"] else None
    if customer is None or company is None:
        raise errors.business_rule('The "customerId" does not match to a Customer.')
    mirroring.unlink(work, "partnerId", customer["id"])
    sql = f"UPDATE {LINKS} SET partnerId = ? WHERE contactId = ? AND partnerSet = 'customers'"
    work.database.connection.execute(sql, (customer["id"], company["id"]))
