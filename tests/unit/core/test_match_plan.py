"""Match-based coupling of two whole sides: by example, against an oracle, and at size."""

from __future__ import annotations

import random
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.core.match_criteria import BlankValues
from shared.core.match_index import MatchIndex
from shared.core.match_plan import Matching, match
from shared.core.match_report import Unmatched, UnmatchedReason
from shared.core.records import Record
from tests.unit.core.matching_oracle import (
    TABLES,
    Texts,
    bc_id,
    criteria_by,
    dv_id,
    expected,
    matched,
    records_of,
)
from tests.unit.core.tables import BC, DV

NONE, SEVERAL = UnmatchedReason.NONE, UnmatchedReason.SEVERAL
TAKEN, CONTESTED = UnmatchedReason.TAKEN, UnmatchedReason.CONTESTED


def pairs_of(matching: Matching) -> dict[str, str]:
    return {pair.business_central: pair.dataverse for page in matching.pages(3) for pair in page.pairs}


def left_of(matching: Matching) -> dict[str, Unmatched]:
    return {one.business_central: one for page in matching.pages(3) for one in page.unmatched}


def reasons_of(matching: Matching) -> dict[str, UnmatchedReason]:
    return {one: unmatched.reason for one, unmatched in left_of(matching).items()}


@pytest.mark.parametrize(
    ("groups", "left", "right", "coupled", "pairs", "reasons"),
    [
        pytest.param(["a"], [("x",)], [("x",)], {}, {0: 0}, {}, id="one agrees"),
        pytest.param(["a"], [("x",)], [("y",)], {}, {}, {0: NONE}, id="none agrees"),
        pytest.param(["a"], [("x",)], [("x",), ("x",)], {}, {}, {0: SEVERAL}, id="several agree"),
        pytest.param(["a"], [("x",), ("x",)], [("x",)], {}, {}, {0: CONTESTED, 1: CONTESTED}, id="two claim one"),
        pytest.param(["a"], [("x",), ("x",)], [("x",)], {1: 0}, {}, {0: TAKEN}, id="coupled already"),
        pytest.param(["a"], [("x",), ("x",)], [("x",)] * 2, {1: 0}, {}, {0: SEVERAL}, id="a coupled row counts"),
        pytest.param(["ab"], [("x", "y")], [("x", "z")], {}, {}, {0: NONE}, id="all of a group must agree"),
        pytest.param(["ab"], [("x", None)], [("x", "z")], {}, {0: 0}, {}, id="a blank is left out"),
        pytest.param(["ab"], [("x", None)], [("x", "z"), ("x", None)], {}, {}, {0: SEVERAL}, id="and then finds more"),
        pytest.param(["ab"], [("x", "y")], [("x", None)], {}, {}, {0: NONE}, id="a blank of the row is left out not"),
        pytest.param(["ab"], [(None, None)], [(None, None)], {}, {}, {0: NONE}, id="nothing to compare"),
        pytest.param(["a", "b"], [("x", "y")], [("z", "y")], {}, {0: 0}, {}, id="the second group"),
        pytest.param(["a", "b"], [("x", "y")], [("x", "n"), ("n", "y")], {}, {0: 0}, {}, id="the first comes first"),
        pytest.param(["a", "b"], [("x", "y")], [("x", "y"), ("x", "n")], {}, {0: 0}, {}, id="the second settles it"),
        pytest.param(["a", "b"], [("x", "y"), ("x", "n")], [("x", "m"), ("k", "y")], {}, {0: 1}, {1: CONTESTED},
                     id="a contested row is nobody's, its contender goes on"),
        pytest.param(["a", "b"], [("x", "n"), ("x", "m"), ("k", "y")], [("x", "y")], {}, {},
                     {0: CONTESTED, 1: CONTESTED, 2: CONTESTED}, id="nor is it a later group's"),
        pytest.param(["a", "b"], [("x", "n"), ("k", "y")], [("x", "y")], {}, {0: 0}, {1: TAKEN}, id="given before"),
        pytest.param(["a", "b"], [("x", "y"), ("n", "y")], [("x", "m"), ("k", "y")], {0: 0}, {1: 1}, {},
                     id="a coupled record claims nothing after the group that explains it"),
        pytest.param(["a", "b"], [("x", "y"), ("x", "n")], [("x", "m"), ("k", "y")], {0: 1}, {}, {1: CONTESTED},
                     id="but before it claims as it did in the run that coupled it"),
        pytest.param(["a", "b"], [("x", "m"), ("x", "n"), ("k", "y")], [("x", "y"), ("p", "p"), ("q", "q")],
                     {0: 1, 1: 2}, {2: 0}, {}, id="coupled records alone contest nothing"),
        pytest.param(["a", "b"], [("x", "y"), ("n", "z")], [("x", "n"), ("m", "y"), ("k", "z")], {},
                     {0: 0, 1: 2}, {}, id="who is coupled claims no more"),
    ],
)  # fmt: skip
def test_a_record_is_coupled_with_the_only_row_that_agrees(
    groups: list[str],
    left: list[Texts],
    right: list[Texts],
    coupled: dict[int, int],
    pairs: dict[int, int],
    reasons: dict[int, UnmatchedReason],
) -> None:
    known = {bc_id(here): dv_id(there) for here, there in coupled.items()}
    found = matched(criteria_by(*groups), records_of(BC, left), records_of(DV, right), known)
    assert pairs_of(found) == {bc_id(here): dv_id(there) for here, there in pairs.items()}
    assert reasons_of(found) == {bc_id(here): reason for here, reason in reasons.items()}


