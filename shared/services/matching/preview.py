"""What match-based coupling would do, without doing it: page by page, every BC record with its partner or its reason.

The result is worked out anew from what both sides hold now: for the first page, and where nobody remembers it. So
after a run the same question answers which records are left, and why, as of now; nothing of that is stored.
"""

from __future__ import annotations

from bisect import bisect_right

from shared.core.match_index import MatchIndex, packed
from shared.core.match_report import MatchedPair, MatchOptions, MatchPlan, Unmatched
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.matching import CandidateRow, LeftRecord, PairToBe, PreviewAnswer, PreviewRequest
from shared.services.matching.criteria import Comparison, comparison_of
from shared.services.matching.names import Names
from shared.services.matching.reading import Compared, compare
from shared.services.problems import Problem


async def preview_match(services: Services, request: PreviewRequest) -> PreviewAnswer:
    """One page of the preview, by ascending id of the BC records. Raises Problem (400, 404, 409)."""
    comparison = await comparison_of(services, request)
    compared = await _compared(comparison, request)
    _must_exist(comparison, compared)
    index = compared.indexes[Side.BUSINESS_CENTRAL]
    plan = compared.matching.page(_start(index, request.continuation), request.limit)
    names = Names(comparison.tables)
    await names.read(services, _ids(plan))
    totals = compared.matching.totals
    options = MatchOptions(create_new=request.create_new)
    return PreviewAnswer(
        mapping=comparison.mapping.name,
        matched=totals.matched,
        unmatched=dict(totals.unmatched),
        summary=totals.summary,
        pairs=tuple(_pair(pair, names) for pair in plan.pairs),
        left=tuple(_left(one, names, options.creates(comparison.mapping, one)) for one in plan.unmatched),
        continuation=index.id_of(index.rows[plan.next - 1]) if plan.next is not None else None,
    )


async def _compared(comparison: Comparison, request: PreviewRequest) -> Compared:
    """The first page reads both sides; those that follow go on with that for a while."""
    services, now = comparison.services, comparison.services.clock.now()
    question = request.model_copy(update={"continuation": None, "limit": 1})
    asked = ("preview", comparison.mapping.model_dump_json(), question)
    if request.continuation is not None and (kept := services.recent.find(asked, Compared, now)) is not None:
        return kept
    compared = await compare(comparison)
    services.recent.keep(asked, compared, now)
    return compared


def _must_exist(comparison: Comparison, compared: Compared) -> None:
    """Whoever selects a record that is not there has to know. Raises Problem (404)."""
    index = compared.indexes[Side.BUSINESS_CENTRAL]
    for one in comparison.selected:
        if index.row_of(packed(one)) is None:
            table = comparison.tables[Side.BUSINESS_CENTRAL]
            text = f"{Side.BUSINESS_CENTRAL.product} has no {table.caption} {one}."
            raise Problem(404, "unknown_record", text, field="business_central_ids")


def _start(index: MatchIndex, continuation: str | None) -> int:
    """The number of the first record beyond an id. Raises Problem (400)."""
    if continuation is None:
        return 0
    try:
        return bisect_right(index.rows, packed(continuation), key=index.packed_id)
    except ValueError:
        raise Problem(
            400, "invalid_value", "continuation is not one that was given out.", field="continuation"
        ) from None


def _ids(plan: MatchPlan) -> dict[Side, set[str]]:
    """Every record that the page speaks of."""
    here = {pair.business_central for pair in plan.pairs} | {one.business_central for one in plan.unmatched}
    there = {pair.dataverse for pair in plan.pairs}
    for one in plan.unmatched:
        here.update(one.rivals)
        here.update(candidate.taken_by for candidate in one.candidates if candidate.taken_by is not None)
        there.update(candidate.id for candidate in one.candidates)
    return {Side.BUSINESS_CENTRAL: here, Side.DATAVERSE: there}


def _pair(pair: MatchedPair, names: Names) -> PairToBe:
    return PairToBe(
        business_central=names.of(Side.BUSINESS_CENTRAL, pair.business_central),
        dataverse=names.of(Side.DATAVERSE, pair.dataverse),
        group=pair.group,
    )


def _left(one: Unmatched, names: Names, creates: bool) -> LeftRecord:
    here, there = Side.BUSINESS_CENTRAL, Side.DATAVERSE
    candidates = tuple(
        CandidateRow(
            row=names.of(there, candidate.id),
            coupled_with=names.of(here, candidate.taken_by) if candidate.taken_by else None,
        )
        for candidate in one.candidates
    )
    return LeftRecord(
        business_central=names.of(here, one.business_central),
        reason=one.reason,
        message=one.sentence(names.spoken),
        candidates=candidates,
        candidate_count=one.candidate_count,
        rivals=tuple(names.of(here, rival) for rival in one.rivals),
        rival_count=one.rival_count,
        would_create=creates,
    )
