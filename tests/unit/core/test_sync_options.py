"""Synchronize now: the choices for a pair, what each would write and lose, and that it does just that."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import GONE, Action, Change, Nothing, Remember, Seen, View
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.mapping import Mapping, UpdateConflictResolution
from shared.core.plan import decide
from shared.core.records import Record
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Direction, Side
from shared.core.sync_choice import SyncChoice
from shared.core.sync_options import (
    SyncOption,
    SyncOptions,
    changed_sides,
    decide_choice,
    skipped_of_several,
    sync_options,
)
from shared.core.tables import Values
from tests.unit.core.tables import BC, BOTH_WAYS, DV, FROM, TABLES, TO, column, line, mapping

NOW = datetime(2026, 1, 5, tzinfo=UTC)
SEND, GET, MERGE = SyncChoice.SEND, SyncChoice.GET, SyncChoice.MERGE
LINES = (line("a"), line("b"), line("c", TO), line("d", FROM))
BOTH = mapping(*LINES)


def held(side: Side, texts: str) -> Values:
    """The values of columns a, b, c, d, one letter each; "-" is blank."""
    return {column(name, side): None if text == "-" else text for name, text in zip("abcd", texts, strict=True)}


def pair(here: str, there: str, base: str | None = "0000") -> tuple[dict[Side, View], Coupling]:
    texts = {BC: here, DV: there}
    views = {side: View(Seen.PRESENT, Record(f"{side}-id", held(side, texts[side]), "e", NOW)) for side in Side}
    known = {side: None if base is None else held(side, base) for side in Side}
    return views, Coupling(CoupledRecord(f"{BC}-id", known[BC]), CoupledRecord(f"{DV}-id", known[DV]), NOW)


def options_for(rules: Mapping, here: str, there: str, base: str | None = "0000") -> SyncOptions:
    found = sync_options(rules, *pair(here, there, base), TABLES, {}, NOW)
    assert isinstance(found, SyncOptions)
    return found


def option(found: SyncOptions, choice: SyncChoice) -> SyncOption:
    return next(one for one in found.options if one.choice is choice)


def shown(one: SyncOption) -> list[str]:
    """The changes as text: column, old > new, with a mark where an edit is lost."""
    return [f"{it.column} {it.old}>{it.new}{'!' if it.loses_edit else ''}" for it in one.changes]


@pytest.mark.parametrize(
    ("here", "there", "changed", "preselected", "send", "get", "merge"),
    [
        pytest.param("0000", "0000", (), MERGE, [], [], [], id="nothing changed"),
        pytest.param("1000", "0000", (BC,), SEND, ["a_da 0>1"], ["a_bu 1>0!"], ["a_da 0>1"], id="only BC"),
        pytest.param("0000", "0200", (DV,), GET, ["b_da 2>0!"], ["b_bu 0>2"], ["b_bu 0>2"], id="only Dataverse"),
        pytest.param("1000", "0200", (BC, DV), MERGE, ["a_da 0>1", "b_da 2>0!"], ["a_bu 1>0!", "b_bu 0>2"],
                     ["b_bu 0>2", "a_da 0>1"], id="different fields"),
        pytest.param("1000", "2000", (BC, DV), SEND, ["a_da 2>1!"], ["a_bu 1>2!"], None, id="the same field"),
        pytest.param("1000", "1000", (BC, DV), MERGE, [], [], [], id="the same value twice"),
        pytest.param("0010", "0000", (BC,), SEND, ["c_da 0>1"], [], ["c_da 0>1"], id="a line To"),
        pytest.param("0000", "0001", (DV,), GET, [], ["d_bu 0>1"], ["d_bu 0>1"], id="a line From"),
        pytest.param("-000", "0000", (BC,), SEND, ["a_da 0>None"], ["a_bu None>0!"], ["a_da 0>None"], id="a blank"),
    ],
)  # fmt: skip
def test_the_choices_of_a_bidirectional_mapping(
    here: str,
    there: str,
    changed: tuple[Side, ...],
    preselected: SyncChoice,
    send: list[str],
    get: list[str],
    merge: list[str] | None,
) -> None:
    found = options_for(BOTH, here, there)
    assert (found.changed, found.preselected) == (changed, preselected)
    assert shown(option(found, SEND)) == send
    assert shown(option(found, GET)) == get
    assert option(found, MERGE).allowed is (merge is not None)
    assert sorted(shown(option(found, MERGE))) == sorted(merge or [])


def test_a_pair_never_synchronized_tells_what_would_be_overwritten() -> None:
    found = options_for(BOTH, "1-00", "2200", base=None)
    assert found.changed == (BC, DV)
    assert shown(option(found, SEND)) == ["a_da 2>1!", "b_da 2>None!"]
    assert option(found, MERGE).code == "update_conflict"
    assert found.warning == (
        "Both records of Business Central record business_central-id and Dataverse record dataverse-id changed since "
        "the last synchronization: a_bu. Whichever way, one side's data will be lost."
    )


@pytest.mark.parametrize(
    ("direction", "here", "there", "choice", "preselected", "warning"),
    [
        pytest.param(TO, "1000", "0000", SEND, SEND, "", id="send what changed"),
        pytest.param(TO, "0000", "0000", SEND, SEND, "", id="nothing to send"),
        pytest.param(TO, "0000", "2000", SEND, None, "Dataverse contains newer data that will be lost: a_da.",
                     id="the destination is newer"),
        pytest.param(TO, "1000", "2000", SEND, None, "Dataverse contains newer data that will be lost: a_da.",
                     id="both changed"),
        pytest.param(TO, "1000", "1000", SEND, SEND, "", id="both changed alike"),
        pytest.param(FROM, "2000", "0000", GET, None, "Business Central contains newer data that will be lost: a_bu.",
                     id="from the other side"),
    ],
)  # fmt: skip
def test_the_one_choice_of_a_one_way_mapping(
    direction: Direction, here: str, there: str, choice: SyncChoice, preselected: SyncChoice | None, warning: str
) -> None:
    found = options_for(mapping(*LINES, direction=direction), here, there)
    assert [one.choice for one in found.options] == [choice]
    assert (found.preselected, found.warning) == (preselected, warning)


def test_a_resolution_set_in_the_mapping_decides_no_merge() -> None:
    rules = mapping(*LINES, update_conflict_resolution=UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION)
    assert not option(options_for(rules, "1000", "2000"), MERGE).allowed


def test_a_value_that_does_not_fit_stands_in_the_way_of_its_direction_only() -> None:
    views, coupling = pair("0000", "0000")
    views[BC] = View(Seen.PRESENT, Record("b", held(BC, "0000") | {"a_bu": "too long"}))
    found = sync_options(BOTH, views, coupling, TABLES, {}, NOW)
    assert isinstance(found, SyncOptions)
    assert {one.choice: one.code for one in found.options} == {SEND: "value_refused", GET: "", MERGE: "value_refused"}
    assert "Shorten it." in option(found, SEND).why


def test_the_newer_side_is_told_by_the_times() -> None:
    views, coupling = pair("0000", "0000")
    times = {BC: NOW, DV: NOW + timedelta(seconds=1)}
    for side in Side:
        record = views[side].record
        assert record is not None
        views[side] = View(Seen.PRESENT, replace(record, modified_at=times[side]))
    found = sync_options(BOTH, views, coupling, TABLES, {}, NOW)
    assert isinstance(found, SyncOptions)
    assert (found.newer, found.modified_at) == (DV, times)


def test_a_choice_is_possible_outside_the_filter() -> None:
    views, coupling = pair("1000", "0000")
    views = {side: replace(view, in_filter=False) for side, view in views.items()}
    found = sync_options(BOTH, views, coupling, TABLES, {}, NOW)
    assert isinstance(found, SyncOptions)
    assert shown(option(found, SEND)) == ["a_da 0>1"]


def test_what_is_written_only_to_keep_it_is_no_change() -> None:
    tables = TABLES | {DV: TABLES[DV].model_copy(update={"cleared_by_change": {"a_da": ("b_da",)}})}
    found = sync_options(BOTH, *pair("1000", "0000"), tables, {}, NOW)
    assert isinstance(found, SyncOptions)
    assert shown(option(found, SEND)) == ["a_da 0>1"]


PAIR_NAME = "Business Central record business_central-id and Dataverse record dataverse-id"


@pytest.mark.parametrize(
    ("gone", "coupled", "skipped", "code", "message"),
    [
        (None, False, False, RefusalCode.NOT_COUPLED, "The record is not coupled."),
        (None, True, True, RefusalCode.SKIPPED, f"{PAIR_NAME} are skipped after repeated failure."),
        (
            DV,
            True,
            False,
            RefusalCode.BROKEN,
            "Business Central record business_central-id is coupled with Dataverse record dataverse-id, "
            "which Dataverse does not have.",
        ),
    ],
)
def test_what_cannot_be_synchronized_now(
    gone: Side | None, coupled: bool, skipped: bool, code: RefusalCode, message: str
) -> None:
    views, coupling = pair("0000", "0000")
    if gone is not None:
        views[gone] = GONE
    known = coupling if coupled else None
    refusal = Refusal(code, message)
    assert sync_options(BOTH, views, known, TABLES, {}, NOW, skipped=skipped) == refusal
    assert skipped_of_several(BOTH, SEND, views, known, TABLES, skipped=skipped) == refusal


@pytest.mark.parametrize(
    ("direction", "choice", "there", "code"),
    [
        (BOTH_WAYS, SEND, "0000", None),
        (BOTH_WAYS, SEND, "2000", RefusalCode.DESTINATION_CHANGED),
        (BOTH_WAYS, GET, "2000", None),
        (BOTH_WAYS, MERGE, "2000", None),
        (TO, GET, "0000", RefusalCode.DIRECTION_FORBIDS),
        (TO, MERGE, "0000", RefusalCode.DIRECTION_FORBIDS),
    ],
)
def test_what_is_left_out_of_several(
    direction: Direction, choice: SyncChoice, there: str, code: RefusalCode | None
) -> None:
    refused = skipped_of_several(mapping(*LINES, direction=direction), choice, *pair("0000", there), TABLES)
    assert (refused and refused.code) == code


# --- A choice carried out ------------------------------------------------------------------------------------------

TEXTS = st.text("012", min_size=4, max_size=4)


def after(views: dict[Side, View], coupling: Coupling, action: Action) -> tuple[dict[Side, View], Coupling]:
    """The pair once the action is done."""
    if isinstance(action, Remember):
        return views, action.coupling
    assert isinstance(action, (Change, Nothing))
    if isinstance(action, Nothing):
        return views, coupling
    written = {}
    for side in Side:
        record = views[side].record
        assert record is not None
        values = {**record.values, **action.writes.get(side, {})}
        written[side] = replace(views[side], record=replace(record, values=values))
    return written, action.coupling


@given(TEXTS, TEXTS, st.none() | TEXTS, st.sampled_from([SEND, GET]))
def test_a_forced_choice_makes_the_destination_equal_and_leaves_the_source_alone(
    here: str, there: str, base: str | None, choice: SyncChoice
) -> None:
    views, coupling = pair(here, there, base)
    views, coupling = after(views, coupling, decide_choice(BOTH, choice, views, coupling, TABLES, {}, NOW))
    texts = {side: "".join(map(str, record.values.values())) for side in Side if (record := views[side].record)}
    if choice is SEND:
        assert texts == {BC: here, DV: here[:3] + there[3]}
    else:
        assert texts == {BC: there[:2] + here[2] + there[3], DV: there}


@given(TEXTS, TEXTS, TEXTS, st.sampled_from([SEND, GET]))
def test_a_run_after_a_forced_choice_takes_nothing_back_and_still_sees_other_edits(
    here: str, there: str, base: str, choice: SyncChoice
) -> None:
    views, coupling = pair(here, there, base)
    forced = decide_choice(BOTH, choice, views, coupling, TABLES, {}, NOW)
    assert not isinstance(forced, Change) or forced.before == coupling
    views, coupling = after(views, coupling, forced)
    action = decide(BOTH, views, coupling, TABLES, {}, NOW)
    writes = action.writes if isinstance(action, Change) else {}
    assert {name for values in writes.values() for name in values} <= {"c_da", "d_bu"}
    other_way = {SEND: (DV, there[3], base[3]), GET: (BC, here[2], base[2])}[choice]
    source, now, agreed = other_way
    assert (source in changed_sides(BOTH, views, coupling, TABLES)) is (now != agreed)
