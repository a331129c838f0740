"""Webhook notifications: changes are collected for a while, then each notification URL gets one POST.

Consecutive updates of a record become one. More than 1,000 changes of a subscription become one `collection` entry,
whose filter starts shortly before the first change, unless something was deleted. An answer of 408, 429, 5xx or none
is tried again five times; after that, and after any other refusal at once, all subscriptions of the URL are gone.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

from infra.local.business_central.company import Company
from infra.local.business_central.subscriptions import Subscription, Subscriptions
from infra.local.business_central.values import moment_text

USUAL_DELAY_MS = 30_000
_TRIES_AFTER_SECONDS = (60, 60, 600, 6_000, 60_000)
_MOST_SINGLE = 1000
_MARGIN_MS = 50
_ANSWER_SECONDS = 30


@dataclass(frozen=True)
class Change:
    """A change of one record: `kind` is created, updated or deleted; `moment` in milliseconds since 1970."""

    set: str
    kind: str
    id: str
    moment: int


class Notifier:
    """Sends what happens to those who subscribed."""

    def __init__(self, company: Company, subscriptions: Subscriptions, http: aiohttp.ClientSession) -> None:
        self._company = company
        self._subscriptions = subscriptions
        self._http = http
        self._tasks: set[asyncio.Task[None]] = set()
        self._collecting = False

    def look(self) -> None:
        """Take note that something may have changed: begin to collect unless it has begun already."""
        if self._company.unsent and not self._collecting and self._subscriptions.none:
            # What happens while nobody listens is never told.
            self._company.unsent.clear()
        elif self._company.unsent and not self._collecting:
            self._collecting = True
            self._start(self._send_later())

    async def close(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send_later(self) -> None:
        await asyncio.sleep(self._company.switches.webhook_delay_ms / 1000)
        self._collecting = False
        changes = [Change(*one) for one in self._company.unsent]
        self._company.unsent.clear()
        by_url: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for subscription in self._subscriptions.active():
            by_url[subscription.url] += entries(subscription, [one for one in changes if one.set == subscription.set])
        for url, values in by_url.items():
            if values:
                self._start(self._deliver(url, values))

    async def _deliver(self, url: str, values: list[dict[str, Any]]) -> None:
        pace = self._company.switches.webhook_delay_ms / USUAL_DELAY_MS
        for pause in (*_TRIES_AFTER_SECONDS, None):
            status = await self._post(url, values)
            if 200 <= status < 300:
                return
            if pause is None or not (status in (0, 408, 429) or status >= 500):
                break
            await asyncio.sleep(pause * pace)
        for subscription in self._subscriptions.active():
            if subscription.url == url:
                self._subscriptions.remove(subscription.id)

    async def _post(self, url: str, values: list[dict[str, Any]]) -> int:
        """The status of the answer; 0 where there was none."""
        attempt = str(uuid4())
        headers = {"clientRequestId": attempt, "x-ms-correlation-id": attempt}
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with self._http.post(url, json={"value": values}, headers=headers, timeout=timeout) as response:
                return response.status
        return 0


def entries(subscription: Subscription, changes: Sequence[Change]) -> list[dict[str, Any]]:
    """What one subscription is told of changes in their order."""
    merged: list[Change] = []
    last: dict[str, int] = {}
    for change in changes:
        at = last.get(change.id)
        if at is not None and change.kind == "updated" and merged[at].kind == "updated":
            merged[at] = change
        else:
            last[change.id] = len(merged)
            merged.append(change)
    if len(merged) > _MOST_SINGLE:
        return [_entry(subscription, _collection(subscription, merged), "collection", merged[-1].moment)]
    return [_entry(subscription, f"{subscription.resource}({one.id})", one.kind, one.moment) for one in merged]


def _collection(subscription: Subscription, changes: Sequence[Change]) -> str:
    if any(one.kind == "deleted" for one in changes):
        return f"/{subscription.resource}"
    since = moment_text(min(one.moment for one in changes) - _MARGIN_MS)
    return f"/{subscription.resource}?$filter=lastModifiedDateTime%20gt%20{since}"


def _entry(subscription: Subscription, resource: str, kind: str, moment: int) -> dict[str, Any]:
    return {
        "subscriptionId": subscription.id,
        "clientState": subscription.client_state,
        "expirationDateTime": moment_text(subscription.expires),
        "resource": resource,
        "changeType": kind,
        "lastModifiedDateTime": moment_text(moment),
    }
