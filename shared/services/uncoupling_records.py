"""Delete Coupling: of records, of a filter's records, of whole mappings. No record is deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from shared.core.access import Caller
from shared.core.coupling import Coupling
from shared.core.coupling_requests import PairRequest
from shared.core.coupling_requests import uncouple as decide_uncouple
from shared.core.filters import FilterError, parse_filter
from shared.core.jobs import RunKind, job_key
from shared.core.mapping import Mapping
from shared.core.refusals import Refusal
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.base import JobReference
from shared.services.forms.uncoupling import UncoupleAnswer, UncoupleRefusal, UncoupleRequest
from shared.services.naming import refusal_answer
from shared.services.problems import Problem
from shared.services.repositories.jobs import Request
from shared.services.repositories.runs import Run
from shared.services.tasks.kinds import UNCOUPLE, UncoupleTask
from shared.services.tasks.request import request_task
from shared.services.which_mapping import mapping_meant


async def uncouple(services: Services, request: UncoupleRequest, caller: Caller) -> UncoupleAnswer:
    """Ask for the deletion of couplings, one task for each mapping. Raises Problem (which mapping, filter; 429)."""
    names = list(dict.fromkeys(name.upper() for name in request.mappings))
    mappings = [await mapping_meant(services, name, None) for name in names]
    if request.table is not None:
        mappings = [await mapping_meant(services, None, request.table)]
    if request.filter is not None:
        _check_filter(services, mappings[0], request.side, request.filter)
    if request.all or request.filter is not None:
        task = UncoupleTask(listed=False, filter=request.filter or "", side=request.side)
        runs = [await _ask(services, mapping, task, (), caller) for mapping in mappings]
        states = await asyncio.gather(*(services.runs(mapping.name).state() for mapping in mappings))
        return await _answer(services, runs, sum(state.coupled for state in states), ())
    return await _uncouple_listed(services, mappings[0], request, caller)


async def _uncouple_listed(
    services: Services, mapping: Mapping, request: UncoupleRequest, caller: Caller
) -> UncoupleAnswer:
    couplings, refused = await _listed(services, mapping, request)
    if not couplings:
        return await _answer(services, (), 0, refused)
    run = await _ask(services, mapping, UncoupleTask(listed=True), sorted(couplings), caller)
    return await _answer(services, (run,), len(couplings), refused)


async def _listed(
    services: Services, mapping: Mapping, request: UncoupleRequest
) -> tuple[dict[str, Coupling], list[UncoupleRefusal]]:
    """The couplings of the records that are named, by BC id, and what is refused."""
    tables, asked = services.tables_of(mapping), _asked(request)
    ids = {side: {one for pair in asked for at, one in pair.named if at is side} for side in Side}
    found = {side: await services.couplings(mapping.name).find(side, ids[side]) for side in Side}
    chosen: dict[str, Coupling] = {}
    refused: list[UncoupleRefusal] = []
    for pair in asked:
        decision = decide_uncouple(pair, {side: found[side].get(one) for side, one in pair.named}, tables)
        if isinstance(decision, Refusal):
            side, one = pair.named[0]
            refused.append(UncoupleRefusal(side=side, id=one, refusal=refusal_answer(decision)))
        else:
            chosen[decision.business_central.id] = decision
    return chosen, refused


def _asked(request: UncoupleRequest) -> list[PairRequest]:
    """What is named, each once."""
    pairs = [PairRequest(pair.business_central_id, pair.dataverse_id) for pair in request.pairs]
    pairs += [PairRequest(business_central=one) for one in request.business_central_ids]
    pairs += [PairRequest(dataverse=one) for one in request.dataverse_ids]
    return list(dict.fromkeys(pairs))


async def _ask(services: Services, mapping: Mapping, task: UncoupleTask, ids: Sequence[str], caller: Caller) -> Run:
    return await request_task(services, mapping, RunKind.UNCOUPLE, UNCOUPLE, task, items=ids, requested_by=caller.label)


async def _answer(
    services: Services, runs: Sequence[Run], scheduled: int, refused: Sequence[UncoupleRefusal]
) -> UncoupleAnswer:
    """The answer; what was asked for at once is a request with an id of its own."""
    now = services.clock.now()
    jobs = tuple(JobReference(id=next(iter(run.jobs.values())), mapping=run.mapping) for run in runs)
    request = Request(job_key(now, services.ids.new()), tuple(job.id for job in jobs), now)
    if jobs:
        await services.jobs.add_request(request)
    return UncoupleAnswer(id=request.id, jobs=jobs, scheduled=scheduled, refused=tuple(refused))


def _check_filter(services: Services, mapping: Mapping, side: Side, expression: str) -> None:
    table = services.tables_of(mapping)[side]
    try:
        columns = parse_filter(expression).columns
    except FilterError as error:
        raise Problem(400, "invalid_filter", f"filter: {error}.", field="filter") from None
    known = {column.name for column in table.columns}
    for name in columns:
        if name not in known:
            text = f"filter: {side.product} table {table.name} has no column {name}."
            raise Problem(400, "unknown_column", text, field="filter")
    if not columns:
        raise Problem(
            400, "invalid_filter", "filter: names no column; for every coupling say all: true.", field="filter"
        )
