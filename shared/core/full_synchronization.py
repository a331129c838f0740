"""The full synchronization review: a line for each mapping, what is recommended for it, and whose turn it is.

Follows Microsoft's table CRM Full Synch. Review Line (5373) and its page, with two differences: what counts are the
records that are not coupled yet and pass the mapping's filter, and a line says what it waits for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from shared.core.full_run import FullRun
from shared.core.jobs import JobStatus
from shared.core.mapping import Mapping as TableMapping
from shared.core.order import parents_first
from shared.core.sides import Side

ABANDONED_AFTER = timedelta(hours=24)
COME_WITH_ONE_ROW = ("transactioncurrency", "uomschedule")
"""Dataverse tables that a new environment has one row in: its own currency, its own unit group."""
COUPLED = "Records were coupled. Start the line again to bring them in step and to create what is missing."
PEOPLE = "systemuser"  # users are never made here, so there is nothing to sort out beforehand


class Recommendation(StrEnum):
    """What is to be done with a mapping first (Initial Synch Recommendation)."""

    FULL_SYNCHRONIZATION = "full_synchronization"
    COUPLE_RECORDS = "couple_records"
    NO_RECORDS_FOUND = "no_records_found"
    DEPENDENCY_NOT_SATISFIED = "dependency_not_satisfied"


class LineStatus(StrEnum):
    """Where a line stands (Job Queue Entry Status)."""

    NOT_STARTED = "not_started"
    WAITING = "waiting"
    IN_PROCESS = "in_process"
    FINISHED = "finished"
    ERROR = "error"


class Question(StrEnum):
    """The closing question of a line, whether to keep *Synch. Only Coupled Records* off."""

    NOT_ASKED = "not_asked"
    OPEN = "open"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records of a side pass the mapping's filter, and how many of these are not coupled.

    When not `complete`, there are at least so many.
    """

    records: int
    uncoupled: int
    complete: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """What the review remembers of a mapping.

    `does` is what was recommended or chosen when it was started, by what was `counted` then; `run` is the id of the run
    that does it, given before it begins.
    """

    mapping: str
    status: LineStatus = LineStatus.NOT_STARTED
    excluded: bool = False
    does: Recommendation | None = None
    counted: dict[Side, Counted] = field(default_factory=dict)
    how: FullRun = field(default_factory=FullRun)
    run: str = ""
    requested_by: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    message: str = ""
    question: Question = Question.NOT_ASKED

    def is_abandoned(self, now: datetime) -> bool:
        """Whether it has been going on for so long that it may be started anew."""
        return self.status is LineStatus.IN_PROCESS and bool(
            self.started_at and now - self.started_at >= ABANDONED_AFTER
        )

    @property
    def satisfies(self) -> bool:
        """Whether mappings that depend on this one may begin."""
        return self.status is LineStatus.FINISHED or self.does is Recommendation.NO_RECORDS_FOUND

    @property
    def is_under_way(self) -> bool:
        """Whether it has been asked for and has not ended."""
        return self.status in (LineStatus.WAITING, LineStatus.IN_PROCESS)


type Lines = Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Review:
    """All lines by mapping; a mapping without one has never been part of it."""

    lines: dict[str, Line] = field(default_factory=dict)

    def line(self, mapping: str) -> Line:
        """The line of a mapping."""
        return self.lines.get(mapping) or Line(mapping)

    def with_lines(self, changed: Iterable[Line]) -> Review:
        """The review with these lines in the place of the former ones."""
        return Review({**self.lines, **{line.mapping: line for line in changed}})

    def without(self, mapping: str) -> Review:
        """The review without what it remembers of a mapping."""
        return Review({name: line for name, line in self.lines.items() if name != mapping})


def recommend(mapping: TableMapping, counted: Mapping[Side, Counted]) -> Recommendation:
    """What to do with a mapping first, by how many records there are.

    Coupling comes first where both sides have records that are not coupled, for a full synchronization creates a
    record for whatever it cannot match.
    """
    here, there = counted[Side.BUSINESS_CENTRAL], counted[Side.DATAVERSE]
    if not here.records and not there.records:
        return Recommendation.NO_RECORDS_FOUND
    table = mapping.dataverse.table
    if table == PEOPLE or not mapping.match_by or (table in COME_WITH_ONE_ROW and there.records <= 1):
        return Recommendation.FULL_SYNCHRONIZATION
    if here.uncoupled and there.uncoupled:
        return Recommendation.COUPLE_RECORDS
    return Recommendation.FULL_SYNCHRONIZATION


