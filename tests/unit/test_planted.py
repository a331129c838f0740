"""Behaviour that planted faults have shown to be worth a case of its own (`dev.py mutants`)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from shared.core.coupling import CoupledRecord
from shared.core.jobs import JobStatus
from shared.core.mapping import Conversion, DeletionConflictResolution, FieldMapping, Template
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.remember import versioned
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.transfer import Leave, carry
from shared.services.context import Policy
from shared.services.mapping_settings import MappingChange, change_mapping
from shared.services.requests import enqueue_due
from tests.simulation.trouble import Loss, TroubledWorld, killed_at
from tests.unit.core.tables import BC, TABLES, column, line, mapping
from tests.world import ACCOUNT, CONTACT, CONTACTS, CURRENCIES, CURRENCY_ROW, CUSTOMERS, World

PAGE_BY_PAGE = Policy(page_size=5, slice_time=timedelta(0))


async def opened(world: World) -> World:
    """The world with every mapping creating what is new."""
    await world.open_all()
    return world


async def with_pairs(world: World, number: int) -> list[str]:
    """So many coupled pairs of which a deleted record ends the coupling; the ids of their accounts."""
    await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.REMOVE_COUPLING)
    accounts = [world.account(name=f"Account {index}") for index in range(number)]
    await world.synchronize("CUSTOMER")
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    await world.synchronize("CUSTOMER")
    return accounts


async def statuses(world: World) -> set[JobStatus]:
    """How the jobs of a run of CUSTOMER ended."""
    return {job.status for job in (await world.synchronize("CUSTOMER")).values()}


async def coupled(world: World) -> int:
    """How many customers are coupled."""
    return len(await world.services.couplings("CUSTOMER").all())


async def test_an_edit_after_our_own_write_is_no_conflict() -> None:
    world = await opened(World())
    account = world.account(name="Fabrikam", telephone1="1")
    await world.synchronize("CUSTOMER")
    (customer,) = world.business_central.rows(CUSTOMERS)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "2"})
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "3"})
    await world.synchronize("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == "3"
    assert not await world.items("CUSTOMER")


@pytest.mark.parametrize(("city", "etag"), [(None, "2"), ("", "2"), ("Kiel", None)])
def test_a_version_is_remembered_only_where_the_service_keeps_what_it_was_sent(
    city: str | None, etag: str | None
) -> None:
    """Business Central may complete a city by the post code: that is an edit still to be looked at."""
    lines = (line("a"), line("b"))
    sent = CoupledRecord("1", base={column("a", BC): "24103", column("b", BC): None}, etag="1")
    record = Record("1", {column("a", BC): "24103", column("b", BC): city}, etag="2")
    assert versioned(mapping(*lines), BC, sent, record, TABLES[BC]).etag == etag


def test_a_number_that_a_service_rounds_is_remembered_as_it_is_there() -> None:
    """Dataverse keeps money with the decimals of its column: that is nobody's edit, and must not come back."""
    sent = CoupledRecord("1", base={"amount": Decimal("99.999")}, etag="1")
    record = Record("1", {"amount": Decimal("100.0")}, etag="2")
    amount = FieldMapping(business_central="amount", dataverse=("amount",))
    kept = versioned(mapping(amount), BC, sent, record, TABLES[BC])
    assert (kept.etag, kept.base) == ("2", {"amount": Decimal("100.0")})


