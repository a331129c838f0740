"""Tasks whose host is killed before one of their port calls after the other: delivered again, they end the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import pytest

from shared.core.access import Caller
from shared.core.coupling_requests import AfterCoupling
from shared.core.effects import PreviewKind
from shared.core.jobs import Job
from shared.core.sync_choice import SyncChoice
from shared.services.context import Policy
from shared.services.coupling_pairs import couple
from shared.services.forms.coupling import CoupleRequest, PairToCouple
from shared.services.forms.previews import PreviewStart
from shared.services.forms.synchronize_now import SyncNowRequest
from shared.services.forms.uncoupling import UncoupleRequest
from shared.services.previews import carry_out_preview, request_previews
from shared.services.repositories.runs import JOURNAL, PART, TABLE
from shared.services.synchronizing_now import sync_now
from shared.services.uncoupling_records import uncouple
from tests.simulation.killing import copy_of, deliver_until_rest
from tests.simulation.trouble import HostKilled, Loss, TroubledWorld
from tests.world import ACCOUNT, CONTACT, CUSTOMERS, VENDORS, World

ANNA = Caller("Anna")
LONG = Policy(slice_time=timedelta(minutes=2))
SHORT = Policy(slice_time=timedelta(0))

type Asks = Callable[[TroubledWorld], Awaitable[None]]


async def prepared(policy: Policy) -> TroubledWorld:
    """Two coupled pairs in step, one with a person; a free record on each side, and two that mean the same."""
    world = TroubledWorld(policy=policy)
    await world.open_all()
    for name in ("Adatum", "Fabrikam"):
        world.account(name=name, telephone1="1")
    await world.synchronize()
    adatum = next(key for key, row in world.dataverse.rows(ACCOUNT).items() if row["name"] == "Adatum")
    person = {"firstname": "Ida", "lastname": "Berg", "parentcustomerid": adatum, "accountid": adatum, "statecode": 0}
    world.dataverse.put(CONTACT, person)
    await world.synchronize()
    await world.synchronize()
    for stored in await world.services.mappings.all():
        await world.change(stored.mapping.name, enabled=False, synch_only_coupled_records=True)
    world.clock.advance(minutes=20)
    world.customer(displayName="Only in Business Central")
    world.account(name="Only in Dataverse")
    world.customer(displayName="Here", phoneNumber="5")
    world.account(name="There")
    return world


def customer(world: TroubledWorld, name: str) -> str:
    return next(key for key, row in world.business_central.rows(CUSTOMERS).items() if row["displayName"] == name)


def account(world: TroubledWorld, name: str) -> str:
    return next(key for key, row in world.dataverse.rows(ACCOUNT).items() if row["name"] == name)


async def couples(world: TroubledWorld) -> None:
    """An existing pair, and a new record on each side."""
    pairs = (
        PairToCouple(business_central_id=customer(world, "Here"), dataverse_id=account(world, "There")),
        PairToCouple(business_central_id=customer(world, "Only in Business Central"), create_new=True),
        PairToCouple(dataverse_id=account(world, "Only in Dataverse"), create_new=True),
    )
    after = AfterCoupling.WITH_BUSINESS_CENTRAL_DATA
    request = CoupleRequest(mapping="CUSTOMER", pairs=pairs[:2], synchronize_after_coupling=after)
    await couple(world.services, request, ANNA)
    await couple(world.services, CoupleRequest(mapping="CUSTOMER", pairs=pairs[2:]), ANNA)


async def replaces(world: TroubledWorld) -> None:
    """A valid coupling is given up for another one."""
    pair = PairToCouple(
        business_central_id=customer(world, "Adatum"), dataverse_id=account(world, "Fabrikam"), replace=True
    )
    await couple(world.services, CoupleRequest(mapping="CUSTOMER", pairs=(pair,)), ANNA)


async def uncouples_all(world: TroubledWorld) -> None:
    """Every coupling of the mapping, and the person's with it."""
    await uncouple(world.services, UncoupleRequest(mappings=("CUSTOMER",), all=True), ANNA)


async def uncouples_one(world: TroubledWorld) -> None:
    """One by its row."""
    request = UncoupleRequest(mappings=("CUSTOMER",), dataverse_ids=(account(world, "Adatum"),))
    await uncouple(world.services, request, ANNA)


async def creates_while_busy(world: TroubledWorld) -> None:
    """Two new records, the first of which is turned away at first."""
    world.customer(displayName="Another")
    names = ("Only in Business Central", "Another")
    pairs = tuple(PairToCouple(business_central_id=customer(world, name), create_new=True) for name in names)
    world.trouble.losses = [("dataverse", Loss.BUSY)]
    await couple(world.services, CoupleRequest(mapping="CUSTOMER", pairs=pairs), ANNA)


async def merges(world: TroubledWorld) -> None:
    """A pair edited on both sides."""
    world.business_central.edit(CUSTOMERS, customer(world, "Adatum"), {"email": "a@b.example"})
    world.dataverse.edit(ACCOUNT, account(world, "Adatum"), {"telephone1": "9"})
    request = SyncNowRequest(mapping="CUSTOMER", dataverse_ids=(account(world, "Adatum"),), choice=SyncChoice.MERGE)
    await sync_now(world.services, request, ANNA)


async def previews(world: TroubledWorld) -> None:
    """A preview of a full synchronization."""
    await request_previews(world.services, PreviewStart(mapping="CUSTOMER", what=PreviewKind.FULL), ANNA)


