"""Business Central through its standard API v2.0, as the port BusinessCentralStore asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import httpx

from shared.adapters.business_central_batch import HEADERS, MOST, batch_answers, batch_body, company_contact_of
from shared.adapters.business_central_errors import failure_of, refusal_of
from shared.adapters.checking import check_each
from shared.adapters.feeds import modified_page
from shared.adapters.filters import equal_to_any
from shared.adapters.gate import RetryPolicy
from shared.adapters.http import WRITE_SECONDS, Call, LostAnswer, Service
from shared.adapters.rows import record_from, selection
from shared.adapters.tokens import Tokens
from shared.adapters.wire import Row, WireError, path_of, query, rows_of
from shared.adapters.writing import together, write_in_chunks
from shared.core.failures import FeedExpired
from shared.core.records import ChangePage, Create, Delete, Record, RefusalKind, Refused, Write, WriteResult, Written
from shared.core.sides import Side
from shared.core.tables import Table
from shared.defaults import standard_tables
from shared.ports import Check

_CONCURRENT = 5  # requests that the service works on at once, per user; more only queue
_LARGEST_PAGE = 20_000
_LONGEST_FILTER = 14_000  # characters, encoded: URLs beyond some 15,700 are refused
_MOST_CONDITIONS = 100
_MOST_EXPANDED = 50  # an expanded sub-page is worked out row by row
# The default is a replica that may lag behind our own writes (page "Using read scale-out").
_PRIMARY = {"Data-Access-Intent": "ReadWrite"}
_REPLICA = {"Data-Access-Intent": "ReadOnly"}


class BusinessCentral:
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
        self._service = Service(
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

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.aclose()

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore. There is no list of changes: rows by time of modification, with an overlap; no deletions."""
        headers = {**_REPLICA, "Prefer": f"odata.maxpagesize={min(page_size, _LARGEST_PAGE)}"}

        async def fetch(path: str) -> Row:
            return await self._service.get(path if path.startswith("/") else f"{self._company}/{path}", headers=headers)

        return await modified_page(table, columns, position, fetch)

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """See RowStore."""
        found = await self._matching(table, columns, table.key, ids)
        return {record.id: record for record in found}

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """See RowStore. Blank values find nothing."""
        return await self._matching(table, columns, column, [value for value in values if value])

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """See RowStore."""
        return [record async for page in self.pages(table, columns) for record in page]

    async def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """See RowStore."""
        told: set[str] = set()  # a scan that began again, or a record that got another number, comes by twice
        async for rows in self._pages(f"{self._company}/{table.entity_set}{query(select=selection(table, columns))}"):
            records = [record_from(table, columns, row) for row in rows]
            yield [record for record in records if record.id not in told]
            told.update(record.id for record in records)

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore."""
        async for rows in self._pages(f"{self._company}/{table.entity_set}{query(select=table.key)}"):
            yield [str(row[table.key]).lower() for row in rows]

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore. A create whose answer was lost is UNKNOWN: the service cannot tell a repeated one."""

        async def send(chunk: Sequence[Write], repeatable: bool) -> list[WriteResult]:
            return await self._batch(table, chunk, returning, repeatable)

        return await write_in_chunks(writes, repeatable=_is_repeatable, most=MOST, lanes=_CONCURRENT, send=send)

    async def company_contacts(self, table: Table, ids: Sequence[str]) -> dict[str, str]:
        """See BusinessCentralStore."""
        expanded = "contactsInformation($select=contactNumber,contactType)"
        paths = [
            f"{self._company}/{table.entity_set}{query(filter=condition, select=table.key, expand=expanded)}"
            for condition in equal_to_any(table, table.key, ids, most=_MOST_EXPANDED, longest=_LONGEST_FILTER)
        ]
        rows = [row for found in await together(self._rows(path) for path in paths) for row in found]
        numbers = {str(row.get(table.key, "")).lower(): company_contact_of(row) for row in rows}
        return {key: number for key, number in numbers.items() if number}

    async def check(self) -> list[Check]:
        """See RowStore: the company, then one row of each table that the standard mappings use."""
        tables = [table for table in standard_tables().values() if table.side is self.side]
        probes = {"Business Central: company": self._company} | {
            f"Business Central: {table.caption}": f"{self._company}/{table.entity_set}?$top=1&$select={table.key}"
            for table in tables
        }
        return await check_each(self._service, probes, f"{self._who} can read it")

    async def _matching(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        select = selection(table, columns)
        paths = [
            f"{self._company}/{table.entity_set}{query(select=select, filter=condition)}"
            for condition in equal_to_any(table, column, values, most=_MOST_CONDITIONS, longest=_LONGEST_FILTER)
        ]
        found = await together(self._rows(path) for path in paths)
        return [record_from(table, columns, row) for rows in found for row in rows]

    async def _rows(self, path: str) -> list[Row]:
        return [row async for rows in self._pages(path) for row in rows]

    async def _pages(self, path: str) -> AsyncIterator[list[Row]]:
        """The pages of a scan. When the link to a further one dies, once more from the first: rows come twice then."""
        following: str | None = path
        again = True
        while following:
            try:
                page = await self._service.get(following, headers=_PRIMARY)
            except FeedExpired:
                if not again:
                    raise
                following, again = path, False
                continue
            yield rows_of(page)
            link = page.get("@odata.nextLink")
            following = path_of(link) if isinstance(link, str) else None

    async def _batch(
        self, table: Table, writes: Sequence[Write], returning: Sequence[str], repeatable: bool
    ) -> list[WriteResult]:
        content = batch_body(self._company, table, writes)
        answer = await self._service.send(Call("POST", "$batch", HEADERS, content, repeatable, WRITE_SECONDS))
        status = answer.response.status_code
        outcomes = batch_answers(answer.response.content, len(writes)) if status < 300 else None
        if outcomes is not None:
            pairs = zip(writes, outcomes, strict=True)
            return [self._result(table, write, outcome, returning) for write, outcome in pairs]
        if not repeatable and (status < 300 or status >= 500):
            raise LostAnswer("Business Central answered a batch unreadably")
        if status == 400:
            return [refusal_of(answer.error, table, write, self._who) for write in writes]
        raise self._service.failure(answer)

    def _result(
        self, table: Table, write: Write, outcome: Row | WireError | None, returning: Sequence[str]
    ) -> WriteResult:
        if outcome is None:
            return Refused(RefusalKind.NOT_RUN, "Business Central stopped before it came to this record.")
        if isinstance(outcome, WireError):
            self._service.pause(outcome)
            return refusal_of(outcome, table, write, self._who)
        if isinstance(write, Delete):
            return Written(Record(write.id, {}))
        if table.key in outcome:
            return Written(record_from(table, returning, outcome))
        if isinstance(write, Create):
            return Refused(RefusalKind.UNKNOWN, "Business Central did not say which record it created.")
        return Written(Record(write.id, {}))


def _is_repeatable(write: Write) -> bool:
    return not isinstance(write, Create)
