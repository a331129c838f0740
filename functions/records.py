"""Synchronize Now, and the ribbon's way from a Dataverse row to its record in Business Central.

The use cases are imported where they are called: a first call waits for its own alone.
"""

from __future__ import annotations

from functions.api.operation import Call, NoQuery, Page, Redirect, Reply, operation
from functions.pages import HEADERS, page_about
from functions.queries import RecordQuery
from functions.synchronization import accepted
from shared.core.access import Role
from shared.services.forms.synchronize_now import (
    OptionsAnswer,
    RibbonAnswer,
    RibbonOutcome,
    SyncNowAnswer,
    SyncNowRequest,
)

WHICH = ("unknown_mapping", "unknown_table", "ambiguous_table", "which_mapping")
ROW = ("unknown_table", "unknown_record", "ambiguous_table")
PATIENCE = 20.0  # seconds that the person at the ribbon waits for a record to be created


@operation(Role.READER, {200: OptionsAnswer}, problems=(*WHICH, "unknown_record"))
async def sync_now_options(call: Call[RecordQuery]) -> Reply:
    """What the prompt of *Synchronize Now* would show for one record: the choices, and what each would overwrite."""
    from shared.services.synchronizing_now import sync_now_options as options_of

    side, record_id = call.query.record
    return Reply(await options_of(call.services, call.query.mapping, call.query.table, side, record_id))


@operation(
    Role.OPERATOR,
    {200: SyncNowAnswer, 202: SyncNowAnswer},
    problems=(*WHICH, "direction_forbids", "too_many_tasks"),
    once=True,
)
async def sync_now(call: Call[NoQuery, SyncNowRequest]) -> Reply:
    """Synchronizes records now (*Synchronize Now*), whether or not they have changed.

    Of several, those are skipped that are not coupled, marked as skipped, or edited on the side that would be written.
    A single one is written as chosen; `GET /api/sync-now/options` shows beforehand what would be lost. The status is
    200 when nothing was scheduled.
    """
    from shared.services.synchronizing_now import sync_now as synchronize_records

    answer = await synchronize_records(call.services, call.body, call.caller)
    return accepted(call, answer.job.id, answer) if answer.job else Reply(answer)


@operation(
    Role.OPERATOR,
    {200: RibbonAnswer, 202: RibbonAnswer},
    problems=(*ROW, "too_many_tasks"),
)
async def ribbon(call: Call) -> Reply:
    """The BC record of a Dataverse row and its address in the web client (the ribbon's *Business Central*).

    Where *Synch. Only Coupled Records* is off and the direction is Bidirectional or From, a row that is not coupled is
    coupled with the record that agrees in the match fields, or its record is created; otherwise the answer says why
    not. The status is 202 when that takes longer than some seconds: ask again then. Of two mappings with one table that
    one is meant which the row is coupled in, else the one whose filter it passes.
    """
    from shared.services.ribbon import open_in_business_central as open_record

    path = call.path
    answer = await open_record(call.services, path["table"], path["id"], call.caller, patience=PATIENCE)
    is_going_on = answer.outcome is RibbonOutcome.SCHEDULED
    return accepted(call, answer.job.id, answer) if answer.job and is_going_on else Reply(answer)


@operation(Role.READER, {200: Page, 303: Redirect}, problems=ROW)
async def open_in_business_central(call: Call) -> Reply:
    """Leads a browser from a Dataverse row to its record in Business Central; the same as `ribbon` for people.

    For somebody whom App Service authentication has signed in: no key is needed. It changes nothing: where a record
    could be coupled or created, it shows a page with a button for that.
    """
    from shared.services.ribbon import look_at

    return _led(await look_at(call.services, call.path["table"], call.path["id"]))


@operation(Role.OPERATOR, {200: Page, 303: Redirect}, problems=(*ROW, "too_many_tasks"))
async def create_in_business_central(call: Call) -> Reply:
    """Couples or creates the record of a row and leads the browser there: what the button of that page does.

    Only pages of this app may ask for it in the name of the person who is signed in.
    """
    from shared.services.ribbon import open_in_business_central as open_record

    path = call.path
    return _led(await open_record(call.services, path["table"], path["id"], call.caller, patience=PATIENCE))


def _led(answer: RibbonAnswer) -> Reply:
    if answer.address is not None:
        return Reply(Redirect(), 303, {"Location": answer.address})
    return Reply(Page(page_about(answer)), 200, HEADERS)
