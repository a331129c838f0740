"""What each kind of task has to do and how far it has come, as it is stored with its run."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.core.coupling_requests import AfterCoupling, CoupleRequest
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.repositories.documents import Shape

type Place = tuple[int, int]
"""Where an item stands in the list of a task: in which part, and where in it."""


@dataclass(frozen=True, slots=True)
class PairToCouple:
    """One pair of a couple task's list.

    With `match` the record that is created anew is first looked for by the match fields, as in a synchronization.
    """

    business_central: str | None
    dataverse: str | None
    create_new: bool = False
    synchronize: AfterCoupling = AfterCoupling.NO
    replace: bool = False
    match: bool = False

    @property
    def request(self) -> CoupleRequest:
        """The request as the core decides it."""
        return CoupleRequest(
            self.business_central, self.dataverse, self.create_new, self.synchronize, replace=self.replace
        )


@dataclass(slots=True)
class CoupleTask:
    """Couple the pairs of the list: part by part, first what exists, then synchronize it, then create what is missing.

    `part` is the next one. `begun` counts, for each pair that is being coupled or created, the couplings it takes the
    place of. `to_synchronize` and `to_create` (by the side to create on) are what is left to be done of the parts so
    far. `left` are those to be tried again because a service was busy, once it has been `waited` for.
    """

    part: int = 0
    begun: dict[str, int] = field(default_factory=dict)
    to_synchronize: list[Place] = field(default_factory=list)
    to_create: dict[Side, list[Place]] = field(default_factory=dict)
    left: list[Place] = field(default_factory=list)
    waited: bool = False


@dataclass(slots=True)
class UncoupleTask:
    """Whose couplings go: those of the BC ids in the list, or all, or all whose record on `side` passes `filter`.

    `part` and `after` are how far it has come. `begun` are the pairs (BC id, Dataverse id) that are being uncoupled.
    """

    listed: bool
    filter: str = ""
    side: Side = Side.BUSINESS_CENTRAL
    part: int = 0
    after: str | None = None
    is_read: bool = False
    begun: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class SyncNowTask:
    """Synchronize the coupled BC records of the list; of `several` without a look at each, only those that are safe.

    `part` is the next one, `todo` what is left to be done of those so far. `left` are the records to be tried again
    because a service was busy, once it has been `waited` for. `fields` are the sides whose values are used, by field;
    `solves_errors`: whoever asks has seen the errors of these records, so that they are skipped holds nothing up.
    """

    choice: SyncChoice
    several: bool
    part: int = 0
    todo: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    waited: bool = False
    fields: dict[str, Side] = field(default_factory=dict)
    solves_errors: bool = False


PAIR = Shape(PairToCouple, "pair to couple")
COUPLE = Shape(CoupleTask, "couple task")
UNCOUPLE = Shape(UncoupleTask, "uncouple task")
SYNC_NOW = Shape(SyncNowTask, "synchronize task")
