"""`python -m infra.local.demo`: couple and synchronize, let people edit, synchronize, and see that all is in step."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.markup import escape

from infra.local.child import PartError
from infra.local.demo import tables
from infra.local.demo.clients import App, DemoError, Job, Row, System, business_central, dataverse
from infra.local.demo.edits import Edit, Story, edits, make, pair_of
from infra.local.demo.in_step import Comparison, Pair, compare
from infra.local.demo.reading import READERS
from infra.local.demo_company import expected
from infra.local.demo_company.contacts import partners
from infra.local.demo_company.sample import Fate, Kind
from infra.local.stack import STOPPED, end_on_termination, local_stack

BASE_CURRENCY_NAME = "Euro"  # Business Central has no row for its local currency
FIRST = "First run: couple what both have, create the rest"
SECOND = "Second run: carry over what people and Business Central changed"
THIRD = "Third run: nothing is left to do"
NEVER = "0 0 0 1 1 *"  # the demo asks for every run itself


@dataclass
class Demo:
    """The demo's three runs and what was found."""

    console: Console
    app: App
    business_central: System
    dataverse: System
    calls: dict[str, dict[str, Row]] = field(default_factory=dict)

    async def tell(self) -> list[str]:
        """Run the story and show it; answers what was not as it must be."""
        for mapping in READERS:
            await self.app.also_create(mapping)
        before = await self.compare()
        first = await self.run(FIRST)
        after = await self.compare()
        complaints = self.judge_pairs(after) + await self.judge_errors(0)
        told = await self.let_people_edit(after)
        second = await self.run(SECOND)
        stories = await self.look_again(told)
        third = await self.run(THIRD)
        complaints += await self.judge_end(stories)
        for table in (
            tables.jobs_table(FIRST, first),
            tables.samples_table(samples(), before["CUSTOMER"], after["CUSTOMER"]),
            tables.jobs_table(SECOND, second),
            tables.stories_table(stories),
            tables.jobs_table(THIRD, third),
            tables.errors_table(await self.app.errors()),
            tables.calls_table(self.calls),
        ):
            self.console.print(table)
        return complaints

    async def run(self, title: str) -> list[Job]:
        """Synchronize all mappings, counting the calls, with the jobs on the screen."""
        started = time.monotonic()
        for system in (self.business_central, self.dataverse):
            await system.clear_statistics()
        with Live(console=self.console, transient=True) as live:
            jobs = await self.app.synchronize(lambda jobs: live.update(tables.jobs_table(title, jobs)))
        failed = [job for job in jobs if job["status"] != "succeeded"]
        if failed:
            told = "; ".join(f"{job['mapping']} {job['direction']}: {job['message']}" for job in failed)
            raise DemoError(f"Not every job succeeded. {told}")
        self.calls[title.partition(":")[0]] = {
            system.name: await system.statistics() for system in (self.business_central, self.dataverse)
        }
        self.console.print(f"{title} ({time.monotonic() - started:.1f} s)")
        return jobs

    async def compare(self) -> dict[str, Comparison]:
        """Both systems' records side by side, by mapping."""
        found = [compare(mapping, self.business_central, self.dataverse) for mapping in READERS]
        return {comparison.mapping: comparison for comparison in await asyncio.gather(*found)}

    def judge_pairs(self, comparisons: Mapping[str, Comparison]) -> list[str]:
        """Whether both systems have as many records in common as the sample company must come to."""
        found = {mapping: len(comparison.pairs) for mapping, comparison in comparisons.items()}
        wanted = {mapping: one.pairs for mapping, one in expected().items()}
        return [
            f"{mapping}: both systems have {found[mapping]} records in common instead of {wanted[mapping]}."
            for mapping in found
            if found[mapping] != wanted[mapping]
        ]

    async def judge_end(self, stories: Sequence[Story]) -> list[str]:
        """Whether every edit has arrived, both systems are in step, and the last run wrote nothing."""
        conflicts = {story.edit.record for story in stories if story.edit.conflicts}
        comparisons = await self.compare()
        complaints = [complaint for story in stories if (complaint := story.complaint())]
        complaints += self.judge_pairs(comparisons) + await self.judge_errors(len(conflicts))
        for comparison in comparisons.values():
            complaints += comparison.complaints(exceptions() | conflicts)
        last = self.calls[THIRD.partition(":")[0]]
        return complaints + [
            f"The last run wrote {numbers['writes']} records in {name}."
            for name, numbers in last.items()
            if numbers["writes"]
        ]

    async def judge_errors(self, conflicts: int) -> list[str]:
        """Whether exactly the records that nobody but a person can put right are errors."""
        errors = {mapping: one.errors + one.missing_choices for mapping, one in expected().items()}
        wanted = {mapping: number for mapping, number in errors.items() if number}
        wanted["CUSTOMER"] += conflicts
        found = Counter(str(error["mapping"]) for error in await self.app.errors())
        return [] if found == Counter(wanted) else [f"Errors are {dict(found)} instead of {wanted}."]

    async def let_people_edit(self, comparisons: Mapping[str, Comparison]) -> list[tuple[Edit, Pair]]:
        """Make all edits; answers each with the pair as it was before."""
        told = [(edit, pair_of(edit, comparisons)) for edit in edits()]
        for edit, pair in told:
            await make(edit, pair, self.business_central, self.dataverse)
        return told

    async def look_again(self, told: Sequence[tuple[Edit, Pair]]) -> list[Story]:
        """The edited pairs as they are now."""
        now = await self.compare()
        return [Story(edit, before, pair_of(edit, now)) for edit, before in told]


def exceptions() -> AbstractSet[str]:
    """The names of records that cannot be in step, and why not is an error or their mapping's filter."""
    return {BASE_CURRENCY_NAME, *(one.company.name for one in partners() if one.fate is not Fate.SYNCHRONIZED)}


def samples() -> list[str]:
    """Customers to look at: one of Business Central, one of Dataverse, one that Dataverse has without telephone."""
    both = next(one.company.name for one in partners() if one.kind is Kind.CUSTOMER and "phone" in one.in_dataverse)
    return ["100% GmbH", "Ελαιώνας & Υιοί Α.Ε.", both]


async def tell_all(console: Console) -> list[str]:
    """Start the stack, tell the story, stop the stack."""
    end_on_termination()
    console.print(
        "Starting Functions host, Service Bus broker, Azurite, Business Central and Dataverse ...", soft_wrap=True
    )
    async with AsyncExitStack() as exits:
        stack = await exits.enter_async_context(local_stack(settings={"SYNC_SCHEDULE": NEVER}))
        app = await exits.enter_async_context(App(stack))
        here = await exits.enter_async_context(business_central(stack))
        there = await exits.enter_async_context(dataverse(stack))
        return await Demo(console, app, here, there).tell()


def main() -> int:
    """The exit code: 0 when both systems ended in step."""
    console, started = Console(), time.monotonic()
    try:
        complaints = asyncio.run(tell_all(console))
    except (DemoError, PartError, TimeoutError) as error:
        console.print(f"[red]The demo failed.[/red] {escape(str(error) or type(error).__name__)}")
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return STOPPED
    seconds = f"({time.monotonic() - started:.0f} s)"
    if complaints:
        console.print(f"[red]The two systems are not in step.[/red] {seconds}")
        for complaint in complaints:
            console.print(f"  {escape(complaint)}")
        return 1
    pairs = ", ".join(f"{mapping} {expected()[mapping].pairs}" for mapping in READERS)
    console.print(f"[green]Both systems are in step.[/green] Pairs: {pairs}. {seconds}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
