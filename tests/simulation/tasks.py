"""Tasks that people ask for while everything else goes on, through the use cases, and what must come of them.

Only what loses nobody's work by itself is asked for: so every other law holds as it stands.
"""

from __future__ import annotations

import random
from collections.abc import Coroutine, Sequence
from typing import Any

from shared.core.access import Caller
from shared.core.jobs import Job, RunKind
from shared.core.mapping import DeletionConflictResolution
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.synchronize_now import SyncNowRequest
from shared.services.forms.uncoupling import UncoupleRequest
from shared.services.problems import Problem
from shared.services.synchronizing_now import sync_now
from shared.services.uncoupling_records import uncouple
from tests.simulation.kinds import BC, KINDS, PERSON, Kind
from tests.simulation.ledger import Broken, Story
from tests.simulation.scheduler import drive
from tests.simulation.town import Town

ANNA = Caller("Anna")


class Tasks:
    """Whoever asks for tasks, and what was promised: the ids of jobs, and the pairs (BC id, Dataverse id) to part."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._promised: set[str] = set()
        self._parted: set[tuple[str, str]] = set()

    def plan(self, first: int, number: int, minutes: float) -> None:
        """Spread so many tasks over the time; they count on from the deeds."""
        town = self._town
        when = town.plan.random("when tasks")
        for deed in range(first, first + number):
            at = town.time.seconds + when.random() * minutes * 60
            if deed not in town.plan.skipped:
                town.scheduler.at(at, lambda deed=deed: self.ask(deed))  # type: ignore[misc]

    def ask(self, deed: int) -> None:
        """One task; the number decides which."""
        town = self._town
        draw = town.plan.random(f"task {deed}")
        hosts = town.well_hosts()
        if not hosts:
            return
        services = draw.choice(hosts).services
        work = self._parting(draw, services) if draw.random() < 0.4 else None
        work = work or self._synchronizing(draw, services)
        if work is not None:
            host = next(host for host in hosts if host.services is services)
            host.spawn(_as_told(town, work), "is asked for a task")

    def check(self, jobs: Sequence[Job]) -> None:
        """What was promised was done. Raises Broken."""
        known = {job.id for job in jobs} | {one for one in self._promised if self._is_request(one)}
        if missing := self._promised - known:
            raise Broken("what was promised is done", f"there is no job {', '.join(sorted(missing))}")
        couplings = {
            (coupling.business_central.id, coupling.dataverse.id)
            for coupling in drive(self._town.judge.couplings(PERSON.name).all())
        }
        if left := self._parted & couplings:
            raise Broken("what was promised is done", f"still coupled: {sorted(left)}")
        counted = sum(job.counters.uncoupled for job in jobs if job.type is RunKind.UNCOUPLE.type)
        asked = sum(story.parted for story in self._town.ledger.stories.values())
        if counted > asked:
            raise Broken("counters tell what happened", f"{asked} were to be uncoupled, counted {counted}")

    def _is_request(self, promised: str) -> bool:
        """Whether this is a request, every job of which there is."""
        jobs = self._town.judge.jobs
        request = drive(jobs.request(promised))
        return request is not None and len(drive(jobs.get_many(list(request.jobs)))) == len(request.jobs)

    # What they ask for

    def _synchronizing(self, draw: random.Random, services: Services) -> Coroutine[Any, Any, None] | None:
        """Synchronize Now, as the mapping's direction says: one record, or all that somebody has marked."""
        kind = draw.choice(KINDS)
        both = [story for story in self._stories(kind) if len(story.now) == len(Side)]
        marked = draw.sample(both, draw.choice([1, 1, len(both)]) if both else 0)
        ids = tuple(str(self._town.ledger.id_of(story, BC)) for story in marked)
        return self._synchronize(services, kind, ids) if ids else None

    async def _synchronize(self, services: Services, kind: Kind, ids: tuple[str, ...]) -> None:
        request = SyncNowRequest.model_validate({"mapping": kind.name, "business_central_ids": ids})
        answer = await sync_now(services, request, ANNA)
        if answer.job is not None:
            self._promised.add(answer.job.id)  # of a request with a job for each direction
            self._town.ledger.happened["synchronized now"] += 1

    def _parting(self, draw: random.Random, services: Services) -> Coroutine[Any, Any, None] | None:
        """A person who is gone on one side is uncoupled by whoever minds the errors."""
        mapping = self._town.mapping_of(PERSON)
        if mapping.deletion_conflict_resolution is not DeletionConflictResolution.NONE:
            return None
        stories = [story for story in self._stories(PERSON) if self._is_left_alone(story) and not story.parted]
        if not stories:
            return None
        story = draw.choice(stories)
        (side,) = story.now
        story.parted += 1
        return self._part(services, side, str(self._town.ledger.id_of(story, side)))

    @staticmethod
    def _is_left_alone(story: Story) -> bool:
        """Whether its other record was deleted; one that is only about to be made would be uncoupled in good health,
        and then rightly stand twice: this mapping matches nothing."""
        return len(story.now) == 1 and bool(story.deleted) and not story.restored

    async def _part(self, services: Services, side: Side, record_id: str) -> None:
        found = await services.couplings(PERSON.name).find(side, [record_id])
        ids = {"business_central_ids" if side is BC else "dataverse_ids": (record_id,)}
        answer = await uncouple(services, UncoupleRequest.model_validate({"mappings": (PERSON.name,), **ids}), ANNA)
        if answer.scheduled:
            self._promised |= {job.id for job in answer.jobs}
            self._parted |= {(one.business_central.id, one.dataverse.id) for one in found.values()}
            self._town.ledger.happened["uncoupled"] += 1

    def _stories(self, kind: Kind) -> list[Story]:
        return [story for story in self._town.ledger.stories.values() if story.kind is kind]


async def _as_told(town: Town, work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Problem as refusal:
        town.scheduler.tell("people", f"refused: {refusal}")
