"""Business Central's JSON `$batch` (page "Using OData batch requests"): independent operations, one after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shared.adapters.rows import body_of
from shared.adapters.values import decode_enum
from shared.adapters.wire import Row, WireError, error_from, json_object, json_text, rows_of
from shared.core.records import Create, Delete, Update, Write
from shared.core.tables import Table

MOST = 100  # operations of one batch
HEADERS: Mapping[str, str] = {"Content-Type": "application/json", "Prefer": "odata.continue-on-error"}
_METHODS = {Create: "POST", Update: "PATCH", Delete: "DELETE"}


def batch_body(base: str, table: Table, writes: Sequence[Write]) -> bytes:
    """The body of a batch of these writes; `base` addresses the company, relative to the API's root."""
    requests = [_request(f"{at:03}", f"{base}/{table.entity_set}", table, write) for at, write in enumerate(writes)]
    return json_text({"requests": requests}).encode()


def _request(key: str, address: str, table: Table, write: Write) -> Row:
    request: Row = {"id": key, "method": _METHODS[type(write)], "url": address, "headers": {}}
    if not isinstance(write, Create):
        request["url"] = f"{address}({write.id})"
        request["headers"]["If-Match"] = write.etag or "*"
    if not isinstance(write, Delete):
        request["headers"]["Content-Type"] = "application/json"
        request["body"] = body_of(table, write)
    return request


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
    for contact in rows_of({"value": row.get("contactsInformation")}):
        if decode_enum(str(contact.get("contactType"))) == "Company" and contact.get("contactNumber"):
            return str(contact["contactNumber"])
    return None
