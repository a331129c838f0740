"""What needs a person in one connection: errors by mapping and cause, mappings that do not run, dead letters.

The errors of a mapping are read again only when its state has changed: only runs and people's tasks change them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared.core.mapping import Mapping
from shared.core.notifications import Finding, Topic
from shared.core.schedule import ScheduleStatus
from shared.services.repositories.runs import MappingState
from shared.services.repositories.work_items import WorkItem
from shared.services.scheduling import standing_of

if TYPE_CHECKING:
    from shared.services.context import Services

GUARD = "guard_tripped"
GUARD_ADVICE = "Look whether that is right; then release the next run with `release_guard`."
LATE_ADVICE = "GET /api/health tells which service cannot be reached, and what to do."
MOST_LETTERS = 100
MOST_SAMPLES = 5
LONGEST_SENTENCE = 300


async def findings(services: Services) -> list[Finding]:
    """Everything that needs a person now. Raises Passing, NeedsPerson."""
    found: list[Finding] = []
    for stored in await services.mappings.all():
        state = await services.runs(stored.mapping.name).state()
        found += await _interruption(services, stored.mapping, state)
        found += await _errors(services, state)
    return found + await _dead_letters(services)


async def _interruption(services: Services, mapping: Mapping, state: MappingState) -> list[Finding]:
    """That a mapping does not run, and why; from its first failure until it has run again."""
    found = await standing_of(services, mapping, state)
    key = f"stopped|{mapping.name}"
    if found.status in (ScheduleStatus.DISABLED, ScheduleStatus.ON_HOLD):
        return []
    if found.status is ScheduleStatus.LATE:
        return [Finding(key, Topic.LATE, _short(found.why), mapping.name, advice=LATE_ADVICE)]
    if not state.failures:
        return []
    message = _short(state.last_message)
    if state.failure_code == GUARD:
        return [Finding(f"guard|{mapping.name}", Topic.GUARD, message, mapping.name, advice=GUARD_ADVICE)]
    return [Finding(key, Topic.FAILED, message, mapping.name)]


async def _errors(services: Services, state: MappingState) -> list[Finding]:
    known = services.noticed.errors(state)
    if known is None:
        items = await services.work_items(state.mapping).all()
        known = error_findings(items.values(), with_records=services.policy.notify_records)
        services.noticed.keep(state, known)
    return known


def error_findings(items: Iterable[WorkItem], *, with_records: bool) -> list[Finding]:
    """The open errors by mapping and cause. Numbers and names of records only where they are wished for."""
    groups: dict[tuple[str, str, str], list[WorkItem]] = defaultdict(list)
    for item in items:
        if item.is_error:
            groups[item.mapping, item.reason.value, item.column or item.service_code].append(item)
    return [_group(name, what, group, with_records) for (name, _, what), group in sorted(groups.items())]


def _group(mapping: str, what: str, group: list[WorkItem], with_records: bool) -> Finding:
    reason, count = group[0].reason, len(group)
    records = "1 record" if count == 1 else f"{count} records"
    about = f" ({what})" if what else ""
    samples = [" ".join(filter(None, (item.number, item.title))) for item in group[:MOST_SAMPLES]]
    return Finding(
        key=f"errors|{mapping}|{reason}|{what}",
        topic=Topic.ERRORS,
        sentence=f"{records}: {reason.sentence}{about}",
        mapping=mapping,
        count=count,
        mark=max(item.first_at for item in group).isoformat(),
        samples=tuple(filter(None, samples)) if with_records else (),
        advice=reason.advice,
    )


async def _dead_letters(services: Services) -> list[Finding]:
    """Messages of this connection that the queue has set aside."""
    letters = await services.dead_letters.page(None, MOST_LETTERS)
    own = [one for one in letters if one.message.body.get("connection") == services.connection]
    if not own:
        return []
    count = "1 message was" if len(own) == 1 else f"{len(own)} messages were"
    sentence = f"{count} set aside by the queue. The runs go on by themselves; the app's log tells what was wrong."
    advice = "See GET /api/messages/dead; resubmit them to be rid of them."
    mark = f"{max(one.number for one in own):020d}"
    return [Finding("dead letters", Topic.DEAD_LETTERS, sentence, count=len(own), mark=mark, advice=advice)]


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SENTENCE else f"{text[: LONGEST_SENTENCE - 3]}..."
