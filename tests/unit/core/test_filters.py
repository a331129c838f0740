"""Filter expressions: the grammar, what they mean, and how a wrong one is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.filters import FilterError, parse_filter
from shared.core.tables import Value, Values

GUID = "0A1B2C3D-0000-4000-8000-00000000000F"
MOMENT = datetime(2026, 1, 5, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("expression", "values", "expected"),
    [
        ("", {}, True),
        ("   ", {"a": "x"}, True),
        # texts, without regard to case
        ("a eq 'x'", {"a": "x"}, True),
        ("a eq 'x'", {"a": "X"}, True),
        ("a eq 'STRASSE'", {"a": "straße"}, True),
        ("a eq 'x'", {"a": "y"}, False),
        ("a eq 'O''Brien'", {"a": "o'brien"}, True),
        ("a ne 'x'", {"a": "X"}, False),
        ("a ne 'x'", {"a": None}, True),
        ("a ne 'x'", {}, True),
        ("a gt 'b'", {"a": "C"}, True),
        ("a lt 'b'", {"a": "A"}, True),
        # blanks: null, '' and ' ' are the same nothing
        ("a eq ' '", {"a": None}, True),
        ("a eq ''", {"a": None}, True),
        ("a eq null", {"a": None}, True),
        ("a eq null", {}, True),
        ("a ne null", {"a": "x"}, True),
        ("a ne ' '", {"a": None}, False),
        ("a ne ' '", {"a": "All"}, True),
        ("a gt 'b'", {"a": None}, False),
        ("a lt 'b'", {"a": None}, False),
        ("a le null", {"a": "x"}, False),
        # numbers
        ("n eq 3", {"n": 3}, True),
        ("n eq 3", {"n": Decimal("3.00")}, True),
        ("n eq 3.0", {"n": 3}, True),
        ("n eq -1", {"n": -1}, True),
        ("n gt 1.5", {"n": Decimal("1.6")}, True),
        ("n gt 1.5", {"n": Decimal("1.5")}, False),
        ("n ge 1.5", {"n": Decimal("1.5")}, True),
        ("n le 2", {"n": 2}, True),
        ("n lt 2", {"n": 2}, False),
        ("n lt 2", {"n": None}, False),
        ("n ge 0", {"n": None}, False),
        # yes and no; a blank is no
        ("f eq true", {"f": True}, True),
        ("f eq false", {"f": None}, True),
        ("f ne true", {"f": None}, True),
        ("f eq false", {"f": True}, False),
        # days, times, ids
        ("d ge 2026-01-05", {"d": "2026-01-05"}, True),
        ("d lt 2026-01-05", {"d": "2026-01-04"}, True),
        ("t eq 2026-01-05T08:00:00Z", {"t": MOMENT}, True),
        ("t ge 2026-01-05T09:00:00+01:00", {"t": MOMENT}, True),
        ("t gt 2026-01-05T08:00:00.5Z", {"t": MOMENT}, False),
        (f"g eq {GUID}", {"g": GUID.lower()}, True),
        (f"g eq '{GUID}'", {"g": GUID.lower()}, True),
        (f"_parent_value eq {GUID}", {"parent": GUID.lower()}, True),
        ("_parent_value ne null", {"parent": GUID.lower()}, True),
        # functions
        ("contains(a,'B')", {"a": "abc"}, True),
        ("contains(a,'')", {"a": "abc"}, True),
        ("startswith(a,'AB')", {"a": "abc"}, True),
        ("startswith(a, 'b')", {"a": "abc"}, False),
        ("endswith( a , 'C' )", {"a": "abc"}, True),
        ("contains(a,'b')", {"a": None}, False),
        ("not contains(a,'b')", {"a": None}, True),
        # lists
        ("n in (1, 2,3)", {"n": 2}, True),
        ("n in (1)", {"n": 2}, False),
        ("a in ('x','Y')", {"a": "y"}, True),
        ("a in ('x',null)", {"a": None}, True),
        # not before and before or
        ("n eq 1 or n eq 2 and a eq 'x'", {"n": 1, "a": "y"}, True),
        ("(n eq 1 or n eq 2) and a eq 'x'", {"n": 1, "a": "y"}, False),
        ("not n eq 1 or n eq 1", {"n": 1}, True),
        ("not (n eq 1 or n eq 2)", {"n": 2}, False),
        ("not not n eq 1", {"n": 1}, True),
        ("not n eq 1 and a eq 'x'", {"n": 2, "a": "x"}, True),
        # columns whose names begin like words of the grammar
        ("order eq 1 and android eq 2", {"order": 1, "android": 2}, True),
        ("notes eq 'x' or info eq 'x'", {"notes": "y", "info": "x"}, True),
    ],
)
def test_what_an_expression_means(expression: str, values: Values, expected: bool) -> None:
    assert parse_filter(expression).passes(values) is expected


@pytest.mark.parametrize(
    ("expression", "columns"),
    [
        ("", ()),
        ("a eq 1", ("a",)),
        ("b eq 1 and (a eq 2 or b eq 3)", ("b", "a")),
        ("contains(c,'x') and not _d_value eq null and e in (1)", ("c", "d", "e")),
    ],
)
def test_a_filter_names_the_columns_it_needs_once(expression: str, columns: tuple[str, ...]) -> None:
    assert parse_filter(expression).columns == columns


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a", "expected a comparison .* at position 1, found 'the end'"),
        ("a eq", "expected a value at position 4, found 'the end'"),
        ("a like 'x'", "expected a comparison .* at position 2, found 'like'"),
        ("a eq b", "expected a value at position 5, found 'b'"),
        ("a EQ 1", "expected a comparison .* at position 2, found 'EQ'"),
        ("1 eq 1", "expected a column at position 0, found '1'"),
        ("a eq 1 and", "expected a column at position 10, found 'the end'"),
        ("a eq 1 b eq 2", "expected 'and', 'or' or the end at position 7, found 'b'"),
        ("(a eq 1", r"expected '\)' at position 7, found 'the end'"),
        ("a eq 1)", r"expected 'and', 'or' or the end at position 6, found '\)'"),
        ("a in 1", r"expected '\(' at position 5, found '1'"),
        ("a in ()", r"expected a value at position 6, found '\)'"),
        ("a in (1 2)", r"expected '\)' at position 8, found '2'"),
        ("contains(a)", r"expected ',' at position 10, found '\)'"),
        ("contains 1", r"expected '\(' at position 9, found '1'"),
        ("a eq 'x", "cannot read the filter at position 4"),
        ("a = 1", "cannot read the filter at position 1"),
        ("a eq 1 && b eq 2", "cannot read the filter at position 6"),
    ],
)
def test_a_wrong_expression_is_refused_with_the_place(expression: str, message: str) -> None:
    with pytest.raises(FilterError, match=message):
        parse_filter(expression)


@pytest.mark.parametrize(
    "expression", ["(" * 3000 + "a eq 'x'" + ")" * 3000, "not " * 3000 + "a eq 'x'", "(not " * 30 + "a eq 1" + ")" * 30]
)
def test_what_is_nested_too_deeply_is_refused(expression: str) -> None:
    with pytest.raises(FilterError, match="nested deeper than 50 levels"):
        parse_filter(expression)


@pytest.mark.parametrize(("word", "expected"), [("or", True), ("and", False)])
def test_a_filter_may_have_thousands_of_conditions(word: str, expected: bool) -> None:
    passes = parse_filter(f" {word} ".join(f"a eq '{number}'" for number in range(3000))).passes
    assert [passes({"a": value}) for value in ("0", "1500", "2999", "3000")] == [expected] * 3 + [False]


@pytest.mark.parametrize(
    "expression",
    ["t eq 2026-13-05T08:00:00Z", "t eq 2026-01-05T99:00:00Z", "t eq 2026-01-05T8Z", "t eq 0001-01-01T00:00:00+14:00"],
)
def test_an_impossible_time_is_refused_as_a_wrong_filter(expression: str) -> None:
    with pytest.raises(FilterError, match="position 5"):
        parse_filter(expression)


# An evaluator of its own: trees are made and judged first, and only then written down as text.


@dataclass(frozen=True)
class Tree:
    """An expression as text, how tightly its outermost operator binds (or 1, and 2, not 3), and what it comes to."""

    text: str
    binds: int
    holds: Callable[[Values], bool]

    def within(self, binds: int) -> str:
        return self.text if self.binds >= binds else f"({self.text})"


TEXTS = ["a", "A", "b", None]
NUMBERS = [Decimal(0), Decimal(1), Decimal("1.5"), None]
_COMPARE: dict[str, Callable[[int], bool]] = {
    "eq": lambda sign: sign == 0,
    "ne": lambda sign: sign != 0,
    "gt": lambda sign: sign == 1,
    "lt": lambda sign: sign == -1,
    "ge": lambda sign: sign in (0, 1),
    "le": lambda sign: sign in (0, -1),
}
ROWS = st.fixed_dictionaries({"t": st.sampled_from(TEXTS), "n": st.sampled_from(NUMBERS)})


def comparison(column: str, operator: str, literal: Value) -> Tree:
    def holds(values: Values) -> bool:
        left, right = (str(v).lower() if isinstance(v, str) else v for v in (values[column], literal))
        if left is None or right is None:
            return {"eq": left is right, "ne": left is not right}.get(operator, False)
        sign = (left > right) - (left < right)  # type: ignore[operator]
        return _COMPARE[operator](sign)

    text = "null" if literal is None else f"'{literal}'" if isinstance(literal, str) else str(literal)
    return Tree(f"{column} {operator} {text}", 4, holds)


def either(left: Tree, right: Tree) -> Tree:
    return Tree(f"{left.within(1)} or {right.within(2)}", 1, lambda v: left.holds(v) or right.holds(v))


def both(left: Tree, right: Tree) -> Tree:
    return Tree(f"{left.within(2)} and {right.within(3)}", 2, lambda v: left.holds(v) and right.holds(v))


def negated(inner: Tree) -> Tree:
    return Tree(f"not {inner.within(3)}", 3, lambda v: not inner.holds(v))


def in_parentheses(inner: Tree) -> Tree:
    return Tree(f"( {inner.text})", 4, inner.holds)


LEAVES = st.builds(comparison, st.just("t"), st.sampled_from([*_COMPARE]), st.sampled_from(TEXTS)) | st.builds(
    comparison, st.just("n"), st.sampled_from([*_COMPARE]), st.sampled_from(NUMBERS)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(either, inner, inner)
        | st.builds(both, inner, inner)
        | st.builds(negated, inner)
        | st.builds(in_parentheses, inner)
    ),
    max_leaves=6,
)


@given(TREES, ROWS)
def test_every_expression_means_what_its_tree_means(tree: Tree, values: Values) -> None:
    assert parse_filter(tree.text).passes(values) is tree.holds(values), tree.text


@given(st.text(alphabet="abeqornt ()',1.0", max_size=25))
def test_nothing_but_a_filter_error_comes_of_nonsense(expression: str) -> None:
    try:
        passes = parse_filter(expression).passes
    except FilterError:
        return
    assert passes({}) in (True, False)
