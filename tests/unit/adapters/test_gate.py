"""How many a gate lets through at once, and when nobody."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.budget import heed, told_until
from shared.adapters.gate import Gate, Patience
from shared.core.budget import WHOLE, Share
from shared.core.failures import Passing
from shared.core.sides import Side

HALF = Share(rank=1, instances=2)


async def most_at_once(gate: Gate) -> int:
    """How many of many get through together."""
    inside = most = 0

    async def pass_through() -> None:
        nonlocal inside, most
        async with gate.passage(Patience(1.0, Side.DATAVERSE)):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(pass_through() for _ in range(30)))
    return most


async def enter(gate: Gate) -> None:
    """Go through once, without any patience."""
    async with gate.passage(Patience(0.0, Side.DATAVERSE)):
        pass


async def test_a_share_is_taken_of_whatever_the_service_grants() -> None:
    gate = Gate(8)
    assert await most_at_once(gate) == 8
    gate.share(HALF)
    assert await most_at_once(gate) == 4
    gate.allow(12)  # the service has given another hint
    assert await most_at_once(gate) == 6
    gate.share(WHOLE)
    assert await most_at_once(gate) == 12


async def test_a_share_that_shrinks_while_all_lanes_are_used_is_reached_as_they_come_free() -> None:
    gate, go = Gate(4), asyncio.Event()

    async def stay() -> None:
        async with gate.passage(Patience(1.0, Side.DATAVERSE)):
            await go.wait()

    staying = [asyncio.create_task(stay()) for _ in range(4)]
    await asyncio.sleep(0)
    gate.share(HALF)
    go.set()
    await asyncio.gather(*staying)
    assert await most_at_once(gate) == 2


async def test_of_two_pauses_both_must_be_over() -> None:
    gate, now = Gate(1), datetime.now(UTC)
    heed(gate, WHOLE, now + timedelta(seconds=60))
    gate.pause(30)
    with pytest.raises(Passing) as refused:
        await enter(gate)
    assert refused.value.retry_after == pytest.approx(60, abs=2)
    heed(gate, WHOLE, None)
    with pytest.raises(Passing) as refused:
        await enter(gate)
    assert refused.value.retry_after == pytest.approx(30, abs=2)
    told = told_until(gate)
    assert told is not None
    assert (told - now).total_seconds() == pytest.approx(30, abs=2)


async def test_a_pause_that_is_over_is_none() -> None:
    gate = Gate(1)
    heed(gate, WHOLE, datetime.now(UTC) - timedelta(seconds=1))
    gate.pause(0)
    await enter(gate)
    assert told_until(gate) is None
