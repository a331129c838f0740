"""The state store in memory: `ports.StateStore`, with the refusals of Table Storage."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.ports import MAX_CHANGES, Check, Insert, Put, Remove, StateChange, StateConflict, StateRow

MAX_KEY = 250
MAX_BODY = 400_000
MAX_TRANSACTION = 4 * 1024 * 1024
_OVERHEAD = 4_096


@dataclass(frozen=True, slots=True)
class _Document:
    text: str
    etag: str


class MemoryState:
    """Documents in dictionaries. `calls` counts the calls of each method.

    Bodies are held as JSON text, so that a caller never shares an object with the store.
    """

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self._partitions: dict[tuple[str, str], dict[str, _Document]] = {}
        self._version = 0

    async def get(self, table: str, partition: str, key: str) -> StateRow | None:
        """One document, or None."""
        self.calls["get"] += 1
        return self._row(self._partition(table, partition), _checked(key))

    async def get_many(self, table: str, partition: str, keys: Sequence[str]) -> dict[str, StateRow]:
        """Those of these documents that exist, by key."""
        self.calls["get_many"] += 1
        documents = self._partition(table, partition)
        return {key: row for key in keys if (row := self._row(documents, _checked(key)))}

    async def scan(
        self, table: str, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[StateRow]:
        """Documents in key order (by UTF-16 unit) whose key starts with `prefix` and lies beyond `after`."""
        self.calls["scan"] += 1
        documents = self._partition(table, partition)
        beyond = b"" if after is None else _ordinal(_checked(after))
        keys = [key for key in documents if key.startswith(_checked(prefix))]
        keys = sorted((key for key in keys if after is None or _ordinal(key) > beyond), key=_ordinal)
        return [row for key in keys[:limit] if (row := self._row(documents, key))]

    async def transact(self, table: str, partition: str, changes: Sequence[StateChange]) -> dict[str, str]:
        """Do all of these changes or none. Raises StateConflict; ValueError for what Table Storage would not hold."""
        self.calls["transact"] += 1
        texts = _checked_texts(changes)
        documents = self._partition(table, partition)
        for change in changes:
            if _conflicts(change, documents.get(change.key)):
                raise StateConflict(change.key)
        for change in changes:
            documents.pop(change.key, None)
        for key, text in texts.items():
            self._version += 1
            documents[key] = _Document(text, f'W/"{self._version}"')
        return {key: documents[key].etag for key in texts}

    async def check(self) -> list[Check]:
        """Always well."""
        return [Check("State in memory", True, "Documents are lost when the process ends.")]

    async def aclose(self) -> None:
        """Nothing to close."""

    def _partition(self, table: str, partition: str) -> dict[str, _Document]:
        if not (table.isascii() and table.isalnum()):
            raise ValueError(f"a table's name has letters and digits only: {table!r}")
        return self._partitions.setdefault((table.lower(), _checked(partition)), {})

    def _row(self, documents: Mapping[str, _Document], key: str) -> StateRow | None:
        document = documents.get(key)
        return StateRow(key, document.text, document.etag) if document else None


def _ordinal(key: str) -> bytes:
    return key.encode("utf-16-be")


def _checked(key: str) -> str:
    if len(key) > MAX_KEY:
        raise ValueError(f"a key has at most {MAX_KEY} characters, this one {len(key)}: {key[:40]!r}...")
    key.encode("utf-8")  # refuses half a surrogate pair
    return key


def _checked_texts(changes: Sequence[StateChange]) -> dict[str, str]:
    """The JSON texts to store by key. Raises ValueError when one transaction may not hold these changes."""
    if len(changes) > MAX_CHANGES:
        raise ValueError(f"a transaction has at most {MAX_CHANGES} changes, this one {len(changes)}")
    if len({_checked(change.key) for change in changes}) < len(changes):
        raise ValueError("a transaction changes each key at most once")
    texts = {change.key: _text(change.body) for change in changes if not isinstance(change, Remove)}
    room = MAX_TRANSACTION - len(changes) * _OVERHEAD
    # Written down, a character beyond the basic plane takes 12: most transactions need no closer look.
    most = sum(12 * len(text) + 2 for text in texts.values())
    if most >= room and sum(len(json.dumps(text)) for text in texts.values()) >= room:
        raise ValueError(f"a transaction stays below {MAX_TRANSACTION:,} bytes")
    return texts


def _text(body: Mapping[str, Any]) -> str:
    text = json.dumps(dict(body), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    length = len(text) if 2 * len(text) <= MAX_BODY else len(text.encode("utf-16-le", "surrogatepass")) // 2
    if length > MAX_BODY:
        raise ValueError(f"a document has at most {MAX_BODY:,} characters of JSON, this one {length:,}")
    return text


def _conflicts(change: StateChange, stored: _Document | None) -> bool:
    match change:
        case Insert():
            return stored is not None
        case Put(etag=None) | Remove(etag=None):
            return False
        case Put(etag=etag) | Remove(etag=etag):
            return stored is None or stored.etag != etag
