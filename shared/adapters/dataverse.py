"""Dataverse through its Web API v9.2, as the port DataverseStore asks for it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from urllib.parse import urlsplit

import httpx

from shared.adapters.checking import check_each
from shared.adapters.dataverse_batch import MOST, batch_answers, batch_body, headers_of, new_boundary
from shared.adapters.dataverse_errors import failure_of, refusal_of
from shared.adapters.dataverse_tracking import changed_page
from shared.adapters.filters import equal_to_any
from shared.adapters.gate import RetryPolicy
from shared.adapters.http import WRITE_SECONDS, Call, LostAnswer, Service
from shared.adapters.rows import record_from, selection
from shared.adapters.tokens import Tokens
from shared.adapters.wire import Row, WireError, path_of, query, rows_of
from shared.adapters.writing import chunks, together, write_in_chunks
from shared.core.records import ChangePage, Create, Delete, Record, RefusalKind, Refused, Write, WriteResult, Written
from shared.core.sides import Side
from shared.core.tables import Table
from shared.defaults import standard_tables
from shared.ports import Check

_CONCURRENT = 4  # until the service's own hint (x-ms-dop-hint) has come
_MOST_CONCURRENT = 16  # of one process, whatever the hint: other instances share the environment
_LARGEST_PAGE = 5_000
_LONGEST_FILTER = 28_000  # characters, encoded: URLs beyond 32,768 are refused
_MOST_IDS = 500
_MOST_CONDITIONS = 100
_CHOICE_TYPES = {"statecode": "StateAttributeMetadata", "statuscode": "StatusAttributeMetadata"}


class Dataverse:
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
        self._root_path = urlsplit(root).path
        self._service = Service(
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

    async def aclose(self) -> None:
        """Close the connections."""
        await self._service.aclose()

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore: change tracking, or time of modification where tracking is not enabled for the table."""

        async def get(path: str, headers: Mapping[str, str]) -> Row:
            return await self._service.get(path, headers=headers)

        return await changed_page(table, columns, position, min(page_size, _LARGEST_PAGE), get)

    async def read(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """See RowStore."""
        conditions = [_among(table.key, piece) for piece in chunks(list(dict.fromkeys(ids)), _MOST_IDS)]
        return {record.id: record for record in await self._matching(table, columns, conditions)}

    async def find(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """See RowStore. Blank values find nothing."""
        given = [value for value in values if value]
        conditions = equal_to_any(table, column, given, most=_MOST_CONDITIONS, longest=_LONGEST_FILTER)
        return await self._matching(table, columns, conditions)

    async def all(self, table: Table, columns: Sequence[str]) -> list[Record]:
        """See RowStore."""
        return [record async for page in self.pages(table, columns) for record in page]

    async def pages(self, table: Table, columns: Sequence[str]) -> AsyncIterator[list[Record]]:
        """See RowStore."""
        async for rows in self._pages(table.entity_set + query(select=selection(table, columns))):
            yield [record_from(table, columns, row) for row in rows]

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore."""
        async for rows in self._pages(table.entity_set + query(select=table.key)):
            yield [str(row[table.key]).lower() for row in rows]

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore. A create with an id of ours is repeated when its answer was lost; without one it is UNKNOWN."""

        async def send(chunk: Sequence[Write], repeatable: bool) -> list[WriteResult]:
            return await self._batch(table, chunk, returning, repeatable)

        return await write_in_chunks(writes, repeatable=_is_repeatable, most=MOST, lanes=self._service.lanes, send=send)

    async def choices(self, table: Table, column: str) -> dict[int, str]:
        """See DataverseStore."""
        kind = _CHOICE_TYPES.get(column, "PicklistAttributeMetadata")
        path = (
            f"EntityDefinitions(LogicalName='{table.name}')/Attributes(LogicalName='{column}')/"
            f"Microsoft.Dynamics.CRM.{kind}"
            + query(select="LogicalName", expand="OptionSet($select=Options),GlobalOptionSet($select=Options)")
        )
        found = await self._service.get(path)
        options = (found.get("OptionSet") or found.get("GlobalOptionSet") or {}).get("Options") or []
        return {option["Value"]: _label(option) for option in options}

    async def check(self) -> list[Check]:
        """See RowStore: who we are, then one row of each table that the standard mappings use."""
        tables = [table for table in standard_tables().values() if table.side is self.side]
        probes = {"Dataverse: sign-in": "WhoAmI"} | {
            f"Dataverse: {table.caption}": f"{table.entity_set}?$select={table.key}&$top=1" for table in tables
        }
        return await check_each(self._service, probes, f"{self._who} can read it")

    async def _matching(self, table: Table, columns: Sequence[str], conditions: Sequence[str]) -> list[Record]:
        select = selection(table, columns)
        paths = [table.entity_set + query(select=select, filter=condition) for condition in conditions]
        found = await together(self._rows(path) for path in paths)
        return [record_from(table, columns, row) for rows in found for row in rows]

    async def _rows(self, path: str) -> list[Row]:
        return [row async for rows in self._pages(path) for row in rows]

    async def _pages(self, path: str) -> AsyncIterator[list[Row]]:
        following: str | None = path
        while following:
            page = await self._service.get(following)
            yield rows_of(page)
            link = page.get("@odata.nextLink")
            following = path_of(link) if isinstance(link, str) else None

    async def _batch(
        self, table: Table, writes: Sequence[Write], returning: Sequence[str], repeatable: bool
    ) -> list[WriteResult]:
        boundary = new_boundary()
        content = batch_body(self._root_path, boundary, table, writes, returning)
        call = Call("POST", "$batch", headers_of(boundary), content, repeatable, WRITE_SECONDS)
        answer = await self._service.send(call)
        response = answer.response
        outcomes = batch_answers(response.headers.get("Content-Type", ""), response.content)
        if outcomes is not None:
            results = [self._result(table, *pair, returning) for pair in zip(writes, outcomes, strict=False)]
            results += [_not_run()] * (len(writes) - len(results))
            return await self._settled(table, writes, results, returning) if answer.repeated else results
        if not repeatable and (response.status_code < 300 or response.status_code >= 500):
            raise LostAnswer("Dataverse answered a batch unreadably")
        if response.status_code == 400:
            return [refusal_of(answer.error, table, write, self._who) for write in writes]
        raise self._service.failure(answer)

    def _result(self, table: Table, write: Write, outcome: Row | WireError, returning: Sequence[str]) -> WriteResult:
        if isinstance(outcome, WireError):
            self._service.pause(outcome)
            return refusal_of(outcome, table, write, self._who)
        if isinstance(write, Delete):
            return Written(Record(write.id, {}))
        if table.key in outcome:
            return Written(record_from(table, returning, outcome))
        if write.id is None:
            return Refused(RefusalKind.UNKNOWN, "Dataverse did not say which row it created.")
        return Written(Record(write.id, {}))

    async def _settled(
        self, table: Table, writes: Sequence[Write], results: list[WriteResult], returning: Sequence[str]
    ) -> list[WriteResult]:
        """After a repeated batch: a row that exists under the id that we made is the one that we created."""
        doubtful = [
            write.id
            for write, result in zip(writes, results, strict=True)
            if isinstance(write, Create) and write.id and _exists(result)
        ]
        found = await self.read(table, returning, doubtful) if doubtful else {}
        return [
            Written(found[write.id]) if isinstance(write, Create) and write.id in found else result
            for write, result in zip(writes, results, strict=True)
        ]


def _is_repeatable(write: Write) -> bool:
    return not (isinstance(write, Create) and write.id is None)


def _exists(result: WriteResult) -> bool:
    return isinstance(result, Refused) and result.kind is RefusalKind.EXISTS


def _not_run() -> WriteResult:
    return Refused(RefusalKind.NOT_RUN, "Dataverse stopped before it came to this row.")


def _among(key: str, ids: Sequence[str]) -> str:
    return (
        f"Microsoft.Dynamics.CRM.In(PropertyName='{key}',PropertyValues={json.dumps(list(ids), separators=(',', ':'))})"
    )


def _label(option: Row) -> str:
    label = option.get("Label") or {}
    return str((label.get("UserLocalizedLabel") or {}).get("Label") or "")
