"""Reading from Dataverse: a list page by page, and many addresses in one request.

Inside `$batch` an address may be twice as long as elsewhere (65,536 characters), but no part here needs that: few
parts with some hundreds of ids each keep what one of them costs the service within bounds.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence

from shared.adapters.bulk_reading import BulkReading, Part
from shared.adapters.dataverse_batch import batch_answers, batch_of_reads, headers_of, new_boundary
from shared.adapters.filters import equal_to_any
from shared.adapters.http import WRITE_SECONDS, Call, Service
from shared.adapters.rows import record_reader, selection
from shared.adapters.wire import Row, next_link, query, rows_of, text_literal
from shared.adapters.writing import chunks
from shared.core.records import Record
from shared.core.tables import Table

_MOST_PARTS = 20  # of one batch
_MOST_IDS = 500  # of one part
_MOST_CONDITIONS = 100
_LONGEST_FILTER = 28_000  # characters, encoded: URLs beyond 32,768 are refused


class DataverseReading:
    """Reads rows through `service`, the path of whose root on its host is `root_path`."""

    def __init__(self, service: Service, root_path: str) -> None:
        self._service = service
        self._root_path = root_path
        self._bulk = BulkReading(self.pages, self._batch, service.pause)

    async def pages(self, path: str) -> AsyncIterator[list[Row]]:
        """The rows at an address, page by page."""
        following: str | None = path
        while following:
            page = await self._service.get(following)
            yield rows_of(page, self._service.side)
            following = next_link(page, following, self._service.side)

    async def by_ids(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """Those of these rows that exist, by id."""
        conditions = [_among(table.key, piece) for piece in chunks(list(dict.fromkeys(ids)), _MOST_IDS)]
        return {record.id: record for record in await self._matching(table, columns, conditions)}

    async def by_values(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """The rows whose column equals one of these values, each once (values that differ in case find the same)."""
        conditions = equal_to_any(table, column, values, most=_MOST_CONDITIONS, longest=_LONGEST_FILTER)
        return list({record.id: record for record in await self._matching(table, columns, conditions)}.values())

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """Rows whose column begins with the text; what would be a wildcard in it stands for itself."""
        literal = re.sub(r"[%_\[]", r"[\g<0>]", text)
        condition = f"startswith({column},{text_literal(literal)})"
        options = query(select=selection(table, columns), filter=condition, top=str(most))
        record_of = record_reader(table, columns)
        return [record_of(row) async for rows in self.pages(table.entity_set + options) for row in rows]

    async def _matching(self, table: Table, columns: Sequence[str], conditions: Sequence[str]) -> list[Record]:
        select, record_of = selection(table, columns), record_reader(table, columns)
        paths = [table.entity_set + query(select=select, filter=condition) for condition in conditions]
        return [record_of(row) for row in await self._bulk.rows(paths, _MOST_PARTS)]

    async def _batch(self, paths: Sequence[str]) -> Sequence[Part]:
        boundary = new_boundary()
        content = batch_of_reads(boundary, (f"{self._root_path}/{path}" for path in paths))
        answer = await self._service.send(Call("POST", "$batch", headers_of(boundary), content, seconds=WRITE_SECONDS))
        response = answer.response
        parts = batch_answers(response.headers.get("Content-Type", ""), response.content) or []
        return [*parts[: len(paths)], *[None] * (len(paths) - len(parts))]


def _among(key: str, ids: Sequence[str]) -> str:
    listed = json.dumps(list(ids), separators=(",", ":"))
    return f"Microsoft.Dynamics.CRM.In(PropertyName='{key}',PropertyValues={listed})"
