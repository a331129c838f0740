"""Alternate keys: what is defined, who has which values, and which row an address means."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from infra.local.dataverse.errors import Refusal, no_such_key, violated_key, wrong_key
from infra.local.dataverse.query.conditions import comparable
from infra.local.dataverse.query.literals import stored_text
from infra.local.dataverse.schema.model import Column, Kind, Table
from infra.local.dataverse.storage import Storage, fold
from infra.local.dataverse.values import guid

FORBIDDEN = frozenset("/<>*%&:\\?+")
MOST_KEYS, MOST_COLUMNS = 10, 16
_KINDS = frozenset({Kind.DECIMAL, Kind.INTEGER, Kind.STRING, Kind.DATETIME, Kind.CHOICE, Kind.LOOKUP, Kind.CUSTOMER})


@dataclass(frozen=True)
class EntityKey:
    """One alternate key: its schema name and the logical names of its columns."""

    name: str
    columns: tuple[str, ...]
    id: str


class Keys:
    """The alternate keys of all tables; a fresh organization has none."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self.reload()

    def reload(self) -> None:
        """Read the definitions from storage."""
        self._keys: dict[str, list[EntityKey]] = defaultdict(list)
        for entity, name, columns, key_id in self._storage.all("SELECT entity, name, columns, id FROM entity_key"):
            self._keys[entity].append(EntityKey(name, tuple(json.loads(columns)), key_id))

    def of(self, table: Table) -> Sequence[EntityKey]:
        """Answer the keys of a table."""
        return self._keys.get(table.name, ())

    def define(self, table: Table, name: str, columns: Sequence[str]) -> EntityKey:
        """Add a key, active at once; raises Refusal for columns that cannot be part of a key."""
        _check_definition(table, name, columns, self.of(table))
        key = EntityKey(name, tuple(columns), str(uuid4()))
        self._storage.run(
            "INSERT INTO entity_key VALUES (?, ?, ?, ?)", (table.name, name, json.dumps(list(columns)), key.id)
        )
        parts = ", ".join(comparable(f'"{one}"', table.columns[one]) for one in columns)
        self._storage.run(f'CREATE INDEX IF NOT EXISTS "key_{table.name}_{name}" ON "{table.name}" ({parts})')
        self._keys[table.name].append(key)
        return key

    def remove(self, table: Table, key: EntityKey) -> None:
        """Take a key away."""
        self._storage.run("DELETE FROM entity_key WHERE entity = ? AND name = ?", (table.name, key.name))
        self._storage.run(f'DROP INDEX IF EXISTS "key_{table.name}_{key.name}"')
        self._keys[table.name].remove(key)

    def check(self, table: Table, row_id: str, values: Mapping[str, Any], changed: set[str]) -> None:
        """Raise the service's refusal where another row has the same values in a key."""
        for key in self.of(table):
            if changed.isdisjoint(key.columns) or any(values.get(name) is None for name in key.columns):
                continue
            wanted = [_comparable_value(table.columns[name], values[name]) for name in key.columns]
            other = self._find(table, key, wanted, row_id)
            if other is not None:
                raise violated_key(key.name, list(key.columns), other, table.name)

    def named(self, table: Table, given: Mapping[str, str]) -> EntityKey:
        """Answer the key with exactly these properties; raises Refusal where there is none."""
        columns = {table.by_wire[name].name if name in table.by_wire else "" for name in given}
        for key in self.of(table):
            if columns == set(key.columns) and len(given) == len(key.columns):
                return key
        raise wrong_key(table.name)

    def find(self, table: Table, given: Mapping[str, str]) -> str | None:
        """Answer the id of the row with these values in an alternate key; raises Refusal for what is no key."""
        key = self.named(table, given)
        _check_characters(table, given)
        values = {table.by_wire[name].name: stored_text(table.by_wire[name], value) for name, value in given.items()}
        return self._find(table, key, [values[name] for name in key.columns], "")

    def _find(self, table: Table, key: EntityKey, wanted: Sequence[Any], except_id: str) -> str | None:
        tests = [f"{comparable(f'"{name}"', table.columns[name])} = ?" for name in key.columns]
        sql = f'SELECT "{table.id}" FROM "{table.name}" WHERE {" AND ".join(tests)} AND "{table.id}" <> ?'
        row = self._storage.one(sql, [*wanted, except_id])
        return row[0] if row else None


def row_of(storage: Storage, keys: Keys, table: Table, key: Mapping[str, str]) -> tuple[str, bool]:
    """Answer the id that an address means, and whether it is a primary key (whose row need not exist).

    Raises Refusal: for what is no key of the table, and where no row has the values of an alternate key.
    """
    if (primary := primary_key(table, key)) is not None:
        return primary, True
    row_id = keys.find(table, key)
    if row_id is None:
        raise no_such_key(table.name)
    return row_id, False


def primary_key(table: Table, key: Mapping[str, str]) -> str | None:
    """Answer the id in an address by primary key, None for an address by alternate key; raises Refusal."""
    if list(key) == [""]:
        row_id = guid(key[""])
        if row_id is None:
            raise wrong_key(table.name)
        return row_id
    if list(key) == [table.id]:
        row_id = guid(key[table.id])
        if row_id is None or not table.named_id:
            raise wrong_key(table.name)
        return row_id
    return None


def _comparable_value(column: Column, value: Any) -> Any:
    return fold(value) if column.kind.is_text else value


def _check_characters(table: Table, given: Mapping[str, str]) -> None:
    for name, value in given.items():
        bad = FORBIDDEN & set(value) if table.by_wire[name].kind.is_text else None
        if bad:
            message = f"A potentially dangerous Request.Path value was detected from the client ({min(bad)})."
            raise Refusal(400, "", message)


def _check_definition(table: Table, name: str, columns: Sequence[str], present: Sequence[EntityKey]) -> None:
    if not name.isidentifier() or not columns or len(columns) > MOST_COLUMNS or len(present) >= MOST_KEYS:
        raise Refusal(400, "0x80060889", f"The alternate key '{name}' of {table.name} cannot be made like this.")
    if any(key.name.lower() == name.lower() for key in present):
        raise Refusal(400, "0x80060893", f"An alternate key with the name {name} already exists on {table.name}.")
    for one in columns:
        column = table.columns.get(one)
        if column is None or column.kind not in _KINDS:
            raise Refusal(400, "0x80060888", f"The attribute '{one}' of {table.name} cannot be part of a key.")
