"""`python -m infra.local.bench`: measure what synchronizing costs, and see that the end state is right.

Exit code 1: a case ended wrongly, or counters disagree. What is not reached is shown and is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.markup import escape

from infra.local.bench import options as command_line
from infra.local.bench import page
from infra.local.bench.progress import Progress, progress_on
from infra.local.bench.results import Report
from infra.local.bench.runner import Plan
from infra.local.bench.show import console, show
from infra.local.bench.simulators import BenchError, Latency
from infra.local.bench.whole import run_bench
from infra.local.child import PartError
from infra.local.stack import STOPPED, end_on_termination

PRICES = Path(__file__).with_name("prices.json")


def main(arguments: Sequence[str]) -> int:
    """Run the bench with command-line arguments; answers the exit code."""
    parser = argparse.ArgumentParser(prog="dev.py bench", description=(__doc__ or "").split(": ", 1)[1])
    command_line.add_options(parser)
    options = parser.parse_args(arguments)
    screen = console()
    try:
        report = asyncio.run(_run(plan_of(options), progress_on(screen)))
    except (BenchError, PartError, OSError) as problem:
        screen.print(f"[red]The bench failed.[/red] {escape(str(problem) or type(problem).__name__)}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        screen.print("The bench was stopped.")
        return STOPPED
    show(screen, report)
    for file in filter(None, (options.json, page.SOURCE if options.docs else None)):
        file.write_text(as_json(report), encoding="utf-8", newline="\n")
    if options.docs:
        page.write(json.loads(page.SOURCE.read_text("utf-8")))
    return 0 if report.right else 1


async def _run(plan: Plan, progress: Progress) -> Report:
    end_on_termination()
    return await run_bench(plan, progress)


def plan_of(options: argparse.Namespace) -> Plan:
    """The plan for these options."""
    milliseconds = {
        name: 0.0 if options.quick and given is None else default if given is None else given
        for name, default in (("request", 80.0), ("operation", 3.0), ("page", 20.0), ("state", 8.0))
        for given in [getattr(options, f"{name}_ms")]
    }
    state = milliseconds.pop("state") / 1000
    return Plan(
        records=options.records or (command_line.QUICK_RECORDS if options.quick else command_line.RECORDS),
        cases=options.cases,
        storage=options.storage,
        latency=Latency(**{name: number / 1000 for name, number in milliseconds.items()}),
        state_latency=state,
        sample=10 if options.quick else 50,
        prices=json.loads((options.prices or PRICES).read_text("utf-8")),
    )


def as_json(report: Report) -> str:
    """Everything that was measured, and whether what is to be reached was."""
    document: dict[str, Any] = asdict(report) | {"right": report.right}
    for one, written in zip(report.everything, [*document["cases"], *document["measures"]], strict=True):
        for target, line in zip(one.targets, written["targets"], strict=True):
            line["met"] = target.met
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
