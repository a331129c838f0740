"""How the size of a batch learns from what became of earlier ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.batch_size import LIVELY, TRIALS, BatchSize


@pytest.mark.parametrize(
    ("events", "size"),
    [
        ([], 500),
        ([("answered", 500, 1.0)], 1000),
        ([("answered", 500, 1.0), ("answered", 1000, 1.0)], 1000),
        ([("answered", 500, LIVELY + 1)], 500),
        ([("answered", 5, 0.1)], 500),
        ([("too_much", 500, 0)], 250),
        ([("too_much", 500, 0)] * 4, 250),
        ([("too_much", 500, 0), ("too_much", 250, 0)], 125),
        ([("too_much", 500, 0), ("answered", 250, 1.0)], 500),
        ([("too_much", 500, 0), ("too_much", 250, 0), ("answered", 500, 1.0)], 250),
        ([("answered", 400, 1.0)] * 4, 800),
        ([("too_much", 1, 0)], 10),
    ],
)
def test_the_size_doubles_on_lively_answers_and_halves_on_too_much(
    events: list[tuple[str, int, float]], size: int
) -> None:
    learning = BatchSize(500, 1000)
    learning.for_next(500 * TRIALS)
    for kind, operations, seconds in events:
        if kind == "answered":
            learning.answered(operations, seconds)
        else:
            learning.too_much(operations)
    assert learning.now == size


@pytest.mark.parametrize("answered_after", [0, 1, 5, 8])
def test_how_soon_the_first_answer_comes_makes_no_difference(answered_after: int) -> None:
    """Eight lots of a thousand may be sent before one is answered; the ninth never is."""
    learning = BatchSize(500, 1000)
    sizes = []
    for lot in range(12):
        if lot >= answered_after:
            learning.answered(500, 1.0)
        sizes.append(learning.for_next(1000))
    assert sizes == [500] * 8 + [1000] * 4


def test_small_lots_prove_nothing() -> None:
    learning = BatchSize(500, 1000)
    for _ in range(100):
        assert learning.for_next(400) == 500
        learning.answered(400, 1.0)
    assert learning.now == 500


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 1000), st.floats(0, 300))))
def test_the_size_stays_within_the_limit_of_the_service(events: list[tuple[bool, int, float]]) -> None:
    learning = BatchSize(100, 100)
    for answered, operations, seconds in events:
        if answered:
            learning.answered(min(operations, learning.now), seconds)
        else:
            learning.too_much(operations)
        assert 10 <= learning.now <= 100