async def carries_out(world: TroubledWorld) -> None:
    """That preview with new records on both sides and an edit, and another of an uncoupling."""
    world.dataverse.edit(ACCOUNT, account(world, "Adatum"), {"telephone1": "9"})
    gone = PreviewStart(mapping="CUSTOMER", what=PreviewKind.UNCOUPLE, dataverse_ids=(account(world, "Fabrikam"),))
    asked = [PreviewStart(mapping="CUSTOMER", what=PreviewKind.FULL), gone]
    started = [await request_previews(world.services, one, ANNA) for one in asked]
    await work_off(world)
    for one in started:
        await carry_out_preview(world.services, one.jobs["CUSTOMER"], release_guard=True, caller=ANNA)


async def work_off(world: TroubledWorld) -> bool:
    """Deliver until no task waits any more; whether the host was killed."""
    return await deliver_until_rest(world, lambda: waiting(world))


async def waiting(world: TroubledWorld) -> list[str]:
    """The tasks that have not ended."""
    services = World.instance(world)
    names = [stored.mapping.name for stored in await services.mappings.all()]
    return [one for name in names for one in (await services.runs(name).state()).waiting]


async def snapshot(world: TroubledWorld) -> dict[str, Any]:
    """What is left of it all, without ids: records, couplings, counters; and what must not be left."""
    names = {key: row["displayName"] for key, row in world.business_central.rows(CUSTOMERS).items()}
    rows = {key: row["name"] for key, row in world.dataverse.rows(ACCOUNT).items()}
    couplings = await world.services.couplings("CUSTOMER").all()
    jobs, _ = await world.services.jobs.page(None, 100)
    tasks = [job for job in jobs if job.requested_by == "Anna"]
    told = sorted((job.mapping, job.type, job.direction, _counted(job), job.status) for job in tasks)
    left = {name: await _left(world, name) for name in ("CUSTOMER", "CONTACT", "VENDOR")}
    return {
        "customers": sorted(map(str, names.values())),
        "accounts": sorted(
            (str(row["name"]), str(row["telephone1"])) for row in world.dataverse.rows(ACCOUNT).values()
        ),
        "vendors": len(world.business_central.rows(VENDORS)),
        "couplings": sorted(
            (str(names.get(one.business_central.id)), str(rows.get(one.dataverse.id))) for one in couplings
        ),
        "jobs": told,
        "left": left,
    }


def _counted(job: Job) -> str:
    """What a repetition may tell as unchanged was written before: apart from that, counters are exact."""
    return str({name: count for name, count in asdict(job.counters).items() if name not in ("modified", "unchanged")})


async def _left(world: TroubledWorld, mapping: str) -> tuple[int, int, list[str], int, int]:
    state = await world.services.runs(mapping).state()
    partition = f"default|{mapping}"
    documents = [
        row.key for prefix in (PART, JOURNAL) for row in await world.state.scan(TABLE, partition, prefix=prefix)
    ]
    couplings = world.services.couplings(mapping)
    return state.coupled, len(await couplings.all()), documents, len(await couplings.open_intents()), len(state.waiting)


@pytest.mark.parametrize(
    ("asks", "policy"),
    [
        pytest.param(couples, LONG, id="couple in one slice"),
        pytest.param(couples, SHORT, id="couple in many slices"),
        pytest.param(replaces, LONG, id="replace a coupling"),
        pytest.param(uncouples_all, SHORT, id="uncouple all"),
        pytest.param(uncouples_one, LONG, id="uncouple one"),
        pytest.param(merges, SHORT, id="merge a pair"),
        pytest.param(creates_while_busy, LONG, id="create while a service is busy"),
        pytest.param(previews, SHORT, id="preview"),
        pytest.param(carries_out, LONG, id="carry out previews"),
        pytest.param(carries_out, SHORT, id="carry out previews in many slices"),
    ],
)
async def test_killed_anywhere_and_delivered_again_a_task_ends_the_same(asks: Asks, policy: Policy) -> None:
    world = await prepared(policy)
    await asks(world)
    whole = copy_of(world)
    whole.trouble.arm()
    assert not await work_off(whole)
    calls, expected = whole.trouble.calls, await snapshot(whole)
    for call in range(1, calls + 1, 3 if policy is SHORT else 1):  # between slices little happens
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.kill})
        assert await work_off(again)
        assert await snapshot(again) == expected, f"killed before call {call} of {calls}"


@pytest.mark.parametrize("asks", [merges, uncouples_one])
async def test_whatever_call_fails_a_task_ends_the_same(asks: Asks) -> None:
    world = await prepared(LONG)
    await asks(world)
    whole = copy_of(world)
    whole.trouble.arm()
    await work_off(whole)
    calls, expected = whole.trouble.calls, await snapshot(whole)
    for call in range(1, calls + 1):
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.fail})
        await work_off(again)
        assert await snapshot(again) == expected, f"call {call} of {calls} failed"


@pytest.mark.parametrize("asks", [couples, uncouples_all])
async def test_a_request_that_dies_leaves_a_whole_task_or_none(asks: Asks) -> None:
    world = await prepared(LONG)
    before = await snapshot(world)
    whole = copy_of(world)
    whole.trouble.arm()
    await asks(whole)
    for call in range(1, whole.trouble.calls + 1):
        again = copy_of(world)
        again.trouble.arm({call: again.trouble.kill})
        with pytest.raises(HostKilled):
            await asks(again)
        await work_off(again)
        after = await snapshot(again)
        assert all(one[-1] == "succeeded" for one in after["jobs"])
        assert (after["couplings"] == before["couplings"]) is (after["jobs"] == []), call
