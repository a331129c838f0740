"""What a run does to the two systems, over the in-memory ports."""

from __future__ import annotations

import pytest

from shared.core.jobs import Counters, JobStatus, Trigger
from shared.core.mapping import (
    ConflictScope,
    DeletionConflictResolution,
    Template,
    UpdateConflictResolution,
    WhenOutsideFilter,
)
from shared.core.reasons import Reason
from shared.core.sides import Direction, Side
from shared.services.mapping_settings import MappingChange, change_mapping
from shared.services.requests import request_synchronization
from tests.world import (
    ACCOUNT,
    CONTACT,
    CONTACTS,
    CURRENCIES,
    CURRENCY_ROW,
    CUSTOMERS,
    PAYMENT_TERMS,
    SALESPEOPLE,
    USER,
    World,
)

TO, FROM = Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE


@pytest.fixture
async def world() -> World:
    world = World()
    await world.open_all()
    return world


async def coupled_pair(world: World) -> tuple[str, str]:
    """A customer and its account, coupled and in step; their ids."""
    account = world.account(
        name="Fabrikam", telephone1="100", emailaddress1="info@fabrikam.example", address1_city="Kiel"
    )
    await world.synchronize("CUSTOMER")
    (customer,) = world.business_central.rows(CUSTOMERS)
    await world.synchronize("CUSTOMER")
    return customer, account


async def test_a_new_account_becomes_a_customer_with_the_mapped_values(world: World) -> None:
    world.account(
        name="Fabrikam", telephone1="0431 100", address1_city="Kiel", address1_country="de", websiteurl="f.example"
    )
    jobs = await world.synchronize("CUSTOMER")
    customer = world.only(CUSTOMERS)
    assert customer["displayName"] == "Fabrikam"
    assert (customer["phoneNumber"], customer["city"], customer["country"]) == ("0431 100", "Kiel", "DE")
    assert jobs["CUSTOMER", FROM].counters == Counters(inserted=1)
    assert jobs["CUSTOMER", TO].counters == Counters()


async def test_a_new_customer_becomes_an_account_of_the_right_type(world: World) -> None:
    world.customer(displayName="Contoso", creditLimit=500)
    jobs = await world.synchronize("CUSTOMER")
    account = world.only(ACCOUNT)
    assert (account["name"], account["customertypecode"], account["creditlimit"]) == ("Contoso", 3, 500)
    assert jobs["CUSTOMER", TO].counters == Counters(inserted=1)


async def test_uncoupled_records_are_ignored_without_a_counter_when_only_coupled_ones_are_wanted() -> None:
    world = World()
    world.account(name="Fabrikam")
    world.customer(displayName="Contoso")
    jobs = await world.synchronize("CUSTOMER")
    assert not world.written
    assert all(job.counters == Counters() for job in jobs.values())


async def test_switching_only_coupled_off_brings_in_what_was_passed_by() -> None:
    world = World()
    world.account(name="Fabrikam")
    await world.synchronize("CUSTOMER")
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    await world.synchronize("CUSTOMER")
    assert world.only(CUSTOMERS)["displayName"] == "Fabrikam"


async def test_a_second_run_writes_nothing(world: World) -> None:
    for index in range(5):
        world.account(name=f"Account {index}")
        world.customer(displayName=f"Customer {index}")
    await world.synchronize()
    before = +world.written
    for _ in range(2):
        await world.synchronize()
    assert world.written == before


async def test_only_the_changed_field_is_written(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"fax": "9"})
    version_before = world.dataverse.rows(ACCOUNT)[account]
    jobs = await world.synchronize("CUSTOMER")
    after = world.row(ACCOUNT, account)
    assert {name for name in after if after[name] != version_before[name] and name != "modifiedon"} == {"telephone1"}
    assert jobs["CUSTOMER", TO].counters == Counters(modified=1)
    assert jobs["CUSTOMER", FROM].counters == Counters(unchanged=1)


async def test_edits_of_different_fields_on_both_sides_are_merged(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "new@fabrikam.example"})
    await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["telephone1"] == "200"
    assert world.row(CUSTOMERS, customer)["email"] == "new@fabrikam.example"
    assert not await world.items("CUSTOMER")


async def test_the_same_field_edited_differently_is_a_conflict_with_both_values(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "300", "websiteurl": "new.example"})
    before = +world.written
    jobs = await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.is_error) == (Reason.UPDATE_CONFLICT, True)
    assert [(c.field, c.business_central, c.dataverse) for c in item.fields] == [("phoneNumber", "200", "300")]
    assert world.written == before
    assert jobs["CUSTOMER", TO].counters == jobs["CUSTOMER", FROM].counters == Counters(failed=1)


