"""Curing a cause releases everything that it held with the next run of the timer; nobody touches the records."""

from __future__ import annotations

import pytest

from shared.core.access import Caller
from shared.core.jobs import Trigger
from shared.core.reasons import Reason
from shared.core.records import RefusalKind
from shared.core.sides import Side
from shared.core.tables import Table, Values
from shared.memory.rows import Refusal
from shared.services.context import Policy
from shared.services.forms.errors import ErrorFilter, RetryAllRequest
from shared.services.mapping_settings import enabled_mappings
from shared.services.requests import request_synchronization
from shared.services.solving_errors import retry_all
from tests.world import ACCOUNT, CURRENCIES, CURRENCY_ROW, CUSTOMERS, PAYMENT_TERMS, World

MANY = 12


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open_all()
    return world


async def by_the_timer(world: World, *names: str) -> None:
    """What a run that nobody has asked for does, soon after the one before."""
    world.clock.advance(seconds=20)
    stored = enabled_mappings(await world.services.mappings.all())
    chosen = [mapping for mapping in stored if not names or mapping.name in names]
    await request_synchronization(world.services, chosen, Trigger.TIMER)
    await world.work_off()


async def refused(world: World, number: int = MANY) -> None:
    """Edited accounts that Business Central refuses for lack of a permission, again and again: all are skipped."""
    accounts = [world.account(name=f"A{at}", telephone1="1") for at in range(number)]
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    world.business_central.withhold(CUSTOMERS, "update")
    for one in accounts:
        world.dataverse.edit(ACCOUNT, one, {"telephone1": "2"})
    for _ in range(3):
        await world.synchronize("CUSTOMER")
    items = await world.items("CUSTOMER")
    assert {(item.reason, item.skipped) for item in items} == {(Reason.PERMISSION_MISSING, True)}
    assert len(items) == number


def phones(world: World) -> set[object]:
    return {row["phoneNumber"] for row in world.business_central.rows(CUSTOMERS).values()}


async def test_a_permission_that_is_given_releases_all_it_held(world: World) -> None:
    await refused(world)
    world.business_central.withhold(CUSTOMERS)
    await by_the_timer(world, "CUSTOMER")
    assert phones(world) == {"2"}
    assert await world.items("CUSTOMER") == []


async def test_they_are_released_however_short_the_slices_are() -> None:
    world = World(policy=Policy(slice_time=Policy().slice_time * 0))
    await world.open_all()
    await refused(world)
    world.business_central.withhold(CUSTOMERS)
    for _ in range(2):
        await by_the_timer(world, "CUSTOMER")
    assert phones(world) == {"2"}
    assert await world.items("CUSTOMER") == []


async def test_while_the_permission_is_missing_one_record_is_tried_each_time(world: World) -> None:
    await refused(world)
    before = {item.key: item.attempts for item in await world.items("CUSTOMER")}
    for _ in range(3):
        await by_the_timer(world, "CUSTOMER")
    after = {item.key: item.attempts for item in await world.items("CUSTOMER")}
    tried = [key for key in before if after[key] > before[key]]
    assert (len(tried), sum(after.values()) - sum(before.values())) == (3, 3)


async def test_a_record_that_somebody_corrects_releases_only_itself(world: World) -> None:
    await refused(world)
    corrected, *others = await world.items("CUSTOMER")
    assert corrected.business_central_id is not None
    world.business_central.edit(CUSTOMERS, corrected.business_central_id, {"phoneNumber": "2"})
    await by_the_timer(world, "CUSTOMER")
    after = {item.key: item.attempts for item in await world.items("CUSTOMER")}
    assert after.keys() == {item.key for item in others}
    assert sum(after.values()) - sum(item.attempts for item in others) <= 1, "but for the one that each run tries"


async def test_a_parent_that_is_coupled_releases_all_that_waited_for_it(world: World) -> None:
    await world.change("CURRENCY", synch_only_coupled_records=True)
    currency = world.business_central.put(CURRENCIES, {"code": "XYZ", "displayName": "Xyz"})
    for at in range(MANY):
        world.customer(displayName=f"C{at}", currencyId=currency)
    await world.synchronize("CUSTOMER")
    assert len(await world.items("CUSTOMER")) == MANY
    world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "XYZ", "currencyname": "Xyz", "currencysymbol": "X"})
    await world.change("CURRENCY", synch_only_coupled_records=False)
    await by_the_timer(world, "CURRENCY", "CUSTOMER")
    assert await world.items("CUSTOMER") == []
    assert len(world.dataverse.rows(ACCOUNT)) == MANY


async def test_a_choice_that_is_added_reaches_all_records_that_lacked_it(world: World) -> None:
    terms = world.business_central.put(PAYMENT_TERMS, {"code": "14 DAYS", "displayName": "Net 14 days"})
    for at in range(MANY):
        world.customer(displayName=f"C{at}", paymentTermsId=terms)
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.source) == (Reason.OPTION_NOT_MAPPED, Side.BUSINESS_CENTRAL)
    world.dataverse.set_choices("account", "paymenttermscode", {5: "14 DAYS"})
    await by_the_timer(world, "CUSTOMER")
    assert await world.items("CUSTOMER") == []
    assert {row["paymenttermscode"] for row in world.dataverse.rows(ACCOUNT).values()} == {5}


async def test_after_a_repair_that_no_service_tells_a_person_lets_all_go_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An extension of Business Central refuses everything for a while."""

    def refuse(table: Table, values: Values) -> None:
        raise Refusal(RefusalKind.INVALID, "The extension is out of order.")

    for at in range(MANY):
        world.account(name=f"A{at}", telephone1="1")
    with monkeypatch.context() as patch:
        patch.setattr(world.business_central, "_complete", refuse)
        for _ in range(3):
            await world.synchronize("CUSTOMER")
    items = await world.items("CUSTOMER")
    assert {(item.reason, item.skipped) for item in items} == {(Reason.SERVICE_REFUSED, True)}
    await by_the_timer(world, "CUSTOMER")
    assert len(await world.items("CUSTOMER")) == MANY  # the next try of one of them would tell
    (cause,) = {cause.id for item in items for cause in item.causes}
    answer = await retry_all(world.services, RetryAllRequest(filter=ErrorFilter(cause=cause)), Caller("Anna"))
    assert answer.scheduled == MANY
    await world.work_off()
    assert await world.items("CUSTOMER") == []
    assert len(world.business_central.rows(CUSTOMERS)) == MANY
