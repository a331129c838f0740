"""Synchronize Now: of one record or several, with what the prompt would have shown; and the way from a row to its
record in Business Central."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from shared.core.sides import Side
from shared.services.forms.base import Answer, JobReference, RecordName, WhichRecords


class Choice(StrEnum):
    """What the person chooses: send (BC data to Dataverse), get (Dataverse data to BC), or merge (both)."""

    SEND = "send"
    GET = "get"
    MERGE = "merge"


class SyncNowRequest(WhichRecords):
    """Which records, which way. Left out, `choice` is the mapping's own direction, for a Bidirectional one `merge`."""

    choice: Choice | None = None
    over_newer_data: bool = Field(
        False, description="Write although the other side was changed since, and lose that (the prompt's yes)."
    )

    @model_validator(mode="after")
    def _names_records(self) -> SyncNowRequest:
        if not (self.business_central_ids or self.dataverse_ids):
            raise ValueError("give business_central_ids or dataverse_ids")
        return self


class SkipReason(StrEnum):
    """Why a record was left alone."""

    NOT_COUPLED = "not_coupled"
    DESTINATION_NEWER = "destination_newer"
    SKIPPED = "skipped"  # its coupling is marked Skipped; retry the error first
    GONE = "gone"


class SkippedRecord(Answer):
    """A record that was not synchronized, and why."""

    side: Side
    record: RecordName
    reason: SkipReason
    message: str


class SyncNowAnswer(Answer):
    """Scheduled n of m; skipped; failed. `job` is null when nothing was scheduled."""

    mapping: str
    total: int
    scheduled: int
    skipped: int
    failed: int
    skipped_records: tuple[SkippedRecord, ...] = ()
    job: JobReference | None = None


class LostField(Answer):
    """A field that both sides hold differently, as people see it."""

    field: str
    business_central: str
    dataverse: str


class OptionsAnswer(Answer):
    """What the prompt of Synchronize Now would show for one record.

    `changed` are the sides edited since the last synchronization, `newer` the one edited last; `lost_by` names for each
    choice the fields whose value on the other side would be lost; `preselected` null: nothing is left to do or allowed.
    """

    mapping: str
    business_central: RecordName | None
    dataverse: RecordName | None
    coupled: bool
    changed: tuple[Side, ...]
    newer: Side | None
    choices: tuple[Choice, ...]
    preselected: Choice | None
    needs_confirmation: bool
    lost_by: dict[Choice, tuple[LostField, ...]]
    message: str


class RibbonOutcome(StrEnum):
    """How the BC record of a row was found."""

    COUPLED = "coupled"
    CREATED = "created"
    MATCHED = "matched"
    REFUSED = "refused"


class RibbonAnswer(Answer):
    """The BC record of a Dataverse row and its address in the web client; where there is none, why not."""

    mapping: str
    outcome: RibbonOutcome
    dataverse: RecordName | None
    business_central: RecordName | None = None
    address: str | None = None
    message: str = ""
