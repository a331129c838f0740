"""What could not be synchronized yet, one document per record; those a person must see are the errors.

Keys are `<source side>|<record id>`. An item stays until its record is in step, so a watermark that moves on never
forgets one (Microsoft's feature forgets an uncoupled record that failed, until somebody edits it).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from shared.core.merge import FieldConflict
from shared.core.reasons import Reason
from shared.core.retry import needs_person
from shared.core.sides import Side
from shared.ports import Put, Remove, StateStore
from shared.services.repositories.documents import Shape, transact_in_chunks

TABLE = "workitems"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A record that is not in step: which, why, since when, how often it was tried, and when it is tried next.

    A `skipped` item has failed twice in the same way: it is not tried before one of its records changes from the
    `versions` seen then, a person asks, or a long time has passed. `service_code` is the refusing service's own error
    code, `column` the column it names, `fields` both values of a conflict, `waits_for` the mappings in which a parent
    would have to be coupled. `job` is the job that saw it last.
    """

    mapping: str
    source: Side
    record_id: str
    reason: Reason
    message: str
    job: str
    first_at: datetime
    last_at: datetime
    next_at: datetime
    attempts: int = 1
    business_central_id: str | None = None
    dataverse_id: str | None = None
    number: str | None = None
    title: str | None = None
    column: str | None = None
    service_code: str = ""
    fields: tuple[FieldConflict, ...] = ()
    waits_for: tuple[str, ...] = ()
    skipped: bool = False
    versions: dict[Side, str | None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Where the item is stored."""
        return f"{self.source}|{self.record_id}"

    @property
    def is_error(self) -> bool:
        """Whether it is a coupled data synchronization error, somebody's task."""
        return needs_person(self.reason)


SHAPE = Shape(WorkItem, "work item")


class WorkItemRepository:
    """The work items of one mapping."""

    def __init__(self, state: StateStore, connection: str, mapping: str) -> None:
        self._state = state
        self._partition = f"{connection}|{mapping}"

    async def all(self) -> dict[str, WorkItem]:
        """Every open item by key."""
        items: dict[str, WorkItem] = {}
        rows = await self._state.scan(TABLE, self._partition)
        while rows:
            items |= {row.key: SHAPE.unpack(row.body) for row in rows}
            rows = await self._state.scan(TABLE, self._partition, after=rows[-1].key)
        return items

    async def put(self, items: Sequence[WorkItem]) -> None:
        """Store items, over their older versions."""
        await transact_in_chunks(
            self._state, TABLE, self._partition, [Put(item.key, SHAPE.pack(item)) for item in items]
        )

    async def remove(self, keys: Iterable[str]) -> None:
        """Remove the items of records that are in step."""
        await transact_in_chunks(self._state, TABLE, self._partition, [Remove(key) for key in keys])
