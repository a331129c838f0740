"""What can go wrong, where, and how often."""

from __future__ import annotations

import random
from collections.abc import Mapping, Set
from enum import StrEnum


class Fault(StrEnum):
    """One kind of bad luck."""

    # At any call of a port
    CRASH = "crash"  # the instance is killed; what is in flight may still arrive
    STALL = "stall"  # the instance freezes for a while: its locks run out, and then it goes on
    LOCK = "lock"  # the queue gives the session to somebody else while its holder goes on
    SLOW = "slow"  # the answer takes its time
    LOST_BEFORE = "lost-before"  # the call fails and nothing was done
    LOST_AFTER = "lost-after"  # it was done, and the call fails all the same
    THROTTLE = "throttle"  # 429 with Retry-After
    # At feeds
    STALE = "stale"  # Business Central's replica answers, which lags behind
    EXPIRE = "expire"  # Dataverse has forgotten what changed since
    # At writes of rows
    REFUSE = "refuse"  # one row is refused for good
    FORBID = "forbid"  # one row may not be written
    BUSY = "busy"  # one row is refused for now
    CUT = "cut"  # the service stops in the middle of a batch and says so
    UNKNOWN = "unknown"  # one row's answer is lost: it was done, or not
    IN_FLIGHT = "in-flight"  # one row's answer is lost, and it is done minutes later
    HALFWAY = "halfway"  # time passes in the middle of a batch
    RACE = "race"  # a person edits the record just before it is written
    # Around the calls
    OUTAGE = "outage"  # a service, storage or the queue is down for minutes
    TIMER = "timer"  # a tick is left out, or happens on two instances at once
    TWICE = "twice"  # a message comes again after it was done
    GONE = "gone"  # a message disappears
    SKEW = "skew"  # the instances' clocks are wrong
    LATE = "late"  # a Business Central edit becomes visible minutes after its time stamp


class Place(StrEnum):
    """Where a call goes, as far as it decides what can go wrong with it."""

    READ = "read"
    BC_FEED = "bc_feed"
    DV_FEED = "dv_feed"
    WRITE = "write"
    LOAD = "load"
    STORE = "store"
    SEND = "send"
    COMPLETE = "complete"


_ANYWHERE = {Fault.CRASH: 0.006, Fault.STALL: 0.004, Fault.LOCK: 0.006, Fault.SLOW: 0.03}
_ROWS = {**_ANYWHERE, Fault.LOST_BEFORE: 0.02, Fault.THROTTLE: 0.02}
# How often each fault happens at each place in a seed of ordinary luck.
CHANCES: Mapping[Place, Mapping[Fault, float]] = {
    Place.READ: _ROWS,
    Place.BC_FEED: {**_ROWS, Fault.STALE: 0.5},
    Place.DV_FEED: {**_ROWS, Fault.EXPIRE: 0.1},
    Place.WRITE: {
        **_ROWS,
        Fault.CRASH: 0.06,
        Fault.LOCK: 0.05,
        Fault.STALL: 0.05,
        Fault.LOST_AFTER: 0.1,
        Fault.REFUSE: 0.1,
        Fault.FORBID: 0.05,
        Fault.BUSY: 0.1,
        Fault.CUT: 0.1,
        Fault.UNKNOWN: 0.2,
        Fault.IN_FLIGHT: 0.2,
        Fault.HALFWAY: 0.2,
        Fault.RACE: 0.4,
    },
    Place.LOAD: {**_ANYWHERE, Fault.LOST_BEFORE: 0.004},
    Place.STORE: {**_ANYWHERE, Fault.CRASH: 0.015, Fault.LOST_BEFORE: 0.01, Fault.LOST_AFTER: 0.01},
    Place.SEND: {**_ANYWHERE, Fault.CRASH: 0.03, Fault.LOST_BEFORE: 0.05, Fault.LOST_AFTER: 0.05},
    Place.COMPLETE: {Fault.CRASH: 0.05, Fault.LOST_BEFORE: 0.1},
}


class Luck:
    """One seed's luck: which faults it knows and how often they strike."""

    def __init__(self, strengths: Mapping[Fault, float], spared: Set[Fault], chance: random.Random) -> None:
        """`strengths` are factors to CHANCES; a fault that is not named, or `spared`, never happens.

        Sparing a fault leaves all the others where they are.
        """
        self._chance = chance
        self._steps: dict[Place, list[tuple[float, Fault | None]]] = {}
        for place, chances in CHANCES.items():
            total, steps = 0.0, list[tuple[float, Fault | None]]()
            for fault, often in chances.items():
                total += often * strengths.get(fault, 0.0)
                steps.append((total, None if fault in spared else fault))
            self._steps[place] = steps

    def strike(self, place: Place) -> Fault | None:
        """What goes wrong with a call to this place."""
        drawn = self._chance.random()
        steps = self._steps[place]
        if drawn >= steps[-1][0]:
            return None
        return next(fault for reached, fault in steps if drawn < reached)
