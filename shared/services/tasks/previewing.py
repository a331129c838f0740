"""A preview as a task: the same reading, pairing and deciding as in a run, and nothing is written or remembered.

It looks at the feeds from where the mapping stands, without moving it. What it finds is stored as a list that outlives
the run, for people to look at and to have carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import batched

from shared.core.actions import Action, Change, Hold, Make, Uncouple
from shared.core.effects import PreviewKind
from shared.core.full_decision import decide_fully, in_full_run
from shared.core.guard import complaint, damage_of
from shared.core.mapping import Mapping
from shared.core.plan import decide
from shared.core.preview import Planned, deletion, planned, summary
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.core.transfer import References
from shared.services.apply import values_now
from shared.services.feeds import Progress, read_page
from shared.services.observe import couplings_of
from shared.services.page import pair_page
from shared.services.pass_context import Choose, Pair, Slice
from shared.services.preview_items import pack
from shared.services.recover import recover_creates
from shared.services.resolve import references_for
from shared.services.settled import Settled
from shared.services.signature import signature_of
from shared.services.tasks.coupling import creating
from shared.services.tasks.frame import AtWork, TaskKind
from shared.services.tasks.parts import as_puts
from shared.services.tasks.preview_kinds import PREVIEW, Count, PreviewTask, Wanted
from shared.services.tasks.restoring import ignoring_filters, pair_source
from shared.services.tasks.synchronizing import chosen, in_direction, pairs_as_they_are

AT_ONCE = 1000  # pairs whose references are asked for together


async def step(at_work: AtWork[PreviewTask]) -> bool:
    """Look at the next page of the feeds, or at the next records asked for; whether all has been looked at."""
    task, work = at_work.task, at_work.work
    doubt = await recover_creates(work)  # what was created before is known first: it is nothing that would be done
    with looking_only(work, mapping_for(work.mapping, task.wanted)):
        if task.wanted.what.is_of_records:
            return await _look_at_records(at_work)
        return await _look_at_page(at_work, doubt)


@contextmanager
def looking_only(work: Slice, mapping: Mapping) -> Iterator[None]:
    """Nothing is stored, and `mapping` decides in place of the stored one."""
    own, work.mapping, work.is_preview = work.mapping, mapping, True
    try:
        yield
    finally:
        work.mapping, work.is_preview = own, False


def mapping_for(own: Mapping, wanted: Wanted) -> Mapping:
    """The mapping as it would hold then."""
    if wanted.full is not None:
        return in_full_run(own, wanted.full)
    if wanted.what is PreviewKind.RESTORE:
        return creating(own)
    return in_direction(own, wanted.choice.source) if wanted.choice is not None else own


def rules_for(work: Slice, wanted: Wanted) -> Choose:
    """How each pair is decided, under the mapping that `mapping_for` answers."""
    full = wanted.full
    if wanted.what is PreviewKind.RECORDS and (wanted.choice is not None or wanted.fields):
        return chosen(work, wanted.choice or SyncChoice.MERGE, wanted.fields)

    def rules(pair: Pair, references: References, now: datetime) -> Action:
        known = (work.mapping, pair.views, pair.coupling, work.tables, references, now)
        return decide(*known) if full is None else decide_fully(full, *known)

    return rules


async def _look_at_page(at_work: AtWork[PreviewTask], doubt: datetime | None) -> bool:
    task, work = at_work.task, at_work.work
    page = await read_page(work, _progress(work, task))
    couplings = await couplings_of(work, page.observed)
    paired = await pair_page(work, page, couplings, doubt)
    held = [item for one in paired.left_alone if (item := _held(work, one)) is not None]
    await _note(at_work, held + await _decide(at_work, paired.pairs))
    task.looked_at += len(paired.pairs) + len(paired.left_alone)
    _advance(task, page.progress)
    task.complaint = complaint(work.mapping, task.damage, work.state.coupled) or ""
    return page.progress.is_complete


async def _look_at_records(at_work: AtWork[PreviewTask]) -> bool:
    task, work = at_work.task, at_work.work
    ids = await at_work.part(task.part) if task.part < task.listed else []
    if not ids:
        return True
    couplings = list((await work.couplings.find(Side.BUSINESS_CENTRAL, ids)).values())
    pairs = await pairs_as_they_are(work, couplings)
    match task.wanted.what:
        case PreviewKind.UNCOUPLE:
            found = [uncoupling_of(work, pair) for pair in pairs]
        case PreviewKind.DELETE:
            found = [one for pair in pairs if (one := _deletion_of(work, pair)) is not None]
        case PreviewKind.RESTORE:
            found = await _decide(at_work, [ignoring_filters(pair) for pair in pairs if pair_source(pair) is not None])
        case _:
            found = await _decide(at_work, pairs)
    await _note(at_work, found)
    task.looked_at += len(ids)
    task.part += 1
    return task.part >= task.listed


async def _decide(at_work: AtWork[PreviewTask], pairs: Sequence[Pair]) -> list[Planned]:
    work, choose = at_work.work, rules_for(at_work.work, at_work.task.wanted)
    found: list[Planned] = []
    for group in batched(pairs, AT_ONCE, strict=False):
        references = await references_for(work, group)
        for pair in group:
            action = choose(pair, references, work.now)
            _weigh(at_work.task, pair, action)
            item = planned(action, pair.views, pair.coupling, work.tables, couples=pair.coupled_now)
            if item is not None:
                found.append(item)
    return found


def uncoupling_of(work: Slice, pair: Pair) -> Planned:
    """What Delete Coupling does to a pair: no record is changed."""
    assert pair.coupling is not None
    item = planned(Uncouple(pair.coupling, Reason.CHOSEN), pair.views, pair.coupling, work.tables)
    assert item is not None
    return item


def _deletion_of(work: Slice, pair: Pair) -> Planned | None:
    """What Delete Records does to a pair; nothing to one whose records are both there, or both gone."""
    side = pair_source(pair)
    if side is None or pair.coupling is None:
        return None
    return deletion(side, pair.views, pair.coupling, work.tables)


def _weigh(task: PreviewTask, pair: Pair, action: Action) -> None:
    if isinstance(action, Change | Make | Uncouple):
        task.damage += damage_of(action, values_now(pair))


def _held(work: Slice, one: Settled) -> Planned | None:
    """What a run would refuse before it decides, such as a record with several matches."""
    if not isinstance(one.action, Hold):
        return None
    return planned(one.action, one.pair.views, one.pair.coupling, work.tables)


async def _note(at_work: AtWork[PreviewTask], found: Sequence[Planned]) -> None:
    """Store what was found behind what was found before, and count it."""
    task, work = at_work.task, at_work.work
    puts = as_puts(work.run.id, [pack(item) for item in found], first=task.listed + task.parts)
    task.parts += len(puts)
    counts = {(one.effect, one.side): one.pairs for one in task.counts}
    for key, number in summary(found).items():
        counts[key] = counts.get(key, 0) + number
    task.counts = [Count(effect, side, number) for (effect, side), number in counts.items()]
    await work.ledger.store(puts)


def _progress(work: Slice, task: PreviewTask) -> Progress:
    """How far the preview has read; it begins where the mapping's next run would."""
    if not task.is_begun:
        state, task.is_begun = work.state, True
        starts_over = task.wanted.what is PreviewKind.FULL or state.signature != signature_of(work)
        task.positions = {} if starts_over else dict(state.positions)
        task.sweep_dataverse = state.sweep_dataverse or starts_over
        task.next_sweep_at = None if task.wanted.what is PreviewKind.FULL else state.next_sweep_at
        task.sweeps_done = state.sweeps_done
    return Progress(
        task.positions, task.finished, task.retried, task.sweep_dataverse, task.next_sweep_at, task.sweeps_done
    )


def _advance(task: PreviewTask, progress: Progress) -> None:
    task.positions, task.finished, task.retried = progress.positions, progress.finished, progress.retried
    task.sweep_dataverse, task.next_sweep_at = progress.sweep_dataverse, progress.next_sweep_at
    task.sweeps_done = progress.sweeps_done


KIND = TaskKind(PREVIEW, step)
