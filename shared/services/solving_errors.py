"""The actions on coupled data synchronization errors: each becomes a job per mapping, for the errors that allow it.

Source: the actions of the page Coupled Data Synchronization Errors. What cannot be had for an error is refused for that
one, the rest is done.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from shared.core.access import Caller
from shared.core.error_actions import ErrorAction
from shared.core.jobs import RunKind, Trigger
from shared.core.mapping import Mapping
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.error_rows import description
from shared.services.error_selection import Chosen, Selection, all_open, select
from shared.services.forms.base import JobReference
from shared.services.forms.errors import ErrorActionAnswer, ErrorSelection, RetryAllRequest
from shared.services.job_groups import group_jobs
from shared.services.repositories.documents import Shape
from shared.services.repositories.runs import Run
from shared.services.requests import request_synchronization
from shared.services.tasks.error_kinds import DELETE, DOOMED, RESTORE, DeleteTask, Doomed, RestoreTask
from shared.services.tasks.kinds import UNCOUPLE, UncoupleTask
from shared.services.tasks.request import request_task

type _Ask = Callable[[Mapping, Sequence[Chosen]], Awaitable[Run]]


async def retry(services: Services, selection: ErrorSelection, caller: Caller) -> ErrorActionAnswer:
    """Try these again with a run of their mappings (Retry). Raises Problem (404)."""
    return await _try_again(services, await select(services, selection, ErrorAction.RETRY), caller)


async def retry_all(services: Services, request: RetryAllRequest, caller: Caller) -> ErrorActionAnswer:
    """Try all again that the filter lets through, whatever has become of their records (Retry All)."""
    return await _try_again(services, await all_open(services, request.filter), caller)


async def restore(services: Services, selection: ErrorSelection, caller: Caller) -> ErrorActionAnswer:
    """Create the deleted records anew (Restore Records). Raises Problem (404, 429)."""
    selected = await select(services, selection, ErrorAction.RESTORE)

    async def ask(mapping: Mapping, rows: Sequence[Chosen]) -> Run:
        sides = {side for one in rows for side in one.looked.there}
        items = [[one.item.business_central_id, one.item.dataverse_id] for one in rows]
        passes = [side for side in Side if side in sides]
        return await _task(services, mapping, RunKind.RESTORE, RESTORE, RestoreTask(), items, caller, passes)

    return await asked(services, selected, ask)


async def delete_records(services: Services, selection: ErrorSelection, caller: Caller) -> ErrorActionAnswer:
    """Delete the records that are left, with their couplings (Delete Records). Raises Problem (404, 429)."""
    selected = await select(services, selection, ErrorAction.DELETE_RECORDS)
    selected.keep(_edited_since)

    async def ask(mapping: Mapping, rows: Sequence[Chosen]) -> Run:
        items = [DOOMED.pack(one) for one in dict.fromkeys(map(_doomed, rows))]
        return await _task(services, mapping, RunKind.DELETE, DELETE, DeleteTask(), items, caller)

    return await asked(services, selected, ask)


async def delete_couplings(services: Services, selection: ErrorSelection, caller: Caller) -> ErrorActionAnswer:
    """Delete the couplings; the records stay (Delete Coupling). Raises Problem (404, 429)."""
    selected = await select(services, selection, ErrorAction.DELETE_COUPLING)

    async def ask(mapping: Mapping, rows: Sequence[Chosen]) -> Run:
        items = [one.item.business_central_id for one in rows]
        return await _task(services, mapping, RunKind.UNCOUPLE, UNCOUPLE, UncoupleTask(listed=True), items, caller)

    return await asked(services, selected, ask)


async def asked(services: Services, selected: Selection, ask: _Ask) -> ErrorActionAnswer:
    """One task for each mapping; the answer groups them as one request."""
    runs = [await ask(rows[0].mapping, rows) for rows in selected.chosen.values()]
    jobs = [JobReference(id=job, mapping=run.mapping) for run in runs for job in dict.fromkeys(run.jobs.values())]
    return await answer_for(services, selected, jobs)


async def answer_for(services: Services, selected: Selection, jobs: Iterable[JobReference]) -> ErrorActionAnswer:
    """What was started and what is refused."""
    started = tuple(jobs)
    request = await group_jobs(services, (job.id for job in started)) if started else None
    return ErrorActionAnswer(
        id=request.id if request is not None else None,
        jobs=started,
        scheduled=selected.count,
        refused_count=len(selected.refused),
        refused=selected.answers(),
    )


async def clear_skipped(services: Services, selected: Selection) -> None:
    """Nothing holds these up any more: they are due at once."""
    now = services.clock.now()
    for name, rows in selected.chosen.items():
        await services.work_items(name).revise([one.item.key for one in rows], lambda item: item.due(now))


async def _try_again(services: Services, selected: Selection, caller: Caller) -> ErrorActionAnswer:
    selected.keep(_is_enabled)
    await clear_skipped(services, selected)
    mappings = [rows[0].mapping for rows in selected.chosen.values()]
    if not mappings:
        return await answer_for(services, selected, ())
    request = await request_synchronization(services, mappings, Trigger.PERSON, caller.label)
    jobs = [JobReference(id=job.id, mapping=job.mapping) for job in await services.jobs.get_many(list(request.jobs))]
    return ErrorActionAnswer(
        id=request.id,
        jobs=tuple(jobs),
        scheduled=selected.count,
        refused_count=len(selected.refused),
        refused=selected.answers(),
    )


async def _task[T](
    services: Services,
    mapping: Mapping,
    kind: RunKind,
    shape: Shape[T],
    task: T,
    items: Sequence[Any],
    caller: Caller,
    passes: Sequence[Side] | None = None,
) -> Run:
    return await request_task(
        services, mapping, kind, shape, task, items=items, requested_by=caller.label, passes=passes
    )


def _is_enabled(one: Chosen) -> Refusal | None:
    if one.mapping.enabled:
        return None
    return Refusal(RefusalCode.MAPPING_DISABLED, f"{one.mapping.name} is disabled: nothing of it is synchronized.")


def _edited_since(one: Chosen) -> Refusal | None:
    """The record that is left must be the one that was looked at when the error was written down."""
    (survivor,) = one.looked.there
    seen = one.item.versions.get(survivor)
    if seen is None or seen == one.looked.versions[survivor]:
        return None
    name = description(one.item, survivor)
    return Refusal(
        RefusalCode.EDITED_MEANWHILE, f"{name} was edited in {survivor.product} since its error was looked at."
    )


def _doomed(one: Chosen) -> Doomed:
    (survivor,) = one.looked.there
    ids = (one.item.business_central_id or "", one.item.dataverse_id or "")
    return Doomed(*ids, survivor, one.looked.versions[survivor])
