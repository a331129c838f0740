"""The record of configuration changes: looked at page by page, added to where a setting is kept elsewhere, tidied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from shared.core.configuration_diff import MemberChange
from shared.core.jobs import job_key
from shared.ports import Remove
from shared.services.context import Services
from shared.services.repositories.configuration_changes import (
    CHANGE,
    LOG,
    THE_APP,
    ConfigurationChange,
    MappingEdit,
    new_change,
)
from shared.services.repositories.documents import transact_in_chunks

PAGE = 200
KEPT = 4
"""Times as long as jobs: who set up what is asked for longer than what a run did."""


@dataclass(frozen=True, slots=True)
class ChangesPage:
    """Changes, the newest first, and what to hand in to get the next ones (None at the end)."""

    changes: list[ConfigurationChange]
    continuation: str | None


async def record_change(services: Services, mapping: str, members: tuple[MemberChange, ...], occasion: str) -> None:
    """Record a change of something about a mapping that is kept elsewhere: its schedule, for example.

    What stands in the mapping itself is recorded with it, in one transaction (`MappingRepository.change`). Raises
    Passing.
    """
    if not members:
        return
    edits = [MappingEdit(mapping, "changed", members)]
    by = services.acting_for or THE_APP
    await services.changes.add(new_change(services.clock.now(), services.ids.new(), by, edits, occasion))


async def changes_page(
    services: Services, *, mapping: str | None, by: str | None, after: str | None, limit: int
) -> ChangesPage:
    """A page of the changes, of one mapping or one person if asked for. Raises Passing."""
    found: list[ConfigurationChange] = []
    while True:
        page = await services.changes.page(after, PAGE)
        for change in page:
            after = change.id
            found += _chosen(change, mapping, by)
            if len(found) == limit:
                return ChangesPage(found, after)
        if len(page) < PAGE:
            return ChangesPage(found, None)


def _chosen(change: ConfigurationChange, mapping: str | None, by: str | None) -> Iterator[ConfigurationChange]:
    """The change, if it is asked for; of several mappings only the one that is."""
    edits = tuple(edit for edit in change.edits if mapping is None or edit.mapping == mapping.upper())
    if edits and (by is None or by.casefold() in change.by.casefold()):
        yield replace(change, edits=edits)


async def remove_old_changes(services: Services) -> int:
    """Remove what is older than four times what jobs are kept; how many. Bounded work. Raises Passing, NeedsPerson."""
    before = services.clock.now() - KEPT * services.policy.retention.jobs
    rows = await services.state.scan(LOG, services.connection, after=job_key(before, ""), limit=1000)
    old = [Remove(row.key) for row in rows if CHANGE.unpack(row.body).at < before]
    await transact_in_chunks(services.state, LOG, services.connection, old)
    return len(old)
