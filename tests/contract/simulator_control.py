"""The control plane of a simulator, from a test: edits by a person, faults, switches, counters."""

from __future__ import annotations

from typing import Any

import httpx


class Control:
    """Talks to `/_simulator/` of the simulator at `url`."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_simulator"

    async def edit(self, table: str, id: str | None, operation: str, **values: Any) -> None:
        """Change one row as a person: `operation` is create, update or delete."""
        change = {"table": table, "id": id, "operation": operation, "values": values}
        await self._post("edit", {"changes": [{name: given for name, given in change.items() if given is not None}]})

    async def seed(self, **tables: int) -> None:
        """Fill tables with so many invented rows each."""
        await self._post("seed", {"seed": 1, "tables": tables})

    async def trouble(self, **fault: Any) -> None:
        """Order one fault (see `infra/local/simulator/faults.py` for its fields)."""
        await self._post("faults", {"refuse": [fault]})

    async def conditions(self, **conditions: Any) -> None:
        """Set latencies (`latency_ms`) and `limits` (see `infra/local/simulator/limits.py` for their members)."""
        await self._post("faults", conditions)

    async def settings(self, **switches: Any) -> None:
        """Set switches of the simulator."""
        await self._post("settings", switches)

    async def stats(self) -> Any:
        """The counters since the simulator began or `forget` was called."""
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{self._url}/stats")).raise_for_status().json()

    async def forget(self) -> None:
        """Set the counters to zero."""
        async with httpx.AsyncClient() as client:
            (await client.delete(f"{self._url}/stats")).raise_for_status()

    async def _post(self, what: str, body: dict[str, Any]) -> None:
        async with httpx.AsyncClient() as client:
            response = await client.post(f"{self._url}/{what}", json=body)
        assert response.is_success, response.text
