"""Tasks over the ports in memory: what people ask for beside the synchronizations of a mapping."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, cast

import pytest

from shared.core.access import Caller
from shared.core.coupling_requests import AfterCoupling
from shared.core.jobs import Job, JobStatus, JobType, RunKind, Trigger
from shared.core.refusals import RefusalCode
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.core.web_client import WebClient
from shared.memory.queue import Delivery
from shared.ports import StateRow, StateStore
from shared.services.context import Policy
from shared.services.coupling_pairs import couple
from shared.services.forms.coupling import CoupleAnswer, CoupleRequest, PairOutcome, PairToCouple
from shared.services.forms.synchronize_now import RibbonOutcome, SyncNowAnswer, SyncNowRequest
from shared.services.forms.uncoupling import UncoupleAnswer, UncoupleRequest
from shared.services.problems import Problem
from shared.services.repositories.runs import PART, TABLE
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.retention import remove_what_is_old
from shared.services.ribbon import look_at, open_in_business_central
from shared.services.run_slice import run_slice
from shared.services.synchronizing_now import sync_now
from shared.services.tasks import request as asking
from shared.services.tasks.kinds import UNCOUPLE, UncoupleTask
from shared.services.tasks.parts import LARGEST, as_puts
from shared.services.uncoupling_records import uncouple
from tests.simulation.trouble import Loss, TroubledWorld
from tests.world import ACCOUNT, CONTACT, CONTACTS, CUSTOMERS, TABLES, VENDORS, World

ANNA = Caller("Anna")
NOBODY = "00000000-0000-4000-8000-000000000000"


async def coupled(
    world: World, *pairs: PairToCouple, after: AfterCoupling = AfterCoupling.NO
) -> tuple[CoupleAnswer, Job | None]:
    """Ask for pairs of customers and accounts, and let the task be done."""
    request = CoupleRequest(mapping="CUSTOMER", pairs=pairs, synchronize_after_coupling=after)
    answer = await couple(world.services, request, ANNA)
    await world.work_off()
    return answer, await world.services.jobs.get(answer.job.id) if answer.job else None


async def uncoupled(world: World, **request: object) -> tuple[UncoupleAnswer, list[Job]]:
    """The same for couplings to be deleted."""
    answer = await uncouple(world.services, UncoupleRequest.model_validate(request), ANNA)
    await world.work_off()
    return answer, await world.services.jobs.get_many([job.id for job in answer.jobs])


async def synchronized(world: World, choice: SyncChoice | None, *accounts: str) -> tuple[SyncNowAnswer, list[Job]]:
    """The same for accounts to be synchronized now."""
    request = SyncNowRequest(mapping="CUSTOMER", dataverse_ids=accounts, choice=choice)
    answer = await sync_now(world.services, request, ANNA)
    await world.work_off()
    found = await world.services.jobs.request(answer.job.id) if answer.job else None
    return answer, await world.services.jobs.get_many(list(found.jobs)) if found else []


async def pairs_of(world: World, mapping: str = "CUSTOMER") -> set[tuple[str, str]]:
    """The ids of all coupled pairs."""
    found = await world.services.couplings(mapping).all()
    return {(one.business_central.id, one.dataverse.id) for one in found}


async def in_step(world: World, *names: str) -> list[str]:
    """Accounts with customers, coupled and in step; their ids."""
    await world.open_all()
    accounts = [world.account(name=name, telephone1="1") for name in names]
    await world.synchronize()
    await world.synchronize()
    return accounts


async def test_two_records_are_coupled_and_synchronized_with_the_data_of_one() -> None:
    world = World()
    customer, account = world.customer(displayName="Adatum"), world.account(name="Adatum Corp")
    pair = PairToCouple(business_central_id=customer, dataverse_id=account)
    answer, job = await coupled(world, pair, after=AfterCoupling.WITH_DATAVERSE_DATA)
    assert job is not None
    assert answer.pairs[0].outcome is PairOutcome.COUPLE_SCHEDULED
    assert (job.type, job.requested_by, job.counters.coupled, job.counters.modified) == (JobType.COUPLING, "Anna", 1, 1)
    assert world.row(CUSTOMERS, customer)["displayName"] == "Adatum Corp"
    assert await pairs_of(world) == {(customer, account)}
    assert (await world.services.runs("CUSTOMER").state()).coupled == 1


async def test_a_new_record_is_created_on_either_side() -> None:
    world = World()
    customer, account = world.customer(displayName="Adatum"), world.account(name="Fabrikam")
    answer, job = await coupled(
        world,
        PairToCouple(business_central_id=customer, create_new=True),
        PairToCouple(dataverse_id=account, create_new=True),
    )
    assert job is not None
    assert job.counters.inserted == 2
    assert [pair.outcome for pair in answer.pairs] == [PairOutcome.CREATE_SCHEDULED] * 2
    assert {row["name"] for row in world.dataverse.rows(ACCOUNT).values()} == {"Adatum", "Fabrikam"}
    assert len(await pairs_of(world)) == 2


async def test_what_is_taken_between_the_request_and_the_task_is_not_coupled_twice() -> None:
    world = World()
    customer, first, second = world.customer(displayName="A"), world.account(name="1"), world.account(name="2")
    for account in (first, second):
        pair = PairToCouple(business_central_id=customer, dataverse_id=account)
        answer = await couple(world.services, CoupleRequest(mapping="CUSTOMER", pairs=(pair,)), ANNA)
    await world.work_off()
    assert await pairs_of(world) == {(customer, first)}
    assert answer.job is not None
    job = await world.services.jobs.get(answer.job.id)
    assert job is not None
    assert (job.counters.coupled, job.counters.failed) == (0, 1)
    assert "already coupled" in next(iter(job.messages))


@pytest.mark.parametrize("loss", [Loss.BUSY, Loss.UNKNOWN_DONE, Loss.UNKNOWN_NOT_DONE])
@pytest.mark.parametrize("side", list(Side))
async def test_what_a_busy_service_refuses_is_tried_again_and_made_once(side: Side, loss: Loss) -> None:
    world = TroubledWorld()
    if side is Side.BUSINESS_CENTRAL:
        source = {"dataverse_id": world.account(name="Adatum")}
    else:
        source = {"business_central_id": world.customer(displayName="Adatum")}
    world.trouble.losses = [(side, loss)]
    _, job = await coupled(world, PairToCouple.model_validate({**source, "create_new": True}))
    assert job is not None
    assert (job.status, job.counters.inserted, job.counters.failed) == (JobStatus.SUCCEEDED, 1, 0)
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) == 1
    assert len(await pairs_of(world)) == 1


async def test_uncoupling_a_customer_takes_its_persons_along() -> None:
    world = World()
    (account,) = await in_step(world, "Adatum")
    person = {"firstname": "Ida", "lastname": "Berg", "parentcustomerid": account, "accountid": account}
    world.dataverse.put(CONTACT, {**person, "statecode": 0})
    await world.synchronize()
    assert len(await pairs_of(world, "CONTACT")) == 1
    answer, jobs = await uncoupled(world, mappings=["CUSTOMER"], dataverse_ids=[account])
    assert answer.scheduled == 1
    assert [(job.type, job.counters.uncoupled) for job in jobs] == [(JobType.UNCOUPLING, 1)]
    assert await pairs_of(world) == await pairs_of(world, "CONTACT") == set()
    assert len(world.business_central.rows(CONTACTS)) > 0
    state = await world.services.runs("CONTACT").state()
    assert (state.waiting, state.coupled) == ([], 0)


async def test_both_ids_of_a_pair_uncouple_it_only_if_they_belong_together() -> None:
    world = World()
    first, second = await in_step(world, "Adatum", "Fabrikam")
    partner = {account: customer for customer, account in await pairs_of(world)}
    pairs = [
        {"business_central_id": partner[first], "dataverse_id": first},
        {"business_central_id": partner[second], "dataverse_id": NOBODY},
    ]
    answer, jobs = await uncoupled(world, mappings=["CUSTOMER"], pairs=pairs)
    assert [one.refusal.code for one in answer.refused] == [RefusalCode.NOT_COUPLED]
    assert jobs[0].counters.uncoupled == 1
    assert await pairs_of(world) == {(partner[second], second)}


@pytest.mark.parametrize(
    ("side", "filter", "left"),
    [
        (Side.DATAVERSE, "startswith(name,'a')", {"Berlin"}),
        (Side.BUSINESS_CENTRAL, "displayName ne 'Berlin'", {"Berlin"}),
        (Side.DATAVERSE, "telephone1 eq null", {"Aarhus", "Athens", "Berlin"}),
    ],
)
async def test_a_filter_of_either_side_chooses_what_is_uncoupled(side: Side, filter: str, left: set[str]) -> None:
    world = World()
    await in_step(world, "Aarhus", "Athens", "Berlin")
    _, jobs = await uncoupled(world, mappings=["CUSTOMER"], filter=filter, side=side)
    rows = world.dataverse.rows(ACCOUNT)
    assert {rows[account]["name"] for _, account in await pairs_of(world)} == left
    assert jobs[0].counters.uncoupled == 3 - len(left)


async def test_several_mappings_are_uncoupled_as_one_request() -> None:
    world = World()
    await in_step(world, "Adatum")
    world.business_central.put(VENDORS, {"displayName": "Vendor"})
    await world.synchronize()
    answer, jobs = await uncoupled(world, mappings=["customer", "VENDOR", "CUSTOMER"], all=True)
    assert [(job.mapping, job.counters.uncoupled) for job in jobs] == [("CUSTOMER", 1), ("VENDOR", 1)]
    request = await world.services.jobs.request(answer.id)
    assert request is not None
    assert len(request.jobs) == 2


async def test_a_single_choice_is_carried_out_though_it_loses_an_edit() -> None:
    world = World()
    (account,) = await in_step(world, "Adatum")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "9", "name": "Adatum Corp"})
    answer, (job,) = await synchronized(world, SyncChoice.SEND, account)
    assert (answer.scheduled, job.type, job.counters.modified) == (1, JobType.SYNCHRONIZATION, 1)
    assert (world.row(ACCOUNT, account)["name"], world.row(ACCOUNT, account)["telephone1"]) == ("Adatum", "1")


async def test_what_is_edited_between_the_request_and_the_task_is_left_out_of_several() -> None:
    world = World()
    accounts = await in_step(world, "Adatum", "Fabrikam")
    request = SyncNowRequest(mapping="CUSTOMER", dataverse_ids=tuple(accounts), choice=SyncChoice.SEND)
    answer = await sync_now(world.services, request, ANNA)
    world.dataverse.edit(ACCOUNT, accounts[0], {"telephone1": "9"})
    await world.work_off()
    assert answer.job is not None
    found = await world.services.jobs.request(answer.job.id)
    assert found is not None
    (job,) = await world.services.jobs.get_many(list(found.jobs))
    assert (answer.scheduled, job.counters.skipped) == (2, 1)
    assert world.row(ACCOUNT, accounts[0])["telephone1"] == "9"


async def test_no_guard_stops_what_a_person_has_chosen() -> None:
    world = World()
    accounts = await in_step(world, *(f"Customer {number}" for number in range(14)))
    for account in accounts:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": None})
    _, (job,) = await synchronized(world, SyncChoice.GET, *accounts)
    assert (job.status, job.counters.modified) == (JobStatus.SUCCEEDED, 14)


async def test_a_task_takes_turns_with_a_long_synchronization() -> None:
    world = World(policy=Policy(page_size=1, slice_time=timedelta(0)))
    accounts = await in_step(world, *(f"Customer {number}" for number in range(6)))
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    for account in accounts:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), dataverse_ids=(accounts[5],)), ANNA)
    ended: list[RunKind] = []
    while (delivery := world.queue.receive()) is not None:
        await run_slice(world.services, delivery.message.body)
        world.queue.complete(delivery)
        run = await world.services.runs("CUSTOMER").get(str(delivery.message.body["run"]))
        if run is not None and run.ended and run.kind not in ended:
            ended.append(run.kind)
    assert ended == [RunKind.UNCOUPLE, RunKind.SYNCHRONIZE]
    rows = [world.row(CUSTOMERS, customer)["phoneNumber"] for customer, _ in await pairs_of(world)]
    assert rows == ["2"] * 5


async def test_the_timer_sends_a_task_again_whose_message_got_lost_and_synchronizes_all_the_same() -> None:
    world = World()
    (account,) = await in_step(world, "Adatum")
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), dataverse_ids=(account,)), ANNA)
    lost = world.queue.receive()
    assert lost is not None
    world.queue.complete(lost)
    world.clock.advance(minutes=6)
    touched = await enqueue_due(world.services)
    assert touched.count("CUSTOMER") == 2  # the task, and the synchronization that is due
    await world.work_off()
    assert await pairs_of(world) == set()


async def test_a_task_is_given_up_after_many_setbacks_and_says_so() -> None:
    world = World()
    (account,) = await in_step(world, "Adatum")
    answer = await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), dataverse_ids=(account,)), ANNA)
    for _ in range(40):
        while (delivery := world.queue.receive()) is not None:
            world.queue.complete(delivery)
        world.clock.advance(minutes=20)
        await enqueue_due(world.services)
    (job,) = await world.services.jobs.get_many([answer.jobs[0].id])
    assert job.status is JobStatus.FAILED
    assert (await world.services.runs("CUSTOMER").state()).waiting == []


async def test_a_long_list_is_kept_in_parts_that_go_with_their_run() -> None:
    ids = [f"00000000-0000-4000-8000-{number:012d}" for number in range(20_000)]
    puts = as_puts("run", ids)
    assert [one for put in puts for one in put.body["items"]] == ids  # type: ignore[attr-defined]
    assert max(len(str(put.body)) for put in puts) <= LARGEST
    world = World()
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    task = UncoupleTask(listed=True)
    await asking.request_task(world.services, stored.mapping, RunKind.UNCOUPLE, UNCOUPLE, task, items=ids)
    await world.work_off()
    assert await world.state.scan(TABLE, "default|CUSTOMER", prefix=PART) == []


async def test_parts_of_a_task_that_was_never_stored_are_swept_when_they_are_old() -> None:
    world = World()
    await world.services.mappings.all()
    (put,) = as_puts("8204736192200-c4c90d8d629e", ["a"])
    await world.services.runs("CUSTOMER").put([put])
    await remove_what_is_old(world.services)
    assert await world.state.scan(TABLE, "default|CUSTOMER", prefix=PART)
    world.clock.advance(days=400)
    await remove_what_is_old(world.services)
    assert await world.state.scan(TABLE, "default|CUSTOMER", prefix=PART) == []


async def test_more_tasks_than_are_good_for_a_mapping_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "MOST_WAITING", 1)
    world = World()
    await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), all=True), ANNA)
    with pytest.raises(Problem, match="wait in CUSTOMER already") as refused:
        await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), all=True), ANNA)
    assert (refused.value.status, refused.value.retry_after) == (429, 60)


async def test_the_ribbon_tells_apart_what_may_be_created_and_what_may_not() -> None:
    world = World()
    customer, partner = world.account(name="Adatum"), world.account(name="Partner", customertypecode=1)
    closed = await look_at(world.services, "account", customer)
    assert (closed.outcome, closed.refusal and closed.refusal.code) == (RibbonOutcome.REFUSED, RefusalCode.NOT_COUPLED)
    await world.open_all()
    assert (await look_at(world.services, "ACCOUNT", customer.upper())).outcome is RibbonOutcome.POSSIBLE
    with pytest.raises(Problem, match="CUSTOMER and VENDOR"):
        await look_at(world.services, "account", partner)
    with pytest.raises(Problem, match="no row"):
        await look_at(world.services, "account", NOBODY)
    assert world.queue.waiting == []
    scheduled = await open_in_business_central(world.services, "account", customer, ANNA)
    assert scheduled.outcome is RibbonOutcome.SCHEDULED
    await world.work_off()
    there = await look_at(world.services, "account", customer)
    assert there.outcome is RibbonOutcome.COUPLED
    assert there.address is not None
    assert str(world.only(CUSTOMERS)["number"]) in there.address
    world.business_central.remove(CUSTOMERS, next(iter(world.business_central.rows(CUSTOMERS))))
    broken = await look_at(world.services, "account", customer)
    assert broken.refusal is not None
    assert broken.refusal.code is RefusalCode.BROKEN


async def test_the_ribbon_takes_the_record_that_agrees_and_none_of_several() -> None:
    world = World()
    await world.open_all()
    one = world.customer(displayName="One", email="one@a.example")
    for _ in range(2):
        world.customer(displayName="Two", email="two@a.example")
    rows = [world.account(name=name, emailaddress1=f"{name.lower()}@a.example") for name in ("One", "Two")]
    answers = [await open_in_business_central(world.services, "account", row, ANNA) for row in rows]
    await world.work_off()
    assert await pairs_of(world) == {(one, rows[0])}
    assert answers[1].job is not None
    job = await world.services.jobs.get(answers[1].job.id)
    assert job is not None
    assert (job.counters.failed, job.counters.inserted) == (1, 0)
    assert "agree in the match fields" in next(iter(job.messages))


@pytest.mark.parametrize(
    ("table", "number", "company", "address"),
    [
        ("customers", "C 1", None, "?page=21&filter=%27No.%27%20IS%20%27C%201%27"),
        ("salespeoplePurchasers", "JO", "A&B", "?company=A%26B&page=5116&filter=%27Code%27%20IS%20%27JO%27"),
        ("vendors", None, "A", "?company=A"),
        ("items", "1", None, ""),
    ],
)
def test_the_address_of_a_card(table: str, number: str | None, company: str | None, address: str) -> None:
    client = WebClient("https://bc.example/t/e", company)
    found = TABLES.get((Side.BUSINESS_CENTRAL, table), TABLES[(Side.BUSINESS_CENTRAL, "companyInformation")])
    assert client.page_of(found, number) == f"https://bc.example/t/e/{address}"


async def test_who_is_overtaken_by_the_end_of_a_task_finds_its_list_gone_and_leaves_it() -> None:
    world = World(policy=Policy(slice_time=timedelta(0)))
    await world.open_all()
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    pair = PairToCouple(business_central_id=world.customer(displayName="Adatum"), create_new=True)
    answer = await couple(world.services, CoupleRequest(mapping="CUSTOMER", pairs=(pair,)), ANNA)
    first = world.queue.receive()
    assert first is not None
    await run_slice(world.services, first.message.body)
    world.queue.complete(first)
    second = world.queue.receive()
    assert second is not None
    late = replace(world.services, state=cast(StateStore, _Overtaken(world, second)))
    await run_slice(late, second.message.body)
    assert answer.job is not None
    job = await world.services.jobs.get(answer.job.id)
    assert job is not None
    assert (job.status, job.counters.inserted, len(world.dataverse.rows(ACCOUNT))) == (JobStatus.SUCCEEDED, 1, 1)


class _Overtaken:
    """The storage as somebody sees it who is overtaken just before the list of a task is read."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world.state, name)

    async def get(self, table: str, partition: str, key: str) -> StateRow | None:
        """See StateStore."""
        if key.startswith(PART):
            await run_slice(self._world.services, self._delivery.message.body)
            self._world.queue.complete(self._delivery)
            await self._world.work_off()
        return await self._world.state.get(table, partition, key)
