"""Reads the queues from the configuration file of the official Service Bus emulator.

Source of names, defaults and limits: "Service Bus emulator" and "Service Bus quotas" in Microsoft's documentation.
What this broker does not do (topics, auto-forwarding) is refused instead of being ignored.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_MINUTE = 60_000
_DAY = 24 * 60 * _MINUTE
_PROPERTIES = frozenset(
    {
        "DeadLetteringOnMessageExpiration",
        "DefaultMessageTimeToLive",
        "DuplicateDetectionHistoryTimeWindow",
        "ForwardDeadLetteredMessagesTo",
        "ForwardTo",
        "LockDuration",
        "MaxDeliveryCount",
        "RequiresDuplicateDetection",
        "RequiresSession",
    }
)


class ConfigurationError(ValueError):
    """The configuration cannot be used; the message is one sentence that names the field."""


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """How one queue behaves. Durations are in milliseconds; no time to live means that messages never expire."""

    name: str
    lock_duration: int = _MINUTE
    max_delivery_count: int = 10
    requires_session: bool = False
    requires_duplicate_detection: bool = False
    duplicate_detection_window: int = 10 * _MINUTE
    default_time_to_live: int | None = None
    dead_letter_on_expiration: bool = False
    forward_dead_letters_to: str | None = None


def load(path: Path) -> list[QueueSettings]:
    """The queues in the file at `path`.

    Raises:
        ConfigurationError: the file cannot be read or used.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The configuration file {path} cannot be read as JSON: {error}.") from error
    return parse(document)


def parse(document: Any) -> list[QueueSettings]:
    """The queues of an emulator configuration, `document` (the decoded JSON).

    Raises:
        ConfigurationError: a field is missing, unknown, of the wrong type or out of range.
    """
    queues: list[QueueSettings] = []
    for namespace in _array(_member(document, "UserConfig"), "Namespaces"):
        if _array(namespace, "Topics"):
            raise ConfigurationError("Topics: this broker serves queues only.")
        queues += [_queue(entry) for entry in _array(namespace, "Queues")]
    _check_as_a_whole(queues)
    return queues


def _check_as_a_whole(queues: list[QueueSettings]) -> None:
    if not queues:
        raise ConfigurationError("UserConfig.Namespaces[].Queues: at least one queue is needed.")
    by_name = {queue.name.lower(): queue for queue in queues}
    if len(by_name) < len(queues):
        raise ConfigurationError("Name: two queues have the same name, compared without case.")
    for queue in queues:
        if (target := queue.forward_dead_letters_to) is None:
            continue
        if target.lower() not in by_name or target.lower() == queue.name.lower():
            raise _refused(queue.name, "ForwardDeadLetteredMessagesTo", "the name of another queue", target)
        if by_name[target.lower()].requires_session and not queue.requires_session:
            raise _refused(queue.name, "ForwardDeadLetteredMessagesTo", "a queue without sessions", target)


def _queue(entry: Any) -> QueueSettings:
    name = _member(entry, "Name")
    if not isinstance(name, str) or not name.strip("/ "):
        raise ConfigurationError(f"Name: the name of a queue must be a text that is not empty, not {name!r}.")
    given = entry.get("Properties", {})
    if not isinstance(given, dict):
        raise _refused(name, "Properties", "an object", given)
    if unknown := sorted(given.keys() - _PROPERTIES):
        raise ConfigurationError(f"Queue '{name}': {unknown[0]} is not a property of a queue.")
    if given.get("ForwardTo"):
        raise ConfigurationError(f"Queue '{name}': ForwardTo is not supported by this broker.")
    read = _Reader(name, given)
    return QueueSettings(
        name=name,
        lock_duration=read.duration("LockDuration", _MINUTE, longest=5 * _MINUTE),
        max_delivery_count=read.integer("MaxDeliveryCount", 10, highest=2000),
        requires_session=read.boolean("RequiresSession"),
        requires_duplicate_detection=read.boolean("RequiresDuplicateDetection"),
        duplicate_detection_window=read.duration("DuplicateDetectionHistoryTimeWindow", 10 * _MINUTE, longest=7 * _DAY),
        default_time_to_live=read.duration("DefaultMessageTimeToLive", None),
        dead_letter_on_expiration=read.boolean("DeadLetteringOnMessageExpiration"),
        forward_dead_letters_to=read.text("ForwardDeadLetteredMessagesTo"),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads the properties of one queue, with a sentence for each wrong one."""

    queue: str
    given: dict[str, Any]

    def boolean(self, name: str) -> bool:
        value = self.given.get(name, False)
        if not isinstance(value, bool):
            raise _refused(self.queue, name, "true or false", value)
        return value

    def integer(self, name: str, default: int, highest: int) -> int:
        value = self.given.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
            raise _refused(self.queue, name, f"a whole number from 1 to {highest}", value)
        return value

    def text(self, name: str) -> str | None:
        value = self.given.get(name) or None
        if value is not None and not isinstance(value, str):
            raise _refused(self.queue, name, "a text", value)
        return value

    def duration[D: (int, None)](self, name: str, default: D, longest: int | None = None) -> int | D:
        if name not in self.given:
            return default
        value = self.given[name]
        milliseconds = _milliseconds(value)
        if milliseconds is None or milliseconds <= 0 or (longest is not None and milliseconds > longest):
            limit = "" if longest is None else f" of at most {longest // 1000} seconds"
            raise _refused(self.queue, name, f"an ISO 8601 duration{limit}, such as PT1M", value)
        return milliseconds


def _milliseconds(text: Any) -> int | None:
    match = _DURATION.match(text) if isinstance(text, str) else None
    if match is None or not any(match.groups()):
        return None
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return round((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000)


def _member(holder: Any, name: str) -> Any:
    if not isinstance(holder, dict) or name not in holder:
        raise ConfigurationError(f"{name}: the configuration misses this member.")
    return holder[name]


def _array(holder: Any, name: str) -> list[Any]:
    value = holder.get(name, []) if isinstance(holder, dict) else None
    if not isinstance(value, list):
        raise ConfigurationError(f"{name}: must be an array.")
    return value


def _refused(queue: str, field: str, wanted: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"Queue '{queue}': {field} must be {wanted}, not {value!r}.")
