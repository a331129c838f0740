"""Single cases of bad luck, each a story of its own: what the simulation finds at random is told here once, plainly."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from shared.core.access import Caller
from shared.core.jobs import Trigger
from shared.core.mapping import DeletionConflictResolution, MappingTable
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.services.context import Policy
from shared.services.forms.synchronize_now import SyncNowRequest
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from shared.services.synchronizing_now import sync_now
from tests.simulation.trouble import HostKilled, Loss, TroubledWorld, killed_at
from tests.world import ACCOUNT, CUSTOMERS

OTHER = "Other"


async def coupled(world: TroubledWorld) -> tuple[str, str]:
    """A customer and its account, coupled, in step, and no longer repeated by Business Central's feed."""
    account = world.account(name="Fabrikam", telephone1="1", emailaddress1="1@fabrikam.example")
    await by_timer(world)
    (customer,) = world.business_central.rows(CUSTOMERS)
    await long_after(world)
    return customer, account


async def long_after(world: TroubledWorld) -> None:
    """Time passes and another record is touched: Business Central's feed ceases to repeat what was before."""
    world.clock.advance(minutes=20)
    other = next(
        (key for key, row in world.business_central.rows(CUSTOMERS).items() if row["displayName"] == OTHER), ""
    )
    other = other or world.customer(displayName=OTHER)
    world.business_central.edit(CUSTOMERS, other, {"taxRegistrationNumber": "1"})
    await by_timer(world)
    world.clock.advance(minutes=2)


def customers(world: TroubledWorld) -> list[str]:
    """The ids of the customers of interest."""
    return [key for key, row in world.business_central.rows(CUSTOMERS).items() if row["displayName"] != OTHER]


def accounts(world: TroubledWorld) -> list[str]:
    """The ids of the accounts of interest."""
    return [key for key, row in world.dataverse.rows(ACCOUNT).items() if row["name"] != OTHER]


@pytest.fixture
async def world() -> TroubledWorld:
    world = TroubledWorld()
    await world.open_all()
    return world


async def by_timer(world: TroubledWorld) -> None:
    """One tick of the timer, and what comes of it."""
    await enqueue_due(world.services)
    await world.work_off()
    world.clock.advance(minutes=1)


async def one_message(world: TroubledWorld) -> None:
    """The first message of a run of CUSTOMER."""
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    delivery = world.queue.receive()
    assert delivery is not None
    await run_slice(world.services, delivery.message.body)
    world.queue.complete(delivery)


@pytest.mark.parametrize("loss", [Loss.BUSY, Loss.INVALID, Loss.UNKNOWN_NOT_DONE])
async def test_a_refused_write_costs_no_edit_of_the_other_side(world: TroubledWorld, loss: Loss) -> None:
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "2@fabrikam.example"})
    world.trouble.losses = [(Side.DATAVERSE, loss)]
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["emailaddress1"] == "2@fabrikam.example"
    assert world.row(CUSTOMERS, customer)["email"] == "2@fabrikam.example"
    assert world.row(ACCOUNT, account)["telephone1"] == "2"


