"""What must hold when everything has come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from shared.core.jobs import Counters, Job
from shared.core.mapping import DeletionConflictResolution, Mapping, WhenOutsideFilter
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side, direction_from
from shared.core.tables import Value
from shared.services.repositories.work_items import WorkItem
from tests.simulation.company import BC, FIELDS, ONE_WAY, TABLE, caption, passes_filter, rows
from tests.simulation.history import Broken, History
from tests.simulation.trouble import TroubledWorld

PASSING_BY = {Reason.SERVICE_BUSY, Reason.CHANGED_MEANWHILE, Reason.WAITS_FOR_PARENT}


def check_pairs(world: TroubledWorld, history: History, mapping: Mapping, items: Sequence[WorkItem]) -> Counter[str]:
    """Both sides agree in every field, or a work item says where they do not; nothing is held without a cause.

    Answers what was come by. Raises Broken.
    """
    held: defaultdict[str | None, list[WorkItem]] = defaultdict(list)
    for item in items:
        held[item.business_central_id].append(item)
        held[item.dataverse_id].append(item)
    keeps = mapping.when_outside_filter is WhenOutsideFilter.KEEP_IN_STEP
    met = Counter[str]()
    for tag in history.stories:
        found = {side: row for side in Side if (row := history.row_of(side, tag)) is not None}
        inside = {side: keeps or passes_filter(side, rows(world, side)[key]) for side, (key, _) in found.items()}
        mine = [item for key, _ in found.values() for item in held[key]]
        if len(found) == len(Side):
            met += _check_pair(history, tag, inside, mine)
        for side in found:
            if len(found) == 1 and passes_filter(side, rows(world, side)[found[side][0]]):
                _check_single(history, mapping, tag, side, mine)
    return met


def check_jobs(world: TroubledWorld, jobs: Sequence[Job]) -> Counter[str]:
    """Every job has ended; if nothing ever went wrong, the counters are what was written. Raises Broken."""
    if unended := [job.id for job in jobs if not job.status.ended]:
        raise Broken(f"jobs that never end: {unended}")
    total = {direction: Counters() for direction in Direction}
    for job in jobs:
        if job.mapping == "CUSTOMER":
            total[job.direction].add(job.counters)
    if not world.trouble.happened:
        for source in Side:
            _check_counters(world, source, total[direction_from(source)])
    names = ("inserted", "modified", "unchanged", "skipped", "failed", "uncoupled")
    return Counter(f"counted {name}" for each in total.values() for name in names if getattr(each, name))


def _check_pair(history: History, tag: str, inside: dict[Side, bool], items: Sequence[WorkItem]) -> Counter[str]:
    met = Counter[str]()
    for name in FIELDS:
        left, right = (row[1][name] for side in Side if (row := history.row_of(side, tag)) is not None)
        if any(clash.field == caption(name) for item in items for clash in item.fields):
            _check_conflict(history, tag, name, left == right and all(inside.values()))
        elif left == right or not all(inside.values()):
            continue
        elif name == ONE_WAY:
            _check_one_way(history, tag, left, right, items)
        elif not items:
            raise Broken(f"{tag}: {name} is {left!r} in BC and {right!r} in Dataverse, and nobody says so")
        else:
            met["waits behind a conflict"] += 1
    for item in items:
        if item.reason in PASSING_BY:
            raise Broken(f"{tag}: {item.reason} has nothing to wait for any more")
    return met


def _check_conflict(history: History, tag: str, name: str, agreed: bool) -> None:
    """Two people edited, and differently: otherwise there is nothing to ask."""
    if agreed:
        raise Broken(f"{tag}: {name} is held as a conflict, but both sides hold the same")
    for side in Side:
        if not any(other in history.stories[tag].possible_edits(side) for other in history.unit(name)):
            raise Broken(f"{tag}: {name} is held as a conflict, but nobody edited it in {side}")


def _check_one_way(history: History, tag: str, left: Value, right: Value, items: Sequence[WorkItem]) -> None:
    """What was edited at its source has arrived; an edit of the destination stays until then."""
    story = history.stories[tag]
    edited = story.open_edits[BC].get(ONE_WAY, right)
    if edited != right and edited not in story.agreed[ONE_WAY] and not items:
        raise Broken(f"{tag}: {ONE_WAY} {left!r} never arrived, Dataverse holds {right!r}")


def _check_single(history: History, mapping: Mapping, tag: str, side: Side, items: Sequence[WorkItem]) -> None:
    """A record without counterpart is somebody's task, unless the mapping leaves survivors alone."""
    removes = mapping.deletion_conflict_resolution is DeletionConflictResolution.REMOVE_COUPLING
    if not items and not (removes and side.other in history.stories[tag].deleted):
        raise Broken(f"{tag} stands in {side} alone, and nobody says so")


def _check_counters(world: TroubledWorld, source: Side, counted: Counters) -> None:
    created = world.written[TABLE[source.other].name, "create"]
    updated = world.written[TABLE[source.other].name, "update"]
    if counted.inserted != created or counted.modified > updated:
        raise Broken(f"from {source}: counted {counted}, but {created} were created and {updated} updated")
