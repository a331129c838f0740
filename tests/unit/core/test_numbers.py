"""Numbers for records of tables without a number series (IncStr)."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.numbers import free_numbers, increment


@pytest.mark.parametrize(
    ("number", "following"),
    [
        ("SP NO. 00001", "SP NO. 00002"),
        ("A9", "A10"),
        ("A09", "A10"),
        ("A99-B", "A100-B"),
        ("2026-001", "2026-002"),
        ("1A2B", "1A3B"),
        ("0", "1"),
        ("099", "100"),
    ],
)
def test_the_last_group_of_digits_counts_and_keeps_its_width(number: str, following: str) -> None:
    assert increment(number) == following


@pytest.mark.parametrize("number", ["", "SP", "-"])
def test_a_number_without_digits_cannot_be_incremented(number: str) -> None:
    with pytest.raises(ValueError, match="digits"):
        increment(number)


@given(st.text(alphabet="A1 .-", max_size=5), st.integers(0, 999), st.text(alphabet="A .-", max_size=3))
def test_incrementing_changes_nothing_but_the_counter(before: str, counter: int, after: str) -> None:
    before += "x"
    assert increment(f"{before}{counter:03}{after}") == f"{before}{counter + 1:03}{after}"


@pytest.mark.parametrize(
    ("first", "taken", "expected"),
    [
        ("SP1", [], ["SP1", "SP2", "SP3"]),
        ("SP1", ["SP1", "SP3"], ["SP2", "SP4", "SP5"]),
        ("SP1", ["sp1", "sp2"], ["SP3", "SP4", "SP5"]),
        ("SP1", ["SP2", "other", ""], ["SP1", "SP3", "SP4"]),
        ("SP9", ["SP10"], ["SP9", "SP11", "SP12"]),
    ],
)
def test_free_numbers_pass_by_what_is_taken(first: str, taken: list[str], expected: list[str]) -> None:
    assert list(islice(free_numbers(first, taken), 3)) == expected


@given(st.sets(st.integers(0, 20).map("n{:02}".format)))
def test_free_numbers_are_all_different_and_free(taken: set[str]) -> None:
    numbers = list(islice(free_numbers("N00", taken), 10))
    assert len(set(numbers)) == 10
    assert not {number.casefold() for number in numbers} & taken
