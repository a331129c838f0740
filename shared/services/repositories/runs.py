"""Where each mapping stands: how far its feeds are read, which run is on, and when the next is due.

The state of a mapping and its runs lie in one partition, so that a checkpoint moves both or neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.core.guard import Damage
from shared.core.jobs import Trigger
from shared.core.sides import Side
from shared.ports import Put, StateChange, StateStore
from shared.services.repositories.documents import Shape

TABLE = "runs"
STATE = "state"


@dataclass(slots=True)
class MappingState:
    """How far a mapping has come.

    `positions` are the feeds' positions by side; `signature` is the configuration they were read under: when it
    changes the feeds start over. `queued` is a run that waits, `active` the one that is on. `last_coupled_at` releases
    the records of other mappings that wait for a parent here. `coupled` counts the couplings. Deletions in Business
    Central are looked for at `next_sweep_at`, in Dataverse when its feed had to start over.
    """

    mapping: str
    signature: str = ""
    positions: dict[Side, str | None] = field(default_factory=dict)
    queued: str | None = None
    active: str | None = None
    next_due_at: datetime | None = None
    last_started_at: datetime | None = None
    last_finished_at: datetime | None = None
    last_coupled_at: datetime | None = None
    coupled: int = 0
    next_sweep_at: datetime | None = None
    sweep_dataverse: bool = False
    guard_released: bool = False
    last_message: str = ""
    etag: str | None = None


@dataclass(slots=True)
class Run:
    """One run of one mapping: its jobs by source side, which slice is next, and which feeds are read to their end.

    `touched_at` moves with every page; `retried` says whether the open work items were taken along. `delays` counts how
    often it was put off, `setbacks` how often because a service was busy or the host had died.
    """

    id: str
    mapping: str
    trigger: Trigger
    jobs: dict[Side, str]
    requested_at: datetime
    touched_at: datetime
    slice: int = 0
    finished_feeds: list[Side] = field(default_factory=list)
    retried: bool = False
    damage: Damage = field(default_factory=Damage)
    delays: int = 0
    setbacks: int = 0
    ended: bool = False


MAPPING_STATE = Shape(MappingState, "mapping state")
RUN = Shape(Run, "run")


class RunRepository:
    """The state and the runs of one mapping."""

    def __init__(self, state: StateStore, connection: str, mapping: str) -> None:
        self._state = state
        self._partition = f"{connection}|{mapping}"
        self._mapping = mapping

    async def state(self) -> MappingState:
        """How far the mapping has come; a new one has come nowhere."""
        row = await self._state.get(TABLE, self._partition, STATE)
        return replace(MAPPING_STATE.unpack(row.body), etag=row.etag) if row else MappingState(self._mapping)

    async def get(self, run_id: str) -> Run | None:
        """One run."""
        row = await self._state.get(TABLE, self._partition, run_id)
        return RUN.unpack(row.body) if row else None

    async def save(self, state: MappingState, runs: Sequence[Run] = ()) -> None:
        """Store the state, if nobody else did since it was read, and these runs with it. Raises StateConflict."""
        changes: list[StateChange] = [Put(STATE, MAPPING_STATE.pack(state), state.etag)]
        changes += [Put(run.id, RUN.pack(run)) for run in runs]
        etags = await self._state.transact(TABLE, self._partition, changes)
        state.etag = etags[STATE]
