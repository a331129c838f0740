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

    async def save(self, jobs: Sequence[Job], versions: dict[str, str] | None = None) -> None:
        """Store jobs as they stand now, except those that have ended meanwhile: an end is the last word.

        `versions` are those in which the caller has stored them before; they are brought up to date.
        """
        known = {} if versions is None else versions
        open_ones = list(jobs)
        while True:
            if not all(job.id in known for job in open_ones):
                open_ones = await self._not_ended(jobs, known)
            changes = [
                Put(job.id, JOB.pack(job), known[job.id]) if job.id in known else Insert(job.id, JOB.pack(job))
                for job in open_ones
            ]
            try:
                known |= await transact_in_chunks(self._state, JOBS, self._connection, changes)
                return
            except StateConflict:
                known.clear()  # somebody else moved one of them at the same moment

    async def _not_ended(self, jobs: Sequence[Job], versions: dict[str, str]) -> list[Job]:
        """Those of the jobs that are not stored as ended; learns the versions."""
        rows = await self._state.get_many(JOBS, self._connection, [job.id for job in jobs])
        versions |= {key: row.etag for key, row in rows.items()}
        return [job for job in jobs if job.id not in rows or not JOB.unpack(rows[job.id].body).status.ended]

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