async def test_the_same_value_typed_twice_is_no_conflict(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "200"})
    before = +world.written
    await world.synchronize("CUSTOMER")
    assert world.written == before
    assert not await world.items("CUSTOMER")


async def test_a_conflict_ends_when_a_person_makes_both_sides_agree(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "300"})
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "200"})
    await world.synchronize("CUSTOMER")
    assert not await world.items("CUSTOMER")


@pytest.mark.parametrize(
    ("resolution", "expected"),
    [
        (UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION, "200"),
        (UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION, "300"),
    ],
)
async def test_a_resolution_decides_the_conflict(
    world: World, resolution: UpdateConflictResolution, expected: str
) -> None:
    await world.change("CUSTOMER", update_conflict_resolution=resolution)
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"telephone1": "300"})
    await world.synchronize("CUSTOMER")
    assert world.row(CUSTOMERS, customer)["phoneNumber"] == world.row(ACCOUNT, account)["telephone1"] == expected


async def test_record_scope_calls_any_two_edits_a_conflict(world: World) -> None:
    await world.change("CUSTOMER", conflict_scope=ConflictScope.RECORD)
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "200"})
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "new@fabrikam.example"})
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert {conflict.field for conflict in item.fields} == {"phoneNumber", "email"}


async def test_an_address_is_merged_as_a_whole(world: World) -> None:
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"city": "Lübeck"})
    world.dataverse.edit(ACCOUNT, account, {"address1_line1": "Quay 1"})
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.UPDATE_CONFLICT


async def test_a_changed_country_does_not_blank_the_rest_of_the_address(world: World) -> None:
    account = world.account(name="Fabrikam", address1_country="DE", address1_postalcode="24103", address1_city="Kiel")
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"address1_country": "DK"})
    await world.synchronize("CUSTOMER")
    await world.synchronize("CUSTOMER")
    customer = world.only(CUSTOMERS)
    assert (customer["country"], customer["postalCode"], customer["city"]) == ("DK", "24103", "Kiel")
    assert world.row(ACCOUNT, account)["address1_city"] == "Kiel"


async def test_a_difference_in_spelling_is_no_change(world: World) -> None:
    account = world.account(name="Fabrikam", address1_country="de")
    await world.synchronize("CUSTOMER")
    before = +world.written
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"address1_country": "De"})
    await world.synchronize("CUSTOMER")
    assert world.written == before


async def test_one_bad_record_does_not_stop_the_others_and_is_done_once_cured(world: World) -> None:
    bad = world.account(name="x" * 120)
    world.account(name="Good")
    jobs = await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.column, item.dataverse_id) == (Reason.VALUE_REFUSED, "displayName", bad)
    assert jobs["CUSTOMER", FROM].counters == Counters(inserted=1, failed=1)
    world.dataverse.edit(ACCOUNT, bad, {"name": "Short"})
    await world.synchronize("CUSTOMER")
    assert {row["displayName"] for row in world.business_central.rows(CUSTOMERS).values()} == {"Good", "Short"}
    assert not await world.items("CUSTOMER")


async def test_what_the_service_refuses_is_an_error_with_its_message(world: World) -> None:
    world.account(name="Fabrikam", emailaddress1="not an address")
    await world.synchronize("CUSTOMER")
    if items := await world.items("CUSTOMER"):
        assert items[0].reason is Reason.SERVICE_REFUSED
        assert "refused" in items[0].message


async def test_records_on_both_sides_that_are_the_same_are_coupled_not_doubled(world: World) -> None:
    world.account(name="Contoso", emailaddress1="info@contoso.example", telephone1="1")
    world.customer(displayName="CONTOSO", email="info@contoso.example")
    jobs = await world.synchronize("CUSTOMER")
    assert len(world.business_central.rows(CUSTOMERS)) == len(world.dataverse.rows(ACCOUNT)) == 1
    assert jobs["CUSTOMER", TO].counters.coupled == 1
    assert world.only(CUSTOMERS)["phoneNumber"] == "1"


async def test_two_candidates_are_a_question_not_a_guess(world: World) -> None:
    for _ in range(2):
        world.account(name="Contoso", emailaddress1="info@contoso.example")
    world.customer(displayName="Contoso", email="info@contoso.example")
    await world.synchronize("CUSTOMER")
    assert {item.reason for item in await world.items("CUSTOMER")} == {Reason.SEVERAL_MATCHES}
    assert len(world.business_central.rows(CUSTOMERS)) == 1


