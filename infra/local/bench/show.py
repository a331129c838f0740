"""What the bench shows on the screen: a table of the cases, one of what was to be reached, one of each measure."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.local.bench.results import CaseResult, Measure, Report, Target

WIDTH = 140  # where no terminal says how much room there is
SIDES = {"business_central": "BC", "dataverse": "DV"}


def console() -> Console:
    """Where everything is shown."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=WIDTH)


def show(console: Console, report: Report) -> None:
    """Everything."""
    if report.cases:
        console.print(cases_table(report.records, report.cases))
    for measure in report.measures:
        console.print(measure_table(measure))
    console.print(targets_table(report))
    for case in report.cases:
        for complaint in complaints(case):
            console.print(f"[red]{case.title}:[/red] ", Text(complaint), sep="")


def complaints(case: CaseResult) -> list[str]:
    """What was wrong with a case."""
    found = list(case.complaints)
    if case.wrong > len(found):
        found.append(f"{case.wrong - len(found)} more are wrong.")
    for side, count in case.calls.items():
        if case.served[side] != count:
            found.append(f"{count} calls left for {side}, which counted {case.served[side]}.")
    return found


def cases_table(records: int, cases: Iterable[CaseResult]) -> Table:
    """One line for each case."""
    table = _table(f"{records:,} customers on each side")
    table.add_column("Case")
    numbers = (
        "Records",
        "BC calls",
        "/1,000",
        "DV calls",
        "/1,000",
        "Seconds",
        "Ideal",
        "Loop",
        "Table trans.",
        "/1,000",
    )
    for name in (*numbers, "Next run", "End state"):
        table.add_column(name, justify="right", no_wrap=True)
    for case in cases:
        table.add_row(case.title, *_case_cells(case))
    return table


def _case_cells(case: CaseResult) -> list[str | Text]:
    calls = [cell for side in SIDES for cell in (f"{case.calls[side]:,}", _per_thousand(case, case.calls[side]))]
    transactions = case.all_transactions
    return [
        f"{case.records:,}" if case.records else "-",
        *calls,
        f"{case.seconds:,.2f}",
        f"{case.ideal.seconds:,.2f}" if case.ideal and case.ideal.seconds else "-",
        f"{case.loop.seconds:,.0f}" if case.loop and case.ideal and case.ideal.seconds else "-",
        f"{transactions:,}",
        _per_thousand(case, transactions),
        "+".join(str(case.next_run[side]) for side in SIDES),
        Text(f"{case.compared:,} right", style="green") if case.right else Text(f"{case.wrong:,} wrong", style="red"),
    ]


def _per_thousand(case: CaseResult, number: int) -> str:
    return f"{number * 1000 / case.records:,.1f}" if case.records else "-"


def measure_table(measure: Measure) -> Table:
    """The figures of one measure, and its lists."""
    table = _table(measure.title)
    table.add_column("What")
    table.add_column("Measured", justify="right", no_wrap=True)
    for name, figure in measure.figures.items():
        table.add_row(name, "not measured here" if figure is None else plain(figure))
    for title, rows in measure.tables.items():
        table.add_section()
        table.add_row(Text(title, style="bold"), "")
        for name, figure in rows:
            table.add_row(f"  {name}", plain(figure))
    for note in measure.notes:
        table.add_section()
        table.add_row(Text(note, style="dim"), "")
    return table


def targets_table(report: Report) -> Table:
    """Everything that is to be reached."""
    table = _table("To reach")
    for name in ("Case", "What"):
        table.add_column(name)
    for name in ("To reach", "Measured", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for title, targets in [(one.title, one.targets) for one in report.everything]:
        for place, target in enumerate(targets):
            table.add_row("" if place else title, target.what, *_target_cells(target))
        if targets:
            table.add_section()
    return table


def _target_cells(target: Target) -> list[str | Text]:
    verdict = Text("met", style="green") if target.met else Text("not met", style="red")
    return [f"{'>=' if target.at_least else '<='} {plain(target.limit)}", plain(target.measured), verdict]


def plain(figure: float) -> str:
    """A number with as many places as people need."""
    if figure == int(figure) and abs(figure) < 1e15:
        return f"{int(figure):,}"
    return f"{figure:,.4f}" if abs(figure) < 0.1 else f"{figure:,.2f}" if abs(figure) < 100 else f"{figure:,.0f}"


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )
