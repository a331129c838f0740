"""Webhooks: the steps that are registered for a message, and the deliveries (page "Use webhooks").

Every step is run asynchronously: sixty seconds at most, and a second attempt only for 502, 503 and 504. A delivery that
fails leaves a failed system job.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

import aiohttp

from infra.local.dataverse.event_body import LARGEST, serialized, stripped
from infra.local.dataverse.events import Event
from infra.local.dataverse.organization import store
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.storage import Storage

PATIENCE_SECONDS = 60
_WEBHOOK, _KEY, _HEADER, _QUERY = 8, 4, 5, 6
_AGAIN = frozenset({502, 503, 504})
_SYSTEM_EVENT, _COMPLETED, _FAILED = 1, 3, 31

_STEPS = """
    SELECT e.url, e.authtype, e.authvalue, s.filteringattributes, s.name
    FROM sdkmessageprocessingstep s
    JOIN serviceendpoint e ON e.serviceendpointid = s.eventhandler
    JOIN sdkmessage m ON m.sdkmessageid = s.sdkmessageid
    LEFT JOIN sdkmessagefilter f ON f.sdkmessagefilterid = s.sdkmessagefilterid
    WHERE s.statecode = 0 AND e.contract = ? AND m.name = ?
    AND (f.primaryobjecttypecode IS NULL OR f.primaryobjecttypecode = ?) ORDER BY s.rank
"""


@dataclass(frozen=True)
class _Delivery:
    """One request to make: `secrets` go into the headers or the query, as the endpoint says."""

    url: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes
    step: str


class Webhooks:
    """Sends what happens to the endpoints that are registered for it."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._under_way: set[asyncio.Task[None]] = set()

    def publish(self, events: list[Event]) -> None:
        """Start the deliveries of some events."""
        if self._storage.one("SELECT 1 FROM sdkmessageprocessingstep LIMIT 1") is None:
            return
        for event in events:
            for delivery in self._deliveries(event):
                task = asyncio.get_running_loop().create_task(self._deliver(delivery))
                self._under_way.add(task)
                task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Give up what is still under way."""
        for task in list(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _deliveries(self, event: Event) -> list[_Delivery]:
        steps = self._storage.all(_STEPS, (_WEBHOOK, event.message, event.table.name))
        return [
            _delivery(event, url, kind, secret, name or "")
            for url, kind, secret, filtering, name in steps
            if _concerns(event, filtering)
        ]

    async def _deliver(self, delivery: _Delivery) -> None:
        status = await _post(delivery)
        if status in _AGAIN:
            status = await _post(delivery)
        if not 200 <= status < 300:
            self._note_failure(delivery, status)

    def _note_failure(self, delivery: _Delivery, status: int) -> None:
        system = self._storage.one("SELECT systemuserid FROM systemuser WHERE fullname = 'SYSTEM'")
        job = {
            "asyncoperationid": str(uuid4()),
            "name": delivery.step,
            "operationtype": _SYSTEM_EVENT,
            "statecode": _COMPLETED,
            "statuscode": _FAILED,
            "message": f"The webhook call failed with status {status}." if status else "The webhook did not answer.",
        }
        store(self._storage, TABLES["asyncoperation"], [job], system[0] if system else "")


def _concerns(event: Event, filtering: str | None) -> bool:
    """An update concerns a step only where it sets one of the step's columns; a step without any wants all."""
    if event.message != "Update" or not filtering:
        return True
    return not event.values.keys().isdisjoint(name.strip() for name in filtering.split(","))


def _delivery(event: Event, url: str, kind: int, secret: str | None, step: str) -> _Delivery:
    context = serialized(event)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "x-ms-dynamics-organization": "contoso.crm4.dynamics.example",
        "x-ms-dynamics-entity-name": event.table.name,
        "x-ms-dynamics-request-name": event.message,
        "x-ms-correlation-request-id": str(uuid4()),
    }
    if len(context) > LARGEST:
        headers["x-ms-dynamics-msg-size-exceeded"] = "true"
        context = stripped(event)
    query = {"code": secret or ""} if kind == _KEY else {}
    if kind == _HEADER:
        headers |= _settings(secret)
    if kind == _QUERY:
        query = _settings(secret)
    return _Delivery(url, headers, query, context, step)


def _settings(secret: str | None) -> dict[str, str]:
    """Read `<settings><setting name="..." value="..."/></settings>`; what cannot be read adds nothing."""
    try:
        root = ElementTree.fromstring(secret or "<settings/>")
    except ElementTree.ParseError:
        return {}
    return {one.get("name", ""): one.get("value", "") for one in root.iter("setting")}


async def _post(delivery: _Delivery) -> int:
    """Make the request; answers its status, 0 where there was no answer in time."""
    timeout: Any = aiohttp.ClientTimeout(total=PATIENCE_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(delivery.url, data=delivery.body, headers=delivery.headers, params=delivery.query) as answer,
        ):
            return answer.status
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return 0
