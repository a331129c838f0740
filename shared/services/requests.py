"""Asking for synchronization: by the timer for what is due, by people for one mapping or all.

A request becomes one run per mapping, with one job per direction, and one message in the queue. The run is stored
before the message is sent; the timer sends again what was stored and never started.
"""

from __future__ import annotations

from collections.abc import Mapping as Document
from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.core.jobs import JobStatus, Trigger, job_key, passes_of
from shared.core.mapping import Mapping
from shared.core.order import parents_first
from shared.ports import JobMessage, StateConflict
from shared.services.context import Services
from shared.services.job_groups import group_jobs
from shared.services.pausing import not_paused, unless_over
from shared.services.probes import Asleep, is_asleep, with_news
from shared.services.repositories.jobs import Request
from shared.services.repositories.runs import Ending, MappingState, Run
from shared.services.run_record import follow_run

MOST_SETBACKS = 30
FIRST_AGAIN, LONGEST_AGAIN = timedelta(seconds=5), timedelta(minutes=5)


async def request_synchronization(
    services: Services, mappings: Sequence[Mapping], trigger: Trigger, requested_by: str = ""
) -> Request:
    """Ask for these mappings, parents first. A run that already waits is joined, not doubled.

    Those that are paused are left out. Raises Problem (409) when all are.
    """
    now = services.clock.now()
    ordered = parents_first(await not_paused(services, mappings))
    runs = [await _queue_run(services, mapping, trigger, now, requested_by) for mapping in ordered]
    return await group_jobs(services, (job for run in runs for job in run.jobs.values()))


async def enqueue_due(services: Services) -> list[str]:
    """What the timer does each minute: enqueue what is due or has news, wake what got lost. Answers what it touched."""
    from shared.services.full_synchronization import move_on

    await move_on(services)
    now = services.clock.now()
    touched, due, asleep = [], list[Mapping](), list[Asleep]()
    mappings, removals = await services.mappings.with_removals()
    for stored in mappings:
        mapping = stored.mapping
        state = await unless_over(services, await services.runs(mapping.name).state())
        if await _wake_tasks(services, state, now):
            touched.append(mapping.name)
        if state.pause is not None:
            continue
        if state.queued or state.active:
            if await _wake(services, state, now):
                touched.append(mapping.name)
        elif mapping.enabled and (state.next_due_at is None or state.next_due_at <= now):
            due.append(mapping)
        elif mapping.enabled and is_asleep(services, one := Asleep(mapping, state)):
            asleep.append(one)
    triggers = {mapping.name: Trigger.TIMER for mapping in due}
    due += await with_news(services, asleep)
    for mapping in parents_first(due):
        await _queue_run(services, mapping, triggers.get(mapping.name, Trigger.RULE), now)
    if removals:
        from shared.services.removing_mappings import wake_removals

        await wake_removals(services, removals, services.policy.resend_after)
    return touched + [mapping.name for mapping in due]


async def send_slice(services: Services, run: Run, *, delay: timedelta | None = None) -> None:
    """Send the message for the next slice of a run; the same slice is the same message however often it is sent."""
    not_before = services.clock.now() + delay if delay else None
    body = {
        "version": 1,
        "connection": services.connection,
        "mapping": run.mapping,
        "run": run.id,
        "slice": run.slice,
        "turn": run.delays,
    }
    message_id = f"{run.id}:{run.slice}:{run.delays}"
    message = JobMessage(message_id, _session(services, run.mapping), body)
    await services.queue.send(message, not_before=not_before)


async def send_again(services: Services, message: Document[str, object]) -> None:
    """Send a message again that nothing could be done about, later each time."""
    times = int(str(message.get("again", 0))) + 1
    body = {**message, "again": times}
    key = f"{message['run']}:{message['slice']}:{message.get('turn', 0)}:again:{times}"
    not_before = services.clock.now() + min(FIRST_AGAIN * 2 ** min(times - 1, 10), LONGEST_AGAIN)
    await services.queue.send(JobMessage(key, _session(services, str(message["mapping"])), body), not_before=not_before)


