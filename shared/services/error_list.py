"""The coupled data synchronization errors, and what merely waits: the work items as people page through them.

Items are stored by record, so a page is found by reading through them; never more than some pages are held at a time.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

from shared.core.jobs import Job, job_key
from shared.core.mapping import Mapping as TableMapping
from shared.core.sides import Side
from shared.services.context import Services
from shared.services.error_rows import error_row
from shared.services.forms.errors import ErrorFilter, ErrorRow, ErrorSort
from shared.services.mapping_settings import mapping_named
from shared.services.problems import Problem
from shared.services.repositories.work_items import WorkItem

_LONGEST = 40  # characters of a text by which the list is sorted
_LAST = "\U0010ffff"

type _Place = tuple[str, str, str]
"""Where an item stands: by what is sorted, then by mapping and record."""


@dataclass(frozen=True, slots=True)
class ErrorsPage:
    """Rows in the order asked for, how many there are in all, and what to hand in to get the next ones."""

    rows: list[ErrorRow]
    count: int
    continuation: str | None


async def errors_page(
    services: Services,
    wanted: ErrorFilter,
    *,
    sort: ErrorSort,
    after: str | None,
    limit: int,
    verify: bool,
) -> ErrorsPage:
    """A page of what the filter lets through; with `verify` the services are asked whether the records exist.

    A continuation is a place in the order, so it stays good while items come and go. Raises Problem (400, 404).
    """
    mappings = await mappings_of(services, wanted)
    place_of = _SORTS[sort]
    beyond = None if after is None else _place_from(after)
    first = _First(limit + 1, place_of)
    count = 0
    async for item in matching(services, mappings, wanted):
        count += 1
        if beyond is None or place_of(item) > beyond:
            first.add(item)
    found = first.items()
    page = found[:limit]
    there = {(item.mapping, item.key): item.there for item in page}
    if verify:
        from shared.services.error_state import there_now

        there = await there_now(services, mappings, page)
    rows = [error_row(services, mappings[item.mapping], item, there[item.mapping, item.key]) for item in page]
    return ErrorsPage(rows, count, _text_of(place_of(page[-1])) if len(found) > limit else None)


async def mappings_of(services: Services, wanted: ErrorFilter) -> dict[str, TableMapping]:
    """The mappings that a filter is about, by name. Raises Problem (404)."""
    if wanted.mapping is not None:
        mapping = (await mapping_named(services, wanted.mapping)).mapping
        return {mapping.name: mapping}
    return {stored.mapping.name: stored.mapping for stored in await services.mappings.all()}


async def matching(
    services: Services, mappings: Mapping[str, TableMapping], wanted: ErrorFilter
) -> AsyncIterator[WorkItem]:
    """The open items of these mappings that a filter lets through."""
    for name in mappings:
        async for items in services.work_items(name).pages():
            for item in items:
                if _passes(item, wanted):
                    yield item


async def items_of_job(services: Services, job: Job) -> list[WorkItem]:
    """What this job could not bring in step and is still open."""
    items = (await services.work_items(job.mapping).all()).values()
    return [item for item in items if item.job == job.id]


def _passes(item: WorkItem, wanted: ErrorFilter) -> bool:
    return (
        (item.is_error or wanted.waiting)
        and wanted.reason in (None, item.reason)
        and wanted.skipped in (None, item.skipped)
        and wanted.source in (None, item.source)
        and (wanted.since is None or item.last_at >= wanted.since)
        and (wanted.text is None or _has_text(item, wanted.text.casefold()))
        and (wanted.cause is None or any(cause.id == wanted.cause for cause in item.causes))
    )


def _has_text(item: WorkItem, text: str) -> bool:
    return any(part and text in part.casefold() for side in Side for part in item.name_at(side))


class _First:
    """The first `number` items in the order of their places, out of any number that pass by."""

    def __init__(self, number: int, place_of: Callable[[WorkItem], _Place]) -> None:
        self._number = number
        self._place_of = place_of
        self._held: list[WorkItem] = []

    def add(self, item: WorkItem) -> None:
        """Take an item in; what cannot be among the first is let go of now and then."""
        self._held.append(item)
        if len(self._held) > 4 * self._number:
            self._held = self.items()

    def items(self) -> list[WorkItem]:
        """The first ones, in order."""
        self._held = sorted(self._held, key=self._place_of)[: self._number]
        return self._held


def _sorted_by(by: Callable[[WorkItem], str]) -> Callable[[WorkItem], _Place]:
    return lambda item: (by(item), item.mapping, item.key)


def _by_text(text: str | None) -> str:
    return text.casefold()[:_LONGEST] if text else _LAST


_SORTS: dict[ErrorSort, Callable[[WorkItem], _Place]] = {
    ErrorSort.NEWEST: _sorted_by(lambda item: job_key(item.last_at, "")),
    ErrorSort.OLDEST: _sorted_by(lambda item: item.first_at.isoformat()),
    ErrorSort.NEXT: _sorted_by(lambda item: item.next_at.isoformat()),
    ErrorSort.ATTEMPTS: _sorted_by(lambda item: f"{10**9 - item.attempts:010d}"),
    ErrorSort.NUMBER: _sorted_by(lambda item: _by_text(item.number)),
    ErrorSort.TITLE: _sorted_by(lambda item: _by_text(item.title)),
}


def _text_of(place: _Place) -> str:
    """A place as text that may stand in an address."""
    return base64.urlsafe_b64encode("\0".join(place).encode()).decode()


def _place_from(text: str) -> _Place:
    try:
        by, mapping, key = base64.urlsafe_b64decode(text.encode()).decode().split("\0")
    except (ValueError, binascii.Error):
        raise Problem(
            400, "invalid_value", "continuation: is not from an answer of this list.", field="continuation"
        ) from None
    return by, mapping, key
