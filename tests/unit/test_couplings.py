"""Couplings are told some at a time, each once, however many are asked for and whichever way they are read."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from shared.core.coupling import CoupledRecord, Coupling
from shared.core.sides import Side
from shared.memory.clock import START, SequentialIds
from shared.memory.state import MemoryState
from shared.ports import StateRow
from shared.services.repositories.couplings import PAGE, CouplingRepository

MANY = 2 * PAGE + 500


class WatchedState(MemoryState):
    """Keeps how many documents were read at a time by their keys."""

    def __init__(self) -> None:
        super().__init__()
        self.read_at_once: list[int] = []

    async def get_many(self, table: str, partition: str, keys: Sequence[str]) -> dict[str, StateRow]:
        """See StateStore."""
        self.read_at_once.append(len(keys))
        return await super().get_many(table, partition, keys)


@pytest.fixture(scope="module")
async def stored() -> tuple[WatchedState, list[Coupling]]:
    """Many couplings, in the order of their ids."""
    state, here, there = WatchedState(), SequentialIds(1), SequentialIds(2)
    couplings = [Coupling(CoupledRecord(here.new()), CoupledRecord(there.new()), START) for _ in range(MANY)]
    await CouplingRepository(state, "default", "CUSTOMER").add(couplings)
    return state, couplings


@pytest.mark.parametrize("coupled", [None, MANY], ids=["one by one", "read through"])
async def test_couplings_are_told_in_pieces_and_each_once(
    stored: tuple[WatchedState, list[Coupling]], coupled: int | None
) -> None:
    state, couplings = stored
    pieces: list[list[str]] = []

    async def take(piece: Sequence[Coupling]) -> None:
        pieces.append([one.business_central.id for one in piece])

    some, others = couplings[: PAGE + 300], couplings[PAGE : 2 * PAGE + 200]  # many are wanted by either end
    wanted = {
        Side.BUSINESS_CENTRAL: [*(one.business_central.id for one in some), "00000009-0000-4000-8000-000000000001"],
        Side.DATAVERSE: [one.dataverse.id for one in others],
    }
    await CouplingRepository(state, "default", "CUSTOMER", coupled).tell(wanted, take)
    told = [one for piece in pieces for one in piece]
    assert sorted(told) == [one.business_central.id for one in couplings[: 2 * PAGE + 200]]
    assert max(map(len, pieces)) <= PAGE


async def test_what_is_read_one_by_one_is_never_held_at_once(stored: tuple[WatchedState, list[Coupling]]) -> None:
    state, couplings = stored
    state.read_at_once.clear()
    found = await CouplingRepository(state, "default", "CUSTOMER").find(
        Side.DATAVERSE, [one.dataverse.id for one in couplings]
    )
    assert list(found.values()) == couplings
    assert (sum(state.read_at_once), max(state.read_at_once)) == (2 * MANY, PAGE)
