"""The full synchronization review when its host is killed before one port call after the other: it ends the same."""

from __future__ import annotations

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
from tests.simulation.killing import copy_of, deliver_until_rest
from tests.simulation.trouble import HostKilled, TroubledWorld
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS, World

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


async def work_off(world: TroubledWorld) -> bool:
    """Deliver until the review is at rest; whether the host was killed."""

    async def is_under_way() -> bool:
        review = (await reviews(World.instance(world)).get()).value
        return any(line.is_under_way for line in review.lines.values())

    return await deliver_until_rest(world, is_under_way)


async def snapshot(world: TroubledWorld) -> dict[str, Any]:
    """What is left of it all: how the lines ended, what was coupled and created, and how many full runs there were."""
    services = World.instance(world)
    review = (await reviews(services).get()).value
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
