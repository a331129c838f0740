"""The errors grouped by what causes them, with the calls that put it right: one cause cured, all it holds follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from shared.core.causes import Cause, sentence_of
from shared.core.mapping import Mapping as TableMapping
from shared.core.retry import needs_person
from shared.services.cause_fixes import Parents, fixes_of
from shared.services.context import Services
from shared.services.error_list import mappings_of, matching
from shared.services.error_rows import id_of
from shared.services.forms.errors import CauseAnswer, CausesAnswer, ErrorFilter, HeldRecord
from shared.services.repositories.work_items import WorkItem

SAMPLES = 3


@dataclass(slots=True)
class _Held:
    """What one cause holds."""

    cause: Cause
    first_at: datetime
    last_at: datetime
    mappings: dict[str, int] = field(default_factory=dict)
    skipped: int = 0
    samples: list[WorkItem] = field(default_factory=list)

    def take(self, item: WorkItem) -> None:
        """One more record."""
        self.mappings[item.mapping] = self.mappings.get(item.mapping, 0) + 1
        self.skipped += item.skipped
        self.first_at, self.last_at = min(self.first_at, item.first_at), max(self.last_at, item.last_at)
        if len(self.samples) < SAMPLES:
            self.samples.append(item)

    @property
    def count(self) -> int:
        """How many records."""
        return sum(self.mappings.values())

    @property
    def place(self) -> str:
        """Where it stands: what holds most comes first."""
        return f"{10**9 - self.count:010d}|{self.cause.id}"


async def causes_page(services: Services, mapping: str | None, after: str | None, limit: int) -> CausesAnswer:
    """A page of causes, also of what merely waits: that is how the one cause is found. Raises Problem (404)."""
    wanted = ErrorFilter(mapping=mapping, waiting=True)
    mappings = await mappings_of(services, wanted)
    held: dict[Cause, _Held] = {}
    async for item in matching(services, mappings, wanted):
        for cause in item.causes:
            held.setdefault(cause, _Held(cause, item.first_at, item.last_at)).take(item)
    places = {one.place: one for one in held.values()}
    rest = sorted(place for place in places if after is None or place > after)
    page = [places[place] for place in rest[:limit]]
    parents = await Parents.of(services, [one.cause for one in page])
    causes = tuple([await _answer(services, mappings, parents, one) for one in page])
    return CausesAnswer(causes=causes, count=len(held), continuation=page[-1].place if len(rest) > limit else None)


async def _answer(
    services: Services, mappings: Mapping[str, TableMapping], parents: Parents, held: _Held
) -> CauseAnswer:
    cause = held.cause
    return CauseAnswer(
        id=cause.id,
        reason=cause.reason,
        sentence=sentence_of(cause, dict(sorted(held.mappings.items())), parents.name_of(cause)),
        advice=cause.reason.advice,
        is_error=needs_person(cause.reason),
        count=held.count,
        skipped=held.skipped,
        mappings=held.mappings,
        first_at=held.first_at,
        last_at=held.last_at,
        samples=tuple(_sample(item) for item in held.samples),
        fixes=tuple(fixes_of(cause, mappings, parents)),
    )


def _sample(item: WorkItem) -> HeldRecord:
    return HeldRecord(id=id_of(item), mapping=item.mapping, number=item.number, title=item.title, message=item.message)
