"""What `ports.Notifier` promises, held against memory and against the webhook over a receiver on this machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web

from shared.adapters.webhook import Webhook
from shared.core.failures import NeedsPerson, Passing
from shared.core.notifications import Card, Finding, Kind, Topic
from shared.memory.notifier import MemoryNotifier
from shared.ports import Notifier

SECRET = "sig=very-secret"
CARD = Card(
    Kind.PROBLEM,
    "NORTH",
    "2 things need a person",
    datetime(2026, 1, 5, 8, 0, tzinfo=UTC),
    (
        Finding("late|CUSTOMER", Topic.LATE, "It is late.", "CUSTOMER", advice="See GET /api/health."),
        Finding("errors|X", Topic.ERRORS, "12 records: refused", "X", 12, samples=("10000 *Adatum* [x](y)",)),
    ),
    further=3,
)


@dataclass
class Receiver:
    """Takes what is posted to it, and answers `status`."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    bodies: list[Any] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    url: str = ""

    async def take(self, request: web.Request) -> web.Response:
        assert request.query_string == SECRET
        self.bodies.append(await request.json())
        self.types.append(request.content_type)
        return web.Response(status=self.status, headers=self.headers, text=f"an answer with {SECRET}")


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/workflows/1", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"http://127.0.0.1:{port}/workflows/1?{SECRET}"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def webhook(receiver: Receiver) -> AsyncIterator[Webhook]:
    notifier = Webhook(receiver.url, "json")
    yield notifier
    await notifier.aclose()


@pytest.mark.parametrize("kind", ["memory", "json", "teams"])
async def test_a_message_arrives_once(kind: str, receiver: Receiver) -> None:
    memory = MemoryNotifier()
    notifier: Notifier = memory if kind == "memory" else Webhook(receiver.url, kind)  # type: ignore[arg-type]
    await notifier.send(CARD)
    assert len(memory.cards if kind == "memory" else receiver.bodies) == 1


async def test_a_message_in_memory_is_kept_or_refused() -> None:
    notifier = MemoryNotifier(failure=Passing("away"))
    with pytest.raises(Passing):
        await notifier.send(CARD)
    notifier.failure = None
    await notifier.send(CARD)
    assert (notifier.cards, notifier.tries) == ([CARD], 2)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
async def test_a_receiver_in_trouble_is_asked_again_later(status: int, receiver: Receiver, webhook: Webhook) -> None:
    receiver.status = status
    with pytest.raises(Passing, match=str(status)) as failure:
        await webhook.send(CARD)
    assert SECRET not in str(failure.value)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 403, 404, 410, 413])
async def test_a_receiver_that_refuses_needs_a_person(status: int, receiver: Receiver, webhook: Webhook) -> None:
    receiver.status, receiver.headers = status, {"Location": receiver.url}
    with pytest.raises(NeedsPerson, match="NOTIFICATION_URL") as failure:
        await webhook.send(CARD)
    assert SECRET not in str(failure.value)
    assert len(receiver.bodies) == 1, "nobody is led elsewhere"


async def test_a_receiver_that_is_not_there_is_asked_again_later(unused_address: str) -> None:
    with pytest.raises(Passing, match="cannot be reached") as failure:
        await Webhook(f"{unused_address}?{SECRET}", "json").send(CARD)
    assert SECRET not in str(failure.value)


@pytest.fixture
async def unused_address(receiver: Receiver) -> str:
    """An address at which nobody listens."""
    return receiver.url.replace(receiver.url.split(":")[2].split("/")[0], "1").partition("?")[0]


async def test_plain_data(receiver: Receiver, webhook: Webhook) -> None:
    await webhook.send(CARD)
    assert receiver.types == ["application/json"]
    assert receiver.bodies == [
        {
            "version": 1,
            "kind": "problem",
            "connection": "NORTH",
            "title": "2 things need a person",
            "at": "2026-01-05T08:00:00+00:00",
            "findings": [
                {
                    "topic": "late",
                    "mapping": "CUSTOMER",
                    "count": 1,
                    "sentence": "It is late.",
                    "advice": "See GET /api/health.",
                    "samples": [],
                },
                {
                    "topic": "errors",
                    "mapping": "X",
                    "count": 12,
                    "sentence": "12 records: refused",
                    "advice": "",
                    "samples": ["10000 *Adatum* [x](y)"],
                },
            ],
            "further": 3,
        }
    ]


async def test_a_card_for_teams(receiver: Receiver) -> None:
    await Webhook(receiver.url, "teams").send(replace(CARD, kind=Kind.SOLVED))
    (message,) = receiver.bodies
    (attachment,) = message["attachments"]
    card = attachment["content"]
    assert (message["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    assert (card["type"], card["$schema"]) == ("AdaptiveCard", "http://adaptivecards.io/schemas/adaptive-card.json")
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    runs = [run for block in card["body"] for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert [run["text"] for run in runs] == [
        "2 things need a person",
        "Connection NORTH, 2026-01-05 08:00 UTC",
        "CUSTOMER: It is late.",
        "See GET /api/health.",
        "X: 12 records: refused",
        "10000 *Adatum* [x](y)",
        "And 3 more: GET /api/notifications.",
    ]
    assert runs[0]["color"] == "Good"
