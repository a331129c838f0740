"""The query parameters of the functions, as types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from shared.core.jobs import JobStatus, JobType, Trigger
from shared.core.sides import Direction, Side
from shared.services.forms.base import Form, Guid, Moment, WhichMapping


def _flag(text: object) -> object:
    if text not in ("true", "false", True, False):
        raise ValueError("must be true or false")
    return text in ("true", True)


def _number(text: object) -> object:
    if isinstance(text, str) and not (text.isascii() and text.isdigit()):
        raise ValueError("must be a number")
    return text


Flag = Annotated[bool, BeforeValidator(_flag)]
"""`true` or `false` and nothing else."""

Number = Annotated[int, BeforeValidator(_number)]
"""Digits and nothing else."""


class PageQuery(Form):
    """Which part of a list."""

    continuation: str | None = Field(
        None, max_length=200, description="From the answer before; left out: the beginning."
    )
    limit: Number = Field(100, ge=1, le=1000, description="How many at most.")


class MappingsQuery(PageQuery):
    """Which mappings."""

    enabled: Flag | None = Field(None, description="Only those that are synchronized, or only those that are not.")


class JobsQuery(PageQuery):
    """Which jobs."""

    mapping: str | None = Field(None, max_length=20, description="Only this mapping's.")
    status: JobStatus | None = Field(None, description="Only those that stand so.")
    type: JobType | None = Field(None, description="Only those of this type.")
    direction: Direction | None = Field(None, description="Only those of this direction.")
    trigger: Trigger | None = Field(None, description="Only what was started so.")
    requested_by: str | None = Field(None, max_length=100, description="Only those of whom this is a part of the name.")
    since: Moment | None = Field(None, description="Only those that were asked for then or later.")
    until: Moment | None = Field(None, description="Only those that were asked for before then.")
    failures: Flag = Field(False, description="Only those that failed, or could not bring a record in step.")
    idle: Flag = Field(True, description="`false`: without those that ended well and had nothing to do.")


class SuggestionsQuery(PageQuery):
    """For which BC records."""

    mapping: str | None = Field(None, max_length=20, description="Name of the mapping, in any case.")
    table: str | None = Field(
        None, max_length=100, description="A table, instead of `mapping`, where only one mapping has it."
    )
    business_central_id: Guid | None = Field(None, description="Only for this BC record.")


class CandidatesQuery(PageQuery, WhichMapping):
    """Which records."""

    side: Side = Field(description="The side to look on.")
    text: str = Field(min_length=1, max_length=100, description="A number or name, or the beginning of one.")
    free: Flag = Field(False, description="Only those that are not coupled.")


class RecordQuery(WhichMapping):
    """Which record: by its id on just one side."""

    business_central_id: Guid | None = Field(None, description="Id (GUID) of the BC record.")
    dataverse_id: Guid | None = Field(None, description="Id (GUID) of the Dataverse row.")

    @model_validator(mode="after")
    def _is_one_record(self) -> RecordQuery:
        if (self.business_central_id is None) == (self.dataverse_id is None):
            raise ValueError("give business_central_id or dataverse_id")
        return self

    @property
    def record(self) -> tuple[Side, str]:
        """The side and the id."""
        if self.business_central_id is not None:
            return Side.BUSINESS_CENTRAL, self.business_central_id
        return Side.DATAVERSE, self.dataverse_id or ""