async def test_an_edit_that_could_not_be_sent_is_not_overwritten_by_a_later_one(world: TroubledWorld) -> None:
    """Its work item is not due yet, so the run does not look at it by itself."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    for _ in range(6):
        world.trouble.losses = [(Side.DATAVERSE, Loss.INVALID)]
        await world.synchronize("CUSTOMER")
    world.trouble.losses = [(Side.DATAVERSE, Loss.INVALID)]
    await long_after(world)
    (item,) = await world.items("CUSTOMER")
    assert item.next_at > world.clock.now()
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    await by_timer(world)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.UPDATE_CONFLICT


async def test_an_edit_outside_the_filter_is_not_overwritten_by_a_later_one(world: TroubledWorld) -> None:
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"blocked": "All", "phoneNumber": "2"})
    await by_timer(world)
    await long_after(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    await by_timer(world)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.UPDATE_CONFLICT


async def test_an_edit_of_a_record_whose_creation_was_not_answered_is_not_overwritten() -> None:
    """Small pages: the account's edit comes up before the customer's. All lines go both ways."""
    world = TroubledWorld(policy=Policy(page_size=1))
    await world.open_all()
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    both_ways = tuple(line for line in stored.mapping.fields if line.direction is Direction.BIDIRECTIONAL)
    await world.change("CUSTOMER", fields=both_ways, dataverse=MappingTable(table="account"))
    await long_after(world)
    account = world.account(name="Fabrikam", telephone1="1")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_DONE)]
    await by_timer(world)
    (customer,) = customers(world)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    await by_timer(world)
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "2"
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.UPDATE_CONFLICT


@pytest.mark.parametrize("gone", list(Side))
async def test_a_restored_record_is_not_restored_twice(gone: Side) -> None:
    call = 0
    while True:
        call += 1
        world = TroubledWorld()
        await world.open_all()
        await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.RESTORE_RECORDS)
        customer, account = await coupled(world)
        if gone is Side.DATAVERSE:
            world.dataverse.remove(ACCOUNT, account)
        else:
            world.business_central.remove(CUSTOMERS, customer)
            world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
        if not await killed_at(world, call):
            return
        world.trouble.clear()
        await world.work_off()
        for _ in range(3):
            world.clock.advance(hours=1)
            await world.synchronize("CUSTOMER")
        assert (len(customers(world)), len(accounts(world))) == (1, 1), call
        assert not await world.items("CUSTOMER"), call
        couplings = {c.business_central.id: c.dataverse.id for c in await world.services.couplings("CUSTOMER").all()}
        assert couplings[customers(world)[0]] == accounts(world)[0], call


@pytest.mark.parametrize("value", ["1", "3"])
async def test_an_edit_during_the_writing_does_not_clash_with_what_was_just_written(
    world: TroubledWorld, value: str
) -> None:
    """Phone edited in BC, e-mail in Dataverse; while both are carried over, BC's phone is edited once more."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "2@fabrikam.example"})
    world.trouble.before_write(
        Side.BUSINESS_CENTRAL, lambda: world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": value})
    )
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == value
    assert world.row(ACCOUNT, account)["telephone1"] == value


@pytest.mark.parametrize("loss", [Loss.UNKNOWN_DONE, Loss.CALL_LOST_DONE])
async def test_an_edit_taken_back_after_an_unanswered_write_stays_taken_back(world: TroubledWorld, loss: Loss) -> None:
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.trouble.losses = [(Side.DATAVERSE, loss)]
    await one_message(world)
    assert world.row(ACCOUNT, account)["telephone1"] == "2"
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "1"})
    await world.work_off()
    await world.synchronize("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "1"
    assert world.row(ACCOUNT, account)["telephone1"] == "1"


async def test_a_new_record_renamed_before_its_creation_was_answered_is_not_created_twice(
    world: TroubledWorld,
) -> None:
    world.account(name="Fabrikam", telephone1="1")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_DONE)]
    await by_timer(world)
    (customer,) = world.business_central.rows(CUSTOMERS)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Fabrikam Inc."})
    for _ in range(4):
        world.clock.advance(minutes=20)
        await world.synchronize("CUSTOMER")
    assert (len(customers(world)), len(accounts(world))) == (1, 1)


async def test_the_jobs_of_a_run_that_was_given_up_come_to_an_end(world: TroubledWorld) -> None:
    """A message that kills its host again and again becomes a dead letter; the next request takes the mapping over."""
    world.account(name="Fabrikam")
    await enqueue_due(world.services)
    while (delivery := world.queue.receive()) is not None:
        if delivery.message.body["mapping"] == "CUSTOMER":
            world.trouble.arm({14: world.trouble.kill})
        try:
            await run_slice(world.services, delivery.message.body)
        except HostKilled:
            world.queue.abandon(delivery)
        else:
            world.queue.complete(delivery)
    assert world.queue.dead
    await world.synchronize("CUSTOMER")
    for _ in range(3):
        world.clock.advance(hours=1)
        await by_timer(world)
        await world.work_off()
    jobs, _ = await world.services.jobs.page(None, 1000)
    assert {job.mapping for job in jobs if not job.status.ended} == set()


@pytest.mark.parametrize("second", [Loss.BUSY, Loss.UNKNOWN_NOT_DONE])
@pytest.mark.parametrize("last", ["1", "4"])
async def test_a_second_attempt_does_not_forget_what_the_first_has_done(
    world: TroubledWorld, second: Loss, last: str
) -> None:
    """The phone goes from 1 to 2 (sent, answer lost) to 3 (refused, or never done), and on."""
    customer, account = await coupled(world)
    for value, loss in (("2", Loss.UNKNOWN_DONE), ("3", second)):
        world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": value})
        world.trouble.losses = [(Side.DATAVERSE, loss)]
        await one_message(world)
        await world.work_off()
    assert world.row(ACCOUNT, account)["telephone1"] == "2"
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": last})
    world.clock.advance(minutes=15)
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == last


