"""Reading a request into what its operation takes. Whatever is wrong is a Problem that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import azure.functions as func
from pydantic import BaseModel, ValidationError

from functions.api.invalid import invalid
from functions.api.operation import Call, FileBody, NoBody, Operation
from shared.core.access import Caller
from shared.services.access import Credentials
from shared.services.connections import Connections
from shared.services.problems import Problem

LARGEST_BODY = 1_000_000  # bytes
BOM = b"\xef\xbb\xbf"
"""What editors and shells of Windows begin UTF-8 with."""
NOTHING_SAID = b"{}"
"""What a body that is left out says."""
YAML_TYPES = ("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml")
LONGEST_KEY = 200  # characters
LONGEST_NAME = 100  # characters
KEY_PARAMETER = "code"
"""The query parameter in which the Functions host takes a function key: not the operation's affair."""
CONNECTION_PARAMETER = "connection"
"""The query parameter of every operation that says which connection is meant."""


def read_credentials(req: func.HttpRequest) -> Credentials:
    """Everything that may tell who asks. A key in the query counts as the header."""
    headers = {name.lower(): value for name, value in req.headers.items()}
    if key := req.params.get(KEY_PARAMETER):
        headers.setdefault("x-functions-key", key)
    return Credentials(req.method, headers, _host(req))


def read_call(
    operation: Operation, connections: Connections, caller: Caller, req: func.HttpRequest
) -> Call[BaseModel, BaseModel]:
    """The call that a request stands for. Raises Problem (400, 404, 413, 415)."""
    asked = req.params.get(CONNECTION_PARAMETER)
    services = connections.default if asked is None else connections.named(asked)
    return Call(
        services=replace(services, acting_for=caller.label),
        connections=connections,
        caller=caller,
        path=_path(req),
        query=_query(operation, req),
        body=_body(operation, req),
        root=_root(req),
        if_match=req.headers.get("if-match"),
        asked=None if asked is None else services.connection,
        accept=req.headers.get("accept", ""),
        key=req.params.get(KEY_PARAMETER),
    )


def read_idempotency_key(req: func.HttpRequest) -> str | None:
    """The key under which a repetition gets the first answer, if one was given. Raises Problem (400)."""
    key: str | None = req.headers.get("idempotency-key")
    if key is None or (key.isascii() and key.isprintable() and 1 <= len(key) <= LONGEST_KEY):
        return key
    text = f"Idempotency-Key: must be 1 to {LONGEST_KEY} printable ASCII characters."
    raise Problem(400, "invalid_value", text, field="Idempotency-Key")


def fingerprint(req: func.HttpRequest) -> str:
    """What a request asks for, whoever asks: the same text for the same method, address and body."""
    parts = urlsplit(req.url)
    return f"{req.method} {parts.path}?{parts.query}\n{req.get_body().decode('utf-8', 'replace')}"


def _path(req: func.HttpRequest) -> Mapping[str, str]:
    """The route's parameters: names and ids, which are never long."""
    for name, value in req.route_params.items():
        if len(value) > LONGEST_NAME:
            text = f"{name}: must have at most {LONGEST_NAME} characters."
            raise Problem(400, "invalid_value", text, field=name)
    return dict(req.route_params)


def _query(operation: Operation, req: func.HttpRequest) -> BaseModel:
    given = {name: value for name, value in req.params.items() if name not in (KEY_PARAMETER, CONNECTION_PARAMETER)}
    for name in given:
        if name not in operation.query.model_fields:
            known = ", ".join(operation.query.model_fields) or "there are none"
            raise Problem(400, "unknown_parameter", f"{name}: unknown parameter; {known}.", field=name)
    try:
        return operation.query.model_validate(given)
    except ValidationError as error:
        raise invalid(error, operation.query, given) from None


def _body(operation: Operation, req: func.HttpRequest) -> BaseModel:
    raw = req.get_body() or b""
    if len(raw) > LARGEST_BODY:
        raise Problem(413, "body_too_large", f"The body has {len(raw)} bytes; {LARGEST_BODY} are the most.")
    if operation.body is None:
        return NoBody()
    if operation.body is FileBody:
        return _file(raw, req.headers)
    if raw and not _is_json(req.headers):
        raise Problem(415, "not_json", "The body must be JSON, with Content-Type: application/json.")
    raw = raw.removeprefix(BOM) or NOTHING_SAID
    try:
        return operation.body.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error, operation.body, raw) from None


def _file(raw: bytes, headers: Mapping[str, str]) -> FileBody:
    """The file in the body, declared as YAML or as JSON."""
    is_json = _is_json(headers)
    if not is_json and _type_of(headers) not in YAML_TYPES:
        text = "The body must be YAML, with Content-Type: application/yaml, or JSON, with application/json."
        raise Problem(415, "not_yaml", text)
    return FileBody(content=raw, is_json=is_json)


def _is_json(headers: Mapping[str, str]) -> bool:
    """Whether the body is declared as JSON; a page of another site cannot say so without being asked first."""
    return _type_of(headers) == "application/json"


def _type_of(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _host(req: func.HttpRequest) -> str:
    return str(req.headers.get("x-forwarded-host") or urlsplit(req.url).netloc)


def _root(req: func.HttpRequest) -> str:
    """The absolute address of the API: scheme, host and route prefix as the caller sees them."""
    parts = urlsplit(req.url)
    prefix = parts.path.split("/", 2)[1]
    scheme = req.headers.get("x-forwarded-proto") or parts.scheme
    return f"{scheme}://{_host(req)}/{prefix}"
