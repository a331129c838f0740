"""Full synchronization over the in-memory ports: what it does to records, in which order, and how it ends."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from typing import Any

import pytest

from shared.core.access import Caller
from shared.core.full_run import FullRun
from shared.core.full_synchronization import Line, LineStatus, Question, Recommendation, planned
from shared.core.jobs import Counters, JobStatus, Trigger
from shared.core.mapping import DeletionConflictResolution, UpdateConflictResolution
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.core.tables import Table, Values
from shared.services import feeds
from shared.services.context import Policy
from shared.services.forms.full_synchronization import FullRunForm, LineAnswer, LineForm, StartForm
from shared.services.full_review import (
    answer_question,
    exclude_line,
    restart_line,
    start_all,
    start_line,
    synchronize_in_full,
)
from shared.services.full_review_lines import PAUSED, line_of, review_of
from shared.services.full_synchronization import reviews
from shared.services.mapping_settings import enabled_mappings
from shared.services.pausing import pause, resume
from shared.services.problems import Problem
from shared.services.repositories.runs import Ending
from shared.services.requests import enqueue_due, request_synchronization
from tests.simulation.trouble import Loss, TroubledWorld
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS, SALESPEOPLE, USER, World

ANNA = Caller("Anna")
FULL = "full_synchronization"
TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


async def only(world: World, *names: str, **values: object) -> None:
    """Only these mappings are enabled, as they are set up at first or with other settings."""
    for stored in await world.services.mappings.all():
        await world.change(stored.mapping.name, enabled=stored.mapping.name in names)
    for name in names:
        await world.change(name, **values)


@pytest.fixture
async def world() -> World:
    """Customers alone, coupled ones only."""
    world = World()
    await only(world, "CUSTOMER")
    return world


async def in_full(world: World, name: str = "CUSTOMER", **form: Any) -> LineAnswer:
    """A line of the review to its end."""
    await start_line(world.services, name, LineForm(**{"do": FULL, **form}), ANNA)
    await world.work_off()
    world.clock.advance(minutes=1)
    line, goes_on = await line_of(world.services, name)
    assert not goes_on
    return line


async def as_stored(world: World, name: str = "CUSTOMER", **form: Any) -> dict[Direction, Counters]:
    """A full synchronization beside the review to its end; the counters of its jobs."""
    request = await synchronize_in_full(world.services, name, FullRunForm(**form), ANNA)
    await world.work_off()
    world.clock.advance(minutes=1)
    jobs = await world.services.jobs.get_many(list(request.jobs))
    assert [job.status for job in jobs] == [JobStatus.SUCCEEDED] * len(jobs)
    return {job.direction: job.counters for job in jobs}


def counts(line: LineAnswer) -> dict[Direction, dict[str, int]]:
    """What is not nothing in the counters of a line's jobs."""
    names = [member.name for member in fields(Counters)]
    return {job.direction: {name: count for name in names if (count := getattr(job, name, 0))} for job in line.jobs}


async def pair(world: World, name: str = "Adatum", **values: Any) -> tuple[str, str]:
    """A coupled pair in step; the ids of both records."""
    customer = world.customer(displayName=name, **values)
    await in_full(world)
    coupling = (await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [customer]))[customer]
    return customer, coupling.dataverse.id


async def messages(world: World, line: LineAnswer) -> dict[str, int]:
    """The sentences of a line's jobs."""
    jobs = await world.services.jobs.get_many([job.id for job in line.jobs])
    return {text: count for job in jobs for text, count in job.messages.items()}


async def test_two_half_filled_sides_are_filled_up_and_a_second_run_writes_nothing(world: World) -> None:
    for number in range(4):
        world.customer(displayName=f"Customer {number}", email=f"{number}@contoso.com")
    for number in range(3, 6):
        world.account(name=f"Customer {number}", emailaddress1=f"{number}@contoso.com")
    line = await in_full(world)
    assert line.status is LineStatus.FINISHED
    assert counts(line) == {
        TO: {"inserted": 3, "unchanged": 1, "coupled": 1},
        FROM: {"inserted": 2, "unchanged": 1},
    }
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) == 6
    written = world.written
    again = await in_full(world)
    assert counts(again) == {TO: {"unchanged": 6}, FROM: {"unchanged": 6}}
    logged = await world.services.jobs.get_many([job.id for job in (*line.jobs, *again.jobs)])
    assert [job.counters.unchanged for job in logged] == [1, 1, 6, 6]  # its own writes are no news in the log either
    assert world.written == written


