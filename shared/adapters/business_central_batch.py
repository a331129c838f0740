"""Business Central's JSON `$batch` (page "Using OData batch requests"): independent operations, one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.adapters.rows import body_writer
from shared.adapters.values import decode_enum
from shared.adapters.wire import Row, WireError, error_from, json_object, json_text
from shared.core.records import Create, Delete, Update, Write
from shared.core.tables import Table

MOST = 100  # operations of one batch
HEADERS: Mapping[str, str] = {"Content-Type": "application/json", "Prefer": "odata.continue-on-error"}
_METHODS = {Create: "POST", Update: "PATCH", Delete: "DELETE"}


def batch_of_writes(base: str, table: Table, writes: Sequence[Write]) -> bytes:
    """The body of a batch of these writes; `base` addresses the company, relative to the API's root."""
    body_of, address = body_writer(table), f"{base}/{table.entity_set}"

    def request(write: Write) -> Row:
        headers: dict[str, str] = {}
        operation: Row = {"method": _METHODS[type(write)], "url": address, "headers": headers}
        if not isinstance(write, Create):
            operation["url"] = f"{address}({write.id})"
            headers["If-Match"] = write.etag or "*"
        if not isinstance(write, Delete):
            headers["Content-Type"] = "application/json"
            operation["body"] = body_of(write)
        return operation

    return _batch(request(write) for write in writes)


def batch_of_reads(paths: Iterable[str], headers: Mapping[str, str]) -> bytes:
    """The body of a batch that reads these paths, relative to the API's root; `headers` go with each part."""
    return _batch({"method": "GET", "url": path, "headers": dict(headers)} for path in paths)


def _batch(operations: Iterable[Row]) -> bytes:
    requests = [{"id": f"{at:03}", **operation} for at, operation in enumerate(operations)]
    return json_text({"requests": requests}).encode("ascii")


def batch_answers(content: bytes, count: int) -> list[Row | WireError | None] | None:
    """What each of `count` operations brought, in order: a body, a refusal, or None for one that was not run.

    None for the whole when the body is no answer to a batch.
    """
    answered = json_object(content)
    responses = answered.get("responses") if answered else None
    if not isinstance(responses, list):
        return None
    by_id = {str(one.get("id")): one for one in responses if isinstance(one, dict)}
    return [_answer(by_id.get(f"{at:03}")) for at in range(count)]


def _answer(response: Row | None) -> Row | WireError | None:
    if response is None:
        return None
    status, body = response.get("status"), response.get("body")
    if isinstance(status, int) and 200 <= status < 300:
        return _object(body)
    headers = response.get("headers")
    named = {str(name).title(): str(text) for name, text in headers.items()} if isinstance(headers, dict) else {}
    return error_from(status if isinstance(status, int) else 500, named, body)


def _object(body: Any) -> Row:
    return body if isinstance(body, dict) else (json_object(body) or {}) if isinstance(body, str) else {}


def company_contact_of(row: Row) -> str | None:
    """The number of the company contact in an expanded contactsInformation, which lists its persons too."""
    for contact in row.get("contactsInformation") or ():
        if decode_enum(str(contact.get("contactType"))) == "Company" and contact.get("contactNumber"):
            return str(contact["contactNumber"])
    return None
