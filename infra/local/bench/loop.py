"""The peer: a loop over the records, one read and one write each, as a flow or the built-in feature does it.

It is really run, on a sample, against the same simulators with the same latency; the cases scale it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from infra.local.bench import customers
from infra.local.bench.customers import Fields, Lookups
from infra.local.bench.results import Peer
from infra.local.bench.simulators import NO_LATENCY, BenchError, Latency, Simulators
from shared.core.sides import Side

_SETS = {Side.BUSINESS_CENTRAL: "customers", Side.DATAVERSE: "accounts"}

type Step = Callable[[int], Awaitable[None]]


@dataclass(frozen=True)
class LoopRates:
    """What one record costs in the loop, by case: requests by side, and seconds."""

    rates: dict[str, Peer]

    def scaled(self, case: str, records: int) -> Peer | None:
        """The same for so many records; None for a case in which a loop has nothing to do."""
        rate = self.rates.get(case)
        if rate is None:
            return None
        return Peer({side: calls * records for side, calls in rate.calls.items()}, rate.seconds * records)


async def measure(
    simulators: Simulators, lookups: Lookups, latency: Latency, sample: int, cases: Iterable[str]
) -> LoopRates:
    """Run the loop over `sample` customers that both sides have; the simulators are spoilt for anything else then."""
    loop = _Loop(simulators, lookups)
    steps: dict[str, Step] = {
        "changed-bc": lambda index: loop.carry(index, Side.BUSINESS_CENTRAL),
        "changed-dv": lambda index: loop.carry(index, Side.DATAVERSE),
        "changed-both": loop.settle,
        "load-dv": lambda index: loop.create(index, Side.BUSINESS_CENTRAL),
        "load-bc": lambda index: loop.create(index, Side.DATAVERSE),
        "match": loop.look_up,
    }
    await simulators.each("be_slow", latency)
    rates = {}
    for name in steps.keys() & set(cases):
        loop.calls.clear()
        started = time.perf_counter()
        for index in range(sample):
            await steps[name](index)
        seconds = (time.perf_counter() - started) / sample
        rates[name] = Peer({side.value: loop.calls[side] / sample for side in Side}, seconds)
    await simulators.each("be_slow", NO_LATENCY)
    return LoopRates(rates)


class _Loop:
    def __init__(self, simulators: Simulators, lookups: Lookups) -> None:
        self.calls: Counter[Side] = Counter()
        self._simulators = simulators
        self._lookups = lookups

    async def carry(self, index: int, source: Side) -> None:
        """Read a record on one side and write it on the other."""
        await self._read(source, index)
        await self._write(source.other, index)

    async def settle(self, index: int) -> None:
        """Read a record on both sides; write both, or the one that gives way."""
        for side in Side:
            await self._read(side, index)
        for side in Side if index % 2 == 0 else (Side.BUSINESS_CENTRAL,):
            await self._write(side, index)

    async def look_up(self, index: int) -> None:
        """Read a record of Business Central and ask Dataverse for the rows with its e-mail address."""
        await self._read(Side.BUSINESS_CENTRAL, index)
        condition = f"emailaddress1 eq '{customers.fields_of(index)['e-mail']}'"
        await self._send(Side.DATAVERSE, "GET", f"accounts?$select=accountid&$filter={quote(condition)}")

    async def create(self, index: int, source: Side) -> None:
        """Read a record on one side and make one on the other."""
        await self._read(source, index)
        values = customers.values_of(source.other, _plain(index), self._lookups)
        await self._send(source.other, "POST", _SETS[source.other], values)

    async def _read(self, side: Side, index: int) -> None:
        await self._send(side, "GET", f"{_SETS[side]}({customers.id_of(side, index)})")

    async def _write(self, side: Side, index: int) -> None:
        values = customers.values_of(side, _plain(index), self._lookups)
        await self._send(side, "PATCH", f"{_SETS[side]}({customers.id_of(side, index)})", values)

    async def _send(self, side: Side, method: str, path: str, body: object = None) -> httpx.Response:
        simulator = self._simulators.at(side)
        self.calls[side] += 1
        headers = {"If-Match": "*"} if method == "PATCH" else {}
        answer = await simulator.http.request(method, f"{simulator.api}/{path}", json=body, headers=headers)
        if answer.is_error:
            raise BenchError(f"{side.product} refused the loop's {method}: {answer.text[:500]}")
        return answer


def _plain(index: int) -> Fields:
    return {name: value for name, value in customers.fields_of(index).items() if name in customers.PLAIN}
