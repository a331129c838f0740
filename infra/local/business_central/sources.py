"""Where the rows of a set come from: its table, its table some seconds ago, or a join of tables."""

from __future__ import annotations

from infra.local.business_central.database import LINKS
from infra.local.business_central.replica import View
from infra.local.business_central.schema import ZERO_GUID, EntitySet

_CONTACTS_INFORMATION = """(
    SELECT own.id AS contactId, own.number AS contactNumber, own.displayName AS contactName, own.type AS contactType,
           link.partnerId AS relatedId,
           CASE link.partnerSet WHEN 'customers' THEN 'Customer' ELSE 'Vendor' END AS relatedType,
           own.version AS version
      FROM {links} AS link JOIN {contacts} AS own ON own.id = link.contactId
    UNION ALL
    SELECT person.id, person.number, person.displayName, person.type, link.partnerId,
           CASE link.partnerSet WHEN 'customers' THEN 'Customer' ELSE 'Vendor' END, person.version
      FROM {links} AS link JOIN {contacts} AS company ON company.id = link.contactId AND company.type = 'Company'
      JOIN {contacts} AS person ON person.companyNumber = company.number AND person.type = 'Person')"""

_CUSTOMER_CONTACTS = """(
    SELECT person.id AS id, person.email AS email, person.firstName AS firstName, person.surname AS lastName,
           person.jobTitle AS professionalTitle, coalesce(customer.id, '{zero}') AS customerId,
           coalesce(customer.displayName, '') AS customerName, person.phoneNumber AS primaryPhoneNumber,
           person.number AS number, person.version AS version
      FROM {contacts} AS person
      LEFT JOIN {contacts} AS company
        ON person.companyNumber <> '' AND company.number = person.companyNumber AND company.type = 'Company'
      LEFT JOIN {links} AS link ON link.contactId = company.id AND link.partnerSet = 'customers'
      LEFT JOIN {customers} AS customer ON customer.id = link.partnerId
     WHERE person.type = 'Person' AND person.contactBusinessRelation = 'Customer')"""


def source(entity_set: EntitySet, view: View) -> str:
    """Answer what stands in FROM: its columns are the set's properties and `version`."""
    if entity_set.stored:
        return view.table(entity_set.name)
    template = _CONTACTS_INFORMATION if entity_set.name == "contactsInformation" else _CUSTOMER_CONTACTS
    tables = {name: view.table(name) for name in ("contacts", "customers")}
    return template.format(links=LINKS, zero=ZERO_GUID, **tables)
