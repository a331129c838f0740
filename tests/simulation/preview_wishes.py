"""Previews, and carrying them out: what is shown is all that is done."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.core.access import Caller
from shared.core.effects import PreviewKind
from shared.core.preview import Planned
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.context import Services
from shared.services.forms.previews import PreviewStart
from shared.services.preview_items import unpack
from shared.services.previews import carry_out_preview, request_previews
from shared.services.tasks.preview_kinds import PREVIEW
from tests.simulation.kinds import BC, CURRENCY, DV, KINDS, PERSON, Kind
from tests.simulation.leave import Asked, Leave
from tests.simulation.ledger import Story
from tests.simulation.scheduler import drive
from tests.simulation.town import Town
from tests.simulation.wishes import Wish

type Leaves = Callable[[Asked], list[Leave]]


@dataclass
class Preview:
    """A preview that somebody has asked for: what of, what carrying it out may cost, and the records to be parted."""

    kind: Kind
    leaves: Leaves
    stories: Sequence[Story] = ()
    asked: Asked | None = None
    jobs: list[str] = field(default_factory=list)


class Lookers:
    """Whoever looks before anything is done."""

    def __init__(self) -> None:
        self._previews: list[Preview] = []

    def __call__(self, draw: random.Random, town: Town) -> Wish | None:
        """A preview, or what one of those shows that are there."""
        ready = [each for each in self._previews if each.asked is not None and each.asked.ended and each.jobs]
        if ready and draw.random() < 0.6:
            preview = draw.choice(ready)
            self._previews.remove(preview)
            return _carry_out(draw, town, preview)
        kind = draw.choice(KINDS)
        return draw.choice([self._of_all, self._of_all, self._of_records, self._of_broken])(draw, town, kind)

    def _of_all(self, draw: random.Random, town: Town, kind: Kind) -> Wish:
        """Of the next run, or of a full synchronization."""
        what = draw.choice([PreviewKind.MODIFIED, PreviewKind.FULL])
        is_full = what is PreviewKind.FULL
        form = PreviewStart(mapping=kind.name, what=what, unconditional=is_full and kind is CURRENCY)

        def leaves(asked: Asked) -> list[Leave]:
            makes = [Leave(asked, kind.name, side, makes=True) for side in Side]
            return [Leave(asked, kind.name, DV, in_conflicts=True), *makes] if is_full else []

        return self._look(form, Preview(kind, leaves))

    def _of_records(self, draw: random.Random, town: Town, kind: Kind) -> Wish | None:
        """Of synchronizing one pair, by the rules or with the data of one side."""
        stories = [one for one in _stories(town, kind) if len(one.now) == len(Side)]
        if not stories:
            return None
        story = draw.choice(stories)
        choice = draw.choice([None, *SyncChoice])
        form = _of_one(town, story, PreviewKind.RECORDS, choice)

        def leaves(asked: Asked) -> list[Leave]:
            source = choice.source if choice is not None else None
            return [Leave(asked, kind.name, source.other, {story.tag})] if source is not None else []

        return self._look(form, Preview(kind, leaves))

    def _of_broken(self, draw: random.Random, town: Town, kind: Kind) -> Wish | None:
        """Of restoring, deleting or uncoupling what was deleted on one side."""
        stories = [one for one in _stories(town, kind) if len(one.now) == 1 and one.deleted]
        if not stories:
            return None
        story = draw.choice(stories)
        what = draw.choice([PreviewKind.RESTORE, PreviewKind.DELETE, PreviewKind.UNCOUPLE])
        if what is PreviewKind.UNCOUPLE and (kind is not PERSON or story.crossed or story.restored):
            return None
        if what is PreviewKind.RESTORE and story.parted:
            return None
        story.restored = story.restored or what is PreviewKind.RESTORE
        (survivor,) = story.now

        def leaves(asked: Asked) -> list[Leave]:
            return [Leave(asked, kind.name, survivor, {story.tag}, deletes=True)] if what is PreviewKind.DELETE else []

        parted = [story] if what is PreviewKind.UNCOUPLE else []
        story.parted += len(parted)
        return self._look(_of_one(town, story, what, None), Preview(kind, leaves, parted))

    def _look(self, form: PreviewStart, preview: Preview) -> Wish:
        self._previews.append(preview)

        async def work(services: Services, anna: Caller) -> Sequence[str]:
            preview.jobs = list((await request_previews(services, form, anna)).jobs.values())
            return preview.jobs

        def leaves(asked: Asked) -> list[Leave]:
            preview.asked = asked
            return []

        return Wish("preview", work, leaves)


def _carry_out(draw: random.Random, town: Town, preview: Preview) -> Wish:
    """What a preview shows, and nothing else. A record may be deleted as it was then."""
    (job,) = preview.jobs
    for story in preview.stories:
        story.parted += 1

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        answer = await carry_out_preview(services, job, release_guard=True, caller=anna)
        return [one.id for one in answer.jobs]

    def leaves(asked: Asked) -> list[Leave]:
        town.jobs.shown[asked.label] = _shown(town, preview.kind, job)
        assert preview.asked is not None
        asked.seen = preview.asked.ended
        return preview.leaves(asked)

    return Wish("carry out a preview", work, leaves)


def _shown(town: Town, kind: Kind, job: str) -> list[Planned]:
    """All that a preview shows."""
    runs = town.judge.runs(kind.name)
    known = drive(town.judge.jobs.get(job))
    run = drive(runs.get(known.run)) if known is not None else None
    if run is None:
        return []
    task = PREVIEW.unpack(run.task)
    parts = (drive(runs.part(run.id, part)) for part in range(task.listed, task.listed + task.parts))
    return [unpack(item) for part in parts for item in part]


def _of_one(town: Town, story: Story, what: PreviewKind, choice: SyncChoice | None) -> PreviewStart:
    side = next(iter(story.now))
    ids = {"business_central_ids" if side is BC else "dataverse_ids": (town.ledger.id_of(story, side),)}
    return PreviewStart.model_validate({"mapping": story.kind.name, "what": what, "choice": choice, **ids})


def _stories(town: Town, kind: Kind) -> list[Story]:
    return [story for story in town.ledger.stories.values() if story.kind is kind]
