"""When mappings run: inactivity and waking up, pauses, failed runs; over the in-memory ports."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from shared.core.access import Caller
from shared.core.failures import NeedsPerson, Passing
from shared.core.jobs import Job, JobStatus, Trigger
from shared.core.mapping import Mapping
from shared.core.reasons import Reason
from shared.core.records import ChangePage
from shared.core.schedule import Pause, ScheduleStatus
from shared.core.sides import Side
from shared.core.tables import Values
from shared.memory.clock import START
from shared.services.context import Policy
from shared.services.forms.synchronize_now import SyncNowRequest
from shared.services.mapping_settings import MappingChange, change_mapping
from shared.services.pausing import pause, resume
from shared.services.problems import Problem
from shared.services.repositories.jobs import JOB
from shared.services.repositories.runs import MappingState
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from shared.services.scheduling import standing_of
from shared.services.synchronizing_now import sync_now
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS, USER, VENDORS, World

LICENSED: Values = {"isdisabled": False, "islicensed": True, "isintegrationuser": False}
QUIET = 20  # minutes without a change after which every mapping is on hold


async def tick(world: World, minutes: int = 1) -> None:
    """Let the timer tick for so long, and all work be done at once."""
    for _ in range(minutes):
        world.clock.advance(minutes=1)
        now = world.clock.now()
        await enqueue_due(world.services)
        await world.work_off()
        world.clock.set(now)


@pytest.fixture
async def world() -> World:
    """Two coupled customers, and all mappings on hold due to inactivity."""
    world = World()
    await world.open_all()
    world.customer(number="C1", displayName="Adatum", email="info@adatum.example")
    world.account(name="Fabrikam", emailaddress1="info@fabrikam.example")
    await world.synchronize()
    await tick(world, QUIET)
    return world


async def state(world: World, name: str = "CUSTOMER") -> MappingState:
    return await world.services.runs(name).state()


async def status(world: World, name: str = "CUSTOMER") -> ScheduleStatus:
    stored = await world.services.mappings.get(name)
    assert stored is not None
    return (await standing_of(world.services, stored.mapping, await state(world, name))).status


async def jobs(world: World, name: str = "CUSTOMER") -> list[Job]:
    """The job log of a mapping, newest first."""
    return [job for job in await every_job(world) if job.mapping == name]


async def every_job(world: World) -> list[Job]:
    """The job log, newest first."""
    rows = await world.state.scan("jobs", "default", limit=5000)
    return [JOB.unpack(row.body) for row in rows]


def asked(world: World) -> dict[Side, Counter[str]]:
    """The calls to both services since this was last asked."""
    found = {}
    for side in Side:
        rows = world.business_central if side is Side.BUSINESS_CENTRAL else world.dataverse
        found[side] = Counter(rows.calls)
        rows.calls.clear()
    return found


async def test_an_idle_mapping_goes_on_hold_a_quarter_of_an_hour_after_the_last_change() -> None:
    world = World()
    await world.open_all()
    world.customer(number="C1", displayName="Adatum")
    await world.synchronize("CUSTOMER")
    stands = []
    for _ in range(QUIET):
        await tick(world)
        stands.append(await status(world))
    first = stands.index(ScheduleStatus.INACTIVE)
    assert world.clock.now() - timedelta(minutes=QUIET - first - 1) == START + timedelta(minutes=15)
    assert set(stands[:first]) == {ScheduleStatus.READY}
    assert set(stands[first:]) == {ScheduleStatus.INACTIVE}


async def test_on_hold_each_tick_costs_one_call_a_side_and_table_and_no_job(world: World) -> None:
    before = len(await every_job(world))
    asked(world)
    await tick(world, 10)  # nothing else happens in these minutes
    calls = asked(world)
    # Dataverse: currencies, users, accounts (for two mappings), contacts; Business Central: five tables.
    assert calls[Side.DATAVERSE] == {"has_news": 10 * 4}
    assert calls[Side.BUSINESS_CENTRAL] == {"has_news": 10 * 5}
    assert len(await every_job(world)) == before


@pytest.mark.parametrize("side", list(Side))
async def test_a_change_on_either_side_wakes_a_mapping_at_the_next_tick(world: World, side: Side) -> None:
    rows, table = (world.business_central, CUSTOMERS) if side is Side.BUSINESS_CENTRAL else (world.dataverse, ACCOUNT)
    city = "city" if side is Side.BUSINESS_CENTRAL else "address1_city"
    edited = next(iter(rows.rows(table)))
    rows.edit(table, edited, {city: "Rostock"})
    await tick(world)
    assert {row["city"] for row in world.business_central.rows(CUSTOMERS).values()} == {None, "Rostock"}
    assert {row["address1_city"] for row in world.dataverse.rows(ACCOUNT).values()} == {None, "Rostock"}
    newest = (await jobs(world))[:2]
    assert {job.trigger for job in newest} == {Trigger.RULE}
    assert sum(job.counters.modified for job in newest) == 1
    assert await status(world) is ScheduleStatus.READY


async def test_a_deletion_in_dataverse_wakes_a_mapping(world: World) -> None:
    world.dataverse.remove(ACCOUNT, next(iter(world.dataverse.rows(ACCOUNT))))
    await tick(world)
    assert [item.reason for item in await world.items("CUSTOMER")] == ["deletion_conflict"]


@pytest.mark.parametrize("hours", [0, 5])
async def test_a_deletion_in_business_central_is_found_within_the_hour(world: World, hours: int) -> None:
    """In the first hour of a hold by a run that looks for deletions, later by the number of records."""
    await tick(world, 60 * hours)
    world.business_central.remove(CUSTOMERS, next(iter(world.business_central.rows(CUSTOMERS))))
    await tick(world, 61)
    assert [item.reason for item in await world.items("CUSTOMER")] == ["deletion_conflict"]


async def test_deletions_are_looked_for_once_in_a_hold_and_then_counted(world: World) -> None:
    before, _ = len(await jobs(world)), asked(world)
    await tick(world, 10 * 60)
    calls = asked(world)
    assert len(await jobs(world)) == before + 2  # one run, in the first hour
    assert calls[Side.BUSINESS_CENTRAL]["ids"] == 1  # of customers: nothing else is coupled
    assert calls[Side.BUSINESS_CENTRAL]["count"] == 9


async def test_a_new_record_between_does_not_hide_a_deletion(world: World) -> None:
    await tick(world, 120)
    world.business_central.remove(CUSTOMERS, next(iter(world.business_central.rows(CUSTOMERS))))
    world.business_central.put(CUSTOMERS, {"displayName": "New", "blocked": "All"})  # outside the filter
    await tick(world, 120)
    assert [item.reason for item in await world.items("CUSTOMER")] == ["deletion_conflict"]


async def test_what_wakes_one_mapping_leaves_those_of_other_tables_on_hold(world: World) -> None:
    world.business_central.put(VENDORS, {"number": "V1", "displayName": "Vendor"})
    await tick(world)
    assert await status(world, "VENDOR") is ScheduleStatus.READY
    assert await status(world, "CONTACT") is ScheduleStatus.READY  # a vendor brings its contact
    assert await status(world, "SALESPEOPLE") is ScheduleStatus.INACTIVE


async def test_without_waking_a_mapping_comes_at_its_timeout(world: World) -> None:
    await world.change("SALESPEOPLE", wake_on_changes=False, inactivity_timeout_minutes=120)
    await request_and_wait(world, "SALESPEOPLE")
    await tick(world, QUIET)
    until = (await state(world, "SALESPEOPLE")).inactive_until
    assert until is not None
    values: Values = {"internalemailaddress": "ada@x.example", "fullname": "Ada", **LICENSED}
    user = world.dataverse.put(USER, values)
    await tick(world, 60)
    assert await status(world, "SALESPEOPLE") is ScheduleStatus.INACTIVE
    assert not await world.services.couplings("SALESPEOPLE").find(Side.DATAVERSE, [user])
    world.clock.set(until)
    await tick(world)
    assert await world.services.couplings("SALESPEOPLE").find(Side.DATAVERSE, [user])


async def request_and_wait(world: World, name: str) -> None:
    stored = await world.services.mappings.get(name)
    assert stored is not None
    await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    await world.work_off()


async def test_while_a_record_waits_its_mapping_does_not_go_on_hold(world: World) -> None:
    dollar = world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US dollar"})
    world.customer(displayName="Waits", currencyId=dollar)
    await tick(world, 2 * QUIET)
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.WAITS_FOR_PARENT]
    assert await status(world) is ScheduleStatus.READY
    row: Values = {"isocurrencycode": "USD", "currencyname": "US dollar", "currencysymbol": "$"}
    world.dataverse.put(CURRENCY_ROW, row)
    await tick(world, 60)  # the currency's own error is tried again within the hour
    assert "Waits" in {row["name"] for row in world.dataverse.rows(ACCOUNT).values()}


async def test_an_open_error_is_tried_at_its_time_though_the_mapping_is_on_hold(world: World) -> None:
    found = (await world.services.couplings("CUSTOMER").all())[0]
    world.business_central.edit(CUSTOMERS, found.business_central.id, {"city": "Rostock"})
    world.dataverse.edit(ACCOUNT, found.dataverse.id, {"address1_city": "Bremen"})
    await tick(world, 4 * 60)
    (item,) = await world.items("CUSTOMER")
    assert await status(world) is ScheduleStatus.INACTIVE
    assert (await state(world)).next_due_at == item.next_at
    assert world.clock.now() - item.last_at <= timedelta(hours=1, minutes=1)


async def test_a_run_that_a_person_asks_for_ends_the_hold(world: World) -> None:
    await request_and_wait(world, "CUSTOMER")
    found = await state(world)
    assert (found.inactive_since, found.inactive_until) == (None, None)
    assert found.next_due_at == world.clock.now() + timedelta(minutes=1)


async def test_a_change_of_the_mapping_is_tried_at_the_next_tick(world: World) -> None:
    await change_mapping(world.services, "CUSTOMER", MappingChange(guard_percent=50), None)
    before = len(await jobs(world))
    await tick(world)
    assert len(await jobs(world)) == before + 2


async def test_what_is_changed_while_a_run_is_on_is_not_overlooked(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run has read the mapping before; without care its quiet end would put the mapping on hold for hours."""
    changes, was = world.dataverse.changes, list[Mapping]()

    async def changed_meanwhile(*args: Any, **options: Any) -> ChangePage:
        if not was:
            world.clock.advance(seconds=1)
            was.append(
                (await change_mapping(world.services, "CUSTOMER", MappingChange(guard_percent=50), None)).mapping
            )
        return await changes(*args, **options)

    world.dataverse.edit(ACCOUNT, next(iter(world.dataverse.rows(ACCOUNT))), {"createdon": world.clock.now()})
    monkeypatch.setattr(world.dataverse, "changes", changed_meanwhile)
    await tick(world)
    assert [one.guard_percent for one in was] == [50]
    found = await state(world)
    assert found.inactive_until is None
    assert found.next_due_at is not None
    assert found.next_due_at <= world.clock.now() + timedelta(seconds=1)


