"""Asking whether mappings on hold have news: one small call per side at each point of the grid, instead of a run.

Business Central tells no deletions; that there are fewer records than there were is asked as often as deletions are
looked for, in place of that. A probe stores nothing. What one answer says holds for the other mappings of the table,
too: nothing new since the oldest position means nothing new since a later one.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.core.failures import SyncFailure
from shared.core.mapping import Mapping
from shared.core.schedule import grid_point
from shared.core.sides import Side
from shared.services.repositories.runs import MappingState

if TYPE_CHECKING:
    from shared.services.context import Services

log = logging.getLogger(__name__)


class Probes:
    """When this process has last found that there is no news for a mapping. Forgotten, it is asked once more."""

    def __init__(self) -> None:
        self._clean: dict[str, datetime] = {}
        self._counted: dict[str, datetime] = {}

    def looked_at(self, state: MappingState) -> datetime | None:
        """When the mapping was last looked at, by a run or by a probe."""
        moments = (state.last_finished_at, self._clean.get(state.mapping))
        return max((moment for moment in moments if moment is not None), default=None)

    def clean_since(self, state: MappingState) -> datetime | None:
        """Up to when all news is known to have been read, at least."""
        moments = (state.last_started_at, self._clean.get(state.mapping))
        return max((moment for moment in moments if moment is not None), default=None)

    def counted_at(self, state: MappingState) -> datetime | None:
        """When the records of the mapping were counted last, by a run or by a probe."""
        moments = (state.last_finished_at, self._counted.get(state.mapping))
        return max((moment for moment in moments if moment is not None), default=None)

    def note_count(self, mapping: str, now: datetime) -> None:
        """None was missing."""
        self._counted[mapping] = now

    def note(self, mappings: Sequence[str], now: datetime) -> None:
        """There was no news for these."""
        self._clean |= dict.fromkeys(mappings, now)


@dataclass(frozen=True, slots=True)
class Asleep:
    """A mapping on hold due to inactivity, and how far it has come."""

    mapping: Mapping
    state: MappingState


def is_asleep(services: Services, one: Asleep) -> bool:
    """Whether a mapping is on hold and is to be asked for news at this tick."""
    from shared.services.scheduling import interval_of

    if one.state.inactive_until is None or not one.mapping.wake_on_changes:
        return False
    looked_at = services.probes.looked_at(one.state)
    return looked_at is None or grid_point(interval_of(services, one.mapping), services.clock.now()) > looked_at


async def with_news(services: Services, asleep: Sequence[Asleep]) -> list[Mapping]:
    """Those on whose tables something has changed. Who cannot be asked counts as changed: a run tells what is wrong."""
    if not asleep:
        return []
    now = services.clock.now()
    await services.budget.refresh(services)
    quiet = list(asleep)
    for side in (Side.DATAVERSE, Side.BUSINESS_CENTRAL):
        groups: dict[str, list[Asleep]] = {}
        for one in quiet:
            groups.setdefault(one.mapping.table(side).table, []).append(one)
        asked = await asyncio.gather(*(_without_news(services, side, group) for group in groups.values()))
        quiet = [one for group in asked for one in group]
    missing = await asyncio.gather(*(_is_one_missing(services, one, now) for one in quiet))
    quiet = [one for one, is_missing in zip(quiet, missing, strict=True) if not is_missing]
    services.probes.note([one.mapping.name for one in quiet], now)
    names = {one.mapping.name for one in quiet}
    return [one.mapping for one in asleep if one.mapping.name not in names]


async def _without_news(services: Services, side: Side, group: Sequence[Asleep]) -> list[Asleep]:
    """Those of the mappings of one table that have no news there, asked for in the order of their age."""
    quiet: list[Asleep] = []
    nothing_since: datetime | None = None
    for one in sorted(group, key=lambda one: (one.state.last_finished_at is not None, one.state.last_finished_at)):
        clean = services.probes.clean_since(one.state)
        if nothing_since is not None and clean is not None and nothing_since <= clean:
            quiet.append(one)
        elif not await _has_news(services, side, one):
            quiet.append(one)
            nothing_since = nothing_since or one.state.last_finished_at
    return quiet


async def _is_one_missing(services: Services, one: Asleep, now: datetime) -> bool:
    """Whether there are fewer BC records than when the mapping went on hold; asked now and then."""
    counted_at = services.probes.counted_at(one.state)
    if one.state.counted is None or counted_at is None or now - counted_at < services.policy.sweep_interval:
        return False
    table = services.tables_of(one.mapping)[Side.BUSINESS_CENTRAL]
    try:
        count = await services.business_central.count(table)
    except SyncFailure as failure:
        log.warning("the records of %s could not be counted: %s", one.mapping.name, failure)
        return True
    services.probes.note_count(one.mapping.name, now)
    return count < one.state.counted


async def _has_news(services: Services, side: Side, one: Asleep) -> bool:
    table = services.tables_of(one.mapping)[side]
    try:
        return await services.rows(side).has_news(table, one.state.positions.get(side))
    except SyncFailure as failure:
        log.warning("%s could not be asked for news of %s: %s", side.product, one.mapping.name, failure)
        return True
