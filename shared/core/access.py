"""Who asks, and what they may: the app roles and the callers that have them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do; each may also do what those before may."""

    READER = "Reader"
    OPERATOR = "Operator"
    ADMINISTRATOR = "Administrator"

    @property
    def rank(self) -> int:
        """0 for the one who may least."""
        return list(Role).index(self)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a name for people, the Entra object id where there is one, and the app roles."""

    name: str
    id: str | None = None
    roles: frozenset[Role] = frozenset()

    def may(self, role: Role) -> bool:
        """Whether one of the roles is `role` or above."""
        return any(own.rank >= role.rank for own in self.roles)

    @property
    def label(self) -> str:
        """What is recorded on jobs and couplings."""
        return f"{self.name} ({self.id})" if self.id else self.name


class TokenRefused(Exception):
    """A bearer token is not one for this app; the text says why."""
