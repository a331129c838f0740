"""Telling people by itself: at most one message at a time, grouped, never the same twice, and never in the way.

The desk is stored before a message is sent and after: of two instances one sends. A host that dies in between leaves a
message that is sent once more after some minutes.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from shared.core.failures import SyncFailure
from shared.core.notifications import Card, Desk, Finding, Kind, Outbox, began, delivered, failed, may_send, weigh
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.findings import findings
from shared.services.forms.notifications import NotificationsAnswer, OpenFindingAnswer
from shared.services.problems import Problem
from shared.services.repositories.notifications import desk_of
from shared.services.repositories.one_document import Stored

log = logging.getLogger(__name__)


async def notify(services: Services) -> bool:
    """Look for what needs a person, and tell it if it is time; whether a message was delivered. Never raises."""
    if services.notifier is None:
        return False
    try:
        return await _notify(services)
    except SyncFailure as failure:
        log.warning("people could not be told what needs them: %s", failure)
    except Exception:
        log.exception("people could not be told what needs them")
    return False


async def _notify(services: Services) -> bool:
    stored = await desk_of(services.state, services.connection).get()
    now = services.clock.now()
    if not may_send(stored.value, now, services.policy.notify_every):
        return False
    outbox = weigh(stored.value, await findings(services), services.connection, now)
    desk = replace(stored.value, open=outbox.open)
    if outbox.card is not None:
        return await _send(services, outbox.card, outbox, stored)
    if desk != stored.value:
        await _save(services, desk, stored)
    return False


async def _send(services: Services, card: Card, outbox: Outbox, stored: Stored[Desk]) -> bool:
    """Send a message unless somebody else is doing so, and write down what became of it."""
    now = services.clock.now()
    reserved = await _save(services, began(replace(stored.value, open=outbox.open), now), stored)
    if reserved is None or services.notifier is None:
        return False
    try:
        await services.notifier.send(card)
    except SyncFailure as failure:
        log.warning("a notification was not delivered: %s", failure)
        await _save(services, failed(reserved.value, str(failure), now), reserved)
        return False
    await _save(services, delivered(reserved.value, outbox.afterwards, now), reserved)
    log.info("people were told: %s", card.title)
    return True


async def send_test(services: Services) -> None:
    """Send a test message now. Raises Problem: 409 no address is set, 502 it was not delivered."""
    if services.notifier is None:
        raise Problem(409, "notifications_off", "No address is set: NOTIFICATION_URL.")
    card = Card(Kind.TEST, services.connection, "This is a test: notifications arrive here", services.clock.now())
    try:
        await services.notifier.send(card)
    except SyncFailure as failure:
        raise Problem(502, "not_delivered", str(failure)) from failure


async def notifications_page(services: Services, *, after: str | None, limit: int) -> NotificationsAnswer:
    """What is open, whether people were told of it, and when something was last sent."""
    desk = (await desk_of(services.state, services.connection).get()).value
    found = sorted(await findings(services), key=lambda one: one.key)
    rest = [one for one in found if one.key > (after or "")]
    return NotificationsAnswer(
        is_on=services.notifier is not None,
        open=tuple(_open(desk, one) for one in rest[:limit]),
        count=len(found),
        last_sent_at=desk.last_sent_at,
        failures=desk.failures,
        trouble=desk.trouble,
        retry_at=desk.retry_at,
        continuation=rest[limit - 1].key if len(rest) > limit else None,
    )


def _open(desk: Desk, found: Finding) -> OpenFindingAnswer:
    known = desk.open.get(found.key)
    return OpenFindingAnswer(
        topic=found.topic,
        mapping=found.mapping,
        sentence=found.sentence,
        count=found.count,
        advice=found.advice,
        since=known.since if known else None,
        told=known is not None and known.told is not None and found.mark <= known.told,
    )


async def _save(services: Services, desk: Desk, stored: Stored[Desk]) -> Stored[Desk] | None:
    """Store the desk, unless somebody else did since it was read: then None, for that one does what is to be done."""
    try:
        return await desk_of(services.state, services.connection).save(desk, stored)
    except StateConflict:
        return None
