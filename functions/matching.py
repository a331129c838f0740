"""Match-Based Coupling over HTTP: what it would do, and suggestions for what it leaves.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import PageQuery, SuggestionsQuery
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.forms.base import JobReference
from shared.services.forms.matching import MatchRequest, PreviewAnswer, PreviewRequest, SuggestionsPage, UnmatchedPage

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping", "unknown_record")
CRITERIA = ("no_match_fields", "unknown_field")


@operation(
    Role.OPERATOR,
    {202: JobReference},
    problems=(*WHICH, *CRITERIA, "mapping_disabled", "direction_forbids", "too_many_tasks"),
    once=True,
)
async def match_coupling(call: Call[NoQuery, MatchRequest]) -> Reply:
    """Couples records that agree in match fields (*Match-Based Coupling*).

    Groups of fields are tried in their order until just one row agrees, and that is free. The job's counters tell how
    many were coupled and how many are left (`failed`); `GET /api/jobs/{id}/unmatched` tells which, and why.
    `POST /api/match-coupling/preview` shows beforehand what would come of it.
    """
    from shared.services.matching.request import match_coupling as start

    job = await start(call.services, call.body, call.caller)
    return accepted(call, job.id, job)


@operation(Role.READER, {200: UnmatchedPage}, problems=(*WHICH, *CRITERIA, "unknown_job"))
async def list_unmatched(call: Call[PageQuery]) -> Reply:
    """The BC records that a match-based coupling has left, each with its own reason, as of now.

    Both sides are compared anew, by what the job was asked for: who was coupled since is not listed any more.
    """
    from shared.services.matching.preview import unmatched_of_job

    query = call.query
    job = call.path["id"]
    return Reply(await unmatched_of_job(call.services, job, after=query.continuation, limit=query.limit))


@operation(
    Role.READER,
    {200: PreviewAnswer},
    problems=(*WHICH, *CRITERIA),
)
async def preview_match_coupling(call: Call[NoQuery, PreviewRequest]) -> Reply:
    """What match-based coupling would do, without doing it: the pairs, and for every other record why not.

    `matched` and `unmatched` count the whole, `pairs` and `left` come in pages. The first page reads both sides; those
    that follow go on with that for some minutes. After a run it tells what was left, and why.
    """
    from shared.services.matching.preview import preview_match

    return Reply(await preview_match(call.services, call.body))


@operation(Role.READER, {200: SuggestionsPage}, problems=WHICH)
async def suggest_couplings(call: Call[SuggestionsQuery]) -> Reply:
    """Free rows that look like a BC record that is not coupled, with the lines that add up to the score.

    At most three for each record, the best first; a record without any is not listed. `limit` counts the records that
    are looked at. Nothing is coupled by a suggestion: to accept one, couple the pair.
    """
    from shared.services.matching.suggest import suggest

    query = call.query
    page = await suggest(
        call.services,
        query.mapping,
        query.table,
        query.business_central_id,
        after=query.continuation,
        limit=query.limit,
    )
    return Reply(page)
