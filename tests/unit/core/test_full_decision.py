"""A full synchronization's decisions: merged first, nobody's conflict left open, what is overwritten is told."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import UNREAD, Action, Change, Nothing, Remember, Seen, View
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.full_decision import decide_fully, in_full_run, overwritten, winner_of
from shared.core.full_run import FullRun
from shared.core.mapping import Mapping, UpdateConflictResolution, WhenOutsideFilter
from shared.core.plan import decide
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.sides import Direction, Side
from shared.core.tables import Values
from tests.unit.core.tables import BC, DV, TABLES, column, line, mapping

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FORCED, AS_STORED = FullRun(forced=True), FullRun()
UNCONDITIONAL = FullRun(unconditional=True)
BOTH = mapping(line("a"), line("b"))
TO_ONLY = BOTH.model_copy(update={"direction": Direction.TO_INTEGRATION_TABLE})
FROM_ONLY = BOTH.model_copy(update={"direction": Direction.FROM_INTEGRATION_TABLE})


def held(side: Side, texts: str) -> Values:
    """The values of columns a and b, one letter each; "-" is blank."""
    return {column(name, side): None if text == "-" else text for name, text in zip("ab", texts, strict=True)}


def coupling(base: str | None) -> Coupling:
    known = {side: None if base is None else held(side, base) for side in Side}
    titles = {side: str(values[column("a", side)] or "") or None if (values := known[side]) else None for side in Side}
    ends = {side: CoupledRecord(f"{side}", known[side], "e", None, titles[side], modified_at=NOW) for side in Side}
    return Coupling(ends[BC], ends[DV], NOW)


def views(here: str, there: str) -> dict[Side, View]:
    texts = {BC: here, DV: there}
    return {side: View(Seen.PRESENT, Record(f"{side}", held(side, texts[side]), "e", NOW)) for side in Side}


def decided(full: FullRun, rules: Mapping, here: str, there: str, base: str | None = "00") -> Action:
    return decide_fully(full, in_full_run(rules, full), views(here, there), coupling(base), TABLES, {}, NOW)


def after(action: Action, here: str, there: str) -> tuple[str, str]:
    """What both sides hold once the action is done."""
    texts = {BC: here, DV: there}
    writes = action.writes if isinstance(action, Change) else {}
    for side in Side:
        values = held(side, texts[side]) | writes.get(side, {})
        texts[side] = "".join(str(values[column(name, side)] or "-") for name in "ab")
    return texts[BC], texts[DV]


@pytest.mark.parametrize(
    ("here", "there", "base", "both", "lost"),
    [
        ("00", "00", "00", "00", ""),
        ("10", "00", "00", "10", ""),  # an edit on one side only is carried over, whichever side it is
        ("00", "01", "00", "01", ""),
        ("10", "01", "00", "11", ""),  # and so are edits of different fields
        ("10", "20", "00", "10", "a"),  # the same field: Business Central wins
        ("10", "21", "00", "11", "a"),  # the other field is merged all the same
        ("10", "10", "00", "10", ""),
        ("12", "34", None, "12", "ab"),  # never agreed on
        ("1-", "-4", None, "14", ""),  # a blank gives way to a value: nothing is lost
        ("12", "12", None, "12", ""),
    ],
)
def test_the_merge_comes_first_and_business_central_wins_what_is_left(
    here: str, there: str, base: str | None, both: str, lost: str
) -> None:
    action = decided(FORCED, BOTH, here, there, base)
    assert after(action, here, there) == (both, both)
    told = action.overwrites if isinstance(action, Change) else {}
    assert told == ({DV: tuple(column(name, DV) for name in lost)} if lost else {})
    if lost:
        assert isinstance(action, Change)
        assert action.reason is Reason.OVERWRITTEN


@pytest.mark.parametrize("resolution", UpdateConflictResolution)
def test_business_central_wins_whatever_the_mapping_says_of_conflicts(resolution: UpdateConflictResolution) -> None:
    """Microsoft's forced jobs detect no conflict, and the pass to Dataverse comes first."""
    rules = BOTH.model_copy(update={"update_conflict_resolution": resolution})
    action = decided(FORCED, rules, "10", "20")
    assert after(action, "10", "20") == ("10", "10")
    assert isinstance(action, Change)
    assert set(action.overwrites) == {DV}


