"""What the app tells people by itself, over HTTP. The use cases are imported where they are called."""

from __future__ import annotations

from functions.api.operation import Call, Reply, operation
from functions.queries import PageQuery
from shared.core.access import Role
from shared.services.forms.notifications import NotificationsAnswer, SentAnswer


@operation(Role.READER, {200: NotificationsAnswer})
async def list_notifications(call: Call[PageQuery]) -> Reply:
    """What needs a person now, whether people were told of it, and when something was last sent.

    Errors are grouped by mapping and cause. `trouble` says why the last message did not arrive; it is tried again.
    See [schedules and notifications](schedules.md).
    """
    from shared.services.notifying import notifications_page

    return Reply(await notifications_page(call.services, after=call.query.continuation, limit=call.query.limit))


@operation(
    Role.ADMINISTRATOR,
    {200: SentAnswer},
    problems=("notifications_off", "not_delivered"),
)
async def send_test_notification(call: Call) -> Reply:
    """Sends a test message to the address that is set, at once."""
    from shared.services.notifying import send_test

    await send_test(call.services)
    return Reply(SentAnswer())
