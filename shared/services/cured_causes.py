"""Curing a cause releases everything that it held, with nobody touching the records.

No feed tells that a permission was given or a missing country added. So each run tries one record of those that a
missing permission holds; and when a record goes through that has not changed since it was refused, its cause is cured:
all others that it held, skipped ones too, are due at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.core.causes import OUTSIDE, Cause
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.services.pass_context import Slice
from shared.services.repositories.work_items import WorkItem


def probes(items: Iterable[WorkItem], due: Iterable[WorkItem]) -> list[WorkItem]:
    """Of what a missing permission holds the record that was tried longest ago, unless one is tried anyway."""
    tried = {cause for item in due for cause in item.causes}
    found: dict[Cause, WorkItem] = {}
    for item in items:
        for cause in item.causes if item.reason is Reason.PERMISSION_MISSING else ():
            if cause not in tried and (cause not in found or item.last_at < found[cause].last_at):
                found[cause] = item
    return list(found.values())


def note_cured(work: Slice, item: WorkItem, versions: Mapping[Side, str | None]) -> None:
    """A record that was refused went through; if it is the same version still, its cause is cured, not the record."""
    is_same = all(item.versions[side] == etag for side, etag in versions.items() if side in item.versions)
    if item.reason in OUTSIDE and item.versions and is_same:
        work.cured.update(item.causes)


async def release(work: Slice) -> bool:
    """Make everything due that the cured causes hold; whether there is such that this run has not tried."""
    jobs, cured, work.cured = set(work.run.jobs.values()), work.cured, set()
    held = [
        item
        for item in (work.items.values() if cured else ())
        if item.job not in jobs and not cured.isdisjoint(item.causes)
    ]
    if not held:
        return False
    now = work.now
    keys = await work.services.work_items(work.mapping.name).revise(
        [item.key for item in held], lambda one: one.due(now)
    )
    work.items |= {key: work.items[key].due(now) for key in keys}
    return bool(keys)