async def put_off(services: Services, run: Run, delay: timedelta) -> None:
    """Send the same slice again, for later, unless somebody did it meanwhile."""
    runs = services.runs(run.mapping)
    while True:
        state, fresh = await runs.state(), await runs.get(run.id)
        if fresh is None or fresh.ended or fresh.slice != run.slice:
            return
        fresh.delays += 1
        fresh.touched_at = services.clock.now() + delay
        if await _save_quietly(services, state, [fresh]):
            await send_slice(services, fresh, delay=delay)
            return


def _session(services: Services, mapping: str) -> str:
    return f"{services.connection}|{mapping}"


async def _queue_run(
    services: Services, mapping: Mapping, trigger: Trigger, now: datetime, requested_by: str = ""
) -> Run:
    """Store a new run and send its first message, or join the one that waits."""
    runs = services.runs(mapping.name)
    while True:
        state = await runs.state()
        if state.queued is not None and (waiting := await runs.get(state.queued)) is not None:
            await send_slice(services, waiting)  # it may never have been sent; twice is once
            return waiting
        run = _new_run(services, mapping, trigger, now, requested_by)
        state.queued = run.id
        if not await _save_quietly(services, state, [run]):
            continue  # somebody else asked at the same moment, or the run before made a step
        await follow_run(services, run)
        await send_slice(services, run)
        return run


def _new_run(services: Services, mapping: Mapping, trigger: Trigger, now: datetime, requested_by: str) -> Run:
    run_id = job_key(now, services.ids.new())
    jobs = {source: job_key(now, services.ids.new()) for source in passes_of(mapping.direction)}
    return Run(run_id, mapping.name, trigger, jobs, now, now, requested_by)


async def _wake(services: Services, state: MappingState, now: datetime) -> bool:
    """Send again what nobody works on: a message that was never sent, or a run whose host has died."""
    runs = services.runs(state.mapping)
    run = await runs.get(state.active or state.queued or "")
    if run is None or run.ended:
        if run is not None:
            await follow_run(services, run)
        state.active, state.queued = None, state.queued if state.active else None
        await _save_quietly(services, state, [])
        return False
    patience = services.policy.abandoned_after if state.active else services.policy.resend_after
    return now - run.touched_at >= patience and await _send_anew(services, state, run, now)


async def _wake_tasks(services: Services, state: MappingState, now: datetime) -> bool:
    """The same for the tasks: one that nobody has begun may be waiting for the others."""
    touched = False
    for run_id in list(state.waiting):
        run = await services.runs(state.mapping).get(run_id)
        if run is None or run.ended:
            if run is not None:
                await follow_run(services, run)
            state.waiting.remove(run_id)
            await _save_quietly(services, state, [])
            continue
        is_alone = run.started_at is None and state.active is None and len(state.waiting) == 1
        patience = services.policy.resend_after if is_alone else services.policy.abandoned_after
        if now - run.touched_at >= patience:
            touched = await _send_anew(services, state, run, now) or touched
    return touched


async def _send_anew(services: Services, state: MappingState, run: Run, now: datetime) -> bool:
    """Send a run's message again; after many times, give it up."""
    run.touched_at = now
    run.delays, run.setbacks = run.delays + 1, run.setbacks + 1
    if run.setbacks > MOST_SETBACKS:
        return await _give_up(services, state, run, now)
    if await _save_quietly(services, state, [run]):
        await follow_run(services, run)
        await send_slice(services, run)
    return True


async def _give_up(services: Services, state: MappingState, run: Run, now: datetime) -> bool:
    """End a run that never gets anywhere, and say so."""
    message = "The run was started again and again and never came to its end. See the app's log."
    run.ended, run.ending = True, Ending(JobStatus.FAILED, now, message)
    if run.kind.is_task:
        state.waiting.remove(run.id)
    else:
        state.active = state.queued = None
        state.next_due_at = now
    if await _save_quietly(services, state, [run]):
        await follow_run(services, run)
    return True


async def _save_quietly(services: Services, state: MappingState, runs: Sequence[Run]) -> bool:
    """Store unless the run has moved on meanwhile: then it is alive, and nothing needs to be done."""
    try:
        await services.runs(state.mapping).save(state, runs)
    except StateConflict:
        return False
    return True
