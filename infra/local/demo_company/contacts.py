"""The people who work for the sample company's customers and vendors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from infra.local import people
from infra.local.demo_company.awkward import awkward_partners
from infra.local.demo_company.sample import FIRST_CONTACT, SEED, Contact, Fate, Partner, Where, ordinary_partners

AWKWARD_NAMES = (("Anna", "", "van der Berg"), ("Jean-Luc", "de la", "Tour"), ("", "", "Plutarch"))
"""First, middle and last name as Dataverse has them; Business Central splits the whole name by a rule of its own."""


@cache
def partners() -> Sequence[Partner]:
    """Every customer and vendor, ordinary and awkward."""
    return [*ordinary_partners(), *awkward_partners()]


@cache
def contacts() -> Sequence[Contact]:
    """A partner in both systems has a person in both, every other one more; of the others seven in eight have one."""
    return [_contact(number, partner, where) for number, (partner, where) in enumerate(_places())]


def _places() -> Iterator[tuple[Partner, Where]]:
    seen = dict.fromkeys(Where, 0)
    for partner in partners():
        if partner.fate is not Fate.SYNCHRONIZED:
            continue
        place = seen[partner.where]
        seen[partner.where] += 1
        if partner.where is Where.BOTH:
            yield partner, Where.BOTH
            if place % 2:
                yield partner, (Where.BUSINESS_CENTRAL if place % 4 == 1 else Where.DATAVERSE)
        elif place % 8:
            yield partner, partner.where


def _contact(number: int, partner: Partner, where: Where) -> Contact:
    person = people.person(SEED, FIRST_CONTACT + number)
    if where is Where.DATAVERSE and number % 40 < len(AWKWARD_NAMES):
        first, middle, last = AWKWARD_NAMES[number % 40]
        person = replace(person, first_name=first, middle_name=middle, last_name=last)
    lacks = {"mobile": ""} if where is Where.BOTH and number % 9 == 4 else {}
    return Contact(f"contact {number}", where, person, partner, address=number % 16 != 5, in_dataverse=lacks)
