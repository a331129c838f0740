"""The lagging read replica: what the tables held some time ago (page "Using read scale-out").

While a lag is switched on, triggers keep the former state of each changed row with the time of the change. The state
at an earlier time is the present one, but for rows changed since then: of those, the oldest state kept.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from infra.local.business_central.database import Database, Rows, columns
from infra.local.business_central.schema import ENTITY_SETS, STORED_SETS

_KEPT_IN_ADDITION_MS = 60_000


@dataclass(frozen=True)
class View:
    """The rows as a reader sees them: by a connection, now or (`as_of`, milliseconds since 1970) earlier."""

    rows: Rows
    as_of: int | None = None

    def table(self, name: str) -> str:
        """Answer what stands in FROM for a stored set."""
        if self.as_of is None or not self._changed_since(name):
            return name
        listed = ", ".join(f'"{column}"' for column in columns(name))
        identity = ENTITY_SETS[name].identity
        since = f"FROM {name}_former WHERE changedAt > {self.as_of}"
        return (
            f'(SELECT {listed} FROM {name} WHERE "{identity}" NOT IN (SELECT "{identity}" {since})'
            f" UNION ALL SELECT {listed} FROM {name}_former WHERE existed = 1"
            f' AND rowid IN (SELECT min(rowid) {since} GROUP BY "{identity}"))'
        )

    def _changed_since(self, name: str) -> bool:
        return bool(self.rows.query(f"SELECT 1 FROM {name}_former WHERE changedAt > ? LIMIT 1", (self.as_of or 0,)))


class Replica:
    """Switches the lag on and off and forgets what no reader can want any more."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lag_ms = 0.0
        self._cleaned_at = 0.0

    def set_lag(self, milliseconds: float) -> None:
        """Let readers see the state of so long ago, from now on; 0: the present state."""
        if bool(milliseconds) != bool(self._lag_ms):
            for entity_set in STORED_SETS:
                self._keep(entity_set.name) if milliseconds else self._forget(entity_set.name)
        self._lag_ms = milliseconds

    def view(self) -> View:
        """What a reader of the replica sees now."""
        if not self._lag_ms:
            return View(self._database.reader)
        now = time.time() * 1000
        if now - self._cleaned_at > _KEPT_IN_ADDITION_MS:
            self._clean(now)
        return View(self._database.reader, int(now - self._lag_ms))

    def _clean(self, now: float) -> None:
        self._cleaned_at = now
        for entity_set in STORED_SETS:
            self._database.connection.execute(
                f"DELETE FROM {entity_set.name}_former WHERE changedAt < ?",
                (now - self._lag_ms - _KEPT_IN_ADDITION_MS,),
            )

    def _keep(self, name: str) -> None:
        execute = self._database.connection.execute
        listed = ", ".join(f'"{column}"' for column in columns(name))
        old, new = (", ".join(f'{state}."{column}"' for column in columns(name)) for state in ("OLD", "NEW"))
        execute(f"CREATE TABLE IF NOT EXISTS {name}_former (changedAt REAL, existed INTEGER, {listed})")
        execute(f"CREATE INDEX IF NOT EXISTS {name}_former_time ON {name}_former (changedAt)")
        for event, existed, row in (("INSERT", 0, new), ("UPDATE", 1, old), ("DELETE", 1, old)):
            execute(
                f"CREATE TEMP TRIGGER {name}_{event} AFTER {event} ON main.{name}"
                f" BEGIN INSERT INTO {name}_former VALUES (now_ms(), {existed}, {row}); END"
            )

    def _forget(self, name: str) -> None:
        for event in ("INSERT", "UPDATE", "DELETE"):
            self._database.connection.execute(f"DROP TRIGGER IF EXISTS {name}_{event}")
        self._database.connection.execute(f"DELETE FROM {name}_former")
