"""Runs a function the way every trigger needs it: time limit, output bindings, log lines."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta

from infra.local.functions_host.functions import Function
from infra.local.functions_host.worker import Datum, Invocation, Outcome, Worker

_log = logging.getLogger("Host")

SendOutput = Callable[[Function, str, Datum], Awaitable[None]]


class Invoker:
    """The one way into the app for all triggers.

    `timeout` is host.json's functionTimeout. An async function that exceeds it is cancelled. A thread cannot be
    cancelled: the caller gets the failure, the thread runs on (Azure restarts the whole worker process instead).
    """

    def __init__(self, worker: Worker, timeout: timedelta | None, send_output: SendOutput) -> None:
        self._worker = worker
        self._timeout = timeout
        self._send_output = send_output
        self._running: dict[str, str] = {}

    async def invoke(
        self,
        function: Function,
        trigger_value: Datum,
        trigger_metadata: Mapping[str, Datum] | None = None,
        *,
        reason: str,
        retry_count: int = 0,
        max_retry_count: int = 0,
    ) -> Outcome:
        """Call the function once and send what it put into its output bindings. A failure is in the outcome."""
        invocation = Invocation(str(uuid.uuid4()), trigger_value, trigger_metadata or {}, retry_count, max_retry_count)
        self._running[invocation.id] = function.name
        started = time.perf_counter()
        _log.info("Executing '%s' (Reason='%s', Id=%s)", function.name, reason, invocation.id)
        try:
            outcome = await self._run(function, invocation)
        finally:
            del self._running[invocation.id]
        self._log_end(function, invocation.id, outcome, time.perf_counter() - started)
        return outcome

    def function_of(self, invocation_id: str) -> str | None:
        """The name of the function that a running invocation belongs to."""
        return self._running.get(invocation_id)

    async def _run(self, function: Function, invocation: Invocation) -> Outcome:
        try:
            async with asyncio.timeout(self._timeout.total_seconds() if self._timeout else None):
                outcome = await self._worker.invoke(function, invocation)
        except TimeoutError:
            return Outcome(error=f"Timeout value of {self._timeout} was exceeded by function: {function.name}")
        if outcome.error is not None:
            return outcome
        try:
            for name, value in _outputs(function, outcome):
                await self._send_output(function, name, value)
        except Exception as error:
            return Outcome(error=f"The output binding of {function.name} failed: {error}")
        return outcome

    def _log_end(self, function: Function, invocation_id: str, outcome: Outcome, seconds: float) -> None:
        milliseconds = round(seconds * 1000)
        if outcome.error is None:
            _log.info("Executed '%s' (Succeeded, Id=%s, Duration=%dms)", function.name, invocation_id, milliseconds)
            return
        _log.error(
            "Executed '%s' (Failed, Id=%s, Duration=%dms): %s%s",
            function.name,
            invocation_id,
            milliseconds,
            outcome.error,
            f"\n{outcome.stack_trace.rstrip()}" if outcome.stack_trace else "",
        )


def _outputs(function: Function, outcome: Outcome) -> list[tuple[str, Datum]]:
    """The values to send somewhere: output parameters, and the returned value unless it is the HTTP answer."""
    values = list(outcome.outputs)
    returning = function.output("$return")
    if returning is not None and returning.type != "http" and outcome.returned is not None:
        values.append(("$return", outcome.returned))
    return values
