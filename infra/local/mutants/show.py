"""What the command shows: the list of faults, the progress, the table of results, the survivors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.syntax import Syntax
from rich.table import Table

from infra.local.mutants.fault import Fault
from infra.local.mutants.trial import Result


def progress(console: Console) -> Progress:
    """A bar with what is being tried."""
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )


def faults_table(faults: Iterable[Fault]) -> Table:
    """What can be planted, where, and what it would cost."""
    table = _table()
    for name in ("Fault", "File", "Harm"):
        table.add_column(name, overflow="fold")
    for fault in faults:
        table.add_row(escape(fault.name), fault.path, escape(fault.harm))
    return table


def results_table(results: Mapping[Fault, Result]) -> Table:
    """Every fault with the first test that found it."""
    table = _table()
    for name in ("Fault", "File", "Found by"):
        table.add_column(name, overflow="fold")
    table.add_column("Seconds", justify="right")
    for fault, result in results.items():
        table.add_row(escape(fault.name), fault.path, _found_by(result), f"{result.seconds:.1f}")
    return table


def survivor(console: Console, fault: Fault, project: Path) -> None:
    """A fault that no test has found: its harm and its diff."""
    console.print(f"\n[red]{escape(fault.name)} survived.[/red] {escape(fault.harm)}\n")
    console.print(Syntax(fault.difference(project), "diff", background_color="default"))


def _found_by(result: Result) -> str:
    if result.failed is None:
        return "[red]nothing[/red]"
    if result.is_useless:
        return f"[red]not a test: {escape(result.failed)}[/red]"
    return escape(result.failed.removeprefix("tests/"))


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False)
