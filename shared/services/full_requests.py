"""Asking for the runs of full synchronizations: each once, under an id that is given out before."""

from __future__ import annotations

from datetime import datetime

from shared.core.full_run import FullRun
from shared.core.full_synchronization import ABANDONED_AFTER
from shared.core.jobs import Trigger, job_key, passes_of
from shared.core.mapping import Mapping
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.repositories.runs import Run
from shared.services.requests import send_slice
from shared.services.run_record import follow_run


async def full_run_under_way(services: Services, mapping: str, now: datetime) -> Run | None:
    """The mapping's full run that waits or is on; one of a day ago is taken as abandoned."""
    runs = services.runs(mapping)
    state = await runs.state()
    for run_id in (state.queued, state.active):
        run = await runs.get(run_id) if run_id else None
        if run is not None and run.full is not None and not run.ended and now - run.requested_at < ABANDONED_AFTER:
            return run
    return None


async def queue_planned_run(
    services: Services, mapping: Mapping, full: FullRun, run_id: str, requested_by: str
) -> bool:
    """See to it that this full run has been asked for; False while another run of the mapping waits in its place.

    However often it is called, it is one run.
    """
    runs = services.runs(mapping.name)
    while True:
        state, there = await runs.state(), await runs.get(run_id)
        if there is not None:
            if not there.ended:
                await send_slice(services, there)  # it may never have been sent; twice is once
            return True
        if state.queued is not None:
            return False
        run = _new_run(services, mapping, full, run_id, requested_by)
        state.queued = run.id
        try:
            await runs.save(state, [run])
        except StateConflict:
            continue  # somebody else asked at the same moment, or the run that is on made a step
        await follow_run(services, run)
        await send_slice(services, run)
        return True


async def queue_full_run(services: Services, mapping: Mapping, full: FullRun, requested_by: str) -> Run:
    """Ask for a full run now. A run that waits becomes the full one: it does all that was asked for, too."""
    runs = services.runs(mapping.name)
    while True:
        state = await runs.state()
        run = await runs.get(state.queued) if state.queued else None
        if run is None or run.ended:
            run_id = job_key(services.clock.now(), services.ids.new())
            run = _new_run(services, mapping, full, run_id, requested_by)
        run.full, run.trigger, run.requested_by = full, Trigger.PERSON, requested_by
        state.queued = run.id
        try:
            await runs.save(state, [run])
        except StateConflict:
            continue
        await follow_run(services, run)
        await send_slice(services, run)
        return run


def _new_run(services: Services, mapping: Mapping, full: FullRun, run_id: str, requested_by: str) -> Run:
    now = services.clock.now()
    jobs = {source: job_key(now, services.ids.new()) for source in passes_of(mapping.direction)}
    return Run(run_id, mapping.name, Trigger.PERSON, jobs, now, now, requested_by, full=full)
