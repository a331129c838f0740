"""Realistic rows in any number, the same ones for the same seed, made fast enough for a million."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from infra.local import people
from infra.local.dataverse.organization import (
    ADMINISTRATOR,
    CURRENCIES,
    ROOT_UNIT,
    currency_row,
    find_user,
    fixed_id,
    store,
)
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.session import Session
from infra.local.dataverse.writing.computed import base_currency
from infra.local.simulator.wrong_body import WrongBodyError

ORDER = ("systemuser", "transactioncurrency", "account", "contact")
"""The tables that can be seeded, those first that the others refer to."""

_CHUNK = 5000
_TITLES = {1: "Mr.", 2: "Ms."}

Row = dict[str, Any]


def seed_table(session: Session, seed: int, table: str, count: int, values: Row) -> int:
    """Store `count` rows of a table with the given stored values in each; answers how many rows were made."""
    if table not in ORDER:
        raise WrongBodyError(f"tables.{table}", f"cannot be seeded; known are {', '.join(ORDER)}")
    made = _Maker(session, seed).rows(table, count)
    definition = TABLES[table]
    user = find_user(session.storage, ADMINISTRATOR)
    author = user.id if user else session.user.id
    with session.storage.transaction():
        stored = 0
        for chunk in _chunks(made):
            stored += len(store(session.storage, definition, [row | values for row in chunk], author))
    return stored


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    chunk: list[Row] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk


class _Maker:
    def __init__(self, session: Session, seed: int) -> None:
        self._storage = session.storage
        self._seed = seed
        self._base = base_currency(session)
        self._owners = self._ids("systemuser", "islicensed = 1 AND isdisabled = 0")
        self._makers: dict[str, Callable[[int], Iterator[Row]]] = {
            "systemuser": self._users,
            "transactioncurrency": self._currencies,
            "account": self._accounts,
            "contact": self._contacts,
        }

    def rows(self, table: str, count: int) -> Iterator[Row]:
        first = fixed_id(table, self._seed, 0)
        if self._storage.one(f'SELECT 1 FROM "{table}" WHERE "{TABLES[table].id}" = ?', [first]):
            raise WrongBodyError("seed", f"{table} rows of seed {self._seed} are there already; take another seed")
        return self._makers[table](count)

    def _ids(self, table: str, condition: str = "1") -> list[str]:
        rows = self._storage.all(f'SELECT "{table}id" FROM "{table}" WHERE {condition} ORDER BY "{table}id"')
        return [row[0] for row in rows]

    def _users(self, count: int) -> Iterator[Row]:
        for index in range(count):
            person = people.person(self._seed, 10_000_000 + index)
            name = f"user{self._seed}-{index}@contoso.example"
            yield {
                "systemuserid": fixed_id("systemuser", self._seed, index),
                "firstname": person.first_name,
                "middlename": person.middle_name or None,
                "lastname": person.last_name,
                "domainname": name,
                "internalemailaddress": name,
                "azureactivedirectoryobjectid": fixed_id("directory", self._seed, index),
                "jobtitle": person.job_title,
                "title": person.job_title,
                "mobilephone": person.mobile,
                "address1_telephone1": person.phone,
                "islicensed": 1,
                "businessunitid": ROOT_UNIT,
            }

    def _currencies(self, count: int) -> Iterator[Row]:
        base = self._storage.one("SELECT isocurrencycode FROM transactioncurrency WHERE exchangerate = 1")
        taken = {row[0] for row in self._storage.all("SELECT isocurrencycode FROM transactioncurrency")}
        free = [code for code in CURRENCIES if code not in taken]
        if count > len(free):
            raise WrongBodyError("tables.transactioncurrency", f"at most {len(free)} are left")
        for code in free[:count]:
            yield currency_row(code, base[0] if base else "EUR")

    def _accounts(self, count: int) -> Iterator[Row]:
        rates = self._rates()
        for index in range(count):
            yield self._owned(index) | self._account(index, rates)

    def _account(self, index: int, rates: list[tuple[str, float]]) -> Row:
        company = people.company(self._seed, index)
        currency, rate = rates[0] if index % 4 else rates[index // 4 % len(rates)]
        limit = float(1000 * (index % 50))
        return {
            "accountid": fixed_id("account", self._seed, index),
            "name": company.name,
            "accountnumber": f"A{self._seed}-{index:06}",
            "telephone1": company.phone,
            "emailaddress1": company.email,
            "websiteurl": company.website,
            **_address(company),
            "numberofemployees": 1 + index * 7 % 900,
            "creditlimit": limit,
            "creditlimit_base": round(limit / rate, 4),
            "exchangerate": rate,
            "transactioncurrencyid": currency,
        }

    def _rates(self) -> list[tuple[str, float]]:
        """The currencies with their rates, the base currency first."""
        rows = self._storage.all("SELECT transactioncurrencyid, exchangerate FROM transactioncurrency ORDER BY 1")
        return sorted(rows, key=lambda row: row[0] != self._base)

    def _contacts(self, count: int) -> Iterator[Row]:
        companies = self._ids("account")
        for index in range(count):
            # One of eight people works for nobody.
            company = companies[index % len(companies)] if companies and index % 8 else None
            yield self._owned(index) | self._contact(index, company)

    def _contact(self, index: int, company: str | None) -> Row:
        person = people.person(self._seed, index)
        gender = 1 + index % 2
        return {
            "contactid": fixed_id("contact", self._seed, index),
            "firstname": person.first_name,
            "middlename": person.middle_name or None,
            "lastname": person.last_name,
            "salutation": _TITLES[gender],
            "gendercode": gender,
            "jobtitle": person.job_title,
            "telephone1": person.phone,
            "mobilephone": person.mobile,
            "emailaddress1": person.email,
            **_address(people.company(self._seed, index)),
            "parentcustomerid": company,
            "parentcustomerid_type": "account" if company else None,
            "accountid": company,
            "transactioncurrencyid": self._base,
            "exchangerate": 1.0,
        }

    def _owned(self, index: int) -> Row:
        owner = self._owners[index % len(self._owners)] if self._owners else None
        return {"ownerid": owner, "ownerid_type": "systemuser", "owninguser": owner, "owningbusinessunit": ROOT_UNIT}


def _address(company: people.Company) -> Row:
    return {
        "address1_line1": company.address_line1,
        "address1_line2": company.address_line2 or None,
        "address1_city": company.city,
        "address1_stateorprovince": company.state or None,
        "address1_postalcode": company.postal_code,
        "address1_country": company.country,
    }
