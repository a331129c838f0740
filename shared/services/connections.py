"""The connections of the app: pairs of a Business Central company and a Dataverse environment.

Each has its own mappings, couplings, jobs, errors and state. Storage, queue and clock are the same for all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from shared.core.failures import NeedsPerson
from shared.services.problems import Problem

if TYPE_CHECKING:
    from shared.ports import Check
    from shared.services.context import Services

log = logging.getLogger(__name__)
QUEUE = "sync-jobs"
"""The queue that all connections share."""


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection as people know it: its name, the company, and the environment. Nothing of it is secret."""

    name: str
    business_central_url: str = ""
    company_id: str = ""
    company_name: str | None = None
    dataverse_url: str = ""


type Make = Callable[[], Services]


class Connections:
    """All connections by name, in any case; the first is the default. Each is wired when it is first asked for."""

    def __init__(self, connections: Sequence[tuple[Connection, Make]]) -> None:
        self.known = tuple(connection for connection, _ in connections)
        self._makes = {connection.name.casefold(): cache(make) for connection, make in connections}

    @classmethod
    def of(cls, *services: Services) -> Connections:
        """Connections that are wired already, the default first."""
        return cls([(Connection(one.connection), lambda one=one: one) for one in services])  # type: ignore[misc]

    @property
    def default(self) -> Services:
        """The connection that is meant where none is named."""
        return self._makes[self.known[0].name.casefold()]()

    @property
    def names(self) -> tuple[str, ...]:
        """The names, the default first."""
        return tuple(connection.name for connection in self.known)

    def all(self) -> list[Services]:
        """Every connection, the default first."""
        return [make() for make in self._makes.values()]

    def find(self, name: str) -> Services | None:
        """The connection of this name, if there is one."""
        make = self._makes.get(name.casefold())
        return make() if make else None

    def named(self, name: str) -> Services:
        """The connection of this name. Raises Problem (404)."""
        found = self.find(name)
        if found is None:
            raise Problem(404, "unknown_connection", f"{self._missing(name)}.", field="connection")
        return found

    def of_message(self, name: object) -> Services:
        """The connection that a message of the queue names.

        Raises NeedsPerson for one that this app does not have: the queue delivers the message some times more and sets
        it aside then, where `GET messages/dead` tells the same sentence.
        """
        found = self.find(str(name))
        if found is None:
            raise NeedsPerson(self.unknown(name), code="unknown_connection")
        return found

    def unknown(self, name: object) -> str:
        """What to tell a person about a message whose connection is not among these."""
        return f"The message is for another app or for a connection that was removed. {self._missing(name)}."

    def _missing(self, name: object) -> str:
        return f"There is no connection {name}. The connections are {', '.join(self.names)}"


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """A connection and what its two services say."""

    connection: Connection
    checks: list[Check]


async def connection_states(connections: Connections, names: Sequence[str] | None = None) -> list[ConnectionState]:
    """All of them, or those of these names, asked at once."""
    from shared.services.health import reachable  # the app starts faster without it

    wanted = [one for one in connections.known if names is None or one.name in names]
    checks = await asyncio.gather(*(reachable(connections.named(one.name)) for one in wanted))
    return [ConnectionState(one, found) for one, found in zip(wanted, checks, strict=True)]


async def in_each[T](connections: Connections, work: Callable[[Services], Awaitable[T]]) -> list[tuple[Services, T]]:
    """Do the same in every connection, side by side; what came of it where it went well.

    A failing connection never hinders the others: each failure is logged with the connection's name, and the first is
    raised when all are done, so that the trigger is seen to have failed.
    """
    every = connections.all()
    outcomes = await asyncio.gather(*(work(services) for services in every), return_exceptions=True)
    done, failures = [], []
    for services, outcome in zip(every, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            failures.append(outcome)
            log.error("connection %s: %s", services.connection, outcome)
        else:
            done.append((services, outcome))
    if failures:
        raise failures[0]
    return done