async def test_an_attempt_that_was_refused_is_not_taken_for_a_later_edit_of_the_same_value(
    world: TroubledWorld,
) -> None:
    """BC's 2 meets a 3 typed in Dataverse; the people go on talking, and Dataverse's person types 2 at last."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.trouble.before_write(Side.DATAVERSE, lambda: world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"}))
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.UPDATE_CONFLICT]
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "4"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.UPDATE_CONFLICT]
    assert world.row(ACCOUNT, account)["telephone1"] == "2"


async def test_a_deletion_is_not_forgotten_when_the_survivor_is_touched(world: TroubledWorld) -> None:
    customer, account = await coupled(world)
    world.dataverse.remove(ACCOUNT, account)
    await by_timer(world)
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.DELETION_CONFLICT]
    world.business_central.edit(CUSTOMERS, customer, {"taxRegistrationNumber": "1"})
    await by_timer(world)
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.DELETION_CONFLICT]


async def in_short_slices() -> tuple[TroubledWorld, str, str]:
    """A coupled customer and account in a world whose slices have time for one portion only."""
    world = TroubledWorld(policy=Policy(slice_time=timedelta(0)))
    await world.open_all()
    return world, *await coupled(world)


async def test_a_pair_of_which_one_side_is_refused_does_not_hold_up_a_run_of_short_slices() -> None:
    world, customer, account = await in_short_slices()
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "2@fabrikam.example"})
    world.trouble.losses = [(Side.DATAVERSE, Loss.INVALID)] * 30
    await world.synchronize("CUSTOMER")
    assert len(world.trouble.losses) == 29
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.SERVICE_REFUSED]


async def test_what_is_refused_is_tried_once_in_a_run_of_short_slices_that_a_person_asks_for() -> None:
    world, customer, _ = await in_short_slices()
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.account(name="Adatum")
    world.trouble.losses = [(Side.DATAVERSE, Loss.INVALID)] * 30
    await world.synchronize("CUSTOMER")
    assert len(world.trouble.losses) == 29
    assert [item.skipped for item in await world.items("CUSTOMER")] == [False]
    assert "Adatum" in {row["displayName"] for row in world.business_central.rows(CUSTOMERS).values()}


async def written(world: TroubledWorld) -> tuple[int, int]:
    """How many customers and accounts were created and changed, as all jobs tell it."""
    jobs = [job for job in (await world.services.jobs.page(None, 1000))[0] if job.mapping == "CUSTOMER"]
    return sum(job.counters.inserted for job in jobs), sum(job.counters.modified for job in jobs)


async def killed_after_creating(call: int) -> TroubledWorld | None:
    """A host has created an account, got no answer for a customer, and died at this call; None when not in between."""
    world = TroubledWorld()
    await world.open_all()
    world.account(name="Fabrikam")
    world.customer(displayName="Adatum")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_NOT_DONE)]
    assert await killed_at(world, call)
    world.trouble.clear()
    is_announced = bool(await world.services.runs("CUSTOMER").journal())
    return world if is_announced and await world.services.couplings("CUSTOMER").all() else None


async def test_what_a_dead_host_created_is_counted_once_though_its_successor_fails_at_first() -> None:
    call = 20
    while await killed_after_creating(call) is None:
        call += 1
    for failing in range(10, 20):
        world = await killed_after_creating(call)
        assert world is not None
        world.trouble.arm({failing: world.trouble.fail})
        await world.work_off()
        assert world.trouble.happened["failed"]
        for _ in range(3):
            world.clock.advance(minutes=20)
            await by_timer(world)
        inserted, _ = await written(world)
        assert inserted == 2, failing


async def test_a_write_without_an_answer_is_not_taken_for_an_edit_because_the_other_row_has_moved(
    world: TroubledWorld,
) -> None:
    """Both sides are written; BC does not answer, and of Dataverse's row the same field is edited once more."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"email": "2@fabrikam.example"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.trouble.before_write(Side.DATAVERSE, lambda: world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"}))
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_DONE)]
    await world.synchronize("CUSTOMER")
    world.clock.advance(minutes=5)
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "3"
    assert world.row(ACCOUNT, account)["emailaddress1"] == "2@fabrikam.example"


