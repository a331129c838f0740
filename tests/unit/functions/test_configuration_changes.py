"""Who changed what of the configuration: recorded with the change, read page by page, and kept for long."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.core.configuration_diff import MemberChange
from shared.core.failures import Passing
from shared.ports import Remove
from shared.services.configuration_changes import KEPT, record_change
from shared.services.repositories.configuration_changes import LOG
from shared.services.retention import remove_what_is_old
from tests.unit.functions.api import Api
from tests.unit.functions.test_connections import Two


@pytest.fixture
def api() -> Api:
    return Api()


async def change(api: Api, mapping: str = "VENDOR", **members: object) -> None:
    answer = await api.call("change_mapping", {"mapping": mapping}, body=members)
    assert answer.status == 200, answer.text
    api.world.clock.advance(seconds=1)


async def changes(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = await api.call("list_configuration_changes", query=query)
    assert answer.status == 200, answer.text
    return list(answer.json["changes"])


async def test_a_change_tells_who_when_and_only_what_differs(api: Api) -> None:
    at = api.world.clock.now()
    await change(api, enabled=False, guard_percent=25)
    (told,) = await changes(api)
    assert told["at"] == at.isoformat().replace("+00:00", "Z")
    assert told["by"] == "function key"
    assert told["occasion"] == ""
    members = [{"member": "enabled", "before": True, "after": False}]
    assert told["edits"] == [{"mapping": "VENDOR", "action": "changed", "members": members}]


async def test_what_changes_nothing_is_not_recorded(api: Api) -> None:
    await change(api, enabled=True)
    assert await changes(api) == []


async def test_the_newest_come_first_page_by_page_by_mapping_and_by_person(api: Api) -> None:
    for mapping, percent in (("VENDOR", 10), ("CUSTOMER", 20), ("VENDOR", 30)):
        await change(api, mapping, guard_percent=percent)
    page = await api.call("list_configuration_changes", query="limit=2")
    rest = await api.call("list_configuration_changes", query=f"limit=2&continuation={page.json['continuation']}")
    both = [*page.json["changes"], *rest.json["changes"]]
    assert [one["edits"][0]["members"][0]["after"] for one in both] == [30, 20, 10]
    assert rest.json["continuation"] is None
    assert [one["edits"][0]["mapping"] for one in await changes(api, "mapping=vendor")] == ["VENDOR", "VENDOR"]
    assert len(await changes(api, "by=KEY")) == 3
    assert await changes(api, "by=nobody") == []


async def test_each_connection_has_its_own() -> None:
    two = Two()
    await two.api.call("change_mapping", {"mapping": "VENDOR"}, body={"enabled": False}, query="connection=NORTH")
    assert await changes(two.api) == []
    assert len(await changes(two.api, "connection=NORTH")) == 1


async def test_what_a_crash_has_left_unfiled_is_not_lost(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    transact = api.world.state.transact

    async def interrupted(table: str, *rest: Any) -> dict[str, str]:
        if table == LOG:
            raise Passing("the storage is away")
        return await transact(table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(api.world.state, "transact", interrupted)
        await change(api, enabled=False)
    assert len(await changes(api)) == 1
    assert await api.world.state.scan("mappings", "default", prefix="unfiled|") == []


async def test_a_change_that_is_refused_leaves_no_record(api: Api) -> None:
    refused = await api.call(
        "change_mapping", {"mapping": "VENDOR"}, body={"enabled": False}, headers={"if-match": "an older version"}
    )
    assert refused.status == 412
    assert await changes(api) == []


async def test_what_is_kept_elsewhere_can_be_recorded_too(api: Api) -> None:
    await record_change(api.world.services, "VENDOR", (MemberChange("paused", False, True),), "pause")
    (told,) = await changes(api, "by=the app")
    assert (told["occasion"], told["edits"][0]["members"]) == (
        "pause",
        [{"member": "paused", "before": False, "after": True}],
    )


async def test_the_record_is_kept_four_times_as_long_as_jobs(api: Api) -> None:
    await change(api, enabled=False)
    kept = KEPT * api.world.policy.retention.jobs
    api.world.clock.set(api.world.clock.now() + kept - timedelta(minutes=1))
    assert (await remove_what_is_old(api.world.services)).changes == 0
    api.world.clock.advance(minutes=2)
    assert (await remove_what_is_old(api.world.services)).changes == 1
    assert await changes(api) == []


async def test_a_mapping_that_is_removed_is_recorded_with_what_it_was(api: Api) -> None:
    services = api.world.services
    stored = await services.mappings.get("VENDOR")
    assert stored is not None
    await services.mappings.change([Remove("VENDOR", stored.etag)])
    (told,) = await changes(api)
    assert (told["by"], told["edits"][0]["action"]) == ("the app", "removed")
    assert {"member": "direction", "before": "Bidirectional", "after": None} in told["edits"][0]["members"]


async def test_pausing_and_resuming_a_mapping_is_recorded(api: Api) -> None:
    path = {"mapping": "VENDOR"}
    paused = await api.call("pause_mapping", path, body={"reason": "stocktaking"})
    api.world.clock.advance(seconds=1)
    resumed = await api.call("resume_mapping", path)
    assert (paused.status, resumed.status) == (200, 200)
    pause = {"reason": "stocktaking", "until": None}
    told = [(one["occasion"], one["by"], one["edits"][0]["members"]) for one in await changes(api, "mapping=VENDOR")]
    assert told == [
        ("resume", "function key", [{"member": "pause", "before": pause, "after": None}]),
        ("pause", "function key", [{"member": "pause", "before": None, "after": pause}]),
    ]
