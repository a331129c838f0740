"""Records that a person keeps out of synchronization: nothing is written for them, and afterwards nothing is lost."""

from __future__ import annotations

import pytest

from shared.core.access import Caller
from shared.core.reasons import Reason
from shared.core.refusals import RefusalCode
from shared.core.sides import Direction, Side
from shared.core.sync_choice import SyncChoice
from shared.services.coupling_pairs import couple
from shared.services.forms.base import WhichRecords
from shared.services.forms.coupling import CoupleRequest
from shared.services.forms.matching import MatchRequest
from shared.services.forms.schedules import HoldAnswer, HoldRequest, ReleaseRequest
from shared.services.forms.synchronize_now import SyncNowRequest
from shared.services.held_records import held_page, hold, release
from shared.services.matching.request import match_coupling
from shared.services.requests import enqueue_due
from shared.services.synchronizing_now import sync_now, sync_now_options
from tests.world import ACCOUNT, CUSTOMERS, World

ADA = Caller("Ada")
TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


@pytest.fixture
async def world() -> World:
    """Two customers that are coupled and in step."""
    world = World()
    await world.open_all()
    for number in (1, 2):
        world.customer(number=f"C{number}", displayName=f"Customer {number}", email=f"c{number}@x.example")
    await world.synchronize("CUSTOMER")
    return world


def ids(world: World, number: int = 1) -> tuple[str, str]:
    """Both ids of a customer."""
    name = f"Customer {number}"
    (customer,) = (key for key, row in world.business_central.rows(CUSTOMERS).items() if row["displayName"] == name)
    (account,) = (key for key, row in world.dataverse.rows(ACCOUNT).items() if row["name"] == name)
    return customer, account


async def keep_out(world: World, *customers: str, accounts: tuple[str, ...] = ()) -> HoldAnswer:
    request = HoldRequest(
        mapping="CUSTOMER", business_central_ids=customers, dataverse_ids=accounts, reason="Under review"
    )
    return await hold(world.services, request, ADA)


async def let_go(world: World, *customers: str, accounts: tuple[str, ...] = ()) -> HoldAnswer:
    request = ReleaseRequest(mapping="CUSTOMER", business_central_ids=customers, dataverse_ids=accounts)
    return await release(world.services, request)


async def test_nothing_is_written_for_a_held_pair_and_it_is_no_error(world: World) -> None:
    customer, account = ids(world)
    held = await keep_out(world, customer)
    assert [
        (one.business_central.id, one.dataverse.id) for one in held.records if one.business_central and one.dataverse
    ] == [(customer, account)]
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "123"})
    jobs = await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["address1_city"] is None
    assert world.row(CUSTOMERS, customer)["phoneNumber"] is None
    assert (jobs["CUSTOMER", TO].counters.skipped, jobs["CUSTOMER", TO].counters.failed) == (1, 0)
    assert [item.is_error for item in await world.items("CUSTOMER")] == [False]


async def test_a_released_pair_is_merged_by_the_next_run(world: World) -> None:
    customer, account = ids(world)
    await keep_out(world, customer)
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "123"})
    for _ in range(3):
        await world.synchronize("CUSTOMER")
        world.clock.advance(minutes=30)
    await let_go(world, accounts=(account,))
    await enqueue_due(world.services)
    await world.work_off()
    assert world.row(ACCOUNT, account)["address1_city"] == "Rostock"
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "123"
    assert await world.items("CUSTOMER") == []


async def test_a_conflict_of_the_time_between_is_told_after_the_release(world: World) -> None:
    customer, account = ids(world)
    await keep_out(world, customer)
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    world.dataverse.edit(ACCOUNT, account, {"address1_city": "Bremen"})
    await world.synchronize("CUSTOMER")
    await let_go(world, customer)
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.UPDATE_CONFLICT]


async def test_an_open_error_is_closed_when_its_record_is_held_and_comes_back(world: World) -> None:
    customer, account = ids(world)
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    world.dataverse.edit(ACCOUNT, account, {"address1_city": "Bremen"})
    await world.synchronize("CUSTOMER")
    await keep_out(world, customer)
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.HELD]
    await let_go(world, customer)
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.UPDATE_CONFLICT]


@pytest.mark.parametrize("side", list(Side))
async def test_a_deletion_is_judged_after_the_release(world: World, side: Side) -> None:
    customer, account = ids(world)
    await keep_out(world, customer)
    if side is Side.BUSINESS_CENTRAL:
        world.business_central.remove(CUSTOMERS, customer)
    else:
        world.dataverse.remove(ACCOUNT, account)
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.HELD]
    await let_go(world, customer)
    await world.synchronize("CUSTOMER")
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.DELETION_CONFLICT]


