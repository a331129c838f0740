"""Dataverse's multipart `$batch` (page "Execute batch operations using the Web API"): independent operations in order.

JSON batches belong to OData 4.01, which Dataverse does not speak. Line ends must be CRLF. Each operation asks for its
row back: an answer 204 carries no version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from email.message import Message
from email.parser import BytesParser, HeaderParser
from uuid import uuid4

from shared.adapters.rows import body_of, selection
from shared.adapters.wire import Row, WireError, error_from, json_object, json_text, query
from shared.core.records import Create, Delete, Update, Write
from shared.core.tables import Table

MOST = 100  # operations of one batch; the service takes 1000, but a lost answer or a time-out costs a whole batch


def new_boundary() -> str:
    """A boundary that no content holds."""
    return f"batch_{uuid4()}"


def headers_of(boundary: str) -> Mapping[str, str]:
    """The headers of the batch itself."""
    return {"Content-Type": f'multipart/mixed; boundary="{boundary}"', "Prefer": "odata.continue-on-error"}


def batch_body(root_path: str, boundary: str, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> bytes:
    """The body of a batch of these writes; `root_path` is the path of the API's root on its host."""
    lines: list[str] = []
    for number, write in enumerate(writes, 1):
        lines += [f"--{boundary}", "Content-Type: application/http", "Content-Transfer-Encoding: binary"]
        lines += [f"Content-ID: {number}", "", *_operation(root_path, table, write, returning)]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode("ascii")


def _operation(root_path: str, table: Table, write: Write, returning: Sequence[str]) -> list[str]:
    address = f"{root_path}/{table.entity_set}"
    if isinstance(write, Delete):
        return [f"DELETE {address}({write.id}) HTTP/1.1", f"If-Match: {write.etag or '*'}", "", "", ""]
    method, key = ("POST", "") if write.id is None else ("PATCH", f"({write.id})")
    return [
        f"{method} {address}{key}{query(select=selection(table, returning))} HTTP/1.1",
        "Content-Type: application/json",
        "Prefer: return=representation",
        *_condition(write),
        "",
        json_text(body_of(table, write)),
    ]


def _condition(write: Create | Update) -> list[str]:
    if isinstance(write, Update):
        return [f"If-Match: {write.etag or '*'}"]
    return [] if write.id is None else ["If-None-Match: *"]


def batch_answers(content_type: str, content: bytes) -> list[Row | WireError] | None:
    """What the operations brought, in their order: a body, or a refusal. None when the answer is no batch's.

    There are fewer answers than operations when the service stopped early.
    """
    if not content_type.lower().startswith("multipart/mixed"):
        return None
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    return [_answer(part) for part in BytesParser().parsebytes(head + content).walk() if not part.is_multipart()]


def _answer(part: Message) -> Row | WireError:
    payload = part.get_payload(decode=True)
    response = payload.replace(b"\r\n", b"\n").lstrip() if isinstance(payload, bytes) else b""
    head, _, body = response.partition(b"\n\n")
    first, _, fields = head.decode("latin-1").partition("\n")
    words = first.split(maxsplit=2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 500
    if 200 <= status < 300:
        return json_object(body) or {}
    headers = dict(HeaderParser().parsestr(fields).items())
    return error_from(status, headers, body)