async def test_a_service_that_cannot_be_asked_is_asked_by_a_run(world: World) -> None:
    world.dataverse.throttle(60 * 60)
    world.clock.advance(minutes=1)
    await enqueue_due(world.services)
    assert {job.status for job in (await jobs(world))[:2]} == {JobStatus.QUEUED}


async def test_a_late_tick_neither_moves_the_grid_nor_loses_a_run() -> None:
    world = World()
    await world.change("CUSTOMER", interval_minutes=30, inactivity_timeout_minutes=None)
    await tick(world)
    assert (await state(world)).next_due_at == world.clock.now().replace(minute=30)
    world.clock.set(world.clock.now().replace(minute=33))
    await tick(world)
    assert (await state(world)).next_due_at == world.clock.now().replace(hour=9, minute=0)


async def test_a_mapping_whose_runs_fail_is_tried_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(mappings=tuple(one for one in World().mappings if one.name == "CURRENCY"))
    gaps = []

    async def refuse(*args: object, **options: object) -> None:
        raise NeedsPerson("prvReadCurrency is missing.", side=Side.DATAVERSE, code="permission")

    monkeypatch.setattr(world.dataverse, "changes", refuse)
    for _ in range(8):
        await enqueue_due(world.services)
        await world.work_off()
        due = (await state(world, "CURRENCY")).next_due_at
        assert due is not None
        gaps.append(round((due - world.clock.now()).total_seconds() / 60))
        world.clock.set(due)
    assert gaps == [1, 2, 3, 5, 9, 16, 16, 16]
    assert await status(world, "CURRENCY") is ScheduleStatus.FAILED
    monkeypatch.undo()
    await tick(world)
    assert (await state(world, "CURRENCY")).failures == 0
    assert await status(world, "CURRENCY") is ScheduleStatus.INACTIVE


