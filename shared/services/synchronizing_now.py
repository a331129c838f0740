"""Synchronize Now: one record or several, the way that a person has chosen, and what the prompt shows beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.access import Caller
from shared.core.coupling import Coupling
from shared.core.jobs import RunKind
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.refusals import Refusal, RefusalCode, name_of_pair
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.core.sync_options import SyncOption, SyncOptions, choices, skipped_of_several, sync_options
from shared.core.tables import Table
from shared.core.transfer import References
from shared.services.context import Services
from shared.services.forms.base import JobReference, RecordName
from shared.services.forms.synchronize_now import (
    ColumnChangeAnswer,
    OptionAnswer,
    OptionsAnswer,
    SkippedRecord,
    SyncNowAnswer,
    SyncNowRequest,
)
from shared.services.job_groups import group_jobs
from shared.services.naming import name_of_coupled, name_of_view, refusal_answer
from shared.services.pass_context import Pair
from shared.services.problems import Problem
from shared.services.references import ReferenceMemory
from shared.services.repositories.work_items import held_key
from shared.services.resolve import references_for
from shared.services.tasks.kinds import SYNC_NOW, SyncNowTask
from shared.services.tasks.lookup import read_both
from shared.services.tasks.request import request_task
from shared.services.which_mapping import mapping_meant


@dataclass(frozen=True, slots=True)
class Looking:
    """What the lookups of a mapping are asked with; nothing is changed."""

    services: Services
    mapping: Mapping
    references: ReferenceMemory

    @property
    def tables(self) -> dict[Side, Table]:
        """Both tables of the mapping."""
        return self.services.tables_of(self.mapping)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A record that somebody named, and its pair as it is now where it is coupled."""

    side: Side
    id: str
    pair: Pair | None
    skipped: bool
    held: bool = False


async def sync_now(services: Services, request: SyncNowRequest, caller: Caller) -> SyncNowAnswer:
    """Ask for the synchronization of these records; what must be left out is told. Raises Problem (which mapping, 409,
    429)."""
    mapping = await mapping_meant(services, request.mapping, request.table)
    choice = _choice(mapping, request.choice)
    ids = {Side.BUSINESS_CENTRAL: request.business_central_ids, Side.DATAVERSE: request.dataverse_ids}
    asked = await _look_up(services, mapping, ids)
    is_several = len(asked) > 1
    refusals = [
        await _refused_of_several(services, mapping, choice, one)
        if is_several
        else await _refused_alone(services, mapping, choice, one)
        for one in asked
    ]
    wanted = [one for one, refusal in zip(asked, refusals, strict=True) if refusal is None]
    skipped = [_skipped(services, mapping, one, why) for one, why in zip(asked, refusals, strict=True) if why]
    job = await _ask(services, mapping, SyncNowTask(choice, is_several), wanted, caller) if wanted else None
    return SyncNowAnswer(
        mapping=mapping.name,
        total=len(asked),
        scheduled=len(wanted),
        skipped=len(skipped),
        failed=0,
        skipped_records=tuple(skipped),
        job=job,
    )


async def sync_now_options(
    services: Services, mapping: str | None, table: str | None, side: Side, record_id: str
) -> OptionsAnswer:
    """What the prompt would show for one record. Raises Problem (which mapping; 404 no such record)."""
    meant = await mapping_meant(services, mapping, table)
    (asked,) = await _look_up(services, meant, {side: (record_id,), side.other: ()})
    if asked.pair is None:
        return await _not_coupled(services, meant, side, record_id)
    options = await _options(services, meant, asked)
    names = {one: _name(services, meant, asked.pair, one) for one in Side}
    shown = OptionsAnswer(
        mapping=meant.name, business_central=names[Side.BUSINESS_CENTRAL], dataverse=names[Side.DATAVERSE]
    )
    if isinstance(options, Refusal):
        return shown.model_copy(update={"refusal": refusal_answer(options)})
    return shown.model_copy(
        update={
            "options": tuple(map(_option_answer, options.options)),
            "changed": options.changed,
            "newer": options.newer,
            "modified_at": dict(options.modified_at),
            "preselected": options.preselected,
            "warning": options.warning,
        }
    )


def _choice(mapping: Mapping, choice: SyncChoice | None) -> SyncChoice:
    """What was chosen, or what the mapping's direction says. Raises Problem (409)."""
    possible = choices(mapping)
    if choice is None:
        return SyncChoice.MERGE if SyncChoice.MERGE in possible else possible[0]
    if choice not in possible:
        text = f"choice: {mapping.name} is {mapping.direction}; {', '.join(possible)} is possible, not {choice}."
        raise Problem(409, "direction_forbids", text, field="choice")
    return choice


