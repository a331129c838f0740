"""Previews: asking for one, reading it page by page, and having it carried out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.access import Caller
from shared.core.effects import PreviewKind
from shared.core.field_choices import problem_of
from shared.core.full_decision import winner_of
from shared.core.full_run import FullRun
from shared.core.jobs import Job, JobStatus, RunKind
from shared.core.mapping import Mapping
from shared.core.preview import Named, Planned
from shared.core.sides import Direction, Side
from shared.services.context import Services
from shared.services.forms.base import JobReference, RecordName
from shared.services.forms.previews import (
    CarryOutAnswer,
    PlannedAnswer,
    PlannedConflict,
    PlannedValueAnswer,
    PreviewCount,
    PreviewPage,
    PreviewStart,
)
from shared.services.job_groups import group_jobs
from shared.services.mapping_settings import enabled_mappings
from shared.services.preview_items import unpack
from shared.services.problems import Problem
from shared.services.repositories.runs import Run
from shared.services.tasks.error_kinds import DELETE, DOOMED, DeleteTask, Doomed
from shared.services.tasks.parts import as_puts
from shared.services.tasks.preview_kinds import CARRY_OUT, PREVIEW, CarryOutTask, PreviewTask, Wanted, setup_of
from shared.services.tasks.request import request_task
from shared.services.which_mapping import mapping_meant


@dataclass(frozen=True, slots=True)
class Started:
    """The previews of one request: its id, the job of each mapping, and the ids that no coupling has."""

    id: str
    jobs: dict[str, str]
    not_coupled: tuple[str, ...] = ()


async def request_previews(services: Services, request: PreviewStart, caller: Caller) -> Started:
    """Ask for a preview, of one mapping or of all that are enabled. Raises Problem (which mapping; 409, 429)."""
    if request.mapping is None and request.table is None:
        mappings: Sequence[Mapping] = enabled_mappings(await services.mappings.all())
    else:
        mappings = [await mapping_meant(services, request.mapping, request.table)]
    for mapping in mappings:
        _refuse_what_makes_no_sense(mapping, request)
    of_records = request.what.is_of_records
    ids, missing = await _coupled(services, mappings[0], request) if of_records else ([], [])
    if of_records and not ids:
        raise Problem(409, "not_coupled", "None of these records is coupled.")
    runs = [await _ask(services, mapping, request, ids, caller) for mapping in mappings]
    jobs = {run.mapping: next(iter(run.jobs.values())) for run in runs}
    asked = await group_jobs(services, jobs.values())
    return Started(asked.id, jobs, tuple(missing))


async def preview_page(services: Services, preview: str, *, after: str | None, limit: int) -> PreviewPage:
    """A page of what would happen. Raises Problem (404; 400 for a continuation that was not given out)."""
    job, run = await _preview(services, preview)
    task = PREVIEW.unpack(run.task)
    items, continuation = await _items(services, run, task, after, limit)
    stored = await services.mappings.get(job.mapping)
    return PreviewPage(
        id=job.id,
        mapping=job.mapping,
        what=task.wanted.what,
        status=job.status,
        message=job.message,
        requested_by=job.requested_by,
        requested_at=job.requested_at,
        looked_at=task.looked_at,
        counts=tuple(PreviewCount(effect=one.effect, side=one.side, pairs=one.pairs) for one in task.counts),
        guard=task.complaint,
        outdated=stored is None or setup_of(stored.mapping) != task.setup,
        wins=winner_of(stored.mapping) if stored is not None and task.wanted.what is PreviewKind.FULL else None,
        items=tuple(_answer(unpack(item)) for item in items),
        continuation=continuation,
    )


async def carry_out_preview(services: Services, preview: str, *, release_guard: bool, caller: Caller) -> CarryOutAnswer:
    """Ask for exactly what a preview shows. Raises Problem (404 unknown, 409 not ready, outdated or guarded)."""
    job, run = await _preview(services, preview)
    task = PREVIEW.unpack(run.task)
    stored = await services.mappings.get(job.mapping)
    if job.status is not JobStatus.SUCCEEDED:
        raise Problem(409, "preview_not_ready", f"The preview is {job.status}; wait until it has succeeded.")
    if stored is None or setup_of(stored.mapping) != task.setup:
        text = f"{job.mapping} has been changed since the preview; look at a new one."
        raise Problem(409, "preview_outdated", text)
    if task.complaint and not release_guard:
        raise Problem(409, "guard_tripped", f"{task.complaint} Or say release_guard: true here.")
    carry_out = _delete if task.wanted.what is PreviewKind.DELETE else _carry_out
    return await _started(services, preview, await carry_out(services, stored.mapping, run, task, caller))


async def _carry_out(services: Services, mapping: Mapping, run: Run, task: PreviewTask, caller: Caller) -> Run:
    doing = CarryOutTask(run.id, task.listed, task.listed + task.parts, task.setup, task.wanted)
    return await request_task(services, mapping, RunKind.CARRY_OUT_PREVIEW, CARRY_OUT, doing, requested_by=caller.label)


async def _delete(services: Services, mapping: Mapping, run: Run, task: PreviewTask, caller: Caller) -> Run:
    """Delete Records of just those that were shown, each in the version that was seen."""
    items = [
        DOOMED.pack(_doomed(unpack(item)))
        for part in range(task.listed, task.listed + task.parts)
        for item in await services.runs(mapping.name).part(run.id, part)
    ]
    return await request_task(
        services, mapping, RunKind.DELETE, DELETE, DeleteTask(), items=items, requested_by=caller.label
    )


def _doomed(item: Planned) -> Doomed:
    ids = {side: str(one) for side, one in item.ids.items()}
    assert item.side is not None
    return Doomed(ids[Side.BUSINESS_CENTRAL], ids[Side.DATAVERSE], item.side, item.version)


async def _started(services: Services, preview: str, run: Run) -> CarryOutAnswer:
    request = await group_jobs(services, run.jobs.values())
    named = tuple(JobReference(id=one, mapping=run.mapping) for one in request.jobs)
    return CarryOutAnswer(id=request.id, preview=preview, jobs=named)


async def _ask(services: Services, mapping: Mapping, request: PreviewStart, ids: Sequence[str], caller: Caller) -> Run:
    full = FullRun(forced=True, unconditional=request.unconditional) if request.what is PreviewKind.FULL else None
    wanted = Wanted(request.what, request.choice, dict(request.fields), full)
    task = PreviewTask(wanted, setup_of(mapping), listed=len(as_puts("", ids)))
    return await request_task(services, mapping, RunKind.PREVIEW, PREVIEW, task, items=ids, requested_by=caller.label)


def _refuse_what_makes_no_sense(mapping: Mapping, request: PreviewStart) -> None:
    """Raises Problem (400, 409) before any preview of the request is started."""
    if request.unconditional and mapping.direction is Direction.BIDIRECTIONAL:
        text = f"{mapping.name} is Bidirectional: no side's data can be taken without condition."
        raise Problem(409, "direction_forbids", text, field="unconditional")
    if problem := problem_of(mapping, request.fields):
        raise Problem(400, "unknown_field", f"fields.{problem[0]}: {problem[1]}", field=f"fields.{problem[0]}")


async def _coupled(services: Services, mapping: Mapping, request: PreviewStart) -> tuple[list[str], list[str]]:
    """The BC ids of the coupled records that are named, and the ids that are not coupled."""
    named = {Side.BUSINESS_CENTRAL: request.business_central_ids, Side.DATAVERSE: request.dataverse_ids}
    ids, missing = dict[str, None](), list[str]()
    for side, wanted in named.items():
        found = await services.couplings(mapping.name).find(side, wanted) if wanted else {}
        ids |= {found[one].business_central.id: None for one in wanted if one in found}
        missing += [one for one in wanted if one not in found]
    return list(ids), missing


async def _preview(services: Services, preview: str) -> tuple[Job, Run]:
    """The job and the run of a preview. Raises Problem (404)."""
    job = await services.jobs.get(preview)
    run = await services.runs(job.mapping).get(job.run) if job is not None else None
    if job is None or run is None or run.kind is not RunKind.PREVIEW:
        raise Problem(404, "unknown_preview", f"There is no preview {preview}, or it is too old to be kept.")
    return job, run


async def _items(
    services: Services, run: Run, task: PreviewTask, after: str | None, limit: int
) -> tuple[list[dict[str, object]], str | None]:
    """The next items, and where to continue: `PART.ITEM`."""
    part, start = _place(after)
    items: list[dict[str, object]] = []
    while part < task.parts:
        found = await services.runs(run.mapping).part(run.id, task.listed + part)
        room = limit - len(items)
        items += found[start : start + room]
        if start + room < len(found):
            return items, f"{part}.{start + room}"
        part, start = part + 1, 0
        if len(items) == limit and part < task.parts:
            return items, f"{part}.0"
    return items, None


def _place(after: str | None) -> tuple[int, int]:
    if after is None:
        return 0, 0
    part, _, item = after.partition(".")
    if not (after.isascii() and part.isdigit() and item.isdigit()):
        raise Problem(400, "invalid_value", "continuation is not one that was given out.", field="continuation")
    return int(part), int(item)


def _answer(item: Planned) -> PlannedAnswer:
    return PlannedAnswer(
        effect=item.effect,
        business_central=_record(item.records[Side.BUSINESS_CENTRAL]),
        dataverse=_record(item.records[Side.DATAVERSE]),
        side=item.side,
        couples=item.couples,
        values=tuple(PlannedValueAnswer.model_validate(value) for value in item.values),
        reason=item.reason,
        explanation=item.reason.outlook,
        message=item.message,
        fields=tuple(PlannedConflict.model_validate(one) for one in item.fields),
    )


def _record(named: Named) -> RecordName | None:
    return RecordName(id=named.id, number=named.number, title=named.title) if named.id is not None else None