@pytest.mark.parametrize("lands", [True, False])
async def test_a_write_that_may_still_land_is_waited_for_before_another_value_is_sent(
    world: TroubledWorld, lands: bool
) -> None:
    """The phone goes to 2 (no answer) and to 3; would the 2 land just before the 3, it would look like an edit."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.trouble.losses = [(Side.DATAVERSE, Loss.UNKNOWN_NOT_DONE)]
    await world.synchronize("CUSTOMER")
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3"})
    if lands:
        late = partial(world.dataverse.edit, ACCOUNT, account, {"telephone1": "2"})
        world.trouble.before_write(Side.DATAVERSE, late)
    await world.synchronize("CUSTOMER")
    world.trouble.write_late()
    world.clock.advance(minutes=15)
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "3"


@pytest.mark.parametrize("refused", [Loss.INVALID, Loss.BUSY, Loss.CALL_LOST_NOT_DONE])
async def test_a_write_that_may_still_land_is_not_forgotten_when_the_same_is_refused(
    world: TroubledWorld, refused: Loss
) -> None:
    """The phone goes to 2 (no answer; sent again and refused) and back to 1; only then the first 2 lands."""
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    for loss in (Loss.UNKNOWN_NOT_DONE, refused):
        world.trouble.losses = [(Side.DATAVERSE, loss)]
        await one_message(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "1"})
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.clock.advance(minutes=15)
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "1"


async def test_what_a_task_has_written_counts_though_the_other_side_is_busy(world: TroubledWorld) -> None:
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "2@fabrikam.example"})
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.BUSY)]
    await sync_now(world.services, SyncNowRequest(mapping="CUSTOMER", business_central_ids=(customer,)), Caller("Anna"))
    await world.work_off()
    jobs, _ = await world.services.jobs.page(None, 1000)
    counted = {job.direction: job.counters.modified for job in jobs if job.requested_by == "Anna"}
    assert counted == {Direction.TO_INTEGRATION_TABLE: 1, Direction.FROM_INTEGRATION_TABLE: 1}


async def test_a_change_that_became_a_restored_record_is_counted_as_that_whenever_the_host_dies() -> None:
    """The coupling holds then what the change was to lead to, though nothing was changed."""
    call, was_killed = 1, True
    while was_killed:
        world = TroubledWorld()
        await world.open_all()
        await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.RESTORE_RECORDS)
        customer, account = await coupled(world)
        world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
        world.trouble.before_write(Side.DATAVERSE, partial(world.dataverse.remove, ACCOUNT, account))
        before = await written(world)
        was_killed = await killed_at(world, call)
        world.trouble.at_call = {}
        await by_timer(world)
        inserted, modified = await written(world)
        assert (len(accounts(world)), inserted - before[0], modified - before[1]) == (1, 1, 0), call
        call += 1


async def killed_before_finding(call: int) -> TroubledWorld | None:
    """A host got no answer for a customer that it created, and died at this call; None when it knew nothing of it."""
    world = TroubledWorld()
    await world.open_all()
    world.account(name="Fabrikam")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_DONE)]
    assert await killed_at(world, call)
    return world if await world.services.couplings("CUSTOMER").open_intents() else None


async def test_a_record_whose_creation_was_not_answered_is_counted_whenever_the_host_dies_that_finds_it() -> None:
    first, call, was_killed = 20, 1, True
    while await killed_before_finding(first) is None:
        first += 1
    while was_killed:
        world = await killed_before_finding(first)
        assert world is not None
        was_killed = await killed_at(world, call)
        world.clock.advance(minutes=15)
        await by_timer(world)
        assert (len(customers(world)), await written(world)) == (1, (1, 0)), call
        call += 1


@pytest.mark.parametrize("side", Side)
async def test_an_edit_made_while_the_clock_of_its_service_was_behind_is_carried_over(
    world: TroubledWorld, side: Side
) -> None:
    customer, account = await coupled(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "2@fabrikam.example"})
    await world.synchronize("CUSTOMER")
    now = world.clock.now()
    world.clock.set(now - timedelta(minutes=5))
    if side is Side.BUSINESS_CENTRAL:
        world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3"})
    else:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    world.clock.set(now)
    await world.synchronize("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "3"


async def test_what_a_dead_host_has_written_is_nobodys_edit_when_its_source_is_edited_again() -> None:
    call, was_killed = 1, True
    while was_killed:
        world = TroubledWorld()
        await world.open_all()
        customer, account = await coupled(world)
        world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
        was_killed = await killed_at(world, call)
        world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "3"})
        for _ in range(2):
            world.clock.advance(minutes=20)
            await by_timer(world)
        assert (world.row(ACCOUNT, account)["telephone1"], await world.items("CUSTOMER")) == ("3", []), call
        call += 1
