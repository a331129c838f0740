"""Synchronize on the errors page: whose data is used, for all of them or field by field; and coupling another record.

It is forced: edits on the side that gives way are overwritten, for that is what is to be decided. Skipped is cleared
first, as on Microsoft's page.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.access import Caller
from shared.core.actions import Action, Hold
from shared.core.coupling_requests import PairRequest
from shared.core.error_actions import ErrorAction
from shared.core.field_choices import decide_fields, problem_of
from shared.core.jobs import RunKind
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.refusals import Refusal, RefusalCode, name_of_end
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.core.sync_options import choices, decide_choice
from shared.services.context import Services
from shared.services.coupling_pairs import couple
from shared.services.error_rows import id_of
from shared.services.error_selection import Chosen, select
from shared.services.forms.base import JobReference
from shared.services.forms.coupling import CoupleRequest, PairToCouple
from shared.services.forms.errors import (
    ErrorActionAnswer,
    ErrorSelection,
    RefusedError,
    SetUpCouplingRequest,
    SynchronizeErrorsRequest,
)
from shared.services.pass_context import Pair
from shared.services.problems import Problem
from shared.services.references import ReferenceMemory
from shared.services.repositories.runs import Run
from shared.services.resolve import references_for
from shared.services.solving_errors import asked, clear_skipped
from shared.services.synchronizing_now import Looking
from shared.services.tasks.kinds import SYNC_NOW, SyncNowTask
from shared.services.tasks.lookup import look_up, read_both
from shared.services.tasks.request import request_task


async def synchronize_errors(
    services: Services, request: SynchronizeErrorsRequest, caller: Caller
) -> ErrorActionAnswer:
    """Synchronize these pairs as it was chosen. Raises Problem (400 fields, 404, 429)."""
    selected = await select(services, request, ErrorAction.SYNCHRONIZE)
    selected.keep(lambda one: _direction_refused(one.mapping, request.choice))
    if selected.count == 1 and request.filter is None:
        ((one,),) = selected.chosen.values()
        _check_fields(one.mapping, request)
        refused = await _conflict(services, one, request)
        selected.keep(lambda _: refused)
    await clear_skipped(services, selected)

    async def ask(mapping: Mapping, rows: Sequence[Chosen]) -> Run:
        choice = _own_choice(mapping, request.choice)
        task = SyncNowTask(choice, several=False, fields=dict(request.fields), solves_errors=True)
        return await request_task(
            services,
            mapping,
            RunKind.SYNCHRONIZE_NOW,
            SYNC_NOW,
            task,
            items=[one.item.business_central_id for one in rows],
            requested_by=caller.label,
            passes=None if choice.source is None else (choice.source,),
        )

    return await asked(services, selected, ask)


async def set_up_coupling(
    services: Services, request: SetUpCouplingRequest, caller: Caller, *, patience: float = 0
) -> ErrorActionAnswer:
    """Couple the record of an error with another one (Set Up Coupling). Raises Problem (429)."""
    selected = await select(services, ErrorSelection(errors=(request.error,)), ErrorAction.SET_UP_COUPLING)
    if not selected.count:
        return await asked(services, selected, _nothing)
    ((one,),) = selected.chosen.values()
    own = Side.BUSINESS_CENTRAL if Side.BUSINESS_CENTRAL in one.looked.there else Side.DATAVERSE
    target = request.business_central_id if own is Side.DATAVERSE else request.dataverse_id
    if target is None and not request.create_new:
        raise Problem(
            400, "invalid_value", f"{own.other}_id: name a record of {own.other.product}.", field=f"{own.other}_id"
        )
    if target is not None and (refused := await _is_taken(services, one, own.other, target)) is not None:
        selected.keep(lambda _: refused)
        return await asked(services, selected, _nothing)
    ids = {f"{own}_id": one.item.id_at(own), f"{own.other}_id": target}
    pair = PairToCouple.model_validate({**ids, "create_new": request.create_new, "replace": not request.create_new})
    after = request.synchronize_after_coupling
    wanted = CoupleRequest.model_validate(
        {"mapping": one.mapping.name, "pairs": (pair,), "synchronize_after_coupling": after}
    )
    done = await couple(services, wanted, caller, patience=patience)
    refusal = done.pairs[0].refusal
    return ErrorActionAnswer(
        id=done.job.id if done.job else None,
        jobs=(JobReference(id=done.job.id, mapping=done.mapping),) if done.job else (),
        scheduled=1 if done.job else 0,
        refused_count=1 if refusal else 0,
        refused=(RefusedError(id=id_of(one.item), refusal=refusal),) if refusal else (),
    )


def _own_choice(mapping: Mapping, choice: SyncChoice) -> SyncChoice:
    """A unidirectional mapping has one way only; to merge is to go that way."""
    possible = choices(mapping)
    return choice if choice in possible else possible[0]


def _direction_refused(mapping: Mapping, choice: SyncChoice) -> Refusal | None:
    if choice is SyncChoice.MERGE or choice in choices(mapping):
        return None
    text = f"{mapping.name} is {mapping.direction}: {choice} is not possible."
    return Refusal(RefusalCode.DIRECTION_FORBIDS, text)


def _check_fields(mapping: Mapping, request: SynchronizeErrorsRequest) -> None:
    problem = problem_of(mapping, request.fields)
    if problem is not None:
        name, text = problem
        raise Problem(400, "unknown_field", f"fields.{name}: {text}", field=f"fields.{name}")


async def _conflict(services: Services, one: Chosen, request: SynchronizeErrorsRequest) -> Refusal | None:
    """What somebody still has to decide about a single pair: the job would only find the same."""
    if request.choice is not SyncChoice.MERGE:
        return None
    ids = {side: [str(one.item.id_at(side))] for side in Side}
    views = await read_both(services, one.mapping, ids)
    found = await services.couplings(one.mapping.name).find(Side.BUSINESS_CENTRAL, ids[Side.BUSINESS_CENTRAL])
    coupling = found.get(ids[Side.BUSINESS_CENTRAL][0])
    pair = Pair({side: views[side][ids[side][0]] for side in Side}, coupling)
    if coupling is None or not all(pair.present(side) for side in Side):
        return None  # it has moved at this very moment; the job tells
    action = await _decided(services, one.mapping, pair, request)
    if isinstance(action, Hold) and action.reason is Reason.UPDATE_CONFLICT:
        return Refusal(RefusalCode.UPDATE_CONFLICT, action.message)
    return None


async def _decided(services: Services, mapping: Mapping, pair: Pair, request: SynchronizeErrorsRequest) -> Action:
    assert pair.coupling is not None
    references = await references_for(Looking(services, mapping, ReferenceMemory(services)), [pair])
    known = (pair.views, pair.coupling, services.tables_of(mapping), references, services.clock.now())
    if request.fields:
        return decide_fields(mapping, request.fields, *known)
    return decide_choice(mapping, _own_choice(mapping, request.choice), *known)


async def _is_taken(services: Services, one: Chosen, side: Side, target: str) -> Refusal | None:
    """Only the error's own coupling is given up for the new one, not a valid one of the record it is to go with."""
    named = PairRequest(**{side.value: target})
    found = (await look_up(services, one.mapping, [named]))[(side, target)]
    coupling = found.coupling
    if coupling is None or found.partner_is_gone or coupling.at(side.other).id == one.item.id_at(side.other):
        return None
    tables = services.tables_of(one.mapping)
    here, there = (name_of_end(coupling.at(end), tables[end]) for end in (side, side.other))
    return Refusal(RefusalCode.ALREADY_COUPLED, f"{here} is already coupled, with {there}.")


async def _nothing(mapping: Mapping, rows: Sequence[Chosen]) -> Run:
    raise AssertionError("there is nothing to ask for")