@pytest.mark.parametrize("comes", ["an edit", "another one"])
async def test_a_question_stays_one_when_a_run_sees_only_one_of_the_namesakes(world: World, comes: str) -> None:
    """Those that wait for an answer are not tried with every run, and claim what they claimed all the same."""
    customers = [world.customer(displayName="Contoso", email="info@contoso.example") for _ in range(2)]
    account = world.account(name="Contoso", emailaddress1="info@contoso.example")
    await run_by_the_timer(world)
    if comes == "an edit":
        world.business_central.edit(CUSTOMERS, customers[0], {"phoneNumber": "1"})
    else:
        customers.append(world.customer(displayName="Contoso", email="info@contoso.example"))
    await run_by_the_timer(world)
    assert await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, customers) == {}
    assert list(world.dataverse.rows(ACCOUNT)) == [account]
    for one in customers[1:]:
        world.business_central.remove(CUSTOMERS, one)
    await world.synchronize("CUSTOMER")
    assert list(await world.services.couplings("CUSTOMER").find(Side.DATAVERSE, [account])) == [account]


async def run_by_the_timer(world: World) -> None:
    mappings = [one.mapping for one in await world.services.mappings.all() if one.mapping.name == "CUSTOMER"]
    await request_synchronization(world.services, mappings, Trigger.TIMER)
    await world.work_off()
    world.clock.advance(seconds=5)


async def test_currencies_are_coupled_by_code_and_never_invented(world: World) -> None:
    world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "Dollar", "currencysymbol": "$"})
    world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US dollar", "symbol": "$"})
    world.business_central.put(CURRENCIES, {"code": "XYZ", "displayName": "Unknown"})
    jobs = await world.synchronize("CURRENCY")
    assert jobs["CURRENCY", TO].counters == Counters(modified=1, coupled=1, failed=1)
    names = {row["isocurrencycode"]: row["currencyname"] for row in world.dataverse.rows(CURRENCY_ROW).values()}
    assert names == {"EUR": "Euro", "USD": "US dollar"}
    (item,) = await world.items("CURRENCY")
    assert item.reason is Reason.CREATE_NOT_ALLOWED


async def test_a_customer_waits_for_its_currency_and_goes_when_it_is_coupled(world: World) -> None:
    await world.change("CURRENCY", synch_only_coupled_records=True)
    usd = world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "US dollar"})
    world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US dollar"})
    world.account(name="Fabrikam", transactioncurrencyid=usd)
    jobs = await world.synchronize()
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.is_error, item.waits_for) == (Reason.WAITS_FOR_PARENT, False, ("CURRENCY",))
    assert "USD" in item.message
    assert jobs["CUSTOMER", FROM].counters == Counters(skipped=1)
    await world.change("CURRENCY", synch_only_coupled_records=False)
    await world.synchronize()
    assert world.only(CUSTOMERS)["currencyId"] is not None
    assert not await world.items("CUSTOMER")


async def test_users_become_salespeople_with_numbers_of_the_series_and_own_their_customers_rows(world: World) -> None:
    user = world.dataverse.put(
        USER,
        {"firstname": "Ada", "lastname": "Lovelace", "internalemailaddress": "ada@contoso.example", "islicensed": True},
    )
    await world.synchronize("SALESPEOPLE")
    salesperson = world.only(SALESPEOPLE)
    assert (salesperson["code"], salesperson["displayName"]) == ("SP NO. 00001", "Ada Lovelace")
    world.customer(displayName="Contoso", salespersonCode=salesperson["code"])
    await world.synchronize("CUSTOMER")
    assert world.only(ACCOUNT)["ownerid"] == user


async def test_a_contact_finds_its_company_both_ways(world: World) -> None:
    account = world.account(name="Fabrikam")
    contact = world.dataverse.put(
        CONTACT, {"firstname": "Anna", "lastname": "van Berg", "parentcustomerid": account, "statecode": 0}
    )
    await world.synchronize()
    (person,) = [row for row in world.business_central.rows(CONTACTS).values() if row["type"] == "Person"]
    (company,) = [row for row in world.business_central.rows(CONTACTS).values() if row["type"] == "Company"]
    assert (person["displayName"], person["companyNumber"]) == ("Anna van Berg", company["number"])
    world.business_central.put(
        CONTACTS, {"type": "Person", "displayName": "Otto Karl Maier", "companyNumber": company["number"]}
    )
    await world.synchronize()
    assert world.row(CONTACT, contact)["lastname"] == "van Berg", "an unchanged name is not taken apart anew"
    (other,) = [row for key, row in world.dataverse.rows(CONTACT).items() if key != contact]
    assert (other["firstname"], other["middlename"], other["lastname"]) == ("Otto", "Karl", "Maier")
    assert other["parentcustomerid"] == account


