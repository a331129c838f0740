"""The tasks that solve errors, when the world moves between the request and the work."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.jobs import Job, JobStatus, JobType
from shared.core.mapping import MappingTable
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.core.sync_choice import SyncChoice
from shared.services.context import Policy
from shared.services.forms.errors import (
    ErrorActionAnswer,
    ErrorFilter,
    ErrorSelection,
    RetryAllRequest,
    SynchronizeErrorsRequest,
)
from shared.services.solving_errors import delete_couplings, delete_records, restore, retry_all
from shared.services.synchronizing_errors import synchronize_errors
from tests.simulation.test_tasks_killed import ANNA, account, customer
from tests.simulation.trouble import Loss, TroubledWorld
from tests.world import ACCOUNT, CUSTOMERS, World

TO, FROM, BOTH = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE, Direction.BIDIRECTIONAL
ALL = ErrorSelection(filter=ErrorFilter(mapping="CUSTOMER"))


@pytest.fixture
async def world() -> TroubledWorld:
    """Two pairs: one has lost its customer, one its account, and a run has seen it."""
    world = TroubledWorld()
    await world.open_all()
    for name in ("No customer", "No account"):
        world.account(name=name, telephone1="1")
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    world.business_central.remove(CUSTOMERS, customer(world, "No customer"))
    world.dataverse.remove(ACCOUNT, account(world, "No account"))
    await world.synchronize("CUSTOMER")
    return world


async def done(world: World, answer: ErrorActionAnswer) -> Job:
    """The one job of an action, once it has ended."""
    await world.work_off()
    (job,) = await world.services.jobs.get_many([one.id for one in answer.jobs])
    assert job.status is JobStatus.SUCCEEDED
    return job


async def left(world: World) -> set[str | None]:
    """The errors by title."""
    return {item.title for item in await world.items("CUSTOMER")}


def only(title: str) -> ErrorSelection:
    return ErrorSelection(filter=ErrorFilter(mapping="CUSTOMER", text=title))


async def test_a_record_that_somebody_edits_at_the_last_moment_is_not_deleted(world: TroubledWorld) -> None:
    one = customer(world, "No account")
    answer = await delete_records(world.services, only("No account"), ANNA)
    edit = {"phoneNumber": "7"}
    world.trouble.before_write("business_central", lambda: world.business_central.edit(CUSTOMERS, one, edit))
    job = await done(world, answer)
    assert (job.counters.deleted, job.counters.failed) == (0, 1)
    assert "was edited meanwhile" in next(iter(job.messages))
    assert world.row(CUSTOMERS, one)["phoneNumber"] == "7"
    assert "No account" in await left(world)
    assert await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [one])


async def test_what_the_service_does_not_delete_stays_with_coupling_and_error(world: TroubledWorld) -> None:
    world.dataverse.withhold(ACCOUNT, "delete")
    job = await done(world, await delete_records(world.services, ALL, ANNA))
    assert (job.counters.deleted, job.counters.failed, job.type) == (1, 1, JobType.SYNCHRONIZATION)
    assert list(job.messages) == [
        "Dataverse did not delete Account No customer: The app lacks a permission on Account."
    ]
    assert await left(world) == {"No customer"}
    assert (await world.services.runs("CUSTOMER").state()).coupled == 1


async def test_a_record_that_went_by_itself_counts_as_deleted(world: TroubledWorld) -> None:
    one = account(world, "No customer")
    answer = await delete_records(world.services, only("No customer"), ANNA)
    world.trouble.before_write("dataverse", lambda: world.dataverse.remove(ACCOUNT, one))
    assert (await done(world, answer)).counters.deleted == 1
    assert await left(world) == {"No account"}


async def test_what_another_task_has_deleted_is_counted_there(world: TroubledWorld) -> None:
    """Two people ask for the same; the service cannot be reached just as the first is about to be done."""
    answers = [await delete_records(world.services, only("No account"), ANNA) for _ in range(2)]
    world.trouble.losses = [("business_central", Loss.CALL_LOST_NOT_DONE)]
    await world.work_off()
    jobs = await world.services.jobs.get_many([one.id for answer in answers for one in answer.jobs])
    assert sorted((job.counters.deleted, job.counters.skipped) for job in jobs) == [(0, 1), (1, 0)]
    assert await left(world) == {"No customer"}


@pytest.mark.parametrize("action", [restore, delete_records])
async def test_a_pair_that_is_whole_again_is_left_alone(world: TroubledWorld, action: object) -> None:
    (item,) = (item for item in await world.items("CUSTOMER") if item.title == "No account")
    assert item.dataverse_id is not None
    act = restore if action is restore else delete_records
    answer = await act(world.services, only("No account"), ANNA)
    world.dataverse.put(ACCOUNT, {"name": "No account", "customertypecode": 3, "statecode": 0}, id=item.dataverse_id)
    job = await done(world, answer)
    assert (job.counters.skipped, job.counters.inserted, job.counters.deleted) == (1, 0, 0)
    assert "both records exist" in next(iter(job.messages))
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) - 1


async def test_a_pair_that_somebody_uncouples_meanwhile_is_left_alone(world: TroubledWorld) -> None:
    answers = [await delete_couplings(world.services, ALL, ANNA), await delete_records(world.services, ALL, ANNA)]
    await done(world, answers[0])
    job = await done(world, answers[1])
    assert (job.counters.skipped, job.counters.deleted) == (2, 0)
    assert (len(world.business_central.rows(CUSTOMERS)), len(world.dataverse.rows(ACCOUNT))) == (1, 1)
    assert await left(world) == set()


@pytest.mark.parametrize(
    ("titles", "direction"), [("No account", TO), ("No customer", FROM), ("No", BOTH)], ids=["To", "From", "both"]
)
async def test_the_direction_of_restoring_is_that_of_the_data(
    world: TroubledWorld, titles: str, direction: Direction
) -> None:
    job = await done(world, await restore(world.services, only(titles), ANNA))
    assert (job.direction, job.counters.inserted) == (direction, 2 if direction is BOTH else 1)


async def test_restoring_minds_neither_filter_nor_only_coupled_records(world: TroubledWorld) -> None:
    table = MappingTable(table="account", filter="statecode eq 0 and creditonhold eq false")
    await world.change("CUSTOMER", synch_only_coupled_records=True, dataverse=table)
    assert (await done(world, await restore(world.services, ALL, ANNA))).counters.inserted == 2
    assert await left(world) == set()
    again = await world.synchronize("CUSTOMER")
    assert sum(job.counters.inserted + job.counters.modified for job in again.values()) == 0


async def test_what_cannot_be_restored_stays_an_error_and_says_why(world: TroubledWorld) -> None:
    world.dataverse.withhold(ACCOUNT, "create")
    job = await done(world, await restore(world.services, ALL, ANNA))
    assert (job.counters.inserted, job.counters.failed) == (1, 1)
    (item,) = await world.items("CUSTOMER")
    assert (item.title, item.reason, item.is_coupled) == ("No account", Reason.PERMISSION_MISSING, True)


async def test_skipped_records_are_synchronized_when_a_person_says_how(world: TroubledWorld) -> None:
    await done(world, await restore(world.services, ALL, ANNA))
    for name in ("No account", "No customer"):
        world.business_central.edit(CUSTOMERS, customer(world, name), {"phoneNumber": "2"})
        world.dataverse.edit(ACCOUNT, account(world, name), {"telephone1": "3"})
    for _ in range(2):
        await world.synchronize("CUSTOMER")
    assert {item.skipped for item in await world.items("CUSTOMER")} == {True}
    request = SynchronizeErrorsRequest(filter=ErrorFilter(mapping="CUSTOMER"), choice=SyncChoice.GET)
    answer = await synchronize_errors(world.services, request, ANNA)
    assert {item.skipped for item in await world.items("CUSTOMER")} == {False}
    again = [replace(item, skipped=True) for item in await world.items("CUSTOMER")]
    await world.services.work_items("CUSTOMER").put(again)  # by a run that was on meanwhile
    job = await done(world, answer)
    assert (job.direction, job.counters.modified, job.counters.skipped) == (FROM, 2, 0)
    assert {row["phoneNumber"] for row in world.business_central.rows(CUSTOMERS).values()} == {"3"}
    assert await left(world) == set()


async def test_a_retry_joins_the_run_that_waits_and_is_not_lost_in_the_one_that_is_on(world: TroubledWorld) -> None:
    first = await retry_all(world.services, RetryAllRequest(), ANNA)
    second = await retry_all(world.services, RetryAllRequest(), ANNA)
    assert first.jobs == second.jobs
    await world.work_off()
    assert {item.attempts for item in await world.items("CUSTOMER")} == {2}


async def test_a_decision_is_carried_out_on_both_sides_though_time_is_up_between_them() -> None:
    world = TroubledWorld(policy=Policy(slice_time=timedelta(0)))
    await world.open_all()
    world.account(name="Adatum", telephone1="1", emailaddress1="1@x.example")
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    here, there = customer(world, "Adatum"), account(world, "Adatum")
    world.business_central.edit(CUSTOMERS, here, {"phoneNumber": "3", "email": "3@x.example"})
    world.dataverse.edit(ACCOUNT, there, {"telephone1": "2", "emailaddress1": "2@x.example"})
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    fields = {"phoneNumber": Side.BUSINESS_CENTRAL, "email": Side.DATAVERSE}
    request = SynchronizeErrorsRequest(ids=(f"CUSTOMER|{item.key}",), fields=fields)
    await world.change("CUSTOMER", enabled=False)
    answer = await synchronize_errors(world.services, request, ANNA)
    await world.work_off()
    assert (world.row(CUSTOMERS, here)["phoneNumber"], world.row(CUSTOMERS, here)["email"]) == ("3", "2@x.example")
    assert (world.row(ACCOUNT, there)["telephone1"], world.row(ACCOUNT, there)["emailaddress1"]) == ("3", "2@x.example")
    jobs = await world.services.jobs.get_many([one.id for one in answer.jobs])
    assert [(job.status, job.counters.modified) for job in jobs] == [(JobStatus.SUCCEEDED, 1)] * 2
    assert await left(world) == set()
