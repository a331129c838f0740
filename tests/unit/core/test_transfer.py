"""What becomes of a value on its way to the other side."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.mapping import Conversion, FieldMapping, Reference, ReferenceKind, TooLong
from shared.core.references import ReferenceAnswers, Unresolved
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.core.transfer import FieldProblem, Leave, carry, comparable
from tests.unit.core.tables import BC, DV, TABLES, TO, line

NAME = FieldMapping(business_central="whole", dataverse=("first", "middle", "last"), conversion=Conversion.PERSON_NAME)
PARENT = FieldMapping(
    business_central="parent",
    dataverse=("parent",),
    reference=Reference(kind=ReferenceKind.COUPLED_RECORD, mappings=("PARENT",)),
)
ANSWERS = ReferenceAnswers("Parent", ("PARENT",), {BC: {"b1": "d1"}, DV: {"d1": "b1"}}, captions={"b2": "No. 2"})
CONSTANT = FieldMapping(dataverse=("state",), direction=TO, constant=3)
CODE = FieldMapping(business_central="code", dataverse=("a_da",))
TO_CODE = FieldMapping(business_central="a_bu", dataverse=("code",))
AMOUNT = FieldMapping(business_central="amount", dataverse=("amount",))


ROCKET = "\U0001f680"  # one character, two UTF-16 code units


def carried(line: FieldMapping, source: Side, values: Values, answers: ReferenceAnswers = ANSWERS) -> object:
    return carry(line, source, values, TABLES, {line.id: answers})


@pytest.mark.parametrize(
    ("line", "source", "values", "expected"),
    [
        pytest.param(line("a"), BC, {"a_bu": "x"}, {"a_da": "x"}, id="as it is"),
        pytest.param(line("a"), DV, {"a_da": "x"}, {"a_bu": "x"}, id="as it is, back"),
        pytest.param(line("a"), BC, {"a_bu": None}, {"a_da": None}, id="a blank"),
        pytest.param(line("a"), BC, {}, {"a_da": None}, id="a column that was not read"),
        pytest.param(line("a"), BC, {"a_bu": "12345"}, {"a_da": "12345"}, id="just long enough"),
        pytest.param(AMOUNT, BC, {"amount": Decimal("1.50")}, {"amount": Decimal("1.50")}, id="a number"),
        pytest.param(CODE, BC, {"code": "DE"}, {"a_da": "DE"}, id="a code to a text"),
        pytest.param(TO_CODE, BC, {"a_bu": " de "}, {"code": "DE"}, id="a text to a code"),
        pytest.param(CONSTANT, BC, {}, {"state": 3}, id="a constant"),
        pytest.param(line("a", not_null=True), BC, {"a_bu": "x"}, {"a_da": "x"}, id="not null, a value"),
        pytest.param(line("a", not_null=True), BC, {"a_bu": None}, Leave(), id="not null, a blank"),
        pytest.param(
            line("a", too_long=TooLong.TRUNCATE), BC, {"a_bu": "123456"}, {"a_da": "12345"}, id="cut to length"
        ),
        pytest.param(
            line("a", too_long=TooLong.TRUNCATE), BC, {"a_bu": "1234 6"}, {"a_da": "1234"}, id="no blank at the cut"
        ),
        pytest.param(
            line("a", too_long=TooLong.TRUNCATE),
            BC,
            {"a_bu": "     6"},
            {"a_da": None},
            id="nothing but blanks before the cut",
        ),
        pytest.param(line("a"), BC, {"a_bu": "12é45"}, {"a_da": "12é45"}, id="an accent takes no more room"),
        pytest.param(line("a"), BC, {"a_bu": f"{ROCKET}{ROCKET}5"}, {"a_da": f"{ROCKET}{ROCKET}5"}, id="two emoji"),
        pytest.param(
            line("a", too_long=TooLong.TRUNCATE),
            BC,
            {"a_bu": ROCKET * 3},
            {"a_da": ROCKET * 2},
            id="no emoji is cut in half",
        ),
        pytest.param(
            NAME,
            BC,
            {"whole": "Ada King Lovelace"},
            {"first": "Ada", "middle": "King", "last": "Lovelace"},
            id="a name apart",
        ),
        pytest.param(
            NAME, BC, {"whole": None}, {"first": None, "middle": None, "last": None}, id="a blank name clears all parts"
        ),
        pytest.param(
            NAME, DV, {"first": "Ada", "middle": None, "last": "van Berg"}, {"whole": "Ada van Berg"}, id="a name whole"
        ),
        pytest.param(PARENT, BC, {"parent": "b1"}, {"parent": "d1"}, id="a coupled parent"),
        pytest.param(PARENT, DV, {"parent": "d1"}, {"parent": "b1"}, id="a coupled parent, back"),
        pytest.param(PARENT, BC, {"parent": None}, {"parent": None}, id="no parent"),
        pytest.param(
            PARENT,
            BC,
            {"parent": "b2"},
            Unresolved(BC, "b2", "Parent No. 2", ("PARENT",)),
            id="an uncoupled parent is waited for",
        ),
        pytest.param(
            PARENT.model_copy(update={"clear_value_on_failed_sync": True}),
            BC,
            {"parent": "b2"},
            {"parent": None},
            id="an uncoupled parent is cleared",
        ),
        pytest.param(
            PARENT.model_copy(update={"keep_value_on_failed_sync": True}),
            DV,
            {"parent": "d2"},
            Leave(Unresolved(DV, "d2", "Parent d2", ("PARENT",))),
            id="an uncoupled parent leaves the destination alone",
        ),
        pytest.param(
            PARENT.model_copy(update={"not_null": True}), BC, {"parent": None}, Leave(), id="no parent, not null"
        ),
    ],
)
def test_a_value_arrives_in_the_destinations_shape(
    line: FieldMapping, source: Side, values: Values, expected: object
) -> None:
    assert carried(line, source, values) == expected


@pytest.mark.parametrize("source", list(Side))
def test_a_text_that_is_too_long_is_a_problem_that_names_both_sides(source: Side) -> None:
    column, destination = (f"a_{side[:2]}" for side in (source, source.other))
    problem = carried(line("a"), source, {column: "123456"})
    assert isinstance(problem, FieldProblem)
    assert (problem.code, problem.source, problem.column) == ("value_too_long", source, destination)
    for part in ("a_bu", "6 characters", source.product, source.other.product, destination, "at most 5", "Shorten"):
        assert part in problem.message


def test_a_text_is_as_long_as_both_services_count_it_in_utf_16() -> None:
    problem = carried(line("a"), DV, {"a_da": ROCKET * 3})
    assert isinstance(problem, FieldProblem)
    assert "6 characters" in problem.message


def test_a_part_of_a_name_that_is_too_long_is_a_problem_of_its_column() -> None:
    short = TABLES[DV].model_copy(
        update={"columns": tuple(c.model_copy(update={"max_length": 3}) for c in TABLES[DV].columns)}
    )
    problem = carry(NAME, BC, {"whole": "Ada Lovelace"}, {BC: TABLES[BC], DV: short}, {})
    assert isinstance(problem, FieldProblem)
    assert problem.column == "last"


@pytest.mark.parametrize(
    ("answers", "value", "expected"),
    [
        (ReferenceAnswers("Currency", blanks={BC: "local"}), None, {"parent": "local"}),
        (ReferenceAnswers("Currency", answers={BC: {"eur": None}}), "eur", {"parent": None}),
        (ReferenceAnswers("Currency"), None, {"parent": None}),
        (
            ReferenceAnswers("Currency", ("CURRENCY",), captions={None: "of here"}, blank_is_unresolved=True),
            None,
            Unresolved(BC, None, "Currency of here", ("CURRENCY",)),
        ),
        (ReferenceAnswers("Currency", blank_is_unresolved=True), None, Unresolved(BC, None, "Currency")),
        (ReferenceAnswers("Currency"), "usd", Unresolved(BC, "usd", "Currency usd")),
    ],
)
def test_a_blank_may_mean_something_of_its_own(answers: ReferenceAnswers, value: Value, expected: object) -> None:
    assert carried(PARENT, BC, {"parent": value}, answers) == expected


@pytest.mark.parametrize(
    ("line", "side", "values", "expected"),
    [
        (line("a"), BC, {"a_bu": "x "}, "x"),
        (line("a"), DV, {"a_da": ""}, None),
        (CODE, BC, {"code": " de"}, "DE"),
        (AMOUNT, DV, {"amount": None}, Decimal(0)),
        (NAME, DV, {"first": "Anna", "middle": None, "last": "van Berg"}, "Anna van Berg"),
        (NAME, DV, {"first": "Anna", "middle": "van", "last": "Berg"}, "Anna van Berg"),
        (NAME, BC, {"whole": " Anna  van Berg"}, "Anna van Berg"),
        (NAME, BC, {}, None),
    ],
)
def test_a_line_is_compared_by_its_meaning(line: FieldMapping, side: Side, values: Values, expected: Value) -> None:
    assert comparable(line, side, values, TABLES[side]) == expected


@given(st.none() | st.text(max_size=8), st.sampled_from(list(Side)), st.sampled_from(list(TooLong)))
def test_what_is_carried_always_fits(text: str | None, source: Side, too_long: TooLong) -> None:
    result = carried(line("a", too_long=too_long), source, {f"a_{source[:2]}": text})
    if isinstance(result, dict):
        (value,) = result.values()
        assert value is None or 0 < units(value) <= 5
        assert too_long is TooLong.TRUNCATE or value == (text or None)
    else:
        assert isinstance(result, FieldProblem)
        assert text is not None
        assert units(text) > 5


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [("12.50", Decimal("12.50")), (" 7 ", Decimal(7)), ("", None), ("twelve", "not_a_number")],
)
def test_a_text_becomes_a_number_where_the_destination_holds_numbers(text: str, expected: object) -> None:
    """Transformation rules leave texts."""
    text_to_amount = FieldMapping(business_central="a_bu", dataverse=("amount",))
    carried = carry(text_to_amount, BC, {"a_bu": text}, TABLES, {})
    if isinstance(carried, FieldProblem):
        assert (carried.code, carried.source) == (expected, BC)
    else:
        assert carried == {"amount": expected}
