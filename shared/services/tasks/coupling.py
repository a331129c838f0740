"""Coupling pairs as a task (Set Up Coupling, Create New), and synchronizing them afterwards where that is asked for.

Each pair is decided anew, for the records may have moved since somebody asked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from datetime import datetime

from shared.core.actions import ABSENT, GONE, Action
from shared.core.coupling import CoupledRecord, Coupling, coupling_of
from shared.core.coupling_requests import Couple, CoupleDecision, CreateNew, InPlace, couple
from shared.core.history import What
from shared.core.jobs import Counters
from shared.core.mapping import DeletionConflictResolution, Mapping
from shared.core.plan import decide
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.refusals import Refusal, RefusalCode
from shared.core.remember import described
from shared.core.sides import Direction, Side
from shared.core.sync_choice import SyncChoice
from shared.core.transfer import References
from shared.services.match import couple_matches
from shared.services.observe import view_of
from shared.services.pass_context import Pair, Slice
from shared.services.record_outcomes import forget
from shared.services.recover import recover_creates
from shared.services.settled import Settled
from shared.services.tasks.carrying import carry, id_of, parted
from shared.services.tasks.frame import AtWork, TaskKind, wait_once
from shared.services.tasks.kinds import COUPLE, PAIR, CoupleTask, PairToCouple, Place
from shared.services.tasks.lookup import found_for, look_up
from shared.services.tasks.synchronizing import chosen, in_direction, pairs_as_they_are
from shared.services.touches import remove_noted, with_note


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

    @property
    def is_made(self) -> bool:
        """Whether the record that was to be created is there, where an earlier try may have created it."""
        is_coupled = isinstance(self.decision, Refusal) and self.decision.code is RefusalCode.ALREADY_COUPLED
        return self.pair.create_new and is_coupled


async def step(at_work: AtWork[CoupleTask]) -> bool:
    """One thing at a time, so that what is counted is counted once: couple a part, synchronize it, create."""
    task, work = at_work.task, at_work.work
    await recover_creates(work)
    if task.to_synchronize:
        await _synchronize(at_work)
    elif sides := [side for side in Side if task.to_create.get(side)]:
        await _create(at_work, sides[0])
    elif await at_work.part(task.part):
        await _couple(at_work, [(task.part, index) for index in range(len(await at_work.part(task.part)))])
        task.part += 1
    elif task.left:
        await wait_once(at_work)
        await _couple(at_work, list(task.left), again=True)
    else:
        return True
    return False


async def _decided(at_work: AtWork[CoupleTask], places: Sequence[Place]) -> list[Wanted]:
    work = at_work.work
    pairs = [PAIR.unpack(item) for item in await at_work.items(places)]
    found = await look_up(work.services, work.mapping, [pair.request for pair in pairs])
    return [
        Wanted(place, pair, couple(work.mapping, pair.request, found_for(pair.request, found), work.tables))
        for place, pair in zip(places, pairs, strict=True)
    ]


async def _couple(at_work: AtWork[CoupleTask], places: Sequence[Place], *, again: bool = False) -> None:
    """Couple what exists, and sort what comes next. `again`: what an earlier try has created is not refused."""
    work, task = at_work.work, at_work.task
    wanted = await _decided(at_work, places)
    doubtful = [one.place for one in wanted if _is_in_doubt(work, one)]
    sure = [one for one in wanted if one.place not in doubtful]
    new = {one.key: one.decision for one in sure if isinstance(one.decision, Couple)}
    task.begun = {key: len(decision.replaces) for key, decision in new.items()} | task.begun
    await at_work.store()
    await _clear_the_way(work, [one for one in sure if one.key in new])
    couplings = {key: _new_coupling(work, decision.records) for key, decision in new.items()}
    stored = {_ids(coupling) for coupling in await work.couplings.add(list(couplings.values()))}
    done = [key for key, coupling in couplings.items() if _ids(coupling) in stored]
    in_place = [one.key for one in sure if isinstance(one.decision, InPlace)]
    _count_coupled(at_work, [*done, *(key for key in in_place if key in task.begun)])
    _refuse(at_work, [one for one in sure if not (again and one.is_made)], lost=len(new) - len(done))
    await _forget_errors(work, list(new.values()))
    task.begun = {}
    task.left = doubtful if again else [*task.left, *doubtful]
    stand = [one for one in sure if one.key in done or one.key in in_place]
    task.to_synchronize = [one.place for one in stand if _direction(one.decision) is not None]
    task.to_create = {
        side: [one.place for one in sure if isinstance(one.decision, CreateNew) and one.decision.side is side]
        for side in Side
    }


def _is_in_doubt(work: Slice, one: Wanted) -> bool:
    """Whether a record of ours may be on its way as the counterpart: coupling another one would make two."""
    intents = (work.intents.get(named) for named in one.pair.request.named)
    return any(intent.target_id is None and work.now < intent.in_doubt_until for intent in intents if intent)


async def _clear_the_way(work: Slice, wanted: Sequence[Wanted]) -> None:
    """Remove the couplings that are replaced, and forget creates that are known not to have happened."""
    decisions = [one.decision for one in wanted if isinstance(one.decision, Couple)]
    replaced = {_ids(coupling): coupling for decision in decisions for coupling in decision.replaces}
    if replaced:
        await remove_noted(work, list(replaced.values()), Reason.CHOSEN)
    named = {named for one in wanted for named in one.pair.request.named}
    intents = [work.intents.pop(one) for one in named if one in work.intents]
    if intents:
        await work.couplings.give_up(intents)


async def _forget_errors(work: Slice, decisions: Collection[Couple]) -> None:
    """Whatever was wrong with these records, a person has decided now what they belong to."""
    ended = {(side, one.at(side).id) for decision in decisions for one in decision.replaces for side in Side}
    coupled = {(side, record.id) for decision in decisions for side, record in decision.records.items()}
    await forget(work, (f"{side}|{one}" for side, one in ended | coupled))


def _new_coupling(work: Slice, records: ReadOnly[Side, Record]) -> Coupling:
    ends = {side: described(CoupledRecord(records[side].id), records[side], work.tables[side]) for side in Side}
    coupling = coupling_of(ends, work.now, work.run.requested_by)
    return with_note(work, coupling, What.COUPLED, Reason.CHOSEN)


def _count_coupled(at_work: AtWork[CoupleTask], keys: Sequence[str]) -> None:
    work, begun = at_work.work, at_work.task.begun
    at_work.count(Counters(coupled=len(keys)))
    work.state.coupled = max(0, work.state.coupled + sum(1 - begun[key] for key in keys))
    if keys:
        work.state.last_coupled_at = work.now


def _refuse(at_work: AtWork[CoupleTask], wanted: Sequence[Wanted], *, lost: int = 0) -> None:
    """Count and tell what is refused, and what somebody else has coupled at the same moment."""
    messages = [one.decision.message for one in wanted if isinstance(one.decision, Refusal)]
    at_work.count(Counters(failed=len(messages) + lost))
    at_work.say(messages)


def _direction(decision: CoupleDecision) -> Direction | None:
    return decision.direction if isinstance(decision, Couple | InPlace) else None


async def _synchronize(at_work: AtWork[CoupleTask]) -> None:
    """Synchronize what is coupled, with the data of the side that was chosen: the same for all pairs of a task."""
    work, task = at_work.work, at_work.task
    wanted = [one for one in await _decided(at_work, task.to_synchronize) if isinstance(one.decision, InPlace)]
    choices = {_direction(one.decision) for one in wanted}
    choice = SyncChoice.SEND if Direction.TO_INTEGRATION_TABLE in choices else SyncChoice.GET
    couplings = [one.decision.coupling for one in wanted if isinstance(one.decision, InPlace)]
    pairs = await pairs_as_they_are(work, couplings)
    mapping = in_direction(work.mapping, choice.source)
    cut, busy = parted(await carry(work, pairs, mapping, chosen(work, choice)))
    task.to_synchronize = _places(wanted, cut)
    task.left += _places(wanted, busy)


async def _create(at_work: AtWork[CoupleTask], side: Side) -> None:
    """Create the missing records of one side, each from its source. What is found created already is ours."""
    work, task = at_work.work, at_work.task
    wanted = await _decided(at_work, task.to_create[side])
    begun = set(task.begun)
    task.begun = {one.key: 0 for one in wanted}
    await at_work.store()
    pairs = [_pair_to_create(work, one.decision) for one in wanted if isinstance(one.decision, CreateNew)]
    makes = [one for one in wanted if isinstance(one.decision, CreateNew)]
    matched = [pair for one, pair in zip(makes, pairs, strict=True) if one.pair.match]
    kept, several = await _matched(work, matched) if matched else ([], [])
    mapping = creating(work.mapping)

    def choose(pair: Pair, references: References, now: datetime) -> Action:
        return decide(mapping, pair.views, pair.coupling, work.tables, references, now)

    plain = [pair for pair in pairs if not any(pair is one for one in matched)]
    cut, busy = parted(await carry(work, [*plain, *kept], mapping, choose))
    at_work.count(Counters(failed=len(several)))
    at_work.say(several)
    _refuse(at_work, [one for one in wanted if not (one.key in begun and one.is_made)])
    task.to_create[side] = _places(wanted, cut)
    task.left += _places(wanted, busy)
    task.begun = {one.key: 0 for one in wanted if one.place in task.to_create[side]}


async def _matched(work: Slice, pairs: list[Pair]) -> tuple[list[Pair], list[str]]:
    """The pairs, coupled where just one free record agrees; and about each that could mean several a sentence."""
    kept, several = await couple_matches(work, pairs)
    plain = [pair for pair in kept if not _names(pair, several)]
    return plain, [several[one] for pair in kept for one in _names(pair, several)]


def _names(pair: Pair, several: ReadOnly[str, str]) -> list[str]:
    if pair.coupling is not None:
        return []
    return [one for side in Side if (one := pair.id_at(side)) is not None and one in several]


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


def _places(wanted: Sequence[Wanted], open_ones: Sequence[Settled]) -> list[Place]:
    """Where in the list pairs stand that are not done."""
    places = {named: one.place for one in wanted for named in one.pair.request.named}
    found = ((places.get((side, id_of(one, side))) for side in Side) for one in open_ones)
    return [next(place for place in either if place is not None) for either in found]


def _ids(coupling: Coupling) -> tuple[str, str]:
    return coupling.business_central.id, coupling.dataverse.id


KIND = TaskKind(COUPLE, step)
