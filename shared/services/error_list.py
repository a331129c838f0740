"""The coupled data synchronization errors, and what merely waits: the work items as people page through them."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.jobs import Job, job_key
from shared.core.reasons import Reason
from shared.services.context import Services
from shared.services.mapping_settings import mapping_named
from shared.services.repositories.work_items import WorkItem


@dataclass(frozen=True, slots=True)
class ItemsPage:
    """Work items, the newest first, how many there are in all, and what to hand in to get the next ones."""

    items: list[WorkItem]
    count: int
    continuation: str | None


async def items_page(
    services: Services, *, mapping: str | None, reason: Reason | None, waiting: bool, after: str | None, limit: int
) -> ItemsPage:
    """A page of the open errors of one mapping or all; with `waiting` also of what merely waits. Raises Problem (404).

    A continuation is a place in the order, so it stays good while items come and go.
    """
    items = [
        item
        for item in await open_items(services, mapping)
        if (item.is_error or waiting) and reason in (None, item.reason)
    ]
    rest = [item for item in items if after is None or _place(item) > after]
    page = rest[:limit]
    return ItemsPage(page, len(items), _place(page[-1]) if len(rest) > limit else None)


async def open_items(services: Services, mapping: str | None) -> list[WorkItem]:
    """The work items of one mapping or of all, the newest first. Raises Problem (404)."""
    if mapping is not None:
        names = [(await mapping_named(services, mapping)).mapping.name]
    else:
        names = [stored.mapping.name for stored in await services.mappings.all()]
    items = [item for name in names for item in (await services.work_items(name).all()).values()]
    return sorted(items, key=_place)


def _place(item: WorkItem) -> str:
    """Where an item stands: the newest first, then by mapping and record."""
    return f"{job_key(item.last_at, '')}{item.mapping}|{item.key}"


async def items_of_job(services: Services, job: Job) -> list[WorkItem]:
    """What this job could not bring in step and is still open."""
    items = (await services.work_items(job.mapping).all()).values()
    return [item for item in items if item.job == job.id]