async def test_scheduled_runs_go_on_where_it_ended_and_compare_nothing_once_more(world: World) -> None:
    for number in range(3):
        world.customer(displayName=f"Customer {number}")
        world.clock.advance(hours=1)
    await in_full(world)
    await in_full(world)
    world.customer(displayName="Not coupled")
    jobs = await world.synchronize("CUSTOMER")
    assert jobs["CUSTOMER", TO].counters == Counters()
    assert jobs["CUSTOMER", FROM].counters == Counters()
    assert len(world.dataverse.rows(ACCOUNT)) == 3
    await in_full(world)
    assert len(world.dataverse.rows(ACCOUNT)) == 4


async def test_what_a_service_makes_of_a_write_is_taken_along_in_the_same_run(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def complete(table: Table, values: Values) -> None:
        """As Business Central completes an address."""
        if table is ACCOUNT and values["emailaddress1"] is not None:
            values["telephone1"] = values["telephone1"] or "0431 100"

    monkeypatch.setattr(world.dataverse, "_complete", complete)
    customer = world.customer(displayName="Adatum", email="a@contoso.com")
    line = await in_full(world)
    assert counts(line) == {TO: {"inserted": 1}, FROM: {"modified": 1}}
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "0431 100"
    written = world.written
    await in_full(world)
    assert world.written == written


async def test_an_edit_on_one_side_only_is_carried_over_whichever_side_it_is(world: World) -> None:
    customer, account = await pair(world, phoneNumber="1", email="a@contoso.com")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "2"})
    world.business_central.edit(CUSTOMERS, customer, {"email": "b@contoso.com"})
    line = await in_full(world)
    assert counts(line) == {TO: {"modified": 1}, FROM: {"modified": 1}}
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "2"
    assert world.row(ACCOUNT, account)["emailaddress1"] == "b@contoso.com"
    assert await messages(world, line) == {}


@pytest.mark.parametrize("resolution", UpdateConflictResolution)
async def test_where_both_sides_changed_business_central_wins_and_the_job_says_so(
    world: World, resolution: UpdateConflictResolution
) -> None:
    customer, account = await pair(world, phoneNumber="1")
    await world.change("CUSTOMER", update_conflict_resolution=resolution)
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "dv"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "bc"})
    line = await in_full(world)
    assert line.wins is Side.BUSINESS_CENTRAL
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == "bc"
    told = "telephone1 differed: the value in Dataverse was overwritten by Business Central's."
    assert await messages(world, line) == {told: 1}
    assert await world.items("CUSTOMER") == []


async def test_what_is_wanted_outside_the_review_leaves_conflicts_and_uncoupled_records_alone(world: World) -> None:
    customer, account = await pair(world, phoneNumber="1")
    world.customer(displayName="Not coupled")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "dv"})
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "bc"})
    found = await as_stored(world)
    assert {direction: one.failed for direction, one in found.items()} == {TO: 1, FROM: 1}
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.UPDATE_CONFLICT]
    assert len(world.dataverse.rows(ACCOUNT)) == 1
    assert (await line_of(world.services, "CUSTOMER"))[0].question is Question.OPEN  # of the run before


async def test_records_that_were_passed_by_and_deletions_that_nobody_told_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SWEPT_AT_ONCE", 0)  # a large mapping, where not every run looks for them
    customer, _ = await pair(world)
    _, account = await pair(world, "Fabrikam")
    await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.REMOVE_COUPLING)
    await world.synchronize("CUSTOMER")
    world.business_central.remove(CUSTOMERS, customer)
    world.dataverse.remove(ACCOUNT, account)
    await world.change("CUSTOMER", create_new_in=())
    line = await in_full(world)
    assert sum(job.uncoupled for job in line.jobs) == 2
    assert await world.services.couplings("CUSTOMER").all() == []


