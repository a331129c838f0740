"""What the row stores in memory tell about their tables, as the services do by their metadata, and who may write."""

from __future__ import annotations

from collections.abc import Iterable

from shared.core.tables import Table, TableName


class MemoryTables:
    """The tables of one side, as they were given to the store."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables: dict[str, Table] = {}
        self._refused_filters: dict[str, str] = {}
        self._withheld: set[tuple[str, str]] = set()
        for table in tables:
            self.add_table(table)

    async def tables(self, api: str | None = None) -> list[TableName]:
        """See RowStore."""
        found = [TableName(one.name, one.caption) for one in self._tables.values() if one.api == api]
        return sorted(found, key=lambda one: one.name)

    async def describe(self, name: str) -> Table | None:
        """See RowStore: as the table was given to this store."""
        return self._tables.get(name)

    async def refusal_of(self, table: Table, condition: str) -> str | None:
        """See RowStore: what `refuse_filter` said, else nothing."""
        return self._refused_filters.get(condition)

    def refuse_filter(self, condition: str, message: str) -> None:
        """From now on the service does not take this filter."""
        self._refused_filters[condition] = message

    def withhold(self, table: Table, *writes: str) -> None:
        """From now on the app lacks the permission for these writes (create, update, delete); for all others not."""
        self._withheld = {one for one in self._withheld if one[0] != table.name} | {(table.name, one) for one in writes}

    def is_withheld(self, table: Table, write: str) -> bool:
        """Whether the app lacks the permission for such a write."""
        return (table.name, write) in self._withheld

    def add_table(self, table: Table) -> None:
        """Somebody extends the system by a table, or a table by columns."""
        self._tables[table.name] = table
