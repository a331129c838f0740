"""Who goes next: every call of a port waits here until it is chosen, and may meet bad luck then.

One generator of random numbers decides the order, so one seed is one story.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from shared.core.failures import Passing
from tests.simulation.clocks import VirtualTime
from tests.simulation.faults import Fault, Luck, Place
from tests.simulation.loop import SteppedLoop

if TYPE_CHECKING:
    from tests.simulation.hosts import Host

type Effect = Callable[[Fault | None], Any]

STALLED = (20.0, 240.0)  # seconds that a frozen instance stands still
RETRY_AFTER = (1.0, 90.0)
_HARMLESS = (None, Fault.SLOW, Fault.HALFWAY, Fault.STALE, Fault.RACE, Fault.EXPIRE)


class Endless(AssertionError):
    """The simulation went on and on."""


@dataclass(slots=True, eq=False)
class Call:
    """One call of a port on its way. `effect` does it, whole or by halves as the fault says; `answer` is its result."""

    host: Host
    place: Place
    what: str
    effect: Effect
    future: asyncio.Future[Any]
    answer: tuple[Any, BaseException | None] | None = None


def drive(work: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that never waits: those of the ports in memory."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError("a port in memory does not wait")


class Scheduler:
    """The loop, the time, what waits and what is to come.

    `stickiness` is how often the task that ran last goes on, `pace` the longest time in seconds that a call takes.
    While `calm`, calls do not wait at all. `deliver` hands a message to an instance if there is one; `heartbeat` is
    what instances do for their messages whatever else happens.
    """

    def __init__(self, time: VirtualTime, luck: Luck, chance: random.Random) -> None:
        self.time = time
        self.luck = luck
        self.chance = chance
        self.loop = SteppedLoop(lambda: self.time.seconds, self._idle)
        self.calm = True
        self.stickiness, self.pace, self.eagerness = 0.8, 0.2, 0.1
        self.deliver: Callable[[], bool] = lambda: False
        self.heartbeat: Callable[[], None] = lambda: None
        self.next_message: Callable[[], float | None] = lambda: None
        self.say: Callable[[str, str], None] | None = None
        self.down: dict[str, float] = {}
        self.struck: dict[Fault, int] = {}
        self.waiting: list[Call] = []
        self.steps = 0
        self.most_steps = 20_000
        self._buried: list[asyncio.Future[Any]] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    # What is to come

    def at(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this when its time comes."""
        heappush(self._events, (seconds, next(self._numbers), deed))

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this in so many seconds."""
        self.at(self.time.seconds + seconds, deed)

    def tell(self, who: str, what: str) -> None:
        """One line of the story, if anybody listens."""
        if self.say is not None:
            self.say(who, what)

    def between(self, bounds: tuple[float, float]) -> float:
        """A number between these two, mostly near the smaller."""
        return bounds[0] + (bounds[1] - bounds[0]) * self.chance.random() ** 2

    # Calls of ports

    def call(self, host: Host, place: Place, what: str, effect: Effect) -> asyncio.Future[Any]:
        """A call that waits for its turn; a dead instance's waits for ever."""
        future = self.loop.create_future()
        if not host.alive:
            self._buried.append(future)
        else:
            (host.frozen if host.is_frozen else self.waiting).append(Call(host, place, what, effect, future))
        return future

    def bury(self, host: Host) -> None:
        """The instance is dead: nothing that it waits for will ever come."""
        mine = [call for call in (*self.waiting, *host.frozen) if call.host is host]
        self.waiting = [call for call in self.waiting if call.host is not host]
        host.frozen.clear()
        self._buried += [call.future for call in mine]

    def thaw(self, host: Host) -> None:
        """The instance goes on as if nothing had been."""
        host.is_frozen = False
        self.waiting += host.frozen
        host.frozen.clear()

    # The next step

    def _idle(self) -> bool:
        self.steps += 1
        if self.steps > self.most_steps:
            raise Endless(f"after {self.steps} steps nothing has come to rest")
        self.heartbeat()
        if self.loop.ring():
            return True
        if self._events and self._events[0][0] <= self.time.seconds:
            heappop(self._events)[2]()
            return True
        if self.waiting and self.chance.random() >= self.eagerness:
            self._let_go_on()
            return True
        if self.deliver():
            return True
        if self.waiting:
            self._let_go_on()
            return True
        return self._jump()

    def _jump(self) -> bool:
        coming = [self._events[0][0]] if self._events else []
        coming += [at for at in (self.loop.next_timer(), self.next_message()) if at is not None]
        if not coming:
            return False
        self.time.seconds = max(self.time.seconds, min(coming))
        return True

    def _let_go_on(self) -> None:
        last = self.chance.random() < self.stickiness
        call = self.waiting.pop(-1 if last else int(self.chance.random() * len(self.waiting)))
        self.time.seconds += self.chance.random() * self.pace
        if call.answer is not None:
            self._answer(call, *call.answer)
            return
        if self.down and (until := self.down.get(_service(call), 0.0)) > self.time.seconds:
            self.tell(call.host.name, f"{call.what}: {_service(call)} is down")
            self._fail(call, retry_after=min(60.0, until - self.time.seconds) if self.chance.random() < 0.5 else None)
            return
        fault = None if self.calm else self.luck.strike(call.place)
        if fault is None:
            if self.say is not None:
                self.say(call.host.name, call.what)
            self._do(call, None)
        else:
            self.strike(fault)
            self.tell(call.host.name, f"{call.what}: {fault}")
            self._go_wrong(call, fault)

    def strike(self, fault: Fault) -> None:
        """Count a fault that happened."""
        self.struck[fault] = self.struck.get(fault, 0) + 1

    def _go_wrong(self, call: Call, fault: Fault) -> None:
        match fault:
            case Fault.CRASH:
                self._crash(call)
            case Fault.STALL:
                self._stall(call)
            case Fault.LOCK:
                call.host.lose_locks()
                self._do(call, None)
            case Fault.LOST_BEFORE:
                self._fail(call)
            case Fault.THROTTLE:
                self._fail(call, retry_after=self.between(RETRY_AFTER))
            case Fault.LOST_AFTER:
                self._effect(call, None)
                self._fail(call)
            case _:
                self._do(call, fault)

    def _crash(self, call: Call) -> None:
        """The instance is gone; its request may have left before."""
        self.waiting.append(call)  # so that it is buried with the others
        call.host.crash()
        if call.place in (Place.WRITE, Place.STORE, Place.SEND) and self.chance.random() < 0.5:
            self.tell(call.host.name, f"{call.what}: was done all the same")
            late = call.place is Place.WRITE and self.chance.random() < 0.3
            self._effect(call, Fault.IN_FLIGHT if late else None)

    def _stall(self, call: Call) -> None:
        """Before or after it was done."""
        if self.chance.random() < 0.5:
            self._effect(call, None)
        call.host.freeze(self.between(STALLED))
        call.host.frozen.append(call)

    def _do(self, call: Call, fault: Fault | None) -> None:
        self._effect(call, fault)
        assert call.answer is not None
        if fault is Fault.SLOW or fault is Fault.HALFWAY:
            self.time.seconds += self.chance.random() * 20
            (call.host.frozen if call.host.is_frozen else self.waiting).insert(0, call)
        elif call.host.is_frozen:
            call.host.frozen.append(call)
        else:
            self._answer(call, *call.answer)

    def _effect(self, call: Call, fault: Fault | None) -> None:
        try:
            call.answer = (call.effect(fault), None)
        except AssertionError:
            raise
        except Exception as error:
            call.answer = (None, error)

    def _answer(self, call: Call, result: Any, error: BaseException | None) -> None:
        if call.future.done():
            return  # nobody waits for it any more: it was cancelled
        if error is None:
            call.future.set_result(result)
        else:
            call.future.set_exception(error)

    def _fail(self, call: Call, retry_after: float | None = None) -> None:
        text = f"{_service(call)} {'is busy' if retry_after else 'cannot be reached'}"
        self._answer(call, None, Passing(text, code="simulated", retry_after=retry_after))


def _service(call: Call) -> str:
    return call.what.partition(".")[0]


def is_harmless(fault: Fault | None) -> bool:
    """Whether a call that met this fault gave a true answer all the same."""
    return fault in _HARMLESS
