"""Carrying out a preview: each pair is read and decided once more, and treated only if that is just what was shown.

What has moved since is left alone, with a sentence in the job: the next run, or another preview, shall look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from shared.core.actions import ABSENT, Action, Nothing, Seen, View
from shared.core.coupling import Coupling
from shared.core.effects import Effect, PreviewKind
from shared.core.failures import NeedsPerson
from shared.core.jobs import Counters
from shared.core.preview import Planned, is_as_planned, is_done, planned
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.transfer import References
from shared.services.match import couple_matches
from shared.services.pass_context import Pair, Slice
from shared.services.preview_items import unpack
from shared.services.recover import recover_creates
from shared.services.resolve import references_for
from shared.services.tasks.carrying import carry, parted
from shared.services.tasks.frame import AtWork, TaskKind, wait_once
from shared.services.tasks.lookup import read_both
from shared.services.tasks.preview_kinds import CARRY_OUT, CarryOutTask, setup_of
from shared.services.tasks.previewing import looking_only, mapping_for, rules_for
from shared.services.tasks.restoring import ignoring_filters
from shared.services.tasks.uncoupling import delete_couplings

type Expected = list[tuple[dict[str, Any], Planned, Pair]]
"""Stored items, what they say, and the pairs as they are now."""


async def step(at_work: AtWork[CarryOutTask]) -> bool:
    """Do the next part of the preview, or what is left over of it; whether all is done."""
    task = at_work.task
    if setup_of(at_work.work.mapping) != task.setup:
        text = f"{at_work.work.mapping.name} has been changed since the preview; look at a new one."
        raise NeedsPerson(text, code="preview_outdated")
    await recover_creates(at_work.work)
    if task.begun:
        await _delete(at_work)
    elif not task.todo and not await _take_up(at_work):
        return True
    items, again = _each_pair_once(item for item in task.todo if unpack(item).effect.writes)
    task.todo = []
    if task.wanted.what is PreviewKind.UNCOUPLE:
        await _uncouple(at_work, items)
    else:
        await _synchronize(at_work, items)
    task.todo += again
    return False


def _each_pair_once(items: Iterable[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The first item of each pair, and the others: what two pages of the feeds told of one pair stands there twice."""
    first, others = dict[tuple[str | None, ...], dict[str, Any]](), list[dict[str, Any]]()
    for item in items:
        ids = tuple(unpack(item).ids[side] for side in Side)
        if first.setdefault(ids, item) is not item:
            others.append(item)
    return list(first.values()), others


async def _take_up(at_work: AtWork[CarryOutTask]) -> bool:
    """The next part of the preview, then what has to be tried again; whether there is anything. Raises Passing."""
    task, work = at_work.task, at_work.work
    while not task.todo and task.part < task.end:
        task.todo = await work.services.runs(work.mapping.name).part(task.preview, task.part)
        task.part += 1
    if not task.todo and task.left:
        await wait_once(at_work)
        task.todo, task.left = task.left, []
    return bool(task.todo)


async def _uncouple(at_work: AtWork[CarryOutTask], items: Sequence[dict[str, Any]]) -> None:
    """Delete the couplings that are still there; a pair coupled otherwise since is left alone."""
    task, work = at_work.task, at_work.work
    wanted = {str(plan.ids[Side.BUSINESS_CENTRAL]): plan for plan in map(unpack, items)}
    couplings = await work.couplings.find(Side.BUSINESS_CENTRAL, wanted)
    kept = {one: coupling for one, coupling in couplings.items() if _names(coupling) == wanted[one].ids}
    _leave_alone(at_work, [plan for one, plan in wanted.items() if one in couplings and one not in kept])
    task.begun = [(one, coupling.dataverse.id) for one, coupling in kept.items()]
    await at_work.store()
    await _delete(at_work)


async def _delete(at_work: AtWork[CarryOutTask]) -> None:
    await delete_couplings(at_work, at_work.task.begun)
    at_work.task.begun = []


async def _synchronize(at_work: AtWork[CarryOutTask], items: Sequence[dict[str, Any]]) -> None:
    task, work = at_work.task, at_work.work
    mapping = mapping_for(work.mapping, task.wanted)
    with looking_only(work, mapping):
        found, moved = await _as_they_are(work, items)
        if task.wanted.what is PreviewKind.RESTORE:
            found = [(item, plan, ignoring_filters(pair)) for item, plan, pair in found]
        matched, rematched = await _matched(work, found)
        expected, others = await _still_as_planned(work, task, matched)
    expected, taken = await _couple(work, expected)
    _leave_alone(at_work, [*moved, *rematched, *others, *taken])
    stored = {id(pair): (item, plan) for item, plan, pair in expected}

    def choose(pair: Pair, references: References, now: datetime) -> Action:
        action = rules_for(work, task.wanted)(pair, references, now)
        plan = stored[id(pair)][1]
        is_same = is_as_planned(plan, _now(plan, pair, action, work), pair.views, work.tables)
        return action if is_same else Nothing(Reason.CHANGED_MEANWHILE)

    cut, busy = parted(await carry(work, [pair for _, _, pair in expected], mapping, choose))
    task.todo = [stored[id(one.pair)][0] for one in cut]
    task.left += [stored[id(one.pair)][0] for one in busy]