@pytest.mark.parametrize("scope", list(ConflictScope))
async def test_an_edit_does_not_wait_for_a_parent_that_was_uncoupled_since(world: World, scope: ConflictScope) -> None:
    await world.change("CONTACT", conflict_scope=scope)
    account = world.account(name="Fabrikam")
    contact = world.dataverse.put(CONTACT, {"firstname": "Anna", "parentcustomerid": account, "statecode": 0})
    await world.synchronize()
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    couplings = world.services.couplings("CUSTOMER")
    await couplings.remove(await couplings.all())
    world.dataverse.edit(CONTACT, contact, {"mobilephone": "2"})
    await world.synchronize("CONTACT")
    (person,) = [row for row in world.business_central.rows(CONTACTS).values() if row["type"] == "Person"]
    assert person["mobilePhoneNumber"] == "2"
    assert not await world.items("CONTACT")


@pytest.mark.parametrize("resolution", list(DeletionConflictResolution))
async def test_a_deleted_account_is_handled_as_the_mapping_says(
    world: World, resolution: DeletionConflictResolution
) -> None:
    await world.change("CUSTOMER", deletion_conflict_resolution=resolution)
    customer, account = await coupled_pair(world)
    world.dataverse.remove(ACCOUNT, account)
    await world.synchronize("CUSTOMER")
    couplings = await world.services.couplings("CUSTOMER").all()
    items = await world.items("CUSTOMER")
    if resolution is DeletionConflictResolution.NONE:
        assert [item.reason for item in items] == [Reason.DELETION_CONFLICT]
        assert len(couplings) == 1
    elif resolution is DeletionConflictResolution.RESTORE_RECORDS:
        assert world.only(ACCOUNT)["name"] == "Fabrikam"
        assert [coupling.business_central.id for coupling in couplings] == [customer]
        assert not items
    else:
        assert not items
        assert not couplings or couplings[0].dataverse.id != account


async def test_a_run_larger_than_a_page_does_everything_once(world: World) -> None:
    small = World(policy=type(world.policy)(page_size=3))
    await small.open_all()
    for index in range(10):
        small.account(name=f"Account {index}")
        small.customer(displayName=f"Customer {index}")
    await small.synchronize("CUSTOMER")
    assert len(small.business_central.rows(CUSTOMERS)) == len(small.dataverse.rows(ACCOUNT)) == 20


async def test_a_repeated_message_does_nothing(world: World) -> None:
    world.account(name="Fabrikam")
    await world.synchronize("CUSTOMER")
    state = await world.services.runs("CUSTOMER").state()
    assert (state.active, state.queued) == (None, None)
    jobs, _ = await world.services.jobs.page(None, 10)
    assert {job.status for job in jobs} == {JobStatus.SUCCEEDED}


async def test_each_side_is_asked_a_fixed_number_of_times_when_nothing_changed(world: World) -> None:
    for index in range(20):
        world.account(name=f"Account {index}")
    await world.synchronize("CUSTOMER")
    world.clock.advance(hours=1)
    await world.synchronize("CUSTOMER")
    world.business_central.calls.clear()
    world.dataverse.calls.clear()
    await world.synchronize("CUSTOMER")
    assert world.dataverse.calls.total() == 1
    assert world.business_central.calls.total() <= 3


@pytest.mark.parametrize("policy", list(WhenOutsideFilter))
async def test_a_record_that_left_the_filter_is_handled_as_the_mapping_says(
    world: World, policy: WhenOutsideFilter
) -> None:
    await world.change("CUSTOMER", when_outside_filter=policy)
    customer, account = await coupled_pair(world)
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    world.business_central.edit(CUSTOMERS, customer, {"blocked": "All", "phoneNumber": "200"})
    await world.synchronize("CUSTOMER")
    world.clock.advance(hours=1)
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "new@fabrikam.example"})
    await world.synchronize("CUSTOMER")
    sent = world.row(ACCOUNT, account)["telephone1"] == "200"
    received = world.row(CUSTOMERS, customer)["email"] == "new@fabrikam.example"
    coupled = bool(await world.services.couplings("CUSTOMER").all())
    assert (sent, received, coupled) == {
        WhenOutsideFilter.RECEIVE_ONLY: (False, True, True),
        WhenOutsideFilter.KEEP_IN_STEP: (True, True, True),
        WhenOutsideFilter.FREEZE: (False, False, True),
        WhenOutsideFilter.UNCOUPLE: (False, False, False),
    }[policy]


