"""`$batch`: up to 100 operations, one after the other (page "OData batch requests").

Without `Prefer: odata.continue-on-error` the first failure ends the batch, and what follows is neither done nor
mentioned. With `Isolation: snapshot` all is one transaction: any failure takes everything back, although what had
succeeded is still reported as done; if the very first operation fails only its response comes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Any
from urllib.parse import urlsplit

from infra.local.business_central import errors, multipart
from infra.local.business_central.calls import Answer, Call
from infra.local.business_central.company import Company

MOST = 100
SLICE = 20
"""After so many operations a batch lets other requests go on."""
Do = Callable[[Call], Awaitable[Answer]]


@dataclass
class Operation:
    """One operation of a batch; `id` is echoed."""

    id: Any
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None


class _TakeBackError(Exception):
    """Ends the transaction of a snapshot batch that failed."""


def writes(call: Call, answer: Answer) -> bool:
    """Tell whether a call stored something."""
    return call.method in ("POST", "PATCH", "PUT", "DELETE") and answer.status < 300


@dataclass(frozen=True)
class Batch:
    """Does batches: `do` one operation at a time; a snapshot holds the `lock` of those who write.

    `never_waits` tells whether no operation can be made to wait, as ordered faults may do.
    """

    do: Do
    company: Company
    lock: asyncio.Lock
    wrote: Callable[[int], None]
    never_waits: Callable[[], bool]

    async def run(self, call: Call) -> Answer:
        """Do a batch; the status is 200 when it could be read. Raises ApiError."""
        operations = _operations(call)
        if len(operations) > MOST:
            raise errors.ApiError(
                500,
                "Unknown",
                "The current batch message contains too many parts. A maximum number of "
                f"'{MOST}' query operations and change sets are allowed in a batch message.",
            )
        in_snapshot = (call.header("Isolation") or call.header("odata-isolation") or "").lower() == "snapshot"
        calls = [_inner(call, operation, in_snapshot=in_snapshot) for operation in operations]
        go_on = call.preference("odata.continue-on-error") not in (None, "false")
        answers = await (self._snapshot(calls, go_on=go_on) if in_snapshot else self._one_by_one(calls, go_on=go_on))
        return _response(call, list(zip(operations, answers, strict=False)))

    async def _one_by_one(self, calls: list[Call], *, go_on: bool) -> list[Answer]:
        answers: list[Answer] = []
        for some in batched(calls, SLICE, strict=False):
            if not await self._slice(some, answers, go_on=go_on):
                break
            # Others get their turn in the midst of a long batch.
            await asyncio.sleep(0)
        return answers

    async def _slice(self, calls: Sequence[Call], answers: list[Answer], *, go_on: bool) -> bool:
        """Do some calls; answers whether the batch goes on."""
        if not self.never_waits() or not all(_only_writes(call) for call in calls):
            return await self._each(calls, answers, go_on=go_on)
        # Nobody waits in between and nobody reads: one commit does for all of them.
        async with self.lock:
            with self.company.database.transaction():
                return await self._each([replace(call, locked=True) for call in calls], answers, go_on=go_on)

    async def _each(self, calls: Sequence[Call], answers: list[Answer], *, go_on: bool) -> bool:
        for call in calls:
            answers.append(await self.do(call))
            if answers[-1].status >= 400 and not go_on and not (call.in_snapshot and len(answers) > 1):
                return False
        return True

    async def _snapshot(self, calls: list[Call], *, go_on: bool) -> list[Answer]:
        answers: list[Answer] = []
        async with self.lock:
            told = len(self.company.unsent)
            with suppress(_TakeBackError), self.company.database.transaction():
                answers = await self._one_by_one(calls, go_on=go_on)
                if any(one.status >= 400 for one in answers):
                    del self.company.unsent[told:]
                    raise _TakeBackError
                self.wrote(sum(writes(call, answer) for call, answer in zip(calls, answers, strict=True)))
        return answers


def _only_writes(call: Call) -> bool:
    # A subscription asks its receiver before it is stored.
    return not (call.in_snapshot or call.method == "GET" or call.path.strip("/").startswith("subscriptions"))


def _inner(call: Call, operation: Operation, *, in_snapshot: bool) -> Call:
    url = urlsplit(operation.url)
    path = url.path.partition(call.api_path)[2] if call.api_path in url.path else f"/{url.path.lstrip('/')}"
    headers = {name.lower(): value for name, value in operation.headers.items()}
    if intent := call.header("Data-Access-Intent"):
        headers.setdefault("data-access-intent", intent)
    return Call(
        operation.method.upper(),
        call.root,
        path,
        url.query,
        headers,
        operation.body,
        call.user,
        in_snapshot=in_snapshot,
    )


def _operations(call: Call) -> list[Operation]:
    content_type = call.header("Content-Type") or ""
    if "multipart/mixed" in content_type.lower():
        return [Operation(None, *part) for part in multipart.read(content_type, call.body or b"")]
    body = call.json_object()
    requests = body.get("requests")
    if not isinstance(requests, list):
        raise errors.bad_request("The batch request must have an array 'requests'.")
    return [_operation(one) for one in requests]


def _operation(one: Any) -> Operation:
    if not isinstance(one, dict) or not isinstance(one.get("method"), str) or not isinstance(one.get("url"), str):
        raise errors.bad_request("Every request of a batch must have a 'method' and a 'url'.")
    given = one.get("headers") or {}
    if not isinstance(given, dict) or not _is_url(one["url"]):
        raise errors.bad_request("A request of the batch has headers or a url that cannot be read.")
    headers = {str(name): str(value) for name, value in given.items()}
    body = one.get("body")
    return Operation(
        one.get("id"), one["method"], one["url"], headers, None if body is None else json.dumps(body).encode()
    )


def _is_url(text: str) -> bool:
    try:
        urlsplit(text)
    except ValueError:
        return False
    return True


def _response(call: Call, done: list[tuple[Operation, Answer]]) -> Answer:
    """JSON where `Accept` asks for it, else multipart."""
    if "application/json" not in (call.header("Accept") or ""):
        content_type, text = multipart.write([answer for _, answer in done])
        return Answer(200, text=text, headers={"Content-Type": content_type})
    responses = []
    for operation, answer in done:
        headers = {"content-type": "application/json; odata.metadata=minimal", "odata-version": "4.0"}
        headers |= {name.lower(): value for name, value in answer.headers.items() if name != "Content-Type"}
        response: dict[str, Any] = {"id": operation.id, "status": answer.status, "headers": headers}
        if answer.body is not None or answer.text is not None:
            response["body"] = answer.text if answer.body is None else answer.body
        responses.append(response)
    return Answer(200, {"responses": responses}, {"Content-Type": "application/json"})
