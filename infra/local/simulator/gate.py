"""The gate that every request passes: service time, ordered faults, service protection and counting."""

from __future__ import annotations

import asyncio
import json
import re
from collections import defaultdict
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from infra.local.simulator.faults import Fault, Faults
from infra.local.simulator.limits import Allowance, Limits, Remaining
from infra.local.simulator.service_time import Meter, Slots
from infra.local.simulator.statistics import CUT, Statistics

CONTROL = "/_simulator/"
ROUTE = web.RequestKey("route", str)
"""Under `request[ROUTE]` a handler names its route for the statistics, without the method: `accounts(id)`."""
REMAINING = web.RequestKey("remaining", Remaining)
"""Under `request[REMAINING]` a handler finds what the caller has left."""
_CUT = web.RequestKey("cut", bool)
_METER = web.RequestKey("meter", Meter)

_GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_current: ContextVar[web.Request | None] = ContextVar("current request", default=None)


@dataclass(frozen=True)
class OperationFault:
    """The answer an operation inside a batch gets instead of being done."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


def _authorization(request: web.Request) -> str:
    return request.headers.get("Authorization", "")


class Gate:
    """The outermost middleware of a simulator.

    `refuse(kind, retry_after_seconds)` builds the service's own 429. `caller` tells whose limits a request uses
    (default: its Authorization header; an empty answer means that no limit applies).
    """

    def __init__(
        self,
        *,
        limits: Limits,
        refuse: Callable[[str, float], web.Response],
        statistics: Statistics,
        faults: Faults,
        caller: Callable[[web.Request], str] = _authorization,
    ) -> None:
        self.limits = limits
        self.statistics = statistics
        self.faults = faults
        self._default_limits = replace(limits)
        self._refuse = refuse
        self._caller = caller
        self._allowances: dict[str, Allowance] = defaultdict(lambda: Allowance(limits))
        self._slots: dict[str, Slots] = defaultdict(Slots)
        self._under_way = self._worked_on = 0

    @property
    def middleware(self) -> Middleware:
        """The aiohttp middleware: everything but `/_simulator/*` passes through it."""

        @web.middleware
        async def pass_through(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith(CONTROL):
                return await handler(request)
            return await self._serve(request, handler)

        return pass_through

    def clear(self) -> None:
        """Forget faults, changed limits and what callers have used."""
        self.faults.clear()
        vars(self.limits).update(vars(self._default_limits))
        self.forget_use()

    def forget_use(self) -> None:
        """Give every caller a full allowance, and as many slots as the limits say now."""
        self._allowances.clear()
        self._slots.clear()

    async def operation(self, method: str, route: str) -> OperationFault | None:
        """Meet one operation inside a batch (`route` is its "path?query"): count it, answer its fault.

        A fault `after_commit` or `cut` concerns the connection, hence the whole batch: None is answered here and the
        connection is cut in the end.
        """
        self.count_operations()
        if not self.faults.waiting:
            return None
        fault = self.faults.take(method, route, operations=True)
        if fault is None:
            return None
        request = _current.get()
        if request is not None:
            request[_METER].delay_ms += fault.delay_ms
        await _pause(fault.delay_ms)
        if fault.after_commit or fault.cut:
            if request is not None:
                request[_CUT] = True
            return None
        return None if fault.status is None else OperationFault(fault.status, fault.body, fault.headers)

    def count_operations(self, number: int = 1) -> None:
        """Count operations of the present request: each adds to its service time."""
        if (request := _current.get()) is not None:
            request[_METER].operations += number

    def count_rows(self, rows: int, pages: int = 1) -> None:
        """Count rows that the present request reads, and the pages on which they are answered."""
        if (request := _current.get()) is not None:
            request[_METER].pages += pages
            request[_METER].rows_read += rows

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        request[_METER] = Meter()
        _current.set(request)
        response = await self._answer(request, _answering(handler))
        cut = bool(request.get(_CUT))
        if cut and request.transport is not None:
            request.transport.abort()
        self._count(request, response, CUT if cut else response.status)
        return response

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        fault = self.faults.take(request.method, _target(request)) if self.faults.waiting else None
        if fault is None:
            return await self._within_limits(request, handler)
        await _pause(fault.delay_ms)
        if fault.cut or (fault.status is not None and not fault.after_commit):
            request[_CUT] = fault.cut
            return await self._in_stated_time(request, lambda _: _done(_answer_of(fault)))
        response = await self._within_limits(request, handler)
        if fault.after_commit:
            request[_CUT] = fault.status is None
            return response if fault.status is None else _answer_of(fault)
        return response

    async def _within_limits(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        caller = self._caller(request)
        if not caller:
            return await self._in_stated_time(request, handler)
        allowance = self._allowances[caller]
        if refusal := allowance.enter():
            return self._refuse(refusal.kind, refusal.retry_after)
        request[REMAINING] = allowance.remaining
        processed = self.limits.processed if self.limits.enabled else None
        self._under_way += 1
        self.statistics.at_once(self._worked_on, self._under_way - self._worked_on)
        try:
            if processed is None:
                return await self._in_stated_time(request, handler)
            async with self._slots[caller].one(processed):
                return await self._in_stated_time(request, handler)
        finally:
            self._under_way -= 1
            allowance.leave(request[_METER].taken_ms)

    async def _in_stated_time(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Do the work, and answer when the stated time is over, or as soon as the work is done where it took longer."""
        meter = request[_METER]
        meter.start()
        self._worked_on += 1
        self.statistics.at_once(self._worked_on, max(0, self._under_way - self._worked_on))
        try:
            response = await handler(request)
            stated = meter.stated_ms(self.faults.latency)
            await _pause(stated - meter.taken_ms)
        finally:
            self._worked_on -= 1
        self.statistics.served(meter, stated, meter.taken_ms - stated)
        return response

    def _count(self, request: web.Request, response: web.StreamResponse, status: int) -> None:
        route = request.get(ROUTE) or _GUID.sub("id", request.path.lstrip("/"))
        body = response.body if isinstance(response, web.Response) else b""
        sent = len(body) if isinstance(body, bytes | bytearray) else 0
        self.statistics.request(request.method, route, status, request.content_length or 0, sent)


async def _done(response: web.Response) -> web.Response:
    return response


def _answering(handler: Handler) -> Handler:
    """A handler that answers where the given one raises aiohttp's own refusal (no such route, wrong method)."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            return web.Response(status=refusal.status, text=refusal.text)

    return handle


def remaining_of(request: web.Request) -> Remaining | None:
    """What the caller has left, where limits apply to the request."""
    return request.get(REMAINING)


def _target(request: web.Request) -> str:
    return f"{request.path}?{request.query_string}" if request.query_string else request.path


def _answer_of(fault: Fault) -> web.Response:
    status = fault.status or 500
    if fault.body is None or isinstance(fault.body, str):
        return web.Response(status=status, text=fault.body, headers=fault.headers)
    return web.Response(
        status=status, text=json.dumps(fault.body), headers=fault.headers, content_type="application/json"
    )


async def _pause(milliseconds: float) -> None:
    if milliseconds > 0:
        await asyncio.sleep(milliseconds / 1000)
