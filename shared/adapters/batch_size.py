"""How many operations one request should carry: as many as the service answers in good time."""

from __future__ import annotations

from math import ceil

LIVELY = 30.0  # seconds: a batch answered within them may become twice as large, and stays clear of every time-out
TRIALS = 16  # batches: so many may be under way before the first is answered, and no luck shall decide how many


class BatchSize:
    """A size that learns from answers, between `least` and `most`, the service's own limit.

    What is learned counts from the operations that were sent, so several batches that fail or succeed at once move
    the size by one step only, and a small batch says nothing about large ones.
    """

    def __init__(self, first: int, most: int, least: int = 10) -> None:
        self._least = least
        self._most = most
        self._first = self._learned = min(first, most)
        self._trials = 0

    @property
    def now(self) -> int:
        """So many operations a batch should carry; larger ones than the first only after some of those."""
        return self._learned if self._trials >= TRIALS else min(self._first, self._learned)

    def for_next(self, operations: int) -> int:
        """The size of the batches in which so many operations are about to be sent."""
        size = self.now
        if operations > size:
            self._trials += ceil(operations / size)
        return size

    def answered(self, operations: int, seconds: float) -> None:
        """So many operations were answered in that time."""
        if seconds <= LIVELY:
            self._learned = min(self._most, max(self._learned, 2 * min(self._learned, operations)))

    def too_much(self, operations: int) -> None:
        """So many timed out, were too long, or used up the time that the service grants its callers."""
        self._learned = max(self._least, min(self._learned, operations // 2))
