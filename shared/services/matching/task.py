"""Match-based coupling as a task: what it has to do and how far it has come, as it is stored with its run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.core.mapping import Mapping as TableMapping
from shared.core.match_report import MatchOptions
from shared.core.sides import Direction
from shared.core.sync_choice import SyncChoice
from shared.services.forms.matching import MatchRequest
from shared.services.repositories.documents import Shape


@dataclass(slots=True)
class MatchTask:
    """The request as it was made, in JSON; then the plan is the task's list, and `part` the next part of it.

    An item of the list is a pair (BC id, row id, group) or, alone, the BC id of a record for which a row is created;
    `open` of them are still to be worked off (the list may be longer: what an earlier plan has left). `now` are the BC
    ids of those that are being synchronized or created, `left` of those that come once more at the end because a
    service was busy or time was up.
    """

    form: dict[str, Any]
    is_planned: bool = False
    part: int = 0
    open: int = 0
    now: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def request(self) -> MatchRequest:
        """The request."""
        return MatchRequest.model_validate(self.form)

    @property
    def options(self) -> MatchOptions:
        """What follows on matching."""
        asked = self.request
        return MatchOptions(asked.create_new, asked.synchronize_after_coupling, asked.resolve_update_conflicts)

    def choice(self, mapping: TableMapping) -> SyncChoice | None:
        """How the coupled pairs are synchronized; None when they are not."""
        direction = self.options.direction(mapping)
        return None if direction is None else _CHOICES[direction]


_CHOICES = {
    Direction.BIDIRECTIONAL: SyncChoice.MERGE,
    Direction.TO_INTEGRATION_TABLE: SyncChoice.SEND,
    Direction.FROM_INTEGRATION_TABLE: SyncChoice.GET,
}

MATCH = Shape(MatchTask, "match task")
