"""One company: its tables, clock, switches and replica, and who may read what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from infra.local.business_central.calls import Call
from infra.local.business_central.database import Database
from infra.local.business_central.errors import ApiError, bad_request
from infra.local.business_central.replica import Replica, View
from infra.local.business_central.rules.work import Event, Identifiers, Work
from infra.local.business_central.setup import COMPANY_ID, set_up
from infra.local.business_central.switches import Switches
from infra.local.business_central.switches import change as change_switches
from infra.local.business_central.values import Clock


class Company:
    """The only company of the environment."""

    def __init__(self, database: Path | None = None, local_currency: str = "EUR") -> None:
        self.database = Database(database)
        self.clock = Clock()
        self.switches = Switches()
        self.replica = Replica(self.database)
        self.unsent: list[Event] = []
        """What changed and subscribers have not been told yet."""
        self._identifiers = Identifiers()
        stored = self.database.query("SELECT currencyCode FROM companyInformation LIMIT 1")
        self.local_currency = str(stored[0][0]) if stored else local_currency
        if not stored:
            set_up(self.work(as_given=True))

    @property
    def id(self) -> str:
        """The company's id, the same for every simulator."""
        return COMPANY_ID

    @property
    def name(self) -> str:
        """The company's key name."""
        return str(self.database.query("SELECT name FROM companies")[0][0])

    def work(self, *, as_given: bool = False, as_person: bool = False) -> Work:
        """What one piece of writing works with."""
        return Work(
            self.database,
            self.clock,
            self.switches,
            self._identifiers,
            self.local_currency,
            as_given=as_given,
            as_person=as_person,
        )

    def view(self, call: Call) -> View:
        """What the caller reads: the replica for a GET that does not ask for `ReadWrite`."""
        intent = (call.header("Data-Access-Intent") or "").lower()
        if intent not in ("", "readonly", "readwrite"):
            raise bad_request(f"The value '{intent}' of the header Data-Access-Intent is not valid.")
        if call.in_snapshot:
            return View(self.database)
        if call.method != "GET":
            if intent == "readonly":
                raise bad_request("The header Data-Access-Intent must be ReadWrite for a request that writes.")
            return View(self.database.reader)
        return View(self.database.reader) if intent == "readwrite" else self.replica.view()

    def permit(self, call: Call, entity_set: str, right: str) -> None:
        """Refuse what the caller's permission sets do not give. Raises ApiError 401 or 403."""
        if not self.switches.allows(call.user, entity_set, right):
            raise ApiError(
                self.switches.permission_failure_status,
                "Authorization_RequestDenied",
                f"Sorry, the current permissions prevented the action. ({right} {entity_set})",
            )

    def reset(self) -> None:
        """Back to a fresh company with the switches as they were at the start."""
        self.change_switches(Switches().answer())
        self.unsent.clear()
        self.database.clear()
        set_up(self.work(as_given=True))

    def change_switches(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set switches; answers all. Raises WrongBodyError."""
        change_switches(self.switches, body)
        self.clock.offset_ms = self.switches.clock_offset_ms
        self.replica.set_lag(self.switches.replica_lag_ms)
        return self.switches.answer()

    def close(self) -> None:
        """Close the tables."""
        self.database.close()
