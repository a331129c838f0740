"""What a run does that cannot be taken back; whether it is plausible says the guard."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Damage:
    """What a run does that cannot be taken back, in records."""

    uncoupled: int = 0
    restored: int = 0
    blanked: int = 0

    def __add__(self, other: Damage) -> Damage:
        """Both together."""
        return Damage(self.uncoupled + other.uncoupled, self.restored + other.restored, self.blanked + other.blanked)

    @property
    def records(self) -> int:
        """How many records are concerned."""
        return self.uncoupled + self.restored + self.blanked


NO_DAMAGE = Damage()
