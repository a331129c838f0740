"""Match-based coupling as a task: both sides are compared once, then the plan is worked off part by part.

The plan is the task's list, so what comes after a restart is what was planned; each pair is looked at once more before
it is coupled. What is left over is not stored: who asks gets it worked out anew (see `services.matching.preview`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.core.actions import ABSENT, Action, Seen, View
from shared.core.failures import NeedsPerson, Passing
from shared.core.jobs import Counters
from shared.core.match_report import MatchedPair
from shared.core.plan import decide
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.transfer import References
from shared.services.matching.coupling import couple_planned, read_fresh, read_planned
from shared.services.matching.criteria import Comparison, comparison_in
from shared.services.matching.reading import compare
from shared.services.matching.task import MATCH, MatchTask
from shared.services.pass_context import Pair, Slice
from shared.services.problems import Problem
from shared.services.recover import recover_creates
from shared.services.settled import Settled
from shared.services.tasks.carrying import carry, id_of, why
from shared.services.tasks.coupling import creating
from shared.services.tasks.frame import AtWork, TaskKind
from shared.services.tasks.parts import MOST_ITEMS
from shared.services.tasks.synchronizing import chosen, in_direction, pairs_as_they_are

PARTS = 4  # of the list in one step: reading so many records by their ids takes one call a side
PARTS_TO_WRITE = 2
AHEAD = 2  # portions that are read while one is coupled
HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE
CHANGED = "A record was changed after it had been compared and does not agree any more."
OUTSIDE = "A record is outside the mapping's filter; no row was created for it."


async def step(at_work: AtWork[MatchTask]) -> bool:
    """Plan; or couple the next parts of the plan, then do what follows on that; at last what is left over.

    Coupling and what follows are counted in checkpoints of their own: carrying something out stores counters, too.
    """
    task = at_work.task
    await recover_creates(at_work.work)
    comparison = _comparison(at_work)
    if not task.is_planned:
        return await _plan(at_work, comparison)
    is_last_try = not task.open and not task.now
    pairs: list[Pair] = []
    if is_last_try:
        task.now, task.left = task.left, []
    elif not task.now:
        pairs = await _couple(at_work, comparison)
        if task.now:
            await at_work.store()
    again = await _follow(at_work, comparison, pairs)
    task.now = []
    task.left += [id_of(one, HERE) for one in again]
    if is_last_try and again and not at_work.work.turns.is_over:
        await at_work.store()
        raise Passing(why(again))
    return not task.open and not task.left


def _comparison(at_work: AtWork[MatchTask]) -> Comparison:
    """What is compared. Raises NeedsPerson when the mapping was changed so that it cannot be any more."""
    try:
        return comparison_in(at_work.work.services, at_work.work.mapping, at_work.task.request)
    except Problem as problem:
        raise NeedsPerson(str(problem), code=problem.code) from problem


async def _plan(at_work: AtWork[MatchTask], comparison: Comparison) -> bool:
    """Compare, make the plan the task's list, and count who is left."""
    task, mapping, work = at_work.task, comparison.mapping, at_work.work
    matching = (await compare(comparison)).matching
    options, items, left, held = task.options, list[list[Any]](), 0, 0
    for page in matching.pages():
        free = [one for one in page.pairs if not _is_held(work, one.business_central, one.dataverse)]
        items += [[pair.business_central, pair.dataverse, pair.group] for pair in free]
        alone = [one for one in page.unmatched if not work.is_held(HERE, one.business_central)]
        created = [one.business_central for one in alone if options.creates(mapping, one)]
        items += [[one] for one in created]
        left += len(alone) - len(created)
        held += len(page.pairs) - len(free) + len(page.unmatched) - len(alone)
    await at_work.keep(items)
    at_work.count(Counters(failed=left, skipped=held))
    at_work.say([Reason.HELD.sentence] * held)
    if left:
        job = next(iter(at_work.work.run.jobs.values()))
        count = "1 record" if left == 1 else f"{left} records"
        at_work.say([f"{count} could not be matched. GET /api/jobs/{job}/unmatched tells which, and why."])
    task.is_planned, task.open = True, len(items)
    return not items


def _is_held(work: Slice, business_central: str, dataverse: str) -> bool:
    return work.is_held(HERE, business_central) or work.is_held(THERE, dataverse)


@dataclass(frozen=True, slots=True)
class _Portion:
    """The next items of the list and the records of its pairs, being read; `left` more items from part `end` on."""

    items: list[list[Any]]
    planned: list[MatchedPair]
    left: int
    end: int
    views: asyncio.Task[dict[Side, dict[str, View]]]


