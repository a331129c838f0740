"""One run of the bench, from starting the simulators to the last figure."""

from __future__ import annotations

import contextlib
import platform
import tempfile
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from infra.local.bench import cold_start, cost, loop, match, memory, own_work
from infra.local.bench.cases import CASES
from infra.local.bench.loop import LoopRates
from infra.local.bench.progress import Progress
from infra.local.bench.results import CaseResult, Measure, Report
from infra.local.bench.runner import Bench, Plan
from infra.local.bench.simulators import Simulators, running
from infra.local.child import Child
from shared.core.sides import Side

SMALL = 400  # customers of the world in which the loop and a tick of the timer are measured


async def run_bench(plan: Plan, progress: Progress) -> Report:
    """Everything that is asked for, in one run.

    Raises:
        BenchError: something that must work did not.
        PartError: a simulator did not start.
    """
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with _places(plan, folder) as (simulators, azurite):
            return await run_all(Bench(plan, simulators, folder, azurite, progress))


@contextlib.asynccontextmanager
async def _places(plan: Plan, folder: Path) -> AsyncIterator[tuple[Simulators, str | None]]:
    async with contextlib.AsyncExitStack() as exits:
        simulators = await exits.enter_async_context(running(folder))
        if plan.storage != "azurite":
            yield simulators, None
            return
        azurite = Child("azurite", (), folder)
        exits.push_async_callback(azurite.stop)
        yield simulators, str((await azurite.start())["connection_string"])


async def run_all(bench: Bench) -> Report:
    """The same with simulators that run already; they are reset, again and again."""
    plan = bench.plan
    rates, tick = await _in_a_small_world(bench)
    report = Report(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=f"{platform.system()}, Python {platform.python_version()}",
        records=plan.records,
        storage=plan.storage,
        latency=asdict(plan.latency) | {"state": plan.state_latency},
        cases=await _cases(bench, rates),
    )
    report.measures += await _measures(bench, tick)
    return report


async def _cases(bench: Bench, rates: LoopRates) -> list[CaseResult]:
    """The cases that begin in step share one world; each load has a world of its own."""
    records, wanted = bench.plan.records, [case for case in CASES if bench.plan.wants(case.name)]
    results: dict[str, CaseResult] = {}
    together = [case for case in wanted if not (case.is_load or case.apart)]
    if together:
        async with bench.world(records, tuple(Side)) as world:
            for wave, case in enumerate(together, 1):
                results[case.name] = await bench.run_case(world, case, wave, rates)
    for case in wanted:
        if case.apart:
            results[case.name] = await match.run(bench, case, rates)
        elif case.is_load:
            async with bench.world(records, case.sides) as world:
                results[case.name] = await bench.run_case(world, case, 0, rates)
    return [results[case.name] for case in wanted]


async def _measures(bench: Bench, tick: cost.Tick | None) -> list[Measure]:
    """What is measured besides the cases."""
    plan, measures = bench.plan, []
    if plan.wants("own-work"):
        with bench.progress.stage("Our own work for one record", None):
            measures.append(own_work.measure())
    if plan.wants("cold-start"):
        with bench.progress.stage("Cold start", None):
            measures.append(await cold_start.measure())
    if plan.wants("memory"):
        measures.append(await memory.measure(bench.simulators, bench.folder, plan.records, bench.progress))
    if tick is not None:
        measures.append(cost.measure(plan.prices, tick, plan.records))
    return measures


async def _in_a_small_world(bench: Bench) -> tuple[LoopRates, cost.Tick | None]:
    """The rates of the loop, and one tick of all mappings."""
    plan, tick = bench.plan, None
    cases = [case.name for case in CASES if plan.wants(case.name)]
    if not cases and not plan.wants("cost"):
        return LoopRates({}), None
    async with bench.world(max(plan.sample, SMALL if plan.wants("cost") else 0), tuple(Side)) as world:
        if plan.wants("cost"):
            with bench.progress.stage("A tick of the timer, and a run of every mapping", None):
                tick = await bench.tick(world)
        with bench.progress.stage(f"A loop over {plan.sample} records, one by one", None):
            return await loop.measure(bench.simulators, world.lookups, plan.latency, plan.sample, cases), tick
