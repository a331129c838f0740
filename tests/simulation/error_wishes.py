"""What people do about coupled data synchronization errors."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence

from shared.core.access import Caller
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.services.context import Services
from shared.services.finding_deleted import find_deleted
from shared.services.forms.errors import ErrorActionAnswer, ErrorSelection, RetryAllRequest, SynchronizeErrorsRequest
from shared.services.repositories.work_items import WorkItem
from shared.services.solving_errors import delete_couplings, delete_records, restore, retry, retry_all
from shared.services.synchronizing_errors import synchronize_errors
from tests.simulation.kinds import KINDS, PERSON, Kind
from tests.simulation.leave import Asked, Leave
from tests.simulation.ledger import Broken, Story
from tests.simulation.people import People
from tests.simulation.town import Town
from tests.simulation.wishes import Wish

type Error = tuple[Kind, WorkItem, Story]


class Minders:
    """Whoever minds the errors."""

    def __init__(self, people: People) -> None:
        self._people = people

    def __call__(self, draw: random.Random, town: Town) -> Wish | None:
        """One error is solved in one of the ways, or all are tried again; where there is none, one is made."""
        kind = draw.choice(KINDS)
        if draw.random() < 0.15:
            return draw.choice([_retry_all, lambda: _find_deleted(draw, kind)])()
        errors = _errors(town)
        broken = [error for error in errors if len(error[2].now) == 1 and town.is_coupled(error[2])]
        gone = [story for story in town.ledger.stories.values() if len(story.now) == 1 and town.is_coupled(story)]
        if gone and not broken and draw.random() < 0.5:
            return _find_deleted(draw, gone[0].kind)
        if not errors or (not broken and draw.random() < 0.4):
            draw.choice([self._people.deletes, self._people.deletes, self._people.edits_both_sides])(draw)
            return None
        error = draw.choice(broken or errors)
        ways = [_retry, _synchronize, _synchronize]
        if error[1].fields:
            ways += [_by_field] * 2
        if error in broken:
            ways = [_retry, _restore, _restore, _delete_records, _delete_records, _delete_coupling]
        return draw.choice(ways)(draw, town, *error)


def _errors(town: Town) -> list[Error]:
    """The open errors of records that the judge knows."""
    found: list[Error] = []
    for kind in KINDS:
        for item in town.items_of(kind):
            tags = {tag for side, one in item.named if (tag := town.tag_of(kind, side, one)) is not None}
            if len(tags) == 1:
                found.append((kind, item, town.ledger.stories[kind.name, tags.pop()]))
    return found


def _retry_all() -> Wish:
    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return _jobs(await retry_all(services, RetryAllRequest(), anna))

    return Wish("retry all", work)


def _find_deleted(draw: random.Random, kind: Kind) -> Wish:
    name = draw.choice([None, kind.name])

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return [job.id for job in (await find_deleted(services, name, anna)).jobs]

    return Wish("find deleted", work)


def _retry(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish:
    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return _jobs(await retry(services, _selected(item), anna))

    return Wish("retry", work)


def _synchronize(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish:
    """With the data of one side, or merged."""
    choice = draw.choice(list(SyncChoice))

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        wanted = SynchronizeErrorsRequest(ids=(_id(item),), choice=choice)
        return _jobs(await synchronize_errors(services, wanted, anna))

    if choice.source is None:
        return Wish("synchronize an error", work)
    chosen = dict.fromkeys(story.kind.fields, choice.source)
    return Wish("synchronize an error", work, _gives_way(story, chosen), carried_over(town, story, chosen))


def _by_field(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish:
    """Field by field; those of a group go together."""
    captions = {each.business_central: name for name, each in kind.fields.items()}
    sides = {kind.fields[captions[one.field]].group or one.field: draw.choice(list(Side)) for one in item.fields}
    fields = {one.field: sides[kind.fields[captions[one.field]].group or one.field] for one in item.fields}

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        wanted = SynchronizeErrorsRequest(ids=(_id(item),), fields=fields)
        return _jobs(await synchronize_errors(services, wanted, anna))

    groups = {kind.fields[captions[one]].group for one in fields}
    chosen = {captions[one]: side for one, side in fields.items()}
    for name, each in kind.fields.items():
        if each.group in groups - {None}:
            chosen[name] = sides[str(each.group)]
    return Wish("decide field by field", work, _gives_way(story, chosen), carried_over(town, story, chosen))


def _restore(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish | None:
    if story.parted:
        return None
    story.restored = True
    stood = (story.deletions, story.parted)

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return _jobs(await restore(services, _selected(item), anna))

    def done(asked: Asked) -> None:
        if asked.jobs and (story.deletions, story.parted) == stood and len(story.now) != len(Side):
            raise Broken("a choice is carried out", f"{story.tag} was to be restored, and is not", story.tag)

    return Wish("restore", work, done=done)


def _delete_records(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish:
    (survivor,) = story.now
    parted = story.parted

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return _jobs(await delete_records(services, _selected(item), anna))

    def leaves(asked: Asked) -> list[Leave]:
        return [Leave(asked, kind.name, survivor, {story.tag}, deletes=True)]

    def done(asked: Asked) -> None:
        if asked.jobs and story.parted == parted and survivor in story.now:
            raise Broken("a choice is carried out", f"{story.tag} was to be deleted, and is not", story.tag)

    return Wish("delete records", work, leaves, done)


def _delete_coupling(draw: random.Random, town: Town, kind: Kind, item: WorkItem, story: Story) -> Wish | None:
    """Of a person who is gone on one side: with a customer's would go those of its people in good health."""
    if kind is not PERSON or story.crossed or story.restored or (not story.deleted and not town.scenario.by_hand):
        return None
    story.parted += 1

    async def work(services: Services, anna: Caller) -> Sequence[str]:
        return _jobs(await delete_couplings(services, _selected(item), anna))

    return Wish("delete the coupling", work)


def _gives_way(story: Story, chosen: Mapping[str, Side]) -> Callable[[Asked], list[Leave]]:
    """The other side of each field may lose its edits to the side that is chosen."""

    def leaves(asked: Asked) -> list[Leave]:
        names = {source: {name for name, side in chosen.items() if side is source} for source in Side}
        kind, tags = story.kind.name, {story.tag}
        return [Leave(asked, kind, side.other, tags, names[side]) for side in Side if names[side]]

    return leaves


def carried_over(town: Town, story: Story, chosen: Mapping[str, Side]) -> Callable[[Asked], None]:
    """The values that stand on the sides of the choice now must stand on the other, if nobody types there meanwhile."""
    stood = {name: story.now[side][name].number for name, side in chosen.items() if side in story.now}

    def done(asked: Asked) -> None:
        if not asked.jobs or len(story.now) < len(Side):
            return
        for name, number in stood.items():
            each, source = story.kind.fields[name], chosen[name]
            here, there = story.now[source][name], story.now[source.other][name]
            travels = each.direction.allows(source) and story.kind.direction.allows(source) and each.reference is None
            is_typed = there.origin is source.other and there.number > asked.edits
            if travels and here.number == number and not is_typed and here.value != there.value:
                text = f"{story.tag}: {name} of {source} was chosen, {here.value!r}; there stands {there.value!r}"
                raise Broken("a choice is carried out", text, story.tag)

    return done


def _jobs(answer: ErrorActionAnswer) -> list[str]:
    return [job.id for job in answer.jobs]


def _selected(item: WorkItem) -> ErrorSelection:
    return ErrorSelection(ids=(_id(item),))


def _id(item: WorkItem) -> str:
    return f"{item.mapping}|{item.key}"
