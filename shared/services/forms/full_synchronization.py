"""Full synchronization: what is asked for, and the lines of the review."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.core.full_synchronization import LineStatus, Question, Recommendation
from shared.core.jobs import JobStatus
from shared.core.sides import Direction, Side
from shared.services.forms.base import Answer, Form

type Doing = Literal["full_synchronization", "couple_records"]


class FullRunForm(Form):
    """How the full synchronization of a mapping goes."""

    release_guard: bool = Field(
        False, description="true lets the run take away more than the plausibility guard allows."
    )
    unconditional: bool = Field(
        False,
        description="true writes the source's data wherever the destination differs, even where it was edited since. "
        "Only for mappings of one direction.",
    )


class LineForm(FullRunForm):
    """How one mapping is to be synchronized in full."""

    do: Doing | None = Field(None, description="Instead of what the review recommends.")


class StartForm(LineForm):
    """Which mappings are to be synchronized in full, and how."""

    mappings: tuple[str, ...] | None = Field(
        None, max_length=200, description="Names in any case; left out: all that are enabled and not excluded."
    )
    exclude: tuple[str, ...] = Field(
        (), max_length=200, description="Names of mappings that are to be left out from now on. They block nobody."
    )


class ExcludeForm(Form):
    """Whether a mapping is left out."""

    excluded: bool = Field(True, description="false takes it in again.")


class AnswerForm(Form):
    """The answer to the closing question of a line."""

    synch_only_coupled_records: bool = Field(
        description="false keeps *Synch. Only Coupled Records* off from now on; true leaves it on."
    )


class CountedAnswer(Answer):
    """Records of a side in the mapping's filter, and how many of them are not coupled. `complete` false: at least."""

    records: int
    uncoupled: int
    complete: bool


class LineJobAnswer(Answer):
    """A job of the line's run as far as it has come; `done` counts its records, however they ended."""

    id: str
    direction: Direction
    status: JobStatus
    done: int
    inserted: int
    modified: int
    unchanged: int
    skipped: int
    failed: int
    coupled: int
    uncoupled: int


class LineAnswer(Answer):
    """One mapping in the full synchronization review."""

    mapping: str
    direction: Direction
    enabled: bool
    excluded: bool = Field(description="Left out: it is not started with the others and blocks nobody.")
    depends_on: tuple[str, ...] = Field(description="The mappings that must be synchronized in full before.")
    wins: Side = Field(
        description="Whose data a full synchronization keeps where both sides changed the same field, or never agreed "
        "on it."
    )
    recommendation: Recommendation | None = Field(description="null for a mapping that takes no part.")
    does: Recommendation | None = Field(description="What was recommended or chosen when it was started last.")
    counted: dict[Side, CountedAnswer] = Field(
        description="As of now; while something is on, of a line that was started as of then."
    )
    coupled: int
    status: LineStatus
    abandoned: bool = Field(description="On for more than a day: it may be started again.")
    message: str = Field(description="What it waits for, or why it has failed.")
    requested_by: str
    started_at: datetime | None
    finished_at: datetime | None
    run: str | None = Field(description="The mapping's last full synchronization, or the one that is on.")
    pages: int = Field(description="How many pages of records it has worked off.")
    jobs: tuple[LineJobAnswer, ...]
    question: Question = Field(
        description="`open`: is *Synch. Only Coupled Records* to be kept off? "
        "`POST full-synchronization/{mapping}/answer`."
    )


class ReviewAnswer(Answer):
    """The full synchronization review: all mappings, parents first."""

    under_way: bool = Field(description="Whether something is on or will begin by itself.")
    lines: tuple[LineAnswer, ...]
