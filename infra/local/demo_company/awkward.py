"""Partners as they come in real life: quotes, percent signs, slashes, long names, unknown countries, blank e-mails."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from infra.local import people
from infra.local.demo_company.sample import SEED, Fate, Kind, Partner, Where

FIRST = 2000
CONFLICTING_PHONES = ("+49 40 555 0171", "+49 40 555 0172")
UNKNOWN_COUNTRY = "Ruritania"
LONG_NAME = (
    "International Union of Cooperatives for the Production, Refinement, Storage and Distribution of Hand-Picked "
    "Mountain Herbs {} Ltd"
)


@cache
def awkward_partners() -> Sequence[Partner]:
    """Each with the fate that it must have in the first synchronization."""
    here, there, both = Where.BUSINESS_CENTRAL, Where.DATAVERSE, Where.BOTH
    return [
        _partner(0, "GB", "O'Brien & Sons", both, "K40000"),
        _partner(1, "DE", "100% GmbH", here, "K40010"),
        _partner(2, "GR", "Ελαιώνας & Υιοί Α.Ε.", there),
        _partner(3, "JP", "有限会社みどり商店", both, "K40030"),
        _partner(4, "GB", "Slash / Backslash \\ Trading", both, "A/100"),
        _partner(5, "CH", "Öl+Wärme #1 (Süd)", here, "B#200?"),
        _partner(6, "US", 'The "Quoted" Company', there),
        _partner(7, "GB", "Blank Mail Ltd", both, "K40070", email=""),
        _partner(8, "SE", "Nothing but a Name", there, email="", phone="", website=""),
        _partner(9, "DE", "Two Telephones GmbH", both, "K40090", fate=Fate.CONFLICT),
        _partner(10, "GB", LONG_NAME.format("North"), there, fate=Fate.REFUSED),
        _partner(11, "GB", LONG_NAME.format("South"), there, fate=Fate.REFUSED, kind=Kind.VENDOR),
        _partner(12, "AT", "Zenda Castle Tours", there, fate=Fate.REFUSED, country=UNKNOWN_COUNTRY),
        _partner(13, "CH", "Blocked for Good AG", here, "K40130", fate=Fate.LEFT_ALONE),
        _partner(14, "GB", "Closed Long Ago plc", there, fate=Fate.LEFT_ALONE),
        _partner(15, "IT", "D'Amico & Figli S.r.l.", both, "L40150", kind=Kind.VENDOR),
        _partner(16, "DE", "50% Rabatt-Großhandel", there, kind=Kind.VENDOR),
        _partner(17, "PL", "Łódź–Gdańsk Żegluga", here, "L/17", kind=Kind.VENDOR),
    ]


def _partner(
    index: int,
    home: str,
    name: str,
    where: Where,
    number: str = "",
    fate: Fate = Fate.SYNCHRONIZED,
    kind: Kind = Kind.CUSTOMER,
    **differing: str,
) -> Partner:
    company = replace(_company_in(home, FIRST + 100 * index), name=name, **differing)
    partner = Partner(f"awkward {index}", kind, where, company, number, fate=fate)
    if fate is Fate.CONFLICT:
        here, there = CONFLICTING_PHONES
        partner = replace(partner, in_business_central={"phone": here}, in_dataverse={"phone": there})
    return partner


def _company_in(country: str, start: int) -> people.Company:
    """The first invented company from `start` on that is at home in this country."""
    companies = (people.company(SEED, index) for index in itertools.count(start))
    return next(company for company in companies if company.country == country)
