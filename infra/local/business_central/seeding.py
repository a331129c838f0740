"""Seed data: invented rows by number, the same for the same seed, and rows as given.

    {"seed": 1, "tables": {"customers": 1000, "vendors": 200, "contacts": 2000, "currencies": 6},
     "start": {"vendors": 1000}, "values": {"customers": {"salespersonCode": "AB"}},
     "rows": {"customers": [{"number": "10000", "displayName": "..."}]}}

Customer i is `people.company(seed, start + i)`; vendors go on after the customers of the same call unless `start` says
otherwise; contact k is `people.person(seed, start + k)` in the company k modulo their number. Every customer and vendor
comes with its company contact. Given rows may set `id`, read-only and hidden properties; no field changes another one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any

from infra.local.business_central import writing
from infra.local.business_central.checking import accept
from infra.local.business_central.database import LINKS, Record, columns, new_version
from infra.local.business_central.errors import ApiError
from infra.local.business_central.rules import mirroring, names, series
from infra.local.business_central.rules.plain import TABLES
from infra.local.business_central.rules.work import CONTACTS, Work
from infra.local.business_central.schema import ENTITY_SETS, EntitySet
from infra.local.business_central.setup import currency_rows
from infra.local.people import Company, Person, company, person
from infra.local.simulator.wrong_body import WrongBodyError, a_list, a_whole_number, an_object, known_fields

INVENTED = ("salespeoplePurchasers", "currencies", "customers", "vendors", "contacts")
FIRST_SALESPERSON = 10_000_000
_CHUNK = 2000
_KINDS = {"customers": "Customer", "vendors": "Vendor"}


@dataclass(frozen=True)
class Order:
    """A seed body that was read."""

    seed: int
    tables: Mapping[str, int]
    start: Mapping[str, int]
    values: Mapping[str, dict[str, Any]]
    rows: Mapping[str, list[dict[str, Any]]]


def read_order(body: dict[str, Any]) -> Order:
    """Read the body of `POST /_simulator/seed`. Raises WrongBodyError."""
    known_fields(body, {"seed", "tables", "start", "values", "rows"})
    tables = _numbers(body, "tables")
    start = {"vendors": tables.get("customers", 0), "salespeoplePurchasers": FIRST_SALESPERSON} | _numbers(
        body, "start"
    )
    values = an_object(body.get("values", {}), "values")
    known_fields(values, set(INVENTED), "values.")
    rows = an_object(body.get("rows", {}), "rows")
    known_fields(rows, {name for name in TABLES if ENTITY_SETS[name].insert} - {"subscriptions"}, "rows.")
    return Order(
        seed=a_whole_number(body.get("seed", 1), "seed"),
        tables=tables,
        start=start,
        values={name: an_object(one, f"values.{name}") for name, one in values.items()},
        rows={name: [an_object(one, f"rows.{name}") for one in a_list(rows[name], f"rows.{name}")] for name in rows},
    )


def _numbers(body: dict[str, Any], name: str) -> dict[str, int]:
    given = an_object(body.get(name, {}), name)
    known_fields(given, set(INVENTED), f"{name}.")
    return {key: a_whole_number(value, f"{name}.{key}") for key, value in given.items()}


async def seed(work: Work, order: Order) -> dict[str, Any]:
    """Make the rows of an order; answers `{"counts": {set: rows}, "ids": {set: [ids of given rows]}}`."""
    counts: dict[str, int] = {}
    for name in INVENTED:
        if wanted := order.tables.get(name, 0):
            counts[name] = await _invent(work, order, name, wanted)
    try:
        with work.database.transaction():
            ids = {
                name: [_given(work, name, at, row) for at, row in enumerate(rows)] for name, rows in order.rows.items()
            }
    except ApiError as error:
        raise WrongBodyError("rows", error.message) from error
    for name, made in ids.items():
        counts[name] = counts.get(name, 0) + len(made)
    return {"counts": counts, "ids": ids}


def _given(work: Work, name: str, at: int, row: dict[str, Any]) -> str:
    try:
        return str(writing.create(work, ENTITY_SETS[name], row))
    except ApiError as error:
        raise WrongBodyError(f"rows.{name}[{at}]", error.message) from error


async def _invent(work: Work, order: Order, name: str, wanted: int) -> int:
    extra = _fixed_values(work, name, order.values.get(name, {}))
    if name == "currencies":
        return _currencies(work, wanted, extra)
    made = 0
    for indexes in batched(range(wanted), _CHUNK, strict=False):
        with work.database.transaction():
            _invent_chunk(work, order, name, indexes, extra)
        made += len(indexes)
        await asyncio.sleep(0)
    return made


def _invent_chunk(work: Work, order: Order, name: str, indexes: tuple[int, ...], extra: Record) -> None:
    try:
        if name == "salespeoplePurchasers":
            _store(work, ENTITY_SETS[name], (one | extra for one in _salespeople(work, order, indexes)))
        elif name == "contacts":
            _store(work, CONTACTS, (one | extra for one in _persons(work, order, indexes)))
        else:
            _partners(work, order, ENTITY_SETS[name], indexes, extra)
    except sqlite3.IntegrityError as error:
        raise WrongBodyError(f"tables.{name}", "such rows are there already: take another seed or start") from error


def _fixed_values(work: Work, name: str, values: Mapping[str, Any]) -> Record:
    """The values that all rows of a set get, as columns."""
    table = TABLES[name]
    record, before = table.blank(), table.blank()
    try:
        for one, value in writing.members(work, table.set, values):
            table.assign(work, record, before, one, accept(work.database, table.set, one, value))
    except ApiError as error:
        raise WrongBodyError(f"values.{name}", error.message) from error
    return {key: record[key] for key in before if record[key] != before[key] or key in values}


def seeded_id(name: str, seed: int, index: int) -> str:
    """The id of an invented row."""
    place = list(ENTITY_SETS).index(name)
    return f"{index & 0xFFFFFFFF:08x}-{seed & 0xFFFF:04x}-ef11-9{place:03x}-{seed >> 16 & 0xFFFFFFFFFFFF:012x}"


def _store(work: Work, entity_set: EntitySet, records: Iterator[Record]) -> None:
    names, now = columns(entity_set.name)[:-1], work.clock.now()
    at = names.index("lastModifiedDateTime")

    def row(record: Record) -> list[Any]:
        values = [record[name] for name in names]
        values[at] = now
        return [*values, new_version()]

    work.database.insert_many(entity_set.name, (row(record) for record in records))


def _partners(work: Work, order: Order, entity_set: EntitySet, indexes: tuple[int, ...], extra: Record) -> None:
    first = order.start.get(entity_set.name, 0)
    blank = TABLES[entity_set.name].blank() | {"currencyCode": work.local_currency}
    numbers = series.reserve(work, entity_set, len(indexes))
    made = []
    for at, index in enumerate(indexes, first + indexes[0]):
        record = blank | _company_fields(company(order.seed, at))
        record |= {
            "id": seeded_id(entity_set.name, order.seed, at),
            "number": series.ALL[entity_set.name].text(numbers + index - indexes[0]),
        }
        made.append(record | extra)
    _store(work, entity_set, iter(made))
    if work.switches.create_contacts:
        _company_contacts(work, order, entity_set, made)


def _company_contacts(work: Work, order: Order, entity_set: EntitySet, partners: list[Record]) -> None:
    blank = TABLES["contacts"].blank()
    numbers = series.reserve(work, CONTACTS, len(partners))
    contacts, place = [], list(ENTITY_SETS).index(entity_set.name)
    for at, partner in enumerate(partners):
        contact = dict(blank)
        contact["type"] = partner.get("type", "Company")
        mirroring.to_contact(entity_set, partner, contact)
        number = series.ALL["contacts"].text(numbers + at)
        contact |= {"id": f"{str(partner['id'])[:-4]}c{place:03x}", "number": number}
        if contact["type"] == "Company":
            contact["companyNumber"] = number
        contacts.append(contact | {"contactBusinessRelation": _KINDS[entity_set.name]})
    _store(work, CONTACTS, iter(contacts))
    links = ((one["id"], entity_set.name, partner["id"]) for one, partner in zip(contacts, partners, strict=True))
    work.database.connection.executemany(f"INSERT INTO {LINKS} VALUES (?, ?, ?)", links)


def _company_fields(one: Company) -> Record:
    return {
        "displayName": one.name,
        "searchName": one.name.upper()[:100],
        "addressLine1": one.address_line1,
        "addressLine2": one.address_line2,
        "city": one.city,
        "state": one.state,
        "postalCode": one.postal_code.upper(),
        "country": one.country,
        "phoneNumber": one.phone,
        "email": one.email,
        "website": one.website,
    }


def _persons(work: Work, order: Order, indexes: tuple[int, ...]) -> Iterator[Record]:
    companies = _company_rows(work, order, indexes)
    blank = TABLES["contacts"].blank() | {"type": "Person"}
    first, numbers = order.start.get("contacts", 0), series.reserve(work, CONTACTS, len(indexes))
    for at, (index, home) in enumerate(zip(indexes, companies, strict=True)):
        record = blank | home | _person_fields(person(order.seed, first + index))
        yield record | {
            "id": seeded_id("contacts", order.seed, first + index),
            "number": series.ALL["contacts"].text(numbers + at),
        }


def _company_rows(work: Work, order: Order, indexes: tuple[int, ...]) -> list[Record]:
    """What each person takes from its company contact; without companies, nothing."""
    taken = ("number", "displayName", *mirroring.ADDRESS, "country", "website", "contactBusinessRelation")
    total = int(work.database.query("SELECT count(*) FROM contacts WHERE type = 'Company'")[0][0])
    if not total:
        return [{} for _ in indexes]
    places = [index % total for index in indexes]
    sql = f"SELECT {', '.join(taken)} FROM contacts WHERE type = 'Company' ORDER BY number LIMIT ? OFFSET ?"
    first = min(places)
    rows = work.database.query(sql, (max(places) - first + 1, first))
    homes = [dict(zip(("companyNumber", "companyName", *taken[2:]), row, strict=True)) for row in rows]
    return [homes[place - first] for place in places]


def _person_fields(one: Person) -> Record:
    record: Record = {
        "displayName": " ".join(part for part in (one.first_name, one.middle_name, one.last_name) if part),
        "jobTitle": one.job_title[:30],
        "phoneNumber": one.phone,
        "mobilePhoneNumber": one.mobile,
        "email": one.email,
    }
    names.split_name(record)
    return record | {"searchName": str(record["displayName"]).upper()[:100]}


def _salespeople(work: Work, order: Order, indexes: tuple[int, ...]) -> Iterator[Record]:
    blank = TABLES["salespeoplePurchasers"].blank()
    first = order.start["salespeoplePurchasers"]
    codes = int(work.database.query("SELECT count(*) FROM salespeoplePurchasers")[0][0])
    for code, index in enumerate(indexes, codes + 1):
        one = person(order.seed, first + index)
        yield blank | {
            "id": seeded_id("salespeoplePurchasers", order.seed, first + index),
            "code": f"SP{code:03d}",
            "displayName": f"{one.first_name} {one.last_name}"[:50],
            "email": f"user{order.seed}-{index}@contoso.example",
            "phoneNo": one.mobile,
            "jobTitle": one.job_title[:30],
        }


def _currencies(work: Work, wanted: int, extra: Record) -> int:
    """See to it that there are as many currencies, in the order of their list."""
    made = 0
    with work.database.transaction():
        for row in currency_rows(work.local_currency)[:wanted]:
            if not work.database.exists("currencies", "code", row["code"]):
                writing.create(work, ENTITY_SETS["currencies"], {**row, **extra})
                made += 1
    return made
