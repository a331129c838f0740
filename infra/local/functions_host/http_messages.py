"""HTTP requests and responses in the form in which the worker library takes and gives them.

The form is that of the real host: header names in lower case, repeated values joined with a comma, empty query values
left out, the body always bytes, the status a string, cookies apart from the other headers.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl

from aiohttp import web

from infra.local.functions_host.worker import Datum

MAX_BODY_BYTES = 104_857_600  # The HTTP trigger's request length limit (FUNCTIONS_REQUEST_BODY_SIZE_LIMIT's default).


class BodyTooLarge(Exception):
    """The request's body is longer than the HTTP trigger takes."""


async def read_body(request: web.BaseRequest) -> bytes:
    """The whole body. Raises BodyTooLarge as soon as it is known to be too long."""
    if (request.content_length or 0) > MAX_BODY_BYTES:
        raise BodyTooLarge
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BodyTooLarge
    return bytes(body)


def request_datum(request: web.BaseRequest, body: bytes, route_parameters: Mapping[str, str]) -> Datum:
    """The trigger value of an HTTP function."""
    url = f"{request.scheme}://{request.host}{request.rel_url.raw_path_qs}"
    return Datum(
        {
            "method": Datum(request.method, "string"),
            "url": Datum(url, "string"),
            "headers": _texts(_joined_headers(request)),
            "params": _texts(route_parameters),
            "query": _texts(_query(request.rel_url.raw_query_string)),
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def response_from(returned: Datum | None) -> web.Response:
    """The answer that an HTTP function's return value stands for: an HttpResponse, or a string as plain text."""
    if returned is None or returned.type != "http":
        return web.Response(text=str(returned.value) if returned else "", content_type="text/plain", charset="utf-8")
    value = returned.value
    response = web.Response(status=int(value["status_code"].value), body=value["body"].value or b"")
    # Lengths and framing are the server's business, whatever the function says.
    response.headers.update(
        {name: header.value for name, header in value["headers"].items() if name.lower() not in _FRAMING}
    )
    for cookies in value.get("cookies") or ():
        for cookie in cookies.values():
            response.headers.add("Set-Cookie", cookie.OutputString())
    return response


_FRAMING = ("content-length", "transfer-encoding", "connection")


def _joined_headers(request: web.BaseRequest) -> dict[str, str]:
    names = dict.fromkeys(name.lower() for name in request.headers)
    return {name: ",".join(request.headers.getall(name)) for name in names}


def _query(text: str) -> dict[str, str]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        values.setdefault(name, []).append(value)
    return {name: ",".join(found) for name, found in values.items() if any(found)}


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: Datum(value, "string") for name, value in values.items()}
