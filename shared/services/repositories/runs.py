"""Where each mapping stands: how far its feeds are read, which run is on, and when the next is due.

The state of a mapping and its runs lie in one partition, so that a checkpoint moves both or neither.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from shared.core.damage import Damage
from shared.core.full_run import FullRun
from shared.core.jobs import Counters, JobStatus, RunKind, Trigger
from shared.core.schedule import Pause
from shared.core.sides import Side
from shared.ports import Insert, Put, StateChange, StateRow, StateStore
from shared.services.repositories.documents import Shape

TABLE = "runs"
STATE = "state"
JOURNAL = "journal|"
PART = "part|"


@dataclass(slots=True)
class MappingState:
    """How far a mapping has come.

    `positions` are the feeds' positions by side; `signature` is the configuration they were read under: when it
    changes the feeds start over. `queued` is a synchronization that waits, `active` the one that is on; `waiting` are
    the tasks that have not ended, which take turns with it slice by slice. `last_coupled_at` releases
    the records of other mappings that wait for a parent here. `coupled` counts the couplings. Deletions in Business
    Central are looked for at `next_sweep_at`, in Dataverse when its feed had to start over. `epoch` grows with every
    delivery of a message that is worked on: who finds another one than its own has lost the mapping to somebody else.
    `milestones` part the couplings into lanes of about the same length (see CouplingRepository). `sweeps_asked` beyond
    `sweeps_done`: deletions are looked for on both sides in the next run. A mapping on hold due to inactivity has
    `inactive_since` and `inactive_until`; `next_due_at` is then when it is looked at at the latest, and `counted`,
    where it is known, how many BC records there are since. `failures` are the
    failed runs in a row, `failure_code` the code of the last one. `trouble` is why the present run was put off,
    `troubled_since` since when it has not come on.
    """

    mapping: str
    signature: str = ""
    positions: dict[Side, str | None] = field(default_factory=dict)
    queued: str | None = None
    active: str | None = None
    waiting: list[str] = field(default_factory=list)
    next_due_at: datetime | None = None
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_coupled_at: datetime | None = None
    coupled: int = 0
    next_sweep_at: datetime | None = None
    sweep_dataverse: bool = False
    guard_released: bool = False
    last_message: str = ""
    epoch: int = 0
    milestones: list[str] = field(default_factory=list)
    sweeps_asked: int = 0
    sweeps_done: int = 0
    inactive_since: datetime | None = None
    inactive_until: datetime | None = None
    counted: int | None = None
    failures: int = 0
    failure_code: str = ""
    trouble: str = ""
    troubled_since: datetime | None = None
    pause: Pause | None = None
    etag: str | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended. It is stored with the run, and then copied to its jobs."""

    status: JobStatus
    at: datetime
    message: str = ""


@dataclass(slots=True)
class Run:
    """One run of one mapping: its jobs by source side, which slice is next, and which feeds are read to their end.

    `touched_at` moves with every checkpoint; `retried` says whether the open work items were taken along. `delays`
    counts how often it was put off, `setbacks` how often because a service was busy or the host had died. `counters`
    and `messages` are those of the jobs, by source side: they move with the checkpoints, and the jobs follow. `note`
    says why the run was put off. `task` is what a task has to do and how far it has come, as its kind stores it; both
    sides may share one job. A `full` synchronization begins the feeds anew, which it `began` to do; `tries` counts how
    often it came back for what a busy service had refused. `unsettled` counts the records that hold something else
    than was written; for these it reads on, so many `rounds`, and `before_round` are the counters as the last began.
    """

    id: str
    mapping: str
    trigger: Trigger
    jobs: dict[Side, str]
    requested_at: datetime
    touched_at: datetime
    requested_by: str = ""
    started_at: datetime | None = None
    slice: int = 0
    finished_feeds: list[Side] = field(default_factory=list)
    retried: bool = False
    damage: Damage = field(default_factory=Damage)
    delays: int = 0
    setbacks: int = 0
    counters: dict[Side, Counters] = field(default_factory=dict)
    messages: dict[Side, dict[str, int]] = field(default_factory=dict)
    pages: int = 0
    note: str = ""
    ended: bool = False
    ending: Ending | None = None
    kind: RunKind = RunKind.SYNCHRONIZE
    task: dict[str, Any] = field(default_factory=dict)
    full: FullRun | None = None
    began: bool = False
    tries: int = 0
    unsettled: int = 0
    rounds: int = 0
    before_round: dict[Side, Counters] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the list that a task works off: a document holds so many."""

    items: list[Any]


MAPPING_STATE = Shape(MappingState, "mapping state")
RUN = Shape(Run, "run")
PARTS = Shape(Part, "list of a task")


def part_key(run_id: str, number: int) -> str:
    """Where the `number`-th part of a task's list is stored."""
    return f"{PART}{run_id}|{number:05d}"


