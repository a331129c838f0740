"""Delete Records as a task: the record that is left of each pair is deleted, and its coupling with it.

Source: action Delete Records of the page Coupled Data Synchronization Errors. What is about to be deleted is stored
first; a record that is found gone was deleted by this task if its coupling still stands, or tells so. Each deletion
names the version that was seen, so a record that somebody has edited meanwhile stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from shared.core.error_actions import ErrorAction, refusal_of
from shared.core.history import What, newest_in
from shared.core.jobs import Counters
from shared.core.reasons import Reason
from shared.core.records import Delete, RefusalKind, WriteResult, Written
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Side
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import forget
from shared.services.tasks.error_kinds import DELETE, DOOMED, DeleteTask, Doomed
from shared.services.tasks.frame import AtWork, TaskKind, take_up
from shared.services.tasks.restoring import pair_source, read_pairs, state_of_pair
from shared.services.touches import remove_noted

_BUSY = (RefusalKind.PASSING, RefusalKind.UNKNOWN, RefusalKind.NOT_RUN)


@dataclass(slots=True)
class _Ended:
    """What became of deletions: what is gone now, what was gone before, what a busy service refused, and sentences."""

    gone: list[Doomed] = field(default_factory=list)
    missing: list[Doomed] = field(default_factory=list)
    busy: list[Doomed] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


async def step(at_work: AtWork[DeleteTask]) -> bool:
    """Choose the next records and write them down, then delete them."""
    if not at_work.task.begun and not await take_up(at_work, partial(_chosen, at_work)):
        return True
    await _delete(at_work)
    return False


async def _chosen(at_work: AtWork[DeleteTask], items: Sequence[Any]) -> list[Doomed]:
    """The records that may be deleted as they are now; the others are counted as skipped, with the reason."""
    work, wanted = at_work.work, [DOOMED.unpack(item) for item in items]
    pairs = {
        (pair.id_at(Side.BUSINESS_CENTRAL), pair.id_at(Side.DATAVERSE)): pair
        for pair in await read_pairs(work, [one.ids for one in wanted])
    }
    sentences = ["The records are not coupled any more."] * sum(one.ids not in pairs for one in wanted)
    chosen: list[Doomed] = []
    for one in wanted:
        if (pair := pairs.get(one.ids)) is not None:
            refused, record = _refused(work, one, pair), pair.views[one.survivor].record
            chosen += [replace(one, etag=record.etag)] if refused is None and record is not None else []
            sentences += [refused.message] if refused is not None else []
    at_work.count(Counters(skipped=len(sentences)))
    at_work.say(sentences)
    return chosen


def _refused(work: Slice, one: Doomed, pair: Pair) -> Refusal | None:
    state = state_of_pair(work, pair)
    if (refused := refusal_of(ErrorAction.DELETE_RECORDS, state)) is not None:
        return refused
    record = pair.views[one.survivor].record
    if pair_source(pair) is not one.survivor or (record and one.etag not in (None, record.etag)):
        return Refusal(RefusalCode.EDITED_MEANWHILE, f"{state.name} have moved meanwhile; nothing is deleted.")
    return None


async def _delete(at_work: AtWork[DeleteTask]) -> None:
    """Delete what is begun. The couplings of what is gone go last: until then a repetition knows what to do."""
    work, task = at_work.work, at_work.task
    ended = _Ended()
    for side in Side:
        mine = [one for one in task.begun if one.survivor is side]
        if mine:
            writes = [Delete(one.record_id, one.etag) for one in mine]
            results = await work.services.rows(side).write(work.tables[side], writes, [])
            for one, result in zip(mine, results, strict=True):
                _sort(work, ended, one, result)
    ours = [one for one in ended.missing if await _is_ours(work, one)]
    ended.gone += ours
    await _end_couplings(work, ended.gone)
    skipped = len(ended.missing) - len(ours)
    at_work.count(Counters(deleted=len(ended.gone), skipped=skipped, failed=len(ended.refused)))
    at_work.say(ended.refused)
    work.state.coupled = max(0, work.state.coupled - len(ended.gone))
    task.begun, task.left = [], [*task.left, *ended.busy]


def _sort(work: Slice, ended: _Ended, one: Doomed, result: WriteResult) -> None:
    if isinstance(result, Written):
        ended.gone.append(one)
    elif result.kind is RefusalKind.GONE:
        ended.missing.append(one)
    elif result.kind in _BUSY:
        ended.busy.append(one)
    elif result.kind is RefusalKind.CHANGED:
        ended.refused.append(f"{_name(work, one)} was edited meanwhile; it is not deleted.")
    else:
        ended.refused.append(f"{one.survivor.product} did not delete {_name(work, one)}: {result.message}")


async def _is_ours(work: Slice, one: Doomed) -> bool:
    """Whether a record that is gone was deleted by this task, before it was interrupted: its coupling goes after it."""
    if await work.couplings.find(Side.BUSINESS_CENTRAL, [one.business_central]):
        return True
    ended = await work.couplings.ended(one.survivor, one.record_id)
    touch = newest_in(ended[0].history) if ended else None
    return touch is not None and not set(touch.jobs).isdisjoint(work.run.jobs.values())


async def _end_couplings(work: Slice, gone: Sequence[Doomed]) -> None:
    pairs: Mapping[str, str] = {one.business_central: one.dataverse for one in gone}
    found = await work.couplings.find(Side.BUSINESS_CENTRAL, pairs)
    ended = [one for key, one in found.items() if one.dataverse.id == pairs[key]]
    await remove_noted(work, ended, Reason.CHOSEN, What.DELETED)
    await forget(work, (f"{side}|{ids[at]}" for ids in pairs.items() for at, side in enumerate(Side)))


def _name(work: Slice, one: Doomed) -> str:
    """The record as its error names it."""
    item = work.items.get(f"{one.survivor}|{one.record_id}")
    texts = [text for text in (item.name_at(one.survivor) if item else ()) if text]
    return " ".join([work.tables[one.survivor].caption, *dict.fromkeys(texts or [one.record_id])])


KIND = TaskKind(DELETE, step)
