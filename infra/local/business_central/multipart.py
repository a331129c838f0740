"""Batches as `multipart/mixed`: parts of `application/http`, each an HTTP request or response as text."""

from __future__ import annotations

import re
from email.message import Message
from email.parser import BytesParser
from http import HTTPStatus
from uuid import uuid4

from infra.local.business_central.calls import Answer
from infra.local.business_central.errors import ApiError, bad_request

Part = tuple[str, str, dict[str, str], bytes | None]
_REQUEST_LINE = re.compile(rb"([A-Z]+) (\S+)(?: HTTP/1\.\d)?\s*")


def read(content_type: str, body: bytes) -> list[Part]:
    """Answer (method, url, headers, body) of every operation. Raises ApiError 400 or 500.

    A change set may hold one operation only.
    """
    operations: list[Part] = []
    for part in _parts(content_type, body):
        if part.get_content_type() != "multipart/mixed":
            operations.append(_request(part))
            continue
        inner = _children(part)
        if len(inner) != 1:
            text = "Multiple requests within the same change set are not supported by this service."
            raise ApiError(500, "Internal_ServerError", text)
        operations.append(_request(inner[0]))
    return operations


def _parts(content_type: str, body: bytes) -> list[Message]:
    message = BytesParser().parsebytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    if not message.is_multipart():
        raise bad_request("The multipart body of the batch cannot be read.")
    return _children(message)


def _children(message: Message) -> list[Message]:
    parts = message.get_payload()
    return [one for one in parts if isinstance(one, Message)] if isinstance(parts, list) else []


def _request(part: Message) -> Part:
    payload = part.get_payload(decode=True)
    text = payload.lstrip() if isinstance(payload, bytes) else b""
    line, _, rest = text.partition(b"\n")
    match = _REQUEST_LINE.fullmatch(line)
    if match is None:
        raise bad_request("A part of the batch is no HTTP request.")
    if rest.startswith((b"\r\n", b"\n")):
        head, body = b"", rest.lstrip(b"\r\n")
    else:
        head, _, body = rest.replace(b"\r\n", b"\n").partition(b"\n\n")
    headers = {name: str(value) for name, value in BytesParser().parsebytes(head + b"\n\n", headersonly=True).items()}
    return match[1].decode(), match[2].decode(), headers, body.strip() or None


def write(answers: list[Answer]) -> tuple[str, str]:
    """Answer the content type and the text of a multipart response."""
    boundary = f"batchresponse_{uuid4()}"
    parts = [f"--{boundary}\r\n{_response(answer)}\r\n" for answer in answers]
    return f"multipart/mixed; boundary={boundary}", "".join(parts) + f"--{boundary}--\r\n"


def _response(answer: Answer) -> str:
    content = answer.content().decode()
    headers = {"OData-Version": "4.0", **answer.headers}
    if content:
        headers.setdefault("Content-Type", "application/json")
        headers["Content-Length"] = str(len(content.encode()))
    lines = [f"{name}: {value}" for name, value in headers.items()]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}"
    head = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
    return "\r\n".join([head, status, *lines, "", content])
