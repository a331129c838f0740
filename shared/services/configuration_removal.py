"""What an import must not do to mappings that are in use, and removing those that are to go.

Both under the conditions of changing or removing a single one, and the removal by the same jobs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from shared.core.check_together import users_of
from shared.core.jobs import JobStatus, job_key
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.ports import StateChange
from shared.services.context import Services
from shared.services.removing_mappings import new_job, wake_removals
from shared.services.repositories.mappings import Removal, StoredMapping, removal_begins


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a mapping cannot become what the file says, for what is kept of it: a stable code and a sentence."""

    mapping: str
    member: str
    code: str
    message: str


async def hindrances_of_removal(
    services: Services, names: Sequence[str], remaining: Sequence[Mapping]
) -> list[Hindrance]:
    """Why mappings cannot be removed: others need them, or a run of them is on."""
    found = [hindrance for name in names for hindrance in _needed(name, remaining)]
    for name in names:
        state = await services.runs(name).state()
        if state.active or state.queued or state.waiting:
            text = f"A run of {name} is on. Disable the mapping, and remove it when the run has ended."
            found.append(Hindrance(name, "name", "mapping_busy", text))
    return found


async def hindrances_of_change(services: Services, before: Mapping | None, after: Mapping) -> list[Hindrance]:
    """Couplings join records of the tables they were made for, and a mapping that goes must be gone first."""
    if before is None:
        if await services.mappings.removal(after.name) is None:
            return []
        text = f"{after.name} is being removed; wait for the end."
        return [Hindrance(after.name, "name", "mapping_being_removed", text)]
    if all(before.table(side).table == after.table(side).table for side in Side):
        return []
    couplings, _ = await services.couplings(before.name).page(limit=1)
    text = f"{before.name} has couplings, which belong to its tables. Uncouple its records first, or make another."
    return [Hindrance(after.name, "business_central.table", "tables_in_use", text)] if couplings else []


def _needed(name: str, remaining: Sequence[Mapping]) -> Iterator[Hindrance]:
    if users := users_of(name, remaining):
        text = f"{name} is not in the file, and {', '.join(users)} still depends on it."
        yield Hindrance(name, "name", "mapping_needed", text)


async def begun_removals(services: Services, mappings: Sequence[StoredMapping]) -> list[Removal]:
    """One removal with its job for each of these mappings; nothing is removed yet."""
    now, by = services.clock.now(), services.acting_for
    removals = [Removal(one.mapping.name, job_key(now, services.ids.new()), by, now, now) for one in mappings]
    await services.jobs.save([new_job(removal) for removal in removals])
    return removals


def changes_of_removals(removals: Sequence[Removal], mappings: Sequence[StoredMapping]) -> list[StateChange]:
    """What begins the removals, each over just the version that was looked at; each document once."""
    changes = [
        change
        for removal, stored in zip(removals, mappings, strict=True)
        for change in removal_begins(removal, stored.etag)
    ]
    return list({change.key: change for change in changes}.values())


async def send_removals(services: Services, removals: Sequence[Removal]) -> None:
    """Send the first messages. What gets lost here is sent by the timer."""
    await wake_removals(services, list(removals), timedelta(0))


async def give_up_removals(services: Services, removals: Sequence[Removal]) -> None:
    """End the jobs of removals that did not come about."""
    jobs = [new_job(removal) for removal in removals]
    for job in jobs:
        job.status, job.finished_at = JobStatus.FAILED, services.clock.now()
        job.message = "Somebody else changed the configuration."
    await services.jobs.save(jobs)
