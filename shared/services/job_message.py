"""What a message of the queue has to say. Anybody with the right to send may put something else there."""

from __future__ import annotations

import json
from collections.abc import Mapping as Document

from shared.core.failures import NeedsPerson

VERSION = 1
FOREIGN = "It is no message of this app."
_LONGEST = 200  # characters of a name or id: the longest there are have half of that
_WHAT_IT_POINTS_TO = {"connection": str, "mapping": str, "run": str, "slice": int}


def read_message(content: bytes) -> Document[str, object]:
    """The message in these bytes; members that are not known are left alone.

    Raises NeedsPerson for one that this release of the app cannot work off: the queue delivers it some times more and
    sets it aside then, where `GET messages/dead` tells the same sentence.
    """
    try:
        message = json.loads(content)
    except (ValueError, RecursionError):
        message = None
    if trouble := trouble_with(message):
        raise NeedsPerson(trouble, code="unknown_message")
    return dict(message)


def trouble_with(message: object) -> str:
    """Why this is no message that can be worked off; empty when it is one."""
    if not isinstance(message, dict):
        return FOREIGN
    if any(not _is_a(kind, message.get(name)) for name, kind in _WHAT_IT_POINTS_TO.items()):
        return FOREIGN
    version = message.get("version", VERSION)
    if not _is_a(int, version) or version > VERSION:
        return f"It was sent by a newer release of this app (version {version}, this one reads {VERSION})."
    return ""


def _is_a(kind: type, value: object) -> bool:
    if isinstance(value, str):
        return kind is str and len(value) <= _LONGEST and value.isascii() and value.isprintable()
    return kind is int and isinstance(value, int) and not isinstance(value, bool)
