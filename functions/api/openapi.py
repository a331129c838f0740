"""The OpenAPI 3.1 document of the API, made of the declarations and their types."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus
from re import findall
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from functions.api.operation import FileBody, Operation, Page, Redirect, Yaml
from functions.api.problems import (
    ALWAYS,
    BY_CODE,
    CHANGING,
    ENTERING,
    ONCE,
    READING,
    WITH_BODY,
    WITH_FILE,
    ProblemDetails,
)
from functions.api.reading import CONNECTION_PARAMETER, LONGEST_KEY, LONGEST_NAME
from shared.services.access import SAFE_METHODS

VERSION = "1.0"
TITLE = "Business Central and Dataverse in step"
DESCRIPTION = (
    "Couples records of Dynamics 365 Business Central with rows of Microsoft Dataverse and keeps the pairs in step."
)

type Json = dict[str, Any]

KEYS: Json = {
    "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
    "entra": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Microsoft Entra token for this app, where the app is set up for it.",
    },
}

TEXT: Json = {"type": "string"}
OBJECT: Json = {"type": "object"}
CONNECTION: Json = {
    "name": CONNECTION_PARAMETER,
    "in": "query",
    "required": False,
    "description": "Which connection is meant, by its name in any case; left out: the default one.",
    "schema": {**TEXT, "maxLength": 40},
}
NUMBER: Json = {"type": "integer", "minimum": 0}


def document(operations: Sequence[Operation]) -> Json:
    """The whole document; the same for the same operations."""
    schemas, references = _schemas(operations)
    paths: defaultdict[str, Json] = defaultdict(dict)
    for operation in operations:
        paths[f"/{operation.route}"][operation.method.lower()] = _operation(operation, references, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": "/api"}],
        "paths": dict(paths),
        "components": {"schemas": _components(operations, schemas), "securitySchemes": KEYS},
    }


def problems_of(operation: Operation) -> dict[int, list[str]]:
    """Every code that the operation may answer with, by status."""
    codes = [*operation.problems, *ENTERING, *READING, *ALWAYS]
    codes += CHANGING if operation.method not in SAFE_METHODS else ()
    codes += WITH_FILE if operation.body is FileBody else WITH_BODY if operation.body else ()
    codes += ONCE if operation.once else ()
    by_status: defaultdict[int, list[str]] = defaultdict(list)
    for code in codes:
        by_status[BY_CODE[code].status].append(code)
    return {status: by_status[status] for status in sorted(by_status)}


def _models(operations: Iterable[Operation]) -> Iterator[tuple[type[BaseModel], str]]:
    yield ProblemDetails, "serialization"
    for operation in operations:
        yield operation.query, "validation"
        if operation.body and operation.body is not FileBody:
            yield operation.body, "validation"
        for models in operation.answers.values():
            yield from ((model, "serialization") for model in models if model not in (Page, Redirect, Yaml))


def _schemas(operations: Sequence[Operation]) -> tuple[Json, dict[Any, Json]]:
    """The shared schemas by name, and where each model's own is."""
    wanted: Any = list(dict.fromkeys(_models(operations)))
    references, found = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    return dict(found["$defs"]), dict(references)


def _components(operations: Iterable[Operation], schemas: Json) -> Json:
    """Queries are told parameter by parameter, so their schemas are not needed."""
    queries = {operation.query.__name__ for operation in operations}
    return {name: schema for name, schema in sorted(schemas.items()) if name not in queries}


def _operation(operation: Operation, references: dict[Any, Json], schemas: Json) -> Json:
    described = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_parameters(operation, schemas)],
        "responses": _responses(operation, references),
        "security": [{"functionKey": []}, {"entra": [operation.role.value]}],
    }
    if operation.body:
        needed = any(one.is_required() for one in operation.body.model_fields.values())
        described["requestBody"] = {"required": needed, "content": _taken(operation.body, references)}
    return described


def _parameters(operation: Operation, schemas: Json) -> Iterator[Json]:
    for name in findall(r"\{(\w+)\}", operation.route):
        schema = {**TEXT, "minLength": 1, "maxLength": LONGEST_NAME}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    query = schemas.get(operation.query.__name__, {})
    for name, schema in query.get("properties", {}).items():
        required = name in query.get("required", ())
        yield {"name": name, "in": "query", "required": required, **_described(schema)}
    yield CONNECTION
    if operation.etag and operation.method not in SAFE_METHODS:
        yield _header("If-Match", "Only over this version.", TEXT)
    if operation.once:
        text = "The same key with the same request within 24 hours: the same answer, without doing it again."
        key = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": r"^[\x20-\x7e]+$"}
        yield _header("Idempotency-Key", text, key)


def _described(schema: Json) -> Json:
    """A member as a parameter: its description beside its schema, and no null, which an address cannot say."""
    rest = {name: value for name, value in schema.items() if name not in ("description", "title", "anyOf")}
    if rest.get("default", 0) is None:
        del rest["default"]
    for one in schema.get("anyOf", ()):
        rest |= one if one != {"type": "null"} else {}
    return {"description": schema.get("description", ""), "schema": rest}


def _header(name: str, description: str, schema: Json) -> Json:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _responses(operation: Operation, references: dict[Any, Json]) -> Json:
    answers: Json = {}
    for status, models in operation.answers.items():
        answers[str(status)] = {
            "description": " ".join((models[0].__doc__ or "").split()),
            "headers": _headers(operation, status),
            "content": _content(models, references),
        }
    for status, codes in problems_of(operation).items():
        refusal = _refusal(status, codes, references[(ProblemDetails, "serialization")])
        if str(status) in answers:
            answers[str(status)]["content"] |= refusal["content"]
        else:
            answers[str(status)] = refusal
    return answers


def _taken(body: type[BaseModel], references: dict[Any, Json]) -> Json:
    if body is FileBody:
        return {"application/yaml": {"schema": OBJECT}, "application/json": {"schema": OBJECT}}
    return {"application/json": {"schema": references[(body, "validation")]}}


def _content(models: Sequence[type[BaseModel]], references: dict[Any, Json]) -> Json:
    if Redirect in models:
        return {}
    if Page in models:
        return {"text/html": {"schema": TEXT}}
    yaml: Json = {"application/yaml": {"schema": OBJECT}} if Yaml in models else {}
    one_of = [references[(model, "serialization")] for model in models if model is not Yaml]
    return yaml | {"application/json": {"schema": one_of[0] if len(one_of) == 1 else {"anyOf": one_of}}}


def _headers(operation: Operation, status: int) -> Json:
    headers: Json = {}
    if operation.etag:
        headers["ETag"] = {"description": "The version.", "schema": TEXT}
    if status == HTTPStatus.SEE_OTHER:
        headers["Location"] = {"description": "Where to go on.", "schema": TEXT}
    if status == HTTPStatus.ACCEPTED:
        headers["Location"] = {"description": "Where to ask for the outcome.", "schema": TEXT}
        headers["Retry-After"] = {"description": "Seconds to wait before asking.", "schema": NUMBER}
    if operation.once:
        headers["Idempotency-Replayed"] = {"description": "`true`: the answer is the first one's.", "schema": TEXT}
    return headers


def _refusal(status: int, codes: Sequence[str], details: Json) -> Json:
    schema = {"allOf": [details, {"properties": {"code": {"enum": list(codes)}}}]}
    return {
        "description": f"{HTTPStatus(status).phrase}: {', '.join(codes)}",
        "content": {"application/problem+json": {"schema": schema}},
    }