def test_a_reason_names_the_rows_and_the_records() -> None:
    rows = records_of(DV, [("several",)] * 12 + [("taken",), ("wanted",)])
    records = records_of(BC, [("several",), ("taken",), ("taken",), ("wanted",), ("wanted",), ("none",)])
    found = matched(criteria_by("a"), records, rows, {bc_id(2): dv_id(12)})
    left = left_of(found)
    names = {dv_id(at): f"row {at:02}" for at in range(14)} | {bc_id(at): f"record {at}" for at in range(6)}
    sentences = {at: left[bc_id(at)].sentence(names) for at in (0, 1, 3, 5)}
    ten = ", ".join(f"row {at:02}" for at in range(10))
    assert sentences == {
        0: f"12 rows in Dataverse agree in the match fields: {ten} and 2 more.",
        1: "row 12 agrees in the match fields and is coupled already, with record 2.",
        3: "row 13 agrees in the match fields, and just as well with record 4.",
        5: "No row in Dataverse agrees in the match fields.",
    }
    assert found.totals.summary == "5 records could not be matched."


def test_the_rivals_of_a_contested_row_are_those_that_claim_it() -> None:
    texts = ["x", "y", "y", "x", "x", "y", "x"]
    found = left_of(
        matched(criteria_by("a"), records_of(BC, [(text,) for text in texts]), records_of(DV, [("x",), ("y",)]))
    )
    for at, text in enumerate(texts):
        others = {bc_id(other) for other, same in enumerate(texts) if same == text and other != at}
        assert set(found[bc_id(at)].rivals) == others
        assert found[bc_id(at)].rival_count == texts.count(text) - 1


def test_who_comes_late_to_a_contested_row_is_told_so() -> None:
    found = matched(
        criteria_by("a", "b"), records_of(BC, [("x", "n"), ("x", "m"), ("k", "y")]), records_of(DV, [("x", "y")])
    )
    late = left_of(found)[bc_id(2)]
    names = {dv_id(0): "The row", **dict.fromkeys(late.rivals, "a rival")}
    assert (late.rival_count, late.sentence(names)) == (
        2,
        "The row agrees in the match fields, and by a group of higher priority with a rival, a rival.",
    )


