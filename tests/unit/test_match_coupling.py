"""Match-based coupling over the in-memory ports: what a preview tells, and what is suggested for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from shared.core.match_report import UnmatchedReason
from shared.services.forms.matching import LeftRecord, PreviewAnswer, PreviewRequest, SuggestionsPage
from shared.services.matching.preview import preview_match
from shared.services.matching.suggest import suggest
from shared.services.problems import Problem
from tests.world import World

NONE, SEVERAL = UnmatchedReason.NONE, UnmatchedReason.SEVERAL
TAKEN, CONTESTED = UnmatchedReason.TAKEN, UnmatchedReason.CONTESTED
BY_NAME = (("displayName",),)
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
