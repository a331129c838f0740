"""What a run waits for, in seconds on a clock on which computing costs nothing: calls one after the other count.

The ideal is the bench's own (`infra.local.bench.ideal`), which measures the same with real processors and wires.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from infra.local.bench.ideal import Work, ideal
from shared.core.jobs import JobStatus, Trigger
from shared.core.sides import Side
from shared.ports import Put, StateConflict
from shared.services.repositories.runs import JOURNAL
from shared.services.requests import request_synchronization
from tests.paced import LATENCY, STORAGE, PacedWorld
from tests.world import ACCOUNT, CUSTOMERS

NOTHING = dict.fromkeys(Side, 0)
PAIRS = 20
ROUND_TRIPS = 4  # to the storage in sequence: found, ended, its jobs told so, closed


@pytest.fixture
def world() -> PacedWorld:
    """Accounts in step with customers."""
    world = PacedWorld()

    async def prepare() -> None:
        await world.open_all()
        for number in range(PAIRS):
            world.account(name=f"Account {number}")
        for _ in range(2):
            await world.synchronize("CUSTOMER")

    world.run(prepare())
    world.begin()
    return world


async def seconds_of_a_run(
    world: PacedWorld, meanwhile: Callable[[PacedWorld], Awaitable[None]] | None = None
) -> float:
    """How long a run takes that the timer asks for, while something else happens once it has been found."""
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    await request_synchronization(world.services, [stored.mapping], Trigger.TIMER)
    before = world.seconds
    _, seconds = await asyncio.gather(_after(STORAGE * 1.5, world, meanwhile), _worked_off(world))
    return seconds - before


async def _after(seconds: float, world: PacedWorld, happens: Callable[[PacedWorld], Awaitable[None]] | None) -> None:
    if happens is not None:
        await asyncio.sleep(seconds)
        await happens(world)


async def _worked_off(world: PacedWorld) -> float:
    await world.work_off()
    return world.seconds


def test_an_idle_run_takes_hardly_longer_than_reading_both_feeds(world: PacedWorld) -> None:
    seconds = world.run(seconds_of_a_run(world))
    assert seconds == pytest.approx(LATENCY.request + LATENCY.page + ROUND_TRIPS * STORAGE)
    assert seconds <= 1.25 * ideal(Work(NOTHING, NOTHING), LATENCY, STORAGE).seconds
    assert [side.requests for side in world.sides.values()] == [1, 1]


async def _on_both_sides(world: PacedWorld) -> None:
    """Every pair is edited on both sides, in different fields."""
    for number, coupling in enumerate(await world.unpaced.couplings("CUSTOMER").all()):
        world.business_central.edit(CUSTOMERS, coupling.business_central.id, {"phoneNumber": f"+{number}"})
        world.dataverse.edit(ACCOUNT, coupling.dataverse.id, {"websiteurl": f"https://{number}.example"})


def test_both_sides_of_a_chunk_are_written_at_once_in_batches_as_full_as_ever(world: PacedWorld) -> None:
    world.run(_on_both_sides(world))
    seconds = world.run(seconds_of_a_run(world))
    reading, writing = LATENCY.request + LATENCY.page, LATENCY.request + PAIRS * LATENCY.operation
    beside = 4  # round trips more: both ends of the couplings are found, the writes are announced, all is kept
    assert seconds == pytest.approx(reading + writing + (ROUND_TRIPS + beside) * STORAGE)
    assert [side.requests for side in world.sides.values()] == [2, 2]
    assert world.written["customers", "update"] == world.written["account", "update"] == PAIRS


async def somebody_moves_the_state(world: PacedWorld) -> None:
    runs = world.unpaced.runs("CUSTOMER")
    await runs.save(await runs.state())


async def a_host_has_announced_something(world: PacedWorld) -> None:
    entry = Put(f"{JOURNAL}000000001|000001", {"version": 1, "items": []})
    await world.unpaced.runs("CUSTOMER").put([entry])


@pytest.mark.parametrize("happens", [somebody_moves_the_state, a_host_has_announced_something])
def test_what_was_read_while_another_had_the_mapping_is_read_again(
    world: PacedWorld, happens: Callable[[PacedWorld], Awaitable[None]]
) -> None:
    world.run(seconds_of_a_run(world, happens))
    assert [side.requests for side in world.sides.values()] == [2, 2]


def test_a_run_that_was_read_beside_the_state_is_not_stored_over_a_newer_one(world: PacedWorld) -> None:
    async def both() -> None:
        runs = world.unpaced.runs("CUSTOMER")
        stored = await world.unpaced.mappings.get("CUSTOMER")
        assert stored is not None
        await request_synchronization(world.unpaced, [stored.mapping], Trigger.TIMER)
        state, run, version = await runs.standing((await runs.state()).queued or "")
        assert run is not None
        assert version is not None
        await runs.save(state, [run])
        with pytest.raises(StateConflict):
            await runs.save(await runs.state(), [run], versions={run.id: version})

    world.run(both())


@pytest.mark.parametrize("has_ended", [False, True])
def test_jobs_are_stored_without_being_read_as_long_as_nobody_else_moves_them(
    world: PacedWorld, has_ended: bool
) -> None:
    async def jobs() -> None:
        log = world.unpaced.jobs
        job = (await log.page(None, 1))[0][0]
        job.status, versions = JobStatus.RUNNING, dict[str, str]()
        job = replace(job, id="one")
        await log.save([job], versions)
        if has_ended:
            await log.save([replace(job, status=JobStatus.SUCCEEDED)])
        reads = world.state.calls["get_many"]
        await log.save([replace(job, slices=7)], versions)
        assert world.state.calls["get_many"] - reads == has_ended
        stored = await log.get("one")
        assert stored is not None
        assert (stored.status, stored.slices == 7) == (
            (JobStatus.SUCCEEDED, False) if has_ended else (JobStatus.RUNNING, True)
        )

    world.run(jobs())
