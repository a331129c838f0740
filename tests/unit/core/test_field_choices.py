"""Field by field: the named fields take the value of the side that is named, whatever moved; the rest is merged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import Change, Hold, Nothing, Remember, Views
from shared.core.coupling import Coupling
from shared.core.field_choices import decide_fields, problem_of
from shared.core.mapping import ConflictScope
from shared.core.mapping import Mapping as TableMapping
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.tables import Values
from tests.unit.core.tables import BC, DV, TABLES, TO, column, line, mapping
from tests.unit.core.test_sync_options import NOW, held, pair

GROUPED = mapping(line("a"), line("b", group="address"), line("c", group="address"), line("d", TO))
PLAIN = mapping(line("a"), line("b"), line("c"), line("d"))


def chosen(text: str) -> dict[str, Side]:
    """Choices as text: `a<` takes column a from Dataverse, `a>` from Business Central."""
    return {column(one[0], BC): BC if one[1] == ">" else DV for one in text.split()}


def after(views: Views, action: Change | Remember | Nothing) -> dict[Side, Values]:
    """What both records hold once the action is carried out."""
    records = {side: dict(view.record.values) if view.record else {} for side, view in views.items()}
    writes = action.writes if isinstance(action, Change) else {}
    return {side: records[side] | writes.get(side, {}) for side in Side}


def shown(values: dict[Side, Values], side: Side) -> str:
    return "".join(str(values[side][column(name, side)] or "-") for name in "abcd")


@pytest.mark.parametrize(
    ("rules", "here", "there", "choice", "expected"),
    [
        pytest.param(PLAIN, "1100", "2200", "a> b<", "1200", id="each conflict its own way"),
        pytest.param(PLAIN, "1010", "2000", "a<", "2010", id="the rest is merged"),
        pytest.param(PLAIN, "1000", "0000", "a<", "0000", id="an edit of one side is taken back"),
        pytest.param(PLAIN, "-000", "2000", "a>", "-000", id="a blank is a value"),
        pytest.param(GROUPED, "0110", "0220", "b<", "0220", id="a group goes together"),
        pytest.param(GROUPED, "0100", "0020", "c>", "0100", id="a group is one piece of data"),
        pytest.param(PLAIN.model_copy(update={"conflict_scope": ConflictScope.RECORD}), "1010", "2020", "a> c<", "1020",
                     id="compared by field, also where the record is what conflicts"),
    ],
)  # fmt: skip
def test_the_named_fields_take_the_named_sides_value(
    rules: TableMapping, here: str, there: str, choice: str, expected: str
) -> None:
    views, coupling = pair(here, there)
    action = decide_fields(rules, chosen(choice), views, coupling, TABLES, {}, NOW)
    assert not isinstance(action, Hold)
    assert isinstance(action, Change)
    assert action.reason is Reason.CHOSEN
    assert (shown(after(views, action), BC), shown(after(views, action), DV)) == (expected, expected)


def test_a_conflict_that_is_not_named_still_needs_a_decision() -> None:
    views, coupling = pair("1100", "2200")
    action = decide_fields(PLAIN, chosen("a>"), views, coupling, TABLES, {}, NOW)
    assert isinstance(action, Hold)
    assert (action.reason, [conflict.field for conflict in action.fields]) == (Reason.UPDATE_CONFLICT, ["b_bu"])


@pytest.mark.parametrize(
    ("choice", "field", "words"),
    [
        ("z>", "z_bu", "has no field"),
        ("d<", "d_bu", "does not leave Dataverse"),
        ("b> c<", "c_bu", "its fields go together"),
    ],
)
def test_what_makes_no_sense_is_named(choice: str, field: str, words: str) -> None:
    problem = problem_of(GROUPED, chosen(choice))
    assert problem is not None
    assert problem[0] == field
    assert words in problem[1]


def test_a_good_choice_has_no_problem() -> None:
    assert problem_of(GROUPED, chosen("a< b> c> d>")) is None


TEXTS = st.text("012-", min_size=4, max_size=4)


@given(TEXTS, TEXTS, st.one_of(st.none(), TEXTS), st.lists(st.sampled_from([BC, DV]), min_size=4, max_size=4))
def test_when_every_field_is_decided_both_sides_agree_and_stay_so(
    here: str, there: str, base: str | None, sides: list[Side]
) -> None:
    views, coupling = pair(here, there, base)
    choice = {column(name, BC): side for name, side in zip("abcd", sides, strict=True)}
    action = decide_fields(PLAIN, choice, views, coupling, TABLES, {}, NOW)
    assert not isinstance(action, Hold)
    values = after(views, action)
    expected = "".join((here if side is BC else there)[at] for at, side in enumerate(sides))
    assert (shown(values, BC), shown(values, DV)) == (expected, expected)
    stored = action.coupling if isinstance(action, Change | Remember) else coupling
    assert _is_at_rest(stored, values)


def _is_at_rest(stored: Coupling, values: dict[Side, Values]) -> bool:
    """Whether the coupling remembers just what both sides hold: then a run after it has nothing to do."""
    return all((stored.at(side).base or {}) | values[side] == (stored.at(side).base or {}) for side in Side)


def test_edits_of_other_fields_are_not_lost_with_the_base() -> None:
    views, coupling = pair("1200", "0000")
    action = decide_fields(PLAIN, chosen("a<"), views, coupling, TABLES, {}, NOW)
    assert isinstance(action, Change)
    assert action.before == replace(coupling, attempt=None)
    assert action.writes == {BC: {column("a", BC): "0"}, DV: {column("b", DV): "2"}}
    assert held(BC, "0200") == after(views, action)[BC]
