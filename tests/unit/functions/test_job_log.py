"""The job log as callers read it: which jobs a filter finds, the errors of a job, and deleting old entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.core.jobs import Counters, Job, JobStatus, JobType, Trigger, job_key
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.services.repositories.job_errors import MOST, JobErrorRepository
from shared.services.repositories.work_items import WorkItem
from tests.unit.functions.api import Api
from tests.world import ACCOUNT, CUSTOMERS, World

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE
HOUR = timedelta(hours=1)
BUSY = Counters(modified=1)


@pytest.fixture
def api() -> Api:
    return Api()


def job(world: World, hours: float, **values: object) -> Job:
    """A timer's job that ended well so many hours ago and had nothing to do, unless said otherwise."""
    at = world.clock.now() - hours * HOUR
    made = Job(job_key(at, world.ids.new()), "run", "CUSTOMER", TO, Trigger.TIMER, at, JobStatus.SUCCEEDED)
    times = {"started_at": at, "finished_at": at + timedelta(seconds=90)}
    return replace(made, **times | values)


async def asked(api: Api, query: str) -> list[dict[str, Any]]:
    answered = await api.call("list_jobs", query=query)
    assert answered.status == 200, answered.text
    return list(answered.json["jobs"])


LOG: dict[str, dict[str, object]] = {
    "idle": {},
    "busy": {"counters": BUSY, "mapping": "VENDOR"},
    "unchanged": {"counters": Counters(unchanged=5, skipped=2), "direction": FROM},
    "refused": {"counters": Counters(failed=1), "trigger": Trigger.RULE},
    "failed": {"status": JobStatus.FAILED},
    "asked for": {"trigger": Trigger.PERSON, "requested_by": "Eva (key)", "type": JobType.COUPLING},
    "queued": {"status": JobStatus.QUEUED},
}
NAMES = list(LOG)  # the newest first, an hour apart
FILTERS = {
    "": NAMES,
    "mapping=vendor": ["busy"],
    "status=failed": ["failed"],
    "type=coupling": ["asked for"],
    "direction=FromIntegrationTable": ["unchanged"],
    "trigger=rule": ["refused"],
    "trigger=timer&idle=false": ["busy", "failed", "queued"],
    "requested_by=eva": ["asked for"],
    "failures=true": ["refused", "failed"],
    "idle=false": ["busy", "refused", "failed", "queued"],
    "since=2026-01-05T05:00:00Z": NAMES[:4],
    "until=2026-01-05T05:00:00Z": NAMES[4:],
    "since=2026-01-05T04:00:00Z&until=2026-01-05T07:00:00Z": NAMES[2:5],
    "since=2026-01-05T05:00:00%2B01:00&limit=5": NAMES[:5],
}


@pytest.mark.parametrize("query", FILTERS)
async def test_a_filter_finds_its_jobs(api: Api, query: str) -> None:
    world = api.world
    assert world.clock.now().hour == 8
    jobs = {name: job(world, hours, **LOG[name]) for hours, name in enumerate(NAMES)}
    await world.services.jobs.save(list(jobs.values()))
    names = {one.id: name for name, one in jobs.items()}
    assert [names[one["id"]] for one in await asked(api, query)] == FILTERS[query]


async def test_a_job_tells_how_long_it_took_and_whether_it_had_anything_to_do(api: Api) -> None:
    world = api.world
    await world.services.jobs.save([job(world, 1), job(world, 2, counters=BUSY), job(world, 3, finished_at=None)])
    shown = await asked(api, "")
    assert [(one["seconds"], one["idle"]) for one in shown] == [(90, True), (90, False), (None, True)]


async def test_time_without_a_zone_is_no_time(api: Api) -> None:
    assert (await api.call("list_jobs", query="since=2026-01-05T05:00:00")).status == 400


