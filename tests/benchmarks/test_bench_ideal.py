"""The ideal that the bench compares with: the fewest requests and the shortest time, worked out by hand."""

from __future__ import annotations

import pytest

from infra.local.bench.ideal import Work, ideal
from infra.local.bench.simulators import Latency
from shared.core.sides import Side

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
LATENCY = Latency(request=0.080, operation=0.003, page=0.020)


@pytest.mark.parametrize(
    ("rows", "writes", "calls", "seconds"),
    [
        pytest.param((0, 0), (0, 0), (1, 1), 0.1, id="nothing: each feed is asked once"),
        pytest.param((1, 0), (0, 1), (1, 2), 0.1 + 0.083, id="one write"),
        pytest.param((10_000, 0), (0, 10_000), (1, 11), 0.1 + 3 * 0.080 + 7.5, id="three rounds of four batches"),
        pytest.param((0, 10_000), (10_000, 0), (101, 2 + 0), 0.1 + 20 * 0.080 + 6.0, id="twenty rounds of five"),
        pytest.param((0, 12), (12, 0), (2, 1), 0.1 + 0.080 + 3 * 0.003, id="the lanes share what is little"),
        pytest.param((500, 500), (500, 500), (6, 2), 0.1 + 0.080 + 0.375, id="both sides at once: the slower counts"),
        pytest.param((1_000_000, 0), (0, 4), (50, 2), 50 * 0.1, id="reading takes longer than writing"),
    ],
)
def test_the_ideal_is_what_limits_and_latencies_allow(
    rows: tuple[int, int], writes: tuple[int, int], calls: tuple[int, int], seconds: float
) -> None:
    work = Work(dict(zip((BC, DV), rows, strict=True)), dict(zip((BC, DV), writes, strict=True)))
    found = ideal(work, LATENCY, storage=0)
    assert found.calls == dict(zip((BC, DV), calls, strict=True))
    assert found.seconds == pytest.approx(seconds)


def test_a_run_reads_and_stores_where_it_stands() -> None:
    work = Work({BC: 0, DV: 0}, {BC: 0, DV: 0})
    assert ideal(work, LATENCY, storage=0.008).seconds == pytest.approx(0.1 + 0.016)


def test_couplings_are_stored_when_both_sides_are_compared() -> None:
    work = Work({BC: 20_000, DV: 10_000}, {BC: 0, DV: 0}, matched=1_000)
    assert ideal(work, LATENCY, storage=0.008).seconds == pytest.approx(2 * 0.1 + 3 * 0.008 + 0.016)
