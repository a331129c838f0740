"""A bare HTTP client for the tests of the Dataverse simulator: it adds the token and nothing else."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

from infra.local.dataverse.server import serving

Json = dict[str, Any]


class Client:
    """Speaks to one simulator. Paths are behind the service root, or whole URLs."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str) -> None:
        self.http = http
        self.url = url
        self.root = f"{url}/api/data/v9.2/"
        self.token = token

    async def __call__(
        self, method: str, path: str, body: Any = None, *, prefer: str = "", token: str = "", **headers: str
    ) -> httpx.Response:
        """Send a request; `If_Match="*"` becomes the header If-Match."""
        sent = {"Authorization": f"Bearer {token or self.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if prefer:
            sent["Prefer"] = prefer
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = path if path.startswith("http") else self.root + path
        return await self.http.request(method, url, content=content, headers=sent)

    async def create(self, path: str, **values: Any) -> str:
        """Create a row; answers its id."""
        answer = await self("POST", path, values)
        assert answer.status_code == 204, answer.text
        return answer.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")

    async def row(self, path: str, **options: str) -> Json:
        """Read one row."""
        answer = await self("GET", path, **options)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def rows(self, path: str, **options: str) -> list[Json]:
        """Read a collection over all its pages."""
        found: list[Json] = []
        link: str | None = path
        while link:
            body = (await self("GET", link, **options)).json()
            assert "value" in body, body
            found += body["value"]
            link = body.get("@odata.nextLink")
        return found

    async def filtered(self, expression: str, table: str = "accounts", select: str = "name") -> list[Any]:
        """The values of one column of the rows that a filter finds, sorted."""
        rows = await self.rows(f"{table}?$select={select}&$filter={quote(expression)}")
        return sorted(row[select] for row in rows)

    async def control(self, what: str, **body: Any) -> Json:
        """Use the control plane."""
        answer = await self.http.post(f"{self.url}/_simulator/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def statistics(self) -> Json:
        """What the simulator has counted."""
        return dict((await self.http.get(f"{self.url}/_simulator/stats")).json())


@asynccontextmanager
async def simulator(**options: Any) -> AsyncIterator[Client]:
    """A simulator of the test's own, in the test's process."""
    async with serving(**options) as running, httpx.AsyncClient(timeout=30) as http:
        yield Client(http, running.url, running.token)


def error_of(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal."""
    return answer.status_code, answer.json()["error"]["code"]


def multipart(parts: Sequence[str | Sequence[str]], *, line_end: str = "\r\n") -> tuple[bytes, str]:
    """The body and the content type of a batch: a text is a single operation, a list of texts a change set."""
    blocks = [_block(part, line_end) if isinstance(part, str) else _change_set(part, line_end) for part in parts]
    text = "".join(f"--b{line_end}{block}{line_end}" for block in blocks) + f"--b--{line_end}"
    return text.encode(), 'multipart/mixed; boundary="b"'


def operation(method: str, url: str, body: Any = None, **headers: str) -> str:
    """One operation of a batch."""
    lines = [f"{method} {url} HTTP/1.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is None:
        return "\r\n".join([*lines, "", ""])
    return "\r\n".join([*lines, "Content-Type: application/json; type=entry", "", json.dumps(body)])


def _block(content: str, line_end: str, content_id: int = 0) -> str:
    head = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    head += [f"Content-ID: {content_id}"] if content_id else []
    return line_end.join([*head, "", content.replace("\r\n", line_end)])


def _change_set(contents: Sequence[str], line_end: str) -> str:
    head = ["Content-Type: multipart/mixed; boundary=c", ""]
    parts = [f"--c{line_end}{_block(one, line_end, number)}" for number, one in enumerate(contents, 1)]
    return line_end.join([*head, *parts, "--c--"])


def parts_of(answer: httpx.Response) -> list[httpx.Response]:
    """The answers inside a batch's answer, change sets taken apart."""
    content_type = answer.headers["Content-Type"]
    assert content_type.startswith("multipart/mixed; boundary=batchresponse_"), answer.text
    return _parts(answer.content, content_type.partition("boundary=")[2])


def _parts(content: bytes, boundary: str) -> list[httpx.Response]:
    found = []
    for block in content.split(f"--{boundary}".encode())[1:-1]:
        head, _, inner = block.strip(b"\r\n").partition(b"\r\n\r\n")
        if b"changesetresponse_" in head:
            found += _parts(inner, head.decode().partition("boundary=")[2].split("\r\n")[0])
            continue
        status, _, body = inner.partition(b"\r\n\r\n")
        first, *lines = status.decode().split("\r\n")
        headers = [(name, value) for name, _, value in (line.partition(": ") for line in lines)]
        headers += [(name, value) for name, _, value in (line.partition(": ") for line in head.decode().split("\r\n"))]
        kept = [(name, value) for name, value in headers if name.lower() != "content-type"]
        found.append(httpx.Response(int(first.split(" ")[1]), headers=kept, content=body.strip(b"\r\n")))
    return found