def test_a_blank_never_matches_where_that_is_asked() -> None:
    sides = records_of(BC, [("x", None)]), records_of(DV, [("x", "z")])
    for blanks, reasons in ((BlankValues.NEVER_MATCH, {bc_id(0): NONE}), (BlankValues.LEFT_OUT, {})):
        assert reasons_of(matched(criteria_by("ab", blanks=blanks), *sides)) == reasons


def test_a_row_given_in_the_same_run_is_taken_by_the_record_that_got_it() -> None:
    found = matched(criteria_by("a", "b"), records_of(BC, [("x", "n"), ("k", "y")]), records_of(DV, [("x", "y")]))
    assert left_of(found)[bc_id(1)].candidates[0].taken_by == bc_id(0)


def test_only_the_last_reading_of_a_record_counts() -> None:
    index = {side: MatchIndex(criteria_by("a"), side, TABLES) for side in (BC, DV)}
    index[BC].add(records_of(BC, [("x",)]))
    index[DV].add(records_of(DV, [("y",)]))
    index[DV].add(records_of(DV, [("x",)]))
    assert len(index[DV]) == 1
    assert pairs_of(match(index[BC], index[DV])) == {bc_id(0): dv_id(0)}


def test_a_row_that_was_coupled_meanwhile_is_free_no_more() -> None:
    index = {side: MatchIndex(criteria_by("a"), side, TABLES) for side in (BC, DV)}
    index[BC].add(records_of(BC, [("x",)]))
    index[DV].add(records_of(DV, [("x",)]))
    index[DV].take(dv_id(0), by=bc_id(7))
    assert left_of(match(index[BC], index[DV]))[bc_id(0)].candidates[0].taken_by == bc_id(7)
    with pytest.raises(KeyError):
        index[DV].take(dv_id(1), by=bc_id(7))


def test_records_outside_the_filter_are_not_in_the_index() -> None:
    index = MatchIndex(criteria_by("a"), DV, TABLES, "b_da ne 'gone'")
    index.add(records_of(DV, [("x", "gone"), ("x", "here")]))
    assert [index.id_of(row) for row in index.rows] == [dv_id(1)]


TEXT = st.sampled_from([None, "x", "X", "y", "é", "e", "É", "y "])
SIDE = st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=7)
GROUPS = st.lists(st.sampled_from(["a", "b", "ab", "bc", "c", "abc"]), min_size=1, max_size=3, unique=True)


@st.composite
def couplings(draw: st.DrawFn) -> tuple[list[Texts], list[Texts], dict[str, str]]:
    left, right = draw(SIDE), draw(SIDE)
    here, there = draw(st.permutations(range(len(left)))), draw(st.permutations(range(len(right))))
    count = draw(st.integers(0, min(len(left), len(right), 3)))
    return left, right, {bc_id(one): dv_id(other) for one, other in zip(here[:count], there[:count], strict=False)}


@settings(max_examples=200)
@given(couplings(), GROUPS, st.sampled_from(["", "a", "abc"]))
def test_it_is_what_comparing_all_with_all_says(
    company: tuple[list[Texts], list[Texts], dict[str, str]], groups: list[str], case_sensitive: str
) -> None:
    left, right, coupled = company
    found = matched(
        criteria_by(*groups, case_sensitive=case_sensitive), records_of(BC, left), records_of(DV, right), coupled
    )
    here, there = ({make(at): texts for at, texts in enumerate(rows)} for make, rows in ((bc_id, left), (dv_id, right)))
    wanted = expected(tuple(groups), here, there, coupled, case_sensitive)
    assert pairs_of(found) == wanted.pairs
    assert reasons_of(found) == wanted.reasons


@given(couplings(), GROUPS, st.randoms(use_true_random=False), st.integers(1, 4))
def test_neither_pages_nor_their_order_make_a_difference(
    company: tuple[list[Texts], list[Texts], dict[str, str]], groups: list[str], chance: random.Random, page: int
) -> None:
    left, right, coupled = company
    criteria, records, rows = criteria_by(*groups), records_of(BC, left), records_of(DV, right)
    once = list(matched(criteria, records, rows, coupled).pages())
    chance.shuffle(records)
    chance.shuffle(rows)
    assert list(matched(criteria, records, rows, coupled, page).pages()) == once


