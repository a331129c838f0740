"""Feeds a function from a queue: receive, run, settle.

A listener runs several independent pumps. Each has a receiver of its own and works strictly one after the other:
settling on a receiver while something else receives on it costs the SDK a fifth of a second each time. A message is
locked while its function runs, completed when it returns and abandoned when it raises; what happens after too many
deliveries is the queue's business.
Source: Azure Service Bus trigger for Azure Functions (PeekLock behavior, host.json settings).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from azure.servicebus import NEXT_AVAILABLE_SESSION
from azure.servicebus.exceptions import OperationTimeoutError

from infra.local.functions_host.functions import Function
from infra.local.functions_host.host_json import ServiceBusOptions
from infra.local.functions_host.invoker import Invoker
from infra.local.functions_host.outage import Outage
from infra.local.functions_host.service_bus_messages import is_batch, message_batch, single_message
from infra.local.functions_host.stopping import Stop

if TYPE_CHECKING:
    from azure.servicebus import ServiceBusReceivedMessage
    from azure.servicebus.aio import ServiceBusClient, ServiceBusReceiver

_log = logging.getLogger("Host.ServiceBus")

Serve = Callable[[float, Stop], Awaitable[None]]

# How long the broker may hold a request for the next free session or message. It answers as soon as there is one, so
# this only sets how often an idle pump asks anew.
_WAIT_SECONDS = 30.0
_SECONDS_TO_RELEASE = 2.0
_LONGEST_BACK_OFF_SECONDS = 2.0


class QueueListener:
    """All pumps of one function."""

    def __init__(
        self, function: Function, queue: str, client: ServiceBusClient, options: ServiceBusOptions, invoker: Invoker
    ) -> None:
        self._function = function
        self._queue = queue
        self._client = client
        self._options = options
        self._invoker = invoker
        self._outage = Outage(f"queue {queue} of {function.name}")
        self._closing: set[asyncio.Task[None]] = set()

    async def run(self, stop: Stop) -> None:
        """Pump until the stop is requested; a function that runs then is waited for."""
        has_sessions = self._function.trigger.flag("isSessionsEnabled")
        count = self._options.max_concurrent_sessions if has_sessions else self._options.max_concurrent_calls
        serve = self._serve_next_session if has_sessions else self._serve_queue
        async with asyncio.TaskGroup() as pumps:
            for number in range(count):
                # Waits of different lengths: the pumps must not all be asking anew at the same moment.
                pumps.create_task(self._pump(serve, _WAIT_SECONDS * (1 + number / count), stop))
        if self._closing:
            await asyncio.wait(self._closing)

    async def _pump(self, serve: Serve, wait: float, stop: Stop) -> None:
        failures = 0
        while not stop.is_requested:
            try:
                await serve(wait, stop)
                failures = 0
            except Exception as error:  # Whatever the broker or the SDK does, the pump goes on.
                failures += 1
                self._outage.began(error)
                await stop.within(min(0.125 * 2**failures, _LONGEST_BACK_OFF_SECONDS))

    async def _serve_queue(self, wait: float, stop: Stop) -> None:
        receiver = self._client.get_queue_receiver(self._queue, prefetch_count=self._options.prefetch_count)
        try:
            await stop.or_result(receiver.__aenter__())
            self._outage.ended()
            while not stop.is_requested:
                await self._receive_and_handle(receiver, wait, stop)
        finally:
            self._close(receiver)

    async def _serve_next_session(self, wait: float, stop: Stop) -> None:
        receiver = self._client.get_queue_receiver(
            self._queue,
            session_id=NEXT_AVAILABLE_SESSION,
            max_wait_time=wait,
            prefetch_count=self._options.prefetch_count,
        )
        try:
            await stop.or_result(receiver.__aenter__())
            self._outage.ended()
            if not stop.is_requested:
                _log.debug("Session %s of %s is accepted", receiver.session.session_id, self._queue)
                await self._work_off_session(receiver, stop)
        except OperationTimeoutError:
            # No session has messages. That is an answer, so the broker is there.
            self._outage.ended()
        finally:
            self._close(receiver)

    def _close(self, receiver: ServiceBusReceiver) -> None:
        """Close in the background: the session is free at once, but the SDK then waits up to a second for itself."""
        task = asyncio.ensure_future(receiver.close())
        self._closing.add(task)
        task.add_done_callback(self._closed)

    def _closed(self, task: asyncio.Task[None]) -> None:
        self._closing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.debug("A receiver of %s was not closed cleanly: %s", self._queue, error)

    async def _work_off_session(self, receiver: ServiceBusReceiver, stop: Stop) -> None:
        """Handle the session's messages in order until none comes for sessionIdleTimeout.

        maxAutoLockRenewalDuration counts from here, for all messages of the session together, not anew for each: after
        that the lock runs out in the midst of whatever is done (ServiceBusSessionProcessor of the .NET SDK).
        """
        renewed_until = datetime.now(UTC) + self._options.max_auto_lock_renewal
        idle_since = time.monotonic()
        idle_limit = self._options.session_idle_timeout.total_seconds()
        while not stop.is_requested:
            remaining = idle_limit - (time.monotonic() - idle_since)
            if remaining <= 0:
                return
            wait = min(remaining, 10.0)
            if _seconds_until(receiver.session.locked_until_utc) < wait + 5.0:
                if datetime.now(UTC) >= renewed_until:
                    return  # too little is left of the lock: whoever is free takes the session
                await receiver.session.renew_lock()
            if await self._receive_and_handle(receiver, wait, stop, renewed_until):
                idle_since = time.monotonic()

    async def _receive_and_handle(
        self, receiver: ServiceBusReceiver, wait: float, stop: Stop, renewed_until: datetime | None = None
    ) -> bool:
        """Whether there was a message within `wait` seconds. `renewed_until`: when renewing its session's lock ends."""
        limit = self._options.max_message_batch_size if is_batch(self._function) else 1
        messages = await stop.or_result(receiver.receive_messages(max_message_count=limit, max_wait_time=wait))
        if not messages:
            return False
        await self._handle(receiver, messages, renewed_until or datetime.now(UTC) + self._options.max_auto_lock_renewal)
        return True

    async def _handle(
        self, receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage], renewed_until: datetime
    ) -> None:
        try:
            async with self._locks_renewed(receiver, messages, renewed_until):
                succeeded = await self._run_function(messages)
        except asyncio.CancelledError:
            # The host does not wait any longer: give the messages back rather than let their locks run out.
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS_TO_RELEASE):
                    await self._settle(receiver.abandon_message, messages)
            raise
        if not succeeded:
            await self._settle(receiver.abandon_message, messages)
        elif self._function.trigger.flag("autoCompleteMessages", self._options.auto_complete_messages):
            await self._settle(receiver.complete_message, messages)

    async def _run_function(self, messages: Sequence[ServiceBusReceivedMessage]) -> bool:
        if is_batch(self._function):
            value, metadata = message_batch(self._function, messages)
        else:
            value, metadata = single_message(self._function, messages[0])
        reason = f"New Service Bus message detected on '{self._queue}'."
        return (await self._invoker.invoke(self._function, value, metadata, reason=reason)).error is None

    async def _settle(
        self,
        settle: Callable[[ServiceBusReceivedMessage], Awaitable[None]],
        messages: Sequence[ServiceBusReceivedMessage],
    ) -> None:
        for message in messages:
            try:
                await settle(message)
            except Exception as error:
                _log.warning(
                    "Message %s of %s was handled but not settled, so it comes again: %s",
                    message.message_id,
                    self._queue,
                    error,
                )

    @asynccontextmanager
    async def _locks_renewed(
        self, receiver: ServiceBusReceiver, messages: Sequence[ServiceBusReceivedMessage], ends: datetime
    ) -> AsyncIterator[None]:
        """Keep the lock of the session or of the single message while the function runs; a batch's is not renewed."""
        done = Stop()
        renewal = None
        if receiver.session is not None:
            session = receiver.session
            renewal = self._renew(session.renew_lock, lambda: session.locked_until_utc, ends, done)
        elif not is_batch(self._function):
            message = messages[0]
            renew = partial(receiver.renew_message_lock, message)
            renewal = self._renew(renew, lambda: message.locked_until_utc, ends, done)
        task = asyncio.create_task(renewal) if renewal else None
        try:
            yield
        finally:
            # Asked to end rather than cancelled: a request half sent would spoil the connection for the settling.
            done.request()
            if task is not None:
                await task

    async def _renew(
        self,
        renew: Callable[[], Awaitable[object]],
        locked_until: Callable[[], datetime | None],
        ends: datetime,
        done: Stop,
    ) -> None:
        while True:
            wait = _seconds_until(locked_until()) / 2
            if datetime.now(UTC) + timedelta(seconds=wait) >= ends or await done.within(wait):
                return
            try:
                await renew()
            except Exception as error:
                _log.warning("A lock on %s could not be renewed: %s", self._queue, error)
                return


def _seconds_until(moment: datetime | None) -> float:
    return max((moment - datetime.now(UTC)).total_seconds(), 0.1) if moment else 0.1