async def test_a_run_that_makes_no_progress_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(mappings=tuple(one for one in World().mappings if one.name == "CURRENCY"))
    await world.change("CURRENCY", inactivity_timeout_minutes=0)
    await tick(world)

    async def away(*args: object, **options: object) -> None:
        raise Passing("Dataverse is in trouble (503)", side=Side.DATAVERSE)

    monkeypatch.setattr(world.dataverse, "changes", away)
    world.clock.advance(minutes=1)
    await enqueue_due(world.services)
    assert await status(world, "CURRENCY") is ScheduleStatus.READY
    began = world.clock.now()
    while world.clock.now() < began + timedelta(minutes=9):
        await work_off_what_is_due(world)
        assert await status(world, "CURRENCY") is ScheduleStatus.IN_PROCESS
        world.clock.set(world.queue.next_due() or world.clock.now())
    world.clock.set(began + timedelta(minutes=10, seconds=1))
    assert await status(world, "CURRENCY") is ScheduleStatus.LATE


async def work_off_what_is_due(world: World) -> None:
    while (delivery := world.queue.receive()) is not None:
        await run_slice(world.services, delivery.message.body)
        world.queue.complete(delivery)


# Pauses


async def test_while_a_mapping_is_paused_nothing_of_it_runs_and_afterwards_nothing_is_lost(world: World) -> None:
    await pause(world.services, ["CUSTOMER"], "Ada", "Migration", None)
    customer = next(iter(world.business_central.rows(CUSTOMERS)))
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    before = len(await jobs(world))
    await tick(world, 6 * 60)
    assert len(await jobs(world)) == before
    assert await status(world) is ScheduleStatus.ON_HOLD
    await resume(world.services, ["CUSTOMER"])
    await tick(world)
    assert "Rostock" in {row["address1_city"] for row in world.dataverse.rows(ACCOUNT).values()}


