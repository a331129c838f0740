"""Match-based coupling of N customers with N, in a process of its own: calls, memory, and each record judged."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from itertools import batched
from pathlib import Path
from typing import Any

from infra.local.bench import customers
from infra.local.bench.app import App, CountingState
from infra.local.bench.cases import Case
from infra.local.bench.counted_storage import CountedTableStorage
from infra.local.bench.file_state import FileState
from infra.local.bench.ideal import Work, ideal
from infra.local.bench.loop import LoopRates
from infra.local.bench.match_world import is_coupled, row_of, wanted
from infra.local.bench.oracle import Verdict
from infra.local.bench.own_process import in_a_process, simulators_of
from infra.local.bench.peak import peak_bytes
from infra.local.bench.results import CaseResult, Peer, Target
from infra.local.bench.runner import Bench, targets
from infra.local.bench.simulators import NO_LATENCY, BenchError
from infra.local.bench.world import MAPPING, Show, make_world
from shared.core.access import Caller
from shared.core.coupling import CoupledRecord, coupling_of
from shared.core.jobs import JobStatus
from shared.core.match_report import UnmatchedReason
from shared.core.sides import Side
from shared.services.forms.matching import MatchRequest
from shared.services.matching.preview import unmatched_of_job
from shared.services.matching.request import match_coupling

HERE, THERE = Side.BUSINESS_CENTRAL, Side.DATAVERSE
MOST_MEGABYTES = 400
_MEGABYTE = 1024 * 1024
_COUPLED_AT_ONCE = 5_000


async def run(bench: Bench, case: Case, rates: LoopRates) -> CaseResult:
    """Make the world, couple it in a process of its own, and judge every record."""
    records, simulators, progress = bench.plan.records, bench.simulators, bench.progress
    order = {"file": str(bench.folder / "match.sqlite"), "azurite": bench.azurite, "state_latency": 0.0}
    with progress.stage(f"{records:,} customers on both sides, not coupled", 2 * records) as advance:
        await _make(bench, order, advance)
    with progress.stage(case.title, None):
        await simulators.each("be_slow", bench.plan.latency)
        await simulators.each("clear_statistics")
        order["state_latency"] = bench.plan.state_latency
        told = await in_a_process("infra.local.bench.match", simulators, order)
        served = await simulators.each("statistics")
        await simulators.each("be_slow", NO_LATENCY)
    result = _result(bench, case, told, served)
    result.loop = rates.scaled(case.name, result.records)
    result.targets = [*targets(case, result), *_memory(told)]
    with progress.stage("  every record of both sides judged", None):
        verdict = await _judge(bench, order, told)
    result.compared, result.complaints = sum(verdict.rows.values()), verdict.complaints
    result.wrong = verdict.wrong + sum(result.writes.values())
    return result


async def _make(bench: Bench, order: Mapping[str, Any], show: Show) -> None:
    """Both sides' customers; a few of them are coupled."""
    records, app = bench.plan.records, App(bench.simulators, _state(order))
    try:
        world = await make_world(bench.simulators, app, 0, tuple(Side), show)
        for side in Side:
            rows = (row_of(side, index, records, world.lookups) for index in range(records))
            await bench.simulators.at(side).load(customers.table_of(side), rows, show)
        coupled = [index for index in range(records) if is_coupled(index, records)]
        now, repository = app.services.clock.now(), app.services.couplings(MAPPING)
        for some in batched(coupled, _COUPLED_AT_ONCE, strict=False):
            ends = ({side: CoupledRecord(customers.id_of(side, index)) for side in Side} for index in some)
            await repository.add([coupling_of(pair, now) for pair in ends])
        state = await app.services.runs(MAPPING).state()
        await app.services.runs(MAPPING).save(replace(state, coupled=len(coupled)))
    finally:
        await app.aclose()