async def test_a_record_missing_in_a_sweep_only_is_not_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A replica that lags behind lists no ids yet; the record itself can be read."""

    async def nothing_yet(table: Table) -> AsyncIterator[list[str]]:
        yield []

    world = await opened(World())
    await with_pairs(world, 1)
    monkeypatch.setattr(world.business_central, "ids", nothing_yet)
    await world.synchronize("CUSTOMER")
    assert await coupled(world) == 1


async def test_the_guard_adds_up_what_the_pages_of_a_run_take_away() -> None:
    """Ten losses are always allowed; no page of five has more."""
    world = await opened(World(policy=PAGE_BY_PAGE))
    for account in await with_pairs(world, 30):
        world.dataverse.remove(ACCOUNT, account)
    assert await statuses(world) == {JobStatus.FAILED}
    assert await coupled(world) == 20


async def test_a_stopped_run_forgets_nothing_and_its_release_is_for_one_run() -> None:
    world = await opened(World())
    accounts = await with_pairs(world, 30)
    for account in accounts[:12]:
        world.dataverse.remove(ACCOUNT, account)
    assert await statuses(world) == {JobStatus.FAILED}
    await change_mapping(world.services, "CUSTOMER", MappingChange(release_guard=True), None)
    assert await statuses(world) == {JobStatus.SUCCEEDED}
    assert await coupled(world) == 18
    for account in accounts[12:24]:
        world.dataverse.remove(ACCOUNT, account)
    assert await statuses(world) == {JobStatus.FAILED}
    assert await coupled(world) == 18


def test_not_null_minds_a_wholly_blank_name_only() -> None:
    name = FieldMapping(
        business_central="displayName",
        dataverse=("firstname", "middlename", "lastname"),
        conversion=Conversion.PERSON_NAME,
        not_null=True,
    )
    tables = {Side.BUSINESS_CENTRAL: CONTACTS, Side.DATAVERSE: CONTACT}
    whole = carry(name, Side.BUSINESS_CENTRAL, {"displayName": "Ada Lovelace"}, tables, {})
    assert whole == {"firstname": "Ada", "middlename": None, "lastname": "Lovelace"}
    assert carry(name, Side.BUSINESS_CENTRAL, {"displayName": None}, tables, {}) == Leave()


async def test_a_template_gives_way_to_what_a_person_filled_in() -> None:
    world = await opened(World())
    template = Template(name="all", side=Side.DATAVERSE, values={"websiteurl": "all.example", "telephone2": "9"})
    await change_mapping(world.services, "CUSTOMER", MappingChange(templates=(template,)), None)
    world.customer(displayName="Contoso", website="own.example")
    await world.synchronize("CUSTOMER")
    account = world.only(ACCOUNT)
    assert (account["websiteurl"], account["telephone2"]) == ("own.example", "9")


async def test_an_unanswered_creation_in_business_central_is_repeated_only_when_it_cannot_land_any_more() -> None:
    world = TroubledWorld()
    await world.open_all()
    world.account(name="Fabrikam")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_NOT_DONE)]
    for _ in range(3):
        await world.synchronize("CUSTOMER")
        assert not world.business_central.rows(CUSTOMERS)
        assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.SERVICE_BUSY]
    world.clock.advance(minutes=10)
    await world.synchronize("CUSTOMER")
    assert len(world.business_central.rows(CUSTOMERS)) == 1
    assert not await world.items("CUSTOMER")


async def test_a_creation_in_dataverse_that_lands_while_it_is_repeated_is_one_row() -> None:
    world = TroubledWorld()
    await world.open_all()
    world.customer(displayName="Fabrikam")
    world.trouble.losses = [(Side.DATAVERSE, Loss.UNKNOWN_NOT_DONE)]
    await world.synchronize("CUSTOMER")
    (intent,) = await world.services.couplings("CUSTOMER").open_intents()
    world.trouble.before_write(
        Side.DATAVERSE, lambda: world.dataverse.put(ACCOUNT, dict(intent.values), id=intent.target_id)
    )
    for _ in range(3):
        await world.synchronize("CUSTOMER")
    assert list(world.dataverse.rows(ACCOUNT)) == [intent.target_id]
    assert len(world.business_central.rows(CUSTOMERS)) == 1
    assert not await world.items("CUSTOMER")


async def test_what_may_be_our_own_creation_is_not_sent_back_while_that_is_in_doubt() -> None:
    """Somebody has changed it beyond recognition before its creation was answered."""
    world = TroubledWorld()
    await world.open_all()
    world.account(name="Fabrikam", telephone1="1")
    world.trouble.losses = [(Side.BUSINESS_CENTRAL, Loss.UNKNOWN_DONE)]
    await world.synchronize("CUSTOMER")
    (customer,) = world.business_central.rows(CUSTOMERS)
    world.business_central.edit(CUSTOMERS, customer, {"displayName": "Contoso", "phoneNumber": "2"})
    for _ in range(3):
        await world.synchronize("CUSTOMER")
        assert len(world.dataverse.rows(ACCOUNT)) == len(world.business_central.rows(CUSTOMERS)) == 1


async def test_a_run_killed_anywhere_goes_on_when_its_message_comes_again() -> None:
    """The timer need not wake it; only an unanswered creation is left to a later run."""
    call, killed = 0, True
    while killed:
        call += 1
        world = TroubledWorld(policy=Policy(page_size=1, slice_time=timedelta(0)))
        await world.open_all()
        for name in ("Fabrikam", "Contoso"):
            world.account(name=name)
        killed = await killed_at(world, call)
        await world.work_off()
        jobs, _ = await world.services.jobs.page(None, 10)
        assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}, f"killed at call {call}"
        world.clock.advance(minutes=15)
        await world.synchronize("CUSTOMER")
        assert len(world.business_central.rows(CUSTOMERS)) == 2, f"killed at call {call}"
    assert call > 10


async def test_children_wait_for_a_run_of_their_parents_that_was_asked_for_together_with_theirs() -> None:
    """The account comes on the last page, the contact on the first."""
    world = await opened(World(policy=Policy(page_size=1, slice_time=timedelta(0))))
    accounts = [world.account(name=f"Account {index}") for index in range(3)]
    world.dataverse.put(CONTACT, {"firstname": "Anna", "lastname": "Berg", "parentcustomerid": max(accounts)})
    await world.synchronize()
    assert not await world.items("CONTACT")
    people = [row["displayName"] for row in world.business_central.rows(CONTACTS).values() if row["type"] == "Person"]
    assert people == ["Anna Berg"]


async def test_what_waits_for_a_parent_goes_in_the_run_after_its_coupling_however_long_it_has_waited() -> None:
    world = await opened(World())
    await world.change("CURRENCY", synch_only_coupled_records=True)
    usd = world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "US dollar"})
    world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US dollar"})
    world.account(name="Fabrikam", transactioncurrencyid=usd)
    for _ in range(6):
        await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert item.next_at > world.clock.now() + timedelta(minutes=3)
    await world.change("CURRENCY", synch_only_coupled_records=False)
    await enqueue_due(world.services)
    await world.work_off()
    assert world.only(CUSTOMERS)["displayName"] == "Fabrikam"
