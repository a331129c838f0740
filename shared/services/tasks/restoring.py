"""Restore Records as a task: the deleted record of each pair is created anew from the one that is left.

Source: action Restore Records of the page Coupled Data Synchronization Errors. Like every create it is announced, so a
repeated step makes no second record; the broken coupling goes in the same transaction in which the new one comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from shared.core.actions import Action, Seen
from shared.core.coupling import Coupling
from shared.core.error_actions import ErrorAction, ErrorState, refusal_of
from shared.core.jobs import Counters
from shared.core.mapping import Mapping
from shared.core.plan import decide
from shared.core.refusals import name_of_pair
from shared.core.sides import Side
from shared.core.transfer import References
from shared.services.pass_context import Choose, Pair, Slice
from shared.services.record_outcomes import forget
from shared.services.recover import recover_creates
from shared.services.tasks.carrying import carry, id_of, parted
from shared.services.tasks.coupling import creating
from shared.services.tasks.error_kinds import RESTORE, PairIds, RestoreTask
from shared.services.tasks.frame import AtWork, TaskKind, take_up
from shared.services.tasks.synchronizing import in_direction, pairs_as_they_are


async def step(at_work: AtWork[RestoreTask]) -> bool:
    """Choose the next pairs and write them down, then restore them."""
    await recover_creates(at_work.work)
    if not at_work.task.begun and not await take_up(at_work, partial(_chosen, at_work)):
        return True
    await _restore(at_work)
    return False


async def _chosen(at_work: AtWork[RestoreTask], items: Sequence[Any]) -> list[PairIds]:
    """The pairs that can be restored as they are now; the others are counted as skipped, with the reason."""
    work, wanted = at_work.work, [(str(one), str(other)) for one, other in items]
    pairs = {_ids(pair.coupling): pair for pair in await read_pairs(work, wanted) if pair.coupling is not None}
    sentences = ["The records are not coupled any more."] * sum(one not in pairs for one in wanted)
    chosen: list[PairIds] = []
    for ids, pair in pairs.items():
        refused = refusal_of(ErrorAction.RESTORE, state_of_pair(work, pair))
        if refused is None and pair_source(pair) in work.run.jobs:
            chosen.append(ids)
        else:
            sentences.append(refused.message if refused else f"{state_of_pair(work, pair).name} have moved meanwhile.")
    at_work.count(Counters(skipped=len(sentences)))
    at_work.say(sentences)
    return chosen


async def _restore(at_work: AtWork[RestoreTask]) -> None:
    work, task = at_work.work, at_work.task
    coupled = await read_pairs(work, task.begun)
    pairs = [ignoring_filters(pair) for pair in coupled if pair_source(pair) is not None]
    sources = list(work.run.jobs)
    mapping = in_direction(creating(work.mapping), sources[0] if len(sources) == 1 else None)
    still = await carry(work, pairs, mapping, _as_new(work, mapping)) if pairs else []
    await forget(work, [*_keys_of_the_gone(pairs), *_keys_of_the_restored(task.begun, coupled)])
    cut, busy = parted(still)
    task.begun = [(id_of(one, Side.BUSINESS_CENTRAL), id_of(one, Side.DATAVERSE)) for one in cut]
    task.left += [(id_of(one, Side.BUSINESS_CENTRAL), id_of(one, Side.DATAVERSE)) for one in busy]


async def read_pairs(work: Slice, wanted: Sequence[PairIds]) -> list[Pair]:
    """Those of these pairs that are still coupled with each other, with both records as they are now."""
    found = await work.couplings.find(Side.BUSINESS_CENTRAL, [one for one, _ in wanted])
    return await pairs_as_they_are(work, [one for one in found.values() if _ids(one) in wanted])


def pair_source(pair: Pair) -> Side | None:
    """The side whose record alone is left; None when both or neither are."""
    there = [side for side in Side if pair.present(side)]
    return there[0] if len(there) == 1 else None


def state_of_pair(work: Slice, pair: Pair) -> ErrorState:
    """What the actions on errors ask of a coupled pair."""
    assert pair.coupling is not None
    there = frozenset(side for side in Side if pair.present(side))
    return ErrorState(name_of_pair(pair.coupling, work.tables), there, direction=work.mapping.direction)


def _as_new(work: Slice, mapping: Mapping) -> Choose:
    def choose(pair: Pair, references: References, now: datetime) -> Action:
        return decide(mapping, pair.views, pair.coupling, work.tables, references, now)

    return choose


def ignoring_filters(pair: Pair) -> Pair:
    """A person's choice is carried out whatever the mapping's filters say."""
    return replace(pair, views={side: replace(view, in_filter=True) for side, view in pair.views.items()})


def _keys_of_the_gone(pairs: Sequence[Pair]) -> list[str]:
    """The errors of deleted records: those of the records that are left are settled with their outcome."""
    return [f"{side}|{pair.id_at(side)}" for pair in pairs for side in Side if pair.views[side].seen is Seen.GONE]


def _keys_of_the_restored(begun: Sequence[PairIds], coupled: Sequence[Pair]) -> list[str]:
    """The errors of pairs that an earlier try has restored: they are not coupled with each other any more."""
    known = {_ids(pair.coupling) for pair in coupled if pair.coupling is not None}
    return [f"{side}|{ids[at]}" for ids in begun if ids not in known for at, side in enumerate(Side)]


def _ids(coupling: Coupling) -> PairIds:
    return coupling.business_central.id, coupling.dataverse.id


KIND = TaskKind(RESTORE, step)