def _result(bench: Bench, case: Case, told: Mapping[str, Any], served: Mapping[Side, Any]) -> CaseResult:
    records = bench.plan.records
    rows = dict.fromkeys(Side, records)
    matched = sum(
        1 for one in range(records) if not is_coupled(one, records) and wanted(one, records).partner is not None
    )
    best = ideal(Work(rows, dict.fromkeys(Side, 0), matched), bench.plan.latency, bench.plan.state_latency)
    return CaseResult(
        case.name,
        case.title,
        records,
        calls=told["calls"],
        served={side.value: int(served[side]["requests"]) for side in Side},
        writes={side.value: int(served[side]["writes"]) for side in Side},
        busy={side.value: round(served[side]["busy_ms"] / served[side]["elapsed_ms"], 3) for side in Side},
        late={side.value: int(served[side]["late"]) for side in Side},
        seconds=sum(told["slices"]),
        processor_seconds=told["processor_seconds"],
        slices=len(told["slices"]),
        transactions=told["transactions"],
        next_run={side.value: 0 for side in Side},
        ideal=Peer({side.value: calls for side, calls in best.calls.items()}, best.seconds),
    )


def _memory(told: Mapping[str, Any]) -> list[Target]:
    peak = told["peak"]
    return [] if peak is None else [Target("MB at the peak", MOST_MEGABYTES, peak / _MEGABYTE)]


async def _judge(bench: Bench, order: Mapping[str, Any], told: Mapping[str, Any]) -> Verdict:
    """Whether every BC record is coupled with the row it belongs to, or was left for the right reason; and each row."""
    records, verdict = bench.plan.records, Verdict()
    app = App(bench.simulators, _state(order))
    try:
        partners = {one.business_central.id: one.dataverse.id for one in await app.services.couplings(MAPPING).all()}
        reasons = await _reasons(app, told["job"])
    finally:
        await app.aclose()
    if len(set(partners.values())) < len(partners):
        verdict.complain("A row is coupled twice.")
    for index in range(records):
        here, there = (customers.id_of(side, index) for side in Side)
        is_own = is_coupled(index, records)
        due = wanted(index, records)
        partner = there if is_own else None if due.partner is None else customers.id_of(THERE, due.partner)
        if (partners.pop(here, None), reasons.pop(here, None)) != (partner, None if is_own else due.reason):
            verdict.complain(f"Customer {index} must be {due}.")
        verdict.rows[HERE] += 1
        verdict.rows[THERE] += 1
    for one in (*partners, *reasons):
        verdict.complain(f"Nobody knows the record {one}.")
    return verdict


async def _reasons(app: App, job: str) -> dict[str, UnmatchedReason]:
    """Why each record was left, as the app tells page by page."""
    found: dict[str, UnmatchedReason] = {}
    after: str | None = None
    while True:
        page = await unmatched_of_job(app.services, job, after=after, limit=1000)
        found |= {one.business_central.id: one.reason for one in page.left}
        if (after := page.continuation) is None:
            return found


def _state(order: Mapping[str, Any]) -> CountingState:
    if order["azurite"] is not None:
        return CountedTableStorage(order["azurite"], "benchmatch")
    return FileState(Path(order["file"]), latency=order["state_latency"])


async def _couple(order: Mapping[str, Any]) -> None:
    """Ask for match-based coupling, work off its messages, and tell what it took."""
    app = App(simulators_of(order), _state(order))
    try:
        used = time.process_time()
        asked = await match_coupling(app.services, MatchRequest.model_validate({"mapping": MAPPING}), Caller("bench"))
        slices = await app.work_off()
        used = time.process_time() - used
        (job,) = await app.services.jobs.get_many([asked.id])
        if job.status is not JobStatus.SUCCEEDED:
            raise BenchError(f"{job.status}: {job.message}")
        told = {
            "job": job.id,
            "calls": {side.value: app.calls[side] for side in Side},
            "transactions": dict(app.state.transactions),
            "slices": slices,
            "processor_seconds": used,
            "peak": peak_bytes(),
        }
    finally:
        await app.aclose()
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(_couple(json.loads(sys.argv[1])))