@pytest.mark.parametrize(("rules", "both"), [(TO_ONLY, "12"), (FROM_ONLY, "34")])
def test_in_one_direction_the_source_wins_and_says_so(rules: Mapping, both: str) -> None:
    action = decided(FORCED, rules, "12", "34", None)
    assert after(action, "12", "34") == (both, both)
    assert isinstance(action, Change)
    assert action.reason is Reason.OVERWRITTEN
    assert set(action.overwrites) == {winner_of(rules).other}


@given(*(st.text("01-", min_size=2, max_size=2) for _ in range(3)), st.booleans())
def test_after_a_forced_run_both_sides_agree_and_a_second_one_does_nothing(
    here: str, there: str, base: str, known: bool
) -> None:
    first = decided(FORCED, BOTH, here, there, base if known else None)
    left, right = after(first, here, there)
    assert left == right
    second = decided(FORCED, BOTH, left, right, left)
    assert isinstance(second, Nothing)


@given(*(st.text("012-", min_size=2, max_size=2) for _ in range(3)))
def test_what_only_one_side_edited_is_never_lost(here: str, there: str, base: str) -> None:
    action = decided(FORCED, BOTH, here, there, base)
    left, _ = after(action, here, there)
    for number in range(2):
        if here[number] == base[number]:
            assert left[number] == there[number]
        elif there[number] == base[number]:
            assert left[number] == here[number]


def test_a_run_as_the_mapping_is_stored_decides_as_any_run() -> None:
    assert in_full_run(BOTH, AS_STORED) is BOTH
    for here, there in (("10", "20"), ("10", "00"), ("00", "00")):
        plain = decide(BOTH, views(here, there), coupling("00"), TABLES, {}, NOW)
        assert decided(AS_STORED, BOTH, here, there) == plain


def test_a_forced_run_takes_in_what_is_not_coupled() -> None:
    rules = BOTH.model_copy(update={"synch_only_coupled_records": True})
    assert in_full_run(rules, FORCED).synch_only_coupled_records is False
    assert in_full_run(rules, UNCONDITIONAL).synch_only_coupled_records is True


@pytest.mark.parametrize(("rules", "here", "there"), [(TO_ONLY, "00", "12"), (FROM_ONLY, "12", "00")])
def test_only_an_unconditional_run_overwrites_an_edit_of_the_destination(rules: Mapping, here: str, there: str) -> None:
    assert after(decided(AS_STORED, rules, here, there), here, there) == (here, there)
    action = decided(UNCONDITIONAL, rules, here, there)
    assert after(action, here, there) == ("00", "00")
    assert isinstance(action, Change)
    assert action.before == coupling("00")
    assert action.reason is Reason.OVERWRITTEN


@pytest.mark.parametrize("base", ["00", "11", None])
def test_an_unconditional_run_leaves_equal_pairs_alone(base: str | None) -> None:
    first = decided(UNCONDITIONAL, TO_ONLY, "11", "11", base)
    assert not isinstance(first, Change)
    if base == "11":
        assert first == Nothing(Reason.IN_STEP)
    else:
        assert isinstance(first, Remember)
        assert first.coupling.at(BC).base == held(BC, "11")


def test_an_unconditional_run_sends_nothing_from_outside_the_filter() -> None:
    seen = views("00", "12")
    seen[BC] = View(Seen.PRESENT, seen[BC].record, in_filter=False)
    action = decide_fully(UNCONDITIONAL, TO_ONLY, seen, coupling("00"), TABLES, {}, NOW)
    assert not isinstance(action, Change)
    keeps = TO_ONLY.model_copy(update={"when_outside_filter": WhenOutsideFilter.KEEP_IN_STEP})
    assert isinstance(decide_fully(UNCONDITIONAL, keeps, seen, coupling("00"), TABLES, {}, NOW), Change)


def test_what_is_written_along_unchanged_is_not_overwritten() -> None:
    """Some columns are sent again because the service would clear them."""
    before = coupling("00")
    change = Change(before, before, {DV: {column("a", DV): "2", column("b", DV): "1"}})
    assert overwritten(change, views("00", "21"), TABLES) == {}
    assert overwritten(change, views("00", "31"), TABLES) == {DV: (column("a", DV),)}


def test_a_side_that_was_not_read_is_not_asserted() -> None:
    seen = {BC: UNREAD, DV: views("00", "12")[DV]}
    assert not isinstance(decide_fully(UNCONDITIONAL, TO_ONLY, seen, coupling("00"), TABLES, {}, NOW), Change)
