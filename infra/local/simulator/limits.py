"""Service protection: how much one caller may ask of the service within a sliding window."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from infra.local.simulator.wrong_body import WrongBodyError, a_number, a_whole_number, a_yes_or_no, known_fields

Kind = Literal["requests", "execution_time", "concurrency"]


@dataclass
class Limits:
    """The facets of service protection, per caller.

    `requests` and `execution_ms` (None: not limited) count within the last `window_seconds`. `concurrent` is how many
    requests may be under way at once, of which `processed` (None: all) are worked on while the others wait.
    """

    requests: int = 6000
    window_seconds: float = 300
    execution_ms: int | None = 1_200_000
    concurrent: int = 52
    processed: int | None = None
    enabled: bool = True


@dataclass(frozen=True)
class Refusal:
    """Why a request may not be served now, and in how many whole seconds it may be tried again."""

    kind: Kind
    retry_after: float


@dataclass(frozen=True)
class Remaining:
    """What a caller has left in the present window."""

    requests: int
    execution_seconds: float


class Allowance:
    """What one caller has used of the limits."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._starts: deque[float] = deque()
        self._ends: deque[tuple[float, float]] = deque()
        self._used_ms = 0.0
        self._under_way = 0
        self._pushes = 0

    def enter(self) -> Refusal | None:
        """Count a request as under way, or answer why it is refused. Refused requests use nothing up."""
        now = self._clock()
        self._forget(now - self._limits.window_seconds)
        if self._limits.enabled and (refusal := self._refusal(now)):
            self._pushes += 1
            return refusal
        self._pushes = 0
        self._starts.append(now)
        self._under_way += 1
        return None

    def leave(self, milliseconds: float) -> None:
        """Count a request as done, and its time as used."""
        self._under_way -= 1
        self._ends.append((self._clock(), milliseconds))
        self._used_ms += milliseconds

    @property
    def remaining(self) -> Remaining:
        """What the x-ms-ratelimit headers tell."""
        allowed = self._limits.execution_ms or 0
        return Remaining(max(0, self._limits.requests - len(self._starts)), max(0.0, (allowed - self._used_ms) / 1000))

    def _refusal(self, now: float) -> Refusal | None:
        limits = self._limits
        if self._under_way >= limits.concurrent:
            return Refusal("concurrency", 1 + min(self._pushes, limits.window_seconds))
        if len(self._starts) >= limits.requests:
            return Refusal("requests", self._wait(self._starts[0] if self._starts else now, now))
        if limits.execution_ms is not None and self._used_ms >= limits.execution_ms:
            return Refusal("execution_time", self._wait(self._ends[0][0] if self._ends else now, now))
        return None

    def _wait(self, oldest: float, now: float) -> float:
        """Whole seconds until the oldest use leaves the window: longer for who keeps pushing, never over a window."""
        window = self._limits.window_seconds
        seconds = math.ceil(oldest + window - now) + self._pushes
        return max(1, min(seconds, math.ceil(window)))

    def _forget(self, before: float) -> None:
        while self._starts and self._starts[0] <= before:
            self._starts.popleft()
        while self._ends and self._ends[0][0] <= before:
            self._used_ms -= self._ends.popleft()[1]


_FIELDS = {one.name for one in fields(Limits)}


def change(limits: Limits, body: Mapping[str, Any]) -> None:
    """Set the limits that `body` names; raises WrongBodyError and then changes nothing."""
    known_fields(body, _FIELDS, "limits.")
    for name, value in {name: _checked(name, value) for name, value in body.items()}.items():
        setattr(limits, name, value)


def _checked(name: str, value: object) -> object:
    where = f"limits.{name}"
    if name == "enabled":
        return a_yes_or_no(value, where)
    if name == "window_seconds":
        return a_number(value, where)
    if value is None:
        if name in ("execution_ms", "processed"):
            return None
        raise WrongBodyError(where, "must be a whole number")
    return a_whole_number(value, where, least=1 if name == "processed" else 0)
