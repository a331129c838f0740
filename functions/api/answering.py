"""From a request to its answer: who asks, what is asked, the work, and whatever went wrong as problem details."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from urllib.parse import urlsplit

import azure.functions as func

from functions.api.operation import Operation, Page, Redirect, Reply, Yaml
from functions.api.problems import ProblemDetails, ProblemPart, remedy_of
from functions.api.reading import fingerprint, read_call, read_credentials, read_idempotency_key
from shared.core.access import Caller
from shared.core.failures import NeedsPerson, Passing
from shared.services.access import Access
from shared.services.connections import Connections
from shared.services.idempotency import StoredAnswer, once
from shared.services.problems import Problem

log = logging.getLogger(__name__)
RETRY_AFTER = 30  # seconds, when nobody says better
ALWAYS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""Headers of every answer: it is about people's records, and it is what its type says."""
HTML, YAML, PROBLEM = "text/html", "application/yaml", "application/problem+json"


async def answer(
    operation: Operation, connections: Connections, access: Access, req: func.HttpRequest
) -> func.HttpResponse:
    """The answer to a request. Never raises: nothing half done is left behind, and nobody sees a stack trace."""
    try:
        caller = await _admitted(operation, access, req)
        return _response(await _answered(operation, connections, caller, req))
    except Problem as problem:
        return _refusal(problem)
    except (Passing, NeedsPerson) as failure:
        return _refusal(_problem_of(failure))
    except Exception:
        log.exception("%s %s failed", req.method, urlsplit(req.url).path)
        return _refusal(Problem(500, "internal_error", "Something went wrong inside the app; its log has the details."))


def _problem_of(failure: Passing | NeedsPerson) -> Problem:
    """What cannot be done now. Codes of Business Central and Dataverse are theirs, and many; the callers' are few."""
    if isinstance(failure, NeedsPerson):
        refuses = Problem(502, "service_refuses", str(failure))
        return refuses if failure.side is not None else Problem(502, failure.code, str(failure))
    wait = int(failure.retry_after or RETRY_AFTER)
    unavailable = Problem(503, "service_unavailable", str(failure), retry_after=wait)
    return unavailable if failure.side is not None else Problem(503, failure.code, str(failure), retry_after=wait)


async def _admitted(operation: Operation, access: Access, req: func.HttpRequest) -> Caller:
    caller = await access.caller(read_credentials(req))
    if not caller.may(operation.role):
        raise Problem(403, "role_missing", f"{caller.name} needs the app role {operation.role} for this.")
    return caller


async def _answered(
    operation: Operation, connections: Connections, caller: Caller, req: func.HttpRequest
) -> StoredAnswer:
    call = read_call(operation, connections, caller, req)

    async def work() -> StoredAnswer:
        return _checked(operation, await operation.handler(call))

    key = read_idempotency_key(req) if operation.once else None
    if key is None:
        return await work()
    found, repeated = await once(call.services, f"{caller.label}|{key}", fingerprint(req), work)
    if repeated:
        return replace(found, headers={**found.headers, "Idempotency-Replayed": "true"})
    return found


def _checked(operation: Operation, reply: Reply) -> StoredAnswer:
    """The reply as it goes out. An answer that is not declared is a defect of ours."""
    if not isinstance(reply.body, operation.answers.get(reply.status, ())):
        raise TypeError(f"{operation.name} does not declare {type(reply.body).__name__} with {reply.status}")
    headers = dict(reply.headers)
    match reply.body:
        case Page():
            return StoredAnswer(reply.status, reply.body.root, headers, HTML)
        case Yaml():
            return StoredAnswer(reply.status, reply.body.root, headers, YAML)
        case Redirect():
            return StoredAnswer(reply.status, "", headers)
    return StoredAnswer(reply.status, reply.body.model_dump_json(), headers)


def _response(found: StoredAnswer) -> func.HttpResponse:
    headers = {**ALWAYS, **found.headers}
    return func.HttpResponse(found.body, status_code=found.status, headers=headers, mimetype=found.media)


def _refusal(problem: Problem) -> func.HttpResponse:
    """The problem as application/problem+json."""
    details = ProblemDetails(
        type="about:blank",
        title=HTTPStatus(problem.status).phrase,
        status=problem.status,
        code=problem.code,
        detail=str(problem),
        field=problem.field,
        remedy=remedy_of(problem.code),
        problems=tuple(ProblemPart(code=one.code, field=one.member, message=one.message) for one in problem.problems),
    )
    text = details.model_dump_json()
    return func.HttpResponse(text, status_code=problem.status, headers=_headers_of(problem), mimetype=PROBLEM)


def _headers_of(problem: Problem) -> Mapping[str, str]:
    headers = dict(ALWAYS)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if problem.retry_after is not None:
        headers["Retry-After"] = str(problem.retry_after)
    return headers
