"""What the first synchronization of the sample company has to come to, counted from the sample itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from infra.local.demo_company.contacts import contacts, partners
from infra.local.demo_company.sample import CURRENCIES, Fate, Kind, Where, salespeople

ADMINISTRATORS = (Where.DATAVERSE,)
"""Licensed users that a fresh Dataverse environment has: they become salespeople like any other."""


@dataclass(frozen=True)
class Expected:
    """Records of one mapping: coupled because both systems had them, created on either side, and errors to look at.

    `missing_choices` are values of Business Central that Dataverse has no choice for: an error each, for a person.
    """

    coupled: int
    created_in_dataverse: int
    created_in_business_central: int
    errors: int
    missing_choices: int = 0

    @property
    def pairs(self) -> int:
        """How many couplings there are afterwards."""
        return self.coupled + self.created_in_dataverse + self.created_in_business_central


def expected() -> dict[str, Expected]:
    """By the name of the mapping."""
    users = [*(one.where for one in salespeople()), *ADMINISTRATORS]
    found = {
        "CURRENCY": Expected(len(CURRENCIES), 0, 0, 0),
        "SALESPEOPLE": _count((where, Fate.SYNCHRONIZED) for where in users),
        "CONTACT": _count((one.where, Fate.SYNCHRONIZED) for one in contacts()),
    }
    for mapping, kind in (("VENDOR", Kind.VENDOR), ("CUSTOMER", Kind.CUSTOMER)):
        counted = _count((one.where, one.fate) for one in partners() if one.kind is kind)
        found[mapping] = replace(counted, missing_choices=1)  # one payment term, whatever the number of partners
    return found


def _count(records: Iterable[tuple[Where, Fate]]) -> Expected:
    """A conflict is coupled like any pair, and an error besides; a refused record stays uncoupled."""
    counted = dict.fromkeys(Where, 0)
    errors = 0
    for where, fate in records:
        errors += fate in (Fate.REFUSED, Fate.CONFLICT)
        counted[where] += fate in (Fate.SYNCHRONIZED, Fate.CONFLICT)
    return Expected(counted[Where.BOTH], counted[Where.BUSINESS_CENTRAL], counted[Where.DATAVERSE], errors)
