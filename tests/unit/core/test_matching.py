"""Match-based coupling: exactly one free record, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.mapping import Conversion, FieldMapping, Mapping
from shared.core.matching import find_matches, match_key
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Values
from tests.unit.core.tables import BC, DV, TABLES, column, line, mapping

PERSON = FieldMapping(
    business_central="whole", dataverse=("first", "middle", "last"), conversion=Conversion.PERSON_NAME
)
BY_A_AND_B = mapping(line("a"), line("b"), match_by=[[column("a", BC), column("b", BC)]])
BY_A_THEN_B = mapping(line("a"), line("b"), match_by=[[column("a", BC)], [column("b", BC)]])


def record(side: Side, id: str, **values: str | None) -> Record:
    return Record(id, {column(letter, side): value for letter, value in values.items()})


def bc(id: str, **values: str | None) -> Record:
    return record(BC, id, **values)


def dv(id: str, **values: str | None) -> Record:
    return record(DV, id, **values)


@pytest.mark.parametrize(
    ("rules", "new", "free", "pairs", "several"),
    [
        pytest.param(mapping(line("a")), [bc("1", a="x")], [dv("2", a="x")], {}, {}, id="no rule"),
        pytest.param(BY_A_AND_B, [bc("1", a="x", b="y")], [dv("2", a="x", b="y")], {"1": "2"}, {}, id="all agree"),
        pytest.param(BY_A_AND_B, [bc("1", a=" X ", b="Y")], [dv("2", a="x", b="y")], {"1": "2"}, {}, id="case, blanks"),
        pytest.param(BY_A_AND_B, [bc("1", a="x", b="y")], [dv("2", a="x", b="z")], {}, {}, id="one differs"),
        pytest.param(
            BY_A_AND_B, [bc("1", a="Caf\u00e9", b="y")], [dv("2", a="Cafe\u0301", b="y")], {"1": "2"}, {}, id="accents"
        ),
        pytest.param(
            BY_A_AND_B, [bc("1", a="x", b=None)], [dv("2", a="x", b=None)], {}, {}, id="a blank never matches"
        ),
        pytest.param(
            BY_A_THEN_B, [bc("1", a="x", b="y")], [dv("2", a="z", b="y")], {"1": "2"}, {}, id="the second group"
        ),
        pytest.param(
            BY_A_THEN_B,
            [bc("1", a="x", b="y")],
            [dv("2", a="x", b="n"), dv("3", a="n", b="y")],
            {"1": "2"},
            {},
            id="the first group comes first",
        ),
        pytest.param(
            BY_A_THEN_B,
            [bc("1", a="x", b="y")],
            [dv("2", a="x", b="y"), dv("3", a="x", b="n")],
            {"1": "2"},
            {},
            id="a later group settles what an earlier one left open",
        ),
        pytest.param(
            BY_A_AND_B,
            [bc("1", a="x", b="y")],
            [dv("2", a="x", b="y"), dv("3", a="x", b="y")],
            {},
            {"1": ["2", "3"]},
            id="two candidates are a question",
        ),
        pytest.param(
            BY_A_AND_B,
            [bc("1", a="x", b="y"), bc("4", a="x", b="y")],
            [dv("2", a="x", b="y")],
            {},
            {"1": ["2"], "4": ["2"]},
            id="two claims on one candidate are a question",
        ),
        pytest.param(
            BY_A_THEN_B,
            [bc("1", a="x", b="n"), bc("4", a="m", b="y")],
            [dv("2", a="x", b="y")],
            {"1": "2"},
            {},
            id="a candidate is taken once",
        ),
    ],
)
def test_a_record_is_matched_with_the_only_one_that_agrees(
    rules: Mapping, new: list[Record], free: list[Record], pairs: dict[str, str], several: dict[str, list[str]]
) -> None:
    found = find_matches(rules, BC, new, free, TABLES)
    assert {one: match.id for one, match in found.pairs.items()} == pairs
    assert {one: [other.id for other in asked.candidates] for one, asked in found.several.items()} == several


def test_a_question_names_whom_to_look_at() -> None:
    """Namesakes are told apart by their ids, and who claims the only candidate is named, too."""
    two = find_matches(BY_A_AND_B, BC, [bc("1", a="x", b="y")], [dv("2", a="x", b="y"), dv("3", a="x", b="y")], TABLES)
    claimed = find_matches(
        BY_A_AND_B, BC, [bc("1", a="x", b="y"), bc("4", a="x", b="y")], [dv("2", a="x", b="y")], TABLES
    )
    of_two, of_claimed = two.several["1"].sentence(BC, TABLES), claimed.several["1"].sentence(BC, TABLES)
    assert of_two.startswith("2 records in Dataverse agree")
    assert all(f"({one})" in of_two for one in "23")
    assert "(2) agrees in the match fields, and just as well with" in of_claimed
    assert "(4)" in of_claimed


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"first": "Ada", "middle": None, "last": "Lovelace"}, ("ada lovelace",)),
        ({"first": "Ada", "middle": "King", "last": "Lovelace"}, ("ada king lovelace",)),
        ({"first": None, "middle": None, "last": None}, None),
    ],
)
def test_a_persons_name_matches_as_a_whole(values: Values, key: tuple[str, ...] | None) -> None:
    assert match_key([PERSON], DV, Record("1", values), TABLES[DV]) == key
    whole = " ".join(str(part) for part in values.values() if part)
    assert match_key([PERSON], BC, Record("1", {"whole": whole}), TABLES[BC]) == key


def test_no_fields_match_nothing() -> None:
    assert match_key([], BC, bc("1", a="x"), TABLES[BC]) is None


PEOPLE = st.lists(st.tuples(st.sampled_from(["x", "y", None]), st.sampled_from(["x", "y", None])), max_size=4)


@given(PEOPLE, PEOPLE)
def test_matching_is_one_to_one_and_the_same_from_either_side(
    left: list[tuple[str | None, str | None]], right: list[tuple[str | None, str | None]]
) -> None:
    new = [bc(f"b{at}", a=a, b=b) for at, (a, b) in enumerate(left)]
    free = [dv(f"d{at}", a=a, b=b) for at, (a, b) in enumerate(right)]
    found = {one: match.id for one, match in find_matches(BY_A_AND_B, BC, new, free, TABLES).pairs.items()}
    back = {match.id: one for one, match in find_matches(BY_A_AND_B, DV, free, new, TABLES).pairs.items()}
    assert len(set(found.values())) == len(found)
    assert found == back
    complete = [(a, b) for a, b in left if a and b], [(a, b) for a, b in right if a and b]
    assert len(found) == sum(complete[0].count(key) == complete[1].count(key) == 1 for key in set(complete[0]))
