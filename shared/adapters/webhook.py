"""Messages to people through a webhook: plain JSON for any receiver, or a card that Teams shows.

Format `teams` is an Adaptive Card in the envelope of a bot's message, as the trigger *When a Teams webhook request is
received* of Power Automate takes it (page "Create incoming webhooks with Workflows for Microsoft Teams").
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any, Literal

import httpx

from shared.core.failures import NeedsPerson, Passing
from shared.core.notifications import Card, Finding, Kind

type Format = Literal["json", "teams"]

SECONDS = 15.0  # the timer waits for it
_LATER = {408, 425, 429, 500, 502, 503, 504}
_COLOURS = {Kind.PROBLEM: "Attention", Kind.SOLVED: "Good", Kind.TEST: "Accent"}


class Webhook:
    """One address, which is a secret: it never stands in a message or a log."""

    def __init__(self, url: str, format: Format, *, client: httpx.AsyncClient | None = None) -> None:
        self._url = url
        self._format = format
        self._owned = client is None
        self._client = client or httpx.AsyncClient(follow_redirects=False)

    async def send(self, card: Card) -> None:
        """See Notifier."""
        body = teams_message(card) if self._format == "teams" else plain_message(card)
        content = await asyncio.to_thread(json.dumps, body)
        headers = {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(self._url, content=content, headers=headers, timeout=SECONDS)
        except httpx.TransportError as error:
            message = f"The receiver of notifications cannot be reached ({type(error).__name__})."
            raise Passing(message, code="notification") from None
        if answer.status_code in _LATER:
            message = f"The receiver of notifications is in trouble ({answer.status_code})."
            raise Passing(message, code="notification")
        if not answer.is_success:
            message = f"The receiver of notifications refuses them ({answer.status_code}). Look at NOTIFICATION_URL."
            raise NeedsPerson(message, code="notification")

    async def aclose(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()


def plain_message(card: Card) -> dict[str, Any]:
    """The message as data."""
    return {
        "version": 1,
        "kind": card.kind.value,
        "connection": card.connection,
        "title": card.title,
        "at": card.at.isoformat(),
        "findings": [_plain(one) for one in card.findings],
        "further": card.further,
    }


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "topic": finding.topic.value,
        "mapping": finding.mapping,
        "count": finding.count,
        "sentence": finding.sentence,
        "advice": finding.advice,
        "samples": list(finding.samples),
    }


def teams_message(card: Card) -> dict[str, Any]:
    """The message as a card in its envelope."""
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": f"{card.connection}: {card.title}",
        "body": list(_blocks(card)),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _blocks(card: Card) -> Iterator[dict[str, Any]]:
    yield _text(card.title, weight="Bolder", size="Medium", color=_COLOURS[card.kind])
    yield _text(f"Connection {card.connection}, {card.at:%Y-%m-%d %H:%M} UTC", isSubtle=True)
    for finding in card.findings:
        said = f"{finding.mapping}: {finding.sentence}" if finding.mapping else finding.sentence
        yield {**_text(said), "separator": True}
        if finding.samples:
            yield _text(", ".join(finding.samples), isSubtle=True)
        if finding.advice:
            yield _text(finding.advice, isSubtle=True, size="Small")
    if card.further:
        yield {**_text(f"And {card.further} more: GET /api/notifications."), "separator": True}


def _text(text: str, **how: Any) -> dict[str, Any]:
    """A paragraph. Unlike a TextBlock, a TextRun takes no Markdown: a record's name stays what it is."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **how}]}
