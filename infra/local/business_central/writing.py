"""POST, PATCH and DELETE on records: members in the order they were sent, then the rules of the table, then storage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infra.local.business_central import customer_contacts, errors
from infra.local.business_central.checking import accept
from infra.local.business_central.database import Record
from infra.local.business_central.etags import etag, is_etag
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.rules.table import Table
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import EntitySet, Property, Stored


def create(work: Work, entity_set: EntitySet, body: Mapping[str, Any], *, from_contact: str = "") -> Stored:
    """Store a new record and all that follows from it; answers its id. Raises ApiError.

    With the number of a contact, a customer or vendor is made out of that contact instead of getting a new one.
    """
    table = TABLES[entity_set.name]
    with work.database.transaction():
        record, before = table.blank(), table.blank()
        contact = table.take_over(work, record, from_contact) if from_contact else None
        _assign_all(work, table, record, before, body)
        if not _has_id(record, entity_set):
            record[entity_set.identity] = work.identifiers.new()
        table.prepare(work, record)
        _refuse_taken(work, table, record)
        work.store(entity_set, record)
        table.entered(work, record, contact)
    return record[entity_set.identity]


def _has_id(record: Record, entity_set: EntitySet) -> bool:
    return record[entity_set.identity] != entity_set.properties[entity_set.identity].blank


def _refuse_taken(work: Work, table: Table, record: Record) -> None:
    for name in {table.set.key, table.set.identity}:
        if work.database.exists(table.set.name, name, record[name]):
            raise errors.same_key(table.set.table, table.set.properties[name].caption, str(record[name]))


def update(work: Work, entity_set: EntitySet, identity: str, body: Mapping[str, Any], tag: str) -> None:
    """Change a record (`tag`: an etag or `*`) and all that follows. Raises ApiError, 409 where the tag is stale."""
    if entity_set.name == "customerContacts":
        customer_contacts.update(work, identity, body, tag)
        return
    table = TABLES[entity_set.name]
    with work.database.transaction():
        before = existing(work, entity_set, identity)
        refuse_stale(before, tag)
        record = dict(before)
        _assign_all(work, table, record, before, body)
        save(work, table, record, before)


def save(work: Work, table: Table, record: Record, before: Record) -> None:
    """Store a changed record; a changed number or code renames it."""
    table.complete(work, record, before)
    key = table.set.key
    if record[key] != before[key]:
        if not record[key]:
            raise errors.field_error(f"{table.set.properties[key].caption} must have a value in {table.set.table}.")
        table.rename(work, record, before)
        return
    work.modify(table.set, before, record, stamp=table.set.stamped and not _calculated_only(table, record, before))
    table.changed(work, record, before)


def _calculated_only(table: Table, record: Record, before: Record) -> bool:
    changed = [one for name, one in table.set.properties.items() if record[name] != before[name]]
    return bool(changed) and all(one.calculated for one in changed)


def delete(work: Work, entity_set: EntitySet, identity: str, tag: str | None) -> None:
    """Remove a record; the tag is checked when one is sent. Raises ApiError."""
    if entity_set.name == "customerContacts":
        customer_contacts.delete(work, identity, tag)
        return
    with work.database.transaction():
        record = existing(work, entity_set, identity)
        refuse_stale(record, tag or "*")
        TABLES[entity_set.name].delete(work, record)


def existing(work: Work, entity_set: EntitySet, identity: str) -> Record:
    """The stored record with this id. Raises ApiError 404."""
    record = work.database.get(entity_set.name, identity.lower())
    if record is None:
        raise errors.no_segment(entity_set.name)
    return record


def required_tag(given: str | None) -> str:
    """What If-Match of a PATCH says; 400 where it is missing or cannot be read."""
    if given is None or not is_etag(given):
        raise errors.wrong_tag()
    return given.strip()


def refuse_stale(record: Record, tag: str) -> None:
    """Refuse a tag that is not that of the stored record."""
    if tag != "*" and tag != etag(int(record["version"])):
        raise errors.entity_changed()


def _assign_all(work: Work, table: Table, record: Record, before: Record, body: Mapping[str, Any]) -> None:
    for one, value in members(work, table.set, body):
        table.assign(work, record, before, one, accept(work.database, table.set, one, value))


def members(work: Work, entity_set: EntitySet, body: Mapping[str, Any]) -> Iterable[tuple[Property, Any]]:
    """The properties that a body sets, in its order. Raises ApiError 400 for unknown and read-only ones."""
    for name, value in body.items():
        if "@odata." in name:
            continue
        one = entity_set.properties.get(name)
        if one is None or (one.hidden and not (work.as_given or work.as_person)):
            raise errors.bad_request(
                f"The property '{name}' does not exist on type 'Microsoft.NAV.{entity_set.entity}'. "
                "Make sure to only use property names that are defined by the type."
            )
        if one.read_only and not work.as_given and not (work.as_person and one.calculated):
            raise errors.read_only(name)
        yield one, value
