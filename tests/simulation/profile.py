"""How the simulation is run: in rounds, each with a number that repeats it."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from itertools import count

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

EXAMPLES = int(os.environ.get("SIMULATION_EXAMPLES", "0"))
SEED = os.environ.get("SIMULATION_SEED")
STEPS = 25


def seeds() -> Iterator[int]:
    """The numbers of the rounds: the same ones every time; others when more examples or a certain one are asked for."""
    if SEED is not None:
        return iter([int(SEED)])
    return count(random.randrange(1_000_000) * 1000 if EXAMPLES else 1)


def play(machine: type[RuleBasedStateMachine], number: int, examples: int, *, shrink: bool = True) -> None:
    """One round of so many examples. What it finds is told with the number, the steps, and a blob to repeat them."""
    profile = settings(
        max_examples=examples,
        stateful_step_count=STEPS,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(seed(number)(type(machine.__name__, (machine,), {})), settings=profile)
    except Exception as error:
        error.add_note(f"SIMULATION_SEED={number} repeats this round")
        raise
