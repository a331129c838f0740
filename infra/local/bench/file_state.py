"""The state store in one SQLite file: `ports.StateStore`, counting transactions as Table Storage bills them.

Billed is one transaction for each point read, each page of at most 1,000 entities, and each entity group transaction
(page "Understand Azure Storage billing"). Nothing is held in memory, so that the memory of a process that uses it is
its own. Each transaction takes `latency` seconds, as many at once as the caller has under way.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from codecs import utf_16_be_decode
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from shared.adapters.documents import MAX_BODY, check_changes, encode_key
from shared.ports import MAX_CHANGES, Check, Insert, Put, Remove, StateChange, StateConflict, StateRow

PAGE = 1000  # entities (Table service: query timeout and pagination)
AT_ONCE = 32  # point reads of one caller in flight, as the adapter keeps it
_HALF = re.compile("[\ud800-\udfff]")
_KEYS_A_QUERY = 500
_SURELY_FITS = 400_000  # characters of a transaction that need no closer look
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    place TEXT NOT NULL, key BLOB NOT NULL, body TEXT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (place, key)
) WITHOUT ROWID
"""


class FileState:
    """Documents in a file. `transactions` counts by kind: `point read`, `page`, `group`."""

    def __init__(self, file: Path, *, latency: float = 0.0) -> None:
        self.transactions: Counter[str] = Counter()
        self.latency = latency
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -16384"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(_SCHEMA)
        self._version = int(self._connection.execute("SELECT ifnull(max(version), 0) FROM documents").fetchone()[0])

    async def get(self, table: str, partition: str, key: str) -> StateRow | None:
        """One document, or None."""
        return (await self.get_many(table, partition, [key])).get(key)

    async def get_many(self, table: str, partition: str, keys: Sequence[str]) -> dict[str, StateRow]:
        """Those of these documents that exist, by key: point reads, at most 32 in flight."""
        place, unique = _place(table, partition), {_ordinal(key): key for key in keys}
        await self._pay("point read", len(unique), AT_ONCE)
        found: dict[str, StateRow] = {}
        wanted = list(unique)
        for at in range(0, len(wanted), _KEYS_A_QUERY):
            piece = wanted[at : at + _KEYS_A_QUERY]
            marks = ",".join("?" * len(piece))
            sql = f"SELECT key, body, version FROM documents WHERE place = ? AND key IN ({marks})"
            found |= {unique[row[0]]: _row(row) for row in self._connection.execute(sql, (place, *piece))}
        return found

    async def scan(
        self, table: str, partition: str, *, prefix: str = "", after: str | None = None, limit: int = 1000
    ) -> list[StateRow]:
        """Documents in key order (by UTF-16 unit) whose key starts with `prefix` and lies beyond `after`."""
        place, first = _place(table, partition), _ordinal(prefix)
        beyond = None if after is None else _ordinal(after)
        is_later = beyond is not None and beyond >= first  # one lower bound: SQLite would walk from the other one
        conditions, values = ["place = ?", f"key {'>' if is_later else '>='} ?"], [place, beyond if is_later else first]
        if end := _beyond(first):
            conditions.append("key < ?")
            values.append(end)
        sql = f"SELECT key, body, version FROM documents WHERE {' AND '.join(conditions)} ORDER BY key LIMIT ?"
        rows = [_row(row) for row in self._connection.execute(sql, (*values, limit))]
        await self._pay("page", max(1, -(-len(rows) // PAGE)), 1)
        return rows

    async def transact(self, table: str, partition: str, changes: Sequence[StateChange]) -> dict[str, str]:
        """Do all of these changes or none. Raises StateConflict; ValueError for what Table Storage would not hold."""
        place = _place(table, partition)
        keys = {change.key: _ordinal(change.key) for change in changes}
        texts = {change.key: _text(change) for change in changes if not isinstance(change, Remove)}
        if len(keys) < len(changes) or len(changes) > MAX_CHANGES or sum(map(len, texts.values())) > _SURELY_FITS:
            check_changes(changes)
        if changes:
            await self._pay("group", 1, 1)
        await self._pay_for_absent(place, changes, keys)
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            try:
                etags = self._do(cursor, place, changes, keys, texts)
            except BaseException:
                cursor.execute("ROLLBACK")
                raise
            cursor.execute("COMMIT")
        return etags

    async def check(self) -> list[Check]:
        """Always well."""
        return [Check("State in a file", True, "Documents are kept as long as the file is.")]

    async def aclose(self) -> None:
        """Let the file go."""
        self._connection.close()

    def _do(
        self,
        cursor: sqlite3.Cursor,
        place: str,
        changes: Sequence[StateChange],
        keys: dict[str, bytes],
        texts: dict[str, str],
    ) -> dict[str, str]:
        etags: dict[str, str] = {}
        for change in changes:
            if not isinstance(change, Put | Remove) or change.etag is not None:
                row = cursor.execute(
                    "SELECT version FROM documents WHERE place = ? AND key = ?", (place, keys[change.key])
                ).fetchone()
                _check_version(change, row[0] if row else None)
        for change in changes:
            if isinstance(change, Remove):
                cursor.execute("DELETE FROM documents WHERE place = ? AND key = ?", (place, keys[change.key]))
                continue
            self._version += 1
            values = (place, keys[change.key], texts[change.key], self._version)
            cursor.execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", values)
            etags[change.key] = _etag(self._version)
        return etags

    async def _pay_for_absent(self, place: str, changes: Sequence[StateChange], keys: dict[str, bytes]) -> None:
        """The service refuses to remove what is not there: the adapter then looks, and sends the rest once more."""
        removed = [keys[change.key] for change in changes if isinstance(change, Remove) and change.etag is None]
        sql = "SELECT count(*) FROM documents WHERE place = ? AND key = ?"
        absent = sum(not self._connection.execute(sql, (place, key)).fetchone()[0] for key in removed)
        if absent:
            await self._pay("point read", len(removed), AT_ONCE)
            await self._pay("group", int(len(changes) > absent), 1)

    async def _pay(self, kind: str, count: int, at_once: int) -> None:
        """Count transactions, and wait as long as they take."""
        self.transactions[kind] += count
        if self.latency and count:
            await asyncio.sleep(self.latency * -(-count // at_once))


def _place(table: str, partition: str) -> str:
    if not (table.isascii() and table.isalnum()):
        raise ValueError(f"a table's name has letters and digits only: {table!r}")
    encode_key(partition)
    return f"{table.lower()}\x00{partition}"


def _ordinal(key: str) -> bytes:
    """A key as bytes that sort as the service sorts it. Raises ValueError for what no key may be."""
    encode_key(key)
    return key.encode("utf-16-be")


def _beyond(prefix: bytes) -> bytes | None:
    """The first bytes after everything that begins with `prefix`; None when nothing lies beyond."""
    head = prefix.rstrip(b"\xff")
    return head[:-1] + bytes([head[-1] + 1]) if head else None


def _text(change: Insert | Put) -> str:
    text = _ENCODER.encode(dict(change.body))
    if len(text) > MAX_BODY // 2 and len(text.encode("utf-16-le", "surrogatepass")) // 2 > MAX_BODY:
        raise ValueError(f"a document has at most {MAX_BODY:,} characters of JSON")
    return text if text.isascii() else _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", text)


def _row(row: tuple[bytes, str, int]) -> StateRow:
    return StateRow(utf_16_be_decode(row[0])[0], row[1], _etag(row[2]))


def _etag(version: int) -> str:
    return f'W/"{version}"'


def _check_version(change: StateChange, stored: int | None) -> None:
    if isinstance(change, Insert):
        if stored is not None:
            raise StateConflict(change.key)
    elif stored is None or change.etag != _etag(stored):
        raise StateConflict(change.key)
