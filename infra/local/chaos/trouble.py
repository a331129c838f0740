"""Faults that both services keep having meanwhile: throttling, outages of a moment, and answers that get lost."""

from __future__ import annotations

from collections import Counter

from infra.local.chaos.company import Systems, Where
from infra.local.chaos.plan import Plan
from infra.local.demo.clients import Row
from infra.local.functions_host.stopping import Stop

_WRITING = "POST|PATCH|DELETE"
FAULTS: dict[str, Row] = {
    "answer lost after the commit": {"method": _WRITING, "after_commit": True},
    "answer to a batch lost after the commit": {"method": "POST", "route": "batch", "after_commit": True},
    "gateway gave up after the commit": {"method": _WRITING, "after_commit": True, "status": 504},
    "throttled": {"status": 429, "headers": {"Retry-After": "1"}},
    "not available": {"status": 503, "headers": {"Retry-After": "1"}},
    "slow": {"delay_ms": 700},
}
"""What can happen to a request, as it is ordered from a simulator."""


class Trouble:
    """Orders faults one by one; `ordered` counts them by kind."""

    def __init__(self, plan: Plan, systems: Systems) -> None:
        self.ordered: Counter[str] = Counter()
        self._plan = plan
        self._systems = systems
        self._chance = plan.chance("trouble")

    async def go_on(self, over: Stop) -> None:
        """Order one fault at a time from each until it is over, then take back what has not happened."""
        while not over.is_requested:
            name, where = self._chance.choice(list(FAULTS)), self._chance.choice(list(Where))
            if not (await self._systems[where].send("GET", "/_simulator/faults")).json()["refuse"]:
                await self._systems[where].send("POST", "/_simulator/faults", {"refuse": [FAULTS[name]]})
                self.ordered[name] += 1
            await over.within(self._chance.expovariate(self._plan.faults_a_second))
        for system in self._systems.values():
            await system.send("DELETE", "/_simulator/faults")
