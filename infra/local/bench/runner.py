"""Worlds are made, and cases are run in them and judged."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.bench import cost
from infra.local.bench.app import App, CountingState
from infra.local.bench.cases import CASES, Case, Edits, merged
from infra.local.bench.counted_storage import CountedTableStorage
from infra.local.bench.customers import id_of, key_of, table_of, values_of
from infra.local.bench.file_state import FileState
from infra.local.bench.ideal import ideal
from infra.local.bench.loop import LoopRates
from infra.local.bench.oracle import Expected, Verdict, judge
from infra.local.bench.progress import Progress
from infra.local.bench.results import CaseResult, Peer, Target
from infra.local.bench.simulators import NO_LATENCY, BenchError, Latency, Simulators
from infra.local.bench.world import World, couple, make_world
from shared.core.sides import Side

TIMES_THE_IDEAL = 1.25
TIMES_FASTER_THAN_THE_LOOP = 20
TRANSACTIONS_PER_THOUSAND = 30


@dataclass(frozen=True)
class Plan:
    """What is asked for. `storage` is `file` or `azurite`; `state_latency` is of one transaction of the file."""

    records: int
    cases: Sequence[str]
    storage: str = "file"
    latency: Latency = field(default_factory=Latency)
    state_latency: float = 0.008
    sample: int = 50
    prices: cost.Prices = field(default_factory=dict)

    def wants(self, name: str) -> bool:
        """Whether this case or measure is asked for."""
        return name in self.cases


class Bench:
    """The simulators, and the place for state."""

    def __init__(
        self, plan: Plan, simulators: Simulators, folder: Path, azurite: str | None, progress: Progress
    ) -> None:
        self.plan = plan
        self.simulators = simulators
        self.folder = folder
        self.progress = progress
        self.azurite = azurite
        self._worlds = 0

    @contextlib.asynccontextmanager
    async def world(self, records: int, sides: tuple[Side, ...]) -> AsyncIterator[World]:
        """A new world with a state of its own; where both sides have the customers, they are coupled and at rest."""
        self._worlds += 1
        app = App(self.simulators, self._state())
        try:
            with self.progress.stage(f"{records:,} customers on {_named(sides)}", records * len(sides)) as advance:
                world = await make_world(self.simulators, app, records, sides, advance)
            if len(sides) == len(Side):
                with self.progress.stage(f"{records:,} couplings", records) as advance:
                    await world.touch()
                    await couple(world, advance)
                await self._must_write_nothing(world)
            yield world
        finally:
            await app.aclose()

    def _state(self) -> CountingState:
        if self.azurite is not None:
            return CountedTableStorage(self.azurite, f"bench{self._worlds}")
        return FileState(self.folder / f"state{self._worlds}.sqlite", latency=0.0)

    async def _must_write_nothing(self, world: World) -> None:
        await self.simulators.each("clear_statistics")
        await world.app.run([world.mapping])
        written = sum(one["writes"] for one in (await self.simulators.each("statistics")).values())
        if written:
            raise BenchError(f"the first run over customers in step wrote {written} records")

    async def run_case(self, world: World, case: Case, wave: int, rates: LoopRates) -> CaseResult:
        """Change the world, run the app, and judge what came of it."""
        records = world.records
        edits = case.edits(records, wave)
        await self._apply(world, edits)
        with self.progress.stage(case.title, None):
            result = await self._measured(world, case, case.concerned(records, edits))
        best = ideal(case.work(records, edits), self.plan.latency, self.plan.state_latency)
        result.ideal = Peer({side.value: calls for side, calls in best.calls.items()}, best.seconds)
        result.loop = rates.scaled(case.name, result.records)
        world.edits |= merged(edits)
        with self.progress.stage("  every row of both sides compared", None):
            await self._judge(world, case, result)
        await self._next_run(world, case, result)
        result.targets = targets(case, result)
        return result

    async def _apply(self, world: World, edits: Edits) -> None:
        for side in Side:
            rows = [
                {key_of(side): id_of(side, index)} | values_of(side, edit[side], world.lookups)
                for index, edit in edits.items()
                if side in edit
            ]
            await self.simulators.at(side).edit(table_of(side), rows)

    async def _measured(self, world: World, case: Case, records: int) -> CaseResult:
        app = world.app
        with await self.stated_latency(app):
            await self.simulators.each("clear_statistics")
            app.forget_counts()
            run = await app.run([world.mapping])
            served = await self.simulators.each("statistics")
        await self.simulators.each("be_slow", NO_LATENCY)
        return CaseResult(
            case.name,
            case.title,
            records,
            calls={side.value: app.calls[side] for side in Side},
            served={side.value: int(served[side]["requests"]) for side in Side},
            writes={side.value: int(served[side]["writes"]) for side in Side},
            busy={side.value: round(served[side]["busy_ms"] / served[side]["elapsed_ms"], 3) for side in Side},
            late={side.value: int(served[side]["late"]) for side in Side},
            seconds=run.seconds,
            processor_seconds=run.processor_seconds,
            slices=len(run.slices),
            transactions=dict(app.state.transactions),
        )

    async def stated_latency(self, app: App) -> contextlib.AbstractContextManager[None]:
        """Both simulators are slow from now on; the state is so within the context."""
        await self.simulators.each("be_slow", self.plan.latency)
        return _slow_state(app.state, self.plan.state_latency)

    async def _judge(self, world: World, case: Case, result: CaseResult) -> None:
        expected = Expected(world.records, world.edits, one_way=Side.BUSINESS_CENTRAL in world.sides)
        verdict: Verdict = await judge(self.simulators, expected, world.lookups)
        result.compared, result.wrong = sum(verdict.rows.values()), verdict.wrong
        result.complaints = verdict.complaints

    async def _next_run(self, world: World, case: Case, result: CaseResult) -> None:
        """The feeds bring our own writes: nothing may come of them. Then the world comes to rest for the next case."""
        app = world.app
        await self.simulators.each("clear_statistics")
        app.forget_counts()
        await app.run([world.mapping])
        written = sum(one["writes"] for one in (await self.simulators.each("statistics")).values())
        result.next_run = {side.value: app.calls[side] for side in Side}
        if written:
            result.wrong += 1
            result.complaints = [*result.complaints, f"The next run wrote {written} records; it must write none."]
        if not case.is_load:
            await world.touch()
            await app.run([world.mapping])

    async def tick(self, world: World) -> cost.Tick:
        """One tick while everything is at rest but for a tick's share of the changes of a day."""
        app = world.app
        await app.settle([stored.mapping for stored in await app.services.mappings.all()])
        share = cost.changes_of_a_tick(self.plan.prices)
        cases = [case for case in CASES if case.name in ("changed-bc", "changed-dv")]
        for wave, case in enumerate(cases, 1):
            edits = list(case.edits(world.records, wave).items())[: (share + wave - 1) // 2]
            await self._apply(world, dict(edits))
        with await self.stated_latency(app):
            await self.simulators.each("clear_statistics")
            seconds = await app.tick()
        written = sum(one["writes"] for one in (await self.simulators.each("statistics")).values())
        if written != share:
            raise BenchError(f"a tick wrote {written} records instead of {share}")
        return cost.Tick(seconds, app.state.transactions.total())


@contextlib.contextmanager
def _slow_state(state: CountingState, latency: float) -> Iterator[None]:
    if isinstance(state, FileState):
        state.latency = latency
    try:
        yield
    finally:
        if isinstance(state, FileState):
            state.latency = 0.0


def targets(case: Case, result: CaseResult) -> list[Target]:
    """What this case has to reach, and what it has reached."""
    found = [limit.target(result) for limit in case.limits]
    if result.ideal is not None and result.ideal.seconds:  # without stated latency times tell nothing
        found.append(Target("times the ideal", TIMES_THE_IDEAL, result.seconds / result.ideal.seconds))
    if result.loop is not None and result.ideal is not None and result.ideal.seconds:
        faster = result.loop.seconds / result.seconds
        found.append(Target("times faster than the loop", TIMES_FASTER_THAN_THE_LOOP, faster, at_least=True))
    if result.records:
        per_thousand = result.all_transactions * 1000 / result.records
        found.append(Target("table transactions per 1,000", TRANSACTIONS_PER_THOUSAND, per_thousand))
    return found


def _named(sides: Sequence[Side]) -> str:
    return "both sides" if len(sides) == len(Side) else f"the side of {sides[0].product}"
