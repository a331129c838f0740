"""Reading one company of Business Central: a list page by page, and many addresses in one request.

The default is a replica that may lag behind our own writes (page "Using read scale-out"). Every request here names the
primary, each part of a batch for itself. That parts obey is not documented, so `by_ids`, which deletions are confirmed
by, asks plainly for what a batch did not show.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from shared.adapters.bulk_reading import BulkReading, Part
from shared.adapters.business_central_batch import HEADERS, batch_answers, batch_of_reads, company_contact_of
from shared.adapters.filters import equal_to_any
from shared.adapters.http import WRITE_SECONDS, Call, Service
from shared.adapters.rows import record_reader, selection
from shared.adapters.wire import Row, next_link, query, rows_of, text_literal
from shared.adapters.writing import together
from shared.core.failures import FeedExpired
from shared.core.records import Record
from shared.core.tables import Table

PRIMARY = {"Data-Access-Intent": "ReadWrite"}
REPLICA = {"Data-Access-Intent": "ReadOnly"}
_LONGEST_FILTER = 14_000  # characters, encoded: URLs beyond some 15,700 are refused
_MOST_CONDITIONS = 200
_MOST_PARTS = 10  # of one batch; they are read one after the other
_MOST_EXPANDED = 50  # records of one part whose sub-page is worked out row by row
_MOST_EXPANDED_PARTS = 4


class BusinessCentralReading:
    """Reads records through `service`; `company` addresses theirs, relative to the API's root."""

    def __init__(self, service: Service, company: str) -> None:
        self._service = service
        self._company = company
        self._bulk = BulkReading(self.pages, self._batch, service.pause)

    async def pages(self, path: str) -> AsyncIterator[list[Row]]:
        """The rows at an address, page by page.

        When the link to a further page dies, once more from the first: rows come twice then.
        """
        following: str | None = path
        again = True
        while following:
            try:
                page = await self._service.get(following, headers=PRIMARY)
            except FeedExpired:
                if not again:
                    raise
                following, again = path, False
                continue
            yield rows_of(page, self._service.side)
            following = next_link(page, following, self._service.side)

    async def by_ids(self, table: Table, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Record]:
        """Those of these records that exist, by id."""
        paths = self._paths(table, columns, table.key, ids)
        record_of = record_reader(table, columns)
        found = {record.id: record for record in map(record_of, await self._bulk.rows(paths, _MOST_PARTS))}
        missing = [one for one in ids if one not in found] if len(paths) > 1 else []
        plainly = self._paths(table, columns, table.key, missing)
        for rows in await together(self._one(path) for path in plainly):
            found |= {record.id: record for record in map(record_of, rows)}
        return found

    async def by_values(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[Record]:
        """The records whose column equals one of these values, each once."""
        rows = await self._bulk.rows(self._paths(table, columns, column, values), _MOST_PARTS)
        return list({record.id: record for record in map(record_reader(table, columns), rows)}.values())

    async def beginning(self, table: Table, columns: Sequence[str], column: str, text: str, most: int) -> list[Record]:
        """Records whose column begins with the text, as it is or capitalized in one of the usual ways.

        Filters of texts regard case (page "Using filter expressions in OData URIs"); conditions on one field may be
        joined by `or`.
        """
        spellings = dict.fromkeys((text, text.lower(), text.upper(), text.capitalize(), text.title()))
        condition = " or ".join(f"startswith({column},{text_literal(one)})" for one in spellings)
        options = query(select=selection(table, columns), filter=condition, top=str(most))
        return list(map(record_reader(table, columns), await self._one(f"{self._company}/{table.entity_set}{options}")))

    async def company_contacts(self, table: Table, ids: Sequence[str]) -> dict[str, str]:
        """See BusinessCentralStore."""
        expanded = "contactsInformation($select=contactNumber,contactType)"
        paths = [
            f"{self._company}/{table.entity_set}{query(filter=condition, select=table.key, expand=expanded)}"
            for condition in equal_to_any(table, table.key, ids, most=_MOST_EXPANDED, longest=_LONGEST_FILTER)
        ]
        rows = await self._bulk.rows(paths, _MOST_EXPANDED_PARTS)
        numbers = {str(row.get(table.key, "")).lower(): company_contact_of(row) for row in rows}
        return {key: number for key, number in numbers.items() if number}

    def _paths(self, table: Table, columns: Sequence[str], column: str, values: Sequence[str]) -> list[str]:
        select = selection(table, columns)
        return [
            f"{self._company}/{table.entity_set}{query(select=select, filter=condition)}"
            for condition in equal_to_any(table, column, values, most=_MOST_CONDITIONS, longest=_LONGEST_FILTER)
        ]

    async def _one(self, path: str) -> list[Row]:
        return [row async for rows in self.pages(path) for row in rows]

    async def _batch(self, paths: Sequence[str]) -> Sequence[Part]:
        content = batch_of_reads(paths, PRIMARY)
        answer = await self._service.send(
            Call("POST", "$batch", {**HEADERS, **PRIMARY}, content, seconds=WRITE_SECONDS)
        )
        return batch_answers(answer.response.content, len(paths)) or [None] * len(paths)