async def test_what_was_frozen_goes_when_the_record_is_back_inside(world: World) -> None:
    await world.change("CUSTOMER", when_outside_filter=WhenOutsideFilter.FREEZE)
    customer, account = await coupled_pair(world)
    world.business_central.edit(CUSTOMERS, customer, {"blocked": "All", "phoneNumber": "200"})
    await world.synchronize("CUSTOMER")
    world.dataverse.edit(ACCOUNT, account, {"emailaddress1": "new@fabrikam.example"})
    await world.synchronize("CUSTOMER")
    world.business_central.edit(CUSTOMERS, customer, {"blocked": None})
    await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["telephone1"] == "200"
    assert world.row(CUSTOMERS, customer)["email"] == "new@fabrikam.example"


async def test_a_customer_deleted_in_business_central_is_noticed_although_no_feed_tells(world: World) -> None:
    customer, _ = await coupled_pair(world)
    world.business_central.remove(CUSTOMERS, customer)
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.DELETION_CONFLICT


async def test_a_deletion_that_dataverse_has_forgotten_is_noticed_all_the_same(world: World) -> None:
    _, account = await coupled_pair(world)
    world.dataverse.remove(ACCOUNT, account)
    world.dataverse.forget_changes()
    await world.synchronize("CUSTOMER")
    (item,) = await world.items("CUSTOMER")
    assert item.reason is Reason.DELETION_CONFLICT


async def test_an_implausible_share_of_losses_stops_the_run_until_it_is_released(world: World) -> None:
    await world.change("CUSTOMER", deletion_conflict_resolution=DeletionConflictResolution.REMOVE_COUPLING)
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    for index in range(30):
        world.account(name=f"Account {index}")
    await world.synchronize("CUSTOMER")
    await world.change("CUSTOMER", synch_only_coupled_records=True)
    for account in list(world.dataverse.rows(ACCOUNT)):
        world.dataverse.remove(ACCOUNT, account)
    jobs = await world.synchronize("CUSTOMER")
    assert {job.status for job in jobs.values()} == {JobStatus.FAILED}
    assert "release_guard" in jobs["CUSTOMER", TO].message
    assert len(await world.services.couplings("CUSTOMER").all()) == 30
    await change_mapping(world.services, "CUSTOMER", MappingChange(release_guard=True), None)
    await world.synchronize("CUSTOMER")
    assert not await world.services.couplings("CUSTOMER").all()


async def test_blanking_many_values_at_once_stops_the_run(world: World) -> None:
    accounts = [world.account(name=f"Account {index}", telephone1="1") for index in range(30)]
    await world.synchronize("CUSTOMER")
    for account in accounts:
        world.dataverse.edit(ACCOUNT, account, {"telephone1": None})
    jobs = await world.synchronize("CUSTOMER")
    assert {job.status for job in jobs.values()} == {JobStatus.FAILED}
    assert {row["phoneNumber"] for row in world.business_central.rows(CUSTOMERS).values()} == {"1"}


async def payment_terms(world: World) -> str:
    """A customer with payment terms that no choice in Dataverse stands for; the id of its account."""
    terms = world.business_central.put(PAYMENT_TERMS, {"code": "14 DAYS", "displayName": "Net 14 days"})
    world.customer(displayName="Contoso", paymentTermsId=terms)
    await world.synchronize("CUSTOMER")
    (account,) = world.dataverse.rows(ACCOUNT)
    return account


async def test_a_missing_choice_is_collected_for_a_person_and_harms_nothing(world: World) -> None:
    account = await payment_terms(world)
    assert world.row(ACCOUNT, account)["paymenttermscode"] is None
    (item,) = await world.items("CUSTOMER")
    assert (item.reason, item.is_error, item.column) == (Reason.OPTION_NOT_MAPPED, True, "paymentTermsId")
    assert "14 DAYS" in item.message


async def test_a_choice_that_is_added_reaches_the_records_that_had_to_do_without(world: World) -> None:
    account = await payment_terms(world)
    world.clock.advance(hours=2)
    world.dataverse.set_choices("account", "paymenttermscode", {7: "14 days"})
    await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["paymenttermscode"] == 7
    assert not await world.items("CUSTOMER")


