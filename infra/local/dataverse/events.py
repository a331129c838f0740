"""What has happened to rows: noted while an operation runs, and told to listeners when it has succeeded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.dataverse.schema.model import Table


@dataclass(frozen=True)
class Event:
    """One change: `message` is Create, Update or Delete, `values` the stored columns that were set."""

    message: str
    table: Table
    row_id: str
    values: dict[str, Any]
    user: str
    business_unit: str


class Events:
    """The changes of the operation that runs at present, and where they go."""

    def __init__(self, listener: Callable[[list[Event]], None] | None = None) -> None:
        self._listener = listener
        self._noted: list[Event] = []

    def add(self, event: Event) -> None:
        """Note a change."""
        if self._listener is not None:
            self._noted.append(event)

    def settle(self, *, succeeded: bool) -> None:
        """Tell what was noted where the operation succeeded, forget it where it did not."""
        noted, self._noted = self._noted, []
        if succeeded and noted and self._listener is not None:
            self._listener(noted)