async def _as_they_are(work: Slice, items: Sequence[dict[str, Any]]) -> tuple[Expected, list[Planned]]:
    """The pairs of these items as they are now, and those that are not the same pairs any more."""
    plans = [(item, unpack(item)) for item in items]
    ids = {side: sorted({one for _, plan in plans if (one := plan.ids[side]) is not None}) for side in Side}
    couplings = {side: await work.couplings.find(side, ids[side]) for side in Side}
    for side in Side:  # a deleted record that is to be created anew is named by its coupling only
        partners = {coupling.at(side).id for coupling in couplings[side.other].values()}
        ids[side] = sorted(partners.union(ids[side]))
    views = await read_both(work.services, work.mapping, ids)
    found: Expected = []
    moved: list[Planned] = []
    for item, plan in plans:
        pair = _pair(plan, couplings, views)
        if pair is not None:
            found.append((item, plan, pair))
        elif not _is_done(plan, couplings):
            moved.append(plan)
    return found, moved


def _pair(
    plan: Planned, couplings: Mapping[Side, Mapping[str, Coupling]], views: Mapping[Side, Mapping[str, View]]
) -> Pair | None:
    """A coupled pair, or the one record that is to get a partner; None where these are not as the plan knows them."""
    side, one = next((side, one) for side, one in plan.ids.items() if one is not None)
    coupling, other = couplings[side].get(one), plan.ids[side.other]
    if coupling is not None:
        is_same = plan.effect is Effect.RESTORE or other == coupling.at(side.other).id
        both = {at: views[at][coupling.at(at).id] for at in Side}
        pair = Pair(both, coupling, coupled_now=plan.couples)
        return pair if is_same else None
    if plan.effect is Effect.COUPLE and other is not None and other not in couplings[side.other]:
        return Pair({side: views[side][one], side.other: views[side.other][other]})
    if plan.effect is Effect.CREATE and views[side][one].seen is Seen.PRESENT:
        return Pair({side: views[side][one], side.other: ABSENT})
    return None


def _is_done(plan: Planned, couplings: Mapping[Side, Mapping[str, Coupling]]) -> bool:
    """Whether this was done when it was tried before: the record that was created has its partner, or none has any."""
    coupled = any(one in couplings[side] for side, one in plan.ids.items() if one)
    return coupled if plan.effect is Effect.CREATE else plan.effect is Effect.UNCOUPLE and not coupled


async def _matched(work: Slice, found: Expected) -> tuple[Expected, list[Planned]]:
    """New records are compared once more with those of the other side; those that now match otherwise come second."""
    single = {id(pair): pair for _, plan, pair in found if pair.coupling is None and plan.effect is Effect.CREATE}
    two = [pair for _, _, pair in found if pair.coupling is None and id(pair) not in single]
    halves = [Pair({side: pair.views[side], side.other: ABSENT}) for pair in two for side in Side]
    pairs, several = await couple_matches(work, [*single.values(), *halves])
    by_ids = {_ids(pair): pair for pair in pairs if not any(one in several for one in _ids(pair))}
    kept: Expected = []
    moved: list[Planned] = []
    for item, plan, pair in found:
        now = pair if pair.coupling is not None else by_ids.get(_ids(pair))
        if now is not None:
            kept.append((item, plan, now))
        else:
            moved.append(plan)
    return kept, moved


def _ids(pair: Pair) -> tuple[str | None, ...]:
    return tuple(pair.id_at(side) for side in Side)


async def _still_as_planned(work: Slice, task: CarryOutTask, found: Expected) -> tuple[Expected, list[Planned]]:
    """Those that are to be done, and those that have moved; what was done when it was tried before is neither."""
    references = await references_for(work, [pair for _, _, pair in found])
    rules = rules_for(work, task.wanted)
    same: Expected = []
    moved: list[Planned] = []
    for one in found:
        _, plan, pair = one
        now = _now(plan, pair, rules(pair, references, work.now), work)
        if is_as_planned(plan, now, pair.views, work.tables):
            same.append(one)
        elif not is_done(plan, now, pair.views, work.tables):
            moved.append(plan)
    return same, moved


def _now(plan: Planned, pair: Pair, action: Action, work: Slice) -> Planned | None:
    """What would happen to the pair now."""
    return planned(action, pair.views, pair.coupling, work.tables, couples=plan.couples and pair.coupling is not None)


async def _couple(work: Slice, expected: Expected) -> tuple[Expected, list[Planned]]:
    """Store the couplings of records that the preview has matched; those that could not be coupled come second."""
    new = [pair for _, _, pair in expected if pair.coupling is not None and pair.coupling.version is None]
    stored = await work.couplings.add([pair.coupling for pair in new if pair.coupling is not None])
    by_id = {coupling.business_central.id: coupling for coupling in stored}
    for pair in new:
        pair.coupling = by_id.get(str(pair.id_at(Side.BUSINESS_CENTRAL)))
    taken = {id(pair) for pair in new if pair.coupling is None}
    kept = [one for one in expected if id(one[2]) not in taken]
    return kept, [plan for _, plan, pair in expected if id(pair) in taken]


def _leave_alone(at_work: AtWork[CarryOutTask], plans: Sequence[Planned]) -> None:
    at_work.count(Counters(skipped=len(plans)))
    at_work.say(f"{_name(plan)} has moved since the preview; it is left alone." for plan in plans)


def _name(plan: Planned) -> str:
    named = next(named for named in plan.records.values() if named.id is not None)
    return named.title or named.number or str(named.id)


def _names(coupling: Coupling) -> dict[Side, str | None]:
    return {side: coupling.at(side).id for side in Side}


KIND = TaskKind(CARRY_OUT, step)
