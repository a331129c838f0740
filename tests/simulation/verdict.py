"""What must hold when everything has come to rest."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from shared.core.coupling import Coupling
from shared.core.jobs import Job
from shared.core.mapping import DeletionConflictResolution, WhenOutsideFilter
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.ports import StateRow
from shared.services.repositories.runs import PART
from shared.services.repositories.work_items import WorkItem
from tests.simulation.kinds import BC, BOTH_WAYS, CURRENCY, CUSTOMER, DV, KINDS, PERSON, Kind
from tests.simulation.ledger import Broken, Story
from tests.simulation.scheduler import drive
from tests.simulation.town import Town

NOTHING_TO_WAIT_FOR = {Reason.SERVICE_BUSY, Reason.CHANGED_MEANWHILE}
# The simulated refusals are over; what is refused now names a row that does not exist.
CURED = {Reason.SERVICE_REFUSED, Reason.PERMISSION_MISSING, Reason.VALUE_REFUSED}


def items_of(town: Town, kind: Kind) -> list[WorkItem]:
    """The open work items of a mapping."""
    return town.items_of(kind)


def check(town: Town) -> None:
    """Every law about records. Raises Broken."""
    for kind in KINDS:
        couplings = drive(town.judge.couplings(kind.name).all())
        _check_couplings(town, kind, couplings)
        items = items_of(town, kind)
        _check_items_are_about_something(town, kind, items)
        by_id: defaultdict[str, list[WorkItem]] = defaultdict(list)
        for item in items:
            for one in {item.record_id, item.business_central_id, item.dataverse_id} - {None}:
                by_id[str(one)].append(item)
        for story in [story for story in town.ledger.stories.values() if story.kind is kind]:
            _check_story(town, story, by_id)
    check_runs(town)


def _check_story(town: Town, story: Story, by_id: dict[str, list[WorkItem]]) -> None:
    ids = {side: one for side in Side if (one := town.ledger.id_of(story, side)) is not None}
    items = _unique(item for one in ids.values() for item in by_id.get(one, ()))
    inside = {side: is_inside(town, story, side, one) for side, one in ids.items()}
    for item in items:
        _check_item(town, story, item, ids)
    if len(ids) == len(Side):
        if not must_be_in_step(town, story):
            return
        in_step = _check_pair(town, story, inside, items)
        if in_step and not items and all(inside.values()):
            town.ledger.settled(story)
    for side in ids:
        if len(ids) == 1 and inside[side] and must_be_in_step(town, story):
            _check_single(town, story, side, items)


def must_be_in_step(town: Town, story: Story) -> bool:
    """Whether the app has to do with it. Where people couple by hand, only with what they have coupled; and what nobody
    has touched since is left as it is.
    """
    if not town.scenario.by_hand or story.kind is CURRENCY:
        return True
    coupling = town.coupling_of(story)
    if coupling is None:
        return False
    latest = max(entry.number for now in story.now.values() for entry in now.values())
    return latest > story.coupled_at or any(coupling.at(side).base for side in Side)


def _unique(items: Iterable[WorkItem]) -> list[WorkItem]:
    return list({item.key: item for item in items}.values())


def is_inside(town: Town, story: Story, side: Side, record_id: str) -> bool:
    """Whether the record passes its filter."""
    row = town.sides[side].rows(story.kind.tables[side])[record_id]
    return all(row[name] == value for name, value in story.kind.inside[side].items())


def _check_pair(town: Town, story: Story, inside: dict[Side, bool], items: list[WorkItem]) -> bool:
    """Both sides say the same in every field, or something says why not; whether they do."""
    mapping, agree = town.mapping_of(story.kind), True
    keeps = mapping.when_outside_filter is WhenOutsideFilter.KEEP_IN_STEP
    for name, each in story.kind.fields.items():
        left, right = (story.now[side][name] for side in Side)
        if left.value == right.value:
            continue
        agree = False
        one_way = story.kind.direction is not BOTH_WAYS or each.direction is not BOTH_WAYS
        if items or (one_way and (right.origin is DV or left.number == 0)):  # 0: nobody typed it
            continue
        if all(inside.values()) or keeps:
            text = f"{story.tag}: {name} is {left.value!r} in BC and {right.value!r} in Dataverse, and nobody says so"
            raise Broken("converged", text, story.tag)
    return agree


def _check_single(town: Town, story: Story, side: Side, items: list[WorkItem]) -> None:
    """A record that stands alone is told of; not one that was uncoupled, which is left alone until it changes."""
    mapping = town.mapping_of(story.kind)
    if items or story.parted or not mapping.direction.allows(side):
        return
    removes = mapping.deletion_conflict_resolution is DeletionConflictResolution.REMOVE_COUPLING
    if not (removes and side.other in story.deleted):
        raise Broken("nothing is forgotten", f"{story.tag} stands in {side} alone, and nobody says so", story.tag)


def _check_item(town: Town, story: Story, item: WorkItem, ids: dict[Side, str]) -> None:
    """Nothing is held without a cause."""
    what = f"{story.tag}: {item.reason} {item.message!r}"
    if item.reason in NOTHING_TO_WAIT_FOR:
        raise Broken("nothing is held without a cause", what, story.tag)
    if item.reason in CURED | {Reason.WAITS_FOR_PARENT} and not _waits_for_somebody(town, story):
        raise Broken("nothing is held without a cause", what, story.tag)
    if item.reason is Reason.DELETION_CONFLICT and (len(ids) != 1 or not story.deleted):
        raise Broken("nothing is held without a cause", what, story.tag)
    if item.reason is Reason.UPDATE_CONFLICT:
        _check_conflict(town, story, item, what)


def _is_left_behind(town: Town, story: Story) -> bool:
    """Whether a person's company lost its customer: one that is restored has a company contact of its own."""
    key = town.ledger.id_of(story, BC)
    if key is None:
        return False
    customers = CUSTOMER.tables[BC]
    linked = drive(town.business_central.company_contacts(customers, list(town.business_central.rows(customers))))
    return town.business_central.rows(PERSON.tables[BC])[key]["companyNumber"] not in linked.values()


