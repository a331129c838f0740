"""The API over the in-memory ports, called as the Functions host calls it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func

from functions.api.answering import answer
from functions.api.operation import Operation
from functions.routes import operations
from shared.services.access import Access, KeysAtTheHost
from shared.services.connections import Connections
from shared.services.context import Services
from tests.world import World

HOST = "https://sync.example"
BY_NAME = {operation.name: operation for operation in operations()}


@dataclass(frozen=True)
class Answered:
    """An answer: its status, its headers (names in lower case), its body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The problem's code, empty for a good answer."""
        return str(self.json.get("code", "")) if self.status >= 400 else ""


@dataclass
class Api:
    """The operations, who is let in, and the connections beside the world's own."""

    world: World = field(default_factory=World)
    access: Access = field(default_factory=KeysAtTheHost)
    further: tuple[Services, ...] = ()

    async def call(
        self,
        operation: str | Operation,
        path: Mapping[str, str] | None = None,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: object = None,
        raw: bytes | None = None,
    ) -> Answered:
        """Call an operation; `body` is sent as JSON, `raw` as it is."""
        one = BY_NAME[operation] if isinstance(operation, str) else operation
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **(headers or {})}
        url = f"{HOST}/api/{one.route.format_map(dict(path or {}))}?{query}"
        params = {name: value for name, value in parse_qsl(urlsplit(url).query, keep_blank_values=True) if value}
        request = func.HttpRequest(
            one.method, url, headers=sent, params=params, route_params=dict(path or {}), body=content
        )
        found = await answer(one, Connections.of(self.world.services, *self.further), self.access, request)
        named = {name.lower(): value for name, value in found.headers.items()}
        return Answered(found.status_code, {**named, "content-type": found.mimetype}, found.get_body().decode())
