"""Failures that end or delay a whole run, as opposed to one record's (`records.Refused`).

SyncFailure
 +- Passing          try again later: throttled beyond patience, time-out, service down
 +- NeedsPerson      token, permission, missing company or environment: nothing helps but a person
 +- FeedExpired      a stored feed position is no longer valid: read the feed from the start
"""

from __future__ import annotations

from shared.core.sides import Side


class SyncFailure(Exception):
    """The run cannot go on now. `code` is stable and meant for programs, the text for people."""

    def __init__(self, message: str, *, side: Side | None = None, code: str = "failure") -> None:
        super().__init__(message)
        self.side = side
        self.code = code


class Passing(SyncFailure):
    """The service is busy, throttling or not reachable; `retry_after` in seconds when it said so."""

    def __init__(
        self, message: str, *, side: Side | None = None, code: str = "passing", retry_after: float | None = None
    ) -> None:
        super().__init__(message, side=side, code=code)
        self.retry_after = retry_after


class NeedsPerson(SyncFailure):
    """A person has to act; the message says who lacks what and what to do."""


class FeedExpired(SyncFailure):
    """The service no longer accepts the stored position of a feed."""
