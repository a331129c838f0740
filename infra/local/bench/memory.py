"""Peak memory of a process of the app: one run over N coupled customers, and one over ten times as many.

Each run is in a process of its own that does nothing else. It also looks for deleted records on both sides, which needs
the id of every row; the same number of customers have changed in either world.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from itertools import batched
from pathlib import Path
from typing import Any

from infra.local.bench import customers
from infra.local.bench.app import App
from infra.local.bench.customers import Fields, Lookups
from infra.local.bench.file_state import FileState
from infra.local.bench.own_process import in_a_process, simulators_of
from infra.local.bench.peak import peak_bytes
from infra.local.bench.progress import Progress
from infra.local.bench.results import Measure, Target
from infra.local.bench.simulators import BenchError, Simulator, Simulators
from infra.local.bench.world import MAPPING, World, couple, in_step, make_world
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.jobs import Trigger
from shared.core.records import Record
from shared.core.sides import Side
from shared.services.pass_context import columns_to_read

MORE = 10
TIMES_THE_PEAK, MOST_MEGABYTES = 1.2, 400
FIRST = 1  # customer 0 is there before all others
_PAIRS_AT_ONCE = 5_000
_ROWS_AT_ONCE = 100_000  # a request has to be answered in time on a busy machine, too
_MEGABYTE = 1024 * 1024
NUMBER = "{n:07d}"
_FIRST_NUMBER = NUMBER.format(n=FIRST)


async def measure(simulators: Simulators, folder: Path, records: int, progress: Progress) -> Measure:
    """Measure both; sizes are in megabytes of 1024 x 1024 bytes."""
    few, many = [
        await _peak(simulators, folder / f"memory{count}.sqlite", count, records // 10, progress)
        for count in (records, MORE * records)
    ]
    figures: dict[str, float | None] = {
        f"peak at {records:,} couplings, MB": few,
        f"peak at {MORE * records:,} couplings, MB": many,
        "records changed in each": records // 10 // 2 * 2,
    }
    targets = []
    if few is not None and many is not None:
        targets = [
            Target(f"times the peak at {records:,}", TIMES_THE_PEAK, many / few),
            Target(f"MB at {MORE * records:,}", MOST_MEGABYTES, many),
        ]
    return Measure("memory", "Peak memory of the app", figures, targets)


async def _peak(simulators: Simulators, file: Path, count: int, changed: int, progress: Progress) -> float | None:
    """Megabytes at the highest in a run over `count` coupled customers, `changed` of which have changed."""
    app = App(simulators, FileState(file))
    with progress.stage(f"{count:,} customers and couplings for the memory", count) as advance:
        world = await make_world(simulators, app, 1, tuple(Side), lambda _: None)
        await world.touch()
        await couple(world, lambda _: None)
        await app.run([world.mapping])
        await asyncio.gather(*(_load(simulators.at(side), world.lookups, count - 1) for side in Side))
        async for pairs in _couplings(world, count - 1):
            await app.services.couplings(MAPPING).add(pairs)
            advance(len(pairs))
        state = await app.services.runs(MAPPING).state()
        await app.services.runs(MAPPING).save(replace(state, coupled=count, sweeps_asked=state.sweeps_asked + 1))
        for side in Side:
            await _edit(simulators.at(side), changed // 2)
    await app.aclose()
    with progress.stage(f"A run over {count:,} couplings in a process of its own", None):
        await simulators.each("clear_statistics")
        told = await in_a_process("infra.local.bench.memory", simulators, {"file": str(file)})
    written = {side: one["writes"] for side, one in (await simulators.each("statistics")).items()}
    if set(written.values()) != {changed // 2}:
        raise BenchError(f"the run wrote {written} records instead of {changed // 2} on each side")
    return None if told["peak"] is None else told["peak"] / _MEGABYTE


def _values(side: Side, lookups: Lookups) -> dict[str, Any]:
    """All customers hold the same but for their number, so that the simulators can make a million of them."""
    fields: Fields = {name: f"{name} of {NUMBER}" for name in ("name", "address", "address 2")}
    fields |= {"city": "Antwerpen", "state": "VAN", "post code": "2000", "country": "BE", "phone": f"+32 3 {NUMBER}"}
    fields |= {"e-mail": f"info@customer-{NUMBER}.be.example", "web site": f"https://www.customer-{NUMBER}.example"}
    fields |= {"currency": "USD", "salesperson": "SP-1", "terms": "NET45", "shipment": "FOB", "credit limit": 500.0}
    return customers.identifiers(side) | customers.OF_OLD[side] | customers.values_of(side, fields, lookups)


async def _load(simulator: Simulator, lookups: Lookups, count: int) -> None:
    table, values = customers.table_of(simulator.side), _values(simulator.side, lookups)
    body = {"table": table, "operation": "create", "tracked": False, "values": values}
    for numbers in batched(range(FIRST, FIRST + count), _ROWS_AT_ONCE, strict=False):
        await simulator.control("POST", "rows", body | {"count": len(numbers), "start": numbers[0]})


async def _edit(simulator: Simulator, count: int) -> None:
    """Change every other customer from the first or, in Dataverse, the second on."""
    side = simulator.side
    place, key = list(Side).index(side), customers.key_of(side)
    values = {key: customers.identifiers(side)[key], customers.PLAIN["phone"][place]: f"+32 9 {NUMBER}"}
    body = {"table": customers.table_of(side), "operation": "update", "count": count, "start": FIRST + place, "step": 2}
    await simulator.control("POST", "rows", body | {"values": values})


async def _couplings(world: World, count: int) -> AsyncIterator[list[Coupling]]:
    """The coupling of the first one as its records are read, and the same for all others, with their own versions."""
    services, mapping = world.app.services, world.mapping
    tables, pair = services.tables_of(mapping), dict[Side, Record]()
    for side, table in tables.items():
        one = customers.id_of(side, FIRST)
        pair[side] = (await services.rows(side).read(table, columns_to_read(mapping, table, side), [one]))[one]
    first = in_step(mapping, tables, pair, services.clock.now())
    feeds = {
        side: world.simulators.at(side).versions(customers.table_of(side), customers.key_of(side)) for side in Side
    }
    for feed in feeds.values():
        await anext(feed)  # customer 0 is coupled
    batch: list[Coupling] = []
    for number in range(FIRST, FIRST + count):
        batch.append(_like(first, number, {side: await anext(feed) for side, feed in feeds.items()}))
        if len(batch) == _PAIRS_AT_ONCE or number == FIRST + count - 1:
            yield batch
            batch = []


def _like(first: Coupling, number: int, versions: Mapping[Side, tuple[str, str]]) -> Coupling:
    """The coupling of another customer: the same in all but number, ids and versions."""
    there = NUMBER.format(n=number)
    here, other = (_end_like(first.at(side), there, *versions[side]) for side in Side)
    return replace(first, business_central=here, dataverse=other)


def _end_like(end: CoupledRecord, number: str, record_id: str, etag: str) -> CoupledRecord:
    base = dict(end.base or {})
    for name, value in base.items():
        if isinstance(value, str) and _FIRST_NUMBER in value:
            base[name] = value.replace(_FIRST_NUMBER, number)
    named = [text and text.replace(_FIRST_NUMBER, number) for text in (end.number, end.title)]
    return CoupledRecord(record_id, base, etag, named[0], named[1])


async def _run(order: Mapping[str, Any]) -> None:
    app = App(simulators_of(order), FileState(Path(order["file"])))
    stored = await app.services.mappings.get(MAPPING)
    assert stored is not None
    run = await app.run([stored.mapping], Trigger.PERSON)
    state = await app.services.runs(MAPPING).state()
    if state.sweeps_done < state.sweeps_asked:
        raise BenchError("the run looked for no deleted records")
    print(json.dumps({"peak": peak_bytes(), "seconds": run.seconds}))
    await app.aclose()


if __name__ == "__main__":
    asyncio.run(_run(json.loads(sys.argv[1])))
