"""What was worked out a moment ago: the next page of the same question need not work it out again."""

from __future__ import annotations

from datetime import datetime, timedelta

MOST = 2
KEPT_FOR = timedelta(minutes=5)


class Recent:
    """The last few results of one instance, by what was asked. Any of them may be missing at any time."""

    def __init__(self) -> None:
        self._kept: dict[object, tuple[datetime, object]] = {}

    def keep(self, asked: object, result: object, now: datetime) -> None:
        """Keep a result; the oldest gives way."""
        self._kept.pop(asked, None)
        self._kept[asked] = (now + KEPT_FOR, result)
        while len(self._kept) > MOST:
            del self._kept[next(iter(self._kept))]

    def find[T](self, asked: object, kind: type[T], now: datetime) -> T | None:
        """What was kept for this question, unless it has become too old."""
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > now}
        result = self._kept[asked][1] if asked in self._kept else None
        return result if isinstance(result, kind) else None
