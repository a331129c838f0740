"""The coupled data synchronization errors: the list, what causes them, and what people do about them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from shared.core.coupling_requests import AfterCoupling
from shared.core.error_actions import ErrorAction
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.forms.base import (
    MOST_IDS,
    Answer,
    Form,
    Guid,
    JobReference,
    Moment,
    RefusalAnswer,
    Shown,
    with_plain_ids,
)


class ErrorSort(StrEnum):
    """The order of the list; what is equal in it follows mapping and record."""

    NEWEST = "newest"  # looked at last
    OLDEST = "oldest"  # open for the longest time
    NEXT = "next"  # tried next
    ATTEMPTS = "attempts"  # tried most often
    NUMBER = "number"
    TITLE = "title"


class ErrorFilter(Form):
    """Which errors."""

    mapping: str | None = Field(default=None, max_length=20, description="Only this mapping's.")
    reason: Reason | None = Field(default=None, description="Only those with this reason.")
    cause: str | None = Field(
        default=None, max_length=40, description="Only what this cause holds: an `id` of `errors/causes`."
    )
    waiting: bool = Field(default=False, description="Also what waits for a parent or a busy service.")
    skipped: bool | None = Field(default=None, description="Only those that are skipped, or only those that are not.")
    source: Side | None = Field(default=None, description="Only those whose data could not leave this side.")
    text: str | None = Field(
        default=None, min_length=1, max_length=100, description="Only with this in a number or title."
    )
    since: Moment | None = Field(default=None, description="Only those that failed at this time or later.")


class FieldConflictAnswer(Answer):
    """A field edited on both sides, with both values."""

    field: str
    business_central: Shown
    dataverse: Shown


class ErrorAnswer(Answer):
    """A record that is not in step: which, why, since when, what to do, and when it is tried again."""

    mapping: str
    source: Side
    record_id: str
    business_central_id: str | None
    dataverse_id: str | None
    number: str | None
    title: str | None
    reason: Reason
    message: str
    explanation: str
    advice: str
    is_error: bool
    skipped: bool
    column: str | None
    service_code: str
    fields: tuple[FieldConflictAnswer, ...]
    waits_for: tuple[str, ...]
    job: str
    attempts: int
    first_at: datetime
    last_at: datetime
    next_at: datetime
    versions: dict[Side, str | None]


class ErrorRow(ErrorAnswer):
    """The same as a row of the page Coupled Data Synchronization Errors.

    `table`, `description`, `record_exists` and `address` are about the record in Business Central, the `coupled_` ones
    about the row in Dataverse; both addresses open the record in a browser. What exists is as of the last look, unless
    `verify` was asked for. `actions` are those that the row offers; `id`, or `mapping` and `key`, name it in a request.
    """

    id: str
    key: str
    table: str
    description: str | None
    record_exists: bool
    address: str | None
    coupled: bool
    coupled_table: str
    coupled_to: str | None
    coupled_record_exists: bool
    coupled_address: str | None
    error: str
    failed_on: datetime
    actions: tuple[ErrorAction, ...]


class ErrorsAnswer(Answer):
    """A page of errors. `count` is of all that the filters let through."""

    errors: tuple[ErrorRow, ...]
    count: int
    continuation: str | None


class FixAnswer(Answer):
    """A way out: what it does, and the call that does it (below the API's root, in the same connection)."""

    sentence: str
    method: Literal["GET", "POST"]
    path: str
    body: dict[str, Any] | None = None


class HeldRecord(Answer):
    """One of the records that a cause holds."""

    id: str
    mapping: str
    number: str | None
    title: str | None
    message: str


class CauseAnswer(Answer):
    """What keeps records out of step: how many of which mapping, since when, some of them, and the ways out.

    `is_error` tells that a person has to act; what waits for a parent follows by itself once that is coupled. `id` is
    good for the filter `cause`.
    """

    id: str
    reason: Reason
    sentence: str
    advice: str
    is_error: bool
    count: int
    skipped: int
    mappings: dict[str, int]
    first_at: datetime
    last_at: datetime
    samples: tuple[HeldRecord, ...]
    fixes: tuple[FixAnswer, ...]


class CausesAnswer(Answer):
    """A page of causes, those that hold most first. `count` is of all causes."""

    causes: tuple[CauseAnswer, ...]
    count: int
    continuation: str | None


Key = Annotated[str, AfterValidator(with_plain_ids)]
"""Which error: a text that ends in the id of its record."""


class ErrorKey(Form):
    """One error of the list."""

    mapping: str = Field(max_length=20, description="Name of the mapping.")
    key: Key = Field(max_length=200, description="The error's `key`.")


class ErrorSelection(Form):
    """Which errors an action is for: just one of a list, ids, or all that a filter lets through."""

    errors: tuple[ErrorKey, ...] = Field(
        default=(), max_length=MOST_IDS, description="These errors, by mapping and key."
    )
    ids: tuple[Key, ...] = Field(default=(), max_length=MOST_IDS, description="These errors, by the `id` of the list.")
    filter: ErrorFilter | None = Field(default=None, description="All errors that the list shows under this filter.")

    @model_validator(mode="after")
    def _is_one_selection(self) -> ErrorSelection:
        if bool(self.errors) + bool(self.ids) + (self.filter is not None) != 1:
            raise ValueError("give errors, or ids, or a filter")
        return self


class RetryAllRequest(Form):
    """What is tried again at once; nothing said: everything."""

    filter: ErrorFilter = Field(default=ErrorFilter(), description="Only errors that the list shows under this filter.")


class SynchronizeErrorsRequest(ErrorSelection):
    """Which errors, and whose data is used."""

    choice: SyncChoice = Field(
        default=SyncChoice.MERGE,
        description="Whose data overwrites the other side's; `merge`: what either side changed.",
    )
    fields: dict[str, Side] = Field(
        default={},
        max_length=200,
        description="Of one error: the side whose value is used, by field (the `field` of a conflict); the rest is "
        "merged. Fields of one group go together.",
    )

    @model_validator(mode="after")
    def _is_for_one(self) -> SynchronizeErrorsRequest:
        if self.fields and len(self.errors) + len(self.ids) != 1:
            raise ValueError("fields are for one error, named in errors or ids")
        if self.fields and self.choice is not SyncChoice.MERGE:
            raise ValueError("fields go with choice merge")
        return self


class SetUpCouplingRequest(Form):
    """One error, and what its record is to be coupled with instead."""

    error: ErrorKey = Field(description="The error.")
    business_central_id: Guid | None = Field(
        default=None, description="Id (GUID) of the BC record, for a Dataverse row that is not coupled."
    )
    dataverse_id: Guid | None = Field(default=None, description="Id (GUID) of the Dataverse row.")
    create_new: bool = Field(default=False, description="Create the other record (Create New).")
    synchronize_after_coupling: AfterCoupling = Field(
        default=AfterCoupling.NO, description="Whether both are synchronized at once, and with whose data."
    )

    @model_validator(mode="after")
    def _has_one_target(self) -> SetUpCouplingRequest:
        given = (self.business_central_id is not None) + (self.dataverse_id is not None) + self.create_new
        if given != 1:
            raise ValueError("give business_central_id, or dataverse_id, or create_new: true")
        return self


class RefusedError(Answer):
    """An error for which the action is not done, and why; the id as it was given where there is no such error."""

    id: str
    refusal: RefusalAnswer


class ErrorActionAnswer(Answer):
    """What was started: `id` is that of the request, with the jobs of each mapping; null when nothing was.

    `scheduled` is how many errors it is done for, `refused_count` for how many it is not; of very many that a filter
    has chosen, the first thousand are in `refused`.
    """

    id: str | None
    jobs: tuple[JobReference, ...]
    scheduled: int
    refused_count: int
    refused: tuple[RefusedError, ...]


class FindDeletedAnswer(Answer):
    """What was started: `id` is that of the request, with one job per mapping."""

    id: str
    jobs: tuple[JobReference, ...]
