"""Asking for a task: it is stored with its list, then a message is sent that points to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from shared.core.jobs import RunKind, Trigger, job_key, passes_of
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.ports import Put, StateConflict
from shared.services.context import Services
from shared.services.problems import Problem
from shared.services.repositories.documents import Shape
from shared.services.repositories.runs import Run
from shared.services.requests import send_slice
from shared.services.run_record import follow_run
from shared.services.tasks.parts import as_puts

MOST_WAITING = 200  # tasks of one mapping
WITH_THE_RUN = 8  # parts that are stored in one transaction with the run
POLLED_EVERY = 0.1  # seconds


async def request_task[T](
    services: Services,
    mapping: Mapping,
    kind: RunKind,
    shape: Shape[T],
    task: T,
    *,
    items: Sequence[Any] = (),
    requested_by: str = "",
    passes: Sequence[Side] | None = None,
    run_id: str | None = None,
) -> Run:
    """Store a task and its list of `items` (as JSON), and send its first message.

    A synchronization has a job for each of its passes (source sides, those of the mapping unless given), other tasks
    have one job for all. With `run_id` the same task asked for again is still one. Raises Problem (429).
    """
    now = services.clock.now()
    run = _run(services, mapping, kind, now, passes)
    run.id, run.requested_by, run.task = run_id or run.id, requested_by, shape.pack(task)
    puts = as_puts(run.id, items)
    runs = services.runs(mapping.name)
    for group in batched(puts[WITH_THE_RUN:], WITH_THE_RUN, strict=False):
        await runs.put(group)
    stored = await _store(services, run, puts[:WITH_THE_RUN])
    await follow_run(services, stored)
    if not stored.ended:
        await send_slice(services, stored)
    return stored


async def ended_within(services: Services, run: Run, seconds: float) -> bool:
    """Whether a run comes to its end within so many seconds; small tasks are done while the caller waits."""
    for _ in range(int(seconds / POLLED_EVERY)):
        await asyncio.sleep(POLLED_EVERY)
        stored = await services.runs(run.mapping).get(run.id)
        if stored is None or stored.ended:
            return True
    return False


async def _store(services: Services, run: Run, puts: Sequence[Put]) -> Run:
    runs = services.runs(run.mapping)
    while True:
        state = await runs.state()
        if (there := await runs.get(run.id)) is not None:
            return there
        if len(state.waiting) >= MOST_WAITING:
            text = f"{len(state.waiting)} tasks wait in {run.mapping} already; ask again when they are done."
            raise Problem(429, "too_many_tasks", text, retry_after=60)
        state.waiting.append(run.id)
        try:
            await runs.save(state, [run], puts)
        except StateConflict:
            continue  # the run that is on made a step, or somebody else asked at the same moment
        return run


def _run(services: Services, mapping: Mapping, kind: RunKind, now: datetime, passes: Sequence[Side] | None) -> Run:
    def new() -> str:
        return job_key(now, services.ids.new())

    sources = passes_of(mapping.direction) if passes is None else passes
    one = new()
    jobs = {source: new() if kind.has_a_job_for_each_pass else one for source in sources}
    return Run(new(), mapping.name, Trigger.PERSON, jobs, now, now, kind=kind)
