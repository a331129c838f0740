"""`python -m infra.local.chaos`: kill the host again and again while it works, then see that nothing is lost."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from infra.local.chaos.plan import Plan
from infra.local.chaos.trial import Report, trial
from infra.local.child import PartError
from infra.local.demo.clients import DemoError
from infra.local.stack import STOPPED, end_on_termination

COMPLAINTS_SHOWN = 20
SECONDS_BETWEEN_LINES = 10


def summary(report: Report, started: float) -> Table:
    """How it stands, or how it was."""
    table = Table(title=f"Chaos with seed {report.plan.seed}: {report.phase}", title_justify="left")
    table.add_column("What")
    table.add_column("How many", justify="right")
    rows: dict[str, object] = {
        "records": report.records,
        "edits by people": report.edits,
        "kills of the host": f"{sum(report.kills.values())} of {report.plan.kills}",
        **{f"  in the {phase}": number for phase, number in report.kills.items() if number},
        "seconds without a host": f"{report.seconds_away:.1f}",
        "faults ordered": sum(report.faults.values()),
        **{f"  {name}": number for name, number in sorted(report.faults.items())},
        "runs asked for": report.runs,
        "failed runs": sum(report.failed_runs.values()),
        "open conflicts, all explained": report.conflicts,
        **{f"seconds of {phase}": f"{seconds:.1f}" for phase, seconds in report.seconds.items()},
        "seconds in all": f"{time.monotonic() - started:.1f}",
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


class Lines:
    """How it stands in a line now and then, where no table can be kept up to date."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0
        self._phase = ""

    def tell(self, report: Report) -> None:
        """Print a line when there is a new phase or some time has passed."""
        if report.phase == self._phase and time.monotonic() < self._next:
            return
        self._phase, self._next = report.phase, time.monotonic() + SECONDS_BETWEEN_LINES
        kills = f"{sum(report.kills.values())} of {report.plan.kills} kills"
        self._console.print(f"{report.phase}: {kills}, {report.edits} edits, {report.runs} runs")


def _plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="python -m infra.local.chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=50, help="how often the host is killed (default: %(default)s)")
    parser.add_argument("--records", type=int, default=5000, help="records at first (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="repeats the choices of a former trial; a new one when left out")
    given = parser.parse_args(arguments)
    seed = secrets.randbelow(1_000_000) if given.seed is None else given.seed
    return Plan(seed, kills=given.kills, records=given.records, newcomers=max(given.records // 100, 1))


async def _run(plan: Plan, console: Console) -> Report:
    end_on_termination()
    started = time.monotonic()
    if not console.is_terminal:
        report = await trial(plan, Lines(console).tell)
    else:
        with Live(console=console, transient=True) as live:
            report = await trial(plan, lambda report: live.update(summary(report, started)))
    console.print(summary(report, started))
    return report


def _told(error: BaseException) -> str:
    """What went wrong first, out of a group of errors, too."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def main(arguments: Sequence[str]) -> int:
    """The exit code: 0 when every law held."""
    plan, console = _plan(arguments), Console()
    console.print(f"Killing the host {plan.kills} times among {plan.records} records; seed {plan.seed}.")
    try:
        report = asyncio.run(_run(plan, console))
    except (DemoError, PartError, ExceptionGroup) as error:
        console.print(f"[red]The trial with seed {plan.seed} came to no end.[/red] {escape(_told(error))}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return STOPPED
    for text, times in report.failed_runs.items():
        console.print(f"A run failed ({times} times): {escape(text)}", soft_wrap=True)
    if not report.complaints:
        console.print("[green]Nothing lost, nothing doubled; both systems are in step.[/green]")
        return 0
    console.print(f"[red]{len(report.complaints)} things are wrong (seed {plan.seed}, logs in {report.folder}):[/red]")
    for complaint in report.complaints[:COMPLAINTS_SHOWN]:
        console.print(f"  {escape(complaint)}", soft_wrap=True)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
