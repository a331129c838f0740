"""The frame of all tasks: step after step until the task is done or the slice's time is up.

A step is a bounded number of records. It first stores what it is about to do (`AtWork.store`), then does it; at its
end the frame stores progress and counters at once. So a step that was cut short is found begun, and is done again to
the same end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from shared.core.failures import Passing
from shared.core.jobs import Counters, RunKind
from shared.core.reasons import Reason
from shared.services.ledger import OvertakenError
from shared.services.pass_context import Slice
from shared.services.record_outcomes import MOST_MESSAGES
from shared.services.repositories.documents import Shape
from shared.services.run_record import follow_run
from shared.services.tasks.kinds import Place
from shared.services.tasks.parts import as_puts

_MODULES = {
    RunKind.COUPLE: "shared.services.tasks.coupling",
    RunKind.UNCOUPLE: "shared.services.tasks.uncoupling",
    RunKind.SYNCHRONIZE_NOW: "shared.services.tasks.synchronizing",
    RunKind.MATCH: "shared.services.tasks.matching",
    RunKind.RESTORE: "shared.services.tasks.restoring",
    RunKind.DELETE: "shared.services.tasks.deleting",
    RunKind.FIND_DELETED: "shared.services.tasks.finding_deleted",
    RunKind.PREVIEW: "shared.services.tasks.previewing",
    RunKind.CARRY_OUT_PREVIEW: "shared.services.tasks.carrying_out",
}
"""Where each kind of task is worked off: a module with `KIND: TaskKind`, imported when one of them comes."""


class AtWork[T]:
    """A task under way: the slice that works on it, and the task as it will stand in the next checkpoint."""

    def __init__(self, work: Slice, shape: Shape[T]) -> None:
        self.work = work
        self.task = shape.unpack(work.run.task)
        self._shape = shape
        self._parts: dict[int, list[Any]] = {}
        self.ahead: list[Any] = []  # what comes next, as far as a kind of task has looked
        self._begun: set[asyncio.Task[Any]] = set()

    def begin[R](self, reading: Coroutine[Any, Any, R]) -> asyncio.Task[R]:
        """Begin to read what a later step needs, while this one works; it ends with the slice at the latest."""
        task = asyncio.create_task(reading)
        self._begun.add(task)
        return task

    async def end(self) -> None:
        """Leave what was begun and is not needed any more."""
        for task in self._begun:
            task.cancel()
        await asyncio.gather(*self._begun, return_exceptions=True)

    async def store(self) -> None:
        """Store the task as it stands, with run and counters. Raises OvertakenError."""
        self.work.run.task = self._shape.pack(self.task)
        await self.work.ledger.write()

    async def part(self, number: int) -> list[Any]:
        """The `number`-th part of the task's list, counted from 0; empty beyond the last."""
        if number not in self._parts:
            runs = self.work.services.runs(self.work.mapping.name)
            self._parts = {number: await runs.part(self.work.run.id, number)}
        return self._parts[number]

    async def items(self, places: Iterable[Place]) -> list[Any]:
        """What stands in the list at these places. Raises OvertakenError: who ends a run removes its list."""
        parts = [(await self.part(number), index) for number, index in places]
        if any(index >= len(part) for part, index in parts):
            raise OvertakenError(f"run {self.work.run.id} was ended elsewhere")
        return [part[index] for part, index in parts]

    async def keep(self, items: Sequence[Any]) -> None:
        """Make `items` (as JSON) the task's list, in parts; it goes when the run ends. Raises OvertakenError."""
        await self.work.ledger.store(as_puts(self.work.run.id, items))
        self._parts = {}

    def count(self, counters: Counters) -> None:
        """Add to the task's counters."""
        self.work.run.counters[next(iter(self.work.run.jobs))].add(counters)

    def say(self, sentences: Iterable[str]) -> None:
        """Sentences for people, in the task's job."""
        messages = self.work.run.messages[next(iter(self.work.run.jobs))]
        for sentence in sentences:
            if sentence in messages or len(messages) < MOST_MESSAGES:
                messages[sentence] = messages.get(sentence, 0) + 1


class Patient(Protocol):
    """A task that tries again what a busy service has refused."""

    waited: bool


async def wait_once[T: Patient](at_work: AtWork[T]) -> None:
    """Come back later the first time, and go on the second. Raises Passing, OvertakenError."""
    at_work.task.waited = not at_work.task.waited
    if at_work.task.waited:
        await at_work.store()
        raise Passing(Reason.SERVICE_BUSY.sentence)


class InParts[B](Patient, Protocol):
    """A task that chooses from its list part by part, and stores what it has `begun` before it does it."""

    part: int
    begun: list[B]
    left: list[B]


async def take_up[B](at_work: AtWork[Any], choose: Callable[[list[Any]], Awaitable[list[B]]]) -> bool:
    """Begin what is chosen of the next part, then what has to be tried again; whether there was anything, now stored.

    What an earlier try has done all the same is found done. Raises Passing, OvertakenError.
    """
    task: InParts[B] = at_work.task
    if items := await at_work.part(task.part):
        task.part += 1
        task.begun = await choose(items)
    elif task.left:
        await wait_once(at_work)
        task.begun, task.left = task.left, []
    else:
        return False
    await at_work.store()
    return True


@dataclass(frozen=True, slots=True)
class TaskKind[T]:
    """How tasks of a kind are stored and worked off: `step` does the next few records, and says whether all is done."""

    shape: Shape[T]
    step: Callable[[AtWork[T]], Awaitable[bool]]


async def work_off_task(work: Slice) -> bool:
    """Step after step until the task is done (True) or time is up (False); at least one.

    Raises what failed for the whole slice: Passing, NeedsPerson, OvertakenError; StateConflict.
    """
    kind: TaskKind[Any] = import_module(_MODULES[work.run.kind]).KIND
    at_work = AtWork(work, kind.shape)
    try:
        return await _step_by_step(at_work, kind)
    finally:
        await at_work.end()


async def _step_by_step(at_work: AtWork[Any], kind: TaskKind[Any]) -> bool:
    work = at_work.work
    while True:
        is_done = await kind.step(at_work)
        work.run.pages += 1
        await at_work.store()
        await follow_run(work.services, work.run, work.ledger.jobs)
        if work.turns.failure is not None:
            raise work.turns.failure
        if is_done or work.turns.is_over:
            return is_done
