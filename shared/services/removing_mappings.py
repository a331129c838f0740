"""Removing a mapping with everything that is kept for it. No record is deleted on either side.

The mapping itself goes at once, so that nothing new is begun; what is kept for it may be a hundred thousand couplings
and goes in slices. Their messages are in the mapping's own session: no run of it is at work meanwhile, and the state
goes first, so that one whose lock ran out can announce nothing more. A slice that is cut short is done again.

Such a one may still store what came of its last writes, after everything was removed. So the removal is remembered
until it must have ended, and then the timer has looked for that once more.
"""

from __future__ import annotations

from collections.abc import Mapping as Document
from dataclasses import replace
from datetime import datetime, timedelta

from shared.core.check_together import users_of
from shared.core.jobs import Counters, Job, JobStatus, JobType, Trigger, job_key
from shared.core.mapping import Mapping
from shared.core.sides import Direction
from shared.ports import JobMessage, Remove, StateChange, StateConflict, StateRow
from shared.services import retention
from shared.services.context import Services
from shared.services.full_synchronization import reviews
from shared.services.mapping_settings import mapping_named
from shared.services.mapping_tables import changes_of_tables
from shared.services.problems import Problem
from shared.services.repositories import couplings, runs, work_items
from shared.services.repositories.documents import transact_in_chunks
from shared.services.repositories.mappings import Removal, StoredMapping, removal_begins, removal_goes_on
from shared.services.run_record import follow_run
from shared.services.saving_mappings import changed_meanwhile, mappings_beside, refuse_other_version
from shared.services.scheduling import look_for_deletions

PARTITIONS = (runs.TABLE, couplings.TABLE, work_items.TABLE)
"""The tables with a partition `CONNECTION|MAPPING`; the state goes first."""

PAGE = 1000  # documents that are read at a time
KEY = "removal"
"""The member by which a message of the queue says that it is about a removal."""
LATE = "late"
"""The member that says that the removal is over, and that it is looked for what came late."""


async def delete_mapping(services: Services, name: str, etag: str | None, changed_by: str) -> Job:
    """Begin to remove a mapping; answers the job that does it. Asked for again, the job that is at it already.

    Raises Problem: 404 unknown, 409 while a run is on or others need the mapping, 412 another version.
    """
    under_way = await services.mappings.removal(name.upper())
    if under_way is not None:
        await _send(services, under_way)
        return await _job_of(services, under_way)
    stored = await mapping_named(services, name)
    refuse_other_version(stored, etag)
    others = await mappings_beside(services, stored.mapping.name)
    _refuse_if_needed(stored.mapping, others)
    await _refuse_if_busy(services, stored.mapping)
    return await _begin(services, stored, others, changed_by)


async def remove_slice(services: Services, message: Document[str, object]) -> None:
    """Remove as much as a slice has time for; then the next slice, or the end. Raises Passing, NeedsPerson."""
    name, is_over = str(message["mapping"]), bool(message.get(LATE))
    removal = await services.mappings.removal(name, is_over=is_over)
    if removal is None or removal.job != message["run"]:
        return
    until = services.clock.now() + services.policy.slice_time
    is_done = await (_look_again if is_over else _go_on)(services, removal, until)
    if is_done and is_over:
        await services.mappings.change([Remove(removal.key)])
        return
    following = replace(removal, turn=removal.turn + 1, touched_at=services.clock.now(), is_over=is_done or is_over)
    await services.mappings.change(removal_goes_on(removal, following))
    if not is_done:
        await _send(services, following)


async def wake_removals(services: Services, removals: list[Removal], patience: timedelta) -> None:
    """Send again what nobody has touched for so long: its message got lost, or its host died.

    What is over is looked at once more when no worker of before can be alive any more.
    """
    now = services.clock.now()
    for removal in removals:
        if now - removal.touched_at >= (services.policy.abandoned_after if removal.is_over else patience):
            again = replace(removal, turn=removal.turn + 1, touched_at=now)
            await services.mappings.change(removal_goes_on(removal, again))
            await _send(services, again)


async def _go_on(services: Services, removal: Removal, until: datetime) -> bool:
    """Remove as much as there is time for, and tell it; whether all is gone."""
    is_done, uncoupled = await _remove(services, removal.mapping, until)
    job = await _job_of(services, removal)
    job.status, job.started_at = JobStatus.RUNNING, job.started_at or services.clock.now()
    job.slices += 1
    job.counters.add(Counters(uncoupled=uncoupled))
    if is_done:
        job.status, job.finished_at = JobStatus.SUCCEEDED, services.clock.now()
    await services.jobs.save([job])
    return is_done


