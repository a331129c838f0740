"""Who may take how much of what a service grants, and until when nobody may."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.budget import ALIVE_FOR, FORGOTTEN_AFTER, WHOLE, Instance, Share, forgotten, pause_of, share_of

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def instance(id: str, *, silent_for: timedelta = timedelta(0), **pauses: int) -> Instance:
    """An instance that gave its last sign so long ago; its pauses in seconds from now, by account."""
    paused = {account: NOW + timedelta(seconds=s) for account, s in pauses.items()}
    return Instance(id, NOW - silent_for, ("business_central",), paused)


@pytest.mark.parametrize(
    ("lanes", "instances", "expected"),
    [
        (5, 1, [5]),
        (5, 2, [3, 2]),
        (5, 3, [2, 2, 1]),
        (5, 5, [1, 1, 1, 1, 1]),
        (5, 7, [1, 1, 1, 1, 1, 1, 1]),
        (52, 3, [18, 17, 17]),
        (1, 2, [1, 1]),
    ],
)
def test_lanes_are_split_evenly_and_nobody_goes_without(lanes: int, instances: int, expected: list[int]) -> None:
    assert [Share(rank, instances).of(lanes) for rank in range(instances)] == expected


@given(st.integers(1, 200), st.integers(1, 200))
def test_all_shares_together_are_what_there_is_unless_there_are_more_instances_than_lanes(
    lanes: int, instances: int
) -> None:
    assert sum(Share(rank, instances).of(lanes) for rank in range(instances)) == max(lanes, instances)


@pytest.mark.parametrize(
    ("others", "expected"),
    [
        ([], WHOLE),
        ([instance("me")], WHOLE),
        ([instance("you")], Share(0, 2)),
        ([instance("me"), instance("another"), instance("you")], Share(1, 3)),
        ([instance("another", silent_for=ALIVE_FOR - timedelta(seconds=1))], Share(1, 2)),
        ([instance("another", silent_for=ALIVE_FOR)], WHOLE),
        ([instance("me", silent_for=2 * ALIVE_FOR)], WHOLE),
        ([instance("another", silent_for=timedelta(seconds=-5))], Share(1, 2)),
    ],
    ids=["alone", "alone, seen", "two", "three", "just alive", "dead", "myself seen late", "a clock that is ahead"],
)
def test_a_share_is_that_among_the_living(others: list[Instance], expected: Share) -> None:
    assert share_of("me", "business_central", others, NOW) == expected


def test_who_works_with_another_account_takes_nothing_away() -> None:
    assert share_of("me", "dataverse", [instance("another")], NOW) == WHOLE


@pytest.mark.parametrize(
    ("instances", "expected"),
    [
        ([], None),
        ([instance("a")], None),
        ([instance("a", business_central=30)], 30),
        ([instance("a", dataverse=30)], None),
        ([instance("a", business_central=30), instance("b", business_central=40)], 40),
        ([instance("a", business_central=0)], None),
        ([instance("a", business_central=-1), instance("b", business_central=5)], 5),
        ([instance("a", silent_for=2 * ALIVE_FOR, business_central=30)], 30),
    ],
    ids=["nobody", "no pause", "a pause", "another service", "the longest", "just over", "over", "of a dead one"],
)
def test_the_longest_pause_holds_for_all(instances: list[Instance], expected: int | None) -> None:
    until = pause_of("business_central", instances, NOW)
    assert until == (None if expected is None else NOW + timedelta(seconds=expected))


def test_only_who_is_silent_for_long_is_forgotten() -> None:
    silent = [instance("a"), instance("b", silent_for=2 * ALIVE_FOR), instance("c", silent_for=2 * FORGOTTEN_AFTER)]
    assert forgotten(silent, NOW) == ["c"]
