"""Reading what changed: the next page of both feeds, and what else a run has to look at."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from shared.core.failures import FeedExpired
from shared.core.jobs import Trigger
from shared.core.reasons import Reason
from shared.core.records import ChangePage
from shared.core.sides import Side
from shared.services.cured_causes import probes
from shared.services.observe import Observed
from shared.services.options import options_mapped_meanwhile
from shared.services.pass_context import Slice
from shared.services.repositories.work_items import WorkItem
from shared.services.sweep import deleted_records

log = logging.getLogger(__name__)
SWEPT_AT_ONCE = 40_000  # coupled records whose ids two calls tell: every run that a person asks for looks


@dataclass(slots=True)
class Progress:
    """How far a run has read: it becomes the checkpoint when every record read so far has its outcome."""

    positions: dict[Side, str | None]
    finished: list[Side]
    retried: bool
    sweep_dataverse: bool
    next_sweep_at: datetime | None
    sweeps_done: int

    @property
    def is_complete(self) -> bool:
        """Whether both feeds are read to their ends."""
        return len(self.finished) == len(Side)


@dataclass(slots=True)
class Page:
    """What was read at once, and how far the run has come with it. `unchanged` is counted when the page is done."""

    observed: Observed
    progress: Progress
    unchanged: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))


def progress_of(work: Slice) -> Progress:
    """Where the last checkpoint stands."""
    state, run = work.state, work.run
    return Progress(
        state.positions,
        run.finished_feeds,
        run.retried,
        state.sweep_dataverse,
        state.next_sweep_at,
        state.sweeps_done,
    )


def advance(work: Slice, progress: Progress) -> None:
    """Move the checkpoint (not yet stored) to where a page ended."""
    state, run = work.state, work.run
    state.positions, state.sweep_dataverse = progress.positions, progress.sweep_dataverse
    state.next_sweep_at, state.sweeps_done = progress.next_sweep_at, progress.sweeps_done
    run.finished_feeds, run.retried = progress.finished, progress.retried
    state.trouble, state.troubled_since = "", None


async def read_page(work: Slice, so_far: Progress) -> Page:
    """The next page of each feed not read to its end; with a run's first page also its work items and deletions."""
    progress = replace(so_far, positions=dict(so_far.positions), finished=list(so_far.finished))
    observed = Observed()
    if not progress.retried:
        await _look_again_for_new_options(work, progress)
    await asyncio.gather(*(_read_side(work, side, progress, observed) for side in Side if side not in so_far.finished))
    if not progress.retried:
        await _take_along_open_items(work, observed)
        await _take_along_deletions(work, progress, observed)
        progress.retried = True
    return Page(observed, progress)


async def _look_again_for_new_options(work: Slice, progress: Progress) -> None:
    """A choice that was missing is there now: the records that had to do without are among all the others."""
    mapped = await options_mapped_meanwhile(work)
    if mapped:
        if not work.is_preview:
            await work.services.work_items(work.mapping.name).remove(mapped)
        work.items = {key: item for key, item in work.items.items() if key not in mapped}
        progress.positions, progress.sweep_dataverse = {}, True


async def _read_side(work: Slice, side: Side, progress: Progress, observed: Observed) -> None:
    """One side's feed until there is a page full of it; the service's own pages may be smaller."""
    left = work.services.policy.page_size
    if side is Side.DATAVERSE and progress.positions.get(side) is None and work.state.coupled:
        progress.sweep_dataverse = True  # a feed that begins tells what there is, not what was deleted before
    while left > 0:
        page = await _next_page(work, side, progress, left)
        observed.take(side, page)
        progress.positions[side] = page.position
        left -= len(page.records) + len(page.deleted)
        if not page.more:
            progress.finished.append(side)
            return


async def _next_page(work: Slice, side: Side, progress: Progress, size: int) -> ChangePage:
    rows, asked = work.services.rows(side), (work.columns(side), progress.positions.get(side), size)
    try:
        return await (work.ahead.take(side, asked) or rows.changes(work.tables[side], *asked))
    except FeedExpired:
        # Everything is compared again; what is equal is not rewritten.
        log.warning("the feed of %s in %s starts over", work.mapping.name, side.product)
        progress.sweep_dataverse = progress.sweep_dataverse or side is Side.DATAVERSE
        return await rows.changes(work.tables[side], work.columns(side), None, size)


async def _take_along_open_items(work: Slice, observed: Observed) -> None:
    """Read the records of due work items, both sides, as if they had moved."""
    records = [item for item in work.items.values() if item.reason is not Reason.OPTION_NOT_MAPPED]
    due = [item for item in records if await is_due(work, item)]
    tried = [] if work.is_preview else [item.due(work.now) for item in probes(records, due)]
    work.items |= {item.key: item for item in tried}
    due += tried
    for side in Side:
        ids = {i.business_central_id if side is Side.BUSINESS_CENTRAL else i.dataverse_id for i in due} - {None}
        wanted = sorted(str(one) for one in ids if one not in observed.ids(side))
        found = await work.services.rows(side).read(work.tables[side], work.columns(side), wanted) if wanted else {}
        observed.records[side] |= found
        observed.deleted[side] |= set(wanted) - found.keys()


async def _take_along_deletions(work: Slice, progress: Progress, observed: Observed) -> None:
    """Look for deleted records where no feed tells them, now and then, and when a person asks for a run."""
    asked, progress.sweeps_done = work.state.sweeps_asked > progress.sweeps_done, work.state.sweeps_asked
    asked_for = asked or (work.run.trigger is Trigger.PERSON and work.state.coupled <= SWEPT_AT_ONCE)
    if asked_for or progress.next_sweep_at is None or progress.next_sweep_at <= work.now:
        observed.deleted[Side.BUSINESS_CENTRAL] |= await deleted_records(work, Side.BUSINESS_CENTRAL)
        progress.next_sweep_at = work.now + work.services.policy.sweep_interval
    if asked or progress.sweep_dataverse:
        observed.deleted[Side.DATAVERSE] |= await deleted_records(work, Side.DATAVERSE)
        progress.sweep_dataverse = False


async def is_due(work: Slice, item: WorkItem) -> bool:
    """Whether an open item is tried now: its time has come, its parent was coupled since, or a person asks.

    For a person it is tried once in a run, not in each slice: a slice that is short would come to nothing else.
    """
    if item.reason is Reason.HELD:
        return False
    is_asked_for = work.run.trigger is Trigger.PERSON and item.job not in work.run.jobs.values()
    if is_asked_for or item.next_at <= work.now:
        return True
    for parent in item.waits_for:
        coupled_at = await work.references.once(f"coupled:{parent}", partial(_coupled_at, work, parent))
        if coupled_at is not None and coupled_at >= item.last_at:
            return True
    return False


async def _coupled_at(work: Slice, parent: str) -> datetime | None:
    return (await work.services.runs(parent).state()).last_coupled_at