async def test_the_guard_stops_it_and_a_person_may_let_it_through(world: World) -> None:
    ids = [world.customer(displayName=f"Customer {number}") for number in range(12)]
    await in_full(world)
    await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.REMOVE_COUPLING)
    for one in ids:
        world.business_central.remove(CUSTOMERS, one)
    stopped = await in_full(world)
    assert stopped.status is LineStatus.ERROR
    assert "12 coupled records it would uncouple 12" in stopped.message
    assert len(await world.services.couplings("CUSTOMER").all()) == 12
    await world.change("CUSTOMER", create_new_in=())
    await restart_line(world.services, "customer", LineForm(do=FULL, release_guard=True), ANNA)
    await world.work_off()
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.FINISHED
    assert await world.services.couplings("CUSTOMER").all() == []


async def test_an_unconditional_run_writes_over_edits_of_the_destination_wherever_they_are_read() -> None:
    world = World(policy=Policy(page_size=1))
    await only(world, "SALESPEOPLE")
    user: Values = {"isdisabled": False, "islicensed": True, "isintegrationuser": False}
    user["internalemailaddress"] = "ida@contoso.com"
    world.dataverse.put(USER, {"fullname": "Ida Berg", "firstname": "Ida", "lastname": "Berg", **user})
    await in_full(world, "SALESPEOPLE")
    (code,) = world.business_central.rows(SALESPEOPLE)
    before = world.row(SALESPEOPLE, code)
    world.business_central.edit(SALESPEOPLE, code, {"displayName": "Somebody else"})
    await world.synchronize("SALESPEOPLE")
    assert await as_stored(world, "SALESPEOPLE") == {FROM: Counters(unchanged=1)}
    assert world.row(SALESPEOPLE, code)["displayName"] == "Somebody else"
    assert await as_stored(world, "SALESPEOPLE", unconditional=True) == {FROM: Counters(modified=1)}
    assert world.row(SALESPEOPLE, code)["displayName"] == before["displayName"]
    assert await as_stored(world, "SALESPEOPLE", unconditional=True) == {FROM: Counters(unchanged=1)}


async def test_an_unconditional_run_finds_an_edit_of_the_destination_whichever_side_is_read_first() -> None:
    world = World(policy=Policy(page_size=1))
    await only(world, "SALESPEOPLE")
    for name in ("ida", "jon"):
        user: Values = {"isdisabled": False, "islicensed": True, "isintegrationuser": False}
        world.dataverse.put(USER, {**user, "fullname": name, "internalemailaddress": f"{name}@contoso.com"})
    codes = [
        world.business_central.put(SALESPEOPLE, {"code": name, "displayName": name, "email": f"{name}@contoso.com"})
        for name in ("jon", "ida")
    ]
    await in_full(world, "SALESPEOPLE")
    for code in codes:  # each is read in another page than its user
        world.business_central.edit(SALESPEOPLE, code, {"displayName": "Somebody else"})
    assert await as_stored(world, "SALESPEOPLE", unconditional=True) == {FROM: Counters(modified=2)}


async def test_an_unconditional_run_is_for_one_direction_only(world: World) -> None:
    for ask in (
        synchronize_in_full(world.services, "CUSTOMER", FullRunForm(unconditional=True), ANNA),
        start_line(world.services, "CUSTOMER", LineForm(unconditional=True), ANNA),
        start_all(world.services, StartForm(unconditional=True), ANNA),
    ):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.code == "direction_forbids"


async def test_what_a_busy_service_refused_is_tried_again_before_the_end() -> None:
    world = TroubledWorld(overlap=timedelta(0))
    await only(world, "CUSTOMER")
    for number in range(3):
        world.customer(displayName=f"Customer {number}")
        world.clock.advance(hours=1)
    world.trouble.losses = [("dataverse", Loss.BUSY)]
    line = await in_full(world)
    assert line.status is LineStatus.FINISHED
    assert len(world.dataverse.rows(ACCOUNT)) == 3
    assert await world.items("CUSTOMER") == []


async def family(world: World) -> None:
    """A currency on both sides, a user, a customer that has them."""
    currency = world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US Dollar"})
    world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "US Dollar", "currencysymbol": "$"})
    world.customer(displayName="Adatum", currencyId=currency)


