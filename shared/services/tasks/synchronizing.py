"""Synchronize Now as a task: the pairs of a list, the way that a person has chosen.

Each pair is looked at once more: what was coupled and safe when somebody asked may not be so any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from shared.core.actions import Action, Seen
from shared.core.coupling import Coupling
from shared.core.field_choices import FieldChoices, decide_fields
from shared.core.jobs import Counters
from shared.core.mapping import Mapping
from shared.core.plan import decide
from shared.core.prepare import once_per_object
from shared.core.refusals import Refusal, RefusalCode
from shared.core.sides import Direction, Side, direction_from
from shared.core.sync_choice import SyncChoice
from shared.core.sync_options import decide_choice, skipped_of_several
from shared.core.transfer import References
from shared.services.pass_context import Choose, Pair, Slice
from shared.services.record_outcomes import keys_of
from shared.services.tasks.carrying import carry, id_of, parted
from shared.services.tasks.frame import AtWork, TaskKind, wait_once
from shared.services.tasks.kinds import SYNC_NOW, SyncNowTask
from shared.services.tasks.lookup import read_both


async def step(at_work: AtWork[SyncNowTask]) -> bool:
    """Synchronize the next part of the list, or what is left over of it."""
    task, work = at_work.task, at_work.work
    if not task.todo and not await _take_up(at_work):
        return True
    pairs = await _pairs(at_work, task.todo)
    mapping = in_direction(work.mapping, task.choice.source)
    cut, busy = parted(await carry(work, pairs, mapping, chosen(work, task.choice, task.fields)))
    task.todo = [id_of(one, Side.BUSINESS_CENTRAL) for one in cut]
    task.left += [id_of(one, Side.BUSINESS_CENTRAL) for one in busy]
    return False


async def _take_up(at_work: AtWork[SyncNowTask]) -> bool:
    """The next part, then what has to be tried again; whether there is anything. Raises Passing."""
    task = at_work.task
    task.todo = await at_work.part(task.part)
    if task.todo:
        task.part += 1
        return True
    if task.left:
        await wait_once(at_work)
        task.todo, task.left = task.left, []
    return bool(task.todo)


def chosen(work: Slice, choice: SyncChoice, fields: FieldChoices | None = None) -> Choose:
    """The decision for coupled pairs by a person's choice; a pair of which a record is gone follows the rules."""
    own = work.mapping

    def choose(pair: Pair, references: References, now: datetime) -> Action:
        if pair.coupling is None or any(pair.views[side].seen is not Seen.PRESENT for side in Side):
            return decide(own, pair.views, pair.coupling, work.tables, references, now)
        if fields:
            return decide_fields(own, fields, pair.views, pair.coupling, work.tables, references, now)
        return decide_choice(own, choice, pair.views, pair.coupling, work.tables, references, now)

    return choose


@once_per_object
def in_direction(mapping: Mapping, source: Side | None) -> Mapping:
    """The mapping as if it went only from `source` to the other side; as it is for None."""
    direction: Direction = mapping.direction if source is None else direction_from(source)
    return mapping.model_copy(update={"direction": direction})


async def _pairs(at_work: AtWork[SyncNowTask], ids: Sequence[str]) -> list[Pair]:
    """The pairs with both records as they are now; those that are refused are counted as skipped, with the reason."""
    work = at_work.work
    couplings = await work.couplings.find(Side.BUSINESS_CENTRAL, ids)
    pairs = await pairs_as_they_are(work, list(couplings.values()))
    refusals = [(pair, _refused(at_work, pair)) for pair in pairs]
    sentences = [refusal.message for _, refusal in refusals if refusal is not None]
    sentences += [f"The record {one} is not coupled any more." for one in ids if one not in couplings]
    at_work.count(Counters(skipped=len(sentences)))
    at_work.say(sentences)
    return [pair for pair, refusal in refusals if refusal is None]


async def pairs_as_they_are(work: Slice, couplings: Sequence[Coupling]) -> list[Pair]:
    """Coupled pairs with both records read now."""
    ids = {side: [coupling.at(side).id for coupling in couplings] for side in Side}
    views = await read_both(work.services, work.mapping, ids)
    return [Pair({side: views[side][one.at(side).id] for side in Side}, one) for one in couplings]


def _refused(at_work: AtWork[SyncNowTask], pair: Pair) -> Refusal | None:
    work, task = at_work.work, at_work.task
    skipped = not task.solves_errors and any(work.items[key].skipped for key in keys_of(pair) if key in work.items)
    refusal = skipped_of_several(work.mapping, task.choice, pair.views, pair.coupling, work.tables, skipped=skipped)
    if refusal is not None and refusal.code is RefusalCode.DESTINATION_CHANGED and not task.several:
        return None
    return refusal


KIND = TaskKind(SYNC_NOW, step)
