"""How the simulation is run: bounded and repeatable by default, longer when asked for."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("SIMULATION_EXAMPLES", "0"))
STEPS = 25


def profile(examples: int, *, shrink: bool = True) -> settings:
    """So many examples of STEPS steps; with SIMULATION_EXAMPLES so many, and different ones every time.

    A failure prints its steps and a blob for `@reproduce_failure`; both repeat it.
    """
    phases = [Phase.generate, Phase.shrink] if shrink else [Phase.generate]
    return settings(
        max_examples=EXAMPLES or examples,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        database=None,
        deadline=None,
        phases=phases,
        print_blob=True,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
