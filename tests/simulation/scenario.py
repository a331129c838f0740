"""What one seed draws: the company, its rules, its people's diligence and its luck."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta

from shared.core.mapping import ConflictScope, DeletionConflictResolution, UpdateConflictResolution, WhenOutsideFilter
from shared.services.context import Policy
from tests.simulation.faults import Fault

WISHES: dict[str, tuple[int, ...]] = {  # families, and how many wishes of each there may be
    "errors": (0, 4, 8),
    "couplings": (0, 0, 6, 12),
    "full": (0, 0, 2, 4),
    "previews": (0, 0, 5, 10),
}
WISHING = (5, 8, 11, 12, 14)  # of sixteen worlds: none of the seeds that are kept in `planted`, so these tell the same


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be played: a seed, less the faults and the deeds that are left out to make its story shorter."""

    seed: int
    spared: frozenset[Fault] = frozenset()
    skipped: frozenset[int] = frozenset()

    @property
    def options(self) -> list[str]:
        """How the command asks for it."""
        words = ["--seed", str(self.seed)]
        words += ["--spare", ",".join(sorted(self.spared))] if self.spared else []
        return words + (["--skip", ",".join(map(str, sorted(self.skipped)))] if self.skipped else [])

    def random(self, purpose: str) -> random.Random:
        """Random numbers of their own for each purpose: more of the one does not change the other."""
        return random.Random(f"{self.seed}/{purpose}")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One world. `settings` are those of its mappings, `strengths` what its luck is like.

    `deeds` is how many things people do within `minutes`, `tasks` how many tasks they ask for, and `wishes` the
    families of what they wish besides; with `repeats` they type a value that was typed before.
    `in_step` worlds have been synchronized once before anything goes wrong. In `by_hand` worlds people couple
    and create customers and persons, and the app does so only when it is asked.
    """

    policy: Policy
    settings: dict[str, object]
    strengths: dict[Fault, float]
    instances: int
    tick: float
    minutes: float
    deeds: int
    tasks: int
    wishes: tuple[str, ...]
    records: int
    repeats: float
    in_step: bool
    by_hand: bool
    stickiness: float
    pace: float
    eagerness: float


def scenario_of(plan: Plan) -> Scenario:
    """Draw it."""
    draw = plan.random("scenario")
    interval = draw.choice([1, 5, 5, 15])
    policy = Policy(
        page_size=draw.choice([1, 2, 3, 10, 1000]),
        slice_time=timedelta(seconds=draw.choice([0, 0, 5, 120])),
        interval=timedelta(minutes=interval),
        sweep_interval=timedelta(minutes=draw.choice([10, 30, 60])),
    )
    settings: dict[str, object] = {
        "update_conflict_resolution": draw.choice([UpdateConflictResolution.NONE, *UpdateConflictResolution]),
        "deletion_conflict_resolution": draw.choice(list(DeletionConflictResolution)),
        "conflict_scope": draw.choice([ConflictScope.FIELD, *ConflictScope]),
        "when_outside_filter": draw.choice([WhenOutsideFilter.RECEIVE_ONLY, WhenOutsideFilter.KEEP_IN_STEP]),
        "inactivity_timeout_minutes": plan.random("inactivity").choice([None, None, 30, 720]),
    }
    wishes = _wishes(plan)
    by_hand = "couplings" in wishes
    if by_hand:
        settings |= {"synch_only_coupled_records": True, "match_by": (("website",),)}
    if "errors" in wishes and plan.random("errors left").random() < 0.7:
        settings["deletion_conflict_resolution"] = DeletionConflictResolution.NONE
    return Scenario(
        policy=policy,
        settings=settings,
        strengths=_strengths(draw),
        instances=draw.choice([1, 2, 2, 3]),
        tick=draw.choice([60.0, 120.0]),
        minutes=draw.choice([4.0, 8.0, 15.0]),
        deeds=draw.choice([4, 8, 14]),
        tasks=plan.random("tasks").choice([0, 0, 0, 2, 5]),
        wishes=wishes,
        records=draw.choice([1, 1, 2]),
        repeats=draw.choice([0.0, 0.0, 0.2]),
        in_step=draw.random() < 0.6,
        by_hand=by_hand,
        stickiness=draw.choice([0.0, 0.5, 0.9]),
        pace=draw.choice([0.05, 0.5, 3.0]),
        eagerness=draw.choice([0.05, 0.3]),
    )


def _wishes(plan: Plan) -> tuple[str, ...]:
    """Each family in some of the worlds in which people wish anything: what is added leaves the others as they are."""
    if plan.seed % 16 not in WISHING:
        return ()
    drawn = {name: plan.random(f"{name} wishes").choice(numbers) for name, numbers in WISHES.items()}
    wishes = [name for name, number in drawn.items() for _ in range(number)]
    plan.random("order of wishes").shuffle(wishes)
    return tuple(wishes)


def _strengths(draw: random.Random) -> dict[Fault, float]:
    """Some worlds know one kind of bad luck only, some all of them; some have a little, some a lot."""
    share = draw.choice([0.1, 0.3, 0.3, 0.6, 1.0])
    how_bad = draw.choice([0.5, 1.0, 2.0, 4.0])
    return {fault: how_bad * (0.3 + draw.random()) for fault in Fault if draw.random() < share}
