"""The records of a trial: half of them in Business Central and half in Dataverse, and where each is found later."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from itertools import batched

from infra.local.demo.clients import DemoError, Row, System
from infra.local.demo_company.business_central import FIELDS as BUSINESS_CENTRAL_FIELDS
from infra.local.demo_company.dataverse import FIELDS as DATAVERSE_FIELDS
from infra.local.people import Company as Invented
from infra.local.people import company

MAPPING = "CUSTOMER"
PERSON = "Ada Admin"
SEEDED_AT_A_TIME = 1000
MOST_TRIES = 20
BARE = 3  # one record of so many has neither e-mail address nor postal code
CUSTOMER = 3  # customertypecode


class Where(StrEnum):
    """The two systems."""

    BUSINESS_CENTRAL = "Business Central"
    DATAVERSE = "Dataverse"

    @property
    def other(self) -> Where:
        """The other one."""
        return Where.DATAVERSE if self is Where.BUSINESS_CENTRAL else Where.BUSINESS_CENTRAL


@dataclass(frozen=True)
class Kind:
    """How customers are called in one of the systems."""

    table: str
    fields: dict[str, str]
    fixed: dict[str, object]
    query: str
    key: str
    marks: tuple[str, ...]

    def mark(self, row: Row) -> str:
        """What a row is known by."""
        return next(str(row[column]) for column in self.marks if row.get(column))


KINDS = {
    Where.BUSINESS_CENTRAL: Kind(
        "customers",
        BUSINESS_CENTRAL_FIELDS,
        {},
        "customers?$select=id,email,displayName",
        "id",
        ("email", "displayName"),
    ),
    Where.DATAVERSE: Kind(
        "account",
        DATAVERSE_FIELDS,
        {"customertypecode": CUSTOMER},
        "accounts?$select=accountid,emailaddress1,name",
        "accountid",
        ("emailaddress1", "name"),
    ),
}

type Systems = dict[Where, System]


class Company:
    """The records by number. Each is known on both sides by its e-mail address or, without one, by its name.

    Those without one have no postal code either, so nothing but the app's own memory can tell that one of them was
    created before its answer got lost: no match of fields would find it.
    """

    def __init__(self, seed: int, systems: Systems) -> None:
        self.systems = systems
        self.size = 0
        self._seed = seed

    def home(self, number: int) -> Where:
        """Where the record comes from."""
        return list(Where)[number % 2]

    def mark(self, number: int) -> str:
        """What the record is known by everywhere."""
        return self._of(number).email or self._of(number).name

    async def move_in(self, count: int) -> None:
        """Put the first `count` records where they come from, as if they had always been there."""
        for where, system in self.systems.items():
            numbers = [number for number in range(count) if self.home(number) is where]
            for some in batched(numbers, SEEDED_AT_A_TIME, strict=False):
                rows = [self._row(number, where) for number in some]
                await system.send("POST", "/_simulator/seed", {"rows": {KINDS[where].table: rows}})
        self.size = count

    async def welcome(self) -> None:
        """A person enters one more record."""
        where, number = self.home(self.size), self.size
        values = {name: value for name, value in self._row(number, where).items() if value != ""}
        change = {"table": KINDS[where].table, "operation": "create", "values": values}
        await self.systems[where].send("POST", "/_simulator/edit", {"user": PERSON, "changes": [change]})
        self.size += 1

    async def ids(self, where: Where) -> dict[int, str]:
        """The ids of the records in one of the systems, by number."""
        numbers = {self.mark(number): number for number in range(self.size)}
        rows = await self.rows(where)
        kind = KINDS[where]
        return {numbers[mark]: str(row[kind.key]) for row in rows if (mark := kind.mark(row)) in numbers}

    async def rows(self, where: Where) -> Sequence[Row]:
        """Every row there, whatever it is; whoever reads may meet the trouble that is meant for the app."""
        for _ in range(MOST_TRIES):
            with suppress(DemoError):
                return await self.systems[where].rows(KINDS[where].query)
        return await self.systems[where].rows(KINDS[where].query)

    def _row(self, number: int, where: Where) -> Row:
        values, kind = asdict(self._of(number)), KINDS[where]
        return {name: values[field] for name, field in kind.fields.items() if values[field] != ""} | kind.fixed

    def _of(self, number: int) -> Invented:
        """What the record says at first."""
        whole = company(self._seed, number)
        return replace(whole, email="", postal_code="") if number % BARE == 0 else whole
