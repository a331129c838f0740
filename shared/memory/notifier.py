"""Where the app tells people what needs them, in memory: `ports.Notifier`."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.core.failures import SyncFailure
from shared.core.notifications import Card


@dataclass
class MemoryNotifier:
    """Keeps the `cards` that it was given. While `failure` is set nothing arrives; `tries` counts all calls."""

    cards: list[Card] = field(default_factory=list)
    failure: SyncFailure | None = None
    tries: int = 0

    async def send(self, card: Card) -> None:
        """See Notifier."""
        self.tries += 1
        if self.failure is not None:
            raise self.failure
        self.cards.append(card)

    async def aclose(self) -> None:
        """Nothing to close."""
