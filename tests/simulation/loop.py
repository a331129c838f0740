"""An event loop whose every step is foreseeable: no sockets, no threads, no real time, no order by address.

asyncio's own tasks, gates and groups run on it unchanged. Whenever nothing can run, it asks `idle` what happens next.
"""

from __future__ import annotations

import asyncio
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from typing import Any
from warnings import catch_warnings, simplefilter

type Work = Coroutine[Any, Any, Any] | Generator[Any, None, Any]


class NumberedTask(asyncio.Task[Any]):
    """A task that sets order by its number: `asyncio.wait` and task groups keep tasks in sets."""

    def __init__(self, work: Any, number: int, **options: Any) -> None:
        self.number = number
        super().__init__(work, **options)

    def __hash__(self) -> int:
        return self.number


class SteppedLoop(asyncio.AbstractEventLoop):
    """Runs what is ready in the order in which it became so.

    `now` tells the time in seconds. `idle` is asked when nothing is ready; it makes something happen, or answers False
    when nothing can happen any more. `complaints` are what nobody caught.
    """

    def __init__(self, now: Callable[[], float], idle: Callable[[], bool]) -> None:
        self._now = now
        self._idle = idle
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._numbers = count()
        self._running = False
        self.tasks: list[NumberedTask] = []
        self.complaints: list[dict[str, Any]] = []

    def run(self, done: Callable[[], bool] = lambda: False) -> bool:
        """Go on until `done` (True) or until nothing can happen any more (False)."""
        events._set_running_loop(self)
        self._running = True
        try:
            while True:
                while self._ready:
                    handle = self._ready.popleft()
                    if not handle.cancelled():
                        handle._run()
                if done():
                    return True
                if not self._idle() and not self._ready:
                    return False
        finally:
            self._running = False
            events._set_running_loop(None)

    def next_timer(self) -> float | None:
        """When the next `asyncio.sleep` or time-out ends."""
        while self._timers and self._timers[0][2].cancelled():
            heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def ring(self) -> bool:
        """Run the timers that are due; whether there were any."""
        rang = False
        while (at := self.next_timer()) is not None and at <= self._now():
            self._ready.append(heappop(self._timers)[2])
            rang = True
        return rang

    def close(self) -> None:
        """Let go of tasks that will never end; what they would still say is of no interest."""
        tasks, self.tasks = self.tasks, []
        self._ready.clear()
        self._timers.clear()
        with catch_warnings():
            simplefilter("ignore", RuntimeWarning)  # what their last words would have waited for
            for task in tasks:
                if not task.done():
                    _let_go(task)

    # What asyncio asks of a loop

    def time(self) -> float:
        """Virtual seconds."""
        return self._now()

    def call_soon(self, callback: Any, *args: Any, context: Context | None = None) -> asyncio.Handle:
        """Run this in its turn."""
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Context | None = None) -> Any:
        """Run this after so many virtual seconds."""
        return self.call_at(self._now() + delay, callback, *args, context=context)

    def call_at(self, when: float, callback: Any, *args: Any, context: Context | None = None) -> asyncio.TimerHandle:
        """Run this at a virtual time."""
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Cancelled timers are left out when their turn comes."""

    def create_future(self) -> asyncio.Future[Any]:
        """A future of this loop."""
        return asyncio.Future(loop=self)

    def run_in_executor(self, executor: object, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """What would be computed in a thread is computed at once: threads would bring chance of their own."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    def create_task(self, coro: Any, *, name: str | None = None, context: Context | None = None) -> NumberedTask:
        """A task with a number, kept until the loop is closed: a dead host's tasks must not be collected before."""
        task = NumberedTask(coro, next(self._numbers), loop=self, name=name, context=context)
        self.tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody caught."""
        self.complaints.append(context)

    def get_debug(self) -> bool:
        """Never."""
        return False

    def is_running(self) -> bool:
        """Whether `run` is on its way."""
        return self._running

    def is_closed(self) -> bool:
        """It holds nothing that needs closing."""
        return False


def _let_go(task: NumberedTask) -> None:
    task._log_destroy_pending = False
    work = task.get_coro()
    try:
        if work is not None:
            work.close()
    except RuntimeError:
        pass  # a `finally` that awaits: the host was dead before it came there