async def test_a_held_new_record_is_neither_created_nor_matched_until_it_is_released(world: World) -> None:
    customer = world.customer(number="C3", displayName="Customer 3", email="c3@x.example")
    await keep_out(world, customer)
    await world.synchronize("CUSTOMER")
    account = world.account(name="Customer 3", emailaddress1="c3@x.example")
    await world.synchronize("CUSTOMER")
    assert not await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [customer])
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) == 3
    reasons = {item.reason for item in await world.items("CUSTOMER")}
    assert reasons == {Reason.HELD, Reason.WAITS_FOR_RELEASE}
    await let_go(world, customer)
    await world.synchronize("CUSTOMER")
    found = await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [customer])
    assert found[customer].dataverse.id == account
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) == 3
    assert await world.items("CUSTOMER") == []


async def test_what_people_ask_for_with_a_held_record_is_refused(world: World) -> None:
    customer, account = ids(world)
    await keep_out(world, customer)
    request = SyncNowRequest(mapping="CUSTOMER", business_central_ids=(customer,), choice=SyncChoice.SEND)
    answer = await sync_now(world.services, request, ADA)
    (skipped,) = answer.skipped_records
    assert (skipped.refusal.code, answer.job) == (RefusalCode.HELD, None)
    assert skipped.refusal.message.endswith("are kept out of synchronization.")
    options = await sync_now_options(world.services, "CUSTOMER", None, Side.DATAVERSE, account)
    assert options.refusal is not None
    assert options.refusal.code is RefusalCode.HELD


async def test_a_task_that_was_asked_for_before_leaves_a_held_record_alone(world: World) -> None:
    customer, account = ids(world)
    world.business_central.edit(CUSTOMERS, customer, {"city": "Rostock"})
    request = SyncNowRequest(mapping="CUSTOMER", business_central_ids=(customer,), choice=SyncChoice.SEND)
    answer = await sync_now(world.services, request, ADA)
    await keep_out(world, customer)
    await world.work_off()
    assert answer.job is not None
    job_request = await world.services.jobs.request(answer.job.id)
    assert job_request is not None
    (job,) = await world.services.jobs.get_many(list(job_request.jobs))
    assert (job.counters.skipped, job.counters.modified) == (1, 0)
    assert Reason.HELD.sentence in job.messages
    assert world.row(ACCOUNT, account)["address1_city"] is None


@pytest.mark.parametrize("create_new", [False, True])
async def test_a_held_record_is_not_coupled_by_hand(world: World, create_new: bool) -> None:
    customer = world.customer(number="C3", displayName="Customer 3")
    account = world.account(name="Somebody else")
    await keep_out(world, customer)
    pair = {"business_central_id": customer} | ({"create_new": True} if create_new else {"dataverse_id": account})
    answer = await couple(world.services, CoupleRequest.model_validate({"mapping": "CUSTOMER", "pairs": [pair]}), ADA)
    assert [one.refusal.code for one in answer.pairs if one.refusal] == [RefusalCode.HELD]


async def test_holds_are_listed_newest_first_in_pages(world: World) -> None:
    for number in (1, 2):
        await keep_out(world, ids(world, number)[0])
        world.clock.advance(minutes=1)
    first = await held_page(world.services, mapping=None, after=None, limit=1)
    second = await held_page(world.services, mapping="CUSTOMER", after=first.continuation, limit=1)
    shown = [*first.records, *second.records]
    assert [one.business_central.number for one in shown if one.business_central] == ["C2", "C1"]
    assert {(one.by, one.reason) for one in shown} == {("Ada", "Under review")}
    assert (first.count, second.continuation) == (2, None)


async def test_what_is_not_there_is_not_held_and_what_is_not_held_not_released(world: World) -> None:
    nobody = "00000000-0000-4000-8000-00000000dead"
    held = await keep_out(world, nobody)
    freed = await let_go(world, ids(world)[0])
    assert [(one.id, one.refusal.code) for one in held.refused] == [(nobody, RefusalCode.GONE)]
    assert [one.refusal.code for one in freed.refused] == [RefusalCode.NOT_HELD]
    assert (held.records, freed.records) == ((), ())


def test_a_request_names_records() -> None:
    for form in (HoldRequest, ReleaseRequest):
        assert issubclass(form, WhichRecords)
        with pytest.raises(ValueError, match="give business_central_ids"):
            form(mapping="CUSTOMER")


async def test_match_based_coupling_leaves_held_records_alone(world: World) -> None:
    names = [f"Customer {number}" for number in (3, 4, 5, 6)]
    customers = [world.customer(displayName=name) for name in names]
    accounts = [world.account(name=name) for name in names[:3]]
    await keep_out(world, customers[0], customers[3], accounts=(accounts[1],))
    request = MatchRequest.model_validate(
        {"mapping": "CUSTOMER", "match_by": [["displayName"]], "create_new": "unmatched"}
    )
    await match_coupling(world.services, request, ADA)
    await world.work_off()
    coupled = await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, customers)
    assert {key: coupling.dataverse.id for key, coupling in coupled.items()} == {customers[2]: accounts[2]}
