"""The laws of `dev.py chaos` see what is wrong, and nothing else: each case is one way to lose or double something."""

from __future__ import annotations

import pytest

from infra.local.chaos.company import Company, Where
from infra.local.chaos.laws import lost_edits, miscounted, not_in_step, unexplained
from infra.local.chaos.people import FIELDS, Edit, People
from infra.local.chaos.plan import Plan
from infra.local.demo.in_step import Pair
from infra.local.demo.reading import Found

HERE, THERE = Where.BUSINESS_CENTRAL, Where.DATAVERSE


def pair(here: str, there: str) -> Pair:
    """A pair that has these telephones."""
    values = {"name": "Fabrikam", "e-mail": "info@fabrikam.example"}
    return Pair(Found("bc", "customers", values | {"phone": here}), Found("dv", "account", values | {"phone": there}))


@pytest.mark.parametrize(
    ("rows", "known", "wrong"), [(3, 3, False), (2, 2, True), (4, 3, True), (4, 4, True), (3, 2, True)]
)
def test_every_record_is_there_once(rows: int, known: int, wrong: bool) -> None:
    assert bool(miscounted(HERE, rows, known, 3)) is wrong


@pytest.mark.parametrize(
    ("here", "there", "in_conflict", "wrong"),
    [("1", "1", set(), False), ("1", "2", set(), True), ("1", "2", {7}, False), ("1", "2", {8}, True)],
)
def test_pairs_are_in_step_but_for_open_conflicts(here: str, there: str, in_conflict: set[int], wrong: bool) -> None:
    assert bool(not_in_step({7: pair(here, there)}, in_conflict)) is wrong


EDITS = {
    "carried over": ([Edit(HERE, "1")], "1", "1", False, False),
    "not carried over": ([Edit(HERE, "1")], "1", "0", False, True),
    "taken back": ([Edit(HERE, "1")], "0", "0", False, True),
    "overtaken by a later one": ([Edit(HERE, "1"), Edit(THERE, "2")], "2", "2", False, False),
    "the earlier one has won": ([Edit(HERE, "1"), Edit(THERE, "2")], "1", "1", False, True),
    "each where it was written": ([Edit(HERE, "1"), Edit(THERE, "2")], "1", "2", True, False),
    "lost in a conflict": ([Edit(HERE, "1"), Edit(THERE, "2")], "1", "0", True, True),
}


@pytest.mark.parametrize("name", EDITS)
def test_no_acknowledged_edit_is_lost(name: str) -> None:
    edits, here, there, in_conflict, wrong = EDITS[name]
    found = lost_edits({7: pair(here, there)}, {(7, "phone"): edits}, {7} if in_conflict else set())
    assert bool(found) is wrong


@pytest.mark.parametrize(
    ("reason", "record", "wrong"),
    [("update_conflict", "bc", False), ("update_conflict", "other", True), ("service_refused", "bc", True)],
)
def test_every_error_was_caused_by_somebody(reason: str, record: str, wrong: bool) -> None:
    error = {"reason": reason, "business_central_id": record, "message": ""}
    assert bool(unexplained([error], {"bc"})) is wrong


def test_a_field_that_is_not_contested_is_one_sides_own() -> None:
    people = People(Plan(seed=1), Company(1, {}))
    for number in range(100):
        mine, theirs = people.fields(number, HERE), people.fields(number, THERE)
        if people.contested(number):
            assert mine == theirs == list(FIELDS)
        else:
            assert sorted(mine + theirs) == sorted(FIELDS)


def test_the_same_seed_chooses_the_same() -> None:
    first, second, other = (Plan(seed).chance("kills").random() for seed in (1, 1, 2))
    assert first == second != other
    assert Plan(1).chance("kills").random() != Plan(1).chance("people").random()


@pytest.mark.parametrize(("kills", "at_first"), [(0, 0), (1, 1), (6, 3), (7, 4), (50, 25)])
def test_half_of_the_kills_come_in_the_first_load(kills: int, at_first: int) -> None:
    assert Plan(1, kills=kills).kills_at_first == at_first