def _check_conflict(town: Town, story: Story, item: WorkItem, what: str) -> None:
    captions = {each.business_central: name for name, each in story.kind.fields.items()}
    for clash in item.fields:
        name = captions[clash.field]
        values = {side: now[name].value for side, now in story.now.items()}
        if len(values) == len(Side) and len(set(map(str, values.values()))) == 1:
            raise Broken("conflicts are real", f"{what}: both sides hold {values} in {name}", story.tag)
        for side in Side:
            if not town.ledger.may_be_edited(story, side, name):
                raise Broken("conflicts are real", f"{what}: nobody edited {name} in {side}", story.tag)


def _waits_for_somebody(town: Town, story: Story) -> bool:
    """Whether the record names a parent that is not on both sides, or a company that is nobody's any more."""
    if story.kind is PERSON and _is_left_behind(town, story):
        return True
    for name, each in story.kind.fields.items():
        if each.reference is None:
            continue
        for now in story.now.values():
            value = now[name].value
            parent = town.ledger.stories.get((each.reference.mappings[0], str(value)))
            if value is None:
                continue
            if parent is None or len(parent.now) < len(Side) or (town.scenario.by_hand and not town.is_coupled(parent)):
                return True
    return False


def _check_items_are_about_something(town: Town, kind: Kind, items: list[WorkItem]) -> None:
    existing = {key for side in Side for key in town.ledger.rows_of(kind, side)}
    for item in items:
        if not {item.record_id, item.business_central_id, item.dataverse_id} & existing:
            raise Broken("nothing is held without a cause", f"{kind.name}: {item.reason} of {item.key}, which is gone")


def _check_couplings(town: Town, kind: Kind, couplings: list[Coupling]) -> None:
    for side in Side:
        ids = [coupling.at(side).id for coupling in couplings]
        if len(set(ids)) < len(ids):
            raise Broken("one-to-one", f"{kind.name}: {ids} in {side}")
    tags = {side: {key: tag for key, (tag, _) in town.ledger.rows_of(kind, side).items()} for side in Side}
    for coupling in couplings:
        both = {tags[side].get(coupling.at(side).id) for side in Side} - {None}
        if len(both) > 1:
            raise Broken("one-to-one", f"{kind.name}: {sorted(map(str, both))} are coupled with each other")
    pointers = drive(town.state.scan("couplings", f"default|{kind.name}", prefix="dv|"))
    if {row.key for row in pointers} != {f"dv|{coupling.dataverse.id}" for coupling in couplings}:
        raise Broken("one-to-one", f"{kind.name}: the two documents of the couplings do not fit")
    coupled = {side: {coupling.at(side).id for coupling in couplings} for side in Side}
    for story in town.ledger.stories.values():
        if story.kind is kind and kind is not CURRENCY and not story.deleted and not town.scenario.by_hand:
            _check_coupled(town, story, coupled)


def _check_coupled(town: Town, story: Story, coupled: dict[Side, set[str]]) -> None:
    ids = {side: one for side in Side if (one := town.ledger.id_of(story, side)) is not None}
    if len(ids) == len(Side) and not all(one in coupled[side] for side, one in ids.items()):
        raise Broken("one-to-one", f"{story.tag} stands on both sides and is not coupled", story.tag)


def check_runs(town: Town) -> None:
    """Every run has ended, and nothing is left over. Raises Broken."""
    for kind in KINDS:
        state = drive(town.judge.runs(kind.name).state())
        if state.active or state.queued or state.waiting:
            on = f"active {state.active}, queued {state.queued}, waiting {state.waiting}"
            raise Broken("every run ends", f"{kind.name}: {on}")
        left = [*drive(town.judge.runs(kind.name).journal()), *_parts(town, kind)]
        if left:
            raise Broken("nothing is left half done", f"{kind.name}: {', '.join(row.key for row in left)} is left over")
        if intents := drive(town.judge.couplings(kind.name).open_intents()):
            raise Broken("nothing is left half done", f"{kind.name}: {len(intents)} creates were begun and not ended")
    if town.queue.waiting:
        raise Broken("no message is forgotten", ", ".join(message.id for message in town.queue.waiting))
    town.jobs.check(jobs_of(town), town.business_central.written + town.dataverse.written)


def jobs_of(town: Town) -> list[Job]:
    """The job log."""
    jobs, _ = drive(town.judge.jobs.page(None, 10_000))
    return list(jobs)


def _parts(town: Town, kind: Kind) -> list[StateRow]:
    """What is left of the lists of tasks; those of previews are there for people to look at."""
    rows: list[StateRow] = drive(town.state.scan("runs", f"default|{kind.name}", prefix=PART))
    return [row for row in rows if not town.jobs.is_preview(row.key.split("|")[1])]
