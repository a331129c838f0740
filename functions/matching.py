"""Match-Based Coupling over HTTP: what it would do, and suggestions for what it leaves."""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import SuggestionsQuery
from shared.core.access import Role
from shared.services.forms.matching import PreviewAnswer, PreviewRequest, SuggestionsPage
from shared.services.matching.preview import preview_match
from shared.services.matching.suggest import suggest

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping", "unknown_record")


@operation(
    "POST",
    "match-coupling/preview",
    Role.READER,
    {200: PreviewAnswer},
    problems=(*WHICH, "no_match_fields", "unknown_field"),
)
async def preview_match_coupling(call: Call[NoQuery, PreviewRequest]) -> Reply:
    """What match-based coupling would do, without doing it: the pairs, and for every other record why not.

    `matched` and `unmatched` count the whole, `pairs` and `left` come in pages. The first page reads both sides; those
    that follow go on with that for some minutes. After a run it tells what was left, and why.
    """
    return Reply(await preview_match(call.services, call.body))


@operation("GET", "suggestions", Role.READER, {200: SuggestionsPage}, problems=WHICH)
async def suggest_couplings(call: Call[SuggestionsQuery]) -> Reply:
    """Free rows that look like a BC record that is not coupled, with the lines that add up to the score.

    At most three for each record, the best first; a record without any is not listed. `limit` counts the records that
    are looked at. Nothing is coupled by a suggestion: to accept one, couple the pair.
    """
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


OPERATIONS = (preview_match_coupling, suggest_couplings)
