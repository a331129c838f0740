"""Webhooks of the Dataverse simulator: who is told what, and how often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from tests.contract.dataverse_simulator_client import Client, simulator


class Listener:
    """An endpoint that remembers what it was told."""

    def __init__(self) -> None:
        self.told: asyncio.Queue[tuple[web.Request, dict[str, Any]]] = asyncio.Queue()
        self.statuses: list[int] = []
        self.url = ""

    async def hear(self, request: web.Request) -> web.Response:
        self.told.put_nowait((request, json.loads(await request.text())))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def next(self) -> tuple[web.Request, dict[str, Any]]:
        return await asyncio.wait_for(self.told.get(), timeout=5)


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application()
    app.add_routes([web.post("/hear", listener.hear)])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hear"
    yield listener
    await runner.cleanup()


@pytest.fixture
async def dataverse(listener: Listener) -> AsyncIterator[Client]:
    async with simulator() as client:
        values = {"name": "sync", "url": listener.url, "contract": 8, "authtype": 4, "authvalue": "k&y"}
        endpoint = await client.create("serviceendpoints", **values, messageformat=2)
        for message in ("Create", "Update", "Delete"):
            await register(client, endpoint, message, "name,telephone1" if message == "Update" else None)
        yield client


async def register(client: Client, endpoint: str, message: str, filtering: str | None) -> None:
    message_id = (await client.rows(f"sdkmessages?$filter=name eq '{message}'"))[0]["sdkmessageid"]
    path = f"sdkmessagefilters?$filter=primaryobjecttypecode eq 'account' and _sdkmessageid_value eq {message_id}"
    filter_id = (await client.rows(path))[0]["sdkmessagefilterid"]
    step = {
        "name": f"{message} of account",
        "mode": 1,
        "stage": 40,
        "rank": 1,
        "filteringattributes": filtering,
        "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint})",
        "sdkmessageid@odata.bind": f"/sdkmessages({message_id})",
        "sdkmessagefilterid@odata.bind": f"/sdkmessagefilters({filter_id})",
    }
    await client.create("sdkmessageprocessingsteps", **step)


async def test_changes_are_told_with_the_key_and_the_changed_columns(dataverse: Client, listener: Listener) -> None:
    row_id = await dataverse.create("accounts", name="told", creditlimit=5, customertypecode=3)
    request, context = await listener.next()
    assert request.query["code"] == "k&y"
    assert request.headers["x-ms-dynamics-request-name"] == context["MessageName"] == "Create"
    target = context["InputParameters"][0]["value"]
    attributes = {one["key"]: one["value"] for one in target["Attributes"]}
    assert (target["Id"], attributes["name"], attributes["creditlimit"]["Value"]) == (row_id, "told", 5)
    assert attributes["customertypecode"]["__type"].startswith("OptionSetValue:")
    assert attributes["createdon"].startswith("/Date(")
    assert context["UserId"] == (await dataverse.row("WhoAmI"))["UserId"]
    await dataverse("PATCH", f"accounts({row_id})", {"fax": "1"})
    await dataverse.create("contacts", lastname="of no interest")
    await dataverse("PATCH", f"accounts({row_id})", {"telephone1": "2"})
    _, context = await listener.next()
    attributes = {one["key"]: one["value"] for one in context["InputParameters"][0]["value"]["Attributes"]}
    assert attributes == {"accountid": row_id, "telephone1": "2"}, "the change of the fax concerns nobody"
    await dataverse.control("edit", changes=[{"table": "account", "id": row_id, "operation": "delete"}])
    _, context = await listener.next()
    assert (context["MessageName"], context["PrimaryEntityId"]) == ("Delete", row_id)


async def test_what_failed_is_told_to_nobody(dataverse: Client, listener: Listener) -> None:
    await dataverse("POST", "accounts", {"name": "x", "contact_customer_accounts": [{"lastname": "x" * 51}]})
    await dataverse.create("accounts", name="the first")
    _, context = await listener.next()
    assert {"key": "name", "value": "the first"} in context["InputParameters"][0]["value"]["Attributes"]


@pytest.mark.parametrize(("statuses", "attempts"), [([503, 200], 2), ([502, 504], 2), ([500], 1), ([404], 1)])
async def test_only_some_failures_get_one_more_attempt(
    dataverse: Client, listener: Listener, statuses: list[int], attempts: int
) -> None:
    listener.statuses = list(statuses)
    await dataverse.create("accounts", name="a")
    for _ in range(attempts):
        await listener.next()
    failed = statuses[-1] >= 300
    for _ in range(100):
        jobs = await dataverse.rows("asyncoperations?$filter=statuscode eq 31")
        if len(jobs) == failed:
            break
        await asyncio.sleep(0.01)
    assert [job["name"] for job in jobs] == (["Create of account"] if failed else [])
    assert listener.told.empty()


async def test_the_key_cannot_be_read_back(dataverse: Client) -> None:
    row = (await dataverse.rows("serviceendpoints?$select=authvalue,isauthvalueset,url"))[0]
    assert (row["authvalue"], row["isauthvalueset"]) == (None, True)
