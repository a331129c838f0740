"""Schedules, pauses and held records over HTTP."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.functions.api import Api

CUSTOMER = {"mapping": "CUSTOMER"}


@pytest.fixture
async def api() -> Api:
    api = Api()
    await api.world.open_all()
    api.world.customer(number="C1", displayName="Adatum")
    await api.world.synchronize()
    return api


async def test_the_schedule_tells_when_each_mapping_runs(api: Api) -> None:
    lines = (await api.call("schedule")).json["mappings"]
    assert [line["mapping"] for line in lines] == ["CONTACT", "CURRENCY", "CUSTOMER", "SALESPEOPLE", "VENDOR"]
    assert {line["status"] for line in lines} == {"ready"}
    assert lines[2]["why"] == "It runs next at 2026-01-05 08:01 UTC."
    assert (lines[2]["interval_minutes"], lines[2]["inactivity_timeout_minutes"]) == (1, 720)


async def test_the_schedule_pages_and_filters(api: Api) -> None:
    await api.call("pause_mapping", {"mapping": "vendor"}, body={})
    first = (await api.call("schedule", query="limit=2&status=ready")).json
    second = (await api.call("schedule", query=f"limit=2&status=ready&continuation={first['continuation']}")).json
    assert [line["mapping"] for line in first["mappings"]] == ["CONTACT", "CURRENCY"]
    assert [line["mapping"] for line in second["mappings"]] == ["CUSTOMER", "SALESPEOPLE"]
    assert second["continuation"] is None
    (paused,) = (await api.call("schedule", query="status=on%20hold")).json["mappings"]
    assert paused["mapping"] == "VENDOR"


async def test_a_pause_tells_who_when_why_and_until_when(api: Api) -> None:
    until = (api.world.clock.now() + timedelta(hours=1)).isoformat()
    line = (await api.call("pause_mapping", CUSTOMER, body={"until": until, "reason": "Migration"})).json
    assert line["status"] == "on hold"
    assert line["pause"]["reason"] == "Migration"
    assert line["why"].endswith("at 2026-01-05 08:01 UTC until 2026-01-05 09:01 UTC: Migration")
    asked = await api.call("synchronize_mapping", CUSTOMER)
    assert (asked.status, asked.code) == (409, "mapping_paused")
    shown = (await api.call("get_mapping", CUSTOMER)).json["state"]
    assert (shown["status"], shown["why"]) == ("on hold", line["why"])
    line = (await api.call("resume_mapping", CUSTOMER)).json
    assert (line["status"], line["pause"]) == ("ready", None)
    assert (await api.call("synchronize_mapping", CUSTOMER)).status == 202


@pytest.mark.parametrize("until", ["2026-01-05T08:00:00Z", "2026-01-06T08:00:00", "tomorrow"])
async def test_a_pause_ends_at_a_moment_to_come(api: Api, until: str) -> None:
    answer = await api.call("pause_mapping", CUSTOMER, body={"until": until})
    assert (answer.status, answer.code, answer.json["field"]) == (400, "invalid_value", "until")


async def test_all_are_paused_and_resumed_at_once(api: Api) -> None:
    lines = (await api.call("pause_all", body={"reason": "Upgrade"})).json["mappings"]
    assert {line["status"] for line in lines} == {"on hold"}
    assert (await api.call("synchronize_all")).code == "mapping_paused"
    health = (await api.call("health")).json["mappings"]
    assert {line["status"] for line in health} == {"on hold"}
    lines = (await api.call("resume_all")).json["mappings"]
    assert {line["status"] for line in lines} == {"ready"}


async def test_records_are_held_listed_and_released(api: Api) -> None:
    (customer,) = api.world.business_central.rows(api.world.services.tables["business_central", "customers"])  # type: ignore[index]
    body = {"mapping": "CUSTOMER", "business_central_ids": [customer], "reason": "Under review"}
    held = (await api.call("hold_records", body=body)).json
    assert held["records"][0]["business_central"]["number"] == "C1"
    listed = (await api.call("list_held_records", query="mapping=CUSTOMER")).json
    assert listed["records"] == held["records"]
    released = await api.call("release_records", body={"mapping": "CUSTOMER", "business_central_ids": [customer]})
    assert (released.status, released.json["refused"]) == (200, [])
    assert (await api.call("list_held_records")).json["count"] == 0


async def test_inactivity_is_set_per_mapping(api: Api) -> None:
    changed = (await api.call("change_mapping", CUSTOMER, body={"inactivity_timeout_minutes": None})).json
    assert (changed["inactivity_timeout_minutes"], changed["wake_on_changes"]) == (None, True)
    changed = (await api.call("change_mapping", CUSTOMER, body={"wake_on_changes": False})).json
    assert changed["wake_on_changes"] is False
    refused = await api.call("change_mapping", CUSTOMER, body={"inactivity_timeout_minutes": -1})
    assert refused.code == "invalid_value"
