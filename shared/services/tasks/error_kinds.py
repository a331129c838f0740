"""What the tasks that solve errors have to do and how far they have come, as it is stored with their runs."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.core.sides import Side
from shared.services.repositories.documents import Shape

type PairIds = tuple[str, str]
"""The ids of a coupled pair: that of Business Central first."""


@dataclass(slots=True)
class RestoreTask:
    """Create the missing records of the pairs in the list anew.

    `part` is the next one, `begun` are the pairs that are being restored, `left` those to be tried again because a
    service was busy, once it has been `waited` for.
    """

    part: int = 0
    begun: list[PairIds] = field(default_factory=list)
    left: list[PairIds] = field(default_factory=list)
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Doomed:
    """A pair of which the record on side `survivor` is to be deleted, in the version `etag` (None: in any)."""

    business_central: str
    dataverse: str
    survivor: Side
    etag: str | None = None

    @property
    def ids(self) -> PairIds:
        """The ids of the pair."""
        return self.business_central, self.dataverse

    @property
    def record_id(self) -> str:
        """The record to be deleted."""
        return self.business_central if self.survivor is Side.BUSINESS_CENTRAL else self.dataverse


@dataclass(slots=True)
class DeleteTask:
    """Delete the surviving records of the pairs in the list, with their couplings; otherwise as RestoreTask."""

    part: int = 0
    begun: list[Doomed] = field(default_factory=list)
    left: list[Doomed] = field(default_factory=list)
    waited: bool = False


@dataclass(slots=True)
class FindDeletedTask:
    """Look for coupled records that were deleted: `is_read` once both sides have been compared with the couplings.

    Then `part` is the next one of what was found. `begun` are the pairs that are being marked as deletion conflicts,
    `ended` those of which both records are gone: their couplings are being deleted.
    """

    is_read: bool = False
    part: int = 0
    begun: list[PairIds] = field(default_factory=list)
    ended: list[PairIds] = field(default_factory=list)


RESTORE = Shape(RestoreTask, "restore task")
DOOMED = Shape(Doomed, "pair to delete")
DELETE = Shape(DeleteTask, "delete task")
FIND_DELETED = Shape(FindDeletedTask, "find-deleted task")
