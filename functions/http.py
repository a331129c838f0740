"""What all HTTP triggers share: reading requests, answering JSON and problem details (RFC 9457), the 202 pattern."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from functools import wraps
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import azure.functions as func
from pydantic import BaseModel, ValidationError

from shared.core.failures import NeedsPerson, Passing
from shared.core.jobs import Job
from shared.services.administration import Problem
from shared.services.repositories.work_items import WorkItem

log = logging.getLogger(__name__)
LARGEST_BODY = 1_000_000  # bytes
POLL_AFTER = 2  # seconds

type Handler = Callable[[func.HttpRequest], Awaitable[func.HttpResponse]]


def answering_problems(handler: Handler) -> Handler:
    """Let a trigger raise: what went wrong is answered as problem details, and nothing half done is left behind."""

    @wraps(handler)
    async def answered(req: func.HttpRequest) -> func.HttpResponse:
        try:
            return await handler(req)
        except Problem as problem:
            return problem_details(problem.status, problem.code, str(problem))
        except Passing as failure:
            headers = {"Retry-After": str(int(failure.retry_after or 30))}
            return problem_details(503, failure.code, str(failure), headers)
        except NeedsPerson as failure:
            return problem_details(502, failure.code, str(failure))
        except Exception:
            log.exception("%s %s failed", req.method, urlsplit(req.url).path)
            text = "Something went wrong inside the app; its log has the details."
            return problem_details(500, "internal_error", text)

    return answered


def problem_details(status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """An error as application/problem+json; `code` is the stable part."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": detail}
    text = json.dumps(body, ensure_ascii=False)
    return func.HttpResponse(text, status_code=status, headers=headers, mimetype="application/problem+json")


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> func.HttpResponse:
    """A JSON answer."""
    text = json.dumps(body, ensure_ascii=False, default=_plain)
    return func.HttpResponse(text, status_code=status, headers=headers, mimetype="application/json")


def read_body[M: BaseModel](req: func.HttpRequest, model: type[M]) -> M:
    """The request's JSON body, validated. Raises Problem (400, 413) naming the member and what it may be."""
    raw = req.get_body()
    if len(raw) > LARGEST_BODY:
        raise Problem(413, "body_too_large", f"The body has {len(raw)} bytes; {LARGEST_BODY} are the most.")
    try:
        return model.model_validate_json(raw or b"null")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "body"
        if first["type"] == "extra_forbidden":
            raise Problem(400, "unknown_member", f"{name}: unknown; {_members(model)}.") from None
        raise Problem(400, "invalid_value", f"{name}: {first['msg'].removeprefix('Value error, ')}.") from None


def read_limit(req: func.HttpRequest, default: int = 100, largest: int = 1000) -> int:
    """The query parameter `limit`. Raises Problem (400)."""
    text = req.params.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= largest:
        raise Problem(400, "invalid_value", f"limit: must be a number from 1 to {largest}.")
    return int(text)


def accepted(req: func.HttpRequest, job_id: str, body: Mapping[str, object]) -> func.HttpResponse:
    """202 with the address to ask for the outcome; Power Automate follows it by itself."""
    return answer(body, 202, {"Location": status_address(req, job_id), "Retry-After": str(POLL_AFTER)})


def status_address(req: func.HttpRequest, job_id: str) -> str:
    """The absolute address of a job or request, under the same prefix as this request."""
    parts = urlsplit(req.url)
    prefix = parts.path.split("/", 2)[1]
    scheme = req.headers.get("x-forwarded-proto", parts.scheme)
    host = req.headers.get("x-forwarded-host", parts.netloc)
    return f"{scheme}://{host}/{prefix}/jobs/{job_id}"


def job_document(job: Job) -> dict[str, Any]:
    """A job as the API shows it: the counters beside the other members, messages with how often each was said."""
    body = asdict(job)
    counters = body.pop("counters")
    messages = [{"text": text, "count": count} for text, count in body.pop("messages").items()]
    return {**body, **counters, "messages": messages}


def item_document(item: WorkItem) -> dict[str, Any]:
    """A record that is not in step, as the API shows it."""
    body = asdict(item)
    body["is_error"] = item.is_error
    body["explanation"], body["advice"] = item.reason.sentence, item.reason.advice
    return body


def _members(model: type[BaseModel]) -> str:
    return "the members are " + ", ".join(model.model_fields)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
