"""Match-based coupling over the in-memory ports: what a preview tells, and what is suggested for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from shared.core.access import Caller
from shared.core.jobs import Counters, Job, JobStatus, JobType
from shared.core.match_report import CreateNew, UnmatchedReason
from shared.core.reasons import Reason
from shared.core.records import Record, RefusalKind, Refused, Write, WriteResult
from shared.core.sides import Direction
from shared.core.tables import Table
from shared.services.context import Policy
from shared.services.forms.matching import LeftRecord, MatchRequest, PreviewAnswer, PreviewRequest, SuggestionsPage
from shared.services.matching.preview import preview_match, unmatched_of_job
from shared.services.matching.request import match_coupling
from shared.services.matching.suggest import suggest
from shared.services.problems import Problem
from tests.world import ACCOUNT, CUSTOMERS, World

NONE, SEVERAL = UnmatchedReason.NONE, UnmatchedReason.SEVERAL
TAKEN, CONTESTED = UnmatchedReason.TAKEN, UnmatchedReason.CONTESTED
BY_NAME = (("displayName",),)
SOMEBODY = Caller("somebody")
NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def world() -> World:
    return World()


async def preview(world: World, **request: Any) -> PreviewAnswer:
    """All of it, page by page."""
    request = {"mapping": "CUSTOMER", "match_by": BY_NAME, **request}
    pages = [await preview_match(world.services, PreviewRequest(**request))]
    while (after := pages[-1].continuation) is not None:
        pages.append(await preview_match(world.services, PreviewRequest(**request, continuation=after)))
    assert {(page.matched, page.summary) for page in pages} == {(pages[0].matched, pages[0].summary)}
    pairs, left = ([one for page in pages for one in getattr(page, part)] for part in ("pairs", "left"))
    return pages[-1].model_copy(update={"pairs": tuple(pairs), "left": tuple(left)})


def pairs_of(answer: PreviewAnswer) -> dict[str | None, tuple[str | None, int]]:
    return {pair.business_central.title: (pair.dataverse.title, pair.group) for pair in answer.pairs}


def left_of(answer: PreviewAnswer) -> dict[str | None, LeftRecord]:
    return {one.business_central.title: one for one in answer.left}


async def coupled_pair(world: World, name: str) -> None:
    """A customer and its account of this name, coupled."""
    await world.open_all()
    world.account(name=name)
    await world.synchronize("CUSTOMER")
    await world.change("CUSTOMER", synch_only_coupled_records=True)


async def test_a_preview_tells_the_pairs_and_the_reason_of_every_other_record(world: World) -> None:
    for name in ("Alpine", "Baltic", "Contoso", "Delta", "DELTA "):
        world.customer(displayName=name)
    for name in ("alpine", "Contoso", "CONTOSO", "Delta"):
        world.account(name=name)
    before = +world.written
    answer = await preview(world, limit=2)
    assert pairs_of(answer) == {"Alpine": ("alpine", 0)}
    left = left_of(answer)
    assert {name: one.reason for name, one in left.items()} == {
        "Baltic": NONE,
        "Contoso": SEVERAL,
        "Delta": CONTESTED,
        "DELTA ": CONTESTED,
    }
    assert {one.row.title for one in left["Contoso"].candidates} == {"Contoso", "CONTOSO"}
    assert [one.title for one in left["Delta"].rivals] == ["DELTA "]
    assert "Account Contoso" in left["Contoso"].message
    assert (answer.matched, answer.unmatched) == (1, {NONE: 1, SEVERAL: 1, TAKEN: 0, CONTESTED: 2})
    assert answer.summary == "4 records could not be matched."
    assert world.written == before


async def test_a_row_that_is_taken_says_by_whom(world: World) -> None:
    await coupled_pair(world, "Fabrikam")
    world.customer(displayName="Fabrikam")
    (left,) = (await preview(world)).left
    assert left.reason is TAKEN
    (candidate,) = left.candidates
    assert candidate.coupled_with is not None
    assert candidate.coupled_with.title == "Fabrikam"
    assert candidate.coupled_with.id != left.business_central.id


async def test_only_records_inside_the_filter_are_compared(world: World) -> None:
    world.account(name="Inactive", statecode=1)
    world.customer(displayName="Inactive")
    world.customer(displayName="Blocked", blocked="All")
    assert left_of(await preview(world)).keys() == {"Inactive"}
    assert (await preview(world)).unmatched[NONE] == 1


async def test_of_selected_records_only_those_are_told(world: World) -> None:
    chosen, _ = (world.customer(displayName=name) for name in ("One", "Two"))
    for name in ("One", "Two"):
        world.account(name=name)
    assert pairs_of(await preview(world, business_central_ids=(chosen,))) == {"One": ("One", 0)}


async def test_groups_are_tried_in_their_order_and_fields_of_lookups_are_carried_over(world: World) -> None:
    world.customer(displayName="A", email="a@x.example", city="Kiel")
    world.customer(displayName="B", email="other@x.example", city="Kiel")
    world.account(name="A", emailaddress1="A@x.example", address1_city="Ulm")
    world.account(name="B", address1_city="kiel")
    answer = await preview(world, match_by=(("email",), ("displayName", "city")))
    assert pairs_of(answer) == {"A": ("A", 0), "B": ("B", 1)}


async def test_case_counts_where_it_is_asked_for(world: World) -> None:
    world.customer(displayName="fabrikam")
    world.account(name="Fabrikam")
    assert (await preview(world)).matched == 1
    assert (await preview(world, case_sensitive=("displayName",))).matched == 0


@pytest.mark.parametrize(("blanks", "matched"), [("left_out", 1), ("never_match", 0)])
async def test_blanks_count_as_asked_for(world: World, blanks: str, matched: int) -> None:
    world.customer(displayName="Fabrikam")
    world.account(name="Fabrikam", address1_city="Kiel")
    assert (await preview(world, match_by=(("displayName", "city"),), blanks=blanks)).matched == matched


@pytest.mark.parametrize(
    ("create_new", "created"), [("never", set()), ("no_match", {"New"}), ("unmatched", {"New", "Twice"})]
)
async def test_a_preview_tells_for_whom_a_row_would_be_created(
    world: World, create_new: str, created: set[str]
) -> None:
    for name in ("New", "Twice"):
        world.customer(displayName=name)
    for _ in range(2):
        world.account(name="Twice")
    left = left_of(await preview(world, create_new=create_new))
    assert {name for name, one in left.items() if one.would_create} == created


async def test_the_pages_of_a_preview_speak_of_the_same_moment(world: World) -> None:
    for name in ("One", "Two", "Three"):
        world.customer(displayName=name)
        world.account(name=name)
    request: dict[str, Any] = {"mapping": "CUSTOMER", "match_by": BY_NAME, "limit": 1}
    first = await preview_match(world.services, PreviewRequest(**request))
    world.customer(displayName="Late")
    following = PreviewRequest(**request, continuation=first.continuation)
    assert not (await preview_match(world.services, following)).unmatched[NONE]
    assert (await preview_match(world.instance(), following)).unmatched[NONE] == 1
    world.clock.advance(minutes=6)
    assert (await preview_match(world.services, following)).unmatched[NONE] == 1


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({"mapping": None}, (400, "which_mapping", "mapping")),
        ({"table": "customers"}, (400, "which_mapping", "mapping")),
        ({"mapping": "NOBODY"}, (404, "unknown_mapping", None)),
        ({"mapping": None, "table": "nothing"}, (404, "unknown_table", "table")),
        ({"mapping": None, "table": "Account"}, (409, "ambiguous_table", "table")),
        ({"match_by": (("name",),)}, (400, "unknown_field", "match_by")),
        ({"case_sensitive": ("name",)}, (400, "unknown_field", "case_sensitive")),
        ({"business_central_ids": (NOBODY,)}, (404, "unknown_record", "business_central_ids")),
        ({"continuation": "customer 5"}, (400, "invalid_value", "continuation")),
    ],
)
async def test_bad_input_is_refused_with_code_and_field(
    world: World, request_: dict[str, Any], problem: tuple[int, str, str | None]
) -> None:
    request_ = {"mapping": "CUSTOMER", "match_by": BY_NAME, **request_}
    with pytest.raises(Problem) as refused:
        await preview_match(world.services, PreviewRequest(**request_))
    assert (refused.value.status, refused.value.code, refused.value.field) == problem


async def test_a_mapping_without_match_fields_asks_for_some(world: World) -> None:
    await world.change("CUSTOMER", match_by=())
    with pytest.raises(Problem, match="match_by") as refused:
        await preview_match(world.services, PreviewRequest(mapping="CUSTOMER"))
    assert (refused.value.status, refused.value.code) == (409, "no_match_fields")
    assert (await preview(world)).matched == 0


async def run(world: World, **request: Any) -> Job:
    """Match-based coupling, run to its end."""
    request = {"mapping": "CUSTOMER", "match_by": BY_NAME, **request}
    reference = await match_coupling(world.services, MatchRequest(**request), SOMEBODY)
    await world.work_off()
    (job,) = await world.services.jobs.get_many([reference.id])
    assert job.status is JobStatus.SUCCEEDED, job.message
    assert (job.type, job.requested_by) == (JobType.COUPLING, SOMEBODY.label)
    return job


async def couplings_of(world: World) -> dict[str | None, str | None]:
    """The titles of coupled records."""
    found = await world.services.couplings("CUSTOMER").all()
    return {one.business_central.title: one.dataverse.title for one in found}


async def test_a_run_couples_what_the_preview_told_and_counts_the_rest(world: World) -> None:
    for name in ("Alpine", "Baltic", "Contoso", "Delta", "DELTA ", "Epsilon"):
        world.customer(displayName=name)
    for name in ("ALPINE", "Contoso", "CONTOSO", "Delta", "epsilon"):
        world.account(name=name)
    told = await preview(world)
    before = +world.written
    job = await run(world)
    assert await couplings_of(world) == {name: pair[0] for name, pair in pairs_of(told).items()}
    assert job.counters == Counters(coupled=2, failed=4)
    assert any(sentence.startswith("4 records could not be matched.") for sentence in job.messages)
    assert world.written == before
    left = await unmatched_of_job(world.services, job.id, after=None, limit=100)
    assert left.left == told.left
    first = await unmatched_of_job(world.services, job.id, after=None, limit=3)
    second = await unmatched_of_job(world.services, job.id, after=first.continuation, limit=3)
    assert (first.left + second.left, second.continuation) == (told.left, None)
    again = await run(world)
    assert again.counters == Counters(failed=4)


async def test_only_selected_records_are_coupled(world: World) -> None:
    chosen, _ = (world.customer(displayName=name) for name in ("One", "Two"))
    for name in ("One", "Two"):
        world.account(name=name)
    assert (await run(world, business_central_ids=(chosen,))).counters == Counters(coupled=1)
    assert await couplings_of(world) == {"One": "One"}


@pytest.mark.parametrize(
    ("create_new", "created", "failed"),
    [("never", [], 2), ("no_match", ["New"], 1), ("unmatched", ["New", "Twice"], 0)],
)
async def test_rows_are_created_for_what_was_not_found(
    world: World, create_new: str, created: list[str], failed: int
) -> None:
    for name in ("New", "Twice"):
        world.customer(displayName=name, city="Kiel")
    for _ in range(2):
        world.account(name="Twice")
    job = await run(world, create_new=create_new)
    assert job.counters == Counters(inserted=len(created), failed=failed)
    rows = [row for row in world.dataverse.rows(ACCOUNT).values() if row.get("address1_city") == "Kiel"]
    assert sorted(str(row["name"]) for row in rows) == created
    assert await couplings_of(world) == {name: name for name in created}
    assert (await world.services.runs("CUSTOMER").state()).coupled == len(created)


@pytest.mark.parametrize(
    ("direction", "winner", "customer", "account"),
    [
        ("Bidirectional", "SendUpdateToIntegration", ("1", "Kiel"), ("1", "Kiel")),
        ("Bidirectional", "GetUpdateFromIntegration", ("2", "Ulm"), ("2", "Ulm")),
        ("ToIntegrationTable", "None", ("1", "Kiel"), ("1", "Kiel")),
        ("FromIntegrationTable", "None", ("2", "Ulm"), ("2", "Ulm")),
    ],
)
async def test_coupled_pairs_are_synchronized_with_the_data_of_the_chosen_side(
    world: World, direction: str, winner: str, customer: tuple[str, str], account: tuple[str, str]
) -> None:
    await world.change("CUSTOMER", direction=Direction(direction))
    world.customer(displayName="Fabrikam", phoneNumber="1", city="Kiel")
    world.account(name="Fabrikam", telephone1="2", address1_city="Ulm")
    job = await run(world, synchronize_after_coupling=True, resolve_update_conflicts=winner)
    assert (job.counters.coupled, job.counters.modified, job.counters.failed) == (1, 1, 0)
    here, there = world.only(CUSTOMERS), world.only(ACCOUNT)
    assert (here["phoneNumber"], here["city"]) == customer
    assert (there["telephone1"], there["address1_city"]) == account
    before = +world.written
    await world.synchronize("CUSTOMER")
    assert world.written == before


async def test_without_a_winner_blanks_are_filled_and_contradictions_are_conflicts(world: World) -> None:
    world.customer(displayName="Agreed", phoneNumber="1")
    world.account(name="Agreed", address1_city="Ulm")
    world.customer(displayName="Disputed", phoneNumber="1")
    world.account(name="Disputed", telephone1="2")
    job = await run(world, synchronize_after_coupling=True)
    assert job.counters.coupled == 2
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.title) == (Reason.UPDATE_CONFLICT, "Disputed")
    agreed = next(row for row in world.dataverse.rows(ACCOUNT).values() if row["name"] == "Agreed")
    assert (agreed["telephone1"], agreed["address1_city"]) == ("1", "Ulm")


async def test_without_synchronization_the_next_run_compares_the_pairs(world: World) -> None:
    world.customer(displayName="Fabrikam", phoneNumber="1")
    world.account(name="Fabrikam")
    assert (await run(world)).counters == Counters(coupled=1)
    assert not world.only(ACCOUNT).get("telephone1")
    await world.synchronize("CUSTOMER")
    assert world.only(ACCOUNT)["telephone1"] == "1"


async def test_a_record_that_changed_after_it_was_compared_is_not_coupled(world: World) -> None:
    customer = world.customer(displayName="Fabrikam")
    world.account(name="Fabrikam")
    request = MatchRequest(mapping="CUSTOMER", match_by=BY_NAME)
    reference = await match_coupling(world.services, request, SOMEBODY)
    reading = world.business_central.read

    async def read(*asked: Any) -> dict[str, Record]:
        world.business_central.edit(CUSTOMERS, customer, {"displayName": "Contoso"})
        return await reading(*asked)

    world.business_central.read = read  # type: ignore[method-assign]
    await world.work_off()
    (job,) = await world.services.jobs.get_many([reference.id])
    assert job.counters == Counters(failed=1)
    assert not await couplings_of(world)


class HostDiedError(Exception):
    """Nothing of what the host had in mind is left."""


@pytest.mark.parametrize("is_done", [False, True], ids=["before", "after"])
async def test_wherever_the_host_dies_the_run_comes_to_the_same_end(is_done: bool) -> None:
    """At each transaction in turn, just before or just after it, until a run needs no further one."""
    expected = await _after_dying_at(None, is_done)
    for at in range(1, 100):
        found = await _after_dying_at(at, is_done)
        if found is None:
            assert at > 6
            return
        assert found == expected, at
    raise AssertionError("the run never ends")


async def _after_dying_at(at: int | None, is_done: bool) -> object:
    """What a run comes to whose host dies at its transaction number `at`; None when there is none of this number."""
    world = World()
    for name in ("One", "Two", "New", "Twice"):
        world.customer(displayName=name, phoneNumber=name)
    for name in ("One", "Two", "Twice", "Twice"):
        world.account(name=name)
    request = MatchRequest(
        mapping="CUSTOMER", match_by=BY_NAME, create_new=CreateNew.NO_MATCH, synchronize_after_coupling=True
    )
    reference = await match_coupling(world.services, request, SOMEBODY)
    transact, calls = world.state.transact, 0

    async def dying(*asked: Any) -> dict[str, str]:
        nonlocal calls
        calls += 1
        if calls == at and not is_done:
            raise HostDiedError
        answer = await transact(*asked)
        if calls == at:
            raise HostDiedError
        return answer

    world.state.transact = dying  # type: ignore[method-assign]
    try:
        await world.work_off()
    except HostDiedError:
        world.clock.advance(minutes=2)  # the message's lock runs out
    await world.work_off()
    if at is not None and calls < at:
        return None
    (job,) = await world.services.jobs.get_many([reference.id])
    rows = sorted((str(row["name"]), row.get("telephone1")) for row in world.dataverse.rows(ACCOUNT).values())
    counted = (job.counters.coupled, job.counters.inserted, job.counters.failed)
    return job.status, counted, await couplings_of(world), rows


async def test_many_records_are_worked_off_slice_by_slice() -> None:
    """Each slice has time for one step only; each part of the list is coupled once."""
    world = World(policy=Policy(slice_time=timedelta(0)))
    for index in range(2300):
        world.customer(displayName=f"Customer {index}")
        if index % 10:
            world.account(name=f"customer {index}")
    job = await run(world, create_new="no_match")
    assert job.counters == Counters(coupled=2070, inserted=230)
    assert job.slices > 2
    assert len(await couplings_of(world)) == (await world.services.runs("CUSTOMER").state()).coupled == 2300
    assert not (await preview(world)).left


async def test_what_a_busy_service_did_not_do_is_tried_again(world: World) -> None:
    for name in ("New", "Old"):
        world.customer(displayName=name, phoneNumber="1")
    world.account(name="Old")
    writing, tries = world.dataverse.write, 0

    async def write(table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        nonlocal tries
        tries += 1
        if tries <= 3:
            return [Refused(RefusalKind.PASSING, "Busy.") for _ in writes]
        return await writing(table, writes, returning)

    world.dataverse.write = write  # type: ignore[method-assign]
    job = await run(world, create_new="no_match", synchronize_after_coupling=True)
    assert (job.counters.coupled, job.counters.inserted, job.counters.modified) == (1, 1, 1)
    assert (job.counters.failed, job.counters.skipped) == (0, 0)
    assert {row.get("telephone1") for row in world.dataverse.rows(ACCOUNT).values()} == {"1"}
    assert not await world.items("CUSTOMER")


@pytest.mark.parametrize(
    ("settings", "request_", "problem"),
    [
        ({"enabled": False}, {}, (409, "mapping_disabled", None)),
        (
            {"direction": Direction.FROM_INTEGRATION_TABLE},
            {"create_new": "no_match"},
            (409, "direction_forbids", "create_new"),
        ),
        ({"create_new_in": ()}, {"create_new": "unmatched"}, (409, "direction_forbids", "create_new")),
        (
            {"direction": Direction.TO_INTEGRATION_TABLE},
            {"resolve_update_conflicts": "SendUpdateToIntegration"},
            (409, "direction_forbids", "resolve_update_conflicts"),
        ),
        ({}, {"business_central_ids": (NOBODY,)}, (404, "unknown_record", "business_central_ids")),
        ({"match_by": ()}, {"match_by": None}, (409, "no_match_fields", None)),
    ],
)
async def test_what_cannot_be_started_is_refused_at_once(
    world: World, settings: dict[str, Any], request_: dict[str, Any], problem: tuple[int, str, str | None]
) -> None:
    await world.change("CUSTOMER", **settings)
    request_ = {"mapping": "CUSTOMER", "match_by": BY_NAME, **request_}
    with pytest.raises(Problem) as refused:
        await match_coupling(world.services, MatchRequest(**request_), SOMEBODY)
    assert (refused.value.status, refused.value.code, refused.value.field) == problem
    assert world.queue.receive() is None


async def test_only_a_match_based_coupling_has_unmatched_records(world: World) -> None:
    jobs = await world.synchronize("CUSTOMER")
    for job_id in ("nothing", next(iter(jobs.values())).id):
        with pytest.raises(Problem) as refused:
            await unmatched_of_job(world.services, job_id, after=None, limit=10)
        assert (refused.value.status, refused.value.code) == (404, "unknown_job")


async def suggestions(world: World, **query: Any) -> SuggestionsPage:
    query = {"after": None, "limit": 100, **query}
    return await suggest(world.services, "CUSTOMER", None, query.pop("record", None), **query)


async def test_rows_that_look_alike_are_suggested_with_reasons(world: World) -> None:
    record = world.customer(displayName="Fabrikam Trading GmbH", email="info@fabrikam.example", postalCode="24103")
    near = world.account(name="Fabrikam Tradng", emailaddress1="info@fabrikam.example", address1_postalcode="24103")
    world.account(name="Something else")
    (one,) = (await suggestions(world)).suggestions
    assert (one.business_central.id, one.dataverse.id) == (record, near)
    assert one.dataverse.title == "Fabrikam Tradng"
    assert round(sum(reason.points for reason in one.reasons), 1) == one.score
    assert {reason.trait for reason in one.reasons} == {"name", "e_mail", "post_code"}
    assert not world.written


async def test_what_is_coupled_or_outside_the_filter_is_not_suggested(world: World) -> None:
    await coupled_pair(world, "Fabrikam")
    late = world.customer(displayName="Fabrikam")
    world.account(name="Fabrikam", statecode=1)
    assert not (await suggestions(world)).suggestions
    free = world.account(name="Fabrikam A/S")
    (one,) = (await suggestions(world)).suggestions
    assert (one.business_central.id, one.dataverse.id) == (late, free)


async def test_suggestions_come_in_pages_of_records(world: World) -> None:
    for index in range(5):
        world.customer(displayName=f"Customer number {index}")
        world.account(name=f"Customer number {index}")
    whole = (await suggestions(world)).suggestions
    found, after = [], None
    for _ in range(3):
        page = await suggestions(world, after=after, limit=2)
        found += page.suggestions
        after = page.continuation
    assert (tuple(found), after) == (whole, None)


async def test_suggestions_for_one_record(world: World) -> None:
    chosen, _ = (world.customer(displayName=name) for name in ("Fabrikam", "Contoso"))
    for name in ("Fabrikam", "Contoso"):
        world.account(name=name)
    assert [one.dataverse.title for one in (await suggestions(world, record=chosen)).suggestions] == ["Fabrikam"]
    with pytest.raises(Problem) as refused:
        await suggestions(world, record=NOBODY)
    assert (refused.value.status, refused.value.code) == (404, "unknown_record")
