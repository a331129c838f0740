"""Reading what changed: the next page of both feeds, and what else a run has to look at."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from shared.core.failures import FeedExpired
from shared.core.jobs import Trigger
from shared.core.reasons import Reason
from shared.core.records import ChangePage
from shared.core.sides import Side
from shared.services.observe import Observed
from shared.services.options import options_mapped_meanwhile
from shared.services.pass_context import Slice
from shared.services.repositories.runs import MappingState
from shared.services.repositories.work_items import WorkItem
from shared.services.sweep import deleted_records

log = logging.getLogger(__name__)


async def read_page(work: Slice) -> tuple[Observed, MappingState]:
    """The next page of each feed not read to its end; with a run's first page also its work items and deletions.

    Answers too the state that holds once every record of the page has its outcome, not before.
    """
    observed, reached = Observed(), replace(work.state, positions=dict(work.state.positions))
    if not work.run.retried:
        await _look_again_for_new_options(work, reached)
    open_feeds = [side for side in Side if side not in work.run.finished_feeds]
    pages = await asyncio.gather(*(_next_page(work, side, reached) for side in open_feeds))
    for side, page in zip(open_feeds, pages, strict=True):
        observed.records[side] = {record.id: record for record in page.records}
        observed.deleted[side] = set(page.deleted)
        reached.positions[side] = page.position
        if not page.more:
            work.run.finished_feeds.append(side)
    if not work.run.retried:
        await _take_along_open_items(work, observed)
        await _take_along_deletions(work, reached, observed)
        work.run.retried = True
    return observed, reached


async def _look_again_for_new_options(work: Slice, reached: MappingState) -> None:
    """A choice that was missing is there now: the records that had to do without are among all the others."""
    mapped = await options_mapped_meanwhile(work)
    if mapped:
        await work.services.work_items(work.mapping.name).remove(mapped)
        work.items = {key: item for key, item in work.items.items() if key not in mapped}
        reached.positions, reached.sweep_dataverse = {}, True


async def _next_page(work: Slice, side: Side, reached: MappingState) -> ChangePage:
    rows, size = work.services.rows(side), work.services.policy.page_size
    try:
        return await rows.changes(work.tables[side], work.columns(side), reached.positions.get(side), size)
    except FeedExpired:
        # Everything is compared again; what is equal is not rewritten.
        log.warning("the feed of %s in %s starts over", work.mapping.name, side.product)
        reached.sweep_dataverse = reached.sweep_dataverse or side is Side.DATAVERSE
        return await rows.changes(work.tables[side], work.columns(side), None, size)


async def _take_along_open_items(work: Slice, observed: Observed) -> None:
    """Read the records of due work items, both sides, as if they had moved."""
    records = [item for item in work.items.values() if item.reason is not Reason.OPTION_NOT_MAPPED]
    due = [item for item in records if await is_due(work, item)]
    for side in Side:
        ids = {i.business_central_id if side is Side.BUSINESS_CENTRAL else i.dataverse_id for i in due} - {None}
        wanted = sorted(str(one) for one in ids if one not in observed.ids(side))
        found = await work.services.rows(side).read(work.tables[side], work.columns(side), wanted) if wanted else {}
        observed.records[side] |= found
        observed.deleted[side] |= set(wanted) - found.keys()


async def _take_along_deletions(work: Slice, reached: MappingState, observed: Observed) -> None:
    """Look for deleted records where no feed tells them, now and then, and when a person asks for a run."""
    now = work.services.clock.now()
    if work.run.trigger is Trigger.PERSON or reached.next_sweep_at is None or reached.next_sweep_at <= now:
        observed.deleted[Side.BUSINESS_CENTRAL] |= await deleted_records(work, Side.BUSINESS_CENTRAL)
        reached.next_sweep_at = now + work.services.policy.sweep_interval
    if reached.sweep_dataverse:
        observed.deleted[Side.DATAVERSE] |= await deleted_records(work, Side.DATAVERSE)
        reached.sweep_dataverse = False


async def is_due(work: Slice, item: WorkItem) -> bool:
    """Whether an open item is tried in this run: its time has come, a person asks, or its parent was coupled since."""
    if work.run.trigger is Trigger.PERSON or item.next_at <= work.services.clock.now():
        return True
    for parent in item.waits_for:
        coupled_at = (await work.services.runs(parent).state()).last_coupled_at
        if coupled_at is not None and coupled_at >= item.last_at:
            return True
    return False
