"""What the demo shows: the jobs while they run and afterwards, the edited records, the errors, the calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich import box
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from infra.local.demo.clients import Job, Row
from infra.local.demo.edits import Story
from infra.local.demo.in_step import Comparison
from infra.local.demo.reading import Found

COUNTERS = ("inserted", "modified", "deleted", "unchanged", "skipped", "failed", "coupled", "uncoupled")
DIRECTIONS = {"ToIntegrationTable": "→ Dataverse", "FromIntegrationTable": "← Dataverse"}
SHORT = {"succeeded": "done"}  # eighty columns are few
STYLES = {
    "inserted": "green",
    "modified": "cyan",
    "coupled": "magenta",
    "failed": "red",
    "skipped": "yellow",
    "succeeded": "green",
    "running": "cyan",
}


def jobs_table(title: str, jobs: Sequence[Job]) -> Table:
    """The counters of a run's jobs per mapping and direction; a counter that is zero everywhere is left out."""
    shown = [name for name in COUNTERS if any(job[name] for job in jobs)]
    table = _table(title)
    table.add_column("Mapping", no_wrap=True)
    table.add_column("Direction", no_wrap=True)
    for name in shown:
        table.add_column(name.capitalize(), justify="right", no_wrap=True)
    table.add_column("Job", no_wrap=True)
    last = ""
    for job in jobs:
        mapping = str(job["mapping"])
        if last and mapping != last:
            table.add_section()
        table.add_row(
            mapping if mapping != last else "",
            DIRECTIONS.get(str(job["direction"]), str(job["direction"])),
            *(_number(name, int(job[name])) for name in shown),
            Text(SHORT.get(str(job["status"]), str(job["status"])), style=STYLES.get(str(job["status"]), "dim")),
        )
        last = mapping
    return table


def samples_table(names: Sequence[str], before: Comparison, after: Comparison) -> Table:
    """A few records before and after the first run, on both sides."""
    table = _table("A few records before and after")
    for name in ("Record", "", "Business Central", "Dataverse"):
        table.add_column(name, overflow="fold")
    for name in names:
        for when, comparison in (("before", before), ("after", after)):
            here, there = (_summary(found) for found in comparison.named(name))
            table.add_row(escape(name) if when == "before" else "", when, here, there)
        table.add_section()
    return table


def stories_table(stories: Iterable[Story]) -> Table:
    """The records that people edited, before the edit and after the synchronization, on both sides."""
    table = _table("What people changed, and what both systems have now")
    for name in ("Record", "Field", "Business Central", "Dataverse", ""):
        table.add_column(name, overflow="fold")
    for story in stories:
        for place, name in enumerate(story.edit.fields):
            table.add_row(
                escape(story.edit.record) if place == 0 else "",
                name,
                _change(story.before.business_central.values[name], story.after.business_central.values[name]),
                _change(story.before.dataverse.values[name], story.after.dataverse.values[name]),
                _comment(story),
            )
        table.add_section()
    return table


def errors_table(errors: Sequence[Row]) -> Table:
    """What needs a person, with both values where they are known."""
    table = _table("For a person to decide: coupled data synchronization errors")
    for name in ("Mapping", "Record", "What is wrong"):
        table.add_column(name, overflow="fold")
    for error in errors:
        text = Text(str(error["message"]))
        for conflict in error.get("fields") or ():
            text.append(f"\n{conflict['field']}: ", style="bold")
            text.append(f"{conflict['business_central']}", style="cyan")
            text.append(" in Business Central, ")
            text.append(f"{conflict['dataverse']}", style="magenta")
            text.append(" in Dataverse")
        table.add_row(str(error["mapping"]), escape(str(error.get("title") or error.get("number") or "")), text)
        table.add_section()
    return table


def calls_table(runs: Mapping[str, Mapping[str, Row]]) -> Table:
    """How much each run asked of each system; `runs` has the statistics per run and system."""
    table = _table("Calls made to the two systems")
    for name in ("Run", "System"):
        table.add_column(name)
    for name in ("Requests", "Operations in batches", "Records written", "Sent", "Received"):
        table.add_column(name, justify="right")
    for run, systems in runs.items():
        for place, (system, numbers) in enumerate(systems.items()):
            table.add_row(
                run if place == 0 else "",
                system,
                f"{numbers['requests']:,}",
                f"{numbers['operations']:,}",
                f"{numbers['writes']:,}",
                _size(numbers["bytes_received"]),
                _size(numbers["bytes_sent"]),
            )
        table.add_section()
    return table


def _table(title: str) -> Table:
    return Table(
        title=title,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
    )


def _number(name: str, value: int) -> Text:
    return Text(f"{value:,}", style=STYLES.get(name, "")) if value else Text("·", style="dim")


def _change(before: str, after: str) -> Text:
    if before == after:
        return Text(after or "-", style="dim")
    return Text.assemble((f"{before or '-'} →\n", "dim"), (after or "-", "bold"))


def _comment(story: Story) -> Text:
    if story.edit.conflicts:
        return Text("conflict: both kept", style="red")
    if story.edit.business_central and story.edit.dataverse:
        return Text("merged", style="green")
    return Text("carried over", style="green")


def _summary(found: Found | None) -> Text:
    if found is None:
        return Text("not there", style="dim")
    shown = (found.values[name] for name in ("address", "post code", "city", "country", "phone", "currency"))
    return Text(", ".join(filter(None, shown)))


def _size(number: int) -> str:
    return f"{number / 1024:,.0f} kB"
