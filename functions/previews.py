"""Previews over HTTP: what a run would do, and doing exactly that.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Page, Reply, operation
from functions.pages import HEADERS
from functions.queries import PageQuery
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.forms.previews import (
    CarryOutAnswer,
    CarryOutRequest,
    PreviewPage,
    PreviewReference,
    PreviewsStarted,
    PreviewStart,
)

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")


@operation(
    Role.OPERATOR,
    {202: PreviewsStarted},
    problems=(*WHICH, "not_coupled", "direction_forbids", "unknown_field", "too_many_tasks"),
    once=True,
)
async def request_preview(call: Call[NoQuery, PreviewStart]) -> Reply:
    """Finds out what would be done, without doing it: nothing is written, coupled or remembered.

    `modified` looks at what the next run would look at, `full` at everything. Of certain coupled records, `records` is
    *Synchronize Now*, `uncouple` *Delete Coupling*, `restore` *Restore Records* and `delete` *Delete Records*.

    There is one preview for each mapping. Each is a job, and can be looked at for as long as idle jobs are kept.
    Match-based coupling has a preview of its own (`POST match-coupling/preview`).
    """
    from shared.services.previews import request_previews

    started = await request_previews(call.services, call.body, call.caller)
    previews = tuple(
        PreviewReference(id=job, mapping=mapping, address=call.address(f"previews/{job}"))
        for mapping, job in started.jobs.items()
    )
    answer = PreviewsStarted(id=started.id, previews=previews, not_coupled=started.not_coupled)
    return accepted(call, started.id, answer)


@operation(Role.READER, {200: PreviewPage}, problems=("unknown_preview", "invalid_value"))
async def get_preview(call: Call[PageQuery]) -> Reply:
    """What would happen: counts, and each pair with the columns that would be written, from what to what, and why.

    Conflicts, errors and what waits are listed, too. Pairs that would be left as they are, are not.
    """
    from shared.services.previews import preview_page

    query = call.query
    return Reply(await preview_page(call.services, call.path["id"], after=query.continuation, limit=query.limit))


@operation(Role.READER, {200: Page}, problems=("unknown_preview", "invalid_value"))
async def get_preview_table(call: Call[PageQuery]) -> Reply:
    """The same as a page for people: a table that a browser shows."""
    from functions.preview_page import page_of
    from shared.services.previews import preview_page

    query = call.query
    found = await preview_page(call.services, call.path["id"], after=query.continuation, limit=query.limit)
    onward = {"continuation": found.continuation, "limit": query.limit, "connection": call.asked, "code": call.key}
    return Reply(Page(page_of(found, onward)), 200, HEADERS)


@operation(
    Role.OPERATOR,
    {202: CarryOutAnswer},
    problems=("unknown_preview", "preview_not_ready", "preview_outdated", "guard_tripped", "too_many_tasks"),
    once=True,
)
async def carry_out_preview(call: Call[NoQuery, CarryOutRequest]) -> Reply:
    """Does exactly what a preview shows.

    Each pair is read and decided once more. One whose records have moved since is left alone and counted as skipped;
    the job names it. When the mapping itself has been changed, nothing is done.
    """
    from shared.services.previews import carry_out_preview as carry_out

    answer = await carry_out(call.services, call.path["id"], release_guard=call.body.release_guard, caller=call.caller)
    return accepted(call, answer.id, answer)
