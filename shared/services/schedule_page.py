"""The schedule as people page through it: when each mapping runs, where it stands, and why."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.schedule import ScheduleStatus
from shared.services.context import Services
from shared.services.forms.schedules import PauseAnswer, ScheduleAnswer, ScheduleLineAnswer
from shared.services.repositories.mappings import StoredMapping
from shared.services.scheduling import interval_of, standing_of


@dataclass(frozen=True, slots=True)
class ScheduleFilter:
    """Which mappings: by where they stand, and which part of them."""

    status: ScheduleStatus | None = None
    after: str | None = None
    limit: int = 100


async def schedule_page(services: Services, wanted: ScheduleFilter) -> ScheduleAnswer:
    """A page of the schedule, by name."""
    stored = sorted(await services.mappings.all(), key=lambda one: one.mapping.name)
    rest = [one for one in stored if one.mapping.name > (wanted.after or "")]
    lines: list[ScheduleLineAnswer] = []
    for one in rest:
        line = await schedule_line(services, one)
        if wanted.status not in (None, line.status):
            continue
        if len(lines) == wanted.limit:
            return ScheduleAnswer(mappings=tuple(lines), continuation=lines[-1].mapping)
        lines.append(line)
    return ScheduleAnswer(mappings=tuple(lines), continuation=None)


async def schedule_line(services: Services, stored: StoredMapping) -> ScheduleLineAnswer:
    """When one mapping runs."""
    mapping = stored.mapping
    state = await services.runs(mapping.name).state()
    found = await standing_of(services, mapping, state)
    is_paused = state.pause is not None and state.pause.holds(services.clock.now())
    return ScheduleLineAnswer(
        mapping=mapping.name,
        status=found.status,
        why=found.why,
        last_started_at=state.last_started_at,
        last_finished_at=state.last_finished_at,
        next_due_at=state.next_due_at,
        interval_minutes=interval_of(services, mapping).total_seconds() / 60,
        inactivity_timeout_minutes=mapping.inactivity_timeout_minutes,
        wake_on_changes=mapping.wake_on_changes,
        inactive_since=state.inactive_since,
        inactive_until=state.inactive_until,
        failures=state.failures,
        pause=PauseAnswer.model_validate(state.pause) if is_paused else None,
    )
