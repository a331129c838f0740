"""What the job log says, held against what happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from shared.core.effects import Effect
from shared.core.jobs import Counters, Job, JobStatus, JobType
from shared.core.preview import Planned
from shared.core.records import Create, Delete, Update, Write
from shared.core.sides import Side, direction_from
from shared.core.tables import Table
from shared.ports import Insert, Put, StateChange
from tests.simulation.hosts import Execution
from tests.simulation.kinds import KINDS, Kind
from tests.simulation.leave import Asked
from tests.simulation.ledger import Broken

_ENDED = {status.value for status in JobStatus if status.ended}


class JobWatch:
    """Sees every job as it is stored, and every slice that ended undisturbed."""

    def __init__(self) -> None:
        self.asked: dict[str, Asked] = {}
        self.shown: dict[str, list[Planned]] = {}
        self._callers: dict[str, tuple[str, str]] = {}
        self._ended: dict[str, dict[str, Any]] = {}
        self._begun: set[str] = set()
        self._endings: dict[str, Any] = {}
        self._in_work: defaultdict[str, list[Execution]] = defaultdict(list)
        self._surely: defaultdict[str, list[Execution]] = defaultdict(list)

    def stored(self, table: str, changes: Sequence[StateChange]) -> None:
        """A transaction was done. Raises Broken when a job or run that has ended changes once more."""
        for change in changes:
            if table == "runs" and isinstance(change, (Put, Insert)) and change.body.get("ended") is not None:
                self._check_run(change.key, change.body)
            if table == "jobs" and isinstance(change, (Put, Insert)):
                self._callers[change.body["run"]] = (change.body["type"], change.body["requested_by"])
                before = self._ended.get(change.key)
                if before is not None and before != dict(change.body):
                    told = {
                        name: (before[name], change.body[name]) for name in before if before[name] != change.body[name]
                    }
                    raise Broken("a job ends once", f"job {change.key} of {before['mapping']} changed: {told}")
                if (asked := self.asked.get(change.body["requested_by"])) is not None:
                    asked.saw(change.key, change.body)
                if change.body["status"] in _ENDED:
                    self._ended[change.key] = dict(change.body)

    def _check_run(self, key: str, body: Mapping[str, Any]) -> None:
        """A run that has ended keeps its ending."""
        ending = self._endings.get(key)
        if ending is not None and (not body["ended"] or body["ending"] != ending):
            raise Broken("a run ends once", f"run {key} of {body['mapping']} ended with {ending}, now {body['ending']}")
        if body["ended"]:
            self._endings[key] = body["ending"]

    def is_preview(self, run: str) -> bool:
        """Whether this run only looks."""
        return self._callers.get(run, ("", ""))[0] == JobType.PREVIEW

    def is_about_to_write(self, execution: Execution, table: Table, writes: Sequence[Write]) -> None:
        """A slice sends these writes. Raises Broken when it is to look only, or does what its preview has not shown.

        A create that was begun before is repeated under its id just as it was begun, for it may still land.
        """
        _, caller = self._callers.get(execution.run, ("", ""))
        if self.is_preview(execution.run):
            raise Broken("a preview writes nothing", f"{len(writes)} writes to {table.name}")
        new = [write for write in writes if not (isinstance(write, Create) and write.id in self._begun)]
        self._begun |= {write.id for write in writes if isinstance(write, Create) and write.id is not None}
        for write in new if caller in self.shown else ():
            if not any(_is_shown(one, table.side, write) for one in self.shown[caller]):
                raise Broken("only what was shown is done", f"{write} in {table.name}")

    def begins(self, execution: Execution) -> None:
        """A slice begins; one of the same mapping that is still in work has lost its right to count."""
        for other in self._in_work[execution.mapping]:
            other.disturbed = True
        self._in_work[execution.mapping].append(execution)

    def ended_well(self, execution: Execution) -> None:
        """A slice came to its end and had every answer: what it did must be counted."""
        if execution in self._in_work[execution.mapping]:
            self._in_work[execution.mapping].remove(execution)
            self._surely[execution.run].append(execution)

    def check(self, jobs: Sequence[Job], written: Counter[tuple[str, str]]) -> None:
        """Every job has ended, and its counters tell what was written.

        Of a slice that was killed, whose answers were lost, or that lost its session, nobody can know how much was
        counted: between nothing and all that it wrote. All the others count exactly. Raises Broken.
        """
        if unended := [f"{job.mapping} {job.status} {job.id}" for job in jobs if not job.status.ended]:
            raise Broken("every job ends", ", ".join(unended))
        for job in jobs:
            self._check_least(job)
        for kind in KINDS:
            for source in Side:
                mine = [job for job in jobs if job.mapping == kind.name and job.direction is direction_from(source)]
                table = kind.tables[source.other].name
                _check_most(mine, kind.name, written[table, "create"], written[table, "update"])
            _check_deleted([job for job in jobs if job.mapping == kind.name], kind, written)

    def _check_least(self, job: Job) -> None:
        for side in Side:
            if direction_from(side.other) is not job.direction:
                continue
            created = sum(len(each.created[side]) for each in self._surely[job.run])
            updated = sum(len(each.updated[side] - each.created[side]) for each in self._surely[job.run])
            if job.counters.inserted < created or job.counters.modified < updated:
                did = f"{created} were created and {updated} changed for certain"
                raise Broken("counters tell what happened", f"{job.mapping} to {side}: {did}, counted {job.counters}")


def _is_shown(plan: Planned, side: Side, write: Write) -> bool:
    """Whether a preview has shown this write: the record, the columns and the new values."""
    values = {one.column: one.new for one in plan.values if one.side is side}
    match write:
        case Create():
            return plan.side is side and plan.effect in (Effect.CREATE, Effect.RESTORE) and write.values == values
        case Update():
            return plan.ids[side] == write.id and all(
                name in values and values[name] == value for name, value in write.values.items()
            )
        case Delete():
            return plan.effect is Effect.DELETE and plan.side is side and plan.ids[side] == write.id


def _check_most(jobs: Sequence[Job], name: str, created: int, updated: int) -> None:
    total = Counters()
    for job in jobs:
        total.add(job.counters)
    if total.inserted > created or total.modified > updated:
        did = f"{created} were created and {updated} changed"
        raise Broken("counters tell what happened", f"{name}, all jobs: {did}, counted {total}")


def _check_deleted(jobs: Sequence[Job], kind: Kind, written: Counter[tuple[str, str]]) -> None:
    deleted = sum(written[table.name, "delete"] for table in kind.tables.values())
    if (counted := sum(job.counters.deleted for job in jobs)) > deleted:
        raise Broken("counters tell what happened", f"{kind.name}: {deleted} were deleted, counted {counted}")
