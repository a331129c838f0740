"""Whether everything the app depends on answers, and whether every mapping keeps its times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.core.mapping import Mapping
from shared.ports import Check
from shared.services.context import Services
from shared.services.repositories.runs import MappingState

LATE_AFTER = 3  # intervals


@dataclass(frozen=True, slots=True)
class MappingHealth:
    """Whether a mapping keeps its times: `on time`, `late`, `never ran`, `disabled` or `failed` with the reason."""

    mapping: str
    status: str
    state: MappingState


@dataclass(frozen=True, slots=True)
class Health:
    """Every dependency and every mapping."""

    checks: Sequence[Check]
    mappings: Sequence[MappingHealth]

    @property
    def ok(self) -> bool:
        """Whether every dependency can be reached and authorizes us."""
        return all(check.ok for check in self.checks)


async def health(services: Services) -> Health:
    """Ask every dependency at once; the mappings only when the storage answers."""
    found = await asyncio.gather(
        services.business_central.check(), services.dataverse.check(), services.state.check(), services.queue.check()
    )
    checks = [check for group in found for check in group]
    mappings = await _mapping_health(services) if all(check.ok for check in found[2]) else []
    return Health(checks, mappings)


async def _mapping_health(services: Services) -> list[MappingHealth]:
    states = [(item.mapping, await services.runs(item.mapping.name).state()) for item in await services.mappings.all()]
    return [MappingHealth(mapping.name, _status(services, mapping, state), state) for mapping, state in states]


def _status(services: Services, mapping: Mapping, state: MappingState) -> str:
    if not mapping.enabled:
        return "disabled"
    if state.last_message:
        return "failed"
    if state.last_finished_at is None:
        return "never ran"
    due = state.next_due_at or state.last_finished_at
    return "late" if services.clock.now() > due + LATE_AFTER * services.policy.interval else "on time"
