"""The two simulators as processes of their own, and a client of each: control plane for the bench, API for reading."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import batched
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from infra.local.child import Child
from shared.core.sides import Side

type Row = dict[str, Any]

PARTS = {Side.BUSINESS_CENTRAL: "business_central", Side.DATAVERSE: "dataverse"}
HOUR = timedelta(hours=1)  # more than the overlap with which Business Central's feed reads again
ROWS_AT_ONCE = 10_000


class BenchError(Exception):
    """The bench cannot go on; the text says why."""


@dataclass(frozen=True)
class Latency:
    """Seconds that a simulator takes: for each request, for each write operation, for each page of a list besides."""

    request: float = 0.080
    operation: float = 0.003
    page: float = 0.020

    @property
    def order(self) -> dict[str, float]:
        """The body of the control plane's order, in milliseconds."""
        named = {"request": "latency_ms", "operation": "operation_latency_ms", "page": "page_latency_ms"}
        return {named[name]: seconds * 1000 for name, seconds in asdict(self).items()}


NO_LATENCY = Latency(0, 0, 0)


class Simulator:
    """One running simulator, and how the bench talks to it."""

    def __init__(self, side: Side, facts: Mapping[str, str]) -> None:
        self.side = side
        self.facts = dict(facts)
        self._hours = 0
        self.url = str(facts["url"])
        self.token = str(facts["token"])
        self.company_id = str(facts.get("company_id", ""))
        self.http = httpx.AsyncClient(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}"}, timeout=600, follow_redirects=False
        )

    @property
    def api(self) -> str:
        """The path before the entity sets."""
        return f"/api/v2.0/companies({self.company_id})" if self.company_id else "/api/data/v9.2"

    async def control(self, method: str, what: str, body: object = None) -> Row:
        """Ask the control plane. Raises BenchError with its words when it refuses."""
        answer = await self.http.request(method, f"/_simulator/{what}", json=body)
        if answer.is_error:
            raise BenchError(f"{self.side.product} refused {what}: {answer.text[:500]}")
        return dict(answer.json()) if answer.content else {}

    async def be_slow(self, latency: Latency) -> None:
        """Take this long from now on."""
        await self.control("POST", "faults", latency.order)

    async def statistics(self) -> Row:
        """What clients have asked since the counters were cleared."""
        return await self.control("GET", "stats")

    async def clear_statistics(self) -> None:
        """Count from zero."""
        await self.control("DELETE", "stats")

    async def seed(self, table: str, rows: Iterable[Row]) -> None:
        """Store these rows as they are."""
        await self.control("POST", "seed", {"rows": {table: list(rows)}})

    async def let_an_hour_pass(self) -> int:
        """Move the simulator's clock on; answers how many hours it is ahead. No reset turns it back."""
        self._hours += 1
        await self.control("POST", "settings", {"clock_offset_ms": self._hours * HOUR / timedelta(milliseconds=1)})
        return self._hours

    async def load(self, table: str, rows: Iterable[Row], show: Callable[[int], None]) -> None:
        """Make many rows of long ago, of which no feed tells."""
        await self._rows(table, rows, show, "create", tracked="false")

    async def edit(self, table: str, rows: Iterable[Row]) -> None:
        """Change many rows as people do; each names its id."""
        await self._rows(table, rows, lambda _: None, "update")

    async def _rows(
        self, table: str, rows: Iterable[Row], show: Callable[[int], None], operation: str, **more: str
    ) -> None:
        query = urlencode({"table": table, "operation": operation, **more})
        for piece in batched(rows, ROWS_AT_ONCE, strict=False):
            lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in piece).encode()
            answer = await self.http.post(f"/_simulator/rows?{query}", content=lines)
            if answer.is_error:
                raise BenchError(f"{self.side.product} refused to {operation} rows: {answer.text[:500]}")
            show(len(piece))

    async def pages(self, query: str, size: int) -> AsyncIterator[list[Row]]:
        """The rows of a query, page after page, as the service now has them."""
        headers = {"Prefer": f"odata.maxpagesize={size}", "Data-Access-Intent": "ReadWrite"}
        address: str | None = f"{self.api}/{query}"
        while address:
            answer = await self.http.get(address, headers=headers)
            if answer.is_error:
                raise BenchError(f"{self.side.product} refused {query}: {answer.text[:500]}")
            page = answer.json()
            yield page["value"]
            address = page.get("@odata.nextLink")

    async def versions(self, table: str, key: str) -> AsyncIterator[tuple[str, str]]:
        """Id and etag of every row, in the order of the ids."""
        path = f"/_simulator/rows?{urlencode({'table': table, 'columns': key})}"
        async with self.http.stream("GET", path) as answer:
            async for line in answer.aiter_lines():
                row = json.loads(line)
                yield row[key], row["@odata.etag"]

    async def by_name(self, query: str, name: str, key: str) -> dict[str, str]:
        """A column by another one, of a small table."""
        return {str(row[name]): str(row[key]) async for page in self.pages(query, 1000) for row in page}


@dataclass(frozen=True)
class Simulators:
    """Both simulators."""

    business_central: Simulator
    dataverse: Simulator

    def at(self, side: Side) -> Simulator:
        """The simulator of `side`."""
        return self.business_central if side is Side.BUSINESS_CENTRAL else self.dataverse

    async def each(self, what: str, *arguments: Any) -> dict[Side, Any]:
        """Do the same with both at once."""
        answers = await asyncio.gather(*(getattr(self.at(side), what)(*arguments) for side in Side))
        return dict(zip(Side, answers, strict=True))

    @property
    def settings(self) -> dict[str, str]:
        """The app settings that name them."""
        here, there = self.business_central, self.dataverse
        return {
            "BUSINESS_CENTRAL_URL": here.url,
            "BUSINESS_CENTRAL_COMPANY_ID": here.company_id,
            "BUSINESS_CENTRAL_TOKEN": here.token,
            "DATAVERSE_URL": there.url,
            "DATAVERSE_TOKEN": there.token,
        }


@contextlib.asynccontextmanager
async def running(folder: Path) -> AsyncIterator[Simulators]:
    """Both simulators, fresh; logs in `folder`. Raises PartError when one does not start."""
    children = {side: Child(part, (), folder) for side, part in PARTS.items()}
    try:
        facts = await asyncio.gather(*(child.start() for child in children.values()))
        simulators = Simulators(*(Simulator(side, one) for side, one in zip(PARTS, facts, strict=True)))
        try:
            yield simulators
        finally:
            for side in Side:
                await simulators.at(side).http.aclose()
    finally:
        await asyncio.gather(*(child.stop() for child in children.values()))
