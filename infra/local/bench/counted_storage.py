"""Table Storage as the app has it, on Azurite, with every request counted that really leaves.

The Azure SDK tells its requests to the log; that is where they are counted, by what Table Storage would bill. Tables
are made once in the life of an account and not counted.
"""

from __future__ import annotations

import logging
import re
from collections import Counter

from shared.adapters.table_storage import TableStorage

_LOGGER = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")
_REQUEST = re.compile(r"Request URL: (['\"])(?P<url>.*?)\1\s.*Request method: '(?P<method>\w+)'", re.DOTALL)


class CountedTableStorage(TableStorage):
    """`transactions` counts by kind: `point read`, `page`, `group`."""

    def __init__(self, connection_string: str, prefix: str) -> None:
        super().__init__(connection_string=connection_string, prefix=prefix)
        self.transactions: Counter[str] = Counter()
        self._tell = _Counting(self.transactions)
        _LOGGER.addHandler(self._tell)
        _LOGGER.setLevel(logging.INFO)
        _LOGGER.propagate = False

    async def aclose(self) -> None:
        """Close the connections and stop counting."""
        _LOGGER.removeHandler(self._tell)
        await super().aclose()


class _Counting(logging.Handler):
    def __init__(self, transactions: Counter[str]) -> None:
        super().__init__()
        self._transactions = transactions

    def emit(self, record: logging.LogRecord) -> None:
        found = _REQUEST.search(record.getMessage())
        if found and (kind := _kind(**found.groupdict())):
            self._transactions[kind] += 1


def _kind(url: str, method: str) -> str | None:
    path = url.partition("?")[0]
    if path.endswith("/Tables"):
        return None
    if method == "GET":
        return "point read" if "RowKey=" in path else "page"
    return "group"
