"""The full synchronization review when its host is killed before one port call after the other: it ends the same."""

from __future__ import annotations

from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest

from shared.core.access import Caller
from shared.core.full_synchronization import LineStatus
from shared.core.jobs import JobStatus
from shared.services.context import Policy
from shared.services.forms.full_synchronization import StartForm
from shared.services.full_review import start_all
from shared.services.full_synchronization import reviews
from shared.services.repositories.runs import Run
from shared.services.requests import enqueue_due
from shared.services.run_slice import run_slice
from tests.simulation.trouble import HostKilled, TroubledWorld
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS, TABLES, World

ANNA = Caller("Anna")


async def prepared(policy: Policy | None = None) -> TroubledWorld:
    """Currencies to be coupled, then customers to be created, one of them in a currency; nothing else takes part."""
    world = TroubledWorld(policy=policy or Policy())
    for stored in await world.services.mappings.all():
        await world.change(stored.mapping.name, enabled=stored.mapping.name in ("CURRENCY", "CUSTOMER"))
    currency = world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US Dollar"})
    world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "US Dollar", "currencysymbol": "$"})
    world.customer(displayName="Adatum", currencyId=currency)
    world.customer(displayName="Fabrikam")
    return world


def copy_of(world: TroubledWorld) -> TroubledWorld:
    """The same world once more, as it is now; what never changes is shared."""
    shared = {id(one): one for one in (*TABLES.values(), *world.mappings)}
    services = world.__dict__.pop("services")
    copy: TroubledWorld = deepcopy(world, shared)
    world.services, copy.services = services, copy.instance()
    return copy


async def work_off(world: TroubledWorld) -> bool:
    """Deliver what there is, the timer now and then, until the review is at rest; whether the host was killed."""
    killed = False
    for _ in range(100):
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
        elif any(line.is_under_way for line in (await reviews(World.instance(world)).get()).review.lines.values()):
            world.clock.advance(minutes=16)
            await enqueue_due(World.instance(world))
        else:
            return killed
    raise AssertionError("the review never comes to rest")


async def snapshot(world: TroubledWorld) -> dict[str, Any]:
    """What is left of it all: how the lines ended, what was coupled and created, and how many full runs there were."""
    services = World.instance(world)
    review = (await reviews(services).get()).review
    runs = [await services.runs(name).get(line.run) for name, line in review.lines.items()]
    return {
        "lines": {name: (line.status, line.message, line.question) for name, line in review.lines.items()},
        "runs": [_ended(run) for run in runs if run is not None],
        "accounts": sorted(str(row["name"]) for row in world.dataverse.rows(ACCOUNT).values()),
        "customers": len(world.business_central.rows(CUSTOMERS)),
        "couplings": {name: len(await services.couplings(name).all()) for name in ("CURRENCY", "CUSTOMER")},
    }


def _ended(run: Run) -> tuple[JobStatus | None, int]:
    """How a run ended and what it created: done twice, it would have found nothing to create the second time."""
    return run.ending.status if run.ending else None, sum(one.inserted for one in run.counters.values())


@pytest.mark.parametrize(
    ("policy", "step"),
    [
        pytest.param(Policy(), 2, id="in one slice each"),
        pytest.param(Policy(page_size=1, slice_time=timedelta(0)), 17, id="in many slices"),
    ],
)
async def test_killed_anywhere_the_review_ends_the_same(policy: Policy, step: int) -> None:
    world = await prepared(policy)
    await start_all(world.services, StartForm(do="full_synchronization"), ANNA)
    whole = copy_of(world)
    whole.trouble.arm()
    assert not await work_off(whole)
    calls, expected = whole.trouble.calls, await snapshot(whole)
    assert {status for status, *_ in expected["lines"].values()} == {LineStatus.FINISHED}
    assert expected["couplings"] == {"CURRENCY": 1, "CUSTOMER": 2}
    for call in range(1, calls + 1, step):
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.kill})
        assert await work_off(again)
        assert await snapshot(again) == expected, f"killed before call {call} of {calls}"


async def test_a_request_that_dies_has_started_all_lines_or_none() -> None:
    world = await prepared()
    whole = copy_of(world)
    whole.trouble.arm()
    await start_all(whole.services, StartForm(), ANNA)
    calls = whole.trouble.calls
    await work_off(whole)
    expected = await snapshot(whole)
    ends = []
    for call in range(1, calls + 1):
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.kill})
        with pytest.raises(HostKilled):
            await start_all(again.services, StartForm(), ANNA)
        await work_off(again)
        found = await snapshot(again)
        assert found["lines"] == {} or found == expected, f"killed before call {call} of {calls}"
        ends.append(bool(found["lines"]))
    assert True in ends
    assert False in ends
    assert ends == sorted(ends)
