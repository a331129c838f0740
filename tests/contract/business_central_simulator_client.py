"""A plain client of the Business Central simulator, for its own tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx

from infra.local.business_central.server import Running, serving

Row = dict[str, Any]


class Client:
    """Sends requests under the company; `answer.json()` is what the API says."""

    def __init__(self, running: Running, http: httpx.AsyncClient) -> None:
        self.running = running
        self.http = http
        self.company = f"{running.api}/companies({running.company_id})"

    async def get(self, path: str, headers: dict[str, str] | None = None, **options: str) -> httpx.Response:
        """GET below the company; options are query options without their `$`."""
        query = "&".join(f"${name}={quote(value)}" for name, value in options.items())
        return await self.http.get(f"{self.company}/{path}" + (f"?{query}" if query else ""), headers=headers)

    async def rows(self, path: str, **options: str) -> list[Row]:
        """The rows of a list that must be answered."""
        answer = await self.get(path, **options)
        assert answer.status_code == 200, answer.text
        rows: list[Row] = answer.json()["value"]
        return rows

    async def one(self, entity_set: str, identity: str) -> Row:
        """A record that must be there."""
        answer = await self.get(f"{entity_set}({identity})")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def post(self, entity_set: str, body: Any, **headers: str) -> httpx.Response:
        """POST to a set."""
        return await self.http.post(f"{self.company}/{entity_set}", json=body, headers=headers)

    async def create(self, entity_set: str, **values: Any) -> Row:
        """Create a record that must be accepted."""
        answer = await self.post(entity_set, values)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def patch(self, entity_set: str, identity: str, tag: str | None = "*", **values: Any) -> httpx.Response:
        """PATCH a record; `tag` None sends no If-Match."""
        headers = {} if tag is None else {"If-Match": tag}
        return await self.http.patch(f"{self.company}/{entity_set}({identity})", json=values, headers=headers)

    async def change(self, entity_set: str, identity: str, **values: Any) -> Row:
        """Change a record, which must be accepted."""
        answer = await self.patch(entity_set, identity, **values)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def delete(self, entity_set: str, identity: str, **headers: str) -> httpx.Response:
        """DELETE a record."""
        return await self.http.delete(f"{self.company}/{entity_set}({identity})", headers=headers)

    async def batch(self, operations: list[Row], **headers: str) -> httpx.Response:
        """A JSON batch; relative urls are below the company."""
        prefix = f"companies({self.running.company_id})/"
        requests = [
            {"id": str(at), "headers": {"Content-Type": "application/json", "If-Match": "*"}}
            | one
            | {"url": prefix + one["url"]}
            for at, one in enumerate(operations)
        ]
        headers = {"Accept": "application/json"} | headers
        return await self.http.post(f"{self.running.api}/$batch", json={"requests": requests}, headers=headers)

    async def control(self, what: str, **body: Any) -> Row:
        """POST to the control plane."""
        answer = await self.http.post(f"{self.running.url}/_simulator/{what}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    async def contact_of(self, entity_set: str, identity: str) -> Row:
        """The contact that a customer or vendor is linked with."""
        found = await self.rows(f"{entity_set}({identity})/contactsInformation")
        return await self.one("contacts", found[0]["contactId"])


@asynccontextmanager
async def simulator(**options: Any) -> AsyncIterator[Client]:
    """A client of a simulator of its own."""
    async with serving(**options) as running:
        headers = {"Authorization": f"Bearer {running.token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30, limits=httpx.Limits(max_connections=200)) as http:
            yield Client(running, http)


def moment(row: Row) -> datetime:
    """When a row was changed last. As text the times do not sort: `…07Z` is before `…073Z`."""
    return datetime.fromisoformat(row["lastModifiedDateTime"])


async def tick() -> None:
    """Let more than one step of the server's clock pass."""
    await asyncio.sleep(0.005)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]