async def test_a_pause_ends_by_itself(world: World) -> None:
    until = world.clock.now() + timedelta(hours=2)
    await pause(world.services, ["CUSTOMER"], "Ada", "", until)
    assert (await state(world)).pause == Pause("Ada", world.clock.now(), "", until)
    await tick(world, 119)
    assert await status(world) is ScheduleStatus.ON_HOLD
    await tick(world, 2)
    assert (await state(world)).pause is None
    assert await status(world) in (ScheduleStatus.READY, ScheduleStatus.INACTIVE)


async def test_a_run_that_waits_goes_on_when_its_mapping_is_resumed(world: World) -> None:
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    request = await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    await pause(world.services, ["CUSTOMER"], "Ada", "", None)
    await world.work_off()
    await tick(world, 60)
    assert {job.status for job in await world.services.jobs.get_many(list(request.jobs))} == {JobStatus.QUEUED}
    await resume(world.services, ["CUSTOMER"])
    await world.work_off()
    assert {job.status for job in await world.services.jobs.get_many(list(request.jobs))} == {JobStatus.SUCCEEDED}


async def test_a_paused_mapping_is_not_synchronized_on_request_others_are(world: World) -> None:
    await pause(world.services, ["CUSTOMER"], "Ada", "", None)
    mappings = [stored.mapping for stored in await world.services.mappings.all()]
    with pytest.raises(Problem, match="CUSTOMER is paused"):
        await request_synchronization(
            world.services, [one for one in mappings if one.name == "CUSTOMER"], Trigger.PERSON
        )
    await request_synchronization(world.services, mappings, Trigger.PERSON)
    assert {message.body["mapping"] for message in world.queue.waiting} == {
        one.name for one in mappings if one.name != "CUSTOMER"
    }


async def test_a_time_that_is_over_is_refused(world: World) -> None:
    with pytest.raises(Problem, match="is over"):
        await pause(world.services, ["CUSTOMER"], "Ada", "", world.clock.now())


async def test_a_run_that_is_on_ends_at_its_checkpoint_and_goes_on_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(Policy(page_size=2))
    await world.open_all()
    for number in range(12):
        world.customer(number=f"C{number}", displayName=f"Customer {number}")
    changes, calls = world.business_central.changes, []

    async def pause_at_the_third_page(*args: Any, **options: Any) -> ChangePage:
        calls.append(args)
        if len(calls) == 3:
            await pause(world.services, ["CUSTOMER"], "Ada", "", None)
        return await changes(*args, **options)

    monkeypatch.setattr(world.business_central, "changes", pause_at_the_third_page)
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    request = await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    await world.work_off()
    there = len(world.dataverse.rows(ACCOUNT))
    assert 0 < there < 12
    assert (await state(world)).active is not None
    assert await status(world) is ScheduleStatus.ON_HOLD
    await tick(world, 60)
    assert len(world.dataverse.rows(ACCOUNT)) == there
    await resume(world.services, ["CUSTOMER"])
    await world.work_off()
    assert len(world.dataverse.rows(ACCOUNT)) == 12
    to, _ = await world.services.jobs.get_many(list(request.jobs))
    assert (to.status, to.counters.inserted) == (JobStatus.SUCCEEDED, 12)


async def test_records_can_be_synchronized_one_by_one_while_their_mapping_is_paused(world: World) -> None:
    customer = next(iter(world.business_central.rows(CUSTOMERS)))
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    await pause(world.services, ["CUSTOMER"], "Ada", "", None)
    await sync_now(world.services, SyncNowRequest(mapping="CUSTOMER", business_central_ids=(customer,)), Caller("Bo"))
    await tick(world)
    assert "Rostock" in {row["address1_city"] for row in world.dataverse.rows(ACCOUNT).values()}
