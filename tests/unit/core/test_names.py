"""Taking names apart and putting them together as Business Central does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.names import join_name, split_name

WORDS = st.text(alphabet="abÄ-'", min_size=1, max_size=4)


@pytest.mark.parametrize(
    ("whole", "parts"),
    [
        (None, (None, None, None)),
        ("", (None, None, None)),
        ("   ", (None, None, None)),
        ("Ada", ("Ada", None, None)),
        ("Ada Lovelace", ("Ada", None, "Lovelace")),
        ("Ada King Lovelace", ("Ada", "King", "Lovelace")),
        ("Ada Augusta King Lovelace", ("Ada Augusta", "King", "Lovelace")),
        ("  Ada\t King  Lovelace ", ("Ada", "King", "Lovelace")),
        ("Anna van Berg", ("Anna", "van", "Berg")),
        ("李 小龍", ("李", None, "小龍")),
    ],
)
def test_the_last_word_is_the_surname_and_the_one_before_it_the_middle_name(
    whole: str | None, parts: tuple[str | None, str | None, str | None]
) -> None:
    assert split_name(whole) == parts


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ((None, None, None), None),
        (("", " ", None), None),
        (("Ada", None, None), "Ada"),
        ((None, None, "Lovelace"), "Lovelace"),
        (("Ada", None, "Lovelace"), "Ada Lovelace"),
        (("Ada", "King", "Lovelace"), "Ada King Lovelace"),
        ((" Ada  Augusta ", "King", "Lovelace "), "Ada Augusta King Lovelace"),
        (("Anna", None, "van Berg"), "Anna van Berg"),
    ],
)
def test_missing_parts_leave_no_gap(parts: tuple[str | None, str | None, str | None], whole: str | None) -> None:
    assert join_name(*parts) == whole


@given(st.lists(WORDS, max_size=6).map(" ".join))
def test_a_whole_name_survives_being_taken_apart(whole: str) -> None:
    assert join_name(*split_name(whole)) == (whole or None)


@given(st.tuples(WORDS, st.none() | WORDS, WORDS))
def test_parts_of_one_word_each_survive_being_put_together(parts: tuple[str, str | None, str]) -> None:
    assert split_name(join_name(*parts)) == parts
