"""Whatever people and bad luck do, everything comes to rest without loss, doubles or disagreement.

Repeatable in the ordinary test run. `SIMULATION_EXAMPLES=2000 pytest tests/simulation/test_people_and_runs.py` searches
longer, and somewhere else every time; what it finds is printed as steps and as a blob for `@reproduce_failure`.
"""

from __future__ import annotations

from hypothesis.stateful import run_state_machine_as_test

from shared.core.sides import Side
from tests.simulation.machine import PeopleAndRuns
from tests.simulation.play import HITS
from tests.simulation.profile import profile
from tests.simulation.trouble import Loss

# What the machine must have come by; a machine that never gets there proves nothing.
REACHED = {
    # deeds
    *("touched", "left the filter", "came back", "a new currency", "settled"),
    *(f"deleted in {side}" for side in Side),
    # bad luck
    *("killed", "delivered twice", "feed expired", "edited during a run", "deleted during a run"),
    *("refused: changed", "refused: gone", *map(str, Loss)),
    # what came of it
    *("created", "carried", "overruled", "taken back"),
    *("held: update_conflict", "held: deletion_conflict", "held: waits_for_parent", "held: service_busy"),
    *("open: update_conflict", "open: deletion_conflict"),
    *(f"counted {name}" for name in ("inserted", "modified", "unchanged", "skipped", "failed", "uncoupled")),
}


def test_everything_comes_to_rest_without_loss_doubles_or_disagreement() -> None:
    HITS.clear()
    run_state_machine_as_test(PeopleAndRuns, settings=profile(100))
    missed = REACHED - HITS.keys()
    assert not missed, f"never reached: {sorted(missed)}; reached: {dict(HITS)}"
