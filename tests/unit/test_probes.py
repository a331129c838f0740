"""Asking for news: what one answer says of several mappings of a table, and when it says nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.memory.clock import START
from shared.services.probes import Asleep, with_news
from shared.services.repositories.runs import MappingState
from tests.world import ACCOUNT, World

NAMES = ("CUSTOMER", "VENDOR")  # both of accounts


async def asleep(world: World, name: str, started: float, finished: float) -> Asleep:
    """A mapping whose last run read the feeds as they are now; it lasted from one minute to another."""
    (mapping,) = (one for one in world.mappings if one.name == name)
    positions = {side: await _position(world, mapping, side) for side in Side}
    moments = [START + timedelta(minutes=minutes) for minutes in (started, finished)]
    return Asleep(
        mapping, MappingState(name, positions=positions, last_started_at=moments[0], last_finished_at=moments[1])
    )


async def _position(world: World, mapping: Mapping, side: Side) -> str:
    table = world.services.tables_of(mapping)[side]
    return (await world.services.rows(side).changes(table, [], None, 1000)).position


async def woken(world: World, *mappings: Asleep) -> tuple[list[str], int]:
    """Which mappings have news, and how often Dataverse was asked."""
    world.dataverse.calls.clear()
    found = await with_news(world.services, mappings)
    return [mapping.name for mapping in found], world.dataverse.calls["has_news"]


@pytest.mark.parametrize(
    ("second", "calls"),
    [((5, 6), 1), ((6, 7), 1), ((4, 6), 2)],
    ids=["began when the first had ended", "began later", "both read at the same time"],
)
async def test_nothing_new_since_an_older_position_is_nothing_new_since_a_later_one(
    second: tuple[float, float], calls: int
) -> None:
    world = World()
    first = await asleep(world, "CUSTOMER", 1, 5)
    assert await woken(world, await asleep(world, "VENDOR", *second), first) == ([], calls)


async def test_what_the_later_has_read_already_is_news_for_the_older_only() -> None:
    world = World()
    older = await asleep(world, "CUSTOMER", 1, 2)
    world.dataverse.put(ACCOUNT, {"name": "Adatum"})
    later = await asleep(world, "VENDOR", 3, 4)
    assert await woken(world, later, older) == (["CUSTOMER"], 2)


async def test_what_was_learned_in_one_tick_spares_a_call_in_the_next() -> None:
    world = World()
    both = [await asleep(world, "CUSTOMER", 1, 5), await asleep(world, "VENDOR", 4, 6)]
    world.clock.advance(minutes=7)
    assert await woken(world, *both) == ([], 2)
    world.clock.advance(minutes=1)
    assert await woken(world, *both) == ([], 1)
    world.dataverse.put(ACCOUNT, {"name": "Adatum"})
    world.clock.advance(minutes=1)
    assert await woken(world, *both) == (list(NAMES), 2)


async def test_of_a_side_with_news_the_other_is_not_asked() -> None:
    world = World()
    one = await asleep(world, "CUSTOMER", 1, 2)
    world.dataverse.put(ACCOUNT, {"name": "Adatum"})
    world.business_central.calls.clear()
    assert await woken(world, one) == (["CUSTOMER"], 1)
    assert world.business_central.calls["has_news"] == 0
