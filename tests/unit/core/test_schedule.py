"""When a mapping is due again: on a grid, never in the past, never twice for one run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.schedule import next_due

START = datetime(2026, 1, 5, 8, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes", "took", "expected"),
    [
        (1, 0.2, (8, 1)),
        (1, 29, (8, 1)),
        (1, 31, (8, 2)),
        (1, 600, (8, 11)),
        (5, 1, (8, 5)),
        (30, 1900, (9, 0)),
    ],
)
def test_the_grid_is_kept(minutes: int, took: float, expected: tuple[int, int]) -> None:
    due = next_due(START, timedelta(minutes=minutes), START + timedelta(seconds=took))
    assert (due.hour, due.minute, due.second) == (*expected, 0)
