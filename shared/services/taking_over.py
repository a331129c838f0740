"""Whose turn it is with a mapping, and taking it over: one of two that want to gets it, the other is fenced off."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.core.jobs import Counters, JobStatus
from shared.core.mapping import Mapping
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.ledger import Ledger
from shared.services.pausing import is_paused
from shared.services.repositories.mappings import StoredMapping
from shared.services.repositories.runs import Ending, MappingState, Run
from shared.services.run_record import follow_run

log = logging.getLogger(__name__)
LONGEST_WAIT_FOR_PARENTS = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Found:
    """How a mapping and one of its runs stand when a message comes, all read at once: see `RunRepository.standing`.

    `parents` are the states of those mappings that are its parents as a rule.
    """

    stored: StoredMapping | None
    state: MappingState
    run: Run | None
    version: str | None
    parents: ReadOnly[str, MappingState]


async def find(services: Services, mapping: str, run_id: str) -> Found:
    """How a mapping and one of its runs stand, in one round trip. Raises Passing."""
    usual = next((one.depends_on for one in services.standard_mappings if one.name == mapping), ())
    stored, standing, parents = await asyncio.gather(
        services.mappings.get(mapping),
        services.runs(mapping).standing(run_id),
        asyncio.gather(*(services.runs(parent).state() for parent in usual)),
    )
    return Found(stored, *standing, dict(zip(usual, parents, strict=True)))


async def others_are_at_work(services: Services, mapping: Mapping, found: Found, run: Run) -> bool:
    """Whether this mapping's run before is still on, or a parent's that was asked for no later: within reason."""
    if run.kind.is_task:
        return False
    state = found.state
    active = await services.runs(mapping.name).get(state.active) if state.active not in (None, run.id) else None
    if active is not None and not active.ended and not _is_abandoned(services, active):
        return True
    if services.clock.now() - run.requested_at > LONGEST_WAIT_FOR_PARENTS:
        return False
    asked = (_is_at_work(services, parent, found.parents.get(parent), run) for parent in mapping.depends_on)
    return any(await asyncio.gather(*asked))


def _is_abandoned(services: Services, run: Run) -> bool:
    return services.clock.now() - run.touched_at >= services.policy.abandoned_after


async def _is_at_work(services: Services, parent: str, known: MappingState | None, run: Run) -> bool:
    state = known or await services.runs(parent).state()
    for run_id in (state.active, state.queued):
        other = await services.runs(parent).get(run_id) if run_id else None
        if other is not None and not other.ended and other.requested_at <= run.requested_at:
            return True
    return False


async def claim(services: Services, found: Found, asked: Run) -> Ledger | None:
    """Take the mapping over; None when somebody did this slice meanwhile, or the mapping is paused.

    Where somebody has changed the state or the run since they were `found`, both are read again.
    """
    runs, state = services.runs(asked.mapping), found.state
    run: Run | None = asked
    versions = {asked.id: found.version} if found.version is not None else {}
    while True:
        if run is None or run.ended or run.slice != asked.slice:
            return None
        if run.kind.is_task and run.id not in state.waiting:
            return None
        if not run.kind.is_task and is_paused(services, state):
            log.info("run %s of %s waits: the mapping is paused", run.id, run.mapping)
            return None
        overtaken = await _overtaken(services, state, run)
        _take_over(state, run, services.clock.now())
        try:
            await runs.save(state, [run, *overtaken], versions=versions)
        except StateConflict:
            state, run = await runs.state(), await runs.get(asked.id)  # in this order: who changes it, changes both
            versions = {}
            continue
        for lost in overtaken:
            await follow_run(services, lost)
        return Ledger(runs, state, run, services.clock)


def _take_over(state: MappingState, run: Run, now: datetime) -> None:
    state.epoch += 1
    if not run.kind.is_task:
        state.active, state.last_started_at = run.id, state.last_started_at if run.slice else now
        state.queued = None if state.queued == run.id else state.queued
    run.touched_at = now
    run.started_at = run.started_at or now
    run.note = ""
    for source in run.jobs:
        run.counters.setdefault(source, Counters())
        run.messages.setdefault(source, {})


async def _overtaken(services: Services, state: MappingState, run: Run) -> list[Run]:
    """A run whose message got lost for good (dead-lettered) ends when the next one starts; its jobs say so."""
    if run.kind.is_task or state.active in (None, run.id):
        return []
    lost = await services.runs(run.mapping).get(str(state.active))
    if lost is None:
        return []
    if lost.ended:
        await follow_run(services, lost)
        return []
    lost.ended = True
    message = "The run stopped before its end; the next run went on from its checkpoint."
    lost.ending = Ending(JobStatus.FAILED, services.clock.now(), message)
    return [lost]
