"""What people couple by hand, in worlds where nobody else does: pair by pair, with a new record, by comparing all."""

from __future__ import annotations

import random
from collections.abc import Sequence

from shared.core.access import Caller
from shared.core.coupling_requests import AfterCoupling
from shared.core.mapping import UpdateConflictResolution
from shared.core.match_report import CreateNew
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.coupling_pairs import couple
from shared.services.forms.coupling import CoupleRequest, PairToCouple
from shared.services.forms.matching import MatchRequest
from shared.services.forms.uncoupling import UncoupleRequest
from shared.services.matching.request import match_coupling
from shared.services.uncoupling_records import uncouple
from tests.simulation.kinds import BC, CUSTOMER, DV, PERSON, Kind
from tests.simulation.leave import Asked, Leave
from tests.simulation.ledger import Broken, Story
from tests.simulation.people import People
from tests.simulation.town import Town
from tests.simulation.wishes import Wish

MATCHED_BY = {CUSTOMER.name: (("website",),), PERSON.name: (("website",),)}


class Couplers:
    """Whoever knows which two records are the same."""

    def __init__(self, people: People) -> None:
        self._people = people

    def __call__(self, draw: random.Random, town: Town) -> Wish | None:
        """Somebody enters on one side what the other has, couples such a pair, or parts one."""
        if draw.random() < 0.2:
            return _match(draw, town, draw.choice([CUSTOMER, PERSON]))
        stories = [story for story in town.ledger.stories.values() if story.kind in (CUSTOMER, PERSON) and story.now]
        if not stories:
            return None
        story = draw.choice(stories)
        if len(story.now) == len(Side) and town.is_coupled(story):
            return self._part(draw, town, story) if draw.random() < 0.5 else None
        if len(story.now) == 1 and draw.random() < 0.6 and not _is_being_made(town, story):
            self._people.make_twin(draw, story)
        return _couple(draw, town, story) if draw.random() < 0.7 else None

    def _part(self, draw: random.Random, town: Town, story: Story) -> Wish | None:
        """Not a customer whose people would be parted from their rows, too, and nothing that may be outside,
        or be made once more by what was asked for before."""
        if (
            story.crossed
            or _is_asked_for(town, story)
            or (story.kind is CUSTOMER and self._people.is_referred_to(story.tag))
        ):
            return None
        side = draw.choice(list(Side))
        ids = {"business_central_ids" if side is BC else "dataverse_ids": (town.ledger.id_of(story, side),)}
        story.parted += 1
        story.forget_agreement()

        async def work(services: Services, anna: Caller) -> Sequence[str]:
            wanted = UncoupleRequest.model_validate({"mappings": (story.kind.name,), **ids})
            return [job.id for job in (await uncouple(services, wanted, anna)).jobs]

        return Wish("uncouple by hand", work)


def _is_being_made(town: Town, story: Story) -> bool:
    """Whether the app makes what is missing, perhaps: who enters it all the same has it twice."""
    return _is_asked_for(town, story) or town.is_coupled(story)


def _is_asked_for(town: Town, story: Story) -> bool:
    makes = (leave for leave in town.ledger.leaves if leave.makes)
    return any(leave.covers(story.kind.name, story.tag, side) for leave in makes for side in Side)


def _couple(draw: random.Random, town: Town, story: Story) -> Wish:
    """The pair, and whose data it is to have; or the one record with a new one."""
    ids = {side: town.ledger.id_of(story, side) for side in Side}
    is_new = len(story.now) == 1
    after = draw.choice(list(AfterCoupling))
    given = {"business_central_id": ids[BC], "dataverse_id": ids[DV], "create_new": is_new}
    pair = PairToCouple.model_validate(given)
    deletions = story.deletions

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        wanted = CoupleRequest(mapping=story.kind.name, pairs=(pair,), synchronize_after_coupling=after)
        answer = await couple(services, wanted, anna)
        return [answer.job.id] if answer.job is not None else []

    def leaves(asked: Asked) -> list[Leave]:
        kind, tags = story.kind.name, frozenset({story.tag})
        if is_new:
            return [Leave(asked, kind, side, tags, makes=True) for side in Side if ids[side] is None]
        return [Leave(asked, kind, after.source.other, tags)] if after.source else []

    def done(asked: Asked) -> None:
        is_as_it_was = story.deletions == deletions and not story.parted
        if asked.jobs and is_as_it_was and not town.is_coupled(story):
            raise Broken("a choice is carried out", f"{story.tag} was to be coupled, and is not", story.tag)

    return Wish("create by hand" if is_new else "couple by hand", work, leaves, done)


def _match(draw: random.Random, town: Town, kind: Kind) -> Wish:
    """All that agree in their tags are coupled; perhaps they are synchronized, and the rest is made in Dataverse."""
    wanted = MatchRequest(
        mapping=kind.name,
        match_by=draw.choice([None, MATCHED_BY[kind.name]]),
        create_new=draw.choice([CreateNew.NEVER, CreateNew.NO_MATCH]),
        synchronize_after_coupling=draw.random() < 0.5,
        resolve_update_conflicts=draw.choice(list(UpdateConflictResolution)),
    )
    stood = [
        (story, story.deletions)
        for story in town.ledger.stories.values()
        if story.kind is kind and len(story.now) == len(Side) and not story.crossed
    ]

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return [(await match_coupling(services, wanted, anna)).id]

    def leaves(asked: Asked) -> list[Leave]:
        found = [Leave(asked, kind.name, DV, makes=True)] if wanted.create_new is not CreateNew.NEVER else []
        if wanted.synchronize_after_coupling and (winner := wanted.resolve_update_conflicts.winner) is not None:
            found.append(Leave(asked, kind.name, winner.other))
        return found

    def done(asked: Asked) -> None:
        for story, deletions in stood:
            is_as_it_was = story.deletions == deletions and not story.parted and not story.crossed
            if asked.jobs and is_as_it_was and not town.is_coupled(story):
                raise Broken("a choice is carried out", f"{story.tag} was to be matched, and is not coupled", story.tag)

    return Wish("match", work, leaves, done)
