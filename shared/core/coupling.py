"""A coupling: which two records are the same thing, and what both held when they last agreed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.sides import Side
from shared.core.tables import Values


@dataclass(frozen=True, slots=True)
class CoupledRecord:
    """One end of a coupling.

    `base` holds the values of the mapped columns on which both sides last agreed, None before the first
    synchronization. `etag` is the version last seen or written; None when it is not known. `number` and `title` are for
    people.
    """

    id: str
    base: Values | None = None
    etag: str | None = None
    number: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Coupling:
    """A coupled pair. `synchronized_at` is when both sides last agreed, None before that."""

    business_central: CoupledRecord
    dataverse: CoupledRecord
    coupled_at: datetime
    synchronized_at: datetime | None = None

    def at(self, side: Side) -> CoupledRecord:
        """The end on `side`."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    def with_end(self, side: Side, end: CoupledRecord) -> Coupling:
        """The same coupling with another end on `side`."""
        if side is Side.BUSINESS_CENTRAL:
            return replace(self, business_central=end)
        return replace(self, dataverse=end)


def coupling_of(ends: dict[Side, CoupledRecord], coupled_at: datetime) -> Coupling:
    """A new coupling of two records."""
    return Coupling(ends[Side.BUSINESS_CENTRAL], ends[Side.DATAVERSE], coupled_at)
