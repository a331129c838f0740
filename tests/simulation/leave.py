"""What people have asked for, and what it may cost until it is done: whose data gives way, what is made or deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.core.jobs import JobStatus
from shared.core.sides import Side

if TYPE_CHECKING:
    from tests.simulation.hosts import Host

LANDS_WITHIN = 450.0  # seconds after its job has ended in which a write that was not answered may still be done
_LOSSES = ("failed", "skipped")


@dataclass(eq=False)
class Asked:
    """A request of a person, who has a `label` of their own: so the jobs that come of it are known whatever happens.

    `now` tells the time in seconds and the number of the last edit, `answered` that number when its answer came,
    which `is_certain` when it says what was stored; `ended` are both when its last job ended, `seen`
    both when the records were looked at that it is about, where that was before. `done` is called once, as
    soon as all its jobs have ended and every record was done.
    """

    label: str
    host: Host
    now: Callable[[], tuple[float, int]]
    answered: int | None = None
    is_certain: bool = False
    jobs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    ended: tuple[float, int] | None = None
    seen: tuple[float, int] | None = None
    done: Callable[[Asked], None] | None = None

    def __post_init__(self) -> None:
        """The number of the last edit when it was sent."""
        self.edits = self.now()[1]

    def saw(self, job: str, body: Mapping[str, Any]) -> None:
        """A job of it was stored. Raises Broken when it has not done what it says."""
        self.jobs[job] = body
        if all(JobStatus(each["status"]).ended for each in self.jobs.values()):
            self.ended = self.now()
        if self.done is not None and self._is_done():
            done, self.done = self.done, None
            done(self)

    def is_on(self) -> bool:
        """Whether something may still be done for it: by the instance that was asked, or by its jobs."""
        is_asking = self.answered is None and self.host.alive
        return is_asking or any(not JobStatus(body["status"]).ended for body in self.jobs.values())

    def may_come(self) -> bool:
        """Whether a task may be stored of which nobody knows: the request has failed on its way, or is on it."""
        return not self.is_certain or self.may_land()

    def may_land(self) -> bool:
        """Whether something is done for it, or what it has sent may still arrive."""
        return self.is_on() or (self.ended is not None and self.now()[0] <= self.ended[0] + LANDS_WITHIN)

    def _is_done(self) -> bool:
        return all(
            body["status"] == JobStatus.SUCCEEDED and not any(body["counters"][name] for name in _LOSSES)
            for body in self.jobs.values()
        )


@dataclass(frozen=True, slots=True)
class Leave:
    """Until what was `asked` for is done, edits on `side` may be overwritten: of the records with these tags, or all of
    the kind; in the fields of these names, or in all of them.

    `deletes`: the record on `side` may be deleted, unless somebody edits it after the answer. `in_conflicts`: only
    where the other side was edited, too. `makes`: the record may be created on `side` (where people couple by hand).
    """

    asked: Asked
    kind: str
    side: Side
    tags: Set[str] | None = None
    names: Set[str] | None = None
    in_conflicts: bool = False
    deletes: bool = False
    makes: bool = False

    def covers(self, kind: str, tag: str, side: Side) -> bool:
        """Whether it is about this record, and still good."""
        is_meant = self.kind == kind and self.side is side and (self.tags is None or tag in self.tags)
        return is_meant and (self.asked.may_come() if self.makes else self.asked.may_land())

    def lets_overwrite(self, name: str, edit: int) -> bool:
        """Whether it is about this field, and an edit of this number: a write that lands late knows no later ones."""
        is_known = self.asked.is_on() or self.asked.ended is None or edit <= self.asked.ended[1]
        return is_known and not (self.deletes or self.makes) and (self.names is None or name in self.names)

    def lets_delete(self, edit: int) -> bool:
        """Whether a record whose last edit has this number may be deleted."""
        known = self.asked.seen[1] if self.asked.seen is not None else self.asked.answered
        return self.deletes and (known is None or edit <= known)
