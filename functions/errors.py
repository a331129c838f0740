"""Coupled data synchronization errors over HTTP: the list, and what causes them.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from pydantic import Field

from functions.api.operation import Call, Reply, operation
from functions.queries import Flag, PageQuery
from shared.core.access import Role
from shared.services.forms.errors import CausesAnswer, ErrorFilter, ErrorsAnswer, ErrorSort


class ErrorsQuery(PageQuery, ErrorFilter):
    """Which errors, and in which order."""

    continuation: str | None = Field(
        None, max_length=500, description="From the answer before; left out: the beginning."
    )
    waiting: Flag = Field(False, description="Also what waits for a parent or a busy service.")
    skipped: Flag | None = Field(None, description="Only those that are skipped, or only those that are not.")
    sort: ErrorSort = Field(ErrorSort.NEWEST, description="The order.")
    verify: Flag = Field(False, description="Ask both services now which records exist, in place of the last look.")

    @property
    def filter(self) -> ErrorFilter:
        """The part that says which errors."""
        return ErrorFilter.model_construct(**{name: getattr(self, name) for name in ErrorFilter.model_fields})


class CausesQuery(PageQuery):
    """Which causes."""

    mapping: str | None = Field(None, max_length=20, description="Only what holds records of this mapping.")


@operation(Role.READER, {200: ErrorsAnswer}, problems=("unknown_mapping",))
async def list_errors(call: Call[ErrorsQuery]) -> Reply:
    """The coupled data synchronization errors, newest first: what a person has to look at.

    `reason` is one of the [reasons](reasons.md), `fields` holds both values of a conflict, `column` and `service_code`
    are what the refusing service named; `advice` says what to do. A `skipped` one has failed twice in the same way: it
    is tried again when a record of the pair changes, when somebody asks for a run, or at the latest at `next_at`.

    Each row has the columns of Microsoft's page, links to both records, and the `actions` that it offers. Which records
    exist is as of the last look; with `verify` both services are asked. Looking changes nothing: a row of which no
    record is left stays until the run that tries it next removes its coupling, or somebody does (`delete_coupling`).
    """
    from shared.services.error_list import errors_page

    query = call.query
    page = await errors_page(
        call.services,
        query.filter,
        sort=query.sort,
        after=query.continuation,
        limit=query.limit,
        verify=query.verify,
    )
    return Reply(ErrorsAnswer(errors=tuple(page.rows), count=page.count, continuation=page.continuation))


@operation(Role.READER, {200: CausesAnswer}, problems=("unknown_mapping",))
async def list_causes(call: Call[CausesQuery]) -> Reply:
    """The errors grouped by what causes them, those that hold most first; also what waits for a parent.

    "Currency XYZ is not coupled: holds 412 records of CUSTOMER." One cause cured releases all that it holds with the
    next run: nobody has to touch the records. `fixes` are the calls that put it right, where there are such; the `id`
    of a cause is good for the filter `cause` of the list and of the actions.
    """
    from shared.services.error_causes import causes_page

    query = call.query
    return Reply(await causes_page(call.services, query.mapping, query.continuation, query.limit))
