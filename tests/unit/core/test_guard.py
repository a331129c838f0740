"""What a run may take away before it stops and asks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from shared.core.actions import Action, Change, Hold, Make, Nothing, Remember, Uncouple
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.damage import Damage
from shared.core.guard import ALWAYS_ALLOWED, complaint, damage_of, total
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Values
from tests.unit.core.tables import BC, DV, line, mapping

COUPLING = Coupling(CoupledRecord("b"), CoupledRecord("d"), datetime(2026, 1, 5, tzinfo=UTC))
SOURCE = Record("d", {})


def change(writes: dict[Side, Values]) -> Change:
    return Change(COUPLING, COUPLING, writes)


@pytest.mark.parametrize(
    ("action", "damage"),
    [
        (Uncouple(COUPLING, Reason.COUPLING_REMOVED), Damage(uncoupled=1)),
        (Make(BC, SOURCE, {}, {}, Reason.RESTORED, replaces=COUPLING), Damage(restored=1)),
        (Make(BC, SOURCE, {}, {}), Damage()),
        (change({BC: {"a_bu": None}}), Damage(blanked=1)),
        (change({BC: {"a_bu": None, "b_bu": None}, DV: {"a_da": None}}), Damage(blanked=1)),
        (change({BC: {"a_bu": "new", "c_bu": None}}), Damage()),
        (change({}), Damage()),
        (Remember(COUPLING), Damage()),
        (Nothing(Reason.IN_STEP), Damage()),
        (Hold(Reason.DELETION_CONFLICT, "", BC), Damage()),
    ],
)
def test_only_what_cannot_be_taken_back_is_damage(action: Action, damage: Damage) -> None:
    """c is blank already: writing a blank over it takes nothing away."""
    before: dict[Side, Values] = {BC: {"a_bu": "x", "b_bu": "y", "c_bu": None}, DV: {"a_da": "x"}}
    assert damage_of(action, before) == damage


@pytest.mark.parametrize(
    ("percent", "coupled", "records", "stops"),
    [
        (25, 0, ALWAYS_ALLOWED, False),
        (25, 0, ALWAYS_ALLOWED + 1, True),
        (25, 100, 25, False),
        (25, 100, 26, True),
        (0, 1000, ALWAYS_ALLOWED, False),
        (0, 1000, ALWAYS_ALLOWED + 1, True),
        (100, 1000, 1000, False),
        (100, 0, 1000, False),
    ],
)
def test_a_run_stops_beyond_the_share_but_never_for_a_handful(
    percent: int, coupled: int, records: int, stops: bool
) -> None:
    for damage in (Damage(uncoupled=records), Damage(restored=records), Damage(blanked=records)):
        assert (complaint(mapping(line("a"), guard_percent=percent), damage, coupled) is not None) is stops


def test_the_kinds_of_damage_count_together_and_are_named() -> None:
    damage = total([Damage(uncoupled=7), Damage(restored=5), Damage(blanked=3), Damage()])
    assert damage == Damage(7, 5, 3)
    text = complaint(mapping(line("a")), damage, 40)
    assert text is not None
    for part in ("of 40", "uncouple 7", "create 5 anew", "of 3", "10 are allowed", "guard_percent 25", "TEST"):
        assert part in text
