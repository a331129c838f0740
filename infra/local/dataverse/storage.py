"""The rows, in SQLite: one table per Dataverse table with real columns and indexes.

Everything runs in the server's one thread, so a request that does not await in its middle is alone with the data.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Column, Kind, Table

_TYPES = {
    Kind.INTEGER: "INTEGER",
    Kind.BIGINT: "INTEGER",
    Kind.BOOLEAN: "INTEGER",
    Kind.CHOICE: "INTEGER",
    Kind.STATE: "INTEGER",
    Kind.STATUS: "INTEGER",
    Kind.DATETIME: "INTEGER",
    Kind.DOUBLE: "REAL",
    Kind.DECIMAL: "REAL",
    Kind.MONEY: "REAL",
}

FIRST_VERSION = 1_000_000_000
"""Where the counter of versions begins: below is room for rows that are said to be older than everything else."""


class Storage:
    """The database of one organization. `path` is a file; None is one of its own, which goes away in the end."""

    def __init__(self, path: Path | None = None) -> None:
        self._folder = None if path else tempfile.TemporaryDirectory(prefix="dataverse-", ignore_cleanup_errors=True)
        file = path or Path(self._folder.name if self._folder else "") / "organization.sqlite"
        self._connection = sqlite3.connect(file, isolation_level=None, cached_statements=512)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.execute("PRAGMA cache_size=-65536")
        self._connection.execute("PRAGMA temp_store=MEMORY")
        register_functions(self._connection)
        with self.transaction():
            self._create_missing()
        self.version = self._stored_version()
        self._past: int | None = None

    def close(self) -> None:
        """Keep the version counter and let the file go."""
        self._keep_version()
        self._connection.close()
        if self._folder:
            self._folder.cleanup()

    def next_version(self) -> int:
        """Answer the next value of the organization's one counter of versions."""
        self.version += 1
        return self.version

    def past_version(self) -> int:
        """Answer a version that no row has and that is older than every token of change tracking given so far."""
        if self._past is None:
            self._past = self._highest_version(f"< {FIRST_VERSION}")
        self._past += 1
        return self._past

    def all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Answer all rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[Any, ...] | None:
        """Answer the first row of a query."""
        row: tuple[Any, ...] | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def run(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Do a statement; answers how many rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def run_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Do a statement for many rows."""
        self._connection.executemany(sql, rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the block or nothing of it; may be nested. The version counter never goes back."""
        self._connection.execute("SAVEPOINT unit")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK TO unit")
            self._connection.execute("RELEASE unit")
            raise
        self._connection.execute("RELEASE unit")

    def clear(self) -> None:
        """Forget all rows; versions go on counting."""
        with self.transaction():
            for table in (*TABLES, "deleted", "entity_key"):
                self.run(f'DELETE FROM "{table}"')

    def _create_missing(self) -> None:
        for table in TABLES.values():
            for statement in _definition(table):
                self._connection.execute(statement)
        self._connection.execute("CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value)")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS deleted (entity TEXT, id TEXT, version INTEGER, PRIMARY KEY (entity, id))"
        )
        self._connection.execute("CREATE INDEX IF NOT EXISTS deleted_version ON deleted (entity, version)")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS entity_key (entity TEXT, name TEXT, columns TEXT, id TEXT, "
            "PRIMARY KEY (entity, name))"
        )

    def _stored_version(self) -> int:
        """The counter as it was kept; where the process did not end in peace, a number that nobody has seen yet."""
        row = self.one("SELECT value FROM setting WHERE name = 'version'")
        if row is not None:
            self.run("DELETE FROM setting WHERE name = 'version'")
            return int(row[0])
        return 1000 + max(self._highest_version(f">= {FIRST_VERSION}"), FIRST_VERSION)

    def _highest_version(self, condition: str) -> int:
        highest = [
            self.one(f'SELECT max(versionnumber) FROM "{name}" WHERE versionnumber {condition}') for name in TABLES
        ]
        highest.append(self.one(f"SELECT max(version) FROM deleted WHERE version {condition}"))
        return max((int(one[0]) for one in highest if one and one[0] is not None), default=0)

    def _keep_version(self) -> None:
        self.run("INSERT OR REPLACE INTO setting VALUES ('version', ?)", (self.version,))


@cache
def stored_columns(table: Table) -> tuple[str, ...]:
    """The names of a table's columns in SQLite, in order."""
    names = []
    for column in table.columns.values():
        names.append(column.name)
        if column.type_column:
            names.append(column.type_column)
    return tuple(names)


def _definition(table: Table) -> Iterator[str]:
    columns = ", ".join(f'"{name}" {_sql_type(table, name)}' for name in stored_columns(table))
    yield f'CREATE TABLE IF NOT EXISTS "{table.name}" ({columns})'
    yield f'CREATE UNIQUE INDEX IF NOT EXISTS "{table.name}_id" ON "{table.name}" ("{table.id}")'
    yield f'CREATE INDEX IF NOT EXISTS "{table.name}_version" ON "{table.name}" (versionnumber)'
    for column in table.columns.values():
        if column.indexed:
            yield _index(table, column)


def _sql_type(table: Table, name: str) -> str:
    column = table.columns.get(name)
    return _TYPES.get(column.kind, "TEXT") if column else "TEXT"


def _index(table: Table, column: Column) -> str:
    head = f'CREATE INDEX IF NOT EXISTS "{table.name}_{column.name}" ON "{table.name}"'
    if column.kind.is_text:
        return f'{head} (fold("{column.name}"), "{table.id}")'
    # Most lookups are empty in most rows; an index of the others costs little.
    sparse = f' WHERE "{column.name}" IS NOT NULL' if column.kind.is_lookup else ""
    return f'{head} ("{column.name}"){sparse}'


def register_functions(connection: sqlite3.Connection) -> None:
    """Give SQLite what it lacks: comparison without case in every script, and the service's wildcards."""
    connection.create_function("fold", 1, fold, deterministic=True)
    connection.create_function("wildcard", 2, _matches_wildcards, deterministic=True)


def fold(text: str | None) -> str | None:
    """Answer the form in which texts are compared: the service knows no case in filters."""
    return None if text is None else str(text).casefold()


def _matches_wildcards(pattern: str, text: str | None) -> int | None:
    return None if text is None else int(_compiled(pattern).fullmatch(text) is not None)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Read a pattern of `%`, `_`, `[ ]` and `[^ ]` as a regular expression."""
    parts = []
    rest = pattern
    while rest:
        set_of = re.match(r"\[(\^?)([^\]]+)\]", rest)
        if set_of:
            parts.append(_character_set(set_of[1], set_of[2]))
            rest = rest[set_of.end() :]
            continue
        parts.append({"%": ".*", "_": "."}.get(rest[0], re.escape(rest[0])))
        rest = rest[1:]
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def _character_set(negation: str, members: str) -> str:
    escaped = "".join("\\" + one if one in "\\]^[" else one for one in members)
    # A range that runs backwards matches nothing in SQL; to a regular expression it is an error.
    try:
        re.compile(f"[{escaped}]")
    except re.error:
        escaped = escaped.replace("-", "\\-")
    return f"[{negation}{escaped}]"
