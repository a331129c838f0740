"""What all forms are made of."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.core.refusals import RefusalCode

MOST_IDS = 1000
"""How many records one request may name."""

type Guid = Annotated[
    str,
    StringConstraints(
        to_lower=True, pattern=r"^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
    ),
]
"""The id of a record on either side, lower case."""


class Form(BaseModel):
    """What somebody asks for: frozen, and a member it does not know is an error that names it."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Answer(BaseModel):
    """What somebody is told: frozen, all members always there, read from a use case's types by their members' names."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        from_attributes=True,
        defer_build=True,
        json_schema_serialization_defaults_required=True,
    )


class RecordName(Answer):
    """A record as people know it: its id, its number where it has one, and what it is called."""

    id: str
    number: str | None = None
    title: str | None = None


class RefusalAnswer(Answer):
    """Why something was not done: a stable code, a sentence that names the records, and what helps."""

    code: RefusalCode
    message: str
    remedy: str


class JobReference(Answer):
    """A job that was started: ask `GET jobs/{id}` for what becomes of it."""

    id: str
    mapping: str


def _as_json(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else value


Shown = Annotated[str | int | float | bool | None, BeforeValidator(_as_json)]
"""A value of a record: numbers as numbers, times in UTC as text."""


class WhichMapping(Form):
    """Which mapping is meant: by its name, or by one of its tables where only one mapping has it."""

    mapping: str | None = Field(None, description="Name of the mapping, in any case.", max_length=20)
    table: str | None = Field(
        None,
        description="A table of Business Central or Dataverse, instead of `mapping`, where only one mapping has it.",
        max_length=100,
    )


class WhichRecords(WhichMapping):
    """Records of one mapping, by ids of either side."""

    business_central_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS, description="Ids (GUID) of BC records.")
    dataverse_ids: tuple[Guid, ...] = Field((), max_length=MOST_IDS, description="Ids (GUID) of Dataverse rows.")
