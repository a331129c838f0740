"""Notifications over HTTP: what is open, a test message, and whether they arrive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shared.core.failures import NeedsPerson, Passing
from shared.memory.notifier import MemoryNotifier
from shared.services.notifying import notify
from tests.unit.functions.api import Api


@pytest.fixture
def notifier() -> MemoryNotifier:
    return MemoryNotifier()


@pytest.fixture
async def api(notifier: MemoryNotifier) -> Api:
    api = Api()
    api.world.services = replace(api.world.services, notifier=notifier)
    for name in ("CUSTOMER", "VENDOR"):
        await api.world.change(name, interval_minutes=30)
    await api.world.synchronize()
    api.world.clock.advance(hours=3)  # nobody ticks: everything is late
    return api


async def test_what_needs_a_person_is_listed_in_pages(api: Api) -> None:
    first = (await api.call("list_notifications", query="limit=3")).json
    second = (await api.call("list_notifications", query=f"limit=3&continuation={first['continuation']}")).json
    assert [one["mapping"] for one in first["open"] + second["open"]] == [
        *("CONTACT", "CURRENCY", "CUSTOMER", "SALESPEOPLE", "VENDOR")
    ]
    assert {(one["topic"], one["told"]) for one in first["open"]} == {("late", False)}
    assert (first["count"], first["is_on"], second["continuation"]) == (5, True, None)


async def test_a_test_message_is_sent(api: Api, notifier: MemoryNotifier) -> None:
    assert (await api.call("send_test_notification")).json == {"sent": True}
    assert [card.kind.value for card in notifier.cards] == ["test"]
    notifier.failure = NeedsPerson("The receiver of notifications refuses them (404).")
    refused = await api.call("send_test_notification")
    assert (refused.status, refused.code) == (502, "not_delivered")


async def test_without_an_address_there_is_nothing_to_test() -> None:
    api = Api()
    assert (await api.call("send_test_notification")).code == "notifications_off"
    assert (await api.call("list_notifications")).json["is_on"] is False
    assert (await api.call("health")).json["notifications"] == []


async def test_health_tells_that_notifications_do_not_arrive(api: Api, notifier: MemoryNotifier) -> None:
    notifier.failure = Passing("The receiver of notifications cannot be reached (ConnectError).")
    for _ in range(3):
        await notify(api.world.services)
        api.world.clock.advance(minutes=2)
    answer = await api.call("health")
    (found,) = answer.json["notifications"]
    assert (answer.status, found["connection"], found["failures"]) == (200, "default", 2)
    assert found["trouble"] == str(notifier.failure)
