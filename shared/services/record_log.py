"""The synchronization log of one record: everything that was done to it, also under couplings that are gone by now."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.coupling import Coupling
from shared.core.history import Touch, What, touches_in
from shared.core.jobs import Job, job_key
from shared.core.sides import Side, direction_from
from shared.services.context import Services
from shared.services.error_rows import error_answer
from shared.services.forms.base import RecordName
from shared.services.forms.record_log import DifferenceAnswer, JobOfTouchAnswer, RecordLogAnswer, TouchAnswer
from shared.services.repositories.work_items import WorkItem
from shared.services.which_mapping import mapping_meant

SENT = (What.CREATED, What.RESTORED, What.UPDATED)


@dataclass(frozen=True, slots=True)
class _Entry:
    """A touch of the pair of these two records; `place` is where it stands in the log."""

    touch: Touch
    business_central: str
    dataverse: str
    place: str = ""


async def record_log(
    services: Services,
    mapping: str | None,
    table: str | None,
    record: tuple[Side, str],
    *,
    after: str | None,
    limit: int,
) -> RecordLogAnswer:
    """What was done to one record (side and id); nothing of one that was never coupled. Raises Problem."""
    meant = await mapping_meant(services, mapping, table)
    side, record_id = record
    couplings = services.couplings(meant.name)
    coupling = (await couplings.find(side, [record_id])).get(record_id)
    entries = _entries(coupling.business_central.id, coupling.dataverse.id, coupling.history) if coupling else []
    for ended in await couplings.ended(side, record_id):
        entries += _entries(ended.business_central, ended.dataverse, ended.history)
    placed = _placed(entries)
    rest = [entry for entry in placed if after is None or entry.place > after]
    item = await _open_item(services, meant.name, record, coupling)
    return RecordLogAnswer(
        mapping=meant.name,
        business_central=RecordName.model_validate(coupling.business_central) if coupling else None,
        dataverse=RecordName.model_validate(coupling.dataverse) if coupling else None,
        coupled_at=coupling.coupled_at if coupling else None,
        coupled_by=coupling.coupled_by if coupling else "",
        synchronized_at=coupling.synchronized_at if coupling else None,
        error=error_answer(item) if item else None,
        touches=await _touches(services, rest[:limit]),
        count=len(placed),
        continuation=rest[limit - 1].place if len(rest) > limit else None,
    )


def _entries(business_central: str, dataverse: str, history: str) -> list[_Entry]:
    return [_Entry(touch, business_central, dataverse) for touch in touches_in(history)]


def _placed(entries: Sequence[_Entry]) -> list[_Entry]:
    """The newest first. What happened at the same moment keeps the order in which it was told."""
    ordered = sorted(entries, key=lambda entry: entry.touch.at, reverse=True)
    told = Counter[datetime]()
    placed = []
    for entry in ordered:
        told[entry.touch.at] += 1
        placed.append(replace(entry, place=job_key(entry.touch.at, f"{told[entry.touch.at]:04d}")))
    return placed


async def _open_item(
    services: Services, mapping: str, record: tuple[Side, str], coupling: Coupling | None
) -> WorkItem | None:
    """What is remembered of the record's failures, under its own id or its partner's."""
    records = [(side, coupling.at(side).id) for side in Side] if coupling is not None else [record]
    found = await services.work_items(mapping).get_many([f"{side}|{one}" for side, one in records])
    return next(iter(found.values()), None)


async def _touches(services: Services, entries: Sequence[_Entry]) -> tuple[TouchAnswer, ...]:
    ids = dict.fromkeys(job for entry in entries for job in entry.touch.jobs)
    jobs = {job.id: job for job in await services.jobs.get_many(list(ids))}
    return tuple(_touch(entry, jobs) for entry in entries)


def _touch(entry: _Entry, jobs: Mapping[str, Job]) -> TouchAnswer:
    touch = entry.touch
    sources = {touch.source} if touch.source else {change.side.other for change in touch.changes}
    return TouchAnswer(
        at=touch.at,
        what=touch.what,
        rule=touch.rule,
        explanation=touch.rule.sentence,
        directions=tuple(direction_from(side) for side in Side if touch.what in SENT and side in sources),
        requested_by=touch.by,
        business_central_id=entry.business_central,
        dataverse_id=entry.dataverse,
        jobs=tuple(_job(one, jobs.get(one)) for one in touch.jobs),
        changes=tuple(map(DifferenceAnswer.model_validate, touch.changes)),
    )


def _job(job_id: str, job: Job | None) -> JobOfTouchAnswer:
    return JobOfTouchAnswer(id=job_id) if job is None else JobOfTouchAnswer.model_validate(job)