async def test_a_choice_that_a_person_gives_to_a_code_counts(world: World) -> None:
    world.dataverse.set_choices("account", "paymenttermscode", {1: "Net 30", 2: "Soon"})
    account = await payment_terms(world)
    change = MappingChange(options={"paymentTermsId": {"14 DAYS": 2}})
    await change_mapping(world.services, "CUSTOMER", change, None)
    await world.synchronize("CUSTOMER")
    assert world.row(ACCOUNT, account)["paymenttermscode"] == 2


async def test_a_template_fills_the_gaps_of_new_records_only(world: World) -> None:
    templates = (
        Template(name="all", side="dataverse", priority=2, values={"telephone2": "all", "websiteurl": "all.example"}),
        Template(name="DE", side="dataverse", priority=1, filter="country eq 'DE'", values={"telephone2": "de"}),
    )
    await change_mapping(world.services, "CUSTOMER", MappingChange(templates=templates), None)
    world.customer(displayName="Contoso", country="DE", website="own.example")
    world.customer(displayName="Fabrikam")
    await world.synchronize("CUSTOMER")
    rows = {row["name"]: row for row in world.dataverse.rows(ACCOUNT).values()}
    assert (rows["Contoso"]["telephone2"], rows["Contoso"]["websiteurl"]) == ("de", "own.example")
    assert (rows["Fabrikam"]["telephone2"], rows["Fabrikam"]["websiteurl"]) == ("all", "all.example")


async def test_a_record_that_fails_twice_alike_is_skipped_until_it_changes(world: World) -> None:
    bad = world.account(name="x" * 120)
    counted = [(await world.synchronize("CUSTOMER"))["CUSTOMER", FROM].counters for _ in range(2)]
    assert counted == [Counters(failed=1), Counters(skipped=1)]
    (item,) = await world.items("CUSTOMER")
    assert (item.skipped, item.attempts) == (True, 2)
    world.dataverse.edit(ACCOUNT, bad, {"name": "Short"})
    jobs = await world.synchronize("CUSTOMER")
    assert jobs["CUSTOMER", FROM].counters == Counters(inserted=1)


async def test_transformation_rules_change_values_on_their_way_and_what_they_refuse_is_an_error(world: World) -> None:
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    rules = {"direction": "ToIntegrationTable", "rules": [{"type": "Trim"}, {"type": "Uppercase"}]}
    fields = tuple(
        type(line).model_validate({**line.model_dump(), "direction": TO, "transformations": [rules]})
        if line.caption == "website"
        else line
        for line in stored.mapping.fields
    )
    await world.change("CUSTOMER", fields=fields)
    world.customer(displayName="Contoso", website="contoso.example")
    await world.synchronize("CUSTOMER")
    assert world.only(ACCOUNT)["websiteurl"] == "CONTOSO.EXAMPLE"
    before = +world.written
    await world.synchronize("CUSTOMER")
    assert world.written == before


async def test_an_inactive_account_blocks_its_customer_where_that_is_switched_on(world: World) -> None:
    customer, account = await coupled_pair(world)
    for wanted in (False, True):
        await change_mapping(world.services, "CUSTOMER", MappingChange(block_when_inactive=wanted), None)
        world.dataverse.edit(ACCOUNT, account, {"statecode": 1})
        await world.synchronize("CUSTOMER")
        assert (world.row(CUSTOMERS, customer)["blocked"] == "All") is wanted
    before = +world.written
    await world.synchronize("CUSTOMER")
    assert world.written == before


async def test_two_records_just_matched_wait_for_their_currency_instead_of_quarrelling(world: World) -> None:
    await world.change("CURRENCY", synch_only_coupled_records=True)
    usd = world.dataverse.put(CURRENCY_ROW, {"isocurrencycode": "USD", "currencyname": "US dollar"})
    dollar = world.business_central.put(CURRENCIES, {"code": "USD", "displayName": "US dollar"})
    world.account(name="Contoso", emailaddress1="info@contoso.example", transactioncurrencyid=usd)
    world.customer(displayName="Contoso", email="info@contoso.example", currencyId=dollar)
    await world.synchronize()
    assert [item.reason for item in await world.items("CUSTOMER")] == [Reason.WAITS_FOR_PARENT]
    await world.change("CURRENCY", synch_only_coupled_records=False)
    await world.synchronize()
    assert not await world.items("CUSTOMER")
