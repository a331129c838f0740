"""What is told of configuration changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from shared.services.forms.base import Answer


class MemberChangeAnswer(Answer):
    """A member that differs, with both values."""

    member: str = Field(description="Its path: `direction`, `fields.displayName.enabled`.")
    before: Any = Field(description="null: it was not there.")
    after: Any = Field(description="null: it is not there any more.")


class MappingEditAnswer(Answer):
    """What was done to one mapping."""

    mapping: str
    action: Literal["created", "changed", "removed"]
    members: tuple[MemberChangeAnswer, ...] = Field(
        description="Only what differs; of a new or removed mapping all that is not so by default."
    )


class ChangeAnswer(Answer):
    """A change of the configuration: when, by whom, and what."""

    id: str
    at: datetime
    by: str = Field(description="Name and object id from the token, *function key* and its name, or *the app*.")
    occasion: str = Field(description="`import`, or what else it was part of; empty for a single change.")
    edits: tuple[MappingEditAnswer, ...]


class ImportProblemAnswer(Answer):
    """Something wrong in the file, or unwise."""

    line: int | None = Field(description="In which line of the file; null where that is not known.")
    mapping: str | None
    member: str = Field(description="The member that is wrong.")
    code: str
    message: str
    warning: bool = Field(description="Whether it hinders nobody from applying the file.")


class MappingPlanAnswer(Answer):
    """What becomes of a mapping."""

    mapping: str
    action: Literal["created", "changed", "removed", "unchanged"]
    members: tuple[MemberChangeAnswer, ...] = Field(description="What differs.")


class ImportAnswer(Answer):
    """What an import would do, or has done, mapping by mapping, and everything that is wrong with the file."""

    applied: bool
    digest: str | None = Field(description="To hand in when this is to be done; null: something is wrong.")
    mappings: tuple[MappingPlanAnswer, ...]
    problems: tuple[ImportProblemAnswer, ...]


class ChangesAnswer(Answer):
    """A page of the changes, the newest first; `continuation` leads to the next one, null at the end."""

    changes: tuple[ChangeAnswer, ...]
    continuation: str | None
