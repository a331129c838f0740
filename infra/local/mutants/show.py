"""What the command shows: the list of faults, the progress, the table of results, the survivors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from infra.local.mutants.fault import Fault
from infra.local.mutants.trial import Result

DIFFERENCE = {"-": "red", "+": "green", "@": "cyan"}
WIDTH_OF_A_FILE = 140  # where no terminal says how much room there is


def console() -> Console:
    """Where everything is shown."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=WIDTH_OF_A_FILE)


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
    table.add_column("Fault and file", no_wrap=True)
    table.add_column("Harm")
    for fault in faults:
        table.add_row(_name(fault), escape(fault.harm))
    return table


def results_table(results: Mapping[Fault, Result]) -> Table:
    """Every fault with the first test that found it."""
    table = _table()
    table.add_column("Fault and file", no_wrap=True)
    table.add_column("Found by", overflow="fold")
    table.add_column("Seconds", justify="right", no_wrap=True)
    for fault, result in results.items():
        table.add_row(_name(fault), _found_by(result), f"{result.seconds:.1f}")
    return table


def survivor(console: Console, fault: Fault, project: Path) -> None:
    """A fault that no test has found: its harm and its diff."""
    console.print(f"\n[red]{escape(fault.name)} survived.[/red] {escape(fault.harm)}\n")
    for line in fault.difference(project).splitlines():
        console.print(Text(line, style=DIFFERENCE.get(line[:1], "")), soft_wrap=True)


def _name(fault: Fault) -> str:
    return f"{escape(fault.name)}\n[dim]{fault.path}[/dim]"


def _found_by(result: Result) -> str:
    if result.failed is None:
        return "[red]nothing[/red]"
    if result.is_useless:
        return f"[red]not a test: {escape(result.failed)}[/red]"
    file, _, test = result.failed.removeprefix("tests/").partition("::")
    return f"{escape(test)}\n[dim]{escape(file)}[/dim]" if test else escape(file)


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, pad_edge=False)
