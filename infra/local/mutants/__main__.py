"""`python -m infra.local.mutants [--list] [NAME ...]`: plant faults one by one, and see that the fast tests find each.

Exit code 1: a fault survived, could not be planted, or the tests fail without any.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from infra.local.mutants import show
from infra.local.mutants.fault import Fault, Stale
from infra.local.mutants.faults import FAULTS
from infra.local.mutants.trial import Result, copy_of, run_tests, try_fault

ROOT = Path(__file__).resolve().parents[3]
AT_ONCE = 2  # each trial keeps a processor busy, and few machines have many to spare
STOPPED = 130


def main(arguments: Sequence[str]) -> int:
    """List the faults or try them; answers the exit code."""
    options = command_line().parse_args(arguments)
    faults = [fault for fault in FAULTS if not options.names or fault.name in options.names]
    console = show.console()
    if options.list:
        console.print(show.faults_table(faults))
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder:
            return try_all(console, faults, Path(folder))
    except KeyboardInterrupt:
        return STOPPED


def command_line() -> argparse.ArgumentParser:
    """The parser of this command."""
    parser = argparse.ArgumentParser(prog="dev.py mutants", description=(__doc__ or "").split(": ", 1)[1])
    parser.add_argument("--list", action="store_true", help="only say what would be planted")
    parser.add_argument(
        "names", metavar="NAME", nargs="*", type=known, help="try only these faults (see --list; default: all)"
    )
    return parser


def known(name: str) -> str:
    """Check that there is such a fault."""
    if name not in {fault.name for fault in FAULTS}:
        raise argparse.ArgumentTypeError(f"there is no fault {name}; --list shows all")
    return name


def try_all(console: Console, faults: Sequence[Fault], folder: Path) -> int:
    """First no fault, then each; shows the results and answers the exit code."""
    project = copy_of(ROOT, folder / "project")  # people may go on working in theirs
    try:
        for fault in faults:
            fault.planted_in(project)
    except Stale as stale:
        console.print(f"[red]{escape(str(stale))}[/red]")
        return 1
    with console.status("First the tests without any fault"):
        without = run_tests(project)
    if without.failed is not None:
        console.print(f"[red]Nothing was planted: without any fault {escape(without.failed)} fails.[/red]")
        return 1
    results = run_trials(console, project, faults, folder, without.seconds)
    console.print(show.results_table(results))
    return conclude(console, project, results)


def run_trials(
    console: Console, project: Path, faults: Sequence[Fault], folder: Path, seconds: float
) -> dict[Fault, Result]:
    """Every fault's trial, in the order of the faults, a few at once."""
    pool = ThreadPoolExecutor(AT_ONCE)
    waiting = list(faults)
    running: dict[Future[Result], Fault] = {}
    done: dict[Fault, Result] = {}
    try:
        with show.progress(console) as progress:
            task = progress.add_task("", total=len(faults))
            while waiting or running:
                while waiting and len(running) < AT_ONCE:
                    fault = waiting.pop(0)
                    running[pool.submit(try_fault, project, fault, folder / fault.name, seconds)] = fault
                progress.update(task, description=escape(", ".join(fault.name for fault in running.values())))
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    done[running.pop(future)] = future.result()
                    progress.advance(task)
            progress.update(task, description="")
    finally:
        pool.shutdown(cancel_futures=True)
    return {fault: done[fault] for fault in faults}


def conclude(console: Console, project: Path, results: dict[Fault, Result]) -> int:
    """Name what is wrong: faults that survived, and such as keep the tests from being loaded."""
    survivors = [fault for fault, result in results.items() if result.failed is None]
    useless = [fault.name for fault, result in results.items() if result.is_useless]
    for fault in survivors:
        show.survivor(console, fault, project)
    if useless:
        console.print(f"[red]The tests could not even be loaded with {escape(', '.join(useless))}.[/red]")
    if not survivors and not useless:
        console.print(f"[green]All {len(results)} faults were found.[/green]")
    return 1 if survivors or useless else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
