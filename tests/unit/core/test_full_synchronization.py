"""The full synchronization review: recommendations, whose turn it is, and what a line waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.core.full_run import FullRun
from shared.core.full_synchronization import (
    ABANDONED_AFTER,
    COUPLED,
    Counted,
    Line,
    LineStatus,
    Question,
    Recommendation,
    Review,
    blocking,
    ended,
    in_order,
    is_stuck,
    planned,
    recommend,
    startable,
    why_waiting,
)
from shared.core.jobs import JobStatus
from shared.core.mapping import Mapping, MappingTable
from shared.core.sides import Side
from tests.unit.core.tables import line as field
from tests.unit.core.tables import mapping as mapping_of

NOW = datetime(2026, 1, 5, tzinfo=UTC)
FULL, COUPLE, NONE = (
    Recommendation.FULL_SYNCHRONIZATION,
    Recommendation.COUPLE_RECORDS,
    Recommendation.NO_RECORDS_FOUND,
)
BLANK, WAITING, ON, DONE, FAILED = LineStatus


def named(name: str, *parents: str, table: str = "account", matches: bool = True) -> Mapping:
    """A mapping that depends on others."""
    update = {
        "name": name,
        "depends_on": parents,
        "dataverse": MappingTable(table=table),
        "match_by": (("a",),) if matches else (),
    }
    return mapping_of(field("a")).model_copy(update=update)


FAMILY = {one.name: one for one in (named("CHILD", "PARENT"), named("GRANDCHILD", "CHILD"), named("PARENT"))}


def review(**statuses: LineStatus) -> Review:
    """A review with these lines, by name in small letters."""
    return Review(
        {name.upper(): Line(name.upper(), status, does=FULL, started_at=NOW) for name, status in statuses.items()}
    )


@pytest.mark.parametrize(
    ("here", "there", "table", "matches", "found"),
    [
        ((0, 0), (0, 0), "account", True, NONE),
        ((5, 5), (0, 0), "account", True, FULL),
        ((0, 0), (5, 5), "account", True, FULL),
        ((5, 5), (7, 7), "account", True, COUPLE),
        ((5, 0), (5, 0), "account", True, FULL),  # all coupled: compare them
        ((5, 2), (3, 0), "account", True, FULL),  # only one side has something to bring
        ((5, 2), (4, 1), "account", True, COUPLE),
        ((5, 5), (7, 7), "account", False, FULL),  # nothing to couple by
        ((5, 5), (1, 1), "transactioncurrency", True, FULL),  # the environment's own currency
        ((5, 5), (2, 2), "transactioncurrency", True, COUPLE),
        ((5, 5), (7, 7), "systemuser", True, FULL),
    ],
)
def test_what_is_recommended(
    here: tuple[int, int], there: tuple[int, int], table: str, matches: bool, found: Recommendation
) -> None:
    counted = {Side.BUSINESS_CENTRAL: Counted(*here), Side.DATAVERSE: Counted(*there)}
    assert recommend(named("M", table=table, matches=matches), counted) is found


def test_the_lines_come_parents_first_and_a_loop_does_not_hide_them() -> None:
    assert [one.name for one in in_order(FAMILY.values())] == ["PARENT", "CHILD", "GRANDCHILD"]
    loop = [named("A", "B"), named("B", "A")]
    assert in_order(loop) == loop


@pytest.mark.parametrize(
    ("lines", "turn", "why"),
    [
        (review(parent=WAITING, child=WAITING), ["PARENT"], "Waits until PARENT has ended."),
        (review(parent=ON, child=WAITING), [], "Waits until PARENT has ended."),
        (review(parent=DONE, child=WAITING), ["CHILD"], ""),
        (
            review(parent=FAILED, child=WAITING),
            [],
            "PARENT ended with an error. Start it again, or exclude it.",
        ),
        (
            review(child=WAITING),
            [],
            "PARENT has not been synchronized in full. Start it, or exclude it.",
        ),
        (review(parent=DONE, child=DONE), [], ""),
    ],
)
def test_a_line_waits_for_those_it_depends_on(lines: Review, turn: list[str], why: str) -> None:
    assert [one.mapping for one in startable(lines, FAMILY)] == turn
    assert why_waiting(FAMILY["CHILD"], lines, FAMILY, NOW) == why


def test_a_parent_without_records_disabled_or_left_out_blocks_nobody() -> None:
    none = review(child=WAITING).with_lines([Line("PARENT", does=NONE)])
    excluded = review(parent=FAILED, child=WAITING)
    excluded = excluded.with_lines([replace(excluded.line("PARENT"), excluded=True)])
    without = {name: one for name, one in FAMILY.items() if name != "PARENT"}
    assert [one.mapping for one in startable(none, FAMILY)] == ["CHILD"]
    assert [one.mapping for one in startable(excluded, FAMILY)] == ["CHILD"]
    assert [one.mapping for one in startable(review(child=WAITING), without)] == ["CHILD"]


def test_who_waits_for_somebody_stuck_is_stuck_too() -> None:
    assert is_stuck(FAMILY["GRANDCHILD"], review(parent=FAILED, child=WAITING, grandchild=WAITING), FAMILY, NOW)
    assert not is_stuck(FAMILY["GRANDCHILD"], review(parent=ON, child=WAITING, grandchild=WAITING), FAMILY, NOW)
    loop = {one.name: one for one in (named("A", "B"), named("B", "A"))}
    assert is_stuck(loop["A"], review(a=WAITING, b=WAITING), loop, NOW)
    assert blocking(loop["A"], review(a=WAITING, b=WAITING), loop) == ["B"]


def test_a_line_is_abandoned_after_a_day() -> None:
    lines = review(parent=ON, child=WAITING)
    late = NOW + ABANDONED_AFTER
    assert not lines.line("PARENT").is_abandoned(late - timedelta(seconds=1))
    assert lines.line("PARENT").is_abandoned(late)
    assert is_stuck(FAMILY["CHILD"], lines, FAMILY, late)
    assert not is_stuck(FAMILY["CHILD"], lines, FAMILY, late - timedelta(seconds=1))


def test_what_is_asked_for_waits_and_without_records_there_is_nothing_to_wait_for() -> None:
    asked = Line("M", does=FULL, how=FullRun(forced=True), message="of the last time", question=Question.ANSWERED)
    line = planned(asked, "run", NOW, "Anna")
    assert (line.status, line.run, line.message, line.question) == (WAITING, "run", "", Question.NOT_ASKED)
    empty = planned(replace(asked, does=NONE), "run", NOW, "Anna")
    assert (empty.status, empty.run, empty.finished_at) == (DONE, "", NOW)


@pytest.mark.parametrize(
    ("does", "forced", "only_coupled", "status", "question"),
    [
        (FULL, True, True, JobStatus.SUCCEEDED, Question.OPEN),
        (FULL, True, False, JobStatus.SUCCEEDED, Question.NOT_ASKED),  # it is off already
        (FULL, False, True, JobStatus.SUCCEEDED, Question.NOT_ASKED),
        (COUPLE, True, True, JobStatus.SUCCEEDED, Question.NOT_ASKED),
        (FULL, True, True, JobStatus.FAILED, Question.NOT_ASKED),
    ],
)
def test_the_closing_question_is_asked_where_it_matters(
    does: Recommendation, forced: bool, only_coupled: bool, status: JobStatus, question: Question
) -> None:
    line = Line("M", ON, does=does, how=FullRun(forced=forced), started_at=NOW)
    over = ended(line, status, "why", NOW, only_coupled=only_coupled)
    assert over.question is question
    assert over.status is (DONE if status is JobStatus.SUCCEEDED else FAILED)
    assert over.message == (COUPLED if does is COUPLE else "why")
