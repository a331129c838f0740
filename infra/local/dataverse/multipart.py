"""Multipart bodies of `$batch`: reading the request's parts and writing the answer's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import pairwise
from uuid import uuid4

from infra.local.dataverse.answers import JSON, Answer
from infra.local.dataverse.errors import Refusal, not_allowed, wrong_payload

_BOUNDARY = re.compile(r'boundary\s*=\s*(?:"([^"]+)"|([^;\s]+))', re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """One operation as it stands in a batch. `unreadable` is a body behind the wrong line endings."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    content_id: str | None = None
    unreadable: bool = False


@dataclass(frozen=True)
class ChangeSet:
    """Operations that are done together or not at all."""

    parts: list[Part] = field(default_factory=list)


def read_batch(content_type: str, body: bytes) -> list[Part | ChangeSet]:
    """Read the body of a batch; raises Refusal where it is none."""
    boundary = _boundary_in(content_type)
    if boundary is None:
        raise not_allowed("The 'Content-Type' of a batch must be multipart/mixed with a boundary.")
    items: list[Part | ChangeSet] = []
    for headers, content in _parts(body, boundary):
        inner = _boundary_in(headers.get("content-type", ""))
        if inner is None:
            items.append(_part(headers, content))
        else:
            items.append(ChangeSet([_part(*one) for one in _parts(content, inner)]))
    return items


def _boundary_in(content_type: str) -> str | None:
    if not content_type.lower().startswith("multipart/mixed"):
        return None
    found = _BOUNDARY.search(content_type)
    return (found[1] or found[2]) if found else None


def _parts(body: bytes, boundary: str) -> list[tuple[dict[str, str], bytes]]:
    """Cut a body at its delimiters; what stands before the first and behind the last one means nothing."""
    delimiter = re.compile(rb"(?:\A|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    marks = list(delimiter.finditer(body))
    if not marks or marks[-1][1] is None:
        raise not_allowed(f"The batch ends before its closing boundary '--{boundary}--'.")
    found = []
    for mark, after in pairwise(marks):
        if mark[1] is None:
            found.append(_headed(re.sub(rb"\A\r?\n", b"", body[mark.end() : after.start()])))
    return found


def _headed(content: bytes) -> tuple[dict[str, str], bytes]:
    """Divide headers and body at the first empty line."""
    if match := re.match(rb"\r?\n", content):
        return {}, content[match.end() :]
    head, _, body = _at_empty_line(content)
    lines = [line.partition(":") for line in head.decode("utf-8", "replace").splitlines()]
    return {name.strip().lower(): value.strip() for name, _, value in lines}, body


def _at_empty_line(content: bytes) -> tuple[bytes, bytes, bytes]:
    found = re.search(rb"\r?\n\r?\n", content)
    return (content[: found.start()], found[0], content[found.end() :]) if found else (content, b"", b"")


def _part(headers: dict[str, str], content: bytes) -> Part:
    line, line_end, rest = content.lstrip(b"\r\n").partition(b"\n")
    # A filter may stand in the line with plain blanks: the method ends at the first one, the URL at the last.
    method, _, target = line.decode("utf-8", "replace").strip().partition(" ")
    url, _, protocol = target.rpartition(" ")
    if not protocol.upper().startswith("HTTP/") or not line_end:
        raise not_allowed("A part of the batch has no request line.")
    inner, body = _headed(rest)
    # With bare line feeds the service cannot read a body, unless two of them follow it.
    bare = not line.endswith(b"\r") and bool(body.strip()) and not body.endswith(b"\n")
    names = {name: value for name, value in inner.items() if name != "content-id"}
    return Part(method, url, names, body, headers.get("content-id") or inner.get("content-id"), bare)


def unreadable(set_name: str) -> Refusal:
    """Answer the refusal of a body behind the wrong line endings."""
    return wrong_payload(set_name, "Stream was not readable.")


class Writer:
    """Puts the answers of a batch together."""

    def __init__(self) -> None:
        self._boundary = f"batchresponse_{uuid4()}"
        self._parts: list[bytes] = []

    @property
    def content_type(self) -> str:
        return f"multipart/mixed; boundary={self._boundary}"

    def add(self, answer: Answer) -> None:
        """Add the answer of an operation outside of change sets."""
        self._parts.append(_written(answer, None))

    def add_set(self, answers: Sequence[tuple[str | None, Answer]]) -> None:
        """Add the answers of a change set, each with its Content-ID; of a failed one there is one only."""
        boundary = f"changesetresponse_{uuid4()}"
        parts = [_written(answer, content_id) for content_id, answer in answers]
        head = f"Content-Type: multipart/mixed; boundary={boundary}\r\n\r\n".encode()
        self._parts.append(head + _joined(parts, boundary))

    @property
    def body(self) -> bytes:
        return _joined(self._parts, self._boundary)


def _joined(parts: Sequence[bytes], boundary: str) -> bytes:
    mark = f"--{boundary}".encode()
    return b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"


def _written(answer: Answer, content_id: str | None) -> bytes:
    content = answer.content
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    if content:
        streaming = "; odata.streaming=true" if answer.content_type == JSON else ""
        lines.append(f"Content-Type: {answer.content_type}{streaming}")
    lines.append("OData-Version: 4.0")
    if answer.status >= 400:
        lines.append(f"REQ_ID: {uuid4()}")
    if "OData-EntityId" in answer.headers:
        lines.append(f"Location: {answer.headers['OData-EntityId']}")
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
