"""A mapping that bears the name of a removed one begins anew: it inherits nothing, whoever comes late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from shared.core.jobs import Trigger
from shared.services.mapping_settings import enabled_mappings
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from tests.unit.functions.api import Api
from tests.unit.functions.test_mappings import left_of
from tests.world import ACCOUNT, CUSTOMERS, World

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


class Hanging:
    """A port of which one method keeps its caller waiting for the answer."""

    def __init__(self, port: object, method: str) -> None:
        self._port, self._method = port, method
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if name != self._method:
            return member

        async def call(*args: Any, **kwargs: Any) -> Any:
            answer = await member(*args, **kwargs)
            self.reached.set()
            await self.go_on.wait()
            return answer

        return call


@asynccontextmanager
async def late_worker(world: World) -> AsyncIterator[None]:
    """A worker hangs in a write, and loses its lock; another one does its run. At the end it comes to."""
    mappings = enabled_mappings(await world.services.mappings.all())
    await request_synchronization(world.services, mappings, Trigger.PERSON)
    delivery = world.queue.receive()
    assert delivery is not None
    hanging = Hanging(world.dataverse, "write")
    worker = asyncio.create_task(run_slice(replace(world.services, dataverse=hanging), delivery.message.body))
    await hanging.reached.wait()
    world.queue.abandon(delivery)
    await world.work_off()
    yield
    hanging.go_on.set()
    await worker


async def ticks(world: World, minutes: int) -> None:
    """So much time passes, with the timer at its end."""
    world.clock.advance(minutes=minutes)
    await enqueue_due(world.services)
    await world.work_off()


async def test_what_a_late_worker_has_left_of_a_removed_mapping_goes_a_while_later(api: Api) -> None:
    world = api.world
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    await call(api, "delete_mapping", {"mapping": "CONTACT"})
    async with late_worker(world):
        assert await world.services.couplings("CUSTOMER").all()
        await call(api, "delete_mapping")
        assert await world.services.couplings("CUSTOMER").all() == []
    assert await world.services.couplings("CUSTOMER").all() != []  # storage knows no locks
    await ticks(world, 5)
    assert await world.services.couplings("CUSTOMER").all() != []  # one may still be about to write
    await ticks(world, 15)
    assert left_of(api, "CUSTOMER") == []
    assert await world.services.mappings.removal("CUSTOMER", is_over=True) is None
    assert len(world.dataverse.rows(ACCOUNT)) == 3


async def test_a_new_mapping_of_the_name_looks_whether_a_late_worker_has_left_dead_couplings(api: Api) -> None:
    world = api.world
    await world.change("CUSTOMER", synch_only_coupled_records=False)
    await world.synchronize("CUSTOMER")
    late = await world.services.couplings("CUSTOMER").all()
    await remove_and_restore(api)
    for table, side in ((CUSTOMERS, world.business_central), (ACCOUNT, world.dataverse)):
        for record in side.rows(table):
            side.remove(table, record)
    await ticks(world, 1)
    await world.services.couplings("CUSTOMER").add(late)  # and then it dies
    await ticks(world, 15)
    await ticks(world, 1)
    assert await world.services.couplings("CUSTOMER").all() == []
    assert await world.services.mappings.removal("CUSTOMER", is_over=True) is None