async def _look_again(services: Services, removal: Removal, until: datetime) -> bool:
    """Remove what a worker stored that had lost the mapping unawares; whether all is gone.

    In a new mapping of the name it cannot be told from the mapping's own: that looks which of its records are gone.
    """
    if await services.mappings.get(removal.mapping) is not None:
        await look_for_deletions(services, removal.mapping)
        return True
    is_done, _ = await _remove(services, removal.mapping, until)
    return is_done


def _refuse_if_needed(mapping: Mapping, others: list[Mapping]) -> None:
    if users := users_of(mapping.name, others):
        text = (
            f"{', '.join(users)} {'needs' if len(users) == 1 else 'need'} {mapping.name}: take it out of depends_on "
            "and of the lookups first."
        )
        raise Problem(409, "mapping_needed", text, field="mapping")


async def _refuse_if_busy(services: Services, mapping: Mapping) -> None:
    state = await services.runs(mapping.name).state()
    if state.active or state.queued or state.waiting:
        text = f"A run of {mapping.name} is on. Disable the mapping, and delete it when the run has ended."
        raise Problem(409, "mapping_busy", text, field="mapping", retry_after=30)


async def _begin(services: Services, stored: StoredMapping, others: list[Mapping], changed_by: str) -> Job:
    mapping, now = stored.mapping, services.clock.now()
    removal = Removal(mapping.name, job_key(now, services.ids.new()), changed_by, now, now)
    changes: list[StateChange] = [*removal_begins(removal, stored.etag), *changes_of_tables(services, others, ())]
    try:
        await services.mappings.change(changes)
    except StateConflict as conflict:
        raise changed_meanwhile() from conflict
    job = await _job_of(services, removal)
    await services.jobs.save([job])
    await _send(services, removal)
    return job


async def _job_of(services: Services, removal: Removal) -> Job:
    """The job that tells of a removal, as it is stored; made anew where a host had no time to."""
    return await services.jobs.get(removal.job) or new_job(removal)


def new_job(removal: Removal) -> Job:
    """The job of a removal that nobody has begun."""
    return Job(
        id=removal.job,
        run=removal.job,
        mapping=removal.mapping,
        direction=Direction.BIDIRECTIONAL,
        trigger=Trigger.PERSON,
        requested_at=removal.requested_at,
        requested_by=removal.requested_by,
        type=JobType.UNCOUPLING,
    )


async def _send(services: Services, removal: Removal) -> None:
    """The message for the next slice, in the mapping's session; the members are those that every message has."""
    body = {
        "version": 1,
        "connection": services.connection,
        "mapping": removal.mapping,
        "run": removal.job,
        "slice": removal.turn,
        "turn": 0,
        KEY: True,
        LATE: removal.is_over,
    }
    message_id = f"{removal.job}:{removal.turn}"
    await services.queue.send(JobMessage(message_id, f"{services.connection}|{removal.mapping}", body))


async def _remove(services: Services, mapping: str, until: datetime) -> tuple[bool, int]:
    """Whether all is gone, and how many couplings went."""
    uncoupled = 0
    for table in PARTITIONS:
        while rows := await services.state.scan(table, f"{services.connection}|{mapping}", limit=PAGE):
            if table == runs.TABLE:
                await _end_runs(services, rows)
            keys = [row.key for row in rows]
            uncoupled += sum(key.startswith("bc|") for key in keys) if table == couplings.TABLE else 0
            removals = [Remove(key) for key in keys]
            await transact_in_chunks(services.state, table, f"{services.connection}|{mapping}", removals)
            if services.clock.now() >= until:
                return False, uncoupled
    await services.companies.forget(mapping)
    await retention.forget_positions(services, mapping)
    await reviews(services).change(lambda review: review.without(mapping))
    return True, uncoupled


async def _end_runs(services: Services, rows: list[StateRow]) -> None:
    """A run that was asked for at the last moment never begins; its jobs say so."""
    for row in rows:
        if row.key == runs.STATE or "|" in row.key:
            continue
        run = runs.RUN.unpack(row.body)
        if not run.ended:
            run.ending = runs.Ending(JobStatus.FAILED, services.clock.now(), "The mapping was deleted.")
            await follow_run(services, run)
