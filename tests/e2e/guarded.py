"""A stack of its own whose app checks Entra tokens and keys itself, with an issuer of tokens beside it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from infra.local.stack import local_stack
from tests.issuer import APP, TENANT, Issuer

KEY = "a-key-of-at-least-twenty-characters"


@dataclass(frozen=True)
class Guarded:
    """The app's address, the one key that it knows, and the issuer whose tokens it takes."""

    url: str
    key: str
    issuer: Issuer
    http: httpx.AsyncClient

    async def ask(self, method: str, route: str, **headers: str) -> httpx.Response:
        """Ask with these headers and nothing else; a body that changes nothing goes along."""
        path = filled(route)
        named: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}
        body = {} if method == "PATCH" else None
        return await self.http.request(method, f"{self.url}/api/{path}", json=body, headers=dict(named))


def filled(route: str) -> str:
    """The route with a mapping that exists and other things that do not."""
    return re.sub(r"{\w+}", "0", route.replace("{mapping}", "CUSTOMER"))


@asynccontextmanager
async def guarded_stack() -> AsyncIterator[Guarded]:
    """The stack, empty and with the timer out of the way."""
    async with Issuer() as issuer, httpx.AsyncClient(timeout=30) as http:
        settings = {
            "SYNC_SCHEDULE": "0 0 0 1 1 *",
            "API_ACCESS": "entra",
            "API_KEYS": f"flow={KEY}",
            "TENANT_ID": TENANT,
            "API_CLIENT_ID": APP,
            "ENTRA_AUTHORITY": issuer.authority,
        }
        async with local_stack(settings=settings, empty=True) as stack:
            yield Guarded(stack.url, KEY, issuer, http)
