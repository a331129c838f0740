"""What follows on matching: which leftovers are created, and the direction of the synchronization after it."""

from __future__ import annotations

import pytest

from shared.core.mapping import UpdateConflictResolution as Resolution
from shared.core.match_report import CreateNew, MatchOptions, MatchTotals, Unmatched, UnmatchedReason
from shared.core.sides import Direction
from tests.unit.core.tables import BC, BOTH_WAYS, FROM, TO, mapping

SEND, GET = Resolution.SEND_UPDATE_TO_INTEGRATION, Resolution.GET_UPDATE_FROM_INTEGRATION
FREE = Unmatched("1", UnmatchedReason.NONE)
OPEN_QUESTIONS = [Unmatched("1", reason) for reason in UnmatchedReason if reason is not UnmatchedReason.NONE]


@pytest.mark.parametrize(
    ("create_new", "direction", "free", "questions"),
    [
        (CreateNew.NEVER, BOTH_WAYS, False, False),
        (CreateNew.NO_MATCH, BOTH_WAYS, True, False),
        (CreateNew.UNMATCHED, TO, True, True),
        (CreateNew.UNMATCHED, FROM, False, False),
    ],
)
def test_what_is_created(create_new: CreateNew, direction: Direction, free: bool, questions: bool) -> None:
    options, rules = MatchOptions(create_new), mapping(direction=direction)
    assert options.creates(rules, FREE) is free
    assert {options.creates(rules, one) for one in OPEN_QUESTIONS} == {questions}


def test_nothing_is_created_where_the_mapping_creates_nothing() -> None:
    assert not MatchOptions(CreateNew.UNMATCHED).creates(mapping(create_new_in=[BC]), FREE)


@pytest.mark.parametrize(
    ("follows", "resolution", "direction", "expected"),
    [
        (False, SEND, BOTH_WAYS, None),
        (True, Resolution.NONE, BOTH_WAYS, BOTH_WAYS),
        (True, SEND, BOTH_WAYS, TO),
        (True, GET, BOTH_WAYS, FROM),
        (True, GET, TO, TO),
        (True, SEND, FROM, FROM),
    ],
)
def test_the_synchronization_after_coupling(
    follows: bool, resolution: Resolution, direction: Direction, expected: Direction | None
) -> None:
    options = MatchOptions(synchronize_after_coupling=follows, resolve_update_conflicts=resolution)
    assert options.direction(mapping(direction=direction)) == expected


@pytest.mark.parametrize(
    ("none", "several", "summary"),
    [(0, 0, ""), (1, 0, "1 record could not be matched."), (2, 3, "5 records could not be matched.")],
)
def test_one_line_for_the_job(none: int, several: int, summary: str) -> None:
    totals = MatchTotals(7, {UnmatchedReason.NONE: none, UnmatchedReason.SEVERAL: several})
    assert totals.summary == summary
