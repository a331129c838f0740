"""Kills the host in the middle of what it does, and starts it again."""

from __future__ import annotations

import time

from infra.local.chaos.plan import Plan
from infra.local.functions_host.stopping import Stop
from infra.local.stack import Stack

HOST = "functions_host"


class Killer:
    """Kills at random moments; `kills` counts them, `seconds_away` is how long the host was not there in all."""

    def __init__(self, plan: Plan, stack: Stack) -> None:
        self.kills = 0
        self.seconds_away = 0.0
        self._plan = plan
        self._stack = stack
        self._chance = plan.chance("kills")

    async def kill(self, until: int, over: Stop) -> None:
        """Kill until so many kills have been made in all, or until it is over; the host is there in the end."""
        while self.kills < until:
            if await over.within(self._chance.uniform(self._plan.shortest_life, self._plan.longest_life)):
                return
            started = time.monotonic()
            await self._stack.kill(HOST)
            self.kills += 1
            await self._stack.start(HOST)
            self.seconds_away += time.monotonic() - started
