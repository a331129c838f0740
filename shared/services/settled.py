"""One pair on its way through a chunk: what was decided, what has become of it, and what is to be stored."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.core.actions import Action, Change, Hold, Make
from shared.core.coupling import Attempt, Coupling
from shared.core.damage import Damage
from shared.core.history import Difference
from shared.core.outcome import Outcome
from shared.core.reasons import Reason
from shared.core.records import Record, Refused
from shared.core.sides import Side
from shared.services.create import Creation
from shared.services.pass_context import Pair
from shared.services.repositories.coupling_documents import Intent


@dataclass(slots=True, eq=False)
class Settled:
    """A pair, its action, and its outcome once there is one.

    `written` are the sides written in this slice, `landed` the rows as this round's writes left them, `again` the sides
    that moved under our feet, `held` the first refusal. `earlier` is what a slice before has sent and may still land,
    less the sides that have moved since. `is_attempted` says that its coupling, as it stands in memory, is announced
    but not stored. `is_cut` marks a pair whose turn did not come before time was up: the next slice decides it anew.
    `kept`, `added`, `removed` and `doubt` are what is stored of it in the end. `changes` are the columns that were
    written, by side and name, for its history, and `rule` is why.
    """

    pair: Pair
    action: Action | None = None
    outcome: Outcome | None = None
    creation: Creation | None = None
    damage: Damage = field(default_factory=Damage)
    written: set[Side] = field(default_factory=set)
    landed: dict[Side, Record] = field(default_factory=dict)
    again: set[Side] = field(default_factory=set)
    earlier: Attempt | None = None
    held: Hold | None = None
    refused: Refused | None = None
    in_doubt: bool = False
    is_attempted: bool = False
    is_cut: bool = False
    kept: Coupling | None = None
    added: Coupling | None = None
    removed: Coupling | None = None
    doubt: Intent | None = None
    changes: dict[tuple[Side, str], Difference] = field(default_factory=dict)
    rule: Reason | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits for its outcome."""
        return self.outcome is None and not self.is_cut

    def makes_on(self, side: Side) -> bool:
        """Whether a record is to be created on `side`."""
        return isinstance(self.action, Make) and self.action.side is side

    def changes_on(self, side: Side) -> bool:
        """Whether columns are to be written on `side`."""
        return isinstance(self.action, Change) and side in self.action.writes

    def finish(self, *, held: Hold | None = None, created: Side | None = None) -> None:
        """The last word on this pair."""
        assert self.action is not None
        seen = frozenset(side for side in Side if self.pair.present(side))
        self.outcome = Outcome(self.action, seen, self.written, held, self.pair.coupled_now, created)
