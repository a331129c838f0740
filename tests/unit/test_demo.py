"""The demo's own eyes: what it calls in step, and which lost edit, duplicate or difference it must notice."""

from __future__ import annotations

import pytest

from infra.local.demo.edits import Edit, Story
from infra.local.demo.in_step import Comparison, Pair, lay_side_by_side
from infra.local.demo.reading import Found


def record(table: str, name: str = "Alder Ltd", email: str = "info@alder.example", **more: str) -> Found:
    return Found(f"{table} {name} {email}", table, {"name": name, "e-mail": email, "phone": "", **more})


def compared(here: list[Found], there: list[Found]) -> Comparison:
    return lay_side_by_side("CUSTOMER", here, there)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"phone": "1"}, {"phone": "1"}),
        ({"post code": "NR2 1NH"}, {"post code": "nr2 1nh "}),
        ({"email": "INFO@alder.example"}, {}),
        ({"mobile": "1"}, {}),
        ({"email": ""}, {"email": ""}),
    ],
)
def test_records_that_say_the_same_are_in_step(here: dict[str, str], there: dict[str, str]) -> None:
    comparison = compared([record("customers", **here)], [record("account", **there)])
    assert comparison.complaints(set()) == []
    assert len(comparison.pairs) == 1


def test_a_difference_is_named_with_its_field() -> None:
    comparison = compared([record("customers", phone="1")], [record("account", phone="2")])
    assert comparison.complaints(set()) == ["CUSTOMER: Alder Ltd differs in phone."]
    assert comparison.complaints({"Alder Ltd"}) == []


@pytest.mark.parametrize(
    ("here", "there", "table"),
    [
        ([record("customers")], [], "customers"),
        ([], [record("account")], "account"),
        ([record("customers"), record("customers", name="Alder Limited")], [record("account")], "customers"),
    ],
)
def test_a_record_that_is_alone_or_double_is_noticed(here: list[Found], there: list[Found], table: str) -> None:
    [complaint] = compared(here, there).complaints(set())
    assert complaint.endswith(f"is only in {table}.")


def pair(here: str, there: str) -> Pair:
    return Pair(record("customers", phone=here), record("account", phone=there))


@pytest.mark.parametrize(
    ("after", "conflicts", "right"),
    [
        (("new", "new"), False, True),
        (("old", "old"), False, False),
        (("new", "old"), False, False),
        (("new", "other"), True, True),
        (("new", "new"), True, False),
        (("old", "other"), True, False),
    ],
)
def test_an_edit_must_arrive_and_a_conflict_must_keep_both_values(
    after: tuple[str, str], conflicts: bool, right: bool
) -> None:
    edit = Edit("CUSTOMER", "Alder Ltd", fields=["phone"], conflicts=conflicts)
    story = Story(edit, pair("old", "old"), pair(*after))
    assert (story.complaint() is None) is right
