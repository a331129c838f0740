"""Answers of type multipart/mixed (RFC 2046), as OData services give them to a `$batch`: a small, strict reader.

Parts are told apart by their delimiter lines alone, nested change sets are opened, and each part is read as one HTTP
response. Lines may end in CRLF or in LF. An answer without its closing delimiter was cut off and is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_BOUNDARY = re.compile(r';\s*boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)
_EMPTY_LINE = re.compile(rb"\n\r?\n")  # the carriage return before it is a blank at the end of a header
_FOLD = re.compile(rb"\r?\n[ \t]+")
_REST_OF_DELIMITER = re.compile(rb"(--)?[ \t]*(?:\r?\n|\Z)")
_STATUS = re.compile(rb"HTTP/\S+[ \t]+(\d{3})(?!\d)")
_DEEPEST = 3  # a batch holds change sets, and those hold no further ones
_UNREADABLE = 500


class Malformed(ValueError):
    """This is no complete multipart body."""


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response inside a batch; a part that is none counts as status 500. Header names are in title case."""

    status: int
    fields: bytes
    body: bytes

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, unfolded."""
        return _headers(self.fields)


def is_multipart(content_type: str) -> bool:
    """Whether this Content-Type announces parts."""
    return content_type.lstrip().lower().startswith("multipart/mixed")


def responses(content_type: str, content: bytes) -> list[Response]:
    """The responses in a body, in their order. Raises Malformed."""
    return list(_responses(content_type, content, _DEEPEST))


def _responses(content_type: str, content: bytes, depth: int) -> Iterator[Response]:
    if depth == 0:
        raise Malformed("parts within parts within parts")
    for part in _parts(content, _boundary_of(content_type)):
        fields, body = _divided(part)
        if b"multipart/" in fields.lower():
            inner = _headers(fields).get("Content-Type", "")
            if is_multipart(inner):
                yield from _responses(inner, body, depth - 1)
                continue
        yield _response(body)


def _boundary_of(content_type: str) -> bytes:
    found = _BOUNDARY.search(content_type)
    text = (re.sub(r"\\(.)", r"\1", found[1]) if found[1] else found[2]) if found else None
    if not text:
        raise Malformed("no boundary is named")
    return text.encode("latin-1", "replace")


def _parts(content: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiter lines; preamble and epilogue mean nothing."""
    mark = b"--" + boundary
    part: bytes | None = None  # None before the first delimiter
    before, *pieces = content.split(mark)
    at_line_start = not before or before.endswith(b"\n")
    for piece in pieces:
        rest = _REST_OF_DELIMITER.match(piece) if at_line_start else None
        if rest is None:
            part = None if part is None else part + mark + piece  # only looks like a delimiter
        else:
            if part is not None:
                yield _without_line_end(part)
            if rest[1]:
                return
            part = piece[rest.end() :]
        at_line_start = piece.endswith(b"\n")
    raise Malformed("the closing delimiter is missing")


def _behind_line(piece: bytes) -> bytes:
    return piece.partition(b"\n")[2]


def _without_line_end(part: bytes) -> bytes:
    """The line end before a delimiter belongs to the delimiter."""
    return part[:-2] if part.endswith(b"\r\n") else part[:-1]


def _divided(text: bytes) -> tuple[bytes, bytes]:
    """Header fields and body, at the first empty line."""
    if text.startswith((b"\r\n", b"\n")):
        return b"", _behind_line(text)
    empty = _EMPTY_LINE.search(text)
    return (text[: empty.start()], text[empty.end() :]) if empty else (text, b"")


def _response(text: bytes) -> Response:
    head, body = _divided(text.lstrip(b"\r\n"))
    first, _, fields = head.partition(b"\n")
    found = _STATUS.match(first)
    return Response(int(found[1]), fields, body) if found else Response(_UNREADABLE, b"", b"")


def _headers(fields: bytes) -> dict[str, str]:
    lines = _FOLD.sub(b" ", fields).decode("latin-1").splitlines()
    pairs = (line.partition(":") for line in lines)
    return {name.strip().title(): value.strip() for name, _, value in pairs}
