"""Reading many addresses in few requests, whatever their parts bring."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from shared.adapters.bulk_reading import BulkReading, Part
from shared.adapters.wire import Row, WireError
from shared.core.failures import Passing

_PLAIN = {"a": [1, 2], "b": [3], "c": [], "/more": [4]}
_BUSY = WireError(429, "", "slow", 7)


class Desk:
    """A service that has the rows of _PLAIN; batches are answered with the parts given. What is asked is noted."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts
        self.asked: list[str] = []
        self.heeded: list[WireError] = []
        self.reading = BulkReading(self.pages, self.batch, self.heeded.append)

    async def pages(self, path: str) -> AsyncIterator[list[Row]]:
        self.asked.append(path)
        if path not in _PLAIN:
            raise Passing("down")
        for number in _PLAIN[path]:
            yield [{"n": number}]

    async def batch(self, paths: Sequence[str]) -> Sequence[Part]:
        self.asked.append("+".join(paths))
        return self._parts or [{"value": [{"n": number} for number in _PLAIN[path]]} for path in paths]

    async def rows(self, *paths: str, most: int = 10) -> list[int]:
        return [row["n"] for row in await self.reading.rows(paths, most)]


async def test_several_addresses_are_one_request_and_a_single_one_is_asked_for_plainly() -> None:
    desk = Desk()
    assert await desk.rows("a", "b", "c") == [1, 2, 3]
    assert await desk.rows("a") == [1, 2]
    assert await desk.rows() == []
    assert desk.asked == ["a+b+c", "a"]


async def test_more_addresses_than_a_request_holds_are_spread_evenly() -> None:
    desk = Desk()
    assert await desk.rows("a", "b", "a", "b", "c", most=4) == [1, 2, 3, 1, 2, 3]
    assert desk.asked == ["a+b+a", "b+c"]


@pytest.mark.parametrize("part", [None, _BUSY, {}, {"error": {}}], ids=["none", "refused", "empty", "no rows"])
async def test_what_a_batch_does_not_bring_is_asked_for_plainly(part: Part) -> None:
    desk = Desk(part, {"value": [{"n": 9}]})
    assert await desk.rows("a", "b") == [1, 2, 9]
    assert desk.asked == ["a+b", "a"]
    assert desk.heeded == ([_BUSY] if part is _BUSY else [])


async def test_a_part_with_further_pages_is_followed() -> None:
    desk = Desk({"value": [{"n": 8}], "@odata.nextLink": "https://x.example/more"}, {"value": [{"n": 9}]})
    assert await desk.rows("a", "b") == [8, 4, 9]


async def test_what_is_wrong_is_told_by_the_plain_answer() -> None:
    with pytest.raises(Passing):
        await Desk(None, None).rows("nowhere", "a")