@given(couplings(), GROUPS, st.randoms(use_true_random=False))
def test_a_run_that_begins_anew_comes_to_the_same_pairs(
    company: tuple[list[Texts], list[Texts], dict[str, str]], groups: list[str], chance: random.Random
) -> None:
    left, right, coupled = company
    criteria, records, rows = criteria_by(*groups), records_of(BC, left), records_of(DV, right)
    whole = pairs_of(matched(criteria, records, rows, coupled))
    stored = {here: there for here, there in whole.items() if chance.random() < 0.5}
    rest = pairs_of(matched(criteria, records, rows, coupled | stored))
    assert rest == {here: there for here, there in whole.items() if here not in stored}


# --- At size ---------------------------------------------------------------------------------------------------------

SIZE = 20_000
NAMES = ("Müller", "Muller", "Contoso", "Fabrikam", "Adventure Works", "Ångström", "Angstrom", "Straße", "Strasse")


def company(chance: random.Random, size: int = SIZE) -> tuple[list[Record], list[Record], dict[str, str]]:
    """Two sides of `size` records with duplicates, blanks, case and accent differences, and the pairs to be found.

    By number: of ten, six agree by e-mail in other letters, one by name and post code only, one has a double on
    either side, one differs by an accent, one has nobody.
    """
    left, right, pairs = dict[int, Texts](), dict[int, Texts](), dict[str, str]()
    for at in range(size):
        name, mail, code = f"{chance.choice(NAMES)} {at}", f"office{at}@example.com", f"{at % 90_000:05}"
        here: Texts = (name, mail, code)
        there: Texts = (name.upper(), mail.title(), code)
        match at % 10:
            case 6:
                there = (name.lower(), None, code)
                here = (name, None, code)
            case 7:
                here = (f"Twin {at // 20}", f"twin{at // 20}@example.com", None)
                there = here
            case 8:
                here, there = (f"Café {at}", None, code), (f"Cafe {at}", None, code)
            case 9:
                there = (f"Nobody {at}", None, None)
        left[at], right[at] = here, there
        if at % 10 <= 6:
            pairs[bc_id(at)] = dv_id(at)
    records, rows = records_of(BC, left), records_of(DV, right)
    chance.shuffle(records)
    chance.shuffle(rows)
    return records, rows, pairs


def test_twenty_thousand_of_either_side_are_matched_at_once() -> None:
    records, rows, pairs = company(random.Random(6))
    criteria = criteria_by("b", "ac")
    begun = time.process_time()
    found = matched(criteria, records, rows)
    assert time.process_time() - begun < 3
    assert pairs_of(found) == pairs
    assert found.totals.matched == SIZE * 7 // 10
    assert found.totals.unmatched == {
        NONE: SIZE * 2 // 10, SEVERAL: SIZE // 10, TAKEN: 0, CONTESTED: 0
    }  # fmt: skip


def test_an_index_costs_tens_of_bytes_per_record() -> None:
    size = SIZE // 4
    records, rows, _ = company(random.Random(6), size)
    criteria = criteria_by("b", "ac")
    index = {BC: MatchIndex(criteria, BC, TABLES), DV: MatchIndex(criteria, DV, TABLES)}
    tracemalloc.start()
    index[BC].add(records)
    index[DV].add(rows)
    kept = tracemalloc.get_traced_memory()[0] / (2 * size)
    found = match(index[BC], index[DV])
    result = tracemalloc.get_traced_memory()[0] / (2 * size) - kept
    peak = tracemalloc.get_traced_memory()[1] / (2 * size)
    tracemalloc.stop()
    assert found.totals.matched > 0
    assert kept < 80
    assert result < 40
    assert peak < 200