def in_order(mappings: Iterable[TableMapping]) -> list[TableMapping]:
    """The mappings in the order of their lines: parents first; those that depend on each other as they come."""
    found = list(mappings)
    try:
        return parents_first(found)
    except ValueError:
        return found


def blocking(mapping: TableMapping, review: Review, enabled: Mapping[str, TableMapping]) -> list[str]:
    """The mappings that must be synchronized before this one. One that is disabled or excluded blocks nobody."""
    parents = (review.line(name) for name in mapping.depends_on if name in enabled)
    return [line.mapping for line in parents if not line.excluded and not line.satisfies]


def is_stuck(mapping: TableMapping, review: Review, enabled: Mapping[str, TableMapping], now: datetime) -> bool:
    """Whether what this mapping waits for will not come by itself: nobody has started it, or it has failed."""
    return _is_stuck(mapping, review, enabled, now, frozenset())


def _is_stuck(
    mapping: TableMapping, review: Review, enabled: Mapping[str, TableMapping], now: datetime, seen: frozenset[str]
) -> bool:
    if mapping.name in seen:
        return True
    for name in blocking(mapping, review, enabled):
        line = review.line(name)
        if not line.is_under_way or line.is_abandoned(now):
            return True
        if line.status is LineStatus.WAITING and _is_stuck(enabled[name], review, enabled, now, seen | {mapping.name}):
            return True
    return False


def why_waiting(mapping: TableMapping, review: Review, enabled: Mapping[str, TableMapping], now: datetime) -> str:
    """A sentence about what a line waits for; empty when nothing is in its way."""
    names = blocking(mapping, review, enabled)
    if not names:
        return ""
    if not is_stuck(mapping, review, enabled, now):
        return f"Waits until {' and '.join(names)} {'has' if len(names) == 1 else 'have'} ended."
    failed = [name for name in names if review.line(name).status is LineStatus.ERROR]
    if failed:
        return f"{' and '.join(failed)} ended with an error. Start {_them(failed)} again, or exclude {_them(failed)}."
    idle = [
        name for name in names if not review.line(name).is_under_way or review.line(name).is_abandoned(now)
    ] or names
    text = f"{' and '.join(idle)} {'has' if len(idle) == 1 else 'have'} not been synchronized in full."
    return f"{text} Start {_them(idle)}, or exclude {_them(idle)}."


def _them(names: list[str]) -> str:
    return "it" if len(names) == 1 else "them"


def startable(review: Review, enabled: Mapping[str, TableMapping]) -> list[Line]:
    """The waiting lines whose turn it is, parents first."""
    waiting = (review.line(mapping.name) for mapping in in_order(enabled.values()))
    return [
        line
        for line in waiting
        if line.status is LineStatus.WAITING and not blocking(enabled[line.mapping], review, enabled)
    ]


def planned(line: Line, run: str, now: datetime, requested_by: str) -> Line:
    """A line that was just asked for: what it `does`, what was `counted` and `how` are set.

    Where there are no records there is nothing to wait for.
    """
    fresh = Line(line.mapping, does=line.does, counted=line.counted, how=line.how, requested_by=requested_by)
    if line.does is Recommendation.NO_RECORDS_FOUND:
        return replace(fresh, status=LineStatus.FINISHED, started_at=now, finished_at=now)
    return replace(fresh, status=LineStatus.WAITING, run=run)


def begun(line: Line, now: datetime) -> Line:
    """A line whose run has been asked for."""
    return replace(line, status=LineStatus.IN_PROCESS, started_at=now)


def ended(line: Line, status: JobStatus, message: str, at: datetime, *, only_coupled: bool) -> Line:
    """A line whose run is over; single records that failed are no failure of the run.

    After a full synchronization that took in uncoupled records, a mapping that is for coupled ones only asks whether
    it is to stay so.
    """
    succeeded = status is JobStatus.SUCCEEDED
    if succeeded and line.does is Recommendation.COUPLE_RECORDS:
        message = COUPLED
    is_full = line.does is Recommendation.FULL_SYNCHRONIZATION and line.how.forced
    return replace(
        line,
        status=LineStatus.FINISHED if succeeded else LineStatus.ERROR,
        finished_at=at,
        message=message,
        question=Question.OPEN if succeeded and is_full and only_coupled else Question.NOT_ASKED,
    )
