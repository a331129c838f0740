"""Whether everything the app depends on answers, and whether every mapping keeps its times."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.core.schedule import Standing
from shared.ports import Check
from shared.services.context import Services
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
    """Both services of a connection, and every mapping."""

    checks: Sequence[Check]
    mappings: Sequence[MappingHealth]

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
    mappings: list[list[MappingHealth]] = [[] for _ in every]
    if all(check.ok for check in storage):
        mappings = await asyncio.gather(*(_mapping_health(one) for one in every))
    found = zip(every, services, mappings, strict=True)
    return AppHealth([*storage, *queue], {one.connection: Health(checks, states) for one, checks, states in found})


async def reachable(services: Services) -> list[Check]:
    """What Business Central and Dataverse say to one connection."""
    found = await asyncio.gather(services.business_central.check(), services.dataverse.check())
    return [check for group in found for check in group]


async def _mapping_health(services: Services) -> list[MappingHealth]:
    states = [(item.mapping, await services.runs(item.mapping.name).state()) for item in await services.mappings.all()]
    return [
        MappingHealth(mapping.name, await standing_of(services, mapping, state), state) for mapping, state in states
    ]
