"""The errors of a job as they were when it met them: they stay when they are solved, and go with the job.

One document per record in a partition of the job, so a record that a job tries twice is told once, as it failed last.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.ports import Put, Remove, StateStore
from shared.services.repositories.documents import transact_in_chunks
from shared.services.repositories.work_items import SHAPE, WorkItem

TABLE = "joberrors"
MOST = 200  # of one job; the job counts all, and those that are open are listed as errors


class JobErrorRepository:
    """The errors of the jobs of a connection."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._connection = connection

    async def put(self, items: Sequence[WorkItem]) -> None:
        """Keep work items as errors of the jobs that they name, as long as these have room."""
        for job in dict.fromkeys(item.job for item in items):
            kept = {row.key for row in await self._state.scan(TABLE, self._partition(job), limit=MOST)}
            mine = [item for item in items if item.job == job]
            kept |= set([item.key for item in mine if item.key not in kept][: MOST - len(kept)])
            changes = [Put(item.key, SHAPE.pack(item)) for item in mine if item.key in kept]
            await transact_in_chunks(self._state, TABLE, self._partition(job), changes)

    async def page(self, job: str, after: str | None, limit: int) -> tuple[list[WorkItem], str | None]:
        """Errors of a job by side and record, and where to go on; None at the end."""
        rows = await self._state.scan(TABLE, self._partition(job), after=after, limit=limit)
        return [SHAPE.unpack(row.body) for row in rows], rows[-1].key if len(rows) == limit else None

    async def forget(self, jobs: Sequence[str]) -> None:
        """Remove the errors of jobs that are removed."""
        for job in jobs:
            while rows := await self._state.scan(TABLE, self._partition(job)):
                await transact_in_chunks(self._state, TABLE, self._partition(job), [Remove(row.key) for row in rows])

    def _partition(self, job: str) -> str:
        return f"{self._connection}|{job}"
