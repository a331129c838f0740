"""`python -m tests.simulation [--seeds N] [--seed S] [--jobs J] [--go-on]`: play many seeds, or one and tell its story.

Exit code 1: a law was broken. The seed, the shortest story that breaks it, and the command that repeats it are printed;
with `--go-on` all seeds are played, and those that broke a law are listed.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.simulation.faults import Fault
from tests.simulation.many import outcomes
from tests.simulation.scenario import Plan
from tests.simulation.shorten import shortened, text_of
from tests.simulation.simulation import Outcome, play

STOPPED = 130


def main(arguments: Sequence[str]) -> int:
    """Play; answers the exit code."""
    options = command_line().parse_args(arguments)
    console = Console(soft_wrap=True, highlight=False)
    first = random.SystemRandom().randrange(10**6) * 1000 if options.seed is None else options.seed
    if options.seeds is None and options.seed is not None:
        return tell(console, Plan(first, frozenset(options.spare), frozenset(options.skip)))
    seeds = range(first, first + (options.seeds or 1000))
    try:
        broken = play_all(console, seeds, options.jobs, go_on=options.go_on)
    except KeyboardInterrupt:
        return STOPPED
    if not broken:
        console.print(f"[green]{len(seeds):,} seeds from {first} on: every law holds.[/green]")
        return 0
    if options.go_on:
        console.print(f"[red]{len(broken):,} of {len(seeds):,} seeds from {first} on break a law.[/red]")
    else:
        console.print("Looking for the shortest story ...")
        console.print(escape(text_of(shortened(broken[0]))))
    return 1


def command_line() -> argparse.ArgumentParser:
    """The parser of this command."""
    parser = argparse.ArgumentParser(prog="dev.py simulate", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument(
        "--seeds", type=int, metavar="N", help="how many to play (default: 1000, or only the one given)"
    )
    parser.add_argument("--seed", type=int, metavar="S", help="the first one (default: anywhere)")
    parser.add_argument("--jobs", type=int, metavar="J", default=2, help="processes at once (default: 2)")
    parser.add_argument("--go-on", action="store_true", help="play all, and list every seed that breaks a law")
    parser.add_argument("--spare", type=faults, metavar="FAULTS", default=[], help="leave out these kinds of bad luck")
    parser.add_argument("--skip", type=numbers, metavar="DEEDS", default=[], help="leave out these deeds of people")
    return parser


def faults(text: str) -> list[Fault]:
    """A list of faults by name."""
    return [Fault(name) for name in text.split(",") if name]


def numbers(text: str) -> list[int]:
    """A list of numbers."""
    return [int(number) for number in text.split(",") if number]


def tell(console: Console, plan: Plan) -> int:
    """Play one seed and tell its story."""
    outcome = play(plan, tell=True)
    console.print(escape(text_of(outcome)))
    return 0 if outcome.broken is None else 1


def play_all(console: Console, seeds: range, jobs: int, *, go_on: bool) -> list[Outcome]:
    """Play seeds up to the first that breaks a law, or all of them with `go_on`; those that broke one."""
    began = time.monotonic()
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    broken: list[Outcome] = []
    with Progress(*columns, console=console) as progress:
        task, done = progress.add_task("", total=len(seeds)), 0
        for played in outcomes(seeds, jobs, go_on=go_on):
            done += played.seeds
            speed = done / (time.monotonic() - began)
            progress.update(task, completed=done, description=f"{speed:.0f} seeds/s")
            for outcome in played.broken:
                progress.console.print(escape(f"Seed {outcome.plan.seed} breaks a law: {outcome.broken}"))
            broken += played.broken
            if broken and not go_on:
                break
    return broken


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # here, not in main: a test that calls it goes on with its own logs
    sys.exit(main(sys.argv[1:]))
