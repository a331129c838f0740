"""What the app tells people by itself."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from shared.core.notifications import Topic
from shared.services.forms.base import Answer


class OpenFindingAnswer(Answer):
    """One thing that needs a person."""

    topic: Topic
    mapping: str | None
    sentence: str
    count: int = Field(description="How many records or messages it concerns.")
    advice: str
    since: datetime | None = Field(description="Since when it is known; null: it was found just now.")
    told: bool = Field(description="Whether people were told of all of it.")


class NotificationsAnswer(Answer):
    """What is open, and when people were last told something. `is_on` false: no address is set."""

    is_on: bool
    open: tuple[OpenFindingAnswer, ...]
    count: int
    last_sent_at: datetime | None
    failures: int = Field(description="Tries in a row that came to nothing.")
    trouble: str
    retry_at: datetime | None
    continuation: str | None


class SentAnswer(Answer):
    """A test message was delivered."""

    sent: bool = True
