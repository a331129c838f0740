"""Dead letters as the use cases see them: whose they are, whether their run still waits for them, and sending again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core.jobs import Trigger
from shared.memory.dead_letters import MemoryDeadLetters
from shared.ports import JobMessage
from shared.services.connections import Connections
from shared.services.context import Services
from shared.services.dead_letters import MOST_AT_ONCE, dead_messages, resubmit, resubmit_all
from shared.services.problems import Problem
from shared.services.requests import enqueue_due, request_synchronization
from tests.world import World


async def with_dead_letter(mapping: str = "CURRENCY") -> tuple[World, Services]:
    """A world in which the message of a run was delivered too often before anything came of it."""
    world = World()
    services = replace(world.services, dead_letters=MemoryDeadLetters(world.queue))
    stored = await services.mappings.get(mapping)
    assert stored is not None
    await request_synchronization(services, [stored.mapping], Trigger.PERSON)
    while delivery := world.queue.receive():
        world.queue.abandon(delivery)
    return world, services


async def test_a_dead_letter_names_its_run_and_mapping() -> None:
    _, services = await with_dead_letter()

    (found,) = (await dead_messages(Connections.of(services), after=None, limit=10)).messages

    assert (found.mapping, found.slice, found.waited_for) == ("CURRENCY", 0, True)
    assert found.run == found.letter.message.body["run"]
    assert found.letter.reason == "MaxDeliveryCountExceeded"


async def test_a_resubmitted_message_is_run_to_its_end() -> None:
    world, services = await with_dead_letter()
    (found,) = (await dead_messages(Connections.of(services), after=None, limit=10)).messages

    moved = await resubmit(Connections.of(services), str(found.letter.number))
    await world.work_off()

    assert moved.waited_for
    assert (await dead_messages(Connections.of(services), after=None, limit=10)).messages == []
    jobs, _ = await services.jobs.page(None, 10)
    assert all(job.status.ended for job in jobs)


async def test_a_message_whose_run_has_ended_says_so_and_does_nothing() -> None:
    world, services = await with_dead_letter()
    world.clock.advance(hours=1)  # the timer's second look wakes the run
    await enqueue_due(services)
    await world.work_off()
    jobs, _ = await services.jobs.page(None, 10)

    answer = await resubmit_all(Connections.of(services))
    await world.work_off()

    assert [one.waited_for for one in answer.messages] == [False]
    assert (await services.jobs.page(None, 10))[0] == jobs


async def test_all_are_sent_again_a_hundred_at_a_time() -> None:
    world, services = await with_dead_letter()
    for number in range(MOST_AT_ONCE):
        await world.queue.send(JobMessage(f"odd {number}", "session", {}))
    while delivery := world.queue.receive():
        world.queue.dead_letter(delivery, "TTLExpiredException")

    first, second = await resubmit_all(Connections.of(services)), await resubmit_all(Connections.of(services))

    assert (len(first.messages), first.continuation is None) == (MOST_AT_ONCE, False)
    assert (len(second.messages), second.continuation) == (1, None)
    assert [one.mapping for one in second.messages] == [None], "it is nobody's message of this app"


@pytest.mark.parametrize("number", ["99", "-1", "first", "²"])
async def test_a_number_that_is_none_is_refused(number: str) -> None:
    _, services = await with_dead_letter()
    with pytest.raises(Problem) as refused:
        await resubmit(Connections.of(services), number)
    assert (refused.value.status, refused.value.code) == (404, "unknown_message")


@pytest.mark.parametrize("continuation", ["-1", "next", "²"])
async def test_a_continuation_that_is_none_is_refused(continuation: str) -> None:
    _, services = await with_dead_letter()
    with pytest.raises(Problem) as refused:
        await dead_messages(Connections.of(services), after=continuation, limit=10)
    assert (refused.value.status, refused.value.field) == (400, "continuation")
