"""Business Central as it is seen from outside: through the adapter's own feed, and with a replica that lags behind."""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from shared.adapters.feeds import Dated, modified_page
from shared.adapters.values import to_business_central
from shared.core.records import ChangePage
from shared.core.tables import Table
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.rows import Row

type Rows = dict[str, dict[str, Row]]

_SINCE = re.compile(r" ge ([0-9T:.+-]+Z?)")


class ReplicatedBusinessCentral(MemoryBusinessCentral):
    """Keeps what it was: `remember` after each change, `as_of` for a replica that has not heard of the latest."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._past: list[tuple[float, Rows]] = [(0.0, self._snapshot())]
        self._latest = self._rows

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore: what the adapter asks for and makes of the answers, so that its overlap is put to the test."""

        async def fetch(path: str, latest: bool) -> Dated:
            rows = (self._latest if latest else self._rows)[table.name]
            return Dated(self._page(table, rows, columns, path, page_size), self._clock.now().replace(microsecond=0))

        return await modified_page(table, columns, position, fetch)

    def remember(self, seconds: float) -> None:
        """Something has changed at this time."""
        self._past.append((seconds, self._snapshot()))

    def as_of(self, seconds: float) -> MemoryBusinessCentral:
        """The company as it was then, for reading."""
        rows = next((rows for at, rows in reversed(self._past) if at <= seconds), self._past[0][1])
        replica = copy.copy(self)
        replica._rows = rows
        replica.calls = Counter()
        return replica

    def _page(self, table: Table, rows: dict[str, Row], columns: Sequence[str], path: str, size: int) -> dict[str, Any]:
        """A page of rows in the order of ids, as JSON, with a link to the next."""
        asked = urlsplit(path).query
        after = parse_qs(asked).get("after", [""])[0]
        condition = _SINCE.search(unquote(asked))
        since = datetime.fromisoformat(condition[1]) if condition else None
        wanted = sorted(key for key, row in rows.items() if key > after and (since is None or row.modified_at >= since))
        page: dict[str, Any] = {"value": [self._json(table, columns, key, rows[key]) for key in wanted[:size]]}
        if len(wanted) > size:
            first = asked.partition("&after=")[0]
            page["@odata.nextLink"] = f"https://simulated/{table.entity_set}?{first}&after={wanted[size - 1]}"
        return page

    def _json(self, table: Table, columns: Sequence[str], key: str, row: Row) -> dict[str, Any]:
        names = {*columns, table.modified or ""} - {table.key}
        values = {
            column.name: to_business_central(column, row.values[column.name])
            for column in table.columns
            if column.name in names
        }
        return {table.key: key, "@odata.etag": f'W/"{row.version}"', **values}

    def _snapshot(self) -> Rows:
        return {name: dict(rows) for name, rows in self._rows.items()}  # rows themselves never change
