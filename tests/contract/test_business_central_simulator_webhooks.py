"""Webhook subscriptions of the Business Central simulator: handshake, notifications, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx
import pytest
from aiohttp import web

from infra.local.business_central.notifications import Change, entries
from infra.local.business_central.subscriptions import Subscription
from tests.contract.business_central_simulator_client import Client, refusal, simulator, tick


class Receiver:
    """A function app's webhook: shakes hands when it is willing to, keeps what it is told, answers `status`."""

    def __init__(self) -> None:
        self.willing = True
        self.status = 200
        self.told: list[dict[str, Any]] = []
        self.attempts = 0
        self.url = ""

    async def handle(self, request: web.Request) -> web.Response:
        if token := request.query.get("validationToken"):
            return web.Response(text=token if self.willing else "no")
        self.attempts += 1
        body = await request.json()
        if self.status == 200:
            self.told += body["value"]
        return web.Response(status=self.status)

    async def until(self, amount: int, of: str = "told") -> None:
        for _ in range(200):
            if (len(self.told) if of == "told" else self.attempts) >= amount:
                return
            await asyncio.sleep(0.005)
        raise AssertionError(f"{self.told}, {self.attempts} attempts")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    application = web.Application()
    application.router.add_route("*", "/hook", receiver.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook?code=x"
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as one:
        yield one


@pytest.fixture
async def bc() -> AsyncIterator[Client]:
    async with simulator() as client:
        await client.control("settings", webhook_delay_ms=30)
        yield client


async def subscribe(bc: Client, receiver: Receiver, entity_set: str = "customers") -> httpx.Response:
    body = {
        "notificationUrl": receiver.url,
        "resource": f"/api/v2.0/companies({bc.running.company_id})/{entity_set}",
        "clientState": "secret",
    }
    return await bc.http.post(f"{bc.running.api}/subscriptions", json=body)


def expiry(answer: httpx.Response) -> datetime:
    return datetime.fromisoformat(answer.json()["expirationDateTime"])


async def subscriptions(bc: Client) -> list[str]:
    rows = (await bc.http.get(f"{bc.running.api}/subscriptions")).json()["value"]
    return [row["subscriptionId"] for row in rows]


async def test_a_subscription_is_made_renewed_and_ended(bc: Client, receiver: Receiver) -> None:
    made = await subscribe(bc, receiver)
    assert made.status_code == 201
    key = made.json()["subscriptionId"]
    assert made.json()["clientState"] == "secret"
    url = f"{bc.running.api}/subscriptions('{key}')"
    await tick()
    body = {name: made.json()[name] for name in ("notificationUrl", "resource", "clientState")}
    assert (await bc.http.patch(url, json=body)).status_code == 400
    renewed = await bc.http.patch(url, json=body, headers={"If-Match": "*"})
    assert expiry(renewed) > expiry(made)
    assert (await bc.http.get(f"{bc.running.api}/subscriptions({key})")).status_code == 404
    assert (await bc.http.delete(url)).status_code == 400
    assert (await bc.http.delete(url, headers={"If-Match": "*"})).status_code == 204
    assert await subscriptions(bc) == []


async def test_without_a_handshake_there_is_no_subscription(bc: Client, receiver: Receiver) -> None:
    receiver.willing = False
    assert refusal(await subscribe(bc, receiver)) == (400, "BadRequest")
    receiver.url = "http://127.0.0.1:1/nobody"
    assert (await subscribe(bc, receiver)).status_code == 400
    assert await subscriptions(bc) == []


@pytest.mark.parametrize(("entity_set", "status"), [("vendors", 201), ("contacts", 400), ("nothings", 400)])
async def test_not_every_set_can_be_observed(bc: Client, receiver: Receiver, entity_set: str, status: int) -> None:
    assert (await subscribe(bc, receiver, entity_set)).status_code == status


async def test_what_happened_before_anybody_listened_is_not_told(bc: Client, receiver: Receiver) -> None:
    await bc.control("settings", webhook_delay_ms=200)
    early = await bc.create("customers", displayName="Early")
    await subscribe(bc, receiver)
    await bc.create("customers", displayName="Late")
    await receiver.until(1)
    assert [early["id"] in one["resource"] for one in receiver.told] == [False]


async def test_edits_in_bulk_are_told(bc: Client, receiver: Receiver) -> None:
    values = {"number": "C{n}", "displayName": "Customer {n}"}
    await subscribe(bc, receiver)
    await bc.control("rows", table="customers", count=3, values=values)
    await bc.control("rows", table="customers", operation="update", count=2, values=values | {"city": "Bonn"})
    await receiver.until(2)
    assert [one["changeType"] for one in receiver.told] == ["updated", "updated"]


async def test_changes_are_told_in_one_post_with_updates_merged(bc: Client, receiver: Receiver) -> None:
    await subscribe(bc, receiver)
    row = await bc.create("customers", displayName="Told")
    for city in ("a", "b"):
        await bc.change("customers", row["id"], city=city)
    await bc.delete("customers", row["id"])
    await receiver.until(3)
    assert receiver.attempts == 1
    assert [one["changeType"] for one in receiver.told] == ["created", "updated", "deleted"]
    resource = f"api/v2.0/companies({bc.running.company_id})/customers({row['id']})"
    assert {one["resource"] for one in receiver.told} == {resource}
    assert {one["clientState"] for one in receiver.told} == {"secret"}


async def test_mirrored_edits_are_told_and_refused_or_rolled_back_ones_not(bc: Client, receiver: Receiver) -> None:
    await subscribe(bc, receiver)
    row = await bc.create("customers", displayName="Mirrored")
    contact = await bc.contact_of("customers", row["id"])
    await receiver.until(1)
    receiver.told.clear()
    await bc.patch("customers", row["id"], country="XX")
    creation = {"method": "POST", "url": "customers", "body": {"displayName": "Rolled back"}}
    failure = {"method": "POST", "url": "customers", "body": {}}
    await bc.batch([creation, failure], Isolation="snapshot")
    await bc.change("contacts", contact["id"], city="Z")
    await receiver.until(1)
    assert [(one["changeType"], row["id"] in one["resource"]) for one in receiver.told] == [("updated", True)]


@pytest.mark.parametrize(("status", "attempts", "left"), [(503, 6, 0), (404, 1, 0), (200, 1, 1)])
async def test_how_a_subscription_ends(bc: Client, receiver: Receiver, status: int, attempts: int, left: int) -> None:
    await bc.control("settings", webhook_delay_ms=0.01)
    receiver.status = status
    await subscribe(bc, receiver)
    await bc.create("customers", displayName="X")
    await receiver.until(attempts, of="attempts")
    await asyncio.sleep(0.02)
    assert (receiver.attempts, len(await subscriptions(bc))) == (attempts, left)


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("updated", "/api/customers?$filter=lastModifiedDateTime%20gt%201970-01-01T00:00:00.95Z"),
        ("deleted", "/api/customers"),
    ],
)
def test_too_many_changes_become_one_and_lose_the_filter_after_a_deletion(kind: str, resource: str) -> None:
    subscription = Subscription("s", "http://x.example", "customers", "api/customers", "", 0)
    changes = [Change("customers", "updated", str(one), 1000 + one) for one in range(1000)]
    assert len(entries(subscription, changes)) == 1000
    told = entries(subscription, [*changes, Change("customers", kind, "last", 5000)])
    assert [(one["changeType"], one["resource"]) for one in told] == [("collection", resource)]
