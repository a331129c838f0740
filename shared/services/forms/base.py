"""What all forms are made of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from shared.core.refusals import RefusalCode

MOST_IDS = 1000
"""How many records one request may name."""

_PLAIN = "[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}"
_GUID = re.compile(rf"\{{({_PLAIN})\}}|({_PLAIN})")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)", re.ASCII)


def read_id(text: str) -> str | None:
    """An id as it is stored: lower case, without the braces that forms in Dataverse show; None if it is none."""
    found = _GUID.fullmatch(text)
    return (found[1] or found[2]).lower() if found else None


def with_plain_ids(text: str) -> str:
    """The same text with every id in it as it is stored."""
    return _GUID.sub(lambda found: (found[1] or found[2]).lower(), text)


def _id(text: str) -> str:
    found = read_id(text)
    if found is None:
        raise ValueError("must be an id (GUID) such as 0d9f3c1e-5b7a-4c2d-9e8f-112233445566")
    return found


def _time(given: object) -> object:
    if isinstance(given, datetime):
        return given
    if isinstance(given, str) and _TIME.fullmatch(given):
        try:
            return datetime.fromisoformat(given).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError("there is no such time") from None
    raise ValueError("must be a time with its zone, such as 2026-11-21T12:30:00Z (in an address + is %2B)")


type Guid = Annotated[
    str, AfterValidator(_id), WithJsonSchema({"type": "string", "pattern": rf"^(\{{{_PLAIN}\}}|{_PLAIN})$"})
]
"""The id of a record on either side: lower case, without braces."""

Moment = Annotated[AwareDatetime, BeforeValidator(_time)]
"""A point in time, written with its zone and kept in UTC. A mere number is none."""


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
