"""The history of a pair: what is told comes back as it was, the newest first, and never grows beyond its bounds."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.history import (
    CUT,
    LONGEST,
    MOST_TOUCHES,
    Difference,
    Touch,
    What,
    newest_in,
    touches_in,
    with_touch,
)
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.tables import Value

NOW = datetime(2026, 1, 5, 12, 0, 0, 123000, tzinfo=UTC)


def touch(number: int = 0, *changes: Difference) -> Touch:
    return Touch(NOW + timedelta(minutes=number), What.UPDATED, Reason.SOURCE_CHANGED, ("job",), "Eva", None, changes)


@pytest.mark.parametrize("value", ['a\nb|"{', "it's", "Ελλάδα", Decimal("1.50"), True, 7, None, NOW], ids=repr)
def test_what_is_told_comes_back_as_it_was(value: Value) -> None:
    told = touch(0, Difference(Side.DATAVERSE, "name", value, "new"))
    created = Touch(NOW, What.CREATED, Reason.NEW_RECORD, (), "", Side.DATAVERSE)
    assert touches_in(with_touch(with_touch("", created), told)) == [told, created]
    assert newest_in(with_touch("", told)) == told
    assert (newest_in(""), touches_in("")) == (None, [])


def test_the_oldest_make_room() -> None:
    history = ""
    for number in range(MOST_TOUCHES + 3):
        history = with_touch(history, touch(number))
    assert [one.at.minute for one in touches_in(history)] == list(range(MOST_TOUCHES + 2, 2, -1))


@given(st.lists(st.lists(st.text(max_size=900), max_size=60), min_size=1, max_size=12))
def test_no_history_is_too_long_and_the_newest_is_always_there(texts: list[list[str]]) -> None:
    history = ""
    for number, values in enumerate(texts):
        changes = [Difference(Side.DATAVERSE, f"column{at}", value, value[::-1]) for at, value in enumerate(values)]
        history = with_touch(history, touch(number, *changes))
        assert len(history) <= LONGEST
        assert history.isascii()
        newest = newest_in(history)
        assert newest is not None
        assert newest.at == touch(number).at
        assert [(one.side, one.column) for one in newest.changes] == [
            (one.side, one.column) for one in changes[: len(newest.changes)]
        ]


def test_a_long_text_is_cut_with_a_mark() -> None:
    told = newest_in(with_touch("", touch(0, Difference(Side.DATAVERSE, "notes", "x" * 2000, None))))
    assert told is not None
    assert told.changes[0].old == "x" * 200 + CUT


def test_a_hundred_full_histories_fit_into_one_transaction() -> None:
    """As a text within a text, and counted as the storage counts it."""
    history = ""
    for number in range(MOST_TOUCHES):
        history = with_touch(history, touch(number, *[Difference(Side.DATAVERSE, "c", 'Ж"', "Ж\\")] * 6))
    assert len(history) > LONGEST * 0.9
    assert 100 * len(json.dumps(json.dumps({"history": history}))) < 4 * 1024 * 1024 / 2