def run_of_part(key: str) -> str:
    """The run whose list a document is a part of; empty when it is no such part."""
    return key.removeprefix(PART).partition("|")[0] if key.startswith(PART) else ""


class RunRepository:
    """The state and the runs of one mapping."""

    def __init__(self, state: StateStore, connection: str, mapping: str) -> None:
        self._state = state
        self._partition = f"{connection}|{mapping}"
        self._mapping = mapping

    async def state(self) -> MappingState:
        """How far the mapping has come; a new one has come nowhere."""
        return self._state_of(await self._state.get(TABLE, self._partition, STATE))

    async def get(self, run_id: str) -> Run | None:
        """One run."""
        row = await self._state.get(TABLE, self._partition, run_id)
        return RUN.unpack(row.body) if row else None

    async def standing(self, run_id: str) -> tuple[MappingState, Run | None, str | None]:
        """The state and one run, read at once, and the run's version.

        Either may be older than the other: who changes the run has to name its version.
        """
        rows = await self._state.get_many(TABLE, self._partition, [STATE, run_id])
        state, run = rows.get(STATE), rows.get(run_id)
        return self._state_of(state), RUN.unpack(run.body) if run else None, run.etag if run else None

    async def journal(self) -> list[StateRow]:
        """What was about to be written when a host died, oldest first; none when all went well."""
        rows: list[StateRow] = []
        while page := await self._state.scan(
            TABLE, self._partition, prefix=JOURNAL, after=rows[-1].key if rows else None
        ):
            rows += page
        return rows

    async def part(self, run_id: str, number: int) -> list[Any]:
        """The `number`-th part of the list that a task works off; none when there is no such part."""
        row = await self._state.get(TABLE, self._partition, part_key(run_id, number))
        return PARTS.unpack(row.body).items if row else []

    async def part_keys(self, run_id: str) -> list[str]:
        """The keys of all parts of a task's list."""
        rows = await self._state.scan(TABLE, self._partition, prefix=f"{PART}{run_id}|")
        return [row.key for row in rows]

    async def put(self, changes: Sequence[StateChange]) -> None:
        """Store documents beside the state that nobody refers to yet."""
        await self._state.transact(TABLE, self._partition, changes)

    async def save(
        self,
        state: MappingState,
        runs: Sequence[Run] = (),
        also: Sequence[StateChange] = (),
        versions: Mapping[str, str] | None = None,
    ) -> None:
        """Store the state, if nobody else did since it was read, and with it these runs and changes of the journal.

        `versions` are those of runs that were not read after the state. Raises StateConflict.
        """
        known = versions or {}
        body = MAPPING_STATE.pack(state)
        changes: list[StateChange] = [
            Insert(STATE, body) if state.etag is None else Put(STATE, body, state.etag),
            *also,
        ]
        changes += [Put(run.id, RUN.pack(run), known.get(run.id)) for run in runs]
        etags = await self._state.transact(TABLE, self._partition, changes)
        state.etag = etags[STATE]

    def _state_of(self, row: StateRow | None) -> MappingState:
        return replace(MAPPING_STATE.unpack(row.body), etag=row.etag) if row else MappingState(self._mapping)
