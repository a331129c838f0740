"""What a removed coupling leaves behind: its history, until the retention of jobs is over.

Two documents beside the couplings, stored in the transaction that removes it: `was|bc|<BC id>|<time>` with everything,
and `was|dv|<Dataverse id>|<time>` pointing to it. Of one record the newest comes first.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.core.coupling import Coupling
from shared.core.history import newest_in
from shared.core.jobs import job_key
from shared.core.sides import Side
from shared.ports import Put, StateChange, StateStore
from shared.services.repositories.coupling_documents import pointed_at, pointer_body
from shared.services.repositories.documents import Shape

ENDED = "was|"


@dataclass(frozen=True, slots=True)
class Ended:
    """A coupling that was removed: the ids that it joined, since when, and what was done to its pair."""

    business_central: str
    dataverse: str
    coupled_at: datetime
    coupled_by: str
    history: str


_ENDED = Shape(Ended, "removed coupling")


def left_behind(coupling: Coupling) -> list[StateChange]:
    """The documents to store with the removal of a coupling; none when nothing was ever told of it."""
    last = newest_in(coupling.history)
    if last is None:
        return []
    ids = (coupling.business_central.id, coupling.dataverse.id)
    ended = Ended(*ids, coupling.coupled_at, coupling.coupled_by, coupling.history)
    keys = (_key(side, coupling.at(side).id) + job_key(last.at, "") for side in Side)
    return [Put(next(keys), _ENDED.pack(ended)), Put(next(keys), pointer_body(coupling))]


async def ended_of(state: StateStore, table: str, partition: str, side: Side, record_id: str) -> list[Ended]:
    """The removed couplings of one record, the newest first."""
    prefix = _key(side, record_id)
    rows = await state.scan(table, partition, prefix=prefix)
    if side is Side.DATAVERSE:
        keys = [_key(side.other, pointed_at(row)) + row.key.removeprefix(prefix) for row in rows]
        found = await state.get_many(table, partition, keys)
        rows = [found[key] for key in keys if key in found]
    return [_ENDED.unpack(row.body) for row in rows]


def ended_at(key: str) -> datetime:
    """When the coupling ended whose history is stored under this key."""
    left = int(key.rsplit("|", 1)[1].removesuffix("-"))
    return datetime.fromtimestamp((9_999_999_999_999 - left) / 1000, UTC)


def _key(side: Side, record_id: str) -> str:
    return f"{ENDED}{'bc' if side is Side.BUSINESS_CENTRAL else 'dv'}|{record_id}|"
