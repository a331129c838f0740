"""Set Up Coupling: couple records pairwise, or one with a new one.

What can be refused is refused at once, pair by pair. The rest is a task of the mapping, in whose session nothing else
works on the same records.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.access import Caller
from shared.core.coupling_requests import (
    Couple,
    CoupleDecision,
    CreateNew,
    Found,
    InPlace,
    repeated,
)
from shared.core.coupling_requests import couple as decide_couple
from shared.core.jobs import RunKind
from shared.core.mapping import Mapping as TableMapping
from shared.core.refusals import Refusal
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.base import JobReference, RecordName
from shared.services.forms.coupling import CoupleAnswer, CoupledPair, CoupleRequest, PairOutcome
from shared.services.naming import name_of_coupled, name_of_view, refusal_answer
from shared.services.repositories.runs import Run
from shared.services.tasks.kinds import COUPLE, PAIR, CoupleTask, PairToCouple
from shared.services.tasks.lookup import Named, found_for, look_up
from shared.services.tasks.request import ended_within, request_task
from shared.services.which_mapping import mapping_meant


@dataclass(frozen=True, slots=True)
class _Decided:
    pairs: Sequence[PairToCouple]
    decisions: Sequence[CoupleDecision]
    found: Mapping[Named, Found]


async def couple(services: Services, request: CoupleRequest, caller: Caller, *, patience: float = 0) -> CoupleAnswer:
    """Couple each pair or say why not; waits `patience` seconds for the end where nothing but coupling is asked for.

    Raises Problem (which mapping; 429).
    """
    mapping = await mapping_meant(services, request.mapping, request.table)
    pairs = [
        PairToCouple(
            one.business_central_id,
            one.dataverse_id,
            one.create_new,
            request.synchronize_after_coupling,
            one.replace,
        )
        for one in request.pairs
    ]
    before = await _decide(services, mapping, pairs)
    todo = [pair for pair, decision in zip(pairs, before.decisions, strict=True) if _is_work(decision)]
    if not todo:
        return _answer(services, mapping, before, before, None)
    run = await ask_to_couple(services, mapping, todo, caller)
    only_coupling = not any(pair.create_new or pair.synchronize.source for pair in todo)
    after = before
    if only_coupling and await ended_within(services, run, patience):
        after = await _decide(services, mapping, pairs)
    return _answer(services, mapping, before, after, run)


async def ask_to_couple(
    services: Services, mapping: TableMapping, pairs: Sequence[PairToCouple], caller: Caller
) -> Run:
    """Ask for the task that couples these pairs."""
    items = [PAIR.pack(pair) for pair in pairs]
    return await request_task(
        services, mapping, RunKind.COUPLE, COUPLE, CoupleTask(), items=items, requested_by=caller.label
    )


async def _decide(services: Services, mapping: TableMapping, pairs: Sequence[PairToCouple]) -> _Decided:
    requests, tables = [pair.request for pair in pairs], services.tables_of(mapping)
    twice = repeated(requests)
    found = await look_up(services, mapping, requests)
    decisions = [
        twice.get(at) or decide_couple(mapping, one, found_for(one, found), tables) for at, one in enumerate(requests)
    ]
    return _Decided(pairs, decisions, found)


def _is_work(decision: CoupleDecision) -> bool:
    return isinstance(decision, Couple | CreateNew) or (
        isinstance(decision, InPlace) and decision.direction is not None
    )


def _answer(
    services: Services, mapping: TableMapping, before: _Decided, after: _Decided, run: Run | None
) -> CoupleAnswer:
    shown = [_pair(services, mapping, before, after, at) for at in range(len(before.pairs))]
    outcomes = Counter(pair.outcome for pair in shown)
    in_place = [one for one in after.decisions if isinstance(one, InPlace) and one.direction is not None]
    scheduled = outcomes[PairOutcome.CREATE_SCHEDULED] + outcomes[PairOutcome.COUPLE_SCHEDULED] + len(in_place)
    return CoupleAnswer(
        mapping=mapping.name,
        coupled=outcomes[PairOutcome.COUPLED],
        scheduled=scheduled,
        refused=outcomes[PairOutcome.REFUSED],
        pairs=tuple(shown),
        job=JobReference(id=next(iter(run.jobs.values())), mapping=mapping.name) if run is not None else None,
    )


def _pair(services: Services, mapping: TableMapping, before: _Decided, after: _Decided, at: int) -> CoupledPair:
    decision = after.decisions[at]
    names = {side: _name(services, mapping, after, at, side) for side in Side}
    return CoupledPair(
        business_central=names[Side.BUSINESS_CENTRAL],
        dataverse=names[Side.DATAVERSE],
        outcome=_outcome(before.decisions[at], decision),
        refusal=refusal_answer(decision) if isinstance(decision, Refusal) else None,
    )


def _name(services: Services, mapping: TableMapping, after: _Decided, at: int, side: Side) -> RecordName | None:
    one = after.pairs[at].request.id_at(side)
    if one is None:
        return None
    found = after.found[(side, one)]
    if found.view.record is None and found.coupling is not None:
        return name_of_coupled(found.coupling.at(side))
    return name_of_view(one, found.view, services.tables_of(mapping)[side])


def _outcome(before: CoupleDecision, after: CoupleDecision) -> PairOutcome:
    match after:
        case Refusal():
            return PairOutcome.REFUSED
        case InPlace():
            return PairOutcome.IN_PLACE if isinstance(before, InPlace) else PairOutcome.COUPLED
        case CreateNew():
            return PairOutcome.CREATE_SCHEDULED
        case Couple():
            return PairOutcome.COUPLE_SCHEDULED
