"""Previews: what would be done, without doing it, and doing exactly that."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, model_validator

from shared.core.effects import Effect, PreviewKind
from shared.core.jobs import JobStatus
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.forms.base import Answer, Form, JobReference, RecordName, Shown, WhichRecords


class PreviewStart(WhichRecords):
    """What to look at: the next run (`modified`), a full synchronization (`full`), or certain coupled records.

    `modified` and `full` without a mapping: every enabled one.
    """

    what: PreviewKind = Field(PreviewKind.MODIFIED, description="What to look at.")
    choice: SyncChoice | None = Field(
        None, description="For `records`: the data to use; left out, the mapping's own rules decide."
    )
    fields: dict[str, Side] = Field(
        default_factory=dict, description="For `records`: the side whose value is used, by field; the rest is merged."
    )
    unconditional: bool = Field(
        False, description="For `full`: the source's data is written wherever the destination differs."
    )

    @model_validator(mode="after")
    def _names_what_it_needs(self) -> PreviewStart:
        named = bool(self.business_central_ids or self.dataverse_ids)
        of_records = self.what.is_of_records
        if of_records and not named:
            raise ValueError(f"{self.what} needs business_central_ids or dataverse_ids")
        if of_records and self.mapping is None and self.table is None:
            raise ValueError(f"{self.what} needs a mapping or a table")
        if not of_records and named:
            raise ValueError(f"{self.what} looks at all records; leave the ids out")
        if (self.choice is not None or self.fields) and self.what is not PreviewKind.RECORDS:
            raise ValueError("choice and fields are for records only")
        if self.unconditional and self.what is not PreviewKind.FULL:
            raise ValueError("unconditional is for a full synchronization only")
        return self


class PreviewReference(Answer):
    """One preview that was started: its id, also that of its job, and its mapping."""

    id: str
    mapping: str
    address: str


class PreviewsStarted(Answer):
    """The previews of a request. `Location` tells when all are ready. `not_coupled` are ids without a coupling."""

    id: str
    previews: tuple[PreviewReference, ...]
    not_coupled: tuple[str, ...] = ()


class PreviewCount(Answer):
    """How many pairs would meet an effect; `side` is the one that would be written to."""

    effect: Effect
    side: Side | None
    pairs: int


class PlannedValueAnswer(Answer):
    """One column that would be written."""

    side: Side
    column: str
    old: Shown
    new: Shown


class PlannedConflict(Answer):
    """A field edited on both sides, with both values."""

    field: str
    business_central: Shown
    dataverse: Shown


class PlannedAnswer(Answer):
    """What would happen to one pair, and why. `side` is where a record would be created."""

    effect: Effect
    business_central: RecordName | None
    dataverse: RecordName | None
    side: Side | None
    couples: bool
    values: tuple[PlannedValueAnswer, ...]
    reason: Reason
    explanation: str
    message: str
    fields: tuple[PlannedConflict, ...]


class PreviewPage(Answer):
    """A page of a preview. While `status` is queued or running, it is not complete.

    `looked_at` counts the pairs that were decided: those that are not listed would be left as they are. `guard` says
    why a run would stop before it does all this. `outdated`: the mapping has been changed since. `wins`: of a full
    synchronization, whose data it keeps where both sides changed the same field, or never agreed on it.
    """

    id: str
    mapping: str
    what: PreviewKind
    status: JobStatus
    message: str
    requested_by: str
    requested_at: datetime
    looked_at: int
    counts: tuple[PreviewCount, ...]
    guard: str
    outdated: bool
    wins: Side | None
    items: tuple[PlannedAnswer, ...]
    continuation: str | None


class CarryOutRequest(Form):
    """Whether to do it although the plausibility guard would stop a run."""

    release_guard: bool = Field(False, description="true: do it although `guard` says why a run would stop.")


class CarryOutAnswer(Answer):
    """What was started: one job for each direction. `Location` tells what becomes of it."""

    id: str
    preview: str
    jobs: tuple[JobReference, ...]
