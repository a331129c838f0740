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


class ChangesAnswer(Answer):
    """A page of the changes, the newest first; `continuation` leads to the next one, null at the end."""

    changes: tuple[ChangeAnswer, ...]
    continuation: str | None