async def _look_up(services: Services, mapping: Mapping, ids: dict[Side, tuple[str, ...]]) -> list[_Asked]:
    """The records that are named, each pair once, with both records as they are now."""
    repository = services.couplings(mapping.name)
    couplings = {side: await repository.find(side, ids[side]) for side in Side}
    everything = [coupling for side in Side for coupling in couplings[side].values()]
    both = {side: sorted({coupling.at(side).id for coupling in everything}) for side in Side}
    views = await read_both(services, mapping, both)
    items = await services.work_items(mapping.name).all()
    told: set[str] = set()
    asked: list[_Asked] = []
    for side in Side:
        for one in dict.fromkeys(ids[side]):
            coupling = couplings[side].get(one)
            if coupling is None:
                asked.append(_Asked(side, one, None, skipped=False))
            elif coupling.business_central.id not in told:
                told.add(coupling.business_central.id)
                pair = Pair({end: views[end][coupling.at(end).id] for end in Side}, coupling)
                keys = [f"{end}|{coupling.at(end).id}" for end in Side]
                skipped = any(items[key].skipped for key in keys if key in items)
                held = held_key(Side.BUSINESS_CENTRAL, coupling.business_central.id) in items
                asked.append(_Asked(side, one, pair, skipped, held))
    return asked


async def _refused_of_several(services: Services, mapping: Mapping, choice: SyncChoice, one: _Asked) -> Refusal | None:
    if one.pair is None:
        return _uncoupled(services, mapping, one)
    if one.held:
        return _held(services, mapping, one.pair)
    tables = services.tables_of(mapping)
    return skipped_of_several(mapping, choice, one.pair.views, one.pair.coupling, tables, skipped=one.skipped)


async def _refused_alone(services: Services, mapping: Mapping, choice: SyncChoice, one: _Asked) -> Refusal | None:
    """Of a single record only what the prompt would not offer is refused."""
    if one.pair is None:
        return _uncoupled(services, mapping, one)
    options = await _options(services, mapping, one)
    if isinstance(options, Refusal):
        return options
    chosen = next(option for option in options.options if option.choice is choice)
    if chosen.code != Reason.UPDATE_CONFLICT:
        return None
    return Refusal(RefusalCode.UPDATE_CONFLICT, chosen.why)


def _uncoupled(services: Services, mapping: Mapping, one: _Asked) -> Refusal:
    caption = services.tables_of(mapping)[one.side].caption
    return Refusal(RefusalCode.NOT_COUPLED, f"{caption} {one.id} is not coupled in {mapping.name}.")


def _held(services: Services, mapping: Mapping, pair: Pair) -> Refusal:
    assert pair.coupling is not None
    names = name_of_pair(pair.coupling, services.tables_of(mapping))
    return Refusal(RefusalCode.HELD, f"{names} are kept out of synchronization.")


async def _options(services: Services, mapping: Mapping, one: _Asked) -> SyncOptions | Refusal:
    assert one.pair is not None
    if one.held:
        return _held(services, mapping, one.pair)
    references: References = await references_for(Looking(services, mapping, ReferenceMemory(services)), [one.pair])
    tables, now = services.tables_of(mapping), services.clock.now()
    return sync_options(mapping, one.pair.views, one.pair.coupling, tables, references, now, skipped=one.skipped)


async def _not_coupled(services: Services, mapping: Mapping, side: Side, record_id: str) -> OptionsAnswer:
    views = await read_both(services, mapping, {side: (record_id,), side.other: ()})
    table = services.tables_of(mapping)[side]
    if views[side][record_id].record is None:
        raise Problem(404, "unknown_record", f"{side.product} has no {table.caption} {record_id}.")
    name = name_of_view(record_id, views[side][record_id], table)
    refusal = Refusal(RefusalCode.NOT_COUPLED, f"{table.caption} {name.title or name.id} is not coupled.")
    return OptionsAnswer(
        mapping=mapping.name,
        business_central=name if side is Side.BUSINESS_CENTRAL else None,
        dataverse=name if side is Side.DATAVERSE else None,
        refusal=refusal_answer(refusal),
    )


def _option_answer(option: SyncOption) -> OptionAnswer:
    changes = tuple(ColumnChangeAnswer.model_validate(change) for change in option.changes)
    return OptionAnswer(choice=option.choice, changes=changes, code=option.code, why=option.why)


def _name(services: Services, mapping: Mapping, pair: Pair, side: Side) -> RecordName:
    assert pair.coupling is not None
    end = pair.coupling.at(side)
    if pair.views[side].record is None:
        return name_of_coupled(end)
    return name_of_view(end.id, pair.views[side], services.tables_of(mapping)[side])


def _skipped(services: Services, mapping: Mapping, one: _Asked, why: Refusal) -> SkippedRecord:
    name = RecordName(id=one.id) if one.pair is None else _name(services, mapping, one.pair, one.side)
    return SkippedRecord(side=one.side, record=name, refusal=refusal_answer(why))


async def _ask(
    services: Services, mapping: Mapping, task: SyncNowTask, wanted: Sequence[_Asked], caller: Caller
) -> JobReference:
    """The task, with a job for each direction; the reference is to both."""
    couplings: list[Coupling] = [one.pair.coupling for one in wanted if one.pair and one.pair.coupling]
    source = task.choice.source
    run = await request_task(
        services,
        mapping,
        RunKind.SYNCHRONIZE_NOW,
        SYNC_NOW,
        task,
        items=[coupling.business_central.id for coupling in couplings],
        requested_by=caller.label,
        passes=None if source is None else (source,),
    )
    request = await group_jobs(services, run.jobs.values())
    return JobReference(id=request.id, mapping=mapping.name)
