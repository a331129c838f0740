"""What is removed when it is old, and what stays however old it is. The clock is the test's own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.coupling import CoupledRecord, coupling_of
from shared.core.history import Touch, What, with_touch
from shared.core.jobs import Counters, Job, JobStatus, Trigger, job_key
from shared.core.reasons import Reason
from shared.core.retention import Retention
from shared.core.sides import Direction, Side
from shared.services import retention
from shared.services.context import Policy
from shared.services.repositories.job_errors import JobErrorRepository
from shared.services.repositories.jobs import Request
from shared.services.repositories.runs import Run
from shared.services.repositories.work_items import WorkItem
from shared.services.retention import Tidied, remove_what_is_old
from tests.world import World

DAYS = timedelta(days=1)
KEPT = Retention(jobs=30 * DAYS, idle_jobs=2 * DAYS)
BUSY = Counters(modified=1)


def job(world: World, age: timedelta, **values: object) -> Job:
    """A timer's job that ended well so long ago and had nothing to do, unless said otherwise."""
    at = world.clock.now() - age
    made = Job(job_key(at, world.ids.new()), "run", "CUSTOMER", Direction.BIDIRECTIONAL, Trigger.TIMER, at)
    made.status = JobStatus.SUCCEEDED
    return replace(made, **values)


def world_with(**policy: object) -> World:
    return World(Policy(retention=KEPT, **policy))


JOBS = {
    "idle, young": (1.9 * DAYS, {}, True),
    "idle, old": (2.1 * DAYS, {}, False),
    "unchanged records are no activity": (2.1 * DAYS, {"counters": Counters(unchanged=9, skipped=9)}, False),
    "modified something": (29 * DAYS, {"counters": BUSY}, True),
    "coupled something": (29 * DAYS, {"counters": Counters(coupled=1)}, True),
    "refused something": (29 * DAYS, {"counters": Counters(failed=1)}, True),
    "modified something long ago": (31 * DAYS, {"counters": BUSY}, False),
    "of a rule, idle": (2.1 * DAYS, {"trigger": Trigger.RULE}, False),
    "asked for by a person": (29 * DAYS, {"trigger": Trigger.PERSON}, True),
    "asked for by a person long ago": (31 * DAYS, {"trigger": Trigger.PERSON}, False),
    "failed": (29 * DAYS, {"status": JobStatus.FAILED}, True),
    "failed long ago": (31 * DAYS, {"status": JobStatus.FAILED}, False),
    "still waiting": (31 * DAYS, {"status": JobStatus.QUEUED}, True),
    "still running": (31 * DAYS, {"status": JobStatus.RUNNING}, True),
}


@pytest.mark.parametrize("name", JOBS)
async def test_a_job_goes_when_it_is_old_enough(name: str) -> None:
    age, values, stays = JOBS[name]
    world = world_with()
    one = job(world, age, **values)
    await world.services.jobs.save([one])

    found = await remove_what_is_old(world.services)

    assert (await world.services.jobs.get(one.id) is not None) is stays
    assert found == Tidied(jobs=0 if stays else 1, requests=0, runs=0)


async def test_a_job_that_an_open_error_names_stays_until_the_error_is_gone() -> None:
    world = world_with()
    one, items, now = job(world, 40 * DAYS), world.services.work_items("VENDOR"), world.clock.now()
    error = WorkItem("VENDOR", Side.DATAVERSE, "id", Reason.SERVICE_REFUSED, "refused", one.id, now, now, now)
    await world.services.jobs.save([one])
    await items.put([error])

    assert await remove_what_is_old(world.services) == Tidied(jobs=0, requests=0, runs=0)
    assert list(await items.all()) == [error.key], "an error does not age"

    await items.remove([error.key])
    assert await remove_what_is_old(world.services) == Tidied(jobs=1, requests=0, runs=0)


async def test_a_request_is_kept_as_long_as_its_jobs() -> None:
    world = world_with()
    for age in (29 * DAYS, 31 * DAYS):
        at = world.clock.now() - age
        await world.services.jobs.add_request(Request(job_key(at, f"{age.days}"), (), at))

    assert await remove_what_is_old(world.services) == Tidied(jobs=0, requests=1, runs=0)


RUNS = {
    "ended, young": (1 * DAYS, True, None, True),
    "ended, old": (3 * DAYS, True, None, False),
    "never ended, and forgotten": (31 * DAYS, False, None, False),
    "never ended": (29 * DAYS, False, None, True),
    "on": (31 * DAYS, False, "active", True),
    "waiting": (31 * DAYS, False, "queued", True),
}


@pytest.mark.parametrize("name", RUNS)
async def test_a_run_goes_when_nothing_needs_it(name: str) -> None:
    age, ended, place, stays = RUNS[name]
    world = world_with()
    runs, at = world.services.runs("CUSTOMER"), world.clock.now() - age
    run = Run(job_key(at, "x"), "CUSTOMER", Trigger.TIMER, {Side.DATAVERSE: "job"}, at, at, ended=ended)
    state = await runs.state()
    if place:
        setattr(state, place, run.id)
    await runs.save(state, [run])

    await remove_what_is_old(world.services)

    assert (await runs.get(run.id) is not None) is stays
    assert await runs.state() == state


async def test_the_work_of_one_tick_is_bounded_and_the_next_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "PAGE", 10)
    monkeypatch.setattr(retention, "MOST_PAGES", 3)
    world = world_with()
    kept = [job(world, (3 + number / 100) * DAYS, counters=BUSY) for number in range(25)]
    old = [job(world, (4 + number / 100) * DAYS) for number in range(25)]
    await world.services.jobs.save(kept + old)

    assert [(await remove_what_is_old(world.services)).jobs for _ in range(4)] == [5, 20, 0, 0]

    left, _ = await world.services.jobs.page(None, 100)
    assert {one.id for one in left} == {one.id for one in kept}


async def test_the_history_of_a_removed_coupling_goes_with_the_jobs_of_its_time() -> None:
    world = world_with()
    couplings, now = world.services.couplings("CUSTOMER"), world.clock.now()
    kept = {}
    for number, age in enumerate((29 * DAYS, 31 * DAYS)):
        ends = {side: CoupledRecord(f"{side}-{number}") for side in Side}
        touch = Touch(now - age, What.UNCOUPLED, Reason.CHOSEN, ("job",))
        (one,) = await couplings.add([replace(coupling_of(ends, now - age), history=with_touch("", touch))])
        await couplings.remove([one])
        kept[number] = one
    found = await remove_what_is_old(world.services)
    assert found.histories == 2  # both documents of the older one
    for side in Side:
        assert [one.history for one in await couplings.ended(side, kept[0].at(side).id)] == [kept[0].history]
        assert await couplings.ended(side, kept[1].at(side).id) == []


async def test_the_errors_of_a_job_go_with_it() -> None:
    world = world_with()
    one, now = job(world, 40 * DAYS, counters=Counters(failed=1)), world.clock.now()
    errors = JobErrorRepository(world.services.state, "default")
    await world.services.jobs.save([one])
    await errors.put([WorkItem("VENDOR", Side.DATAVERSE, "id", Reason.SERVICE_REFUSED, "no", one.id, now, now, now)])
    await remove_what_is_old(world.services)
    assert await errors.page(one.id, None, 10) == ([], None)
