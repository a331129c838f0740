"""When mappings run, their pauses, and the records that are kept out of synchronization."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field, model_validator

from shared.core.schedule import ScheduleStatus
from shared.services.forms.base import Answer, Form, Moment, RecordName, RefusalAnswer, WhichRecords

LONGEST_REASON = 200


class PauseRequest(Form):
    """For how long, and why."""

    until: Moment | None = Field(
        None, description="When the mapping goes on by itself; left out: not before somebody resumes it."
    )
    reason: str = Field("", max_length=LONGEST_REASON, description="Why, for whoever wonders.")


class PauseAnswer(Answer):
    """Who has paused a mapping, when, why, and until when."""

    by: str
    at: datetime
    reason: str
    until: datetime | None


class ScheduleLineAnswer(Answer):
    """When one mapping runs. `why` says in a sentence what its `status` means now."""

    mapping: str
    status: ScheduleStatus
    why: str
    last_started_at: datetime | None
    last_finished_at: datetime | None
    next_due_at: datetime | None = Field(description="When it runs next at the latest; null: it has never run.")
    interval_minutes: float = Field(description="Minutes between two runs: its own, or the app's.")
    inactivity_timeout_minutes: int | None = Field(description="null or 0: it is never on hold due to inactivity.")
    wake_on_changes: bool
    inactive_since: datetime | None
    inactive_until: datetime | None
    failures: int = Field(description="Failed runs in a row.")
    pause: PauseAnswer | None


class ScheduleAnswer(Answer):
    """A page of mappings by name."""

    mappings: tuple[ScheduleLineAnswer, ...]
    continuation: str | None


class HoldRequest(WhichRecords):
    """Which records, and why."""

    reason: str = Field("", max_length=LONGEST_REASON, description="Why, for whoever wonders.")

    @model_validator(mode="after")
    def _names_records(self) -> HoldRequest:
        if not (self.business_central_ids or self.dataverse_ids):
            raise ValueError("give business_central_ids or dataverse_ids")
        return self


class ReleaseRequest(WhichRecords):
    """Which records."""

    @model_validator(mode="after")
    def _names_records(self) -> ReleaseRequest:
        if not (self.business_central_ids or self.dataverse_ids):
            raise ValueError("give business_central_ids or dataverse_ids")
        return self


class HeldRecordAnswer(Answer):
    """A record, or a coupled pair, that is kept out of synchronization: by whom, since when and why."""

    mapping: str
    business_central: RecordName | None
    dataverse: RecordName | None
    by: str
    since: datetime
    reason: str


class HeldRecordsAnswer(Answer):
    """A page of them, the newest first. `count` is of all."""

    records: tuple[HeldRecordAnswer, ...]
    count: int
    continuation: str | None


class RefusedRecordAnswer(Answer):
    """A record of which nothing was done, and why."""

    id: str
    refusal: RefusalAnswer


class HoldAnswer(Answer):
    """What was held or released now, and what was not."""

    mapping: str
    records: tuple[HeldRecordAnswer, ...]
    refused: tuple[RefusedRecordAnswer, ...]
