"""One piece of writing: the database, the clock and the switches, and the few ways in which a row may change."""

from __future__ import annotations

import itertools
import secrets
from dataclasses import dataclass, field

from infra.local.business_central.database import Database, Record
from infra.local.business_central.schema import ENTITY_SETS, EntitySet
from infra.local.business_central.switches import Switches
from infra.local.business_central.values import Clock

LAST_CHANGE = "lastModifiedDateTime"


class Identifiers:
    """Gives ids in the way of SQL Server's sequential ones: they rise in their first part."""

    def __init__(self) -> None:
        self._counter = itertools.count(secrets.randbits(28))
        self._rest = f"{secrets.randbits(16):04x}-f011-{secrets.randbits(14) | 0x8000:04x}-{secrets.randbits(48):012x}"

    def new(self) -> str:
        """A new id."""
        return f"{next(self._counter) & 0xFFFFFFFF:08x}-{self._rest}"


type Event = tuple[str, str, str, int]
"""A change: the set, what happened (created, updated, deleted), the id, and when."""


@dataclass
class Work:
    """What the rules work with.

    `as_given`: rows come as they are to be, so that no field changes another one (seed data). `as_person`: what the API
    page hides or computes may be set as well. `events` collects what subscribers are to be told.
    """

    database: Database
    clock: Clock
    switches: Switches
    identifiers: Identifiers
    local_currency: str
    as_given: bool = False
    as_person: bool = False
    events: list[Event] = field(default_factory=list)

    def store(self, entity_set: EntitySet, record: Record) -> None:
        """Store a new row; its time of change is now, unless seed data names another."""
        if LAST_CHANGE in record and not (
            self.as_given and record[LAST_CHANGE] != entity_set.properties[LAST_CHANGE].blank
        ):
            record[LAST_CHANGE] = self.clock.now()
        self.database.insert(entity_set.name, record)
        self.tell(entity_set, "created", record)

    def modify(self, entity_set: EntitySet, before: Record, after: Record, *, stamp: bool = False) -> bool:
        """Store what differs; the time of change moves when a stored field differs or `stamp` is set."""
        changed = {name for name in entity_set.properties if before[name] != after[name]} - {LAST_CHANGE}
        moves = stamp or any(not entity_set.properties[name].calculated for name in changed)
        if not changed and not moves:
            return False
        if moves and LAST_CHANGE in after:
            after[LAST_CHANGE] = self.clock.now()
            changed.add(LAST_CHANGE)
        self.database.update(entity_set.name, after, tuple(sorted(changed)))
        if moves:
            self.tell(entity_set, "updated", after)
        return moves

    def remove(self, entity_set: EntitySet, record: Record) -> None:
        """Delete a row."""
        self.database.delete(entity_set.name, record[entity_set.identity])
        self.tell(entity_set, "deleted", record)

    def tell(self, entity_set: EntitySet, change: str, record: Record) -> None:
        """Note a change for the subscriptions."""
        self.events.append((entity_set.name, change, str(record[entity_set.identity]), self.clock.now()))


CUSTOMERS = ENTITY_SETS["customers"]
VENDORS = ENTITY_SETS["vendors"]
CONTACTS = ENTITY_SETS["contacts"]
CURRENCIES = ENTITY_SETS["currencies"]
