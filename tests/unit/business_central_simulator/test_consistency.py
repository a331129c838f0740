"""Whatever is entered, changed, renamed and deleted, the tables fit together, and the replica shows what was."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from infra.local.business_central import writing
from infra.local.business_central.company import Company
from infra.local.business_central.database import LINKS, Record
from infra.local.business_central.errors import ApiError
from infra.local.business_central.replica import View
from infra.local.business_central.rules import mirroring
from infra.local.business_central.schema import ENTITY_SETS

PARTNERS = ("customers", "vendors")
SETS = (*PARTNERS, "contacts")
EDITS: dict[str, Any] = {
    "displayName": st.sampled_from(["Ada", "Ada Lovelace", "Beta Ltd", "Ann van der Berg"]),
    "country": st.sampled_from(["", "DE", "SE"]),
    "city": st.sampled_from(["", "Lund", "Rostock"]),
    "phoneNumber": st.sampled_from(["", "+49 1", "+46 2"]),
}
edits = st.dictionaries(st.sampled_from(list(EDITS)), st.none(), min_size=1, max_size=3).flatmap(
    lambda chosen: st.fixed_dictionaries({name: EDITS[name] for name in chosen})
)


class Consistency(RuleBasedStateMachine):
    """Users at work on customers, vendors and contacts; now and then someone notes the time and all rows."""

    def __init__(self) -> None:
        super().__init__()
        self.company = Company()
        self.company.change_switches({"replica_lag_ms": 60_000})
        self.noted: list[tuple[int, list[tuple[Any, ...]]]] = []

    def teardown(self) -> None:
        self.company.close()

    def rows(self, name: str) -> list[Record]:
        return self.company.database.where(name, "1 ORDER BY number")

    def pick(self, name: str, at: int) -> str:
        rows = self.rows(name)
        return str(rows[at % len(rows)]["id"]) if rows else "none"

    @rule(name=st.sampled_from(PARTNERS), values=edits, kind=st.sampled_from(["Company", "Person"]))
    def enter_partner(self, name: str, values: dict[str, str], kind: str) -> None:
        values = {"displayName": "New"} | values | ({"type": kind} if name == "customers" else {})
        with suppress(ApiError):
            writing.create(self.company.work(), ENTITY_SETS[name], values)

    @rule(values=edits, company=st.integers(0, 5), at_work=st.booleans())
    def enter_person(self, values: dict[str, str], company: int, at_work: bool) -> None:
        companies = [row["number"] for row in self.rows("contacts") if row["type"] == "Company"]
        employer = {"companyNumber": companies[company % len(companies)]} if companies and at_work else {}
        with suppress(ApiError):
            values = {"type": "Person", "displayName": "New Person"} | values | employer
            writing.create(self.company.work(), ENTITY_SETS["contacts"], values)

    @rule(name=st.sampled_from(SETS), at=st.integers(0, 5), values=edits)
    def change(self, name: str, at: int, values: dict[str, str]) -> None:
        with suppress(ApiError):
            writing.update(self.company.work(), ENTITY_SETS[name], self.pick(name, at), values, "*")

    @rule(name=st.sampled_from(SETS), at=st.integers(0, 5), number=st.sampled_from(["N1", "N2", "N3"]))
    def rename(self, name: str, at: int, number: str) -> None:
        """In a request of its own: what comes with a new number is not mirrored."""
        with suppress(ApiError):
            writing.update(self.company.work(), ENTITY_SETS[name], self.pick(name, at), {"number": number}, "*")

    @rule(name=st.sampled_from(SETS), at=st.integers(0, 5))
    def delete(self, name: str, at: int) -> None:
        with suppress(ApiError):
            writing.delete(self.company.work(), ENTITY_SETS[name], self.pick(name, at), None)

    @precondition(lambda self: len(self.noted) < 3)
    @rule()
    def note(self) -> None:
        time.sleep(0.002)
        self.noted.append((int(time.time() * 1000), self.seen(View(self.company.database))))
        time.sleep(0.002)

    def seen(self, view: View) -> list[tuple[Any, ...]]:
        return [row for name in SETS for row in view.rows.query(f"SELECT * FROM {view.table(name)} ORDER BY number")]

    @invariant()
    def the_replica_shows_what_was(self) -> None:
        for moment, rows in self.noted:
            assert self.seen(View(self.company.database.reader, moment)) == rows

    @invariant()
    def persons_carry_the_name_of_their_company(self) -> None:
        companies = {row["number"]: row for row in self.rows("contacts") if row["type"] == "Company"}
        for number, row in companies.items():
            assert (row["companyNumber"], row["companyName"]) == (number, row["displayName"])
        for row in self.rows("contacts"):
            if row["companyNumber"]:
                assert row["companyName"] == companies[row["companyNumber"]]["displayName"]
            else:
                assert row["companyName"] == ""

    @invariant()
    def relations_are_right(self) -> None:
        work = self.company.work()
        for row in self.rows("contacts"):
            assert row["contactBusinessRelation"] == mirroring.relation_of(work, row)

    @invariant()
    def links_join_what_is_there(self) -> None:
        links = self.company.database.query(f"SELECT contactId, partnerId FROM {LINKS}")
        contacts = {row["id"] for row in self.rows("contacts")}
        partners = {row["id"] for name in PARTNERS for row in self.rows(name)}
        assert all(contact in contacts and partner in partners for contact, partner in links)

    @invariant()
    def partners_and_contacts_mirror_each_other(self) -> None:
        work = self.company.work()
        for contact in self.rows("contacts"):
            for _, partner in mirroring.partners_of(work, contact):
                assert {name: partner[name] for name in ("displayName", "country", "phoneNumber", "searchName")} == {
                    name: contact[name] for name in ("displayName", "country", "phoneNumber", "searchName")
                }


TestConsistency = Consistency.TestCase
TestConsistency.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)
