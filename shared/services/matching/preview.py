"""What match-based coupling would do, without doing it: page by page, every BC record with its partner or its reason.

The result is worked out anew from what both sides hold now: for the first page, and where nobody remembers it. So
after a run the same question answers which records are left, and why, as of now; nothing of that is stored.
"""

from __future__ import annotations

from bisect import bisect_right

from shared.core.jobs import RunKind
from shared.core.match_index import MatchIndex, packed
from shared.core.match_report import MatchedPair, MatchOptions, MatchPlan, Unmatched
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.forms.matching import (
    CandidateRow,
    CriteriaForm,
    LeftRecord,
    PairToBe,
    PreviewAnswer,
    PreviewRequest,
    UnmatchedPage,
)
from shared.services.matching.criteria import Comparison, comparison_of
from shared.services.matching.names import Names
from shared.services.matching.reading import Compared, compare, must_exist
from shared.services.matching.task import MATCH, MatchTask
from shared.services.problems import Problem


async def preview_match(services: Services, request: PreviewRequest) -> PreviewAnswer:
    """One page of the preview, by ascending id of the BC records. Raises Problem (400, 404, 409)."""
    comparison = await comparison_of(services, request)
    compared = await _compared(comparison, request, is_first=request.continuation is None)
    index = compared.indexes[Side.BUSINESS_CENTRAL]
    must_exist(comparison, {one for one in comparison.selected if index.row_of(packed(one)) is not None})
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


async def unmatched_of_job(services: Services, job_id: str, *, after: str | None, limit: int) -> UnmatchedPage:
    """The BC records that a match-based coupling has left, as of now, with the reasons. Raises Problem (404)."""
    task = await _task_of(services, job_id)
    comparison = await comparison_of(services, task.request)
    compared = await _compared(comparison, task.request, is_first=after is None)
    index, found = compared.indexes[Side.BUSINESS_CENTRAL], list[Unmatched]()
    at: int | None = _start(index, after)
    while at is not None and len(found) <= limit:
        plan = compared.matching.page(at)
        found += plan.unmatched
        at = plan.next
    page = MatchPlan((), tuple(found[:limit]))
    names = Names(comparison.tables)
    await names.read(services, _ids(page))
    return UnmatchedPage(
        mapping=comparison.mapping.name,
        unmatched=dict(compared.matching.totals.unmatched),
        left=tuple(_left(one, names, task.options.creates(comparison.mapping, one)) for one in page.unmatched),
        continuation=page.unmatched[-1].business_central if len(found) > limit else None,
    )


async def _task_of(services: Services, job_id: str) -> MatchTask:
    """What a job had to do. Raises Problem (404)."""
    job = await services.jobs.get(job_id)
    run = await services.runs(job.mapping).get(job.run) if job is not None else None
    if run is None or run.kind is not RunKind.MATCH:
        raise Problem(404, "unknown_job", f"There is no match-based coupling {job_id}.")
    return MATCH.unpack(run.task)


async def _compared(comparison: Comparison, asked: CriteriaForm, *, is_first: bool) -> Compared:
    """The first page reads both sides; those that follow go on with that for a while."""
    services, now = comparison.services, comparison.services.clock.now()
    criteria = CriteriaForm(**{name: getattr(asked, name) for name in CriteriaForm.model_fields})
    question = ("match", comparison.mapping.model_dump_json(), criteria)
    if not is_first and (kept := services.recent.find(question, Compared, now)) is not None:
        return kept
    compared = await compare(comparison)
    services.recent.keep(question, compared, now)
    return compared


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
