"""Business Central through its standard API v2.0, as the port BusinessCentralStore asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import httpx

from shared.adapters.business_central_apis import Apis
from shared.adapters.business_central_errors import failure_of
from shared.adapters.business_central_reading import PRIMARY, REPLICA
from shared.adapters.checking import check_each
from shared.adapters.connected import Connected
from shared.adapters.feeds import Dated, is_settled, modified_news, modified_page
from shared.adapters.gate import RetryPolicy
from shared.adapters.http import Service
from shared.adapters.rows import record_reader, selection
from shared.adapters.tokens import Tokens
from shared.adapters.wire import query
from shared.core.failures import Passing
from shared.core.records import ChangePage, Record, Write, WriteResult
from shared.core.sides import Side
from shared.core.tables import Table, TableName
from shared.defaults import standard_tables
from shared.ports import Check

_CONCURRENT = 5  # requests that the service works on at once, per user; more only queue
_LARGEST_PAGE = 20_000


class BusinessCentral(Connected):
    """One company. `url` is the address up to the environment, what stands before `/api/v2.0`."""

    side = Side.BUSINESS_CENTRAL

    def __init__(
        self,
        url: str,
        company_id: str,
        tokens: Tokens,
        *,
        client: httpx.AsyncClient | None = None,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._company = f"companies({company_id.lower()})"
        self._who = tokens.identity
        service = Service(
            self.side,
            url.rstrip("/") + "/api/v2.0",
            tokens,
            lambda error: failure_of(error, self._who),
            headers={"Accept-Language": "en-US"},  # messages are matched by their text where codes do not tell
            concurrency=_CONCURRENT,
            most_concurrent=_CONCURRENT,
            client=client,
            policy=policy,
        )
        super().__init__(service)
        self._apis = Apis(self._service, self._company, self._who, _CONCURRENT, urlsplit(url).path)

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore. There is no list of changes: rows by time of modification, with an overlap; no deletions."""
        paging = {"Prefer": f"odata.maxpagesize={min(page_size, _LARGEST_PAGE)}"}

        async def fetch(path: str, latest: bool) -> Dated:
            address = path if path.startswith("/") else f"{self._company}/{path}"
            headers = {**(PRIMARY if latest else REPLICA), **paging}
            return Dated(*await self._apis.of(table).service.get_dated(address, headers=headers))

        return await modified_page(table, columns, position, fetch)

    async def has_news(self, table: Table, position: str | None) -> bool:
        """See RowStore: the row that was modified last. Deletions are never told."""

        async def fetch(path: str, latest: bool) -> Dated:
            headers = PRIMARY if latest else REPLICA
            return Dated(*await self._apis.of(table).service.get_dated(f"{self._company}/{path}", headers=headers))

        return await modified_news(table, position, fetch)

    async def count(self, table: Table) -> int:
        """See BusinessCentralStore."""
        path = f"{self._company}/{table.entity_set}{query(select=table.key, top='1', count='true')}"
        found = (await self._apis.of(table).service.get(path, headers=PRIMARY)).get("@odata.count")
        if not isinstance(found, int):
            message = f"{self.side.product} counts no rows of {table.name}."
            raise Passing(message, side=self.side, code="answer")
        return found

    def is_settled(self, position: str | None) -> bool:
        """See RowStore."""
        return is_settled(position)

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """See RowStore."""
        return await self._apis.of(table).reading.by_ids(table, columns, ids)

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """See RowStore. Blank values find nothing."""
        return await self._apis.of(table).reading.by_values(
            table, columns, column, [value for value in values if value]
        )

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """See RowStore."""
        return await self._apis.of(table).reading.beginning(table, columns, column, text, most)

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """See RowStore."""
        return [record async for page in self.pages(table, columns) for record in page]

    async def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """See RowStore."""
        record_of = record_reader(table, columns)
        told: set[str] = set()  # a scan that began again, or a record that got another number, comes by twice
        async for rows in self._apis.of(table).reading.pages(self._whole(table, selection(table, columns))):
            records = [record for record in map(record_of, rows) if record.id not in told]
            told.update([record.id for record in records])
            yield records

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore."""
        async for rows in self._apis.of(table).reading.pages(self._whole(table, table.key)):
            yield [str(row[table.key]).lower() for row in rows]

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore. A create whose answer was lost is UNKNOWN: the service cannot tell a repeated one."""
        return await self._apis.of(table).writing.write(table, writes, returning)

    async def company_contacts(self, table: Table, ids: Sequence[str]) -> dict[str, str]:
        """See BusinessCentralStore."""
        return await self._apis.of(table).reading.company_contacts(table, ids)

    async def tables(self, api: str | None = None) -> list[TableName]:
        """See RowStore."""
        return await self._apis.tables(api)

    async def describe(self, name: str) -> Table | None:
        """See RowStore: of the metadata document of the table's API."""
        return await self._apis.describe(name)

    async def refusal_of(self, table: Table, condition: str) -> str | None:
        """See RowStore."""
        return await self._apis.refusal_of(table, condition)

    async def check(self) -> list[Check]:
        """See RowStore: the company, then one row of each table that the standard mappings use."""
        tables = [table for table in standard_tables().values() if table.side is self.side]
        probes = {"Business Central: company": self._company} | {
            f"Business Central: {table.caption}": f"{self._company}/{table.entity_set}?$top=1&$select={table.key}"
            for table in tables
        }
        return await check_each(self._service, probes, f"{self._who} can read it")

    def _whole(self, table: Table, select: str) -> str:
        return f"{self._company}/{table.entity_set}{query(select=select)}"
