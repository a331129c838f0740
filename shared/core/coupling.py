"""A coupling: which two records are the same thing, and what both held when they last agreed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Values


@dataclass(frozen=True, slots=True)
class CoupledRecord:
    """One end of a coupling.

    `base` holds the values of the mapped columns on which both sides last agreed, None before the first
    synchronization. `etag` is the version that is known to hold just these values; None when no such version is known:
    version and content are stored together or not at all. `number` and `title` are for people. `outside` is whether
    the record was outside the mapping's filter when it was last read. `modified_at` is the service's time of the newest
    version seen: a replica that shows an older one has not caught up.
    """

    id: str
    base: Values | None = None
    etag: str | None = None
    number: str | None = None
    title: str | None = None
    outside: bool = False
    modified_at: datetime | None = None

    def is_newer_than(self, record: Record) -> bool:
        """Whether a version newer than this reading was seen before."""
        known, read = self.modified_at, record.modified_at
        return known is not None and read is not None and read < known


@dataclass(frozen=True, slots=True)
class Attempt:
    """Writes about to be sent: `writes` by the side written to, and the `base` of both sides once they have landed.

    It is stored before the first write and removed after the last. If the answer is lost in between, a later run tells
    by the content what landed: that was our edit and nobody else's. `begun_at` tells when it can no longer land.
    """

    writes: Mapping[Side, Values]
    base: Mapping[Side, Values]
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class Coupling:
    """A coupled pair. `synchronized_at` is when both sides last agreed, None before that. `coupled_by` is the person or
    key that asked for the coupling, or for the run that made it; empty for the timer.

    `version` is the stored document's, None before it is stored: a change names the one it was decided on. `history` is
    what was done to the pair so far, as text that `core.history` reads.
    """

    business_central: CoupledRecord
    dataverse: CoupledRecord
    coupled_at: datetime
    synchronized_at: datetime | None = None
    attempt: Attempt | None = None
    version: str | None = field(default=None, compare=False)
    coupled_by: str = ""
    history: str = field(default="", repr=False)

    def at(self, side: Side) -> CoupledRecord:
        """The end on `side`."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    def with_end(self, side: Side, end: CoupledRecord) -> Coupling:
        """The same coupling with another end on `side`."""
        if side is Side.BUSINESS_CENTRAL:
            return replace(self, business_central=end)
        return replace(self, dataverse=end)

    def agreed(self, business_central: CoupledRecord, dataverse: CoupledRecord, now: datetime) -> Coupling:
        """The coupling once both sides agree on what these ends say; nothing is on its way then."""
        return Coupling(
            business_central, dataverse, self.coupled_at, now, None, self.version, self.coupled_by, self.history
        )

    def attempting(self, writes: Mapping[Side, Values], after: Coupling, now: datetime) -> Coupling:
        """The coupling while these writes are on their way to `after`: no version is known to hold the base."""
        base = {side: after.at(side).base or {} for side in Side}
        return replace(self.unsure(), attempt=Attempt(writes, base, now))

    def unsure(self) -> Coupling:
        """The coupling without known versions: both sides will be read before anything is decided."""
        ends = (replace(self.at(side), etag=None) for side in Side)
        return replace(self, business_central=next(ends), dataverse=next(ends), attempt=None)


def coupling_of(ends: dict[Side, CoupledRecord], coupled_at: datetime, coupled_by: str = "") -> Coupling:
    """A new coupling of two records."""
    return Coupling(ends[Side.BUSINESS_CENTRAL], ends[Side.DATAVERSE], coupled_at, coupled_by=coupled_by)