async def test_the_errors_of_a_job_stay_with_it_when_they_are_solved(api: Api) -> None:
    world = api.world
    await world.open_all()
    customer = world.customer(displayName="Adatum")
    await world.synchronize("CUSTOMER")
    (account,) = world.dataverse.rows(ACCOUNT)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Here"})
    world.dataverse.edit(ACCOUNT, account, {"name": "There"})
    jobs = await world.synchronize("CUSTOMER")
    (met,) = [one for one in jobs.values() if one.direction == TO]
    before = (await api.call("list_errors_of_job", {"id": met.id})).json
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "There"})
    await world.synchronize("CUSTOMER")
    after = (await api.call("list_errors_of_job", {"id": met.id})).json
    assert [(one["reason"], one["record_id"], one["solved"]) for one in before["errors"]] == [
        ("update_conflict", customer, False)
    ]
    assert after["errors"] == [{**before["errors"][0], "solved": True}]
    assert (await api.call("get_job", {"id": met.id})).json["errors"] == []


async def test_a_run_without_errors_stores_nothing_for_them(api: Api) -> None:
    world = api.world
    await world.open_all()
    world.customer(displayName="Adatum")
    (sent, *_) = (await world.synchronize("CUSTOMER")).values()
    assert await world.state.scan("joberrors", f"default|{sent.id}") == []


def error(world: World, number: int, of: str) -> WorkItem:
    now = world.clock.now()
    return WorkItem("CUSTOMER", Side.DATAVERSE, f"{number:04d}", Reason.SERVICE_REFUSED, "refused", of, now, now, now)


async def test_of_very_many_errors_the_first_are_kept_and_told_page_by_page(api: Api) -> None:
    world = api.world
    one = job(world, 1, counters=Counters(failed=MOST + 20))
    await world.services.jobs.save([one])
    errors = JobErrorRepository(world.services.state, "default")
    items = [error(world, number, one.id) for number in range(MOST + 20)]
    await errors.put(items[:150])
    await errors.put(items[100:])
    told, query = [], "limit=90"
    while query:
        page = (await api.call("list_errors_of_job", {"id": one.id}, query=query)).json
        told += [int(found["record_id"]) for found in page["errors"]]
        query = page["continuation"] and f"limit=90&continuation={page['continuation']}"
    assert told == list(range(MOST))


async def test_the_errors_of_an_unknown_job_are_not_found(api: Api) -> None:
    assert (await api.call("list_errors_of_job", {"id": "none"})).code == "unknown_job"


async def test_old_entries_are_deleted_but_what_goes_on_or_is_referred_to_stays(api: Api) -> None:
    world = api.world
    young, old = job(world, 23), job(world, 25, counters=Counters(failed=1))
    running, other = job(world, 26, status=JobStatus.RUNNING), job(world, 27, mapping="VENDOR")
    referred = job(world, 28, counters=Counters(failed=1))
    await world.services.jobs.save([young, old, running, other, referred])
    await world.services.work_items("CUSTOMER").put([error(world, 1, referred.id)])
    errors = JobErrorRepository(world.services.state, "default")
    await errors.put([error(world, 2, old.id), error(world, 1, referred.id)])

    body = {"days": 1, "mapping": "customer", "type": "synchronization"}
    answered = await api.call("delete_older_jobs", body=body)

    assert answered.json == {"deleted": 1, "running": 1, "referred": 1, "continuation": None}
    assert [one["id"] for one in await asked(api, "")] == [young.id, running.id, other.id, referred.id]
    assert (await errors.page(old.id, None, 10), len((await errors.page(referred.id, None, 10))[0])) == (([], None), 1)


async def test_no_continuation_reaches_entries_that_are_not_old_enough(api: Api) -> None:
    await api.world.services.jobs.save([job(api.world, 23)])
    answered = await api.call("delete_older_jobs", body={"days": 1, "continuation": "0"})
    assert answered.json["deleted"] == 0


async def test_very_many_entries_are_deleted_in_several_calls(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.services.delete_jobs.PAGE", 2)
    monkeypatch.setattr("shared.services.delete_jobs.MOST_PAGES", 2)
    world = api.world
    await world.services.jobs.save([job(world, 24 + hours) for hours in range(1, 8)])
    body: dict[str, object] = {"days": 1}
    counts = []
    while True:
        found = (await api.call("delete_older_jobs", body=body)).json
        counts.append(found["deleted"])
        if found["continuation"] is None:
            break
        body["continuation"] = found["continuation"]
    assert (counts, await asked(api, "")) == ([4, 3], [])
