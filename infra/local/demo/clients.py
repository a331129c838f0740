"""Plain HTTP clients of the three services, as anybody could write them: nothing in here knows the app's code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import httpx

from infra.local.stack import Stack

POLL_SECONDS = 0.3
LONGEST_RUN_SECONDS = 180

type Row = dict[str, Any]
type Job = dict[str, Any]


class DemoError(Exception):
    """The demo did not go as it must; the text says why."""


class Client:
    """A service with JSON over HTTP."""

    def __init__(self, name: str, url: str, headers: Mapping[str, str]) -> None:
        self._name = name
        self._http = httpx.AsyncClient(base_url=url, headers=dict(headers), timeout=30)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send(self, method: str, path: str, body: object = None) -> httpx.Response:
        """The answer.

        Raises:
            DemoError: the service could not be reached or refused.
        """
        try:
            answer = await self._http.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise DemoError(f"{self._name} did not answer {method} {path}: {error!r}") from error
        if answer.is_error:
            raise DemoError(f"{self._name} answered {answer.status_code} to {method} {path}: {answer.text[:1000]}")
        return answer


class App(Client):
    """The app's own HTTP API."""

    def __init__(self, stack: Stack) -> None:
        super().__init__("The app", stack.url, {"x-functions-key": stack.key})

    async def also_create(self, mapping: str) -> None:
        """Let a mapping couple and create records that are not coupled yet."""
        await self.send("PATCH", f"/api/mappings/{mapping}", {"synch_only_coupled_records": False})

    async def synchronize(self, show: Callable[[Sequence[Job]], None]) -> list[Job]:
        """Synchronize all mappings and wait; `show` is given the jobs as they stand, again and again.

        Raises:
            DemoError: the run did not end in time, or a job of it failed.
        """
        started = await self.send("POST", "/api/synchronize")
        async with asyncio.timeout(LONGEST_RUN_SECONDS):
            while True:
                answer = await self.send("GET", started.headers["Location"])
                jobs = list(answer.json()["jobs"])
                show(jobs)
                if answer.status_code == httpx.codes.OK:
                    return jobs
                await asyncio.sleep(POLL_SECONDS)

    async def errors(self) -> list[Row]:
        """The coupled data synchronization errors."""
        return _listed((await self.send("GET", "/api/errors")).json())


class System(Client):
    """One of the two systems: its own API for reading, its simulator's control plane for what people do in it."""

    def __init__(self, name: str, url: str, token: str, api: str) -> None:
        super().__init__(name, url, {"Authorization": f"Bearer {token}", "Accept": "application/json"})
        self.name = name
        self._api = api

    async def rows(self, query: str) -> list[Row]:
        """All rows of a query, page after page."""
        found: list[Row] = []
        address = f"{self._api}/{query}"
        while address:
            page = (await self.send("GET", address)).json()
            found += page["value"]
            address = page.get("@odata.nextLink", "")
        return found

    async def edit(self, user: str, table: str, record: str, values: Mapping[str, object]) -> None:
        """Change a record as a person does."""
        change = {"table": table, "id": record, "operation": "update", "values": values}
        await self.send("POST", "/_simulator/edit", {"user": user, "changes": [change]})

    async def statistics(self) -> Row:
        """What was asked of this system since the statistics were last cleared."""
        return dict((await self.send("GET", "/_simulator/stats")).json())

    async def clear_statistics(self) -> None:
        """Count from zero."""
        await self.send("DELETE", "/_simulator/stats")


def dataverse(stack: Stack) -> System:
    """The Dataverse environment of the stack."""
    facts = stack.settings
    return System("Dataverse", facts["DATAVERSE_URL"], facts["DATAVERSE_TOKEN"], "/api/data/v9.2")


def business_central(stack: Stack) -> System:
    """The Business Central company of the stack."""
    facts = stack.settings
    api = f"/api/v2.0/companies({facts['BUSINESS_CENTRAL_COMPANY_ID']})"
    return System("Business Central", facts["BUSINESS_CENTRAL_URL"], facts["BUSINESS_CENTRAL_TOKEN"], api)


def _listed(body: Any) -> list[Row]:
    return list(body if isinstance(body, list) else body.get("value", body.get("errors", [])))
