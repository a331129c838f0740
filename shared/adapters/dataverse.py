"""Dataverse through its Web API v9.2, as the port DataverseStore asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from shared.adapters.checking import check_each, refusal_in
from shared.adapters.connected import Connected
from shared.adapters.dataverse_errors import failure_of
from shared.adapters.dataverse_reading import DataverseReading
from shared.adapters.dataverse_tracking import changed_page, has_changed, is_settled
from shared.adapters.dataverse_writing import DataverseWriting
from shared.adapters.feeds import Dated
from shared.adapters.gate import RetryPolicy
from shared.adapters.http import Call, Service
from shared.adapters.rows import record_reader, selection
from shared.adapters.tokens import Tokens
from shared.adapters.wire import json_object, query
from shared.core.records import ChangePage, Record, Write, WriteResult
from shared.core.sides import Side
from shared.core.tables import Table, TableName
from shared.defaults import standard_tables
from shared.ports import Check

_CONCURRENT = 4  # until the service's own hint (x-ms-dop-hint) has come
_MOST_CONCURRENT = 16  # of one process, whatever the hint: other instances share the environment
_LARGEST_PAGE = 5_000
_CHOICE_TYPES = {"statecode": "StateAttributeMetadata", "statuscode": "StatusAttributeMetadata"}


class Dataverse(Connected):
    """One environment. `url` is its address, without `/api/data`."""

    side = Side.DATAVERSE

    def __init__(
        self,
        url: str,
        tokens: Tokens,
        *,
        client: httpx.AsyncClient | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._who = tokens.identity
        root = url.rstrip("/") + "/api/data/v9.2"
        service = Service(
            self.side,
            root,
            tokens,
            lambda error: failure_of(error, self._who),
            headers={"OData-Version": "4.0", "OData-MaxVersion": "4.0"},
            concurrency=_CONCURRENT,
            most_concurrent=_MOST_CONCURRENT,
            client=client,
            policy=policy,
        )
        super().__init__(service)
        self._reading = DataverseReading(self._service, urlsplit(root).path)
        self._writing = DataverseWriting(self._service, urlsplit(root).path, self._reading, self._who)

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore: change tracking, or time of modification where tracking is not enabled for the table."""
        return await changed_page(table, columns, position, min(page_size, _LARGEST_PAGE), self._get_dated)

    async def has_news(self, table: Table, position: str | None) -> bool:
        """See RowStore: a page of one row of what changed, deletions included."""
        return await has_changed(table, position, self._get_dated)

    def is_settled(self, position: str | None) -> bool:
        """See RowStore."""
        return is_settled(position)

    async def _get_dated(self, path: str, headers: Mapping[str, str]) -> Dated:
        return Dated(*await self._service.get_dated(path, headers=headers))

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """See RowStore."""
        return await self._reading.by_ids(table, columns, ids)

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """See RowStore. Blank values find nothing."""
        return await self._reading.by_values(table, columns, column, [value for value in values if value])

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """See RowStore."""
        return await self._reading.beginning(table, columns, column, text, most)

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """See RowStore."""
        return [record async for page in self.pages(table, columns) for record in page]

    async def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """See RowStore."""
        record_of = record_reader(table, columns)
        async for rows in self._reading.pages(table.entity_set + query(select=selection(table, columns))):
            yield [record_of(row) for row in rows]

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore."""
        async for rows in self._reading.pages(table.entity_set + query(select=table.key)):
            yield [str(row[table.key]).lower() for row in rows]

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore. A create with an id of ours is repeated when its answer was lost; without one it is UNKNOWN."""
        return await self._writing.write(table, writes, returning)

    async def choices(self, table: Table, column: str) -> dict[int, str]:
        """See DataverseStore."""
        from shared.adapters.dataverse_metadata import labels_of

        kind = _CHOICE_TYPES.get(column, "PicklistAttributeMetadata")
        path = (
            f"EntityDefinitions(LogicalName='{table.name}')/Attributes(LogicalName='{column}')/"
            f"Microsoft.Dynamics.CRM.{kind}"
            + query(select="LogicalName", expand="OptionSet($select=Options),GlobalOptionSet($select=Options)")
        )
        return labels_of(await self._service.get(path))

    async def tables(self, api: str | None = None) -> list[TableName]:
        """See RowStore."""
        from shared.adapters.dataverse_metadata import tables_of

        return await tables_of(self._service.get)

    async def describe(self, name: str) -> Table | None:
        """See RowStore: of the table's definition."""
        from shared.adapters.dataverse_metadata import address_of, is_name, table_of

        if not is_name(name):
            return None
        answer = await self._service.send(Call("GET", address_of(name)))
        if answer.response.status_code == 404:
            return None
        definition = json_object(answer.response.content) if answer.response.status_code < 300 else None
        if definition is None:
            raise self._service.failure(answer)
        return await table_of(self._service.get, definition)

    async def refusal_of(self, table: Table, condition: str) -> str | None:
        """See RowStore."""
        path = table.entity_set + query(select=table.key, filter=condition, top="1")
        answer = await self._service.send(Call("GET", path))
        return refusal_in(self._service, answer)

    async def check(self) -> list[Check]:
        """See RowStore: who we are, then one row of each table that the standard mappings use."""
        tables = [table for table in standard_tables().values() if table.side is self.side]
        probes = {"Dataverse: sign-in": "WhoAmI"} | {
            f"Dataverse: {table.caption}": f"{table.entity_set}?$select={table.key}&$top=1" for table in tables
        }
        return await check_each(self._service, probes, f"{self._who} can read it")
