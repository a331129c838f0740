"""Counters of what clients asked of a simulator."""

from __future__ import annotations

import time
from collections import Counter

from infra.local.simulator.service_time import Meter

CUT = 0
"""The status under which a request is counted whose connection was cut without an answer."""

_LATE_MS = 10.0
"""An answer is late when it comes so much after its stated time."""


class Statistics:
    """What `GET /_simulator/stats` answers. Control requests are not counted.

    Whether the stated latency was what a client really met: `late` counts the requests whose real work (or whose wait
    for the event loop) took longer than stated, `late_ms` by how much in all; `busy_ms` of `elapsed_ms` is the
    processor time of the whole process. `most_at_once` counts requests worked on, `most_waiting` those in line.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start again from zero."""
        self._by_route: Counter[str] = Counter()
        self._operations_by_route: Counter[str] = Counter()
        self._refusals: Counter[str] = Counter()
        self._refusals_by_code: Counter[str] = Counter()
        self._sums: Counter[str] = Counter()
        self._stated_ms = self._late_ms = 0.0
        self._most_at_once = self._most_waiting = 0
        self._since = time.monotonic(), time.process_time()

    def request(self, method: str, route: str, status: int, received: int, sent: int) -> None:
        """Count one HTTP request; `received` and `sent` are the sizes of its bodies in bytes."""
        self._by_route[f"{method} {route}"] += 1
        self._sums["bytes_received"] += received
        self._sums["bytes_sent"] += sent
        self._sums["throttled"] += status == 429
        self._count_refusal(status)

    def served(self, meter: Meter, stated_ms: float, late_ms: float) -> None:
        """Count what one request asked of the service, its stated time, and by how much it was missed."""
        self._sums["pages"] += meter.pages
        self._sums["rows_read"] += meter.rows_read
        self._stated_ms += stated_ms
        if late_ms > _LATE_MS:
            self._sums["late"] += 1
            self._late_ms += late_ms

    def operation(self, method: str, route: str, status: int, times: int = 1) -> None:
        """Count operations inside a `$batch`, or targets of a bulk message."""
        self._operations_by_route[f"{method} {route}"] += times
        self._count_refusal(status, times)

    def wrote(self, records: int = 1) -> None:
        """Count records that a client created, updated or deleted."""
        self._sums["writes"] += records

    def refused(self, code: str) -> None:
        """Count a refusal under the code in its body."""
        self._refusals_by_code[code] += 1

    def at_once(self, worked_on: int, waiting: int) -> None:
        """Take note of how many requests are worked on, and how many wait for a slot."""
        self._most_at_once = max(self._most_at_once, worked_on)
        self._most_waiting = max(self._most_waiting, waiting)

    def _count_refusal(self, status: int, times: int = 1) -> None:
        if status == CUT or status >= 400:
            self._refusals["cut" if status == CUT else str(status)] += times

    def snapshot(self) -> dict[str, object]:
        """Answer the counters as JSON values."""
        sums = ("writes", "pages", "rows_read", "bytes_received", "bytes_sent", "throttled", "late")
        since, busy_since = self._since
        return {
            "requests": self._by_route.total(),
            "by_route": dict(self._by_route),
            "operations": self._operations_by_route.total(),
            "operations_by_route": dict(self._operations_by_route),
            **{name: self._sums[name] for name in sums},
            "refusals": dict(self._refusals),
            "refusals_by_code": dict(self._refusals_by_code),
            "most_at_once": self._most_at_once,
            "most_waiting": self._most_waiting,
            "stated_ms": round(self._stated_ms, 1),
            "late_ms": round(self._late_ms, 1),
            "busy_ms": round((time.process_time() - busy_since) * 1000, 1),
            "elapsed_ms": round((time.monotonic() - since) * 1000, 1),
        }
