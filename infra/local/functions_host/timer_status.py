"""What is remembered of a timer between two starts of the host: one small JSON file each."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

# The real host writes this date for "never".
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_NEVER_AGAIN = datetime(9999, 12, 31, tzinfo=UTC)


@dataclass(frozen=True)
class TimerStatus:
    """`last` is the last run (None: never), `next` the following due time (None: never again). All times are UTC."""

    last: datetime | None = None
    next: datetime | None = None
    last_updated: datetime = _NEVER

    def to_json(self) -> dict[str, str]:
        """The object that the real host stores and hands to functions."""
        return {
            "Last": (self.last or _NEVER).isoformat(),
            "Next": (self.next or _NEVER_AGAIN).isoformat(),
            "LastUpdated": self.last_updated.isoformat(),
        }

    @classmethod
    def from_json(cls, content: dict[str, str]) -> TimerStatus:
        """Raises ValueError or KeyError when the object is not a status."""
        last, due, updated = (datetime.fromisoformat(content[name]) for name in ("Last", "Next", "LastUpdated"))
        return cls(None if last == _NEVER else last, None if due == _NEVER_AGAIN else due, updated)


class TimerStatusStore:
    """The statuses of all timers of an app: in memory and, with a folder (made when needed), beyond the process."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._known: dict[str, TimerStatus] = {}

    def read(self, timer: str) -> TimerStatus | None:
        """The stored status; None when there is none or the file is damaged."""
        if timer in self._known or self._directory is None:
            return self._known.get(timer)
        try:
            return TimerStatus.from_json(json.loads(_path(self._directory, timer).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, timer: str, status: TimerStatus) -> None:
        """Replace the stored status as a whole: a crash leaves the old one or the new one."""
        self._known[timer] = status
        if self._directory is None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        path = _path(self._directory, timer)
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(status.to_json()), encoding="utf-8")
        os.replace(unfinished, path)


def _path(directory: Path, timer: str) -> Path:
    return directory / f"{timer}.json"
