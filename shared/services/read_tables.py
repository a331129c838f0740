"""Tables as the services described them: what the standard set does not know, kept beside the mappings."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.sides import Side
from shared.core.tables import Table
from shared.ports import Put, Remove, StateRow
from shared.services.repositories.documents import VERSION, refuse_newer

PREFIX = "table|"

type Named = tuple[str, str]
"""A table by its side and its name."""


class ReadTables:
    """The stored descriptions of a connection, as they were when its mappings were last read.

    A description that has not changed stays the same object, for much is worked out once for each table.
    """

    def __init__(self) -> None:
        self._known: dict[Named, tuple[str, Table]] = {}

    def get(self, side: Side, name: str) -> Table | None:
        """The description of a table, if one is stored."""
        found = self._known.get((side, name))
        return found[1] if found else None

    @property
    def names(self) -> list[Named]:
        """Which tables are described here."""
        return list(self._known)

    def learn(self, rows: Iterable[StateRow]) -> None:
        """These documents are all there are. Raises NeedsPerson for one of a newer release."""
        self._known = dict(map(self._one, rows))

    def add(self, table: Table, etag: str) -> None:
        """One more was stored."""
        self._known[(table.side, table.name)] = (etag, table)

    def _one(self, row: StateRow) -> tuple[Named, tuple[str, Table]]:
        _, side, name = row.key.split("|", 2)
        known = self._known.get((side, name))
        return (side, name), known if known is not None and known[0] == row.etag else (row.etag, _table_of(row))


def keep(table: Table) -> Put:
    """Store a description."""
    return Put(
        _key(table.side, table.name), {"version": VERSION, **table.model_dump(mode="json", exclude_defaults=True)}
    )


def forget(side: str, name: str) -> Remove:
    """Remove a description."""
    return Remove(_key(side, name))


def _key(side: str, name: str) -> str:
    return f"{PREFIX}{side}|{name}"


def _table_of(row: StateRow) -> Table:
    refuse_newer(row.body, "description of a table")
    return Table.model_validate({name: value for name, value in row.body.items() if name != "version"})
