"""A mapping that bears the name of a removed one begins anew: it inherits nothing, whoever comes late."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.functions.api import Api
from tests.world import CUSTOMERS

NAME = {"mapping": "CUSTOMER"}


@pytest.fixture
async def api() -> Api:
    """Customers alone, with records of their own in both systems."""
    api = Api()
    for stored in await api.world.services.mappings.all():
        await api.world.change(stored.mapping.name, enabled=stored.mapping.name == "CUSTOMER", depends_on=())
    for number in range(3):
        api.world.customer(displayName=f"Customer {number}", email=f"{number}@contoso.com")
    return api


async def call(api: Api, operation: str, path: dict[str, str] = NAME, **members: Any) -> Any:
    """What an operation answers that is not refused, once all that it has asked for is done."""
    answer = await api.call(operation, path, **members)
    assert answer.status < 300, answer.text
    await api.world.work_off()
    return answer.json


async def remove_and_restore(api: Api) -> None:
    """CUSTOMER is removed, and set up by default again."""
    for name in ("CONTACT", "CUSTOMER"):
        await call(api, "delete_mapping", {"mapping": name})
    await call(api, "use_default_setup")


async def test_nothing_that_was_kept_for_a_removed_mapping_is_inherited(api: Api) -> None:
    world = api.world
    await call(api, "start_full_synchronization_line", body={"do": "full_synchronization"})
    customer = next(iter(world.business_central.rows(CUSTOMERS)))
    await call(api, "hold_records", {}, body={"mapping": "CUSTOMER", "business_central_ids": [customer]})
    preview = (await call(api, "request_preview", {}, body={"mapping": "CUSTOMER"}))["previews"][0]["id"]
    await call(api, "pause_mapping", body={"reason": "Stocktaking"})
    before = await call(api, "get_full_synchronization")
    assert (before["status"], before["question"]) == ("finished", "open")

    await remove_and_restore(api)
    line = await call(api, "get_full_synchronization")
    assert (line["status"], line["question"], line["coupled"]) == ("not_started", "not_asked", 0)
    assert (line["does"], line["run"], line["requested_by"]) == (None, None, "")
    (schedule,) = [one for one in (await call(api, "schedule", {}))["mappings"] if one["mapping"] == "CUSTOMER"]
    assert (schedule["status"], schedule["pause"], schedule["last_started_at"]) == ("ready", None, None)
    assert (await call(api, "list_held_records", {}))["records"] == []
    log = await call(api, "record_log", {}, query=f"mapping=CUSTOMER&business_central_id={customer}")
    assert log["count"] == 0
    assert (await api.call("get_preview", {"id": preview})).code == "unknown_preview"
    assert {job["mapping"] for job in (await call(api, "list_jobs", {}))["jobs"]} >= {"CUSTOMER"}


async def test_a_mapping_is_not_excluded_because_a_removed_one_was(api: Api) -> None:
    await call(api, "exclude_from_full_synchronization", body={})
    await remove_and_restore(api)
    assert not (await call(api, "get_full_synchronization"))["excluded"]


async def test_the_default_setup_waits_for_the_end_of_a_removal(api: Api) -> None:
    await call(api, "delete_mapping", {"mapping": "CONTACT"})
    assert (await api.call("delete_mapping", NAME)).status == 202
    for operation, path in (("use_default_setup", NAME), ("use_default_setups", {})):
        refused = await api.call(operation, path)
        assert (refused.status, refused.code) == (409, "mapping_being_removed")
    await api.world.work_off()
    await call(api, "use_default_setup")
