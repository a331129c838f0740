"""Sharing what a service grants one application user among the instances of this app.

Business Central works on five requests of one user at a time and lets the others wait (page "Operational limits").
Dataverse names a parallelism for the user that parallel workers split between them (x-ms-dop-hint, page "Service
protection API limits"). A 429 concerns the user, hence every instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.core.sides import Side

REFRESH_EVERY = timedelta(seconds=20)
ALIVE_FOR = timedelta(seconds=90)  # without a sign of life: several signs may get lost
FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Share:
    """What one of `instances` may take, the `rank`-th of them counted from 0."""

    rank: int = 0
    instances: int = 1

    def of(self, lanes: int) -> int:
        """How many of so many lanes: an equal part, at least one; the first ones take what is left over."""
        part, left_over = divmod(lanes, self.instances)
        return max(1, part + (self.rank < left_over))


WHOLE = Share()


@dataclass(frozen=True, slots=True)
class Instance:
    """A sign of life: who, when, and until when which service has told it to pause."""

    id: str
    seen_at: datetime
    paused_until: Mapping[Side, datetime] = field(default_factory=dict)


def share_of(id: str, instances: Iterable[Instance], now: datetime) -> Share:
    """The share of the instance `id`, which is alive whatever the signs say."""
    alive = sorted({one.id for one in instances if now - one.seen_at < ALIVE_FOR} | {id})
    return Share(alive.index(id), len(alive))


def pause_of(side: Side, instances: Iterable[Instance], now: datetime) -> datetime | None:
    """Until when nobody may ask the service: the longest pause that is not over, also one that a dead one was told."""
    pauses = [one.paused_until[side] for one in instances if side in one.paused_until]
    return max((until for until in pauses if until > now), default=None)


def forgotten(instances: Iterable[Instance], now: datetime) -> list[str]:
    """The instances of which nothing is to be known any more."""
    return [one.id for one in instances if now - one.seen_at > FORGOTTEN_AFTER]
