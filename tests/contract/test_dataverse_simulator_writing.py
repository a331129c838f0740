"""What the Dataverse simulator does with writes, and which ones it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, simulator

TYPE = "Microsoft.Dynamics.CRM."


@pytest.fixture(scope="module")
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        await client.control("settings", keys={"account": [["accountnumber"]], "contact": [["firstname", "lastname"]]})
        yield client


async def count(dataverse: Client, name: str) -> int:
    return len(await dataverse.filtered(f"name eq '{name}'"))


async def test_a_create_answers_the_address_and_no_version(dataverse: Client) -> None:
    answer = await dataverse("POST", "accounts", {"name": "A"})
    assert answer.status_code == 204
    assert answer.headers["OData-EntityId"].startswith(f"{dataverse.root}accounts(")
    assert "ETag" not in answer.headers


async def test_a_representation_comes_instead_of_the_address(dataverse: Client) -> None:
    answer = await dataverse("POST", "accounts?$select=name", {"name": "A"}, prefer="return=representation")
    assert answer.status_code == 201
    assert "OData-EntityId" not in answer.headers
    assert answer.headers["Preference-Applied"] == "return=representation"
    assert answer.headers["ETag"] == answer.json()["@odata.etag"]
    assert set(answer.json()) == {"@odata.context", "@odata.etag", "name", "accountid"}
    path = f"accounts({answer.json()['accountid']})?$select=accountid"
    changed = await dataverse("PATCH", path, {"name": "B"}, prefer="return=representation")
    assert changed.status_code == 200
    assert changed.headers["ETag"] != answer.headers["ETag"]
    created = await dataverse("PATCH", f"accounts({uuid4()})", {"name": "C"}, prefer="return=representation")
    assert created.status_code == 201


@pytest.mark.parametrize(
    ("exists", "headers", "status", "code"),
    [
        (False, {}, 204, None),
        (True, {}, 204, None),
        (False, {"If_Match": "*"}, 404, "0x80040217"),
        (True, {"If_Match": "*"}, 204, None),
        (False, {"If_None_Match": "*"}, 204, None),
        (True, {"If_None_Match": "*"}, 412, "0x80040237"),
        (True, {"If_Match": 'W/"1"'}, 412, "0x80060882"),
        (False, {"If_Match": 'W/"1"'}, 404, "0x80040217"),
    ],
)
async def test_a_patch_updates_or_creates(
    dataverse: Client, exists: bool, headers: dict[str, str], status: int, code: str | None
) -> None:
    row_id = str(uuid4())
    if exists:
        await dataverse.create("accounts", accountid=row_id, name="before")
    answer = await dataverse("PATCH", f"accounts({row_id})", {"name": "after"}, **headers)
    assert answer.status_code == status
    assert "ETag" not in answer.headers
    if code:
        assert error_of(answer) == (status, code)
    else:
        assert answer.headers["OData-EntityId"].endswith(f"accounts({row_id})")
        assert (await dataverse.row(f"accounts({row_id})"))["name"] == "after"


async def test_every_accepted_write_has_a_version_of_its_own(dataverse: Client) -> None:
    first = await dataverse.create("accounts", name="same")
    other = await dataverse.create("contacts", lastname="other")
    versions = [(await dataverse.row(f"accounts({first})"))["versionnumber"]]
    versions.append((await dataverse.row(f"contacts({other})"))["versionnumber"])
    await dataverse("PATCH", f"accounts({first})", {"name": "same"})
    versions.append((await dataverse.row(f"accounts({first})"))["versionnumber"])
    assert versions == sorted(set(versions)), "one counter for all tables, also for writes that change nothing"
    assert (await dataverse("DELETE", f"accounts({first})", If_Match='W/"1"')).status_code == 412
    assert (await dataverse("DELETE", f"accounts({first})", If_Match=f'W/"{versions[-1]}"')).status_code == 204
    assert error_of(await dataverse("DELETE", f"accounts({first})")) == (404, "0x80040217")


async def test_a_client_may_choose_the_id(dataverse: Client) -> None:
    row_id = str(uuid4())
    assert await dataverse.create("accounts", accountid=row_id.upper(), name="own") == row_id
    again = await dataverse("POST", "accounts", {"accountid": row_id, "name": "own"})
    assert error_of(again) == (412, "0x80040237")
    assert again.json()["error"]["message"] == "A record with matching key values already exists."


NOT_WRITABLE = [
    ({"name": "x" * 161}, "0x80044331"),
    # The service counts UTF-16 units: an emoji has two of them.
    ({"name": "😀" * 81}, "0x80044331"),
    ({"numberofemployees": 1_000_000_001}, "0x8004432f"),
    ({"creditlimit": 100_000_000_000_001}, "0x80044330"),
    ({"address1_latitude": 91}, "0x80044330"),
    ({"paymenttermscode": 5}, "0x8004431a"),
    ({"statecode": 2}, "0x8004431a"),
    ({"statecode": 1, "statuscode": 1}, "0x80048408"),
    ({"numberofemployees": "5"}, "0x80048d19"),
    ({"numberofemployees": 1.5}, "0x80048d19"),
    ({"numberofemployees": 2**31}, "0x80048d19"),
    ({"name": 5}, "0x80048d19"),
    ({"donotemail": 1}, "0x80048d19"),
    ({"paymenttermscode": "Net 30"}, "0x80048d19"),
    ({"lastusedincampaign": "yesterday"}, "0x80048d19"),
    ({"lastusedincampaign": "0001-01-01T00:00:00Z"}, "0x80040239"),
    ({"Name": "x"}, "0x80048d19"),
    ({"parentcustomerid": None}, "0x80048d19"),
    ({"primarycontactid@odata.bind": None}, "0x80048d19"),
    ({"Primarycontactid@odata.bind": "/contacts(00000000-0000-0000-0000-000000000001)"}, "0x80048d19"),
    ({"primarycontactid@odata.bind": "/contacts(00000000-0000-0000-0000-000000000001)"}, "0x80040217"),
    ({"primarycontactid@odata.bind": "/contacts(lastname='nobody',firstname='x')"}, "0x80060891"),
    ({"primarycontactid@odata.bind": "/contacts(nickname='x')"}, "0x80060890"),
    ({"_primarycontactid_value": "00000000-0000-0000-0000-000000000001"}, "0x80060888"),
    ({"@odata.type": "Microsoft.Dynamics.CRM.contact"}, "0x80048d19"),
    ([], "0x80048d19"),
]


@pytest.mark.parametrize(("values", "code"), NOT_WRITABLE)
async def test_what_does_not_fit_is_refused_and_nothing_is_written(dataverse: Client, values: Any, code: str) -> None:
    row_id = str(uuid4())
    await dataverse.create("accounts", accountid=row_id, name="kept")
    before = await dataverse.row(f"accounts({row_id})")
    for method, path in (("POST", "accounts"), ("PATCH", f"accounts({row_id})")):
        answer = await dataverse(method, path, values)
        assert answer.json()["error"]["code"] == code
        assert answer.status_code == (404 if code in ("0x80040217", "0x80060891") else 400)
    assert await dataverse.row(f"accounts({row_id})") == before


async def test_texts_fit_to_the_last_character(dataverse: Client) -> None:
    await dataverse.create("accounts", name="😀" * 80, accountnumber="x" * 20)


async def test_a_body_that_is_no_json_is_refused(dataverse: Client) -> None:
    assert error_of(await dataverse("POST", "accounts", b"{")) == (400, "0x80048d19")


async def test_what_the_service_keeps_is_ignored(dataverse: Client) -> None:
    values = {"fullname": "X", "createdon": "2000-01-01T00:00:00Z", "versionnumber": 1, "creditlimit_base": 5}
    row = await dataverse.row(f"contacts({await dataverse.create('contacts', lastname='L', firstname='F', **values)})")
    assert row["fullname"] == "F L"
    assert row["createdon"] > "2020"
    assert row["versionnumber"] > 1
    backdated = await dataverse.create("contacts", lastname="L", overriddencreatedon="2001-02-03T04:05:06Z")
    assert (await dataverse.row(f"contacts({backdated})"))["createdon"] == "2001-02-03T04:05:06Z"


async def test_new_rows_have_an_owner_a_state_a_currency_and_defaults(dataverse: Client) -> None:
    row = await dataverse.row(f"accounts({await dataverse.create('accounts', name='defaults', description='')})")
    who = await dataverse.row("WhoAmI")
    assert row["_ownerid_value"] == row["_owninguser_value"] == row["_createdby_value"] == who["UserId"]
    assert row["_owningbusinessunit_value"] == who["BusinessUnitId"]
    assert (row["statecode"], row["statuscode"], row["exchangerate"]) == (0, 1, 1.0)
    assert row["_transactioncurrencyid_value"]
    assert (row["followemail"], row["donotemail"], row["territorycode"]) == (True, False, 1)
    assert row["description"] is None
    team = (await dataverse.rows("teams"))[0]
    await dataverse("PATCH", f"accounts({row['accountid']})", {"ownerid@odata.bind": f"/teams({team['teamid']})"})
    row = await dataverse.row(f"accounts({row['accountid']})")
    assert (row["_ownerid_value"], row["_owningteam_value"], row["_owninguser_value"]) == (
        team["teamid"],
        team["teamid"],
        None,
    )


async def test_a_state_brings_its_status_reason(dataverse: Client) -> None:
    row_id = await dataverse.create("accounts", name="state")
    for values, expected in (
        ({"statecode": 1}, (1, 2)),
        ({"statecode": 0}, (0, 1)),
        ({"statecode": 1, "statuscode": 2}, (1, 2)),
    ):
        assert (await dataverse("PATCH", f"accounts({row_id})", values)).status_code == 204
        row = await dataverse.row(f"accounts({row_id})")
        assert (row["statecode"], row["statuscode"]) == expected


async def test_amounts_follow_the_currency(dataverse: Client) -> None:
    yen = await dataverse.create(
        "transactioncurrencies",
        isocurrencycode="JPY",
        currencyname="Yen",
        currencysymbol="¥",
        currencyprecision=0,
        exchangerate=160,
    )
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({yen})"}
    row_id = await dataverse.create("accounts", name="money", creditlimit=1000.456, **bind)
    row = await dataverse.row(f"accounts({row_id})")
    assert (row["creditlimit"], row["creditlimit_base"], row["exchangerate"]) == (1000, 6.25, 160)
    assert error_of(await dataverse("DELETE", f"transactioncurrencies({yen})")) == (405, "0x80040227")
    taken = {
        "isocurrencycode": "jpy",
        "currencyname": "x",
        "currencysymbol": "x",
        "currencyprecision": 0,
        "exchangerate": 1,
    }
    assert error_of(await dataverse("POST", "transactioncurrencies", taken)) == (400, "0x80048cf3")
    incomplete = {"isocurrencycode": "XXX", "currencyname": "x"}
    assert error_of(await dataverse("POST", "transactioncurrencies", incomplete)) == (400, "0x80040203")
    base = (await dataverse.row("organizations"))["value"][0]["_basecurrencyid_value"]
    changed = await dataverse("PATCH", f"transactioncurrencies({base})", {"exchangerate": 2})
    assert error_of(changed) == (400, "0x80048cfd")


async def test_lookups_are_set_replaced_and_cleared(dataverse: Client) -> None:
    account = await dataverse.create("accounts", name="company")
    boss = await dataverse.create("contacts", lastname="Boss")
    row_id = await dataverse.create(
        "contacts",
        **{"lastname": "Member", "parentcustomerid_account@odata.bind": f"{dataverse.root}accounts({account})"},
    )
    address = f"contacts({row_id})"

    async def parents() -> tuple[Any, Any, Any]:
        row = await dataverse.row(address)
        return row["_parentcustomerid_value"], row["_accountid_value"], row["_parentcontactid_value"]

    assert await parents() == (account, account, None)
    await dataverse("PATCH", address, {"parentcustomerid_contact@odata.bind": f"contacts({boss})"})
    assert await parents() == (boss, None, boss)
    await dataverse("PATCH", address, {"parentcustomerid_account": None})
    assert await parents() == (boss, None, boss), "the other target is set"
    await dataverse("PATCH", address, {"parentcustomerid_contact": None})
    assert await parents() == (None, None, None)
    reference = {"@odata.id": f"{dataverse.root}accounts({account})"}
    assert (await dataverse("PUT", f"{address}/parentcustomerid_account/$ref", reference)).status_code == 204
    assert await parents() == (account, account, None)
    assert (await dataverse("DELETE", f"{address}/parentcustomerid_account/$ref")).status_code == 204
    assert await parents() == (None, None, None)
    members = f"accounts({account})/contact_customer_accounts"
    link = {"@odata.id": f"{dataverse.root}{address}"}
    assert (await dataverse("POST", f"{members}/$ref", link)).status_code == 204
    assert await parents() == (account, account, None)
    assert (await dataverse("DELETE", f"{members}({row_id})/$ref")).status_code == 204
    await dataverse("POST", f"{members}/$ref", link)
    assert (await dataverse("DELETE", f"{members}/$ref?$id={dataverse.root}{address}")).status_code == 204
    assert await parents() == (None, None, None)
    wrong = await dataverse("PATCH", address, {"parentcustomerid@odata.bind": f"/accounts({account})"})
    assert error_of(wrong) == (400, "0x80048d19")
    assert "undeclared property 'parentcustomerid'" in wrong.json()["error"]["message"]


async def test_a_binding_wins_over_the_clearing_of_the_other_target(dataverse: Client) -> None:
    account = await dataverse.create("accounts", name="winner")
    boss = await dataverse.create("contacts", lastname="Boss")
    address = f"contacts({await dataverse.create('contacts', lastname='Both')})"
    await dataverse("PATCH", address, {"parentcustomerid_contact@odata.bind": f"contacts({boss})"})
    both = {"parentcustomerid_account@odata.bind": f"accounts({account})", "parentcustomerid_contact": None}
    await dataverse("PATCH", address, both)
    assert (await dataverse.row(address))["_parentcustomerid_value"] == account


async def test_duplicates_are_found_on_request_only(dataverse: Client) -> None:
    detect = {"MSCRM.SuppressDuplicateDetection": "false"}
    row_id = await dataverse.create("contacts", emailaddress1="twice@post.example")
    found = await dataverse("POST", "contacts", {"emailaddress1": "TWICE@post.example"}, **detect)
    assert error_of(found) == (412, "0x80040333")
    assert (await dataverse("PATCH", f"contacts({row_id})", {"fax": "1"}, **detect)).status_code == 204
    assert (await dataverse("POST", "contacts", {"emailaddress1": "twice@post.example"})).status_code == 204


async def test_single_properties_are_set_and_cleared(dataverse: Client) -> None:
    address = f"accounts({await dataverse.create('accounts', name='before', fax='1')})"
    answer = await dataverse("PUT", f"{address}/name", {"value": "after"})
    assert answer.status_code == 204
    assert "OData-EntityId" not in answer.headers
    assert (await dataverse("DELETE", f"{address}/fax")).status_code == 204
    row = await dataverse.row(address)
    assert (row["name"], row["fax"]) == ("after", None)
    assert error_of(await dataverse("PUT", f"{address}/primarycontactid", {"value": None}))[0] == 405


async def test_a_create_may_bring_related_rows(dataverse: Client) -> None:
    nested = {
        "name": "deep",
        "primarycontactid": {"lastname": "First"},
        "contact_customer_accounts": [{"lastname": "One"}, {"lastname": "Two"}],
    }
    row_id = await dataverse.create("accounts", **nested)
    row = await dataverse.row(f"accounts({row_id})?$expand=primarycontactid,contact_customer_accounts")
    assert row["primarycontactid"]["lastname"] == "First"
    assert sorted(one["lastname"] for one in row["contact_customer_accounts"]) == ["One", "Two"]
    nested["name"] = "broken"
    nested["contact_customer_accounts"] = [{"lastname": "Orphan"}, {"lastname": "x" * 51}]
    assert error_of(await dataverse("POST", "accounts", nested)) == (400, "0x80044331")
    assert await count(dataverse, "broken") == 0
    assert await dataverse.filtered("lastname eq 'Orphan'", "contacts", "lastname") == []


async def test_a_deletion_takes_contacts_along_and_unlinks_the_rest(dataverse: Client) -> None:
    account = await dataverse.create("accounts", name="goes", contact_customer_accounts=[{"lastname": "Goes too"}])
    stays = await dataverse.create("contacts", lastname="Stays")
    child = await dataverse.create(
        "accounts",
        **{
            "name": "child",
            "parentaccountid@odata.bind": f"accounts({account})",
            "primarycontactid@odata.bind": f"contacts({stays})",
        },
    )
    before = (await dataverse.row(f"accounts({child})"))["versionnumber"]
    assert (await dataverse("DELETE", f"accounts({account})")).status_code == 204
    assert (await dataverse("DELETE", f"contacts({stays})")).status_code == 204
    assert await dataverse.filtered("lastname eq 'Goes too'", "contacts", "lastname") == []
    row = await dataverse.row(f"accounts({child})")
    assert (row["_parentaccountid_value"], row["_primarycontactid_value"]) == (None, None)
    assert row["versionnumber"] > before


async def test_alternate_keys_address_rows(dataverse: Client) -> None:
    number = uuid4().hex[:8]
    path = f"accounts(accountnumber='{number}')"
    assert error_of(await dataverse("PATCH", path, {"name": "x"}, If_Match="*")) == (404, "0x80060891")
    assert error_of(await dataverse("GET", path)) == (404, "0x80060891")
    created = await dataverse("PATCH", path, {"name": "by key"})
    assert created.headers["OData-EntityId"] == dataverse.root + path, "the address is echoed, not the GUID"
    row = await dataverse.row(path)
    assert (row["name"], row["accountnumber"]) == ("by key", number)
    await dataverse("PATCH", path.replace(number, number.upper()), {"name": "again", "accountnumber": "dropped"})
    assert (await dataverse.row(f"accounts({row['accountid']})"))["accountnumber"] == number
    other = uuid4().hex[:8]
    await dataverse("PATCH", f"accounts(accountnumber='{other}')", {"accountnumber": f"{other}x"})
    assert (await dataverse.row(f"accounts(accountnumber='{other}x')"))["accountnumber"] == f"{other}x"
    for method, target in (("POST", "accounts"), ("PUT", f"accounts(accountnumber='{other}x')/accountnumber")):
        body = {"accountnumber": number} if method == "POST" else {"value": number}
        answer = await dataverse(method, target, body)
        assert error_of(answer) == (412, "0x80060892")
        assert row["accountid"] in answer.json()["error"]["message"]
    assert len(await dataverse.filtered(f"accountnumber eq '{number}'")) == 1
    composite = "contacts(firstname='Joe',lastname='O''Neil')"
    assert (await dataverse("PATCH", composite, {"fax": "1"})).status_code == 204
    assert (await dataverse.row(composite))["fullname"] == "Joe O'Neil"
    assert (await dataverse("DELETE", path)).status_code == 204


@pytest.mark.parametrize("value", ["A/1", "A%1", "A&1", "A:1", "A\\1", "A?1", "A+1", "A<1", "A>1", "A*1"])
async def test_some_characters_break_addresses_by_key(dataverse: Client, value: str) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in value.encode())
    for method, body in (("GET", None), ("PATCH", {"name": "x"})):
        assert (await dataverse(method, f"accounts(accountnumber='{encoded}')", body)).status_code in (400, 404)
    assert await dataverse.filtered(f"accountnumber eq '{value}'") == []


async def test_keys_are_defined_over_the_api(dataverse: Client) -> None:
    keys = "EntityDefinitions(LogicalName='contact')/Keys"
    body = {"SchemaName": "by_email", "KeyAttributes": ["emailaddress1"]}
    assert (await dataverse("POST", keys, body)).status_code == 204
    assert {key["SchemaName"]: key["EntityKeyIndexStatus"] for key in await dataverse.rows(keys)}[
        "by_email"
    ] == "Active"
    await dataverse("PATCH", "contacts(emailaddress1='a@b.example')", {"lastname": "E"})
    assert (await dataverse.row("contacts(emailaddress1='A@B.example')"))["lastname"] == "E"
    memo = {"SchemaName": "by_text", "KeyAttributes": ["description"]}
    assert (await dataverse("POST", keys, memo)).status_code == 400


async def bulk(dataverse: Client, message: str, *targets: dict[str, Any], table: str = "account") -> Any:
    set_name = {"transactioncurrency": "transactioncurrencies"}.get(table, f"{table}s")
    body = {"Targets": [{"@odata.type": TYPE + table, **target} for target in targets]}
    return await dataverse("POST", f"{set_name}/{TYPE}{message}", body)


async def test_create_multiple_keeps_the_order_and_is_all_or_nothing(dataverse: Client) -> None:
    own = str(uuid4())
    answer = await bulk(dataverse, "CreateMultiple", {"name": "bulk 1"}, {"name": "bulk 2", "accountid": own})
    assert answer.status_code == 200
    assert answer.json()["@odata.context"].endswith("$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse")
    assert answer.json()["Ids"][1] == own
    assert (await dataverse.row(f"accounts({answer.json()['Ids'][0]})"))["name"] == "bulk 1"
    again = await bulk(dataverse, "CreateMultiple", {"name": "bulk 3"}, {"name": "bulk 4", "accountid": own})
    assert again.json()["error"]["message"] == "Cannot insert duplicate key."
    long = await bulk(dataverse, "CreateMultiple", {"name": "bulk 3"}, {"name": "x" * 161})
    assert error_of(long) == (400, "0x80044331")
    assert await count(dataverse, "bulk 3") == 0


async def test_update_multiple_needs_rows_that_exist(dataverse: Client) -> None:
    row_id, missing = await dataverse.create("accounts", name="u"), str(uuid4())
    answer = await bulk(dataverse, "UpdateMultiple", {"accountid": row_id, "name": "updated"})
    assert (answer.status_code, answer.content) == (204, b"")
    refused = await bulk(dataverse, "UpdateMultiple", {"accountid": row_id, "name": "no"}, {"accountid": missing})
    assert error_of(refused) == (404, "0x80040217")
    assert refused.json()["error"]["message"] == f"Account With Ids = {missing} Do Not Exist"
    assert (await bulk(dataverse, "UpdateMultiple", {"name": "no key"})).status_code == 400
    twice = await bulk(dataverse, "UpdateMultiple", {"accountid": row_id}, {"accountid": row_id})
    assert twice.status_code == 400
    assert (await dataverse.row(f"accounts({row_id})"))["name"] == "updated"


async def test_upsert_multiple_takes_either_kind_of_key(dataverse: Client) -> None:
    own, number = str(uuid4()), uuid4().hex[:8]
    by_key = {"@odata.id": f"accounts(accountnumber='{number}')"}
    for name in ("first", "second"):
        answer = await bulk(dataverse, "UpsertMultiple", {"accountid": own, "name": name}, {**by_key, "name": name})
        assert (answer.status_code, answer.content) == (204, b"")
        assert (await dataverse.row(f"accounts({own})"))["name"] == name
        assert (await dataverse.row(f"accounts(accountnumber='{number}')"))["name"] == name
    in_body = {"@odata.id": f"accounts(accountnumber='{number}n')", "accountnumber": f"{number}n"}
    assert error_of(await bulk(dataverse, "UpsertMultiple", in_body)) == (400, "0x80040216")
    update = {"@odata.id": f"accounts(accountnumber='{number}')", "accountnumber": number, "name": "third"}
    assert (await bulk(dataverse, "UpsertMultiple", update)).status_code == 204


BULK = ["CreateMultiple", "UpdateMultiple", "UpsertMultiple"]


@pytest.mark.parametrize("message", BULK)
async def test_a_refused_target_takes_back_all_of_its_bulk_message(dataverse: Client, message: str) -> None:
    kept = [{"accountid": await dataverse.create("accounts", name="as it was")} for _ in range(3)]
    targets = [{} if message == "CreateMultiple" else one for one in kept]
    link = (await dataverse("GET", "accounts?$select=name", prefer="odata.track-changes")).json()["@odata.deltaLink"]
    good = [{**one, "name": "all or nothing"} for one in targets[:2]]
    refused = await bulk(dataverse, message, *good, {**targets[2], "name": "x" * 161})
    assert error_of(refused) == (400, "0x80044331")
    assert await dataverse.rows(link) == []
    accepted = await bulk(dataverse, message, *good)
    assert accepted.is_success
    assert [row["name"] for row in await dataverse.rows(link)] == ["all or nothing"] * 2


@pytest.mark.parametrize("message", BULK)
async def test_a_record_stands_once_among_the_targets(dataverse: Client, message: str) -> None:
    row = {"accountid": str(uuid4()), "name": f"twice {uuid4()}"}
    if message == "UpdateMultiple":
        await dataverse.create("accounts", **row)
    refused = await bulk(dataverse, message, row, row | {"accountid": row["accountid"].upper()})
    assert error_of(refused)[0] == (412 if message == "CreateMultiple" else 400)
    key = {"@odata.id": f"accounts(accountnumber='{uuid4().hex[:8]}')"}
    assert (await bulk(dataverse, "UpsertMultiple", key, key)).status_code == 400
    assert await count(dataverse, row["name"]) == (message == "UpdateMultiple")


@pytest.mark.parametrize("message", BULK)
async def test_bulk_messages_are_refused_where_the_service_refuses_them(dataverse: Client, message: str) -> None:
    target = {"accountid": await dataverse.create("accounts", name="x"), "name": "y"}
    for kind in ({}, {"@odata.type": f"{TYPE}contact"}, {"@odata.type": "account"}):
        answer = await dataverse("POST", f"accounts/{TYPE}{message}", {"Targets": [{**target, **kind}]})
        assert error_of(answer) == (400, "0x80048d19")
    for table in ("systemuser", "transactioncurrency"):
        assert error_of(await bulk(dataverse, message, {"lastname": "x"}, table=table)) == (400, "0x80040800")


async def test_multiple_deletion_is_not_there(dataverse: Client) -> None:
    deletion = await bulk(dataverse, "DeleteMultiple", {"accountid": str(uuid4())})
    assert deletion.json()["error"]["message"] == "DeleteMultiple has not yet been implemented."


async def test_users_of_the_platform_cannot_be_changed(dataverse: Client) -> None:
    system = (await dataverse.rows("systemusers?$filter=fullname eq 'SYSTEM'"))[0]["systemuserid"]
    assert error_of(await dataverse("PATCH", f"systemusers({system})", {"nickname": "x"})) == (400, "0x80041d33")
    unit = (await dataverse.row("WhoAmI"))["BusinessUnitId"]
    user = await dataverse.create(
        "systemusers",
        **{
            "firstname": "Ida",
            "lastname": "Ibsen",
            "domainname": "ida@contoso.example",
            "internalemailaddress": "ida@contoso.example",
            "issyncwithdirectory": True,
            "businessunitid@odata.bind": f"/businessunits({unit})",
        },
    )
    address = f"systemusers({user})"
    assert error_of(await dataverse("PATCH", address, {"islicensed": True})) == (400, "0x80041d4c")
    assert (await dataverse("PATCH", address, {"isdisabled": True})).status_code == 204
    row = await dataverse.row(address)
    assert (row["fullname"], row["isdisabled"], row["ownerid"]) == ("Ida Ibsen", True, user)
    cleared = await dataverse("PATCH", address, {"domainname": None})
    assert error_of(cleared) == (400, "0x80040203")
