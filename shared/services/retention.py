"""Removing what has ended and is old: jobs with their errors, requests, runs, and the histories of removed couplings.

Bounded work at a time, going on where it stopped.

Nothing goes that an open error or a run that is on refers to. Errors themselves do not age: each stays until its record
is in step, for a forgotten one would never be synchronized again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.jobs import Job, job_key
from shared.ports import Put, Remove, StateRow
from shared.services.configuration_changes import remove_old_changes
from shared.services.context import Services
from shared.services.repositories import couplings, jobs, runs
from shared.services.repositories.documents import Shape, transact_in_chunks
from shared.services.repositories.ended_couplings import ENDED, ended_at
from shared.services.repositories.job_errors import JobErrorRepository

POSITIONS = "tidying"
PAGE = 500
MOST_PAGES = 20
"""Of one kind in one go: 10,000 documents looked at, some 100 transactions."""

type Choose = Callable[[Sequence[StateRow]], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many documents were removed."""

    jobs: int
    requests: int
    runs: int
    histories: int = 0
    changes: int = 0


@dataclass(frozen=True, slots=True)
class Position:
    """The last document that was looked at in a partition; empty when the next look begins anew."""

    key: str


POSITION = Shape(Position, "position of the tidying")


async def remove_what_is_old(services: Services) -> Tidied:
    """Look at the old end of each log and remove what may go. Raises Passing, NeedsPerson."""
    referred = ReferredJobs(services)
    now, kept = services.clock.now(), services.policy.retention

    async def old_jobs(rows: Sequence[StateRow]) -> list[str]:
        old = [job for job in (jobs.JOB.unpack(row.body) for row in rows) if kept.may_go(job, now)]
        going = [job for job in old if job.id not in await referred.ids()]
        await _forget_errors(services, going)
        return [job.id for job in going]

    async def old_requests(rows: Sequence[StateRow]) -> list[str]:
        found = [jobs.REQUEST.unpack(row.body) for row in rows]
        return [request.id for request in found if now - request.requested_at > kept.jobs]

    removed_jobs = await _sweep(services, jobs.JOBS, services.connection, now - kept.shortest, old_jobs)
    removed_requests = await _sweep(services, jobs.REQUESTS, services.connection, now - kept.jobs, old_requests)
    removed_runs = histories = 0
    for stored in await services.mappings.all():
        removed_runs += await _remove_runs(services, stored.mapping.name, now)
        histories += await _remove_histories(services, stored.mapping.name, now)
    changes = await remove_old_changes(services)
    return Tidied(removed_jobs, removed_requests, removed_runs, histories, changes)


async def remove_jobs(services: Services, going: Sequence[Job]) -> None:
    """Remove jobs and what is kept of their errors."""
    await _forget_errors(services, going)
    removals = [Remove(job.id) for job in going]
    await transact_in_chunks(services.state, jobs.JOBS, services.connection, removals)


async def forget_positions(services: Services, mapping: str) -> None:
    """A mapping is gone, and with it what there was to look through."""
    names = [f"{table}|{services.connection}|{mapping}" for table in (runs.TABLE, couplings.TABLE)]
    await services.state.transact(POSITIONS, services.connection, [Remove(name) for name in names])


async def _forget_errors(services: Services, going: Sequence[Job]) -> None:
    """What is counted as failed or skipped may have left errors behind."""
    refusing = [job.id for job in going if job.counters.failed or job.counters.skipped]
    await JobErrorRepository(services.state, services.connection).forget(refusing)


async def _remove_histories(services: Services, mapping: str, now: datetime) -> int:
    """Remove what couplings have left behind that were removed as long ago as the oldest jobs."""

    async def old_histories(rows: Sequence[StateRow]) -> list[str]:
        return [row.key for row in rows if now - ended_at(row.key) > services.policy.retention.jobs]

    partition = f"{services.connection}|{mapping}"
    return await _sweep_from(services, couplings.TABLE, partition, ENDED, old_histories)


async def _remove_runs(services: Services, mapping: str, now: datetime) -> int:
    """Remove old runs, but never the one that is on or the one that waits."""
    state, kept = await services.runs(mapping).state(), services.policy.retention
    needed = {runs.STATE, state.active, state.queued, *state.waiting}

    async def old_runs(rows: Sequence[StateRow]) -> list[str]:
        found = [runs.RUN.unpack(row.body) for row in rows if row.key not in needed and _is_dated(row.key)]
        old = [run.id for run in found if now - run.requested_at > (kept.idle_jobs if run.ended else kept.jobs)]
        youngest = job_key(now - kept.shortest, "")
        return old + [row.key for row in rows if (of := runs.run_of_part(row.key)) not in needed and of > youngest]

    partition = f"{services.connection}|{mapping}"
    return await _sweep(services, runs.TABLE, partition, now - kept.shortest, old_runs)


async def _sweep(services: Services, table: str, partition: str, before: datetime, choose: Choose) -> int:
    """Remove what `choose` names among the documents older than `before`, which come last; answers how many."""
    return await _sweep_from(services, table, partition, "", choose, first=job_key(before, ""))


async def _sweep_from(
    services: Services, table: str, partition: str, prefix: str, choose: Choose, *, first: str = ""
) -> int:
    """The same among those whose key has a prefix and lies beyond `first`."""
    name = f"{table}|{partition}"
    began = position = await _position(services, name)
    removed = 0
    for _ in range(MOST_PAGES):
        after = max(first, position) or None
        rows = await services.state.scan(table, partition, prefix=prefix, after=after, limit=PAGE)
        keys = await choose(rows)
        await transact_in_chunks(services.state, table, partition, [Remove(key) for key in keys])
        removed += len(keys)
        position = rows[-1].key if len(rows) == PAGE else ""
        if not position:
            break
    if position != began:
        await services.state.transact(POSITIONS, services.connection, [Put(name, POSITION.pack(Position(position)))])
    return removed


async def _position(services: Services, name: str) -> str:
    row = await services.state.get(POSITIONS, services.connection, name)
    return POSITION.unpack(row.body).key if row else ""


def _is_dated(key: str) -> bool:
    """Whether a key is one of `job_key`; other documents stand beside the runs."""
    return key[:13].isdigit() and key[13:14] == "-"


class ReferredJobs:
    """The jobs that open errors name; read only when something is old enough to go."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._ids: set[str] | None = None

    async def ids(self) -> set[str]:
        """Their ids."""
        if self._ids is None:
            names = [stored.mapping.name for stored in await self._services.mappings.all()]
            items = [item for name in names for item in (await self._services.work_items(name).all()).values()]
            self._ids = {item.job for item in items}
        return self._ids
