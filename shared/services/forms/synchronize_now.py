"""Synchronize Now: of one record or several, with what the prompt would have shown; and the way from a row to its
record in Business Central."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field, model_validator

from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.forms.base import Answer, JobReference, RecordName, RefusalAnswer, Shown, WhichRecords


class SyncNowRequest(WhichRecords):
    """Which records, which way.

    Of a single record the choice is carried out as it is; of several only those whose destination was not edited.
    """

    choice: SyncChoice | None = Field(
        None, description="Left out: the mapping's own direction, for a Bidirectional one `merge`."
    )

    @model_validator(mode="after")
    def _names_records(self) -> SyncNowRequest:
        if not (self.business_central_ids or self.dataverse_ids):
            raise ValueError("give business_central_ids or dataverse_ids")
        return self


class SkippedRecord(Answer):
    """A record that was not synchronized, and why."""

    side: Side
    record: RecordName
    refusal: RefusalAnswer


class SyncNowAnswer(Answer):
    """Scheduled n of the total; skipped; failed. `job` is null when nothing was scheduled."""

    mapping: str
    total: int
    scheduled: int
    skipped: int
    failed: int
    skipped_records: tuple[SkippedRecord, ...] = ()
    job: JobReference | None = None


class ColumnChangeAnswer(Answer):
    """One column that a choice would write; `loses_edit`: it was edited there since both last agreed."""

    side: Side
    column: str
    old: Shown
    new: Shown
    loses_edit: bool


class OptionAnswer(Answer):
    """One choice: what it would write, or why it cannot be had (`code` is empty when it can)."""

    choice: SyncChoice
    changes: tuple[ColumnChangeAnswer, ...]
    code: str
    why: str


class OptionsAnswer(Answer):
    """What the prompt of Synchronize Now would show for one record.

    `changed` are the sides edited since both last agreed, `newer` the one modified last. `preselected` null: the answer
    that harms nobody is not to synchronize. With a `refusal` there are no options at all.
    """

    mapping: str
    business_central: RecordName | None
    dataverse: RecordName | None
    options: tuple[OptionAnswer, ...] = ()
    changed: tuple[Side, ...] = ()
    newer: Side | None = None
    modified_at: dict[Side, datetime | None] = Field(default_factory=dict)
    preselected: SyncChoice | None = None
    warning: str = ""
    refusal: RefusalAnswer | None = None


class RibbonOutcome(StrEnum):
    """How the BC record of a row was found."""

    COUPLED = "coupled"
    MATCHED = "matched"
    CREATED = "created"
    SCHEDULED = "scheduled"  # a job is at it: ask again
    POSSIBLE = "possible"  # to be had by asking for it
    FAILED = "failed"  # the job tells why
    REFUSED = "refused"


class RibbonAnswer(Answer):
    """The BC record of a Dataverse row and its address in the web client; where there is none, why not.

    `job` is the one that has coupled or created it, or still does.
    """

    mapping: str
    outcome: RibbonOutcome
    dataverse: RecordName | None
    business_central: RecordName | None = None
    address: str | None = None
    refusal: RefusalAnswer | None = None
    job: JobReference | None = None
