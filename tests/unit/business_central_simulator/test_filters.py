"""Filters: what is parsed means the same in SQL as it says."""

from __future__ import annotations

import operator
import sqlite3
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.business_central.errors import ApiError
from infra.local.business_central.filter_sql import condition_sql
from infra.local.business_central.filters import Combination, Membership, parse_filter
from infra.local.business_central.schema import ENTITY_SETS

CUSTOMERS = ENTITY_SETS["customers"]
COMPARE: dict[str, Callable[[str, str], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
MATCH: dict[str, Callable[[str, str], bool]] = {
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": operator.contains,
}
# SQLite's string functions end at NUL, and no field of the service holds one.
texts = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=6)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def holds(condition: str, **row: str) -> bool:
    """Ask SQLite whether a filter holds for one row."""
    connection = sqlite3.connect(":memory:")
    connection.create_function("fold", 1, str.casefold, deterministic=True)
    term, parameters = condition_sql(parse_filter(condition, CUSTOMERS))
    columns = ", ".join(f'? AS "{name}"' for name in row)
    sql = f"SELECT count(*) FROM (SELECT {columns}) WHERE {term}"
    found = bool(connection.execute(sql, [*row.values(), *parameters]).fetchone()[0])
    connection.close()
    return found


@given(texts, texts, st.sampled_from(list(COMPARE)))
def test_comparisons(value: str, literal: str, name: str) -> None:
    assert holds(f"displayName {name} {quoted(literal)}", displayName=value) == COMPARE[name](value, literal)


@given(texts, texts, st.sampled_from(list(MATCH)))
def test_text_functions(value: str, literal: str, name: str) -> None:
    assert holds(f"{name}(displayName,{quoted(literal)})", displayName=value) == MATCH[name](value, literal)


@given(texts, texts, st.sampled_from(list(MATCH)))
def test_found_texts_are_found(before: str, literal: str, name: str) -> None:
    value = literal + before if name == "startswith" else before + literal
    assert holds(f"{name}(displayName,{quoted(literal)})", displayName=value)


@given(texts.filter(bool), st.integers(1, 3))
def test_a_prefix_ends_where_the_next_one_begins(literal: str, further: int) -> None:
    neighbour = literal[:-1] + chr(min(ord(literal[-1]) + further, 0xD7FF))
    expected = neighbour.startswith(literal)
    assert holds(f"startswith(displayName,{quoted(literal)})", displayName=neighbour) == expected


@given(texts, texts, st.sampled_from(["tolower", "toupper"]))
def test_folded_comparisons(value: str, literal: str, name: str) -> None:
    expected = value.casefold() == literal.casefold()
    assert holds(f"{name}(displayName) eq {quoted(literal)}", displayName=value) == expected


@given(texts, st.integers(0, 7), st.integers(0, 7), texts)
def test_substrings(value: str, start: int, length: int, literal: str) -> None:
    expected = value[start : start + length] == literal
    assert holds(f"substring(displayName,{start},{length}) eq {quoted(literal)}", displayName=value) == expected


@given(st.lists(st.booleans(), min_size=1, max_size=4), st.lists(st.booleans(), min_size=1, max_size=4))
def test_and_binds_closer_than_or(first: list[bool], second: list[bool]) -> None:
    groups = [" and ".join("city eq 'x'" if one else "city ne 'x'" for one in group) for group in (first, second)]
    assert holds(" or ".join(groups), city="x") == (all(first) or all(second))
    assert holds(" and ".join(f"({group})" for group in groups), city="x") == (all(first) and all(second))


def test_alternatives_of_one_field_are_one_look_up() -> None:
    condition = parse_filter(" or ".join(f"number eq '{one}'" for one in range(300)), CUSTOMERS)
    assert isinstance(condition, Combination)
    term, parameters = condition_sql(condition)
    assert term.startswith('"number" IN')
    assert len(parameters) == 300


def test_in_is_a_membership() -> None:
    assert isinstance(parse_filter("city in ('a','b')", CUSTOMERS, nested=True), Membership)


@pytest.mark.parametrize("field", ["city", "number", "creditLimit"])
@pytest.mark.parametrize("joint", ["{0} or {1}", "({0} or {0}) or {1}", "({0} and {1}) or {0}", "{0} and ({0} or {1})"])
def test_alternatives_over_distinct_fields_are_not_implemented(field: str, joint: str) -> None:
    literal = "1" if field == "creditLimit" else "'x'"
    with pytest.raises(ApiError) as refused:
        parse_filter(joint.format(f"{field} eq {literal}", "country eq 'DE'"), CUSTOMERS)
    assert refused.value.status == 501


def refused_with(text: str) -> int | None:
    """The status of the refusal; None where the filter is good."""
    try:
        condition_sql(parse_filter(text, CUSTOMERS, nested=True))
    except ApiError as error:
        return error.status
    return None


@given(st.text(max_size=40))
def test_whatever_is_sent_is_read_or_refused(text: str) -> None:
    assert refused_with(text) in (None, 400, 501)


@given(
    st.lists(
        st.sampled_from(["(", ")", ",", "eq", "and", "or", "not", "city", "'x'", "1", "contains", "tolower", "in"]),
        max_size=12,
    )
)
def test_whatever_is_put_together_is_read_or_refused(words: list[str]) -> None:
    assert refused_with(" ".join(words)) in (None, 400, 501)


def test_depth_is_bounded() -> None:
    with pytest.raises(ApiError):
        parse_filter("(" * 5000 + "city eq 'x'" + ")" * 5000, CUSTOMERS)
