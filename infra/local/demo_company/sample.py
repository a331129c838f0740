"""The sample company as people know it: partners, contacts and salespeople, and in which of the two systems each is.

About a third of all is in both systems, entered twice by people who agreed on name and e-mail but not on everything
else. The same at every start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache

from infra.local import people

SEED = 20
CUSTOMERS, VENDORS, SALESPEOPLE = 300, 80, 6
IN_BOTH_SALESPEOPLE = 4
FIRST_VENDOR, FIRST_SALESPERSON, FIRST_CONTACT = 1000, 5000, 10_000

BASE_CURRENCY = "EUR"
CURRENCIES = {
    "USD": ("US dollar", "$", 1.09),
    "GBP": ("Pound sterling", "£", 0.85),
    "CHF": ("Swiss franc", "Fr.", 0.95),
    "JPY": ("Japanese yen", "¥", 163.4),
    "SEK": ("Swedish krona", "kr", 11.3),
    "DKK": ("Danish krone", "kr.", 7.46),
    "NOK": ("Norwegian krone", "kr", 11.7),
    "PLN": ("Polish zloty", "zł", 4.27),
}
"""The foreign currencies of both systems: name, symbol and units per euro."""

CURRENCY_OF_COUNTRY = {"US": "USD", "GB": "GBP", "CH": "CHF", "JP": "JPY", "SE": "SEK", "DK": "DKK", "PL": "PLN"}
TERMS = ("30 DAYS", "NET45", "NET60", "2%10NET30", "")
"""Payment terms that both systems have, and none."""


class Where(StrEnum):
    """In which systems a record is before the first synchronization."""

    BOTH = "both"
    BUSINESS_CENTRAL = "business_central"
    DATAVERSE = "dataverse"


class Kind(StrEnum):
    """What a partner is to the company."""

    CUSTOMER = "customer"
    VENDOR = "vendor"


class Fate(StrEnum):
    """What the first synchronization has to make of a record."""

    SYNCHRONIZED = "synchronized"
    REFUSED = "refused"  # a value that the other system cannot take: an error that a person has to look at
    CONFLICT = "conflict"  # both have it with different values: an error, too
    LEFT_ALONE = "left alone"  # outside the mapping's filter


@dataclass(frozen=True)
class Partner:
    """A customer or vendor. `in_business_central` and `in_dataverse` hold what differs there, by field of Company."""

    key: str
    kind: Kind
    where: Where
    company: people.Company
    number: str = ""
    currency: str = ""
    terms: str = ""
    salesperson: int | None = None
    credit_limit: int = 0
    fate: Fate = Fate.SYNCHRONIZED
    in_business_central: Mapping[str, str] = field(default_factory=dict)
    in_dataverse: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Contact:
    """A person who works for a partner; with `address` the company's address was entered for the person, too."""

    key: str
    where: Where
    person: people.Person
    partner: Partner
    address: bool
    in_dataverse: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Salesperson:
    """A user of Dataverse; those in both systems have a code in Business Central."""

    key: str
    where: Where
    person: people.Person
    code: str

    @property
    def name(self) -> str:
        """First and last name: the name of a Dataverse user has no more."""
        return f"{self.person.first_name} {self.person.last_name}"


@cache
def salespeople() -> Sequence[Salesperson]:
    """Six users; Business Central knows four of them."""
    found = []
    for index in range(SALESPEOPLE):
        person = people.person(SEED, FIRST_SALESPERSON + index)
        where = Where.BOTH if index < IN_BOTH_SALESPEOPLE else Where.DATAVERSE
        found.append(
            Salesperson(f"salesperson {index}", where, person, f"SP-{index + 1}" if where is Where.BOTH else "")
        )
    return found


@cache
def ordinary_partners() -> Sequence[Partner]:
    """Customers and vendors without surprises, a third each in both systems, only here and only there."""
    kinds = [(Kind.CUSTOMER, 0, CUSTOMERS), (Kind.VENDOR, FIRST_VENDOR, VENDORS)]
    return [_ordinary(kind, first + index, index) for kind, first, count in kinds for index in range(count)]


def _ordinary(kind: Kind, index: int, place: int) -> Partner:
    company = people.company(SEED, index)
    where = tuple(Where)[place % 3]
    customer = kind is Kind.CUSTOMER
    return Partner(
        key=f"{kind} {index}",
        kind=kind,
        where=where,
        company=company,
        number=f"{'K' if customer else 'L'}{10_000 + place * 10}" if where is not Where.DATAVERSE else "",
        currency=CURRENCY_OF_COUNTRY.get(company.country, ""),
        terms=TERMS[place % len(TERMS)],
        salesperson=place % IN_BOTH_SALESPEOPLE if customer and place % 5 else None,
        credit_limit=(place % 7) * 2500 if customer else 0,
        in_dataverse=_what_dataverse_lacks(place) if where is Where.BOTH else {},
    )


def _what_dataverse_lacks(place: int) -> dict[str, str]:
    """Every tenth pair was entered without telephone in Dataverse, every fourteenth without web site."""
    lacking = {"phone": 10, "website": 14}
    return {name: "" for name, every in lacking.items() if (place // 3) % every == 1}
