"""How much of everything, and by which seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Plan:
    """One trial. All chance comes from the seed; the moments at which things meet do not, they are the machine's.

    `records` are there at first, half of them on each side, `newcomers` come later. The host lives for a time between
    `shortest_life` and `longest_life` (seconds) before it is killed. `settling` is how long all may take to come to
    rest in the end (seconds).
    """

    seed: int
    kills: int = 50
    records: int = 5000
    newcomers: int = 50
    edits_a_second: float = 20
    faults_a_second: float = 1
    shortest_life: float = 0.1
    longest_life: float = 4.0
    settling: float = 900

    @property
    def kills_at_first(self) -> int:
        """How many of the kills may happen during the first load; the others, and those left, come later."""
        return (self.kills + 1) // 2

    def chance(self, what: str) -> Random:
        """A source of chance for one purpose, which the other purposes do not disturb."""
        return Random(f"{self.seed} {what}")
