"""Several connections over HTTP, by the queue and by the timer: which one is meant, and that none touches another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import pytest

from shared.core.failures import NeedsPerson, Passing
from shared.core.jobs import Trigger
from shared.core.sides import Side
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds
from shared.memory.dataverse import MemoryDataverse
from shared.memory.dead_letters import MemoryDeadLetters
from shared.memory.state import MemoryState
from shared.ports import Check, JobMessage
from shared.services.connections import Connections, in_each
from shared.services.context import Facts, Services
from shared.services.recent import Recent
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from tests.unit.functions.api import Api
from tests.world import TABLES, World


class Two:
    """A world with a second connection: its own two systems, over the same storage and queue."""

    def __init__(self) -> None:
        self.world = World()
        self.north = self.beside("NORTH")
        self.api = Api(self.world, further=(self.north,))
        self.connections = Connections.of(self.world.services, self.north)

    def beside(self, name: str) -> Services:
        world = self.world
        return replace(
            world.services,
            connection=name,
            business_central=MemoryBusinessCentral(world.clock, SequentialIds(11)),
            dataverse=MemoryDataverse(world.clock, SequentialIds(12)),
            facts=Facts(world.clock),
            recent=Recent(),
        )


@pytest.fixture
def two() -> Two:
    return Two()


@pytest.mark.parametrize("asked", ["", "connection=", "connection=default", "connection=DEFAULT"])
async def test_where_none_is_named_the_default_one_is_meant(two: Two, asked: str) -> None:
    await two.api.call("change_mapping", {"mapping": "VENDOR"}, body={"enabled": False}, query=asked)
    answers = [await two.api.call("get_mapping", {"mapping": "VENDOR"}, query=q) for q in ("", "connection=north")]
    assert [answer.json["enabled"] for answer in answers] == [False, True]


async def test_addresses_carry_the_connection(two: Two) -> None:
    asked = await two.api.call("synchronize_mapping", {"mapping": "VENDOR"}, query="connection=north")
    assert asked.headers["location"] == f"https://sync.example/api/jobs/{asked.json['id']}?connection=NORTH"
    path = {"id": asked.json["id"]}
    assert (await two.api.call("get_job", path)).code == "unknown_job"
    found = await two.api.call("get_job", path, query="connection=NORTH")
    assert (found.status, found.json["address"]) == (202, asked.headers["location"])


@pytest.mark.parametrize("operation", ["list_mappings", "health", "list_connections", "list_dead_messages"])
async def test_an_unknown_connection_is_refused_and_the_known_ones_are_named(two: Two, operation: str) -> None:
    refused = await two.api.call(operation, query="connection=SOUTH")
    assert (refused.status, refused.code, refused.json["field"]) == (404, "unknown_connection", "connection")
    assert refused.json["detail"] == "There is no connection SOUTH. The connections are default, NORTH."


async def test_an_idempotency_key_belongs_to_one_connection(two: Two) -> None:
    path, key = {"mapping": "VENDOR"}, {"idempotency-key": "monday"}
    ask = [await two.api.call("synchronize_mapping", path, query=q, headers=key) for q in ("", "connection=NORTH")]
    assert [one.status for one in ask] == [202, 202]
    assert ask[0].json["id"] != ask[1].json["id"]


class Unreachable(MemoryDataverse):
    """An environment that does not answer."""

    async def check(self) -> list[Check]:
        return [Check("Dataverse: sign-in", False, "No answer.", "Wait.")]


async def test_they_are_listed_with_what_does_not_work(two: Two) -> None:
    broken = replace(two.north, dataverse=Unreachable(two.world.clock, SequentialIds(13)))
    api = Api(two.world, further=(broken,))
    listed = (await api.call("list_connections")).json["connections"]
    assert [(one["name"], one["is_default"], one["reachable"]) for one in listed] == [
        ("default", True, True),
        ("NORTH", False, False),
    ]
    assert [(one["connection"], one["message"]) for one in listed[1]["trouble"]] == [("NORTH", "No answer.")]
    alone = (await api.call("list_connections", query="connection=default")).json["connections"]
    assert [one["name"] for one in alone] == ["default"]


async def test_health_reports_all_of_them_or_the_one_that_is_asked_for(two: Two) -> None:
    broken = replace(two.north, dataverse=Unreachable(two.world.clock, SequentialIds(13)))
    api = Api(two.world, further=(broken,))
    whole = await api.call("health")
    checked = [(one["connection"], one["ok"]) for one in whole.json["checks"]]
    assert (whole.status, whole.json["status"]) == (503, "trouble")
    assert checked.count((None, True)) == 2, "storage and queue are asked once"
    assert ("NORTH", False) in checked
    assert {(one["connection"], one["mapping"]) for one in whole.json["mappings"]} >= {
        ("default", "VENDOR"),
        ("NORTH", "VENDOR"),
    }
    alone = await api.call("health", query="connection=default")
    assert alone.status == 200
    assert {one["connection"] for one in alone.json["mappings"]} == {"default"}


async def test_a_message_is_worked_off_in_its_connection(two: Two) -> None:
    stored = await two.north.mappings.get("CURRENCY")
    assert stored is not None
    await request_synchronization(two.north, [stored.mapping], Trigger.PERSON)
    (message,) = sent(two.world)
    assert (message.session, message.body["connection"]) == ("NORTH|CURRENCY", "NORTH")
    await run_slice(two.connections.of_message(message.body["connection"]), message.body)
    assert (await two.north.runs("CURRENCY").state()).last_finished_at is not None
    assert (await two.world.services.runs("CURRENCY").state()).last_finished_at is None


def sent(world: World) -> Iterable[JobMessage]:
    while delivery := world.queue.receive():
        world.queue.complete(delivery)
        yield delivery.message


async def test_a_message_of_an_unknown_connection_fails_with_a_sentence_that_the_dead_letter_tells(two: Two) -> None:
    with pytest.raises(NeedsPerson, match=r"no connection SOUTH\. The connections are default, NORTH") as failure:
        two.connections.of_message("SOUTH")

    services = replace(two.world.services, dead_letters=MemoryDeadLetters(two.world.queue))
    for name in ("SOUTH", "NORTH"):
        body = {"connection": name, "mapping": "VENDOR", "run": "1", "slice": 0}
        await services.queue.send(JobMessage(name, f"{name}|VENDOR", body))
    while delivery := two.world.queue.receive():
        two.world.queue.dead_letter(delivery, "MaxDeliveryCountExceeded")
    api = Api(World(), further=(two.north,))
    api.world.services = services
    told = {one["connection"]: one["trouble"] for one in (await api.call("list_dead_messages")).json["messages"]}
    assert told == {"SOUTH": str(failure.value), "NORTH": ""}
    narrowed = (await api.call("list_dead_messages", query="connection=north&limit=1")).json["messages"]
    assert [one["connection"] for one in narrowed] == ["NORTH"]
    again = (await api.call("resubmit_dead_messages", query="connection=north")).json["messages"]
    assert [one["connection"] for one in again] == ["NORTH"]
    assert [one["connection"] for one in (await api.call("list_dead_messages")).json["messages"]] == ["SOUTH"]


class Down(MemoryState):
    """A storage that answers nobody."""

    async def scan(self, *_: object, **__: object) -> list:  # type: ignore[override, type-arg]
        raise Passing("down")


async def test_the_timer_goes_through_all_and_one_that_fails_hinders_none(two: Two) -> None:
    broken = replace(two.beside("BROKEN"), state=Down())
    connections = Connections.of(broken, two.world.services, two.north)
    with pytest.raises(Passing, match="down"):
        await in_each(connections, enqueue_due)
    assert {message.session.partition("|")[0] for message in sent(two.world)} == {"default", "NORTH"}


async def test_the_next_page_of_a_preview_is_of_the_same_connection(two: Two) -> None:
    account = TABLES[(Side.DATAVERSE, "account")]
    for name in ("One", "Two"):
        two.north.dataverse.put(account, {"name": name, "customertypecode": 3, "statecode": 0})  # type: ignore[attr-defined]
    query = "connection=NORTH"
    change = {"synch_only_coupled_records": False}
    await two.api.call("change_mapping", {"mapping": "CUSTOMER"}, body=change, query=query)
    asked = await two.api.call("request_preview", body={"mapping": "CUSTOMER", "what": "full"}, query=query)
    assert asked.status == 202, asked.text
    for message in sent(two.world):
        await run_slice(two.connections.of_message(message.body["connection"]), message.body)
    path = {"id": asked.json["previews"][0]["id"]}
    page = await two.api.call("get_preview_table", path, query=f"{query}&limit=1")
    assert page.status == 200, page.text
    (link,) = re.findall(r'href="(\?[^"]+)"', page.text)
    assert "connection=NORTH" in link