async def statuses(world: World) -> dict[str, LineStatus]:
    return {line.mapping: line.status for line in (await review_of(world.services)).lines if line.enabled}


async def test_parents_run_before_children_and_all_is_started_at_once() -> None:
    world = World()
    await family(world)
    await start_all(world.services, StartForm(), ANNA)
    first = await statuses(world)
    assert first == {
        "CURRENCY": LineStatus.IN_PROCESS,
        "SALESPEOPLE": LineStatus.FINISHED,
        "CUSTOMER": LineStatus.WAITING,
        "VENDOR": LineStatus.FINISHED,
        "CONTACT": LineStatus.FINISHED,
    }
    assert (await line_of(world.services, "CUSTOMER"))[0].message == "Waits until CURRENCY has ended."
    await world.work_off()
    review = await review_of(world.services)
    assert not review.under_way
    lines = {line.mapping: line for line in review.lines}
    assert lines["CURRENCY"].does is Recommendation.COUPLE_RECORDS
    assert sum(job.coupled for job in lines["CURRENCY"].jobs) == 1
    assert counts(lines["CUSTOMER"])[TO] == {"inserted": 1}
    assert lines["CUSTOMER"].started_at is not None
    assert lines["CURRENCY"].finished_at is not None
    assert lines["CUSTOMER"].started_at >= lines["CURRENCY"].finished_at


async def fail(world: World, name: str) -> None:
    """Let the run of a line end badly, as when the plausibility guard stops it."""
    run = await world.services.runs(name).get((await line_of(world.services, name))[0].run or "")
    assert run is not None
    state = await world.services.runs(name).state()
    run.ended, run.ending = True, Ending(JobStatus.FAILED, world.clock.now(), "A table cannot be read.")
    state.queued = state.active = None
    await world.services.runs(name).save(state, [run])


async def test_a_failed_parent_keeps_its_children_waiting_until_it_is_started_again_or_left_out() -> None:
    world = World()
    await family(world)
    await start_all(
        world.services, StartForm(do=FULL, mappings=("currency", "customer"), exclude=("SALESPEOPLE",)), ANNA
    )
    await fail(world, "CURRENCY")
    await world.work_off()
    await enqueue_due(world.services)
    parent, child = [(await line_of(world.services, name))[0] for name in ("CURRENCY", "CUSTOMER")]
    assert (parent.status, parent.message) == (LineStatus.ERROR, "A table cannot be read.")
    assert (child.status, child.recommendation) == (LineStatus.WAITING, Recommendation.DEPENDENCY_NOT_SATISFIED)
    assert child.message == "CURRENCY ended with an error. Start it again, or exclude it."
    assert not (await review_of(world.services)).under_way
    await restart_line(world.services, "CURRENCY", LineForm(do=FULL), ANNA)
    await world.work_off()
    assert await statuses(world) == {
        "CURRENCY": LineStatus.FINISHED,
        "CUSTOMER": LineStatus.FINISHED,
        "SALESPEOPLE": LineStatus.NOT_STARTED,
        "VENDOR": LineStatus.NOT_STARTED,
        "CONTACT": LineStatus.NOT_STARTED,
    }


async def test_leaving_a_failed_parent_out_lets_its_children_go_on() -> None:
    world = World()
    await family(world)
    await start_all(
        world.services, StartForm(do=FULL, mappings=("CURRENCY", "CUSTOMER"), exclude=("SALESPEOPLE",)), ANNA
    )
    await fail(world, "CURRENCY")
    await exclude_line(world.services, "CURRENCY", excluded=True)
    await world.work_off()
    line = (await line_of(world.services, "CUSTOMER"))[0]
    assert line.status is LineStatus.FINISHED
    await exclude_line(world.services, "CURRENCY", excluded=False)
    assert (await line_of(world.services, "CURRENCY"))[0].excluded is False


async def test_a_child_alone_waits_for_a_parent_that_nobody_has_started() -> None:
    world = World()
    await family(world)
    await start_line(world.services, "CUSTOMER", LineForm(), ANNA)
    await world.work_off()
    line, goes_on = await line_of(world.services, "CUSTOMER")
    assert not goes_on
    assert line.recommendation is Recommendation.DEPENDENCY_NOT_SATISFIED
    assert line.message == "CURRENCY has not been synchronized in full. Start it, or exclude it."
    await exclude_line(world.services, "CUSTOMER", excluded=True)
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.NOT_STARTED


