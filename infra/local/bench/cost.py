"""What a month costs: calls and times of one tick are measured, prices are given.

A tick is what happens every few minutes: the timer looks for what is due, then each mapping has its run. The changes
of a day are spread over its ticks; a tick's share is measured with all of them in one mapping, half on either side.

    executions     = ticks * (1 + slices)
    gigabyte hours = instance size * sum over executions of max(least, measured seconds)
    transactions   = ticks * (those of the timer + those of the runs)
    operations     = messages * operations of a message + polling
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.bench.results import Measure

HOURS_OF_A_DAY = 24
_GIGABYTE = 1024**3

type Prices = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Tick:
    """What one tick took: seconds of each execution, and transactions of the state; the first is the timer's."""

    seconds: Sequence[float]
    transactions: int


@dataclass(frozen=True)
class Month:
    """What a month costs in dollars, by service, and what it is made of."""

    executions: float
    gigabyte_seconds: float
    transactions: float
    operations: float
    functions: float
    service_bus: float
    table_storage: float

    @property
    def total(self) -> float:
        """All together."""
        return self.functions + self.service_bus + self.table_storage


def changes_of_a_tick(prices: Prices) -> int:
    """How many records change between two ticks."""
    use = prices["use"]
    ticks = HOURS_OF_A_DAY * 60 / float(use["minutes_between_runs"])
    return round(float(use["changes_of_a_day"]) / ticks)


def month(prices: Prices, tick: Tick, coupled: int) -> Month:
    """What a month of such ticks costs, with `coupled` couplings stored."""
    use, functions, bus, tables = (prices[name] for name in ("use", "functions", "service_bus", "table_storage"))
    ticks = use["hours_of_a_month"] * 60 / use["minutes_between_runs"]
    executions = ticks * len(tick.seconds)
    seconds = ticks * sum(max(functions["least_seconds_of_an_execution"], each) for each in tick.seconds)
    gigabyte_seconds = seconds * functions["instance_gigabytes"]
    messages = ticks * (len(tick.seconds) - 1)
    polling = bus["polling_operations_per_hour"] * use["hours_of_a_month"]
    operations = messages * bus["operations_of_a_message"] + polling
    transactions = ticks * tick.transactions
    gigabytes = coupled * tables["bytes_of_a_coupling"] / _GIGABYTE
    return Month(
        executions,
        gigabyte_seconds,
        transactions,
        operations,
        functions=_beyond(gigabyte_seconds, functions["free_gigabyte_seconds"]) * functions["per_gigabyte_second"]
        + _beyond(executions, functions["free_executions"]) / 1e6 * functions["per_million_executions"],
        service_bus=bus["per_hour"] * use["hours_of_a_month"]
        + _beyond(operations, bus["included_operations"]) / 1e6 * bus["per_million_operations"],
        table_storage=transactions / 10_000 * tables["per_10000_transactions"] + gigabytes * tables["per_gigabyte"],
    )


def _beyond(used: float, free: float) -> float:
    return max(0.0, used - free)


def measure(prices: Prices, tick: Tick, coupled: int) -> Measure:
    """The month as it is shown."""
    found = month(prices, tick, coupled)
    figures = {
        "seconds of a tick, timer and runs": sum(tick.seconds),
        "table transactions of a tick": tick.transactions,
        "executions a month": round(found.executions),
        "gigabyte seconds a month": round(found.gigabyte_seconds),
        "table transactions a month": round(found.transactions),
        "Service Bus operations a month": round(found.operations),
        "Functions, $ a month": found.functions,
        "Service Bus, $ a month": found.service_bus,
        "Table Storage, $ a month": found.table_storage,
        "all, $ a month": found.total,
    }
    use = prices["use"]
    title = (
        f"Cost of a month: {use['mappings']} mappings every {use['minutes_between_runs']} minutes, "
        f"{use['changes_of_a_day']:,} changes a day"
    )
    return Measure("cost", title, figures, notes=[str(prices["note"])])