async def _next(at_work: AtWork[MatchTask], comparison: Comparison) -> _Portion:
    """What comes next; where the task does nothing but couple, what comes after it is being read meanwhile."""
    task, ahead = at_work.task, at_work.ahead
    only_couples = task.choice(at_work.work.mapping) is None
    last: _Portion | None = ahead[-1] if ahead else None
    while last is None or (only_couples and len(ahead) <= AHEAD and last.left and len(last.planned) == len(last.items)):
        first, most = (task.part, task.open) if last is None else (last.end, last.left)
        last = await _portion(at_work, comparison, first, most)
        ahead.append(last)
    portion: _Portion = ahead.pop(0)
    return portion


async def _portion(at_work: AtWork[MatchTask], comparison: Comparison, first: int, most: int) -> _Portion:
    """The next parts of the list from part `first` on, at most so many items."""
    task, work = at_work.task, at_work.work
    number = PARTS_TO_WRITE if task.options.synchronize_after_coupling else PARTS
    end = first + min(number, -(-most // MOST_ITEMS))
    parts = await asyncio.gather(*(at_work.part(at) for at in range(first, end)))
    items = [item for part in parts for item in part][:most]
    planned = [MatchedPair(*item) for item in items if len(item) > 1]
    views = at_work.begin(read_planned(work, comparison, planned, whole=task.choice(work.mapping) is not None))
    return _Portion(items, planned, most - len(items) if items else 0, end, views)


async def _couple(at_work: AtWork[MatchTask], comparison: Comparison) -> list[Pair]:
    """Couple the next pairs of the plan that still agree, and count them."""
    task, work = at_work.task, at_work.work
    portion = await _next(at_work, comparison)
    items, follows = portion.items, task.choice(work.mapping) is not None
    coupled = await couple_planned(work, comparison, portion.planned, await portion.views)
    at_work.count(Counters(coupled=len(coupled.pairs), failed=coupled.left))
    at_work.say([CHANGED] * coupled.left)
    work.state.coupled += len(coupled.pairs)
    if coupled.pairs:
        work.state.last_coupled_at = work.now
    task.part, task.open = portion.end, portion.left
    pairs = coupled.pairs if follows else []
    task.now = [item[0] for item in items if len(item) == 1] + [str(pair.id_at(HERE)) for pair in pairs]
    return pairs


async def _follow(at_work: AtWork[MatchTask], comparison: Comparison, pairs: Sequence[Pair]) -> list[Settled]:
    """Synchronize the pairs that are coupled now, create rows for the records that are not.

    `pairs` are those that were just read. Answers what must be tried again.
    """
    task, work = at_work.task, at_work.work
    known = {pair.id_at(HERE) for pair in pairs}
    rest = [one for one in task.now if one not in known]
    coupled = await work.couplings.find(HERE, rest) if rest else {}
    if task.choice(work.mapping) is not None and coupled:
        pairs = [*pairs, *await pairs_as_they_are(work, list(coupled.values()))]
    return [
        *await _synchronize(at_work, pairs),
        *await _create(at_work, comparison, [one for one in rest if one not in coupled]),
    ]


async def _synchronize(at_work: AtWork[MatchTask], pairs: Sequence[Pair]) -> list[Settled]:
    """Synchronize newly coupled pairs where that is asked for; answers those to be tried again."""
    work, choice = at_work.work, at_work.task.choice(at_work.work.mapping)
    if choice is None or not pairs:
        return []
    return await carry(work, pairs, in_direction(work.mapping, choice.source), chosen(work, choice))


async def _create(at_work: AtWork[MatchTask], comparison: Comparison, ids: Sequence[str]) -> list[Settled]:
    """Create rows for free records; answers those to be tried again."""
    if not ids:
        return []
    work = at_work.work
    views = (await read_fresh(work, comparison, {HERE: ids, THERE: []}, whole=True))[HERE].values()
    outside = [view for view in views if not view.in_filter]
    at_work.count(Counters(failed=len(outside)))
    at_work.say([OUTSIDE] * len(outside))
    mapping = creating(work.mapping)

    def choose(pair: Pair, references: References, now: datetime) -> Action:
        return decide(mapping, pair.views, pair.coupling, work.tables, references, now)

    inside = [view for view in views if view.seen is Seen.PRESENT and view.in_filter]
    return await carry(work, [Pair({HERE: view, THERE: ABSENT}) for view in inside], mapping, choose) if inside else []


KIND = TaskKind(MATCH, step)