async def test_one_at_a_time_for_a_mapping_until_it_is_abandoned(world: World) -> None:
    world.customer(displayName="Adatum")
    await start_line(world.services, "CUSTOMER", LineForm(do=FULL), ANNA)
    world.clock.advance(hours=23, minutes=59)
    for ask in (
        start_line(world.services, "CUSTOMER", LineForm(), ANNA),
        restart_line(world.services, "CUSTOMER", LineForm(), ANNA),
        start_all(world.services, StartForm(), ANNA),
        synchronize_in_full(world.services, "CUSTOMER", FullRunForm(), ANNA),
        exclude_line(world.services, "CUSTOMER", excluded=True),
    ):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.code == "full_synchronization_running"
    world.clock.advance(minutes=1)
    line, goes_on = await line_of(world.services, "CUSTOMER")
    assert (line.abandoned, goes_on) == (True, False)
    await restart_line(world.services, "CUSTOMER", LineForm(do=FULL), ANNA)
    await world.work_off()
    await enqueue_due(world.services)
    await world.work_off()
    line, _ = await line_of(world.services, "CUSTOMER")
    assert line.status is LineStatus.FINISHED
    assert len(world.dataverse.rows(ACCOUNT)) == 1


async def test_a_full_run_beside_the_review_is_one_too(world: World) -> None:
    await synchronize_in_full(world.services, "CUSTOMER", FullRunForm(), ANNA)
    with pytest.raises(Problem) as refused:
        await start_line(world.services, "CUSTOMER", LineForm(), ANNA)
    assert refused.value.code == "full_synchronization_running"


async def test_a_run_that_waits_already_keeps_its_place_and_the_line_follows(world: World) -> None:
    world.customer(displayName="Adatum")
    request = await request_synchronization(
        world.services, enabled_mappings(await world.services.mappings.all()), Trigger.PERSON
    )
    await start_line(world.services, "CUSTOMER", LineForm(do=FULL), ANNA)
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.WAITING
    await world.work_off()
    await enqueue_due(world.services)
    await world.work_off()
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.FINISHED
    waited = await world.services.jobs.get_many(list(request.jobs))
    assert all(job.counters == Counters() for job in waited)
    assert len(world.dataverse.rows(ACCOUNT)) == 1


async def test_a_run_that_waits_becomes_the_full_one_that_is_asked_for_beside_the_review(world: World) -> None:
    await pair(world)
    mappings = enabled_mappings(await world.services.mappings.all())
    request = await request_synchronization(world.services, mappings, Trigger.TIMER)
    full = await synchronize_in_full(world.services, "CUSTOMER", FullRunForm(), ANNA)
    assert full.jobs == request.jobs
    await world.work_off()
    job = (await world.services.jobs.get_many(list(request.jobs)))[0]
    assert (job.counters, job.requested_by) == (Counters(unchanged=1), "Anna")


@pytest.mark.parametrize("only_coupled", [True, False])
async def test_the_closing_question_decides_what_becomes_of_only_coupled(world: World, only_coupled: bool) -> None:
    world.customer(displayName="Adatum")
    line = await in_full(world)
    assert line.question is Question.OPEN
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    assert stored.mapping.synch_only_coupled_records is True
    await answer_question(world.services, "customer", ANNA, only_coupled=only_coupled)
    world.customer(displayName="Fabrikam")
    await world.synchronize("CUSTOMER")
    assert len(world.dataverse.rows(ACCOUNT)) == (1 if only_coupled else 2)
    assert (await line_of(world.services, "CUSTOMER"))[0].question is Question.ANSWERED
    with pytest.raises(Problem) as refused:
        await answer_question(world.services, "CUSTOMER", ANNA, only_coupled=True)
    assert refused.value.code == "no_open_question"


