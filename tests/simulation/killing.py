"""Killing hosts one port call after the other: copies of a world, and delivering until it is at rest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy

from shared.services.requests import enqueue_due
from shared.services.run_slice import run_slice
from tests.simulation.trouble import HostKilled, TroubledWorld
from tests.world import TABLES, World

MOST_DELIVERIES = 300


def copy_of(world: TroubledWorld) -> TroubledWorld:
    """The same world once more, as it is now; what never changes is shared."""
    shared = {id(one): one for one in (*TABLES.values(), *world.mappings)}
    services = world.__dict__.pop("services")
    copy: TroubledWorld = deepcopy(world, shared)
    world.services, copy.services = services, copy.instance()
    return copy


async def deliver_until_rest(world: TroubledWorld, is_on: Callable[[], Awaitable[object]]) -> bool:
    """Deliver what there is, the timer now and then while something `is_on`; whether the host was killed."""
    killed = False
    for _ in range(MOST_DELIVERIES):
        delivery = world.queue.receive()
        if delivery is not None:
            try:
                await run_slice(world.services, delivery.message.body)
            except HostKilled:
                killed = True
                world.queue.abandon(delivery)
            else:
                world.queue.complete(delivery)
        elif (due := world.queue.next_due()) is not None:
            world.clock.set(max(due, world.clock.now()))
        elif await is_on():
            world.clock.advance(minutes=16)
            await enqueue_due(World.instance(world))
        else:
            return killed
    raise AssertionError("the world never comes to rest")
