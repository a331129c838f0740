"""What people have asked for, and what it may cost until it is done: whose data gives way, and what is deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.core.jobs import JobStatus
from shared.core.sides import Side

if TYPE_CHECKING:
    from tests.simulation.hosts import Host

_LOSSES = ("failed", "skipped")


@dataclass(eq=False)
class Asked:
    """A request of a person, who has a `label` of their own: so the jobs that come of it are known whatever happens.

    `edits` is the number of the last edit when it was sent, `answered` when its answer came,
    which `is_certain` when it says what was stored; `done` is called once, as
    soon as all its jobs have ended and every record was done.
    """

    label: str
    host: Host
    edits: int
    answered: int | None = None
    is_certain: bool = False
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    done: Callable[[Asked], None] | None = None

    def saw(self, job: str, body: Mapping[str, Any]) -> None:
        """A job of it was stored. Raises Broken when it has not done what it says."""
        self.jobs[job] = body
        if self.done is not None and self._is_done():
            done, self.done = self.done, None
            done(self)

    def is_on(self) -> bool:
        """Whether something may still be done for it: by the instance that was asked, or by its jobs."""
        is_asking = self.answered is None and self.host.alive
        return is_asking or any(not JobStatus(body["status"]).ended for body in self.jobs.values())

    def may_come(self) -> bool:
        """Whether a task may be stored of which nobody knows: the request has failed on its way, or is on it."""
        return not self.is_certain or self.is_on()

    def _is_done(self) -> bool:
        return all(
            body["status"] == JobStatus.SUCCEEDED and not any(body["counters"][name] for name in _LOSSES)
            for body in self.jobs.values()
        )


@dataclass(frozen=True, slots=True)
class Leave:
    """While it `holds`, edits on `side` may be overwritten: of the records with these tags, or all of the kind; in the
    fields of these names, or in all of them.

    `deletes`: the record on `side` may be deleted, unless somebody edits it after `last_edit`. `in_conflicts`: only
    where the other side was edited, too. `makes`: the record may be created on `side` (where people couple by hand).
    """

    kind: str
    side: Side
    holds: Callable[[], bool]
    tags: Set[str] | None = None
    names: Set[str] | None = None
    in_conflicts: bool = False
    deletes: bool = False
    makes: bool = False
    last_edit: Callable[[], int | None] = lambda: None

    def covers(self, kind: str, tag: str, side: Side) -> bool:
        """Whether it is about this record, and still good."""
        is_meant = self.kind == kind and self.side is side and (self.tags is None or tag in self.tags)
        return is_meant and self.holds()

    def lets_overwrite(self, name: str) -> bool:
        """Whether it is about this field."""
        return not (self.deletes or self.makes) and (self.names is None or name in self.names)
