"""Who may call the Dataverse simulator, how it protects itself, and what its control plane does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.contract.dataverse_simulator_client import Client, error_of, multipart, operation, parts_of, simulator

APPLICATION = "00000000-0000-0000-0000-0000000000c1"


@pytest.fixture
async def dataverse() -> AsyncIterator[Client]:
    async with simulator() as client:
        yield client


async def token(dataverse: Client, client_id: str, secret: str) -> str:
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": "x/.default"}
    answer = await dataverse.http.post(f"{dataverse.url}/tenant/oauth2/v2.0/token", data=form)
    return str(answer.json()["access_token"])


async def test_callers_need_a_token_and_an_application_user(dataverse: Client) -> None:
    answer = await dataverse.http.get(f"{dataverse.root}WhoAmI")
    assert answer.status_code == 401
    assert "authorization_uri" in answer.headers["WWW-Authenticate"]
    assert (await dataverse("GET", "WhoAmI", token="wrong")).status_code == 401
    issued = await token(dataverse, APPLICATION, "local-secret")
    assert (await dataverse("GET", "WhoAmI", token=issued)).status_code == 200
    await dataverse.control("settings", expire_tokens=True)
    assert (await dataverse("GET", "WhoAmI", token=issued)).status_code == 401
    clients = {"c2": {"secret": "s", "user": "Reporting"}, "c3": {"secret": "s", "user": None}}
    await dataverse.control("settings", clients=clients)
    stranger = await token(dataverse, "c3", "s")
    assert error_of(await dataverse("GET", "WhoAmI", token=stranger)) == (403, "0x80072560")
    reporting = (await dataverse("GET", "WhoAmI", token=await token(dataverse, "c2", "s"))).json()["UserId"]
    assert (await dataverse.row(f"systemusers({reporting})"))["fullname"] == "Reporting"


async def test_a_disabled_user_is_turned_away_and_a_renamed_one_is_not(dataverse: Client) -> None:
    user = f"systemusers({(await dataverse.row('WhoAmI'))['UserId']})"
    assert (await dataverse("PATCH", user, {"lastname": "Renamed"})).status_code == 204
    assert (await dataverse("PATCH", user, {"isdisabled": True})).status_code == 204
    assert error_of(await dataverse("GET", "WhoAmI")) == (403, "0x80040225")


async def test_rights_can_be_taken(dataverse: Client) -> None:
    row_id = await dataverse.create("accounts", name="a")
    await dataverse.control("settings", privileges={"Synchronization": {"account": ["read"]}})
    assert (await dataverse("GET", f"accounts({row_id})")).status_code == 200
    for method, path in (
        ("POST", "accounts"),
        ("PATCH", f"accounts({row_id})"),
        ("DELETE", f"accounts({row_id})"),
        ("GET", "contacts"),
    ):
        answer = await dataverse(method, path, {"name": "x"} if method in ("POST", "PATCH") else None)
        assert error_of(answer) == (403, "0x80040220")
        assert "is missing prv" in answer.json()["error"]["message"]


async def test_a_caller_may_act_for_another_user(dataverse: Client) -> None:
    ada = (await dataverse.rows("systemusers?$filter=fullname eq 'Ada Admin'"))[0]
    for header in ({"MSCRMCallerID": ada["systemuserid"]}, {"CallerObjectId": ada["azureactivedirectoryobjectid"]}):
        answer = await dataverse("POST", "accounts", {"name": "for Ada"}, prefer="return=representation", **header)
        row = answer.json()
        assert row["_createdby_value"] == row["_ownerid_value"] == ada["systemuserid"]
        assert row["_createdonbehalfby_value"] == (await dataverse.row("WhoAmI"))["UserId"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"requests": 3}, "0x80072322"),
        ({"execution_ms": 1}, "0x80072321"),
        ({"concurrent": 0}, "0x80072326"),
    ],
)
async def test_each_limit_has_its_code_and_a_number_of_seconds(dataverse: Client, limits: Any, code: str) -> None:
    await dataverse.control("faults", latency_ms=0, limits=limits)
    answers = [await dataverse("GET", "accounts?$top=1") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert error_of(refused[0]) == (429, code)
    assert 1 <= int(refused[0].headers["Retry-After"]) <= 300
    await dataverse.http.delete(f"{dataverse.url}/_simulator/faults")
    assert (await dataverse("GET", "accounts?$top=1")).status_code == 200


async def test_concurrent_requests_over_the_limit_are_refused_at_once(dataverse: Client) -> None:
    slow = {"operation_latency_ms": 100, "limits": {"concurrent": 2}}
    await dataverse.control("faults", **slow)
    body, content_type = multipart([operation("GET", "/api/data/v9.2/accounts?$top=1")])
    calls = [dataverse("POST", "$batch", body, Content_Type=content_type) for _ in range(5)]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*calls))
    assert statuses == [200, 200, 429, 429, 429]


async def test_limits_are_kept_per_server_and_cookies_stick_to_one(dataverse: Client) -> None:
    await dataverse.control("settings", servers=2, dop_hint=7)
    await dataverse.control("faults", limits={"requests": 2})
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {dataverse.token}"}) as keeping:
        kept = [(await keeping.get(f"{dataverse.root}WhoAmI")).status_code for _ in range(4)]
    assert kept[2:] == [429, 429]
    dataverse.http.cookies.clear()
    answer = None
    for _ in range(2):
        dataverse.http.cookies.clear()
        answer = await dataverse("GET", "WhoAmI")
        if answer.status_code == 200:
            break
    assert answer is not None
    assert (answer.status_code, answer.headers["x-ms-dop-hint"]) == (200, "7")
    assert "x-ms-ratelimit-burst-remaining-xrm-requests" in answer.headers


async def test_a_lost_answer_has_still_done_its_work(dataverse: Client) -> None:
    await dataverse.control("faults", refuse=[{"method": "POST", "route": "accounts", "after_commit": True}])
    with pytest.raises(httpx.TransportError):
        await dataverse("POST", "accounts", {"name": "lost"})
    assert await dataverse.filtered("name eq 'lost'") == ["lost"]
    await dataverse.control("faults", refuse=[{"method": "POST", "route": "accounts", "cut": True}])
    with pytest.raises(httpx.TransportError):
        await dataverse("POST", "accounts", {"name": "never"})
    assert await dataverse.filtered("name eq 'never'") == []


async def test_operations_inside_a_batch_can_fail_too(dataverse: Client) -> None:
    error = {"error": {"code": "0x80044150", "message": "Generic SQL error."}}
    fault = {"method": "POST", "route": "accounts", "operations": True, "status": 500, "body": error}
    await dataverse.control("faults", refuse=[fault])
    one = operation("POST", "/api/data/v9.2/accounts", {"name": "x"})
    body, content_type = multipart([one, one])
    answer = await dataverse("POST", "$batch", body, prefer="odata.continue-on-error", Content_Type=content_type)
    assert [part.status_code for part in parts_of(answer)] == [500, 204]


async def test_statistics_count_requests_operations_and_records(dataverse: Client) -> None:
    await dataverse.create("accounts", name="one")
    one = operation("POST", "/api/data/v9.2/accounts", {"name": "x"})
    too_long = operation("POST", "/api/data/v9.2/accounts", {"name": "x" * 200})
    body, content_type = multipart([[one, one], [one, too_long]])
    await dataverse("POST", "$batch", body, prefer="odata.continue-on-error", Content_Type=content_type)
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "y"}] * 4
    await dataverse("POST", "accounts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": targets})
    await dataverse("GET", "accounts(accountid=00000000-0000-0000-0000-000000000001)")
    await dataverse.control("edit", changes=[{"table": "account", "operation": "create", "values": {"name": "p"}}])
    seen = await dataverse.statistics()
    assert seen["requests"] == 4
    assert seen["by_route"] == {
        "POST accounts": 1,
        "POST $batch": 1,
        "POST accounts/CreateMultiple": 1,
        "GET accounts(id)": 1,
    }
    assert seen["operations_by_route"] == {"POST accounts": 4, "POST accounts/CreateMultiple": 4}
    assert seen["writes"] == 1 + 2 + 4, "a change set that failed has written nothing; a person is not counted"
    assert seen["refusals"] == {"400": 1, "404": 1}


async def test_every_row_written_counts_towards_the_stated_time(dataverse: Client) -> None:
    await dataverse.control("faults", operation_latency_ms=1, page_latency_ms=100)
    targets = [{"@odata.type": "Microsoft.Dynamics.CRM.account", "name": "y"}] * 4
    bulk = "accounts/Microsoft.Dynamics.CRM.CreateMultiple"
    one, all_of_them = "/api/data/v9.2/accounts", {"Targets": targets}
    batch, content_type = multipart(
        [operation("GET", one), [operation("POST", one, {}), operation("POST", f"/api/data/v9.2/{bulk}", all_of_them)]]
    )

    async def stated(*call: Any, **headers: str) -> Any:
        await dataverse.http.delete(f"{dataverse.url}/_simulator/stats")
        assert (await dataverse(*call, **headers)).is_success
        return (await dataverse.statistics())["stated_ms"]

    assert await stated("POST", "accounts", {}) == 1
    assert await stated("POST", bulk, all_of_them) == 4
    assert await stated("GET", "accounts") == 100
    assert await stated("GET", "WhoAmI") == 0
    assert await stated("POST", "$batch", batch, Content_Type=content_type) == 106
    seen = await dataverse.statistics()
    assert (seen["pages"], seen["rows_read"], seen["writes"], seen["operations"]) == (1, 5, 5, 3)


async def test_seeds_are_the_same_every_time_and_can_be_added_to(dataverse: Client) -> None:
    body = {
        "seed": 7,
        "tables": {"systemuser": 3, "transactioncurrency": 2, "account": 40, "contact": 80},
        "values": {"account": {"customertypecode": 3, "statecode": 1}},
    }
    made = await dataverse.control("seed", **body)
    assert made["created"] == {"systemuser": 3, "transactioncurrency": 2, "account": 40, "contact": 80}
    rows = await dataverse.rows("accounts?$orderby=name")
    assert {(row["customertypecode"], row["statecode"], row["statuscode"]) for row in rows} == {(3, 1, 2)}
    assert all(row["name"] and row["address1_city"] and row["_ownerid_value"] for row in rows)
    contacts = await dataverse.rows("contacts?$expand=parentcustomerid_account($select=name)")
    assert sum(1 for row in contacts if row["parentcustomerid_account"]) == 70
    assert all(row["fullname"] == f"{row['firstname']} {row['lastname']}" for row in contacts)
    again = await dataverse.http.post(f"{dataverse.url}/_simulator/seed", json=body)
    assert again.status_code == 400
    await dataverse.control("seed", seed=8, tables={"account": 5})
    async with simulator() as other:
        await other.control("seed", **body)
        assert await other.filtered("customertypecode eq 3") == [
            row["name"] for row in sorted(rows, key=lambda row: row["name"])
        ]


async def test_explicit_rows_are_stored_in_order_as_a_person(dataverse: Client) -> None:
    company, currency = "11111111-2222-3333-4444-555555555555", "99999999-2222-3333-4444-555555555555"
    code = {
        "isocurrencycode": "DKK",
        "currencyname": "Krone",
        "currencysymbol": "kr",
        "currencyprecision": 2,
        "exchangerate": 7.46,
    }
    made = await dataverse.control(
        "seed",
        user="Ada Admin",
        modifiedon="2024-05-01T10:00:00Z",
        rows={
            "transactioncurrency": [{"transactioncurrencyid": currency, **code}],
            "account": [
                {
                    "accountid": company,
                    "name": "Own",
                    "transactioncurrencyid@odata.bind": f"transactioncurrencies({currency})",
                }
            ],
            "contact": [
                {
                    "lastname": "Own",
                    "modifiedon": "2024-06-01T10:00:00Z",
                    "parentcustomerid_account@odata.bind": f"accounts({company})",
                }
            ],
        },
    )
    assert made["created"] == {"transactioncurrency": 1, "account": 1, "contact": 1}
    row = await dataverse.row(f"accounts({company})?$expand=modifiedby($select=fullname)")
    assert (row["modifiedon"], row["modifiedby"]["fullname"]) == ("2024-05-01T10:00:00Z", "Ada Admin")
    assert (await dataverse.rows("contacts"))[0]["modifiedon"] == "2024-06-01T10:00:00Z"


async def test_a_person_edits_rows(dataverse: Client) -> None:
    row_id = await dataverse.create("accounts", name="a")
    done = await dataverse.control(
        "edit",
        user="Ada Admin",
        changes=[
            {"table": "account", "id": row_id, "values": {"name": "by Ada"}},
            {"set": "contacts", "operation": "create", "values": {"lastname": "New"}},
        ],
    )
    row = await dataverse.row(f"accounts({row_id})?$expand=modifiedby,createdby")
    assert (row["name"], row["modifiedby"]["fullname"], row["createdby"]["fullname"]) == (
        "by Ada",
        "Ada Admin",
        "Synchronization",
    )
    await dataverse.control("edit", changes=[{"table": "contact", "id": done["ids"][1], "operation": "delete"}])
    assert await dataverse.rows("contacts") == []


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("seed", {"tables": {"nothing": 1}}, "tables.nothing"),
        ("seed", {"tables": {"team": 1}}, "tables.team"),
        ("seed", {"tables": {"account": -1}}, "tables.account"),
        ("seed", {"table": {}}, "table"),
        ("seed", {"values": {"account": {"nothing": 1}}}, "values.account"),
        ("seed", {"rows": {"account": [{"name": "ok"}, {"name": "x" * 161}]}}, "rows.account[1]"),
        ("seed", {"user": "Nobody"}, "user"),
        ("edit", {"changes": [{"table": "account", "operation": "create"}, {"table": "account"}]}, "changes[1].id"),
        ("edit", {"changes": [{"table": "account", "operation": "merge", "id": APPLICATION}]}, "changes[0].operation"),
        ("settings", {"nothing": 1}, "nothing"),
        ("settings", {"dop_hint": 0}, "dop_hint"),
        ("settings", {"privileges": {"x": {"account": ["fly"]}}}, "privileges.x.account"),
        ("settings", {"dop_hint": 9, "keys": {"nothing": []}}, "keys.nothing"),
    ],
)
async def test_a_wrong_control_body_names_the_field_and_does_nothing(
    dataverse: Client, what: str, body: dict[str, Any], field: str
) -> None:
    answer = await dataverse.http.post(f"{dataverse.url}/_simulator/{what}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith(f"{field}:")
    assert await dataverse.rows("accounts") == []
    assert (await dataverse("GET", "WhoAmI")).headers["x-ms-dop-hint"] == "4"


async def test_a_reset_leaves_a_fresh_organization(dataverse: Client) -> None:
    await dataverse.control("seed", tables={"systemuser": 2, "account": 3})
    link = (await dataverse("GET", "accounts", prefer="odata.track-changes")).json()["@odata.deltaLink"]
    assert (await dataverse.http.post(f"{dataverse.url}/_simulator/reset")).status_code == 204
    assert await dataverse.rows("accounts") == []
    assert [row["isocurrencycode"] for row in await dataverse.rows("transactioncurrencies")] == ["EUR"]
    users = {row["fullname"] for row in await dataverse.rows("systemusers")}
    assert users == {"SYSTEM", "INTEGRATION", "Ada Admin", "Synchronization"}
    assert error_of(await dataverse("GET", link))[1] == "0x80044352"


async def test_a_database_file_is_taken_up_again(tmp_path: Path) -> None:
    file = tmp_path / "organization.sqlite"
    async with simulator(database=file, base_currency="USD") as first:
        row_id = await first.create("accounts", name="kept")
        before = (await first.row(f"accounts({row_id})"))["versionnumber"]
        await first("DELETE", f"accounts({await first.create('accounts', name='gone')})")
        link = (await first("GET", "accounts?$select=name", prefer="odata.track-changes")).json()["@odata.deltaLink"]
    async with simulator(database=file) as second:
        assert (await second.row(f"accounts({row_id})"))["name"] == "kept"
        await second("PATCH", f"accounts({row_id})", {"name": "changed"})
        assert (await second.row(f"accounts({row_id})"))["versionnumber"] > before
        changes = await second.rows("accounts?" + link.partition("?")[2])
        assert [row["name"] for row in changes] == ["changed"]
        assert [row["isocurrencycode"] for row in await second.rows("transactioncurrencies")] == ["USD"]


async def test_choice_defaults_can_be_off(dataverse: Client) -> None:
    await dataverse.control("settings", choice_defaults=False)
    row = await dataverse.row(f"accounts({await dataverse.create('accounts', name='plain')})")
    assert (row["territorycode"], row["donotemail"], row["statecode"]) == (None, False, 0)
