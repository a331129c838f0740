"""What the broker holds, as a file: so that it can be stopped and started again without forgetting a message.

The service itself never forgets one; a broker that is killed instead of stopped does.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.local.service_bus.entities import Message, State
from infra.local.service_bus.messages import parse, render
from infra.local.service_bus.queue import Queue


def keep(queues: Mapping[str, Queue], path: Path) -> None:
    """Write the contents of all queues to a file."""
    path.write_text(json.dumps({name: _kept(queue) for name, queue in queues.items()}), encoding="utf-8")


def refill(queues: Mapping[str, Queue], path: Path) -> None:
    """Put back what `keep` has written, if it has; queues that are no longer configured are left out."""
    if not path.exists():
        return
    for name, kept in json.loads(path.read_text(encoding="utf-8")).items():
        if name in queues:
            states = {session: (b64decode(state), at) for session, (state, at) in kept["states"].items()}
            queues[name].refill(map(_message, kept["messages"]), kept["seen"], states, kept["next_number"])


def _kept(queue: Queue) -> dict[str, Any]:
    messages, history, states, next_number = queue.contents()
    return {
        "messages": [_document(message) for message in messages],
        "seen": {key: at for key, at in history.seen.items() if isinstance(key, str)},
        "states": {session: (b64encode(state).decode(), at) for session, (state, at) in states.items()},
        "next_number": next_number,
    }


def _document(message: Message) -> dict[str, Any]:
    payload = render(
        message.content,
        sequence_number=message.sequence_number,
        enqueued_at=message.enqueued_at,
        delivery_count=message.delivery_count,
        state=message.state,
    )
    return {
        "payload": b64encode(payload).decode(),
        "sequence_number": message.sequence_number,
        "enqueued_at": message.enqueued_at,
        "state": message.state,
        "activates_at": message.activates_at,
        "expires_at": message.expires_at,
        "delivery_count": message.delivery_count,
        "dead_letter_source": message.dead_letter_source,
    }


def _message(document: dict[str, Any]) -> Message:
    given = dict(document)
    content = parse(b64decode(given.pop("payload")))
    return Message(content=content, **given | {"state": State(given["state"])})
