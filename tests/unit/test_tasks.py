"""Tasks over the ports in memory: couple, uncouple, synchronize now."""

from __future__ import annotations

from shared.core.access import Caller
from shared.core.coupling_requests import AfterCoupling
from shared.core.jobs import Job, JobType
from shared.core.sides import Side
from shared.services.coupling_pairs import couple
from shared.services.forms.coupling import CoupleAnswer, CoupleRequest, PairOutcome, PairToCouple
from shared.services.forms.uncoupling import UncoupleAnswer, UncoupleRequest
from shared.services.uncoupling_records import uncouple
from tests.world import ACCOUNT, CONTACT, CONTACTS, CUSTOMERS, World

ANNA = Caller("Anna")


async def coupled(
    world: World, *pairs: PairToCouple, after: AfterCoupling = AfterCoupling.NO
) -> tuple[CoupleAnswer, Job | None]:
    request = CoupleRequest(mapping="CUSTOMER", pairs=pairs, synchronize_after_coupling=after)
    answer = await couple(world.services, request, ANNA)
    await world.work_off()
    return answer, await world.services.jobs.get(answer.job.id) if answer.job else None


async def uncoupled(world: World, **request: object) -> tuple[UncoupleAnswer, list[Job]]:
    answer = await uncouple(world.services, UncoupleRequest.model_validate(request), ANNA)
    await world.work_off()
    return answer, await world.services.jobs.get_many([job.id for job in answer.jobs])


async def pairs_of(world: World, mapping: str = "CUSTOMER") -> set[tuple[str, str]]:
    found = await world.services.couplings(mapping).all()
    return {(one.business_central.id, one.dataverse.id) for one in found}


async def test_two_records_are_coupled_and_synchronized_with_the_data_of_one() -> None:
    world = World()
    customer = world.customer(displayName="Adatum", phoneNumber="1")
    account = world.account(name="Adatum Corp", telephone1="2")
    pair = PairToCouple(business_central_id=customer, dataverse_id=account)
    answer, job = await coupled(world, pair, after=AfterCoupling.WITH_DATAVERSE_DATA)
    assert job is not None
    assert answer.pairs[0].outcome is PairOutcome.COUPLE_SCHEDULED
    assert (job.type, job.requested_by, job.counters.coupled, job.counters.modified) == (JobType.COUPLING, "Anna", 1, 1)
    assert world.row(CUSTOMERS, customer)["displayName"] == "Adatum Corp"
    assert await pairs_of(world) == {(customer, account)}
    assert (await world.services.runs("CUSTOMER").state()).coupled == 1


async def test_a_new_record_is_created_on_either_side() -> None:
    world = World()
    customer = world.customer(displayName="Adatum")
    account = world.account(name="Fabrikam")
    answer, job = await coupled(
        world,
        PairToCouple(business_central_id=customer, create_new=True),
        PairToCouple(dataverse_id=account, create_new=True),
    )
    assert job is not None
    assert job.counters.inserted == 2, job
    assert [pair.outcome for pair in answer.pairs] == [PairOutcome.CREATE_SCHEDULED] * 2
    assert {row["name"] for row in world.dataverse.rows(ACCOUNT).values()} == {"Adatum", "Fabrikam"}
    assert len(await pairs_of(world)) == 2


async def test_uncoupling_a_customer_takes_its_persons_along() -> None:
    world = World()
    await world.open_all()
    account = world.account(name="Adatum")
    await world.synchronize()
    world.dataverse.put(
        CONTACT,
        {"firstname": "Ida", "lastname": "Berg", "parentcustomerid": account, "accountid": account, "statecode": 0},
    )
    await world.synchronize()
    assert len(await pairs_of(world, "CONTACT")) == 1, (await world.items("CONTACT"), world.dataverse.rows(CONTACT))
    answer, jobs = await uncoupled(world, mappings=["CUSTOMER"], dataverse_ids=[account])
    assert answer.scheduled == 1
    assert [(job.type, job.counters.uncoupled) for job in jobs] == [(JobType.UNCOUPLING, 1)]
    assert await pairs_of(world) == await pairs_of(world, "CONTACT") == set()
    assert len(world.business_central.rows(CONTACTS)) > 0
    state = await world.services.runs("CONTACT").state()
    assert (state.waiting, state.coupled) == ([], 0)
    assert Side.DATAVERSE
