"""Making the story of a broken law short: leave out the faults and deeds that it does not need."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from tests.simulation.faults import Fault
from tests.simulation.scenario import Plan, scenario_of
from tests.simulation.simulation import Outcome, play

MOST_TRIES = 150
MOST_LINES = 90
_ROUTINE = ("storage.get", "storage.get_many", "storage.scan", "queue.complete", "timer")


def text_of(outcome: Outcome) -> str:
    """The story, what was broken, and how to see it again."""
    verdict = "every law holds" if outcome.broken is None else str(outcome.broken)
    command = f"python3 dev.py simulate {' '.join(outcome.plan.options)}"
    return "\n".join([*lines_of(outcome), f"Seed {outcome.plan.seed}: {verdict}", f"Again: {command}"])


def shortened(outcome: Outcome) -> Outcome:
    """The same law broken with as little as can be, with its story."""
    assert outcome.broken is not None
    law, plan = outcome.broken.law, outcome.plan
    for shorter in islice(_candidates(plan), MOST_TRIES):
        wanted = replace(plan, spared=plan.spared | shorter.spared, skipped=plan.skipped | shorter.skipped)
        broken = play(wanted).broken
        if broken is not None and broken.law == law:
            plan = wanted
    return play(plan, tell=True)


def _candidates(plan: Plan) -> list[Plan]:
    """What could be left out, the big parts first."""
    scenario = scenario_of(plan)
    faults = [fault for fault in Fault if fault in scenario.strengths]
    deeds = list(range(scenario.deeds + scenario.tasks + len(scenario.wishes)))
    half = len(deeds) // 2
    parts = [deeds[half:], deeds[:half], *([deed] for deed in deeds)]
    without = [Plan(plan.seed, skipped=frozenset(part)) for part in parts]
    return [Plan(plan.seed, spared=frozenset({fault})) for fault in faults] + without


def lines_of(outcome: Outcome) -> list[str]:
    """The story to read: without what goes by itself, and its end if it is long."""
    told = [f"{seconds:9.1f} s  {who:<9} {what}" for seconds, who, what in outcome.story if what not in _ROUTINE]
    if len(told) > MOST_LINES:
        return [f"... {len(told) - MOST_LINES} lines before", *told[-MOST_LINES:]]
    return told
