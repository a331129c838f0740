"""The clock and the ids of the real world."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4


class SystemClock:
    """This machine's time."""

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Random GUIDs."""

    def new(self) -> str:
        """A GUID text, lower case."""
        return str(uuid4())
