"""Two connections with the same tables side by side: each keeps its own systems in step and touches nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from azure.data.tables.aio import TableServiceClient
from azure.servicebus import ServiceBusMessage
from azure.servicebus.aio import ServiceBusClient

from infra.local.further import name_of
from infra.local.stack import Stack, local_stack
from shared.adapters.documents import decode_key
from shared.services.connections import QUEUE
from tests.e2e.conftest import SETTINGS
from tests.e2e.people import Everything

NAMES = ("default", name_of(2))
PATIENCE = 40.0  # seconds
COMMON = {"all connections", ""}  # partitions of the instances and of the health check

type Stored = dict[tuple[str, str, str], str]


@dataclass
class Pair:
    """The clients of both connections; those of the second name it in every call."""

    stack: Stack
    first: Everything
    second: Everything

    @property
    def both(self) -> tuple[Everything, Everything]:
        return self.first, self.second


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Pair]:
    async with local_stack(settings=SETTINGS, empty=True, connections=2) as stack:
        here = stack.information()
        there = here | {name: here[f"{name}_2"] for name in ("dataverse", "business_central")}
        async with Everything(here) as first, Everything(there) as second:
            second.app.params = second.app.params.set("connection", NAMES[1])
            yield Pair(stack, first, second)


async def rows_of(everything: Everything) -> dict[str, list[dict[str, Any]]]:
    """Every account and customer, as they are."""
    accounts = (await everything.dataverse.get("/accounts")).raise_for_status().json()["value"]
    return {"accounts": accounts, "customers": await everything.customers()}


async def names_in(everything: Everything) -> tuple[list[str], list[str]]:
    """The names of both sides."""
    rows = await rows_of(everything)
    return sorted(row["name"] for row in rows["accounts"]), sorted(row["displayName"] for row in rows["customers"])


async def stored(stack: Stack) -> Stored:
    """Every document that the app keeps: its version by table, partition and key."""
    found: Stored = {}
    connection = stack.settings["AzureWebJobsStorage"]
    async with TableServiceClient.from_connection_string(connection) as service:
        async for table in service.list_tables():
            if table.name.startswith("sync"):
                async for row in service.get_table_client(table.name).list_entities():
                    place = (table.name, decode_key(row["PartitionKey"]), decode_key(row["RowKey"]))
                    found[place] = str(row.metadata["etag"])
    return found


def of(name: str, documents: Stored) -> Stored:
    """Those of one connection."""
    return {place: etag for place, etag in documents.items() if place[1].partition("|")[0] == name}


async def fire_the_timer(pair: Pair) -> None:
    fired = await pair.first.host.post("/admin/functions/enqueue_due_jobs", json={"input": ""})
    assert fired.status_code == 202


async def test_each_keeps_its_own_systems_in_step(pair: Pair) -> None:
    """By HTTP and by the timer, with edits in both: no row and no document of the other one moves."""
    for everything in pair.both:
        await everything.fresh("CUSTOMER")
    (await pair.first.create_account(name="Same name")), (await pair.second.create_account(name="Same name"))
    await pair.second.create_account(name="Only in the second")

    answer = await pair.first.synchronize("CUSTOMER")
    assert answer["address"].endswith(f"/jobs/{answer['id']}")
    assert await names_in(pair.first) == (["Same name"], ["Same name"])
    assert (await names_in(pair.second))[1] == [], "nobody asked for the second"

    before, rows = of(NAMES[0], await stored(pair.stack)), await rows_of(pair.first)
    answer = await pair.second.synchronize("CUSTOMER")
    assert answer["address"].endswith(f"/jobs/{answer['id']}?connection={NAMES[1]}")
    assert await names_in(pair.second) == (["Only in the second", "Same name"],) * 2
    assert (await rows_of(pair.first), of(NAMES[0], await stored(pair.stack))) == (rows, before)

    for everything, phone in zip(pair.both, ("1", "2"), strict=True):
        customer = next(one for one in await everything.customers() if one["displayName"] == "Same name")
        await everything.edit_customer(customer, phoneNumber=phone)
    for everything in pair.both:
        await everything.app.patch("/mappings/CUSTOMER", json={"interval_minutes": 1})
    async with asyncio.timeout(PATIENCE):
        while [await phones(everything) for everything in pair.both] != ["1", "2"]:
            await fire_the_timer(pair)
            await asyncio.sleep(0.5)

    documents = await stored(pair.stack)
    owners = {place[1].partition("|")[0] for place in documents}
    assert owners - COMMON == {*NAMES}
    assert [len(couplings(name, documents)) for name in NAMES] == [1, 2]
    assert not couplings(NAMES[0], documents) & couplings(NAMES[1], documents)


async def phones(everything: Everything) -> str:
    """The phone number of the account that both have."""
    rows = (await rows_of(everything))["accounts"]
    return str(next(row["telephone1"] for row in rows if row["name"] == "Same name"))


def couplings(name: str, documents: Stored) -> set[str]:
    """The ids of the coupled BC records of a connection."""
    keys = [key for table, _, key in of(name, documents) if table == "syncCouplings"]
    return {key.removeprefix("bc|") for key in keys if key.startswith("bc|")}


async def test_one_whose_services_are_down_does_not_hinder_the_other(pair: Pair) -> None:
    for everything in pair.both:
        await everything.fresh("CUSTOMER")
    unavailable = {"refuse": [{"status": 503, "times": 100_000}]}
    for control in pair.second.controls.values():
        (await control.post("/faults", json=unavailable)).raise_for_status()
    await pair.first.create_account(name="Works")
    asked = await pair.second.app.post("/mappings/CUSTOMER/synchronize")
    assert asked.status_code == 202, "asking needs the storage and the queue only"

    assert (await pair.first.synchronize("CUSTOMER"))["status"] == "succeeded"
    assert await names_in(pair.first) == (["Works"], ["Works"])

    listed = (await pair.first.app.get("/connections")).raise_for_status().json()["connections"]
    assert [(one["name"], one["reachable"]) for one in listed] == [(NAMES[0], True), (NAMES[1], False)]
    assert (await pair.first.app.get("/health", params={"connection": NAMES[0]})).status_code == 200
    for control in pair.second.controls.values():
        (await control.delete("/faults")).raise_for_status()


async def dead_letters(everything: Everything) -> list[dict[str, Any]]:
    """What the queue has set aside, as soon as there is something."""
    for _ in range(round(PATIENCE / 0.1)):
        if listed := (await everything.app.get("/messages/dead")).json()["messages"]:
            return list(listed)
        await asyncio.sleep(0.1)
    return []


async def test_a_message_of_a_connection_that_was_removed_is_set_aside_with_the_reason(pair: Pair) -> None:
    body = {"version": 1, "connection": "removed", "mapping": "VENDOR", "run": "1", "slice": 0, "turn": 0}
    message = ServiceBusMessage(json.dumps(body), message_id="removed", session_id="removed|VENDOR")
    bus = pair.stack.settings["ServiceBusConnection"]
    async with ServiceBusClient.from_connection_string(bus) as client, client.get_queue_sender(QUEUE) as sender:
        await sender.send_messages(message)
    (dead,) = await dead_letters(pair.first)
    assert (dead["connection"], dead["reason"]) == ("removed", "MaxDeliveryCountExceeded")
    assert "There is no connection removed. The connections are default, connection-2." in dead["trouble"]
    assert (await pair.second.app.get("/messages/dead")).json()["messages"] == []


async def test_the_configuration_of_one_is_taken_over_by_the_other(pair: Pair) -> None:
    change = {
        "guard_percent": 33,
        "templates": [{"name": "DE", "side": "dataverse", "values": {"address1_country": "DE"}}],
    }
    (await pair.first.app.patch("/mappings/VENDOR", json=change)).raise_for_status()
    file = (await pair.first.app.get("/configuration")).raise_for_status()
    assert file.headers["content-type"].startswith("application/yaml")

    sent = {"content": file.content, "headers": {"Content-Type": "application/yaml"}}
    seen = (await pair.second.app.post("/configuration/import", **sent)).raise_for_status().json()
    vendor = next(one for one in seen["mappings"] if one["mapping"] == "VENDOR")
    assert [one["member"] for one in vendor["members"]] == ["guard_percent", "templates"]
    params = {"preview": "false", "digest": seen["digest"]}
    applied = await pair.second.app.post("/configuration/import", params=params, **sent)
    assert applied.json()["applied"], applied.text

    copies = [(await one.app.get("/configuration")).text.partition("version:")[2] for one in pair.both]
    assert copies[0] == copies[1]
    recorded = [(await one.app.get("/configuration/changes")).json()["changes"][0] for one in pair.both]
    assert [one["occasion"] for one in recorded] == ["", "import"]
    assert (await pair.second.app.post("/configuration/import", params=params, **sent)).status_code == 409


async def test_an_unknown_connection_is_refused(pair: Pair) -> None:
    refused = await pair.first.app.get("/mappings", params={"connection": "nowhere"})
    assert (refused.status_code, refused.json()["code"]) == (404, "unknown_connection")
    assert refused.json()["detail"].endswith(f"The connections are {', '.join(NAMES)}.")
