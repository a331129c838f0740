"""How the outcome of one pair counts in the jobs of a run (Integration Synch. Job)."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime
from itertools import product

import pytest

from shared.core.actions import Action, Change, Hold, Make, Nothing, Remember, Uncouple
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.jobs import Counters
from shared.core.outcome import Outcome, count
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.retry import WAITING
from shared.core.sides import Side
from tests.unit.core.tables import BC, DV

COUPLING = Coupling(CoupledRecord("b"), CoupledRecord("d"), datetime(2026, 1, 5, tzinfo=UTC))
CHANGE = Change(COUPLING, COUPLING, {})
CONFLICT = Hold(Reason.UPDATE_CONFLICT, "", BC)
BOTH = frozenset(Side)
NOTHING = Counters()


def make(side: Side) -> Make:
    return Make(side, Record("x", {}), {}, {})


def hold(reason: Reason, source: Side) -> Hold:
    return Hold(reason, "", source)


@pytest.mark.parametrize(
    ("outcome", "to", "back"),
    [
        pytest.param(
            Outcome(make(DV), frozenset({BC}), created=DV), Counters(inserted=1), NOTHING, id="created in Dataverse"
        ),
        pytest.param(Outcome(make(BC), frozenset({DV}), created=BC), NOTHING, Counters(inserted=1), id="created in BC"),
        pytest.param(
            Outcome(CHANGE, frozenset({BC}), written={DV}), Counters(modified=1), NOTHING, id="changed in Dataverse"
        ),
        pytest.param(
            Outcome(CHANGE, BOTH, written={DV}),
            Counters(modified=1),
            Counters(unchanged=1),
            id="changed in Dataverse, both seen",
        ),
        pytest.param(
            Outcome(CHANGE, BOTH, written={BC, DV}),
            Counters(modified=1),
            Counters(modified=1),
            id="changed on both sides",
        ),
        pytest.param(
            Outcome(Nothing(Reason.IN_STEP), frozenset({DV})), NOTHING, Counters(unchanged=1), id="nothing to do"
        ),
        pytest.param(
            Outcome(Remember(COUPLING), BOTH), Counters(unchanged=1), Counters(unchanged=1), id="only to be remembered"
        ),
        pytest.param(Outcome(Nothing(Reason.NOT_COUPLED), frozenset({BC})), NOTHING, NOTHING, id="not coupled"),
        pytest.param(Outcome(Nothing(Reason.OUTSIDE_FILTER), frozenset({DV})), NOTHING, NOTHING, id="outside"),
        pytest.param(
            Outcome(CONFLICT, BOTH, held=CONFLICT), Counters(failed=1), Counters(failed=1), id="conflict, both seen"
        ),
        pytest.param(
            Outcome(CONFLICT, frozenset({BC}), held=CONFLICT), Counters(failed=1), NOTHING, id="conflict, one seen"
        ),
        pytest.param(
            Outcome(make(DV), frozenset({BC}), held=hold(Reason.SERVICE_REFUSED, BC)),
            Counters(failed=1),
            NOTHING,
            id="refused in Dataverse",
        ),
        pytest.param(
            Outcome(make(BC), frozenset({DV}), held=hold(Reason.WAITS_FOR_PARENT, DV)),
            NOTHING,
            Counters(skipped=1),
            id="waits for a parent",
        ),
        pytest.param(
            Outcome(CHANGE, BOTH, written={DV}, held=hold(Reason.SERVICE_BUSY, DV)),
            Counters(modified=1),
            Counters(failed=1),
            id="one side written, the other refused",
        ),
        pytest.param(
            Outcome(Uncouple(COUPLING, Reason.COUPLING_REMOVED), frozenset({BC})),
            Counters(uncoupled=1),
            NOTHING,
            id="uncoupled from the survivor",
        ),
        pytest.param(
            Outcome(Uncouple(COUPLING, Reason.BOTH_DELETED), BOTH),
            Counters(uncoupled=1),
            NOTHING,
            id="both deleted, counted once",
        ),
        pytest.param(
            Outcome(Nothing(Reason.IN_STEP), BOTH, coupled=True),
            Counters(unchanged=1, coupled=1),
            Counters(unchanged=1),
            id="coupled by its match fields, counted once",
        ),
        pytest.param(
            Outcome(Nothing(Reason.IN_STEP), frozenset({DV}), coupled=True),
            NOTHING,
            Counters(unchanged=1, coupled=1),
            id="coupled in the pass that saw it",
        ),
    ],
)
def test_an_outcome_counts_in_the_pass_it_belongs_to(outcome: Outcome, to: Counters, back: Counters) -> None:
    assert count(outcome, Side) == {BC: to, DV: back}


def total(counters: Counters) -> int:
    return sum(getattr(counters, each.name) for each in fields(counters) if each.name != "coupled")


def test_a_pass_counts_a_pair_at_most_once_and_misses_none_it_saw() -> None:
    actions: list[Action] = [
        CHANGE,
        make(DV),
        Nothing(Reason.IN_STEP),
        Remember(COUPLING),
        Uncouple(COUPLING, Reason.BOTH_DELETED),
    ]
    seen = [frozenset({BC}), frozenset({DV}), BOTH]
    held = [None, CONFLICT, hold(Reason.SERVICE_BUSY, BC), hold(Reason.WAITS_FOR_PARENT, DV)]
    written: list[set[Side]] = [set(), {BC}, {DV}, {BC, DV}]
    for action, sides, why, done in product(actions, seen, held, written):
        for side, counters in count(Outcome(action, sides, done, why), Side).items():
            assert total(counters) <= 1
            assert total(counters) == 1 or side not in sides or isinstance(action, Uncouple)


@pytest.mark.parametrize("source", list(Side))
def test_a_mapping_of_one_direction_has_one_pass(source: Side) -> None:
    counted = count(Outcome(CHANGE, BOTH, written={source.other}, coupled=True), [source])
    assert counted == {source: Counters(modified=1, coupled=1)}


@pytest.mark.parametrize("reason", list(Reason))
def test_only_waiting_is_skipping(reason: Reason) -> None:
    held = hold(reason, BC)
    counted = count(Outcome(held, BOTH, held=held), Side)[BC]
    assert (counted.skipped, counted.failed) == ((1, 0) if reason in WAITING else (0, 1))
