"""What people wish that costs somebody something, or makes what was not: asked for while everything else goes on.

Each family of wishes says what is asked for, what the judge must allow for it (see `Leave`), and what has to be so once
it is done.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from shared.core.access import Caller
from shared.core.jobs import Job
from shared.services.context import Services
from shared.services.problems import Problem
from tests.simulation.leave import Asked, Leave
from tests.simulation.ledger import Broken
from tests.simulation.town import Town

type Work = Callable[[Services, Caller], Coroutine[Any, Any, Iterable[str] | None]]
type Family = Callable[[random.Random, Town], "Wish | None"]


@dataclass(frozen=True, slots=True)
class Wish:
    """One wish: what to call it, the call that asks for it (it answers the ids of jobs, None where it tells none), what
    it may cost, and what must be so at the end of its jobs where they have done it for every record.
    """

    what: str
    work: Work
    leaves: Callable[[Asked], Sequence[Leave]] = lambda asked: ()
    done: Callable[[Asked], None] | None = None


class Wishes:
    """Whoever wishes something, and the jobs that were promised."""

    def __init__(self, town: Town, families: dict[str, Family]) -> None:
        self._town = town
        self._families = families
        self._promised: set[str] = set()

    def plan(self, first: int, names: Sequence[str], minutes: float) -> None:
        """Spread wishes of these families over the time; they count on from the deeds and tasks."""
        town = self._town
        when = town.plan.random("when wishes")
        for number, name in enumerate(names, first):
            at = town.time.seconds + when.random() * minutes * 60
            if number not in town.plan.skipped:
                town.scheduler.at(at, partial(self._wish, number, name))

    def check(self, jobs: Sequence[Job]) -> None:
        """What was promised is there. Raises Broken."""
        if missing := self._promised - {job.id for job in jobs}:
            raise Broken("what was promised is done", f"there is no job {', '.join(sorted(missing))}")

    def _wish(self, number: int, name: str) -> None:
        town, draw = self._town, self._town.plan.random(f"wish {number}")
        hosts = town.well_hosts()
        wish = self._families[name](draw, town) if hosts else None
        if wish is None:
            return
        host = draw.choice(hosts)
        asked = Asked(f"Anna {number}", host, lambda: (town.time.seconds, town.ledger.edits), done=wish.done)
        town.jobs.asked[asked.label] = asked
        town.ledger.leaves += wish.leaves(asked)
        host.spawn(self._ask(wish, asked, host.services), f"is asked to {wish.what}")

    async def _ask(self, wish: Wish, asked: Asked, services: Services) -> None:
        town = self._town
        try:
            jobs = await wish.work(services, Caller(asked.label))
        except Problem as refusal:
            asked.is_certain = True
            town.scheduler.tell("people", f"refused: {refusal}")
        else:
            asked.is_certain = True
            self._promised |= set(jobs or ())
            town.ledger.happened[wish.what] += jobs is None or bool(jobs)
        finally:
            asked.answered = town.ledger.edits
