"""What could not be synchronized yet, one document per record; those a person must see are the errors.

Keys are `<source side>|<record id>`. An item stays until its record is in step, so a watermark that moves on never
forgets one (Microsoft's feature forgets an uncoupled record that failed, until somebody edits it).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import batched

from shared.core.causes import Cause, causes_of
from shared.core.merge import FieldConflict
from shared.core.reasons import Reason
from shared.core.references import Unresolved
from shared.core.retry import needs_person
from shared.core.sides import Side
from shared.ports import MAX_CHANGES, Put, Remove, StateConflict, StateStore
from shared.services.repositories.documents import Shape, transact_in_chunks

TABLE = "workitems"
AT_ONCE = 8  # transactions of one caller
HELD = "held|"


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A record that is not in step: which, why, since when, how often it was tried, and when it is tried next.

    A `skipped` item has failed twice in the same way: it is not tried before one of its records changes from the
    `versions` seen then, a person asks, or a long time has passed. `service_code` is the refusing service's own error
    code, `column` the column it names, `fields` both values of a conflict, `waits_for` the mappings in which a parent
    would have to be coupled, `waits` the parents themselves. `job` is the job that saw it last. `number` and `title`
    are those of the record on `source`, `other_number` and `other_title` of the one it is coupled with; `missing` are
    the sides whose coupled record was not there when both were looked at last. A record that a person keeps out of
    synchronization (`held_by`) has an item with the reason HELD, whose message is why.
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
    waits: tuple[Unresolved, ...] = ()
    other_number: str | None = None
    other_title: str | None = None
    missing: tuple[Side, ...] = ()
    held_by: str = ""

    @property
    def key(self) -> str:
        """Where the item is stored: a hold beside what else there is of the record."""
        if self.reason is Reason.HELD:
            return held_key(self.source, self.record_id)
        return f"{self.source}|{self.record_id}"

    def id_at(self, side: Side) -> str | None:
        """The record's id on `side`; None where it has none."""
        return self.business_central_id if side is Side.BUSINESS_CENTRAL else self.dataverse_id

    def name_at(self, side: Side) -> tuple[str | None, str | None]:
        """Number and title of the record on `side`."""
        if side is self.source:
            return self.number, self.title
        return self.other_number, self.other_title

    @property
    def named(self) -> list[tuple[Side, str]]:
        """The records that it is about."""
        return [(side, one) for side in Side if (one := self.id_at(side)) is not None]

    @property
    def is_coupled(self) -> bool:
        """Whether it is about a coupled pair."""
        return self.business_central_id is not None and self.dataverse_id is not None

    @property
    def there(self) -> frozenset[Side]:
        """The sides whose record was there at the last look."""
        missing = set(self.missing)
        if self.reason is Reason.DELETION_CONFLICT and not missing:
            missing = {self.source.other}  # an older release did not write it down
        return frozenset(side for side in Side if self.id_at(side) is not None and side not in missing)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """What holds the record."""
        return causes_of(
            self.reason,
            self.mapping,
            self.source,
            waits=self.waits,
            waits_for=self.waits_for,
            column=self.column,
            code=self.service_code,
            value=self.number,
            what=self.title,
            message=self.message,
        )

    def due(self, now: datetime) -> WorkItem:
        """The same item with nothing that holds up another try."""
        return replace(self, skipped=False, next_at=now)

    @property
    def is_error(self) -> bool:
        """Whether it is a coupled data synchronization error, somebody's task."""
        return needs_person(self.reason)


SHAPE = Shape(WorkItem, "work item")


def held_key(side: Side, record_id: str) -> str:
    """Where the hold of a record is stored; that of a coupled pair under its BC record."""
    return f"{HELD}{side}|{record_id}"


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

    async def pages(self) -> AsyncIterator[list[WorkItem]]:
        """Every open item, in the order of the keys, as many at a time as the storage answers."""
        rows = await self._state.scan(TABLE, self._partition)
        while rows:
            yield [SHAPE.unpack(row.body) for row in rows]
            rows = await self._state.scan(TABLE, self._partition, after=rows[-1].key)

    async def held(self) -> list[WorkItem]:
        """What people keep out of synchronization."""
        items: list[WorkItem] = []
        rows = await self._state.scan(TABLE, self._partition, prefix=HELD)
        while rows:
            items += [SHAPE.unpack(row.body) for row in rows]
            rows = await self._state.scan(TABLE, self._partition, prefix=HELD, after=rows[-1].key)
        return items

    async def get_many(self, keys: Sequence[str]) -> dict[str, WorkItem]:
        """Those of these items that are open, by key."""
        rows = await self._state.get_many(TABLE, self._partition, keys)
        return {key: SHAPE.unpack(row.body) for key, row in rows.items()}

    async def revise(self, keys: Sequence[str], change: Callable[[WorkItem], WorkItem]) -> list[str]:
        """Change those of these items that are open; answers their keys. One that is solved meanwhile stays solved."""
        lanes = asyncio.Semaphore(AT_ONCE)

        async def revise(chunk: Sequence[str]) -> list[str]:
            async with lanes:
                return await self._revise(list(chunk), change)

        chunks = batched(keys, MAX_CHANGES, strict=False)
        return [key for revised in await asyncio.gather(*map(revise, chunks)) for key in revised]

    async def put(self, items: Sequence[WorkItem]) -> None:
        """Store items, over their older versions."""
        await transact_in_chunks(
            self._state, TABLE, self._partition, [Put(item.key, SHAPE.pack(item)) for item in items]
        )

    async def remove(self, keys: Iterable[str]) -> None:
        """Remove the items of records that are in step."""
        await transact_in_chunks(self._state, TABLE, self._partition, [Remove(key) for key in keys])

    async def _revise(self, keys: list[str], change: Callable[[WorkItem], WorkItem]) -> list[str]:
        while True:
            rows = await self._state.get_many(TABLE, self._partition, keys)
            changes = [Put(key, SHAPE.pack(change(SHAPE.unpack(row.body))), row.etag) for key, row in rows.items()]
            try:
                if changes:
                    await self._state.transact(TABLE, self._partition, changes)
                return list(rows)
            except StateConflict:
                continue  # a run has just looked at one of them
