"""Several instances over one state store: who is told what, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.core.budget import FORGOTTEN_AFTER, REFRESH_EVERY, WHOLE, Share
from shared.core.failures import Passing
from shared.core.sides import Side
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds, SettableClock
from shared.memory.dataverse import MemoryDataverse
from shared.memory.queue import MemoryQueue
from shared.memory.state import MemoryState
from shared.services.context import Facts, Services
from shared.services.share_of_budget import PARTITION, TABLE
from tests.world import CUSTOMERS, TABLES

BC, DV = Side


class CountedState(MemoryState):
    """A state store that counts what it is asked."""

    transactions = 0

    async def scan(self, *arguments: object, **named: object) -> list:  # type: ignore[override, type-arg]
        self.transactions += 1
        return await super().scan(*arguments, **named)  # type: ignore[arg-type]

    async def transact(self, *arguments: object) -> dict[str, str]:  # type: ignore[override]
        self.transactions += 1
        return await super().transact(*arguments)  # type: ignore[arg-type]


class Cluster:
    """Instances of the app, each with connectors and a budget of its own, over one storage."""

    def __init__(self, instances: int) -> None:
        self.clock = SettableClock()
        self.state = CountedState()
        self.ids = SequentialIds(1)
        self.stores = [self._stores() for _ in range(instances)]
        self.instances = [self._services(*stores) for stores in self.stores]

    async def refresh(self, *which: int) -> None:
        """These instances (all when none is named) consult the budget."""
        for number in which or range(len(self.instances)):
            await self.instances[number].budget.refresh(self.instances[number])

    async def next_refresh(self, *which: int) -> None:
        """The same when the time for it has come."""
        self.clock.advance(seconds=REFRESH_EVERY.total_seconds())
        await self.refresh(*which)

    def shares(self, side: Side = BC) -> list[Share]:
        """What each instance was told."""
        return [stores[0 if side is BC else 1].share for stores in self.stores]

    def _stores(self) -> tuple[MemoryBusinessCentral, MemoryDataverse]:
        return MemoryBusinessCentral(self.clock, self.ids), MemoryDataverse(self.clock, self.ids)

    def _services(self, business_central: MemoryBusinessCentral, dataverse: MemoryDataverse) -> Services:
        return Services(
            connection="default",
            business_central=business_central,
            dataverse=dataverse,
            state=self.state,
            queue=MemoryQueue(self.clock),
            clock=self.clock,
            ids=self.ids,
            tables=TABLES,
            standard_mappings=(),
            facts=Facts(self.clock),
        )


@pytest.mark.parametrize("side", Side)
async def test_who_comes_and_goes_changes_the_shares_of_the_others(side: Side) -> None:
    cluster = Cluster(3)
    await cluster.refresh(0)
    assert cluster.shares(side) == [WHOLE, WHOLE, WHOLE]
    await cluster.refresh(1)
    assert cluster.shares(side)[1] == Share(1, 2)
    await cluster.next_refresh()
    await cluster.next_refresh()
    assert cluster.shares(side) == [Share(0, 3), Share(1, 3), Share(2, 3)]
    for _ in range(5):
        await cluster.next_refresh(0, 2)
    assert cluster.shares(side)[0] == Share(0, 2)
    assert cluster.shares(side)[2] == Share(1, 2)


async def test_a_pause_that_one_was_told_holds_for_the_other_until_it_is_over() -> None:
    cluster = Cluster(2)
    (told, _), (other, other_dataverse) = cluster.stores
    told.throttle(60)
    await cluster.refresh()
    with pytest.raises(Passing) as refused:
        await other.all(CUSTOMERS, ["number"])
    assert refused.value.retry_after == 60
    assert other.paused_until() is None, "what it hears from others is not its own to tell"
    assert await other_dataverse.all(TABLES[DV, "account"], ["name"]) == []
    cluster.clock.advance(seconds=60)
    await cluster.refresh()
    assert await other.all(CUSTOMERS, ["number"]) == []


async def test_however_often_it_is_consulted_the_storage_is_asked_twice_in_twenty_seconds() -> None:
    cluster = Cluster(2)
    for _ in range(100):
        await cluster.refresh()
        cluster.clock.advance(seconds=0.19)
    assert cluster.state.transactions == 2 * 2


async def test_the_traces_of_instances_of_long_ago_are_removed() -> None:
    cluster = Cluster(2)
    await cluster.refresh()
    cluster.clock.advance(seconds=(FORGOTTEN_AFTER + timedelta(seconds=1)).total_seconds())
    await cluster.next_refresh(0)
    await cluster.next_refresh(0)
    assert len(await cluster.state.scan(TABLE, PARTITION)) == 1


async def test_connections_that_sign_in_as_the_same_user_share_what_that_user_is_granted() -> None:
    """Two processes of two connections each: the company is another one, the Business Central environment the same."""
    cluster = Cluster(2)
    further = []
    for services in cluster.instances:
        stores = cluster._stores()
        stores[1].account = "another environment"
        further.append(replace(services, connection="NORTH", business_central=stores[0], dataverse=stores[1]))
    await cluster.refresh(0)
    await further[1].budget.refresh(further[1])
    await cluster.next_refresh(0)
    business_central, dataverse = further[1].business_central, further[1].dataverse
    assert isinstance(business_central, MemoryBusinessCentral)
    assert isinstance(dataverse, MemoryDataverse)
    assert {business_central.share, cluster.shares(BC)[0]} == {Share(0, 2), Share(1, 2)}
    assert (dataverse.share, cluster.shares(DV)[0]) == (WHOLE, WHOLE)


async def test_a_pause_that_one_connection_was_told_holds_for_the_other_of_the_same_process() -> None:
    cluster = Cluster(1)
    told = cluster.stores[0][0]
    stores = cluster._stores()
    north = replace(cluster.instances[0], connection="NORTH", business_central=stores[0], dataverse=stores[1])
    told.throttle(60)
    await cluster.refresh()
    await north.budget.refresh(north)
    with pytest.raises(Passing):
        await stores[0].all(CUSTOMERS, ["number"])
    assert await stores[1].all(TABLES[DV, "account"], ["name"]) == []
