"""The synchronization log of one record as it is told."""

from __future__ import annotations

from datetime import datetime

from shared.core.history import What
from shared.core.jobs import JobStatus, JobType, Trigger
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.services.forms.base import Answer, RecordName, Shown
from shared.services.forms.errors import ErrorAnswer


class JobOfTouchAnswer(Answer):
    """The job that did it. Of a job that has been deleted only the id is left; the rest is null."""

    id: str
    type: JobType | None = None
    direction: Direction | None = None
    trigger: Trigger | None = None
    status: JobStatus | None = None


class DifferenceAnswer(Answer):
    """One column of the record on `side`, before and after; a text of over 200 characters is cut and ends with `…`."""

    side: Side
    column: str
    old: Shown
    new: Shown


class TouchAnswer(Answer):
    """One thing that was done to the pair of these two records.

    `rule` is why, `explanation` the same as a sentence. `directions` tells which way data went. `changes` are the
    columns that were written; of `agreed` those that people had changed to the same on both sides.
    """

    at: datetime
    what: What
    rule: Reason
    explanation: str
    directions: tuple[Direction, ...]
    requested_by: str
    business_central_id: str
    dataverse_id: str
    jobs: tuple[JobOfTouchAnswer, ...]
    changes: tuple[DifferenceAnswer, ...]


class RecordLogAnswer(Answer):
    """A page of the log, the newest first. What there is only of a coupled record is null of one that is not.

    `error` is what keeps the record from being in step: how often it was tried, since when, and in which job last.
    """

    mapping: str
    business_central: RecordName | None
    dataverse: RecordName | None
    coupled_at: datetime | None
    coupled_by: str
    synchronized_at: datetime | None
    error: ErrorAnswer | None
    touches: tuple[TouchAnswer, ...]
    count: int
    continuation: str | None
