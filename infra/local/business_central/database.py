"""The tables of a company in SQLite: a real column per property, one connection that writes and one that reads.

The reading connection sees committed rows only, so a snapshot batch stays invisible until it is done. Every change
gives a row a new random `version`, from which its etag is made.
"""

from __future__ import annotations

import random
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from infra.local.business_central.schema import ENTITY_SETS, STORED_SETS, EntitySet, Stored

Record = dict[str, Stored]

LINKS = "links"
SERIES = "numberSeries"
_SQL_TYPES = {"boolean": "INTEGER", "integer": "INTEGER", "moment": "INTEGER", "decimal": "REAL"}
INDEXED = ("lastModifiedDateTime", "displayName", "email", "companyNumber")
_TAKEN_AT = {"customers": ("salespersonCode", "currencyCode"), "vendors": ("currencyCode",)}


@lru_cache
def columns(name: str) -> tuple[str, ...]:
    """The columns of a stored set, `version` last."""
    return (*ENTITY_SETS[name].properties, "version")


@lru_cache
def _column_list(name: str) -> str:
    return ", ".join(f'"{column}"' for column in columns(name))


@lru_cache
def _insert_sql(name: str) -> str:
    return f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns(name)))})"


@lru_cache
def _update_sql(name: str, changed: tuple[str, ...]) -> str:
    assignments = ", ".join(f'"{column}" = ?' for column in changed)
    return f'UPDATE {name} SET {assignments} WHERE "{ENTITY_SETS[name].identity}" = ?'


def new_version() -> int:
    """A number that no other state of a row has."""
    return random.getrandbits(63)


class Rows:
    """Reading by one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def query(self, sql: str, parameters: Iterable[Stored] = ()) -> list[tuple[Stored, ...]]:
        """Run a SELECT."""
        return self.connection.execute(sql, tuple(parameters)).fetchall()

    def find(self, name: str, column: str, value: Stored) -> Record | None:
        """Answer the row of a table whose column has this value, if any."""
        sql = f'SELECT {_column_list(name)} FROM {name} WHERE "{column}" = ? LIMIT 1'
        row = self.connection.execute(sql, (value,)).fetchone()
        return None if row is None else dict(zip(columns(name), row, strict=True))

    def get(self, name: str, identity: Stored) -> Record | None:
        """Answer a row by its id."""
        return self.find(name, ENTITY_SETS[name].identity, identity)

    def where(self, name: str, condition: str, *parameters: Stored) -> list[Record]:
        """Answer the rows of a table for which an SQL condition holds."""
        rows = self.query(f"SELECT {_column_list(name)} FROM {name} WHERE {condition}", parameters)
        return [dict(zip(columns(name), row, strict=True)) for row in rows]

    def exists(self, name: str, column: str, value: Stored) -> bool:
        """Tell whether a row with this value is there."""
        return bool(self.query(f'SELECT 1 FROM {name} WHERE "{column}" = ? LIMIT 1', (value,)))


class Database(Rows):
    """The writing connection, and the reader beside it."""

    def __init__(self, path: Path | None = None) -> None:
        self._folder = (
            None if path else tempfile.TemporaryDirectory(prefix="business-central-", ignore_cleanup_errors=True)
        )
        self.path = path or Path(self._folder.name if self._folder else "") / "company.sqlite"
        super().__init__(self._connect())
        _create_tables(self.connection)
        self.reader = Rows(self._connect())
        self.reader.connection.execute("PRAGMA query_only = ON")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=512)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.create_function("fold", 1, _fold, deterministic=True)
        connection.create_function("now_ms", 0, lambda: time.time() * 1000)
        return connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside is stored, or nothing; within another transaction, as a part of that one."""
        name = "part" if self.connection.in_transaction else ""
        self.connection.execute(f"SAVEPOINT {name}" if name else "BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute(f"ROLLBACK TO {name}" if name else "ROLLBACK")
            if name:
                self.connection.execute(f"RELEASE {name}")
            raise
        self.connection.execute(f"RELEASE {name}" if name else "COMMIT")

    def insert(self, name: str, record: Record) -> None:
        """Store a new row; it gets a version."""
        record["version"] = new_version()
        self.connection.execute(_insert_sql(name), tuple(record[column] for column in columns(name)))

    def insert_many(self, name: str, rows: Iterable[Sequence[Stored]]) -> None:
        """Store rows whose values are in the order of the columns."""
        self.connection.executemany(_insert_sql(name), rows)

    def update(self, name: str, record: Record, changed: tuple[str, ...]) -> None:
        """Store the changed columns of a row; it gets a new version."""
        record["version"] = new_version()
        identity = record[ENTITY_SETS[name].identity]
        values = [record[column] for column in (*changed, "version")]
        self.connection.execute(_update_sql(name, (*changed, "version")), (*values, identity))

    def delete(self, name: str, identity: Stored) -> None:
        """Remove a row."""
        self.connection.execute(f'DELETE FROM {name} WHERE "{ENTITY_SETS[name].identity}" = ?', (identity,))

    def clear(self) -> None:
        """Remove every row of every table."""
        names = [str(name) for (name,) in self.query("SELECT name FROM sqlite_master WHERE type = 'table'")]
        with self.transaction():
            for name in names:
                self.connection.execute(f"DELETE FROM {name}")

    def close(self) -> None:
        """Close both connections; a private file goes away."""
        self.reader.connection.close()
        self.connection.close()
        if self._folder:
            self._folder.cleanup()


def _fold(text: str) -> str:
    return text.casefold()


def _create_tables(connection: sqlite3.Connection) -> None:
    for entity_set in STORED_SETS:
        definitions = [_definition(entity_set, column) for column in columns(entity_set.name)]
        connection.execute(f"CREATE TABLE IF NOT EXISTS {entity_set.name} ({', '.join(definitions)})")
        for column in _indexed_columns(entity_set):
            unique = "UNIQUE " if column == entity_set.key else ""
            connection.execute(
                f'CREATE {unique}INDEX IF NOT EXISTS {entity_set.name}_{column} ON {entity_set.name} ("{column}")'
            )
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {LINKS} (contactId TEXT, partnerSet TEXT, partnerId TEXT,"
        " PRIMARY KEY (contactId, partnerSet)) WITHOUT ROWID"
    )
    connection.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {LINKS}_partner ON {LINKS} (partnerId)")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {SERIES} (name TEXT PRIMARY KEY, last INTEGER)")


def _definition(entity_set: EntitySet, column: str) -> str:
    if column == "version":
        return '"version" INTEGER NOT NULL'
    if column == entity_set.identity:
        return f'"{column}" TEXT PRIMARY KEY NOT NULL'
    return f'"{column}" {_SQL_TYPES.get(entity_set.properties[column].kind, "TEXT")} NOT NULL'


def _indexed_columns(entity_set: EntitySet) -> list[str]:
    wanted = (entity_set.key, *INDEXED, *_TAKEN_AT.get(entity_set.name, ()))
    return [name for name in wanted if name in entity_set.properties and name != entity_set.identity]
