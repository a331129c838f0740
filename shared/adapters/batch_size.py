"""How many operations one request should carry: as many as the service answers in good time."""

from __future__ import annotations

LIVELY = 30.0  # seconds: a batch answered within them may become twice as large, and stays clear of every time-out


class BatchSize:
    """A size that learns from answers, between `least` and `most`, the service's own limit.

    What is learned counts from the operations that were sent, so several batches that fail or succeed at once move
    the size by one step only, and a small batch says nothing about large ones.
    """

    def __init__(self, first: int, most: int, least: int = 10) -> None:
        self._least = least
        self._most = most
        self.now = min(first, most)

    def answered(self, operations: int, seconds: float) -> None:
        """So many operations were answered in that time."""
        if seconds <= LIVELY:
            self.now = min(self._most, max(self.now, 2 * min(self.now, operations)))

    def too_much(self, operations: int) -> None:
        """So many timed out, were too long, or used up the time that the service grants its callers."""
        self.now = max(self._least, min(self.now, operations // 2))
