"""Counters of what clients asked of a simulator."""

from __future__ import annotations

from collections import Counter

CUT = 0
"""The status under which a request is counted whose connection was cut without an answer."""


class Statistics:
    """What `GET /_simulator/stats` answers. Control requests are not counted."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again from zero."""
        self._by_route: Counter[str] = Counter()
        self._operations_by_route: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._refusals_by_code: Counter[str] = Counter()
        self._writes = 0
        self._received = 0
        self._sent = 0

    def request(self, method: str, route: str, status: int, received: int, sent: int) -> None:
        """Count one HTTP request; `received` and `sent` are the sizes of its bodies in bytes."""
        self._by_route[f"{method} {route}"] += 1
        self._received += received
        self._sent += sent
        self._count_refusal(status)

    def operation(self, method: str, route: str, status: int) -> None:
        """Count one operation inside a `$batch`, or one target of a bulk message."""
        self._operations_by_route[f"{method} {route}"] += 1
        self._count_refusal(status)

    def wrote(self, records: int = 1) -> None:
        """Count records that a client created, updated or deleted."""
        self._writes += records

    def refused(self, code: str) -> None:
        """Count a refusal under the code in its body."""
        self._refusals_by_code[code] += 1

    def _count_refusal(self, status: int) -> None:
        if status == CUT or status >= 400:
            self._refusals["cut" if status == CUT else str(status)] += 1

    def snapshot(self) -> dict[str, object]:
        """Answer the counters as JSON values."""
        return {
            "requests": self._by_route.total(),
            "by_route": dict(self._by_route),
            "operations": self._operations_by_route.total(),
            "operations_by_route": dict(self._operations_by_route),
            "writes": self._writes,
            "bytes_received": self._received,
            "bytes_sent": self._sent,
            "refusals": dict(self._refusals),
            "refusals_by_code": dict(self._refusals_by_code),
        }
