"""Coupled data synchronization errors over HTTP: what needs a person, and on request also what is merely waiting."""

from __future__ import annotations

from functions.answers import ErrorsAnswer, error_answer
from functions.api.operation import Call, Reply, operation
from functions.queries import ErrorsQuery
from shared.core.access import Role
from shared.services.error_list import items_page


@operation("GET", "errors", Role.READER, {200: ErrorsAnswer}, problems=("unknown_mapping",))
async def list_errors(call: Call[ErrorsQuery]) -> Reply:
    """The coupled data synchronization errors, newest first: what a person has to look at.

    `reason` is one of the [reasons](reasons.md), `fields` holds both values of a conflict, `column` and `service_code`
    are what the refusing service named; `advice` says what to do. A `skipped` one has failed twice in the same way: it
    is tried again when a record of the pair changes, when somebody asks for a run, or at the latest at `next_at`.
    """
    query = call.query
    page = await items_page(
        call.services,
        mapping=query.mapping,
        reason=query.reason,
        waiting=query.waiting,
        after=query.continuation,
        limit=query.limit,
    )
    errors = tuple(error_answer(item) for item in page.items)
    return Reply(ErrorsAnswer(errors=errors, count=page.count, continuation=page.continuation))


OPERATIONS = (list_errors,)
