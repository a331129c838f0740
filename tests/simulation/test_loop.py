"""The loop that steps: asyncio's own parts run on it, on virtual time, in an order that only the program decides."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.simulation.loop import SteppedLoop


class World:
    """A loop whose time jumps to the next timer."""

    def __init__(self) -> None:
        self.now = 0.0
        self.told: list[object] = []
        self.loop = SteppedLoop(lambda: self.now, self._idle)

    def _idle(self) -> bool:
        if (at := self.loop.next_timer()) is None:
            return False
        self.now = max(self.now, at)
        return self.loop.ring()

    def run(self, *works: Coroutine[Any, Any, Any]) -> list[Any]:
        """Run these to their ends; what they answer."""
        tasks = [self.loop.create_task(work) for work in works]
        self.loop.run()
        return [task.result() for task in tasks]


@pytest.fixture
def world() -> World:
    return World()


async def say(world: World, what: object, after: float) -> object:
    await asyncio.sleep(after)
    world.told.append((world.now, what))
    return what


def test_hours_pass_at_once(world: World) -> None:
    assert world.run(say(world, "b", 7200), say(world, "a", 3600)) == ["b", "a"]
    assert world.told == [(3600, "a"), (7200, "b")]


def test_gathering_groups_gates_and_time_outs_work(world: World) -> None:
    async def work() -> object:
        gate = asyncio.Semaphore(1)

        async def in_turn(what: str) -> None:
            async with gate:
                await say(world, what, 1)

        await asyncio.gather(in_turn("a"), in_turn("b"))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5):
                await asyncio.sleep(10)
        async with asyncio.TaskGroup() as group:
            group.create_task(say(world, "c", 2))
            group.create_task(say(world, "d", 1))
        return world.now

    assert world.run(work()) == [9]
    assert world.told == [(1, "a"), (2, "b"), (8, "d"), (9, "c")]


def test_sets_of_tasks_have_the_order_of_their_making(world: World) -> None:
    async def work() -> list[str | None]:
        tasks = [asyncio.ensure_future(asyncio.sleep(1)) for _ in range(100)]
        done, _ = await asyncio.wait(tasks)
        return [tasks.index(task) for task in done]

    first, second = world.run(work()), World().run(work())
    assert first == second


def test_it_stops_where_it_is_asked_to(world: World) -> None:
    world.loop.create_task(say(world, "a", 1))
    world.loop.create_task(say(world, "b", 2))
    assert world.loop.run(lambda: bool(world.told))
    assert world.told == [(1, "a")]
    assert not world.loop.run()
    assert world.told == [(1, "a"), (2, "b")]


def test_what_never_ends_is_let_go_without_a_word(world: World, recwarn: pytest.WarningsRecorder) -> None:
    async def stubborn() -> None:
        try:
            await world.loop.create_future()
        finally:
            await asyncio.sleep(1)

    world.loop.create_task(stubborn())
    world.loop.run()
    world.loop.close()
    assert world.loop.complaints == []
    assert not recwarn.list


def test_nothing_runs_beside_it(world: World) -> None:
    async def work() -> int:
        with pytest.raises(ZeroDivisionError):
            await asyncio.to_thread(divmod, 1, 0)
        return await asyncio.to_thread(threading.get_ident)

    assert world.run(work()) == [threading.get_ident()]
