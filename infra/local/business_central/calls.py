"""A call of the API and its answer, the same for a request and for an operation in a batch; no HTTP library here."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson

from infra.local.business_central import errors
from infra.local.business_central.query import split_options

API = "/api/v2.0"
_SEGMENT = re.compile(r"([^()]+?)(?:\((.*)\))?")
_URL_CEILING = 15_700
_URL_LIMIT = 32_000


@dataclass(frozen=True)
class Segment:
    """A part of the path: `customers(<id>)` has name and key."""

    name: str
    key: str | None = None


@dataclass
class Call:
    """One call. `root` is the absolute address of the API root, `path` what follows it, still encoded.

    `locked`: whoever does it holds the lock of those who write.
    """

    method: str
    root: str
    path: str
    query_string: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    user: str = ""
    in_snapshot: bool = False
    locked: bool = False

    @property
    def api(self) -> str | None:
        """The custom API that is called, "publisher/group/version"; None for the standard one."""
        name = self.root.rpartition("/api/")[2]
        return None if name == API.rpartition("/")[2] else name

    @property
    def api_path(self) -> str:
        """What the API's address begins with on this host: `/api/v2.0`."""
        return f"/api/{self.root.rpartition('/api/')[2]}"

    def header(self, name: str) -> str | None:
        """A header's value, whatever its case."""
        return self.headers.get(name.lower())

    def preference(self, name: str) -> str | None:
        """What the Prefer header says for a name: its value, "" for a name alone, None for none."""
        for part in (self.header("Prefer") or "").split(","):
            key, _, value = part.partition("=")
            if key.strip().lower() == name:
                return value.strip().strip('"')
        return None

    @cached_property
    def options(self) -> list[tuple[str, str]]:
        """The query options, decoded."""
        return split_options(self.query_string)

    @cached_property
    def segments(self) -> list[Segment]:
        """The path in parts. Raises ApiError 404 for an address that cannot be read."""
        parts = [unquote(part) for part in self.path.split("/") if part]
        matches = [_SEGMENT.fullmatch(part) for part in parts]
        if not all(matches):
            raise errors.query_syntax()
        return [Segment(match[1], match[2]) for match in matches if match]

    @cached_property
    def route(self) -> str:
        """The call's address for statistics: `customers(id)`; the company and all keys left out."""
        try:
            segments = self.segments
        except errors.ApiError:
            return "unreadable"
        if len(segments) > 1 and segments[0].name == "companies" and segments[0].key:
            segments = segments[1:]
        return "/".join(one.name if one.key is None else f"{one.name}(id)" for one in segments) or "service root"

    @property
    def target(self) -> str:
        """ "path?query" from the API root on, decoded: what ordered faults are matched with."""
        query = unquote_plus(self.query_string)
        return self.api_path + unquote(self.path) + (f"?{query}" if query else "")

    def refuse_long_url(self) -> None:
        """Beyond about 15.7 kB the server answers 400, further on 500; never 414."""
        length = len(self.root) + len(self.path) + len(self.query_string)
        if length > _URL_LIMIT:
            raise errors.ApiError(500, "Internal_ServerError", "An unexpected error occurred.")
        if length > _URL_CEILING:
            raise errors.bad_request("The request URL is too long.", "BadRequest_InvalidRequestUrl")

    def json_object(self) -> dict[str, Any]:
        """The body as a JSON object. Raises ApiError 400 or 415."""
        if "application/json" not in (self.header("Content-Type") or "").lower():
            raise errors.ApiError(415, "BadRequest", "The media type of the request body is not supported.")
        try:
            value = json.loads(self.body or b"")
        except (ValueError, RecursionError) as error:
            raise errors.bad_request(f"Invalid JSON. {error}") from error
        if not isinstance(value, dict):
            raise errors.bad_request("Invalid JSON. A JSON object was expected as the body.")
        return value


@dataclass
class Answer:
    """What a call gets: a JSON body, a text, or nothing. `rest` completes the body, a slice with each step."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    code: str | None = None
    rest: Iterable[None] = ()

    async def completed(self) -> Answer:
        """The same answer with its whole body; others get their turn in between."""
        for _ in self.rest:
            await asyncio.sleep(0)
        return self

    @property
    def read(self) -> tuple[int, int]:
        """How many rows a successful read answers, and on how many pages: one for a list or a count, else none."""
        if self.status >= 300:
            return 0, 0
        if isinstance(self.body, dict):
            listed = self.body.get("value")
            return (len(listed), 1) if isinstance(listed, list) else (1, 0)
        return 0, int(self.text is not None)

    def content(self) -> bytes:
        """The body as bytes."""
        if self.text is not None:
            return self.text.encode()
        if self.body is None:
            return b""
        try:
            return orjson.dumps(self.body)
        except TypeError:
            # A number beyond 64 bits, or an id of a batch's part that is no valid text.
            return json.dumps(self.body, ensure_ascii=False, separators=(",", ":")).encode()


def refusal(error: errors.ApiError) -> Answer:
    """The answer that an error makes."""
    return Answer(error.status, error.body(), code=error.code)
