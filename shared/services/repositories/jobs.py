"""Jobs, and the requests that group them: what the job log and the status addresses show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.jobs import Job
from shared.ports import Insert, Put, StateConflict, StateStore
from shared.services.repositories.documents import Shape, transact_in_chunks

JOBS = "jobs"
REQUESTS = "requests"
JOB = Shape(Job, "job")


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asked for at once: the jobs that came of it."""

    id: str
    jobs: tuple[str, ...]
    requested_at: datetime


REQUEST = Shape(Request, "request")


class JobRepository:
    """The job log of a connection, newest first."""

    def __init__(self, state: StateStore, connection: str) -> None:
        self._state = state
        self._connection = connection

    async def save(self, jobs: Sequence[Job]) -> None:
        """Store jobs as they stand now, except those that have ended meanwhile: an end is the last word."""
        while True:
            rows = await self._state.get_many(JOBS, self._connection, [job.id for job in jobs])
            ended = {key for key, row in rows.items() if JOB.unpack(row.body).status.ended}
            open_ones = [job for job in jobs if job.id not in ended]
            changes = [
                Put(job.id, JOB.pack(job), rows[job.id].etag) if job.id in rows else Insert(job.id, JOB.pack(job))
                for job in open_ones
            ]
            try:
                if changes:
                    await transact_in_chunks(self._state, JOBS, self._connection, changes)
                return
            except StateConflict:
                continue  # somebody else moved one of them at the same moment

    async def get(self, job_id: str) -> Job | None:
        """One job."""
        row = await self._state.get(JOBS, self._connection, job_id)
        return JOB.unpack(row.body) if row else None

    async def get_many(self, ids: Sequence[str]) -> list[Job]:
        """These jobs, in the given order."""
        rows = await self._state.get_many(JOBS, self._connection, ids)
        return [JOB.unpack(rows[one].body) for one in ids if one in rows]

    async def page(self, after: str | None, limit: int) -> tuple[list[Job], str | None]:
        """Jobs from the newest on, and where to continue; None at the end."""
        rows = await self._state.scan(JOBS, self._connection, after=after, limit=limit)
        return [JOB.unpack(row.body) for row in rows], rows[-1].key if len(rows) == limit else None

    async def add_request(self, request: Request) -> None:
        """Remember what was asked for."""
        await self._state.transact(REQUESTS, self._connection, [Insert(request.id, REQUEST.pack(request))])

    async def request(self, request_id: str) -> Request | None:
        """What was asked for under this id."""
        row = await self._state.get(REQUESTS, self._connection, request_id)
        return REQUEST.unpack(row.body) if row else None
