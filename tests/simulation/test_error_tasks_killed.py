"""The tasks that solve errors, their host killed before one port call after the other: the end is always the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.core.sides import Side
from shared.services.context import Policy
from shared.services.finding_deleted import find_deleted
from shared.services.forms.errors import ErrorFilter, ErrorSelection, SynchronizeErrorsRequest
from shared.services.solving_errors import delete_records, restore
from shared.services.synchronizing_errors import synchronize_errors
from tests.simulation.killing import copy_of
from tests.simulation.test_tasks_killed import ANNA, LONG, SHORT, account, customer, snapshot, work_off
from tests.simulation.trouble import Loss, TroubledWorld
from tests.world import ACCOUNT, CUSTOMERS

ALL = ErrorSelection(filter=ErrorFilter(mapping="CUSTOMER"))

type Asks = Callable[[TroubledWorld], Awaitable[object]]


async def broken(policy: Policy) -> TroubledWorld:
    """Six pairs: two lost their customer, two their account, one both, and one is in conflict; the run has seen it."""
    world = TroubledWorld(policy=policy)
    await world.open_all()
    for name in ("No customer", "No customer 2", "No account", "No account 2", "Neither", "Conflict"):
        world.account(name=name, telephone1="1", emailaddress1="1@x.example")
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    for name in ("No customer", "No customer 2"):
        world.business_central.remove(CUSTOMERS, customer(world, name))
    for name in ("No account", "No account 2"):
        world.dataverse.remove(ACCOUNT, account(world, name))
    values = {"telephone1": "2", "emailaddress1": "2@x.example"}
    world.dataverse.edit(ACCOUNT, account(world, "Conflict"), values)
    world.business_central.edit(CUSTOMERS, customer(world, "Conflict"), {"phoneNumber": "3", "email": "3@x.example"})
    return world


async def at_rest(world: TroubledWorld, *, seen: bool) -> None:
    """A run writes the errors down if they are to be `seen`; nothing runs by itself from now on."""
    if seen:
        await world.synchronize("CUSTOMER")
    for stored in await world.services.mappings.all():
        await world.change(stored.mapping.name, enabled=False)
    world.clock.advance(minutes=20)


async def restores(world: TroubledWorld) -> object:
    """Every missing record."""
    return await restore(world.services, ALL, ANNA)


async def restores_while_busy(world: TroubledWorld) -> object:
    """The same; one create on each side is turned away at first."""
    world.trouble.losses = [("dataverse", Loss.BUSY), ("business_central", Loss.BUSY)]
    return await restore(world.services, ALL, ANNA)


async def deletes(world: TroubledWorld) -> object:
    """Every record that is left alone."""
    return await delete_records(world.services, ALL, ANNA)


async def deletes_while_busy(world: TroubledWorld) -> object:
    """The same; one deletion is turned away at first, and the answer to another is lost."""
    world.trouble.losses = [("business_central", Loss.BUSY), ("dataverse", Loss.UNKNOWN_DONE)]
    return await delete_records(world.services, ALL, ANNA)


async def decides(world: TroubledWorld) -> object:
    """The conflict, field by field."""
    items = await world.services.work_items("CUSTOMER").all()
    (one,) = (f"CUSTOMER|{item.key}" for item in items.values() if item.title == "Conflict")
    fields = {"phoneNumber": Side.BUSINESS_CENTRAL, "email": Side.DATAVERSE}
    return await synchronize_errors(world.services, SynchronizeErrorsRequest(ids=(one,), fields=fields), ANNA)


async def finds(world: TroubledWorld) -> object:
    """What was deleted, before any run has noticed."""
    world.business_central.remove(CUSTOMERS, customer(world, "Neither"))
    world.dataverse.remove(ACCOUNT, account(world, "Neither"))
    return await find_deleted(world.services, "CUSTOMER", ANNA)


async def outcome(world: TroubledWorld) -> dict[str, Any]:
    """What is left of it all; and the errors, by what people call them."""
    items = await world.services.work_items("CUSTOMER").all()
    errors = sorted((item.title, item.reason, item.attempts, item.skipped) for item in items.values())
    phones = sorted(
        (row["phoneNumber"] or "", row["email"] or "") for row in world.business_central.rows(CUSTOMERS).values()
    )
    return {**await snapshot(world), "errors": errors, "phones": phones}


@pytest.mark.parametrize(
    ("asks", "policy", "is_seen"),
    [
        pytest.param(restores, LONG, True, id="restore"),
        pytest.param(restores_while_busy, SHORT, True, id="restore while the services are busy"),
        pytest.param(deletes, LONG, True, id="delete"),
        pytest.param(deletes_while_busy, SHORT, True, id="delete while the services are busy"),
        pytest.param(decides, LONG, True, id="decide field by field"),
        pytest.param(finds, LONG, False, id="find deleted"),
    ],
)
async def test_killed_anywhere_and_delivered_again_it_ends_the_same(asks: Asks, policy: Policy, is_seen: bool) -> None:
    world = await broken(policy)
    await at_rest(world, seen=is_seen)
    await asks(world)
    whole = copy_of(world)
    whole.trouble.arm()
    assert not await work_off(whole)
    calls, expected = whole.trouble.calls, await outcome(whole)
    for call in range(1, calls + 1, 4 if policy is SHORT else 2):
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.kill})
        assert await work_off(again)
        assert await outcome(again) == expected, f"killed before call {call} of {calls}"
