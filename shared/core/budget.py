"""Sharing what a service grants one application user among the instances of this app.

Business Central works on five requests of one user at a time and lets the others wait (page "Operational limits").
Dataverse names a parallelism for the user that parallel workers split between them (x-ms-dop-hint, page "Service
protection API limits"). A 429 concerns the user, hence every instance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
    """A sign of life: who, when, which accounts it works with, and until when it was told to pause on which.

    An account is a user of a service, as its connector names it.
    """

    id: str
    seen_at: datetime
    accounts: tuple[str, ...] = ()
    paused_until: Mapping[str, datetime] = field(default_factory=dict)


def share_of(id: str, account: str, instances: Iterable[Instance], now: datetime) -> Share:
    """The share of the instance `id` in what the account is granted; it works with it whatever the signs say."""
    alive = {one.id for one in instances if account in one.accounts and now - one.seen_at < ALIVE_FOR}
    ranked = sorted(alive | {id})
    return Share(ranked.index(id), len(ranked))


def pause_of(account: str, instances: Iterable[Instance], now: datetime) -> datetime | None:
    """Until when nobody may ask the service: the longest pause that is not over, also one that a dead one was told."""
    pauses = [one.paused_until[account] for one in instances if account in one.paused_until]
    return max((until for until in pauses if until > now), default=None)


def forgotten(instances: Iterable[Instance], now: datetime) -> list[str]:
    """The instances of which nothing is to be known any more."""
    return [one.id for one in instances if now - one.seen_at > FORGOTTEN_AFTER]
