"""The ideal: the fewest requests and the shortest time that limits and latencies allow, computed, for whoever does it.

    requests(side) = max(1, ceil(rows / page)) + ceil(writes / batch)
    reading(side)  = max(1, ceil(rows / page)) * (request + page)
    writing(side)  = ceil(writes / (batch * lanes)) * request + ceil(writes / lanes) * operation
    storing        = ceil(new couplings / (couplings of a transaction * storage lanes)) * transaction
    time           = storage + max(reading(side), request + page + writing(side)), over both sides
    time to match  = storage + max(reading(side)), over both sides + storing

A page names the next one, so pages of one side come one after the other; nothing is written before the first page is
there; after that reading, writing to Dataverse and writing to Business Central overlap. `lanes` requests are under way
at a time, each takes `request` seconds and `operation` more for each write in it. The smallest number of requests and
the shortest time need not be those of one and the same plan. `storage` is what a run cannot do without: one round trip
to read where it stands and one to store where it has come; all other state overlaps. Only for matching it does not:
who belongs to whom is known when the last record of both sides is read, and then the couplings remain to be stored.

Limits: Dataverse answers 5,000 rows a page and takes 1,000 operations a batch, as many at a time as its hint
(x-ms-dop-hint) says; Business Central answers 20,000 rows a page and takes 100 operations a batch, five at a time. A
transaction of Table Storage takes 100 documents, that is 50 new couplings; eight are under way at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from infra.local.bench.simulators import Latency
from shared.core.sides import Side


@dataclass(frozen=True)
class Limits:
    """What one service allows: rows of a page, operations of a batch, requests at a time."""

    page: int
    batch: int
    lanes: int


LIMITS = {
    Side.BUSINESS_CENTRAL: Limits(page=20_000, batch=100, lanes=5),
    Side.DATAVERSE: Limits(page=5_000, batch=1_000, lanes=4),
}
ROUND_TRIPS = 2  # to the storage, that nothing can overlap with
COUPLINGS, STORAGE_LANES = 50, 8  # of one transaction of the storage; transactions at a time


@dataclass(frozen=True)
class Work:
    """What has to be done whoever does it: rows to learn of and rows to write, by side; couplings to match."""

    rows: Mapping[Side, int]
    writes: Mapping[Side, int]
    matched: int = 0


@dataclass(frozen=True)
class Ideal:
    """The fewest requests by side, and the shortest time in seconds."""

    calls: Mapping[Side, int]
    seconds: float


def ideal(work: Work, latency: Latency, storage: float) -> Ideal:
    """The ideal for this work; `storage` is the time of one transaction of the state."""
    first_page = latency.request + latency.page
    times = []
    for side in Side:
        writing = _writing(side, work.writes[side], latency)
        times += [_pages(side, work) * first_page, first_page + writing if writing else 0.0]
    calls = {side: _pages(side, work) + _ceil(work.writes[side], LIMITS[side].batch) for side in Side}
    storing = _ceil(work.matched, COUPLINGS * STORAGE_LANES) * storage
    return Ideal(calls, max(times) + storing + ROUND_TRIPS * storage)


def _pages(side: Side, work: Work) -> int:
    return max(1, _ceil(work.rows[side], LIMITS[side].page))


def _writing(side: Side, writes: int, latency: Latency) -> float:
    limits = LIMITS[side]
    rounds = _ceil(writes, limits.batch * limits.lanes)
    return rounds * latency.request + _ceil(writes, limits.lanes) * latency.operation


def _ceil(number: int, share: int) -> int:
    return -(-number // share)