async def test_a_mapping_that_is_disabled_while_it_waits_is_not_started() -> None:
    world = World()
    await family(world)
    await start_all(world.services, StartForm(), ANNA)
    await world.change("CUSTOMER", enabled=False)
    await world.work_off()
    line, _ = await line_of(world.services, "CUSTOMER")
    assert (line.status, line.message) == (LineStatus.NOT_STARTED, "The mapping was disabled.")
    with pytest.raises(Problem) as refused:
        await start_line(world.services, "CUSTOMER", LineForm(), ANNA)
    assert refused.value.code == "mapping_disabled"


async def test_a_paused_mapping_is_not_started_and_one_that_is_paused_meanwhile_goes_on_later(world: World) -> None:
    world.customer(displayName="Adatum")
    await start_line(world.services, "CUSTOMER", LineForm(do=FULL), ANNA)
    await pause(world.services, ["CUSTOMER"], "Anna", "", None)
    await world.work_off()
    line, _ = await line_of(world.services, "CUSTOMER")
    assert (line.status, line.message) == (LineStatus.IN_PROCESS, PAUSED)
    await resume(world.services, ["CUSTOMER"])
    await world.work_off()
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.FINISHED
    await pause(world.services, ["CUSTOMER"], "Anna", "", None)
    for ask in (
        start_line(world.services, "CUSTOMER", LineForm(), ANNA),
        synchronize_in_full(world.services, "CUSTOMER", FullRunForm(), ANNA),
    ):
        with pytest.raises(Problem) as refused:
            await ask
        assert refused.value.code == "mapping_paused"


async def test_a_run_that_has_vanished_is_an_error(world: World) -> None:
    repository = reviews(world.services)
    stored = await repository.get()
    line = Line("CUSTOMER", LineStatus.IN_PROCESS, run="gone", how=FullRun(forced=True), started_at=world.clock.now())
    await repository.save(stored.value.with_lines([line]), stored)
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.ERROR


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"mappings": ("NOBODY",)}, "unknown_mapping"),
        ({"exclude": ("NOBODY",)}, "unknown_mapping"),
        ({"mappings": ("VENDOR",)}, "mapping_disabled"),
        ({"mappings": ("CUSTOMER",), "exclude": ("customer",)}, "contradiction"),
        ({"do": "couple_records", "mappings": ("SALESPEOPLE",)}, "no_match_fields"),
        ({"do": "couple_records", "mappings": ("SALESPEOPLE",), "unconditional": True}, "contradiction"),
    ],
)
async def test_what_cannot_be_started_is_refused_as_a_whole(form: dict[str, Any], code: str) -> None:
    world = World()
    await only(world, "CUSTOMER", "SALESPEOPLE")
    await world.change("SALESPEOPLE", match_by=())
    with pytest.raises(Problem) as refused:
        await start_all(world.services, StartForm(**form), ANNA)
    assert refused.value.code == code
    assert (await reviews(world.services).get()).value.lines == {}


async def test_the_timer_begins_what_a_request_that_died_has_left(world: World) -> None:
    repository = reviews(world.services)
    line = Line("CUSTOMER", does=Recommendation.FULL_SYNCHRONIZATION, how=FullRun(forced=True))
    await repository.change(lambda one: one.with_lines([planned(line, "run", world.clock.now(), "Anna")]))
    await enqueue_due(world.services)
    assert (await repository.get()).value.line("CUSTOMER").status is LineStatus.IN_PROCESS
    await world.work_off()
    assert (await line_of(world.services, "CUSTOMER"))[0].status is LineStatus.FINISHED


async def test_a_line_that_was_never_started_cannot_be_started_again(world: World) -> None:
    with pytest.raises(Problem) as refused:
        await restart_line(world.services, "CUSTOMER", LineForm(), ANNA)
    assert refused.value.code == "nothing_to_restart"


async def test_a_long_one_goes_on_from_its_checkpoints() -> None:
    world = World(policy=Policy(page_size=2, slice_time=timedelta(0)))
    await only(world, "CUSTOMER")
    for number in range(5):
        world.customer(displayName=f"Customer {number}")
        world.account(name=f"Account {number}")
    line = await in_full(world)
    assert counts(line)[TO]["inserted"] == counts(line)[FROM]["inserted"] == 5
    assert line.pages > 2
