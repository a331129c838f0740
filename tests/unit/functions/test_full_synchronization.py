"""Full synchronization over HTTP: the review, what it answers while it is on, and what it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.core.sides import Side
from shared.services.context import Policy
from shared.services.requests import enqueue_due
from shared.services.run_slice import run_slice
from tests.unit.functions.api import Answered, Api
from tests.world import ACCOUNT, CUSTOMERS, World

CUSTOMER = {"mapping": "customer"}
FULL = {"do": "full_synchronization"}


@pytest.fixture
async def api() -> Api:
    """Two customers, one account that is the same as one of them; only customers are synchronized."""
    api = Api()
    for stored in await api.world.services.mappings.all():
        await api.world.change(stored.mapping.name, enabled=stored.mapping.name == "CUSTOMER")
    for number in range(2):
        api.world.customer(displayName=f"Customer {number}", email=f"{number}@contoso.com")
    api.world.account(name="Customer 1", emailaddress1="1@contoso.com", telephone1="5")
    return api


def line(answered: Answered, mapping: str = "CUSTOMER") -> dict[str, Any]:
    return next(one for one in answered.json["lines"] if one["mapping"] == mapping)


async def test_the_review_shows_all_mappings_parents_first_with_a_recommendation(api: Api) -> None:
    found = await api.call("review_full_synchronization")
    assert (found.status, found.json["under_way"]) == (200, False)
    names = [one["mapping"] for one in found.json["lines"]]
    assert names.index("CURRENCY") < names.index("CUSTOMER") < names.index("CONTACT")
    shown = line(found)
    assert shown["recommendation"] == "couple_records"
    assert shown["counted"] == {
        "business_central": {"records": 2, "uncoupled": 2, "complete": True},
        "dataverse": {"records": 1, "uncoupled": 1, "complete": True},
    }
    assert (shown["status"], shown["question"], shown["jobs"]) == ("not_started", "not_asked", [])
    vendor = line(found, "VENDOR")
    assert (vendor["enabled"], vendor["recommendation"], vendor["counted"]) == (False, None, {})


async def test_from_the_recommendation_to_the_answer_of_the_closing_question(api: Api) -> None:
    started = await api.call("start_full_synchronization", body={})
    assert (started.status, started.headers["retry-after"]) == (202, "2")
    assert started.headers["location"].endswith("/api/full-synchronization")
    assert (await api.call("review_full_synchronization")).status == 202
    await api.world.work_off()
    coupled = await api.call("review_full_synchronization")
    assert (coupled.status, line(coupled)["does"], line(coupled)["coupled"]) == (200, "couple_records", 1)
    assert line(coupled)["recommendation"] == "full_synchronization"
    again = await api.call("restart_full_synchronization_line", CUSTOMER, body={})
    assert again.headers["location"].endswith("/api/full-synchronization/CUSTOMER")
    await api.world.work_off()
    done = await api.call("get_full_synchronization", CUSTOMER)
    assert (done.status, done.json["status"], done.json["question"]) == (200, "finished", "open")
    to, back = done.json["jobs"]
    assert (to["direction"], to["inserted"], to["done"]) == ("ToIntegrationTable", 1, 2)
    assert (back["direction"], back["modified"], back["done"]) == ("FromIntegrationTable", 1, 1)
    assert len(api.world.dataverse.rows(ACCOUNT)) == 2
    answered = await api.call("answer_full_synchronization", CUSTOMER, body={"synch_only_coupled_records": False})
    assert (answered.status, answered.json["question"]) == (200, "answered")
    assert (await api.call("get_mapping", CUSTOMER)).json["synch_only_coupled_records"] is False


async def test_a_line_is_left_out_and_taken_in_again(api: Api) -> None:
    left_out = await api.call("exclude_from_full_synchronization", CUSTOMER, body={})
    assert (left_out.json["excluded"], left_out.json["recommendation"]) == (True, None)
    await api.call("start_full_synchronization", body={})
    assert line(await api.call("review_full_synchronization"))["status"] == "not_started"
    taken = await api.call("exclude_from_full_synchronization", CUSTOMER, body={"excluded": False})
    assert taken.json["excluded"] is False


async def test_one_mapping_beside_the_review_is_a_request_with_its_jobs(api: Api) -> None:
    asked = await api.call("synchronize_mapping_in_full", CUSTOMER, body={})
    assert (asked.status, [job["status"] for job in asked.json["jobs"]]) == (202, ["queued", "queued"])
    assert asked.headers["location"].endswith(f"/api/jobs/{asked.json['id']}")
    await enqueue_due(api.world.services)
    await api.world.work_off()
    assert (await api.call("get_job", {"id": asked.json["id"]})).json["status"] == "succeeded"


@pytest.mark.parametrize(
    ("operation", "path", "body", "status", "code"),
    [
        ("start_full_synchronization", {}, {"mappings": ["NOBODY"]}, 404, "unknown_mapping"),
        ("start_full_synchronization", {}, {"mappings": ["VENDOR"]}, 409, "mapping_disabled"),
        ("start_full_synchronization", {}, {"do": "nothing"}, 400, "invalid_value"),
        ("start_full_synchronization_line", CUSTOMER, {"unconditional": True}, 409, "direction_forbids"),
        ("synchronize_mapping_in_full", CUSTOMER, {"unconditional": True}, 409, "direction_forbids"),
        ("restart_full_synchronization_line", CUSTOMER, {}, 409, "nothing_to_restart"),
        ("exclude_from_full_synchronization", {"mapping": "NOBODY"}, {}, 404, "unknown_mapping"),
        (
            "answer_full_synchronization",
            CUSTOMER,
            {"synch_only_coupled_records": True},
            409,
            "no_open_question",
        ),
        ("answer_full_synchronization", CUSTOMER, {}, 400, "invalid_value"),
    ],
)
async def test_what_is_refused(
    api: Api, operation: str, path: dict[str, str], body: dict[str, Any], status: int, code: str
) -> None:
    refused = await api.call(operation, path, body=body)
    assert (refused.status, refused.code) == (status, code)


async def test_what_was_overwritten_is_in_the_log_of_the_record_with_both_values(api: Api) -> None:
    world = api.world
    customer = next(iter(world.business_central.rows(CUSTOMERS)))
    await api.call("start_full_synchronization_line", CUSTOMER, body=FULL)
    await world.work_off()
    coupling = (await world.services.couplings("CUSTOMER").find(Side.BUSINESS_CENTRAL, [customer]))[customer]
    world.business_central.edit(CUSTOMERS, customer, {"phoneNumber": "here"})
    world.dataverse.edit(ACCOUNT, coupling.dataverse.id, {"telephone1": "there"})
    await api.call("restart_full_synchronization_line", CUSTOMER, body=FULL)
    await world.work_off()
    touches = (await api.call("record_log", query=f"mapping=CUSTOMER&business_central_id={customer}")).json["touches"]
    assert touches[0]["rule"] == "overwritten"
    assert touches[0]["changes"] == [{"side": "dataverse", "column": "telephone1", "old": "there", "new": "here"}]


async def test_it_shows_how_far_it_has_come() -> None:
    api = Api(World(policy=Policy(page_size=2, slice_time=timedelta(0))))
    await api.world.change("CURRENCY", enabled=False)
    await api.world.change("SALESPEOPLE", enabled=False)
    for number in range(4):
        api.world.customer(displayName=f"Customer {number}")
    await api.call("start_full_synchronization_line", CUSTOMER, body=FULL)
    seen = []
    while (delivery := api.world.queue.receive()) is not None:
        await run_slice(api.world.services, delivery.message.body)
        api.world.queue.complete(delivery)
        found = await api.call("get_full_synchronization", CUSTOMER)
        seen.append((found.status, found.json["jobs"][0]["done"], found.json["pages"]))
    assert seen[0] == (202, 2, 1)
    assert seen[-1][:2] == (200, 4)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


async def test_a_second_one_is_refused_while_the_first_is_on(api: Api) -> None:
    await api.call("start_full_synchronization_line", CUSTOMER, body=FULL)
    refused = await api.call("start_full_synchronization", body={"mappings": ["CUSTOMER"]})
    assert (refused.status, refused.code) == (409, "full_synchronization_running")
