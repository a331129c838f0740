"""Coupling pairs as a task (Set Up Coupling, Create New), and synchronizing them afterwards where that is asked for.

Each pair is decided anew, for the records may have moved since somebody asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import datetime

from shared.core.actions import ABSENT, GONE, Action
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.coupling_requests import Couple, CoupleDecision, CreateNew, InPlace, couple
from shared.core.failures import Passing
from shared.core.jobs import Counters
from shared.core.mapping import DeletionConflictResolution, Mapping
from shared.core.plan import decide
from shared.core.prepare import once_per_object
from shared.core.records import Record
from shared.core.refusals import Refusal
from shared.core.remember import described
from shared.core.sides import Direction, Side
from shared.core.sync_options import SyncChoice
from shared.core.transfer import References
from shared.services.match import couple_matches
from shared.services.observe import view_of
from shared.services.pass_context import Pair, Slice
from shared.services.recover import recover_creates
from shared.services.settled import Settled
from shared.services.tasks.carrying import carry, id_of, why
from shared.services.tasks.frame import AtWork, TaskKind
from shared.services.tasks.kinds import COUPLE, PAIR, CoupleTask, PairToCouple, Place
from shared.services.tasks.lookup import found_for, look_up
from shared.services.tasks.synchronizing import chosen, in_direction, pairs_as_they_are

MAYBE = "It is not certain yet whether an earlier attempt has created the record's counterpart."


@dataclass(slots=True)
class Wanted:
    """A pair of the list: where it stands, what was asked for, and what is decided."""

    place: Place
    pair: PairToCouple
    decision: CoupleDecision

    @property
    def key(self) -> str:
        """The place as text."""
        return f"{self.place[0]}:{self.place[1]}"


async def step(at_work: AtWork[CoupleTask]) -> bool:
    """Couple the next part of the list, then what is left over."""
    task, work = at_work.task, at_work.work
    await recover_creates(work)
    places = [(task.part, index) for index in range(len(await at_work.part(task.part)))]
    is_last_try = not places
    wanted = await _decided(at_work, places or task.left)
    doubtful = [one for one in wanted if _is_in_doubt(work, one)]
    again = await _do(at_work, [one for one in wanted if one not in doubtful], tried_before=is_last_try)
    left = [one.place for one in doubtful] + [place for place, _ in again]
    task.left = left if is_last_try else [*task.left, *left]
    task.part += 0 if is_last_try else 1
    task.begun = {}
    if is_last_try and left and work.turns.failure is None:
        await at_work.store()
        raise Passing(why([one for _, one in again]) if again else MAYBE)
    return is_last_try and not task.left


async def _decided(at_work: AtWork[CoupleTask], places: Sequence[Place]) -> list[Wanted]:
    work = at_work.work
    pairs = [PAIR.unpack((await at_work.part(part))[index]) for part, index in places]
    found = await look_up(work.services, work.mapping, [pair.request for pair in pairs])
    return [
        Wanted(place, pair, couple(work.mapping, pair.request, found_for(pair.request, found), work.tables))
        for place, pair in zip(places, pairs, strict=True)
    ]


def _is_in_doubt(work: Slice, one: Wanted) -> bool:
    """Whether a record of ours may be on its way as the counterpart: coupling another one would make two."""
    intents = (work.intents.get(named) for named in one.pair.request.named)
    return any(intent.target_id is None and work.now < intent.in_doubt_until for intent in intents if intent)


async def _do(
    at_work: AtWork[CoupleTask], wanted: Sequence[Wanted], *, tried_before: bool
) -> list[tuple[Place, Settled]]:
    """Do what is decided; answers what must be tried again. What an earlier try has made is not refused."""
    task = at_work.task
    task.begun |= {one.key: _replaced(one.decision) for one in wanted if isinstance(one.decision, Couple | CreateNew)}
    await at_work.store()
    refused = [one for one in wanted if isinstance(one.decision, Refusal)]
    _refuse(at_work, [one for one in refused if not (one.pair.create_new and (tried_before or one.key in task.begun))])
    coupled = await _couple(at_work, wanted)
    again = await _synchronize(at_work, wanted, coupled)
    for side in Side:
        made = [one for one in wanted if isinstance(one.decision, CreateNew) and one.decision.side is side]
        again += await _create(at_work, made)
    return again


def _replaced(decision: Couple | CreateNew) -> int:
    return len(decision.replaces) if isinstance(decision, Couple) else 0


def _refuse(at_work: AtWork[CoupleTask], wanted: Sequence[Wanted]) -> None:
    at_work.count(Counters(failed=len(wanted)))
    at_work.say(one.decision.message for one in wanted if isinstance(one.decision, Refusal))


async def _couple(at_work: AtWork[CoupleTask], wanted: Sequence[Wanted]) -> dict[str, Coupling]:
    """Store the couplings of existing records; all that stand now, by key. What a step before has stored counts too."""
    work, task = at_work.work, at_work.task
    stand = {one.key: one.decision.coupling for one in wanted if isinstance(one.decision, InPlace)}
    new = {one.key: _new_coupling(work, one.decision.records) for one in wanted if isinstance(one.decision, Couple)}
    await _clear_the_way(work, wanted)
    stored = {_ids(coupling): coupling for coupling in await work.couplings.add(list(new.values()))}
    done = {key: stored[_ids(coupling)] for key, coupling in new.items() if _ids(coupling) in stored}
    counted = [*done, *(key for key in stand if key in task.begun)]
    at_work.count(Counters(coupled=len(counted), failed=len(new) - len(done)))
    work.state.coupled = max(0, work.state.coupled + sum(1 - task.begun[key] for key in counted))
    if counted:
        work.state.last_coupled_at = work.now
    return stand | done


async def _clear_the_way(work: Slice, wanted: Sequence[Wanted]) -> None:
    """Remove the couplings that are replaced, and forget creates that are known not to have happened."""
    decisions = [(one, one.decision) for one in wanted if isinstance(one.decision, Couple)]
    replaced = {_ids(coupling): coupling for _, decision in decisions for coupling in decision.replaces}
    if replaced:
        await work.couplings.remove(list(replaced.values()))
    named = {named for one, _ in decisions for named in one.pair.request.named}
    intents = [work.intents.pop(one) for one in named if one in work.intents]
    if intents:
        await work.couplings.give_up(intents)


def _new_coupling(work: Slice, records: ReadOnly[Side, Record]) -> Coupling:
    ends = {side: described(CoupledRecord(records[side].id), records[side], work.tables[side]) for side in Side}
    return coupling_of(ends, work.now)


async def _synchronize(
    at_work: AtWork[CoupleTask], wanted: Sequence[Wanted], coupled: dict[str, Coupling]
) -> list[tuple[Place, Settled]]:
    """Synchronize those that are to be, with the data of the side that was chosen."""
    again: list[tuple[Place, Settled]] = []
    for direction, choice in (
        (Direction.TO_INTEGRATION_TABLE, SyncChoice.SEND),
        (Direction.FROM_INTEGRATION_TABLE, SyncChoice.GET),
    ):
        work = at_work.work
        mine = [one for one in wanted if one.key in coupled and _direction(one.decision) is direction]
        if mine:
            pairs = await pairs_as_they_are(work, [coupled[one.key] for one in mine])
            mapping = in_direction(work.mapping, choice.source)
            again += _placed(mine, await carry(work, pairs, mapping, chosen(work, choice)))
    return again


def _direction(decision: CoupleDecision) -> Direction | None:
    return decision.direction if isinstance(decision, Couple | InPlace) else None


async def _create(at_work: AtWork[CoupleTask], wanted: Sequence[Wanted]) -> list[tuple[Place, Settled]]:
    """Create the missing records of one side, each from its source."""
    work = at_work.work
    pairs = [_pair_to_create(work, one.decision) for one in wanted if isinstance(one.decision, CreateNew)]
    if not pairs:
        return []
    mapping = creating(work.mapping)
    matched = [pair for one, pair in zip(wanted, pairs, strict=True) if one.pair.match]
    plain = [pair for one, pair in zip(wanted, pairs, strict=True) if not one.pair.match]

    def choose(pair: Pair, references: References, now: datetime) -> Action:
        return decide(mapping, pair.views, pair.coupling, work.tables, references, now)

    again = await carry(work, plain, mapping, choose) if plain else []
    if matched:
        open_ones = await _without_several(at_work, matched)
        again += await carry(work, open_ones, mapping, choose) if open_ones else []
    return _placed(wanted, again)


async def _without_several(at_work: AtWork[CoupleTask], pairs: list[Pair]) -> list[Pair]:
    """The pairs, coupled where just one free record agrees; those with several candidates are said and left."""
    kept, several = await couple_matches(at_work.work, pairs)
    names = {one for pair in kept if pair.coupling is None for side in Side if (one := pair.id_at(side)) in several}
    at_work.count(Counters(failed=len(names)))
    at_work.say(
        f"Several records agree with {one} in the match fields: {', '.join(several[one][:5])}." for one in names
    )
    return [pair for pair in kept if not any(pair.id_at(side) in names for side in Side)]


@once_per_object
def creating(mapping: Mapping) -> Mapping:
    """The mapping as if it created what is missing, a deleted partner included."""
    changes = {
        "synch_only_coupled_records": False,
        "deletion_conflict_resolution": DeletionConflictResolution.RESTORE_RECORDS,
    }
    return mapping.model_copy(update=changes)


def _pair_to_create(work: Slice, decision: CreateNew) -> Pair:
    source = decision.side.other
    missing = GONE if decision.replaces is not None else ABSENT
    return Pair({source: view_of(work, source, decision.source), decision.side: missing}, decision.replaces)


def _placed(wanted: Iterable[Wanted], again: Sequence[Settled]) -> list[tuple[Place, Settled]]:
    """What must be tried again, with its place in the list."""
    places = {named: one.place for one in wanted for named in one.pair.request.named}
    return [(next(filter(None, (places.get((side, id_of(one, side))) for side in Side))), one) for one in again]


def _ids(coupling: Coupling) -> tuple[str, str]:
    return coupling.business_central.id, coupling.dataverse.id


KIND = TaskKind(COUPLE, step)
