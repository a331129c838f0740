"""Reading many addresses at once: as parts of few batches, where one address alone is asked for plainly."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.adapters.wire import Row, WireError, path_of
from shared.adapters.writing import chunks, together

type Part = Row | WireError | None
type Batch = Callable[[Sequence[str]], Awaitable[Sequence[Part]]]


@dataclass(frozen=True, slots=True)
class BulkReading:
    """Reads lists of rows. `pages` follows one address through its pages, `batch` asks for the first of several.

    `heed` is told of every refused part: throttling inside a batch concerns the whole caller.
    What a batch did not answer (a refused part, an unreadable answer) is asked for plainly: that has the patience,
    and finds the words for what is wrong.
    """

    pages: Callable[[str], AsyncIterator[list[Row]]]
    batch: Batch
    heed: Callable[[WireError], None]

    async def rows(self, paths: Sequence[str], most: int) -> list[Row]:
        """The rows at all of these addresses, at most `most` of which are parts of one request."""
        found = await together(self._some(piece) for piece in chunks(paths, most))
        return [row for rows in found for row in rows]

    async def _some(self, paths: Sequence[str]) -> list[Row]:
        if len(paths) == 1:
            return await self._one(paths[0])
        parts = await self.batch(paths)
        rows: list[Row] = []
        for path, part in zip(paths, parts, strict=True):
            rows += await self._completed(path, part)
        return rows

    async def _completed(self, path: str, part: Part) -> list[Row]:
        if isinstance(part, WireError):
            self.heed(part)
        rows = part.get("value") if isinstance(part, dict) else None
        if not isinstance(part, dict) or not isinstance(rows, list):
            return await self._one(path)
        link = part.get("@odata.nextLink")
        return [*rows, *(await self._one(path_of(link)) if isinstance(link, str) else [])]

    async def _one(self, path: str) -> list[Row]:
        return [row async for rows in self.pages(path) for row in rows]
