"""What is taken from the queue, and what is set aside with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from shared.core.failures import NeedsPerson
from shared.memory.dead_letters import MemoryDeadLetters
from shared.ports import JobMessage
from shared.services.connections import Connections
from shared.services.dead_letters import dead_messages
from shared.services.job_message import read_message
from shared.services.run_slice import run_slice
from tests.world import World

GOOD = {"version": 1, "connection": "default", "mapping": "CUSTOMER", "run": "r", "slice": 0, "turn": 0}


@pytest.mark.parametrize("more", [{}, {"removal": True}, {"again": 3}, {"colour": ["red"]}])
def test_members_that_are_not_known_are_left_alone(more: dict[str, Any]) -> None:
    assert read_message(json.dumps({**GOOD, **more}).encode()) == {**GOOD, **more}


def test_a_message_without_a_version_is_one_of_the_first() -> None:
    without = {name: value for name, value in GOOD.items() if name != "version"}
    assert read_message(json.dumps(without).encode()) == without


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"<xml/>",
        b"[]",
        b"null",
        b"7",
        b"{}",
        b"[" * 200_000,
        *(
            json.dumps({**GOOD, name: value}).encode()
            for name in ("connection", "mapping", "run")
            for value in (None, 7)
        ),
        *(json.dumps({**GOOD, "slice": value}).encode() for value in (None, "0", True, 1.5)),
        json.dumps({**GOOD, "mapping": "M" * 2_000}).encode(),
        json.dumps({**GOOD, "mapping": "\ud800"}).encode(),
        json.dumps({**GOOD, "run": "\x00"}).encode(),
    ],
)
def test_what_is_no_message_of_the_app_is_refused_with_a_sentence(content: bytes) -> None:
    with pytest.raises(NeedsPerson, match=r"^It is no message of this app\.$"):
        read_message(content)


@pytest.mark.parametrize("version", [2, "1", 1.5, True, None])
def test_a_message_of_a_newer_release_is_refused_and_says_so(version: object) -> None:
    with pytest.raises(NeedsPerson, match="newer release of this app"):
        read_message(json.dumps({**GOOD, "version": version}).encode())


async def test_a_message_for_what_does_not_exist_any_more_does_nothing() -> None:
    world = World()
    for values in ({"mapping": "REMOVED"}, {"run": "0-0"}, {"mapping": "a/b?#\\ '"}, {"slice": -1}):
        await run_slice(world.services, {**GOOD, **values})
    assert world.queue.receive() is None
    assert not world.written


@pytest.mark.parametrize(
    ("strange", "mapping", "says"),
    [({"version": 2}, "CUSTOMER", "newer release"), ({"mapping": "\x00"}, None, "no message of this app")],
)
async def test_a_dead_letter_says_why_it_cannot_be_worked_off(
    strange: dict[str, object], mapping: str | None, says: str
) -> None:
    world = World()
    services = replace(world.services, dead_letters=MemoryDeadLetters(world.queue))
    await world.queue.send(JobMessage("m", "s", {**GOOD, "connection": services.connection, **strange}))
    while delivery := world.queue.receive():
        world.queue.abandon(delivery)
    (found,) = (await dead_messages(Connections.of(services), after=None, limit=10)).messages
    assert (found.mapping, found.waited_for) == (mapping, False)
    assert says in found.trouble
