"""What every operation needs to know: the organization's data and switches, who calls, and under which address."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from infra.local.dataverse.errors import missing_privilege
from infra.local.dataverse.events import Event, Events
from infra.local.dataverse.query.conditions import Caller
from infra.local.dataverse.query.preferences import Preferences
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.storage import Storage

if TYPE_CHECKING:
    from infra.local.dataverse.writing.keys import Keys


@dataclass
class Settings:
    """The switches of `POST /_simulator/settings`.

    `privileges` names what users may do (`{"<user>": {"account": ["read", "write"]}}`; a user who is not named may do
    everything), `untracked` the tables without change tracking. Change tracking tokens with a version up to
    `expired_version` are refused.
    """

    choice_defaults: bool = True
    hint: int = 4
    servers: int = 1
    bulk_delete_ms: float = 50
    privileges: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    untracked: set[str] = field(default_factory=set)
    expired_version: int = 0


@dataclass(frozen=True)
class User:
    """A row of systemuser, as far as rights and stamps need it."""

    id: str
    name: str
    business_unit: str
    disabled: bool = False


@dataclass(frozen=True)
class Session:
    """One request, or one operation inside a batch.

    `base` is the service root that the client used, with its `/`. `references` are the rows that earlier operations of
    the same change set made, by Content-ID. `later` does some work soon after the answer.
    """

    storage: Storage
    keys: Keys
    settings: Settings
    user: User
    base: str
    preferences: Preferences = field(default_factory=Preferences)
    headers: Mapping[str, str] = field(default_factory=dict)
    on_behalf: User | None = None
    events: Events = field(default_factory=Events)
    references: Mapping[str, tuple[Table, str]] = field(default_factory=dict)
    later: Callable[[Callable[[], None]], None] = lambda work: work()
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def happened(self, message: str, table: Table, row_id: str, values: Mapping[str, Any]) -> None:
        """Note a change for those who listen to changes."""
        self.events.add(Event(message, table, row_id, dict(values), self.user.id, self.user.business_unit))

    @property
    def caller(self) -> Caller:
        """What query functions depend on."""
        return Caller(self.user.id, self.user.business_unit, self.clock())

    def may(self, right: str, table: Table) -> None:
        """Raise the service's refusal where the user lacks a right: create, read, write or delete."""
        for user in (self.user, self.on_behalf):
            rights = self.settings.privileges.get(user.name) if user else None
            if user and rights is not None and right not in rights.get(table.name, ()):
                raise missing_privilege(user.id, right, table.name)

    def address(self, table: Table, row_id: str) -> str:
        """Answer the full address of a row."""
        return f"{self.base}{table.set_name}({row_id})"

    def preferring(self, **changes: Any) -> Session:
        """Answer the same session with something else."""
        return replace(self, **changes)
