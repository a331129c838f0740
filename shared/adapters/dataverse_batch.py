"""Dataverse's multipart `$batch` (page "Execute batch operations using the Web API"): independent operations in order.

JSON batches belong to OData 4.01, which Dataverse does not speak. Line ends must be CRLF. Each write asks for its row
back: an answer 204 carries no version.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import uuid4

from shared.adapters.multipart import Malformed, Response, is_multipart, responses
from shared.adapters.rows import body_writer, selection
from shared.adapters.wire import Row, WireError, error_from, json_object, json_text, query
from shared.core.records import Delete, Update, Write
from shared.core.tables import Table

MOST = 1_000  # operations of one batch


def new_boundary() -> str:
    """A boundary that no content holds."""
    return f"batch_{uuid4()}"


def headers_of(boundary: str) -> dict[str, str]:
    """The headers of the batch itself."""
    return {"Content-Type": f'multipart/mixed; boundary="{boundary}"', "Prefer": "odata.continue-on-error"}


def batch_of_writes(
    root_path: str, boundary: str, table: Table, writes: Sequence[Write], returning: Sequence[str]
) -> bytes:
    """The body of a batch of these writes; `root_path` is the path of the API's root on its host."""
    body_of = body_writer(table)
    address = f"{root_path}/{table.entity_set}"
    # Everything of a request that stands behind its address, up to the condition on the row's version.
    rest = (
        f"{query(select=selection(table, returning))} HTTP/1.1\r\n"
        "Content-Type: application/json\r\nPrefer: return=representation\r\n"
    )

    def operation(write: Write) -> str:
        if isinstance(write, Delete):
            return f"DELETE {address}({write.id}) HTTP/1.1\r\nIf-Match: {write.etag or '*'}\r\n\r\n\r\n"
        body = json_text(body_of(write))
        if isinstance(write, Update):
            return f"PATCH {address}({write.id}){rest}If-Match: {write.etag or '*'}\r\n\r\n{body}\r\n"
        if write.id is None:
            return f"POST {address}{rest}\r\n{body}\r\n"
        return f"PATCH {address}({write.id}){rest}If-None-Match: *\r\n\r\n{body}\r\n"

    return _batch(boundary, (operation(write) for write in writes))


def batch_of_reads(boundary: str, paths: Iterable[str]) -> bytes:
    """The body of a batch that reads these paths, each from the host's root."""
    # Two blank lines must follow the headers of a part that reads.
    return _batch(boundary, (f"GET {path} HTTP/1.1\r\nAccept: application/json\r\n\r\n\r\n" for path in paths))


def _batch(boundary: str, operations: Iterable[str]) -> bytes:
    head = f"--{boundary}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\nContent-ID: "
    parts = [f"{head}{number}\r\n\r\n{operation}" for number, operation in enumerate(operations, 1)]
    return ("".join(parts) + f"--{boundary}--\r\n").encode("ascii")


def batch_answers(content_type: str, content: bytes) -> list[Row | WireError] | None:
    """What the operations brought, in their order: a body, or a refusal. None when the answer is no batch's.

    There are fewer answers than operations when the service stopped early.
    """
    if not is_multipart(content_type):
        return None
    try:
        return [_answer(response) for response in responses(content_type, content)]
    except Malformed:
        return None


def _answer(response: Response) -> Row | WireError:
    if 200 <= response.status < 300:
        return (json_object(response.body) if response.body else None) or {}
    return error_from(response.status, response.headers, response.body)
