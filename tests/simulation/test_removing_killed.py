"""A removal whose host is killed before one of its port calls after the other: it ends the same, and once."""

from __future__ import annotations

from shared.core.jobs import JobStatus, Trigger
from shared.services.removing_mappings import delete_mapping
from shared.services.requests import request_synchronization
from tests.simulation.killing import copy_of, deliver_until_rest
from tests.simulation.trouble import HostKilled, TroubledWorld
from tests.world import ACCOUNT, CONTACT, CONTACTS, World

NAME = "CONTACT"


async def prepared() -> TroubledWorld:
    """A company and its person, coupled and in step; nothing is due."""
    world = TroubledWorld()
    await world.open_all()
    adatum = world.account(name="Adatum")
    person = {"firstname": "Ida", "lastname": "Berg", "parentcustomerid": adatum, "accountid": adatum, "statecode": 0}
    world.dataverse.put(CONTACT, person)
    await world.synchronize()
    await world.synchronize()
    for stored in await world.services.mappings.all():
        await world.change(stored.mapping.name, enabled=False)
    world.clock.advance(minutes=20)
    return world


async def asks(world: TroubledWorld) -> bool:
    """A person asks until there is an answer; whether the host was killed meanwhile."""
    killed = False
    while await World.instance(world).mappings.get(NAME) or not killed:
        try:
            await delete_mapping(world.services, NAME, None, "Anna")
        except HostKilled:
            killed = True
        else:
            break
    return killed


async def works_off(world: TroubledWorld) -> bool:
    """Deliver until nothing waits and no removal is under way; whether the host was killed."""

    async def is_removing() -> bool:
        return bool((await World.instance(world).mappings.with_removals())[1])

    return await deliver_until_rest(world, is_removing)


def left_of(world: TroubledWorld) -> list[tuple[str, str]]:
    """The documents that belong to the mapping, logs apart."""
    return [
        (table, key)
        for (table, partition), documents in world.state._partitions.items()
        for key in documents
        if table not in ("jobs", "requests", "changes") and NAME in (*partition.split("|"), *key.split("|"))
    ]


async def outcome(world: TroubledWorld) -> list[tuple[str, str, int]]:
    """The jobs that Anna asked for, and how they ended."""
    jobs, _ = await World.instance(world).jobs.page(None, 100)
    return [(job.mapping, job.status, job.counters.uncoupled) for job in jobs if job.requested_by == "Anna"]


async def test_wherever_the_host_is_killed_the_mapping_and_all_of_it_is_gone() -> None:
    before = await prepared()
    assert left_of(before)
    records = before.business_central.rows(CONTACTS), before.dataverse.rows(CONTACT), before.dataverse.rows(ACCOUNT)
    killed, call = True, 0
    while killed:
        call += 1
        world = copy_of(before)
        world.trouble.arm({call: world.trouble.kill})
        killed = await asks(world)
        killed = await works_off(world) or killed
        assert left_of(world) == [], call
        ((mapping, status, uncoupled),) = await outcome(world)
        assert (mapping, status) == (NAME, JobStatus.SUCCEEDED), call
        assert uncoupled == 1 or killed, call  # what was removed just before the end of a host is not counted
        rows = world.business_central.rows(CONTACTS), world.dataverse.rows(CONTACT), world.dataverse.rows(ACCOUNT)
        assert rows == records, call
    assert call > 15


async def test_a_run_that_was_asked_for_at_the_last_moment_ends_with_a_word() -> None:
    world = await prepared()
    stored = await world.services.mappings.get(NAME)
    assert stored is not None
    await delete_mapping(world.services, NAME, None, "Anna")
    request = await request_synchronization(world.services, [stored.mapping], Trigger.TIMER)
    await works_off(world)
    jobs = await world.services.jobs.get_many(list(request.jobs))
    assert {(job.status, job.message) for job in jobs} == {(JobStatus.FAILED, "The mapping was deleted.")}
    assert left_of(world) == []
