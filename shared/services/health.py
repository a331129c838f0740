"""Whether everything the app depends on answers, and whether every mapping keeps its times."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.notifications import Desk
from shared.core.schedule import Standing
from shared.ports import Check
from shared.services.context import Services
from shared.services.repositories.notifications import desk_of
from shared.services.repositories.runs import MappingState
from shared.services.scheduling import standing_of


@dataclass(frozen=True, slots=True)
class MappingHealth:
    """Whether a mapping keeps its times."""

    mapping: str
    standing: Standing
    state: MappingState


@dataclass(frozen=True, slots=True)
class Health:
    """Both services of a connection, every mapping, and what became of the notifications (None: there are none)."""

    checks: Sequence[Check]
    mappings: Sequence[MappingHealth]
    desk: Desk | None = None

    @property
    def ok(self) -> bool:
        """Whether every dependency can be reached and authorizes us."""
        return all(check.ok for check in self.checks)


@dataclass(frozen=True, slots=True)
class AppHealth:
    """What all connections have in common, and then each connection by its name."""

    common: Sequence[Check]
    connections: Mapping[str, Health]

    @property
    def ok(self) -> bool:
        """Whether every dependency can be reached and authorizes us."""
        return all(check.ok for check in self.common) and all(one.ok for one in self.connections.values())


async def health(every: Sequence[Services]) -> AppHealth:
    """Ask every dependency of these connections at once; the mappings only when the storage answers."""
    storage, queue, *services = await asyncio.gather(
        every[0].state.check(), every[0].queue.check(), *(reachable(one) for one in every)
    )
    stored: list[tuple[list[MappingHealth], Desk | None]] = [([], None) for _ in every]
    if all(check.ok for check in storage):
        stored = await asyncio.gather(*(_stored_health(one) for one in every))
    found = zip(every, services, stored, strict=True)
    return AppHealth([*storage, *queue], {one.connection: Health(checks, *kept) for one, checks, kept in found})


async def reachable(services: Services) -> list[Check]:
    """What Business Central and Dataverse say to one connection."""
    found = await asyncio.gather(services.business_central.check(), services.dataverse.check())
    return [check for group in found for check in group]


async def _stored_health(services: Services) -> tuple[list[MappingHealth], Desk | None]:
    """What the storage knows: every mapping, and the notifications."""
    if services.notifier is None:
        return await _mapping_health(services), None
    desk = (await desk_of(services.state, services.connection).get()).value
    return await _mapping_health(services), desk


async def _mapping_health(services: Services) -> list[MappingHealth]:
    states = [(item.mapping, await services.runs(item.mapping.name).state()) for item in await services.mappings.all()]
    return [
        MappingHealth(mapping.name, await standing_of(services, mapping, state), state) for mapping, state in states
    ]
