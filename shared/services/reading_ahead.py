"""Asking both feeds for their first page while a mapping is still being taken over.

Reading moves nothing, so at worst a page was asked for in vain. It is used only when the mapping stands just where it
stood when the page was asked for, and nobody has left anything behind that might still have been on its way then.
"""

from __future__ import annotations

import asyncio

from shared.core.mapping import Mapping
from shared.core.records import ChangePage
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.pass_context import columns_to_read
from shared.services.pausing import is_paused
from shared.services.repositories.runs import MappingState, Run

type Asked = tuple[list[str], str | None, int]
"""The columns, the position, and how many records at most."""


class ReadAhead:
    """The pages that were asked for, one of a side, each to be taken once."""

    def __init__(self) -> None:
        self._pages: dict[Side, tuple[Asked, asyncio.Task[ChangePage]]] = {}

    def begin(self, services: Services, mapping: Mapping, state: MappingState, run: Run) -> None:
        """Ask for the next page of each feed that the run has not read to its end. A full run begins otherwise."""
        if run.kind.is_task or run.full is not None or is_paused(services, state):
            return
        for side in Side:
            table = services.known_table(side, mapping.table(side).table)
            if table is not None and side not in run.finished_feeds:
                asked = columns_to_read(mapping, table, side), state.positions.get(side), services.policy.page_size
                page = services.rows(side).changes(table, *asked)
                self._pages[side] = asked, asyncio.ensure_future(page)

    def take(self, side: Side, asked: Asked) -> asyncio.Task[ChangePage] | None:
        """The page of a side if it is the one that is `asked` for now."""
        if side not in self._pages or self._pages[side][0] != asked:
            return None
        return self._pages.pop(side)[1]

    async def end(self) -> None:
        """Leave what nobody has taken."""
        pages = [page for _, page in self._pages.values()]
        self._pages.clear()
        for page in pages:
            page.cancel()
        if pages:
            await asyncio.gather(*pages, return_exceptions=True)
