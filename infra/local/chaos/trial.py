"""The whole story: a first load, then a working day, with the host killed all the time; then quiet, then the laws."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.chaos.asking import PAUSE, Asking
from infra.local.chaos.company import MAPPING, Company, Where
from infra.local.chaos.judge import judge
from infra.local.chaos.killer import HOST, Killer
from infra.local.chaos.messages import left_over
from infra.local.chaos.people import People
from infra.local.chaos.plan import Plan
from infra.local.chaos.trouble import Trouble
from infra.local.demo.clients import App, System, business_central, dataverse
from infra.local.functions_host.stopping import Stop
from infra.local.stack import Stack, local_stack

SETTINGS = {
    "SYNC_SCHEDULE": "*/2 * * * * *",
    # A request that was sent to a simulator is done within a second or never: nobody has to wait ten minutes for it.
    "SYNC_IN_DOUBT_SECONDS": "5",
    "SYNC_RESEND_SECONDS": "10",
    "SYNC_ABANDONED_SECONDS": "60",
    "AzureFunctionsJobHost__extensions__serviceBus__sessionIdleTimeout": "00:00:00.3",
}
LOAD, DAY, REST = "first load", "working day", "coming to rest"
QUIET_RUNS = 2
"""So many runs in a row must write nothing and leave nothing waiting before all counts as quiet."""
LAST_RUN = 60.0  # seconds


@dataclass
class Report:
    """What happened, while it happens: shown meanwhile and in the end."""

    plan: Plan
    phase: str = "start"
    seconds: dict[str, float] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    seconds_away: float = 0
    records: int = 0
    edits: int = 0
    runs: int = 0
    failed_runs: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    complaints: list[str] = field(default_factory=list)
    folder: Path | None = None
    """Where the logs are."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What led to the parts of the stack."""


type Tell = Callable[[Report], None]


async def trial(plan: Plan, tell: Tell, settings: Mapping[str, str] | None = None) -> Report:
    """Start a stack, tell the story, and report. `tell` is given the report again and again."""
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(local_stack(settings=SETTINGS | dict(settings or {}), empty=True))
        app = await exits.enter_async_context(App(stack))
        systems = {
            Where.BUSINESS_CENTRAL: await exits.enter_async_context(business_central(stack)),
            Where.DATAVERSE: await exits.enter_async_context(dataverse(stack)),
        }
        one = Trial(plan, stack, app, systems)
        watch = asyncio.create_task(one.keep_telling(tell))
        exits.callback(watch.cancel)
        await one.tell_all()
        tell(one.report)
        return one.report


class Trial:
    """The parts of one trial, put together."""

    def __init__(self, plan: Plan, stack: Stack, app: App, systems: dict[Where, System]) -> None:
        self.report = Report(plan, folder=stack.folder, settings=stack.settings)
        self._plan = plan
        self._stack = stack
        self._app = app
        self._company = Company(plan.seed, systems)
        self._people = People(plan, self._company)
        self._trouble = Trouble(plan, systems)
        self._killer = Killer(plan, stack)
        self._asking = Asking(app)

    async def tell_all(self) -> None:
        """The story from the beginning to the verdict."""
        await self._company.move_in(self._plan.records)
        change = {"synch_only_coupled_records": False, "update_conflict_resolution": "None"}
        await self._app.send("PATCH", f"/api/mappings/{MAPPING}", change)
        await self._only_mapping()
        over = Stop()
        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(self._people.work(over))
            meanwhile.create_task(self._trouble.go_on(over))
            await self._phase(LOAD, self._load())
            await self._phase(DAY, self._working_day())
            over.request()
        await self._phase(REST, self._come_to_rest())
        await self._verdict()

    async def keep_telling(self, tell: Tell) -> None:
        """Tell how it stands, some times a second."""
        while True:
            self._note()
            tell(self.report)
            await asyncio.sleep(0.25)

    async def _phase(self, name: str, story: Awaitable[None]) -> None:
        self.report.phase, started, kills = name, time.monotonic(), self._killer.kills
        await story
        self.report.seconds[name] = time.monotonic() - started
        self.report.kills[name] = self._killer.kills - kills

    async def _load(self) -> None:
        """The first run from its question to its end."""
        over = Stop()
        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(self._killer.kill(self._plan.kills_at_first, over))
            await self._asking.synchronize()
            over.request()

    async def _working_day(self) -> None:
        """One run after the other until all kills have been made."""
        over = Stop()
        async with asyncio.TaskGroup() as meanwhile:
            meanwhile.create_task(self._asking.go_on(over))
            await self._killer.kill(self._plan.kills, Stop())
            over.request()

    async def _come_to_rest(self) -> None:
        """Run until some runs in a row have found nothing to do. Out of time, the laws will tell what is not done."""
        quiet, deadline = 0, time.monotonic() + self._plan.settling
        while quiet < QUIET_RUNS and time.monotonic() < deadline:
            before = await self._writes()
            jobs = await self._asking.synchronize()
            waiting = (await self._app.send("GET", "/api/errors?waiting=true&limit=1000")).json()["errors"]
            calm = await self._writes() == before and all(job["status"] == "succeeded" for job in jobs)
            quiet = quiet + 1 if calm and all(one["is_error"] for one in waiting) else 0
        await self._app.send("PATCH", f"/api/mappings/{MAPPING}", {"enabled": False})
        for _ in range(round(LAST_RUN / PAUSE)):
            if not await self._is_running():
                return
            await asyncio.sleep(PAUSE)

    async def _verdict(self) -> None:
        findings = await judge(self._company, self._people, self._app)
        self.report.conflicts = len(findings.errors)
        self.report.complaints = list(findings.complaints)
        await self._stack.stop(HOST)
        self.report.complaints += await left_over(self._stack.settings["ServiceBusConnection"])
        self._note()

    async def _only_mapping(self) -> None:
        for mapping in (await self._app.send("GET", "/api/mappings")).json()["mappings"]:
            if mapping["name"] != MAPPING:
                await self._app.send("PATCH", f"/api/mappings/{mapping['name']}", {"enabled": False})

    async def _is_running(self) -> bool:
        state = (await self._app.send("GET", f"/api/mappings/{MAPPING}")).json()["state"]
        return bool(state["running"] or state["queued"])

    async def _writes(self) -> int:
        return sum([int((await system.statistics())["writes"]) for system in self._company.systems.values()])

    def _note(self) -> None:
        report = self.report
        report.kills[report.phase] = self._killer.kills - sum(
            number for phase, number in report.kills.items() if phase != report.phase
        )
        report.faults, report.seconds_away = self._trouble.ordered, self._killer.seconds_away
        report.records, report.edits, report.runs = self._company.size, self._people.count, self._asking.runs
        report.failed_runs = Counter(self._asking.failures)
