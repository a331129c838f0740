"""The machine finds what it is there to find: faults are planted one at a time, and each must break a law."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

import shared.core.merge
import shared.core.remember
import shared.services.apply
import shared.services.observe
import shared.services.page
import shared.services.pipeline
from shared.core.mapping import Mapping, UpdateConflictResolution
from shared.core.records import Update
from shared.core.sides import Side
from shared.services.repositories.couplings import CouplingRepository
from shared.services.repositories.work_items import WorkItemRepository
from tests.simulation.machine import PeopleAndRuns
from tests.simulation.profile import play

type Plant = Callable[[pytest.MonkeyPatch], None]


async def _nothing(*_: object) -> None:
    return None


def the_base_is_not_stored(patch: pytest.MonkeyPatch) -> None:
    """Versions move on after a write, what both sides agreed on does not."""
    right = shared.core.remember.remembered

    def wrong(mapping: Any, coupling: Any, *rest: Any) -> Any:
        after = right(mapping, coupling, *rest)
        for side in Side:
            base = coupling.at(side).base or after.at(side).base
            after = after.with_end(side, replace(after.at(side), base=base))
        return after

    patch.setattr("shared.core.plan.remembered", wrong)


def writes_name_no_version(patch: pytest.MonkeyPatch) -> None:
    """Rows are overwritten whatever has become of them since they were read."""
    right = shared.services.apply._write

    def wrong(*arguments: Any) -> Any:
        write = right(*arguments)
        return replace(write, etag=None) if isinstance(write, Update) else write

    patch.setattr(shared.services.apply, "_write", wrong)


def creates_are_not_written_ahead(patch: pytest.MonkeyPatch) -> None:
    """A create is sent without a word in the journal."""
    right = shared.services.apply.entries
    patch.setattr(shared.services.apply, "entries", lambda _, changes: right((), changes))


def changes_are_not_written_ahead(patch: pytest.MonkeyPatch) -> None:
    """A change is sent without a word in the journal."""
    right = shared.services.apply.entries
    patch.setattr(shared.services.apply, "entries", lambda intents, _: right(intents, ()))


def the_position_is_stored_before_the_work(patch: pytest.MonkeyPatch) -> None:
    """The feeds go on behind a page before that page is worked off."""
    right = shared.services.pipeline.pair_page

    async def wrong(work: Any, page: Any, *rest: Any) -> Any:
        shared.services.pipeline.advance(work, page.progress)
        await work.ledger.write()
        return await right(work, page, *rest)

    patch.setattr(shared.services.pipeline, "pair_page", wrong)


def conflicts_are_decided_silently(patch: pytest.MonkeyPatch) -> None:
    """Business Central wins although nobody said so."""
    right = shared.core.merge.merge

    def wrong(mapping: Mapping, *rest: Any) -> Any:
        if mapping.update_conflict_resolution is UpdateConflictResolution.NONE:
            wins = UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION
            mapping = mapping.model_copy(update={"update_conflict_resolution": wins})
        return right(mapping, *rest)

    patch.setattr("shared.core.plan.merge", wrong)


def an_echo_is_a_change(patch: pytest.MonkeyPatch) -> None:
    """Whatever comes with the feed counts as edited, also what the app itself has written."""
    patch.setattr(shared.core.merge._Merging, "_has_moved", lambda *_: True)


def work_items_are_not_stored(patch: pytest.MonkeyPatch) -> None:
    """What cannot be done is forgotten."""
    patch.setattr(WorkItemRepository, "put", _nothing)


def deletions_are_overlooked(patch: pytest.MonkeyPatch) -> None:
    """What the feed tells of deleted rows is dropped."""
    right = shared.services.observe.pairs_of

    async def wrong(work: Any, observed: Any, couplings: Any) -> Any:
        observed.deleted = {side: set() for side in Side}
        return await right(work, observed, couplings)

    patch.setattr("shared.services.page.pairs_of", wrong)


def couplings_of_creates_get_lost(patch: pytest.MonkeyPatch) -> None:
    """A new record is not coupled with what was made of it."""

    async def wrong(_: CouplingRepository, couplings: Sequence[object], intents: Sequence[object] = ()) -> list[object]:
        return []

    patch.setattr(CouplingRepository, "add", wrong)


class FewPeople(PeopleAndRuns):
    """Fewer records: everybody meets at them, and a fault shows sooner."""

    most_records = 2


PLANTS: list[Plant] = [
    the_base_is_not_stored,
    writes_name_no_version,
    creates_are_not_written_ahead,
    changes_are_not_written_ahead,
    the_position_is_stored_before_the_work,
    conflicts_are_decided_silently,
    an_echo_is_a_change,
    work_items_are_not_stored,
    deletions_are_overlooked,
    couplings_of_creates_get_lost,
]
ROUNDS, ROUND = 40, 25


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        _play_on()


def _play_on() -> None:
    for number in range(ROUNDS):
        play(FewPeople, number, ROUND, shrink=False)
