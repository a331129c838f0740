"""Set Up Coupling and Delete Coupling over HTTP.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Reply, operation
from functions.queries import CandidatesQuery
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.forms.coupling import CandidatesPage, CoupleAnswer, CoupleRequest
from shared.services.forms.uncoupling import UncoupleAnswer, UncoupleRequest

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")
PATIENCE = 5.0  # seconds that a caller waits for a task that only couples


@operation(Role.READER, {200: CandidatesPage}, problems=WHICH)
async def find_candidates(call: Call[CandidatesQuery]) -> Reply:
    """Records of one side whose number or name begins with a text, with what is already coupled marked.

    Only those that the mapping's filter lets pass: others cannot be coupled.
    Those whose number or name is just the text come first. Of very many the first thousand are shown: write more of the
    text.
    """
    from shared.services.candidates_search import find_candidates as search

    query = call.query
    page = await search(
        call.services,
        query.mapping,
        query.table,
        query.side,
        query.text,
        free=query.free,
        after=query.continuation,
        limit=query.limit,
    )
    return Reply(page)


@operation(
    Role.OPERATOR,
    {200: CoupleAnswer, 202: CoupleAnswer},
    problems=(*WHICH, "too_many_tasks"),
    once=True,
)
async def couple(call: Call[NoQuery, CoupleRequest]) -> Reply:
    """Couples records pairwise (*Set Up Coupling*): existing with existing, or one with a new one.

    Each pair is done or refused by itself. A job creates and synchronizes what is asked for: then the status is 202.
    Where nothing but coupling is asked for, the answer waits some seconds for it and is 200 when all is done. A
    coupling to a deleted record stands in nobody's way: it is replaced.
    """
    from shared.services.coupling_pairs import couple as couple_pairs

    answer = await couple_pairs(call.services, call.body, call.caller, patience=PATIENCE)
    return accepted(call, answer.job.id, answer) if answer.job and answer.scheduled else Reply(answer)


@operation(
    Role.OPERATOR,
    {200: UncoupleAnswer, 202: UncoupleAnswer},
    problems=(*WHICH, "too_many_tasks", "invalid_filter", "unknown_column"),
    once=True,
)
async def uncouple(call: Call[NoQuery, UncoupleRequest]) -> Reply:
    """Deletes couplings (*Delete Coupling*): of records, of a filter's records, of whole mappings.

    No record is deleted or changed. With a customer go the couplings of the persons under it, as a job of their own.
    What is named and not coupled is refused, the rest is done. The status is 200 when there was nothing to do.
    """
    from shared.services.uncoupling_records import uncouple as uncouple_records

    answer = await uncouple_records(call.services, call.body, call.caller)
    return accepted(call, answer.id, answer) if answer.jobs else Reply(answer)
