"""Find for Deleted as a task: coupled records that no longer exist become deletion conflicts, for a person to solve.

In Microsoft's feature only couplings of unidirectional mappings are looked at, and a record outside the mapping's Table
Filter counts as deleted. Here it is any mapping, both sides, and each deletion is confirmed by a direct read. A
coupling of which both records are gone is deleted.
"""

from __future__ import annotations

from collections.abc import Sequence

from shared.core.actions import Hold
from shared.core.jobs import Counters
from shared.core.mapping import DeletionConflictResolution, Mapping
from shared.core.plan import decide
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import keys_of, mark_as_held
from shared.services.settled import Settled
from shared.services.sweep import deleted_records
from shared.services.tasks.error_kinds import FIND_DELETED, FindDeletedTask, PairIds
from shared.services.tasks.frame import AtWork, TaskKind
from shared.services.tasks.restoring import pair_source, read_pairs
from shared.services.tasks.uncoupling import delete_couplings


async def step(at_work: AtWork[FindDeletedTask]) -> bool:
    """Find all that is deleted, once; then mark it, part by part."""
    task = at_work.task
    if not task.is_read:
        await at_work.keep(await _deleted(at_work.work))
        task.is_read = True
        return False
    if not (task.begun or task.ended):
        wanted = [(str(one), str(other)) for one, other in await at_work.part(task.part)]
        if not wanted:
            return True
        task.part += 1
        await _sort(at_work, wanted)
        await at_work.store()
    await _mark(at_work)
    await delete_couplings(at_work, task.ended)
    task.begun, task.ended = [], []
    return False


async def _deleted(work: Slice) -> list[list[str]]:
    """The coupled pairs that miss a record."""
    gone = {side: await deleted_records(work, side) for side in Side}
    couplings = await work.couplings.concerning(gone)
    return [[one.business_central.id, one.dataverse.id] for one in couplings]


async def _sort(at_work: AtWork[FindDeletedTask], wanted: Sequence[PairIds]) -> None:
    """What is to be marked, and what ends because both records are gone. A conflict that is known stays as it is."""
    task, work = at_work.task, at_work.work
    for pair in await read_pairs(work, wanted):
        ids = (pair.id_at(Side.BUSINESS_CENTRAL) or "", pair.id_at(Side.DATAVERSE) or "")
        if not any(pair.present(side) for side in Side):
            task.ended.append(ids)
        elif pair_source(pair) is not None and not _is_known(work, pair):
            task.begun.append(ids)


def _is_known(work: Slice, pair: Pair) -> bool:
    return any(work.items[key].reason is Reason.DELETION_CONFLICT for key in keys_of(pair) if key in work.items)


async def _mark(at_work: AtWork[FindDeletedTask]) -> None:
    work = at_work.work
    pairs = [pair for pair in await read_pairs(work, at_work.task.begun) if pair_source(pair) is not None]
    settled = [_held(work, pair) for pair in pairs]
    await mark_as_held(work, settled)
    at_work.count(Counters(failed=len(settled)))
    at_work.say([one.outcome.held.message for one in settled if one.outcome and one.outcome.held])


def _held(work: Slice, pair: Pair) -> Settled:
    hold = decide(_asking(work.mapping), pair.views, pair.coupling, work.tables, {}, work.now)
    assert isinstance(hold, Hold)
    settled = Settled(pair, hold)
    settled.finish(held=hold)
    return settled


@once_per_object
def _asking(mapping: Mapping) -> Mapping:
    """The mapping as if a person had to decide about every deletion."""
    return mapping.model_copy(update={"deletion_conflict_resolution": DeletionConflictResolution.NONE})


KIND = TaskKind(FIND_DELETED, step)
