"""The main job on the whole stack, seen through standard clients only."""

from __future__ import annotations

import asyncio

import pytest

from tests.e2e.people import Everything


def job(answer: dict, direction: str) -> dict:
    """The job of one direction in a request's answer."""
    return next(item for item in answer["jobs"] if item["direction"] == direction)


async def test_an_account_becomes_a_customer_and_stays_in_step(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    account = await everything.create_account(
        name="O'Brien & Sons",
        telephone1="0431 100",
        emailaddress1="info@obrien.example",
        address1_line1="Quay 1",
        address1_city="Kiel",
        address1_postalcode="24103",
        address1_country="DE",
        paymenttermscode=1,
    )
    first = await everything.synchronize("CUSTOMER")
    assert job(first, "FromIntegrationTable")["inserted"] == 1
    (customer,) = await everything.customers()
    assert customer["displayName"] == "O'Brien & Sons"
    assert (customer["phoneNumber"], customer["email"]) == ("0431 100", "info@obrien.example")
    assert (customer["addressLine1"], customer["city"], customer["country"]) == ("Quay 1", "Kiel", "DE")

    await everything.edit_customer(customer, phoneNumber="0431 555")
    second = await everything.synchronize("CUSTOMER")
    assert job(second, "ToIntegrationTable")["modified"] == 1
    assert (await everything.account(account))["telephone1"] == "0431 555"

    before = await everything.writes()
    third = await everything.synchronize("CUSTOMER")
    assert await everything.writes() == before
    assert third["status"] == "succeeded"


async def test_the_timer_runs_what_is_due(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    await everything.create_account(name="Timely")
    await everything.app.patch("/mappings/CUSTOMER", json={"interval_minutes": 1})
    for _ in range(100):
        fired = await everything.host.post("/admin/functions/enqueue_due_jobs", json={"input": ""})
        assert fired.status_code == 202
        if await everything.customers():
            return
        await asyncio.sleep(1)
    pytest.fail("the timer never ran the mapping")


async def test_a_record_that_one_side_refuses_costs_only_itself(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    for name, country in (("Good", "DE"), ("Bad", "QQ"), ("Fine", "")):
        await everything.create_account(name=name, address1_country=country)
    answer = await everything.synchronize("CUSTOMER")
    assert {customer["displayName"] for customer in await everything.customers()} == {"Good", "Fine"}
    counters = job(answer, "FromIntegrationTable")
    assert (counters["inserted"], counters["failed"]) == (2, 1)
    (error,) = (await everything.app.get("/errors", params={"mapping": "CUSTOMER"})).json()["errors"]
    assert error["title"] == "Bad"
    assert error["service_code"] == "Internal_InvalidTableRelation"
    assert "QQ" in error["message"]
    detail = (await everything.app.get(f"/jobs/{counters['id']}")).json()
    assert [item["record_id"] for item in detail["errors"]] == [error["record_id"]]


async def test_a_conflict_is_shown_with_both_values_and_nothing_is_written(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    account = await everything.create_account(name="Fabrikam", telephone1="1")
    await everything.synchronize("CUSTOMER")
    (customer,) = await everything.customers()
    await everything.edit_customer(customer, phoneNumber="2")
    await everything.dataverse.patch(f"/accounts({account})", json={"telephone1": "3"})
    await everything.synchronize("CUSTOMER")
    (error,) = (await everything.app.get("/errors")).json()["errors"]
    assert error["reason"] == "update_conflict"
    assert error["fields"] == [{"field": "phoneNumber", "business_central": "2", "dataverse": "3"}]
    assert (await everything.account(account))["telephone1"] == "3"
    assert (await everything.customers())[0]["phoneNumber"] == "2"


@pytest.mark.parametrize("side", ["dataverse", "business_central"])
async def test_a_throttled_or_failing_service_loses_nothing(everything: Everything, side: str) -> None:
    await everything.fresh("CUSTOMER")
    for index in range(5):
        await everything.create_account(name=f"Account {index}")
    # What was in doubt is looked up by the next run.
    faults = [
        {"method": "GET", "route": ".*", "times": 2, "status": 429, "headers": {"Retry-After": "1"}},
        {"method": "POST", "route": ".*batch.*", "times": 1, "status": 503},
    ]
    (await everything.controls[side].post("/faults", json={"refuse": faults})).raise_for_status()
    for _ in range(2):
        await everything.synchronize("CUSTOMER")
    assert len(await everything.customers()) == 5


@pytest.mark.parametrize("answer", [{}, {"status": 503}, {"status": 504}], ids=["cut", "503", "504"])
async def test_a_create_whose_answer_is_lost_is_not_done_twice(everything: Everything, answer: dict) -> None:
    await everything.fresh("CUSTOMER")
    await everything.create_account(name="Once only")
    fault = {"method": "POST", "route": ".*batch.*", "times": 1, "after_commit": True, **answer}
    (await everything.controls["business_central"].post("/faults", json={"refuse": [fault]})).raise_for_status()
    for _ in range(2):
        await everything.synchronize("CUSTOMER")
    assert len(await everything.customers()) == 1
    before = await everything.writes()
    await everything.synchronize("CUSTOMER")
    assert await everything.writes() == before


async def test_parents_come_before_their_children(everything: Everything) -> None:
    await everything.fresh("CUSTOMER", "CONTACT", "CURRENCY", "VENDOR", "SALESPEOPLE")
    account = await everything.create_account(name="Fabrikam")
    contact = {"firstname": "Anna", "lastname": "Berg", "parentcustomerid_account@odata.bind": f"/accounts({account})"}
    assert (await everything.dataverse.post("/contacts", json=contact)).status_code == 204
    answer = await everything.synchronize()
    assert [item["mapping"] for item in answer["jobs"]][-1] == "CONTACT"
    rows = (await everything.business_central.get("/contacts", params={"$filter": "type eq 'Person'"})).json()["value"]
    assert [(row["displayName"], row["companyName"]) for row in rows] == [("Anna Berg", "Fabrikam")]


async def test_health_names_who_lacks_what(everything: Everything) -> None:
    await everything.fresh("CUSTOMER")
    healthy = await everything.app.get("/health")
    assert (healthy.status_code, healthy.json()["status"]) == (200, "ok")
    fault = {"method": "GET", "route": ".*accounts.*", "times": 50, "status": 403}
    body = {"error": {"code": "0x80040220", "message": "Principal user is missing prvReadAccount privilege"}}
    (
        await everything.controls["dataverse"].post("/faults", json={"refuse": [fault | {"body": body}]})
    ).raise_for_status()
    ill = await everything.app.get("/health")
    assert ill.status_code == 503
    wrong = [check for check in ill.json()["checks"] if not check["ok"]]
    assert wrong
    assert all(check["fix"] for check in wrong)
    answer = await everything.synchronize("CUSTOMER")
    assert answer["status"] == "failed"
    assert "prvReadAccount" in job(answer, "FromIntegrationTable")["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/mappings/NOPE", None, 404, "unknown_mapping"),
        ("POST", "/mappings/NOPE/synchronize", None, 404, "unknown_mapping"),
        ("PATCH", "/mappings/NOPE", {}, 404, "unknown_mapping"),
        ("PATCH", "/mappings/CUSTOMER", {"colour": "blue"}, 400, "unknown_member"),
        ("PATCH", "/mappings/CUSTOMER", {"enabled": "perhaps"}, 400, "invalid_value"),
        ("PATCH", "/mappings/CUSTOMER", {"enabled": None}, 400, "invalid_value"),
        ("PATCH", "/mappings/CUSTOMER", {"dataverse_filter": "statecode eq"}, 400, "invalid_filter"),
        ("PATCH", "/mappings/CUSTOMER", {"dataverse_filter": "colour eq 1"}, 400, "unknown_column"),
        (
            "PATCH",
            "/mappings/SALESPEOPLE",
            {"direction": "ToIntegrationTable", "enabled": True},
            400,
            "no_field_mapping",
        ),
        ("GET", "/jobs/nope", None, 404, "unknown_job"),
        ("GET", "/jobs?limit=many", None, 400, "invalid_value"),
        ("GET", "/jobs?status=odd", None, 400, "invalid_value"),
    ],
)
async def test_bad_input_is_answered_with_problem_details(
    everything: Everything, method: str, path: str, body: object, status: int, code: str
) -> None:
    answer = await everything.app.request(method, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")


async def test_a_mapping_changed_by_somebody_else_meanwhile_is_not_overwritten(everything: Everything) -> None:
    read = await everything.app.get("/mappings/VENDOR")
    await everything.app.patch("/mappings/VENDOR", json={"interval_minutes": 7})
    late = await everything.app.patch(
        "/mappings/VENDOR", json={"interval_minutes": 9}, headers={"If-Match": read.headers["ETag"]}
    )
    assert (late.status_code, late.json()["code"]) == (412, "mapping_changed")
    assert (await everything.app.get("/mappings/VENDOR")).json()["interval_minutes"] == 7
