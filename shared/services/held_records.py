"""Records that a person keeps out of synchronization: nothing is written for them until they are released.

A hold is a work item of its own kind beside the others. What changes meanwhile is passed by; a released record is read
on both sides by the next run and merged, so nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from shared.core.access import Caller
from shared.core.actions import Seen, View
from shared.core.coupling import Coupling
from shared.core.jobs import job_key
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.base import RecordName, WhichRecords
from shared.services.forms.schedules import (
    HeldRecordAnswer,
    HeldRecordsAnswer,
    HoldAnswer,
    HoldRequest,
    RefusedRecordAnswer,
    ReleaseRequest,
)
from shared.services.mapping_settings import mapping_named
from shared.services.matching.names import record_name
from shared.services.naming import refusal_answer
from shared.services.repositories.work_items import WorkItem
from shared.services.scheduling import make_due
from shared.services.tasks.lookup import read_both
from shared.services.which_mapping import mapping_meant

type Named = tuple[Side, str]


async def hold(services: Services, request: HoldRequest, caller: Caller) -> HoldAnswer:
    """Keep these records, each with its partner, out of synchronization from now on. Raises Problem (which mapping).

    A run that is on may still write what it has read before.
    """
    mapping = await mapping_meant(services, request.mapping, request.table)
    found = await _found(services, mapping, request)
    items = {one.key: one for one in (_item(services, mapping, each, request, caller) for each in found) if one}
    repository = services.work_items(mapping.name)
    await repository.put(list(items.values()))
    await repository.remove(sorted({f"{side}|{one}" for item in items.values() for side, one in item.named}))
    refused = [(each.id, _gone(services, mapping, each)) for each in found if each.is_gone]
    return _answer(mapping, list(items.values()), refused)


async def release(services: Services, request: ReleaseRequest) -> HoldAnswer:
    """Let these records be synchronized again; the next run takes them along, at once. Raises Problem."""
    mapping = await mapping_meant(services, request.mapping, request.table)
    repository = services.work_items(mapping.name)
    by_id = {named: item for item in await repository.held() for named in item.named}
    named = _named(request)
    items = {by_id[one].key: by_id[one] for one in named if one in by_id}
    await repository.put([_released(services, item) for item in items.values()])
    await repository.remove(sorted(items))
    if items:
        await make_due(services, mapping.name)
    return _answer(mapping, list(items.values()), [(one[1], _not_held(mapping, one)) for one in named - by_id.keys()])


async def held_page(services: Services, *, mapping: str | None, after: str | None, limit: int) -> HeldRecordsAnswer:
    """A page of what is kept out of one mapping or of all, the newest first. Raises Problem (404)."""
    if mapping is not None:
        names = [(await mapping_named(services, mapping)).mapping.name]
    else:
        names = [stored.mapping.name for stored in await services.mappings.all()]
    items = sorted([item for name in names for item in await services.work_items(name).held()], key=_place)
    rest = [item for item in items if after is None or _place(item) > after]
    return HeldRecordsAnswer(
        records=tuple(map(_shown, rest[:limit])),
        count=len(items),
        continuation=_place(rest[limit - 1]) if len(rest) > limit else None,
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A record that somebody named: its coupling, and what it is like where it has none."""

    side: Side
    id: str
    coupling: Coupling | None
    view: View | None

    @property
    def is_gone(self) -> bool:
        """Whether there is nothing to hold."""
        return self.coupling is None and (self.view is None or self.view.seen is not Seen.PRESENT)


def _named(request: WhichRecords) -> set[Named]:
    named = {(Side.BUSINESS_CENTRAL, one) for one in request.business_central_ids}
    return named | {(Side.DATAVERSE, one) for one in request.dataverse_ids}


async def _found(services: Services, mapping: Mapping, request: WhichRecords) -> list[_Found]:
    named = sorted(_named(request))
    couplings = services.couplings(mapping.name)
    coupled = {side: await couplings.find(side, [one for at, one in named if at is side]) for side in Side}
    free = {side: [one for at, one in named if at is side and one not in coupled[side]] for side in Side}
    views = await read_both(services, mapping, free)
    return [_Found(side, one, coupled[side].get(one), views[side].get(one)) for side, one in named]


def _item(services: Services, mapping: Mapping, found: _Found, request: HoldRequest, caller: Caller) -> WorkItem | None:
    """The hold of a record, or of a pair under its BC record."""
    if found.is_gone:
        return None
    coupling, now = found.coupling, services.clock.now()
    ends = {side: _name(services, mapping, found, side) for side in Side}
    source = Side.BUSINESS_CENTRAL if coupling is not None else found.side
    here, there = ends[source], ends[source.other]
    ids = {side: end.id for side, end in ends.items() if end is not None}
    assert here is not None
    return WorkItem(
        mapping=mapping.name,
        source=source,
        record_id=here.id,
        reason=Reason.HELD,
        message=request.reason,
        job="",
        first_at=now,
        last_at=now,
        next_at=now,
        attempts=0,
        business_central_id=ids.get(Side.BUSINESS_CENTRAL),
        dataverse_id=ids.get(Side.DATAVERSE),
        number=here.number,
        title=here.title,
        other_number=there.number if there else None,
        other_title=there.title if there else None,
        held_by=caller.label,
    )


def _name(services: Services, mapping: Mapping, found: _Found, side: Side) -> RecordName | None:
    if found.coupling is not None:
        end = found.coupling.at(side)
        return RecordName(id=end.id, number=end.number, title=end.title)
    if side is not found.side or found.view is None or found.view.record is None:
        return None
    return record_name(found.view.record, services.tables_of(mapping)[side])


def _released(services: Services, item: WorkItem) -> WorkItem:
    """What makes the next run look at both records."""
    now, reason = services.clock.now(), Reason.RELEASED
    return replace(item, reason=reason, message=reason.sentence, first_at=now, last_at=now, next_at=now, held_by="")


def _gone(services: Services, mapping: Mapping, found: _Found) -> Refusal:
    caption = services.tables_of(mapping)[found.side].caption
    return Refusal(RefusalCode.GONE, f"{found.side.product} has no {caption} {found.id}.")


def _not_held(mapping: Mapping, named: Named) -> Refusal:
    text = f"The {named[0].product} record {named[1]} is not kept out of {mapping.name}."
    return Refusal(RefusalCode.NOT_HELD, text)


def _answer(mapping: Mapping, items: Sequence[WorkItem], refused: Sequence[tuple[str, Refusal]]) -> HoldAnswer:
    ordered = sorted(refused, key=lambda one: one[0])
    return HoldAnswer(
        mapping=mapping.name,
        records=tuple(map(_shown, items)),
        refused=tuple(RefusedRecordAnswer(id=one, refusal=refusal_answer(why)) for one, why in ordered),
    )


def _shown(item: WorkItem) -> HeldRecordAnswer:
    names = {
        side: RecordName(id=one, number=item.name_at(side)[0], title=item.name_at(side)[1]) for side, one in item.named
    }
    return HeldRecordAnswer(
        mapping=item.mapping,
        business_central=names.get(Side.BUSINESS_CENTRAL),
        dataverse=names.get(Side.DATAVERSE),
        by=item.held_by,
        since=item.first_at,
        reason=item.message,
    )


def _place(item: WorkItem) -> str:
    """Where a hold stands in the list: the newest first."""
    return f"{job_key(item.first_at, '')}{item.mapping}|{item.key}"
