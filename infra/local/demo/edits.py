"""What people do on both sides between two synchronizations, and what must come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from infra.local.demo.clients import DemoError, System
from infra.local.demo.in_step import Comparison, Pair
from infra.local.demo_company.contacts import contacts
from infra.local.demo_company.sample import Where

PERSON = "Ada Admin"


@dataclass(frozen=True)
class Edit:
    """A pair that people change: the columns they set on each side, and the fields that then have to agree.

    With `conflicts` both set the same field to different values: each side has to keep its own.
    """

    mapping: str
    record: str
    business_central: Mapping[str, str] = field(default_factory=dict)
    dataverse: Mapping[str, str] = field(default_factory=dict)
    fields: Sequence[str] = ()
    conflicts: bool = False


@dataclass(frozen=True)
class Story:
    """One edit with both records before it and after the synchronization that followed it."""

    edit: Edit
    before: Pair
    after: Pair

    def complaint(self) -> str | None:
        """What went wrong, if anything."""
        names = [name for name in self.edit.fields if not self._is_right(name)]
        if not names:
            return None
        what = "lost an edit although both sides differ" if self.edit.conflicts else "did not get the edited value"
        return f"{self.edit.mapping}: {self.edit.record} {what}: {', '.join(names)}."

    def _is_right(self, name: str) -> bool:
        here, there = self.after.business_central.values[name], self.after.dataverse.values[name]
        old_here, old_there = self.before.business_central.values[name], self.before.dataverse.values[name]
        if self.edit.conflicts:
            return here != there and here != old_here and there != old_there
        return here == there and here != old_here


def edits() -> list[Edit]:
    """Changes on one side, on both sides in different fields, and on both sides in the same field."""
    someone = next(contact for contact in contacts() if contact.where is Where.BOTH)
    return [
        Edit("CUSTOMER", "O'Brien & Sons", business_central={"phoneNumber": "+44 20 7946 0001"}, fields=["phone"]),
        Edit(
            "CUSTOMER",
            "有限会社みどり商店",
            dataverse={"emailaddress1": "hello@midori.jp.example", "address1_city": "神戸市"},
            fields=["e-mail", "city"],
        ),
        Edit(
            "CUSTOMER",
            "Ελαιώνας & Υιοί Α.Ε.",
            business_central={"phoneNumber": "+30 210 9000002"},
            dataverse={"websiteurl": "https://www.elaionas.gr.example"},
            fields=["phone", "web site"],
        ),
        Edit(
            "CUSTOMER",
            "Slash / Backslash \\ Trading",
            business_central={"phoneNumber": "+44 20 7946 0003"},
            dataverse={"telephone1": "+44 20 7946 0004"},
            fields=["phone"],
            conflicts=True,
        ),
        Edit("VENDOR", "D'Amico & Figli S.r.l.", dataverse={"address1_line1": "Via Nuova, 5"}, fields=["address"]),
        Edit(
            "CONTACT",
            " ".join(filter(None, (someone.person.first_name, someone.person.middle_name, someone.person.last_name))),
            business_central={"mobilePhoneNumber": "+49 151 5550006"},
            fields=["mobile"],
        ),
    ]


def pair_of(edit: Edit, comparisons: Mapping[str, Comparison]) -> Pair:
    """The two records of an edit.

    Raises:
        DemoError: they are not in both systems.
    """
    for pair in comparisons[edit.mapping].pairs.values():
        if pair.business_central.values["name"] == edit.record:
            return pair
    raise DemoError(f"{edit.mapping}: {edit.record} is not in both systems.")


async def make(edit: Edit, pair: Pair, business_central: System, dataverse: System) -> None:
    """Change the two records as people do."""
    if edit.business_central:
        found = pair.business_central
        await business_central.edit(PERSON, found.table, found.id, edit.business_central)
    if edit.dataverse:
        await dataverse.edit(PERSON, pair.dataverse.table, pair.dataverse.id, edit.dataverse)
