"""The simulator as its control plane sees it: seed data, edits by a person, switches, a fresh start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.local.dataverse.errors import Refusal
from infra.local.dataverse.events import Events
from infra.local.dataverse.loading import Loader, dump, moment_in, table_named
from infra.local.dataverse.organization import ADMINISTRATOR, find_user, set_up
from infra.local.dataverse.query.options import parse_options
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.seeding import ORDER, seed_table
from infra.local.dataverse.session import Session, Settings, User
from infra.local.dataverse.storage import Storage
from infra.local.dataverse.switches import Switches
from infra.local.dataverse.tracking import present_link
from infra.local.dataverse.values import guid
from infra.local.dataverse.webhooks import Webhooks
from infra.local.dataverse.writing.deleting import delete
from infra.local.dataverse.writing.keys import Keys
from infra.local.dataverse.writing.payload import read_payload
from infra.local.dataverse.writing.records import create, update
from infra.local.simulator.oauth import DEFAULT_TOKEN, Tokens
from infra.local.simulator.rows import Order
from infra.local.simulator.templates import Row
from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_text,
    a_whole_number,
    an_object,
    known_fields,
)

_MOMENTS = ("modifiedon", "createdon")


class DataverseSimulator:
    """One organization. `database` is a file that is taken up again where it exists; None keeps nothing in the end."""

    def __init__(self, *, token: str = DEFAULT_TOKEN, database: Path | None = None, base_currency: str = "EUR") -> None:
        self.storage = Storage(database)
        self.keys = Keys(self.storage)
        self.settings_in_force = Settings()
        self.tokens = Tokens(token)
        self._base_currency = base_currency
        self._jobs: list[asyncio.TimerHandle] = []
        self.webhooks = Webhooks(self.storage)
        self._events = Events(self.webhooks.publish)
        if self.storage.one("SELECT 1 FROM organization") is None:
            self._set_up()

    def close(self) -> None:
        """Give up jobs that are still waiting, and let the database go."""
        self._forget_jobs()
        self.storage.close()

    def session(self, user: User, base: str) -> Session:
        """Answer a session of a user; `base` is the service root with its `/`."""
        return Session(
            self.storage, self.keys, self.settings_in_force, user, base, events=self._events, later=self._later
        )

    async def reset(self) -> None:
        """Go back to a fresh organization."""
        self._forget_jobs()
        self.storage.clear()
        self.keys.reload()
        vars(self.settings_in_force).update(vars(Settings()))
        # What was there before is gone without a deletion: no earlier token may be used.
        self.settings_in_force.expired_version = self.storage.next_version()
        self.tokens.reset()
        self._set_up()

    async def settings(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set switches; answers all of them."""
        return Switches(self.storage, self.keys, self.settings_in_force, self.tokens).apply(body)

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make invented rows (`tables`, `values`), then store explicit ones (`rows`), as `user`."""
        known_fields(body, {"seed", "tables", "values", "rows", "user", "modifiedon"})
        started = time.perf_counter()
        number = a_whole_number(body.get("seed", 1), "seed")
        session = self._as_person(body.get("user", ADMINISTRATOR), "user")
        with self.storage.transaction():
            counts = self._seed_tables(session, number, body)
            for name, listed in an_object(body.get("rows", {}), "rows").items():
                rows = a_list(listed, f"rows.{name}")
                for index, row in enumerate(rows):
                    self._store_row(session, table_named(name, "rows"), row, f"rows.{name}[{index}]", body)
                counts[name] = counts.get(name, 0) + len(rows)
        # Seed data is there from the beginning: it is no news to anybody.
        self._events.settle(succeeded=False)
        return {"created": counts, "seconds": round(time.perf_counter() - started, 3)}

    async def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Do changes as a person, all or none; answers the ids."""
        known_fields(body, {"user", "changes"})
        session = self._as_person(body.get("user", ADMINISTRATOR), "user")
        ids: list[str] = []
        try:
            with self.storage.transaction():
                for index, change in enumerate(a_list(body.get("changes"), "changes")):
                    ids.append(self._edit_one(session, change, f"changes[{index}]"))
        except WrongBodyError:
            self._events.settle(succeeded=False)
            raise
        self._events.settle(succeeded=True)
        return {"changed": len(ids), "ids": ids}

    def doing(self, order: Order) -> Callable[[Sequence[Row]], Awaitable[None]]:
        """Answer what stores, changes or deletes a chunk of rows."""
        loader = Loader(self._as_person(order.user or ADMINISTRATOR, "user"), order)

        async def do(rows: Sequence[Row]) -> None:
            succeeded = False
            try:
                loader.store(rows)
                succeeded = order.operation != "create"
            finally:
                self._events.settle(succeeded=succeeded)
            await asyncio.sleep(0)

        return do

    def dump(self, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
        """Answer all rows of a table."""
        return dump(self.storage, table, columns)

    def delta_link(self, base: str, name: str, select: str) -> str:
        """Answer the link that a reader of these columns would hold now. Raises WrongBodyError."""
        session = replace(self._as_person(ADMINISTRATOR, "user"), base=base)
        try:
            options = parse_options(f"$select={quote(select, safe=',')}" if select else "")
            return present_link(session, table_named(name, "table"), options)
        except Refusal as refusal:
            raise WrongBodyError("select", refusal.message) from refusal

    def _later(self, work: Callable[[], None]) -> None:
        """Do the work of a system job a little later."""
        delay = self.settings_in_force.bulk_delete_ms / 1000
        self._jobs.append(asyncio.get_running_loop().call_later(delay, work))

    def _forget_jobs(self) -> None:
        for job in self._jobs:
            job.cancel()
        self._jobs.clear()

    def _set_up(self) -> None:
        clients = {name: client.user for name, client in self.tokens.clients.items() if client.user}
        set_up(self.storage, self._base_currency, clients)

    def _as_person(self, name: object, where: str) -> Session:
        user = find_user(self.storage, a_text(name, where))
        if user is None:
            raise WrongBodyError(where, f"nobody here is called '{name}'")
        return self.session(user, "/api/data/v9.2/")

    def _seed_tables(self, session: Session, number: int, body: dict[str, Any]) -> dict[str, int]:
        tables = an_object(body.get("tables", {}), "tables")
        values = an_object(body.get("values", {}), "values")
        wanted = {table_named(name, "tables").name: (count, f"tables.{name}") for name, count in tables.items()}
        counts = {name: a_whole_number(count, where) for name, (count, where) in wanted.items()}
        for name in counts:
            if name not in ORDER:
                raise WrongBodyError(f"tables.{name}", f"cannot be seeded; known are {', '.join(ORDER)}")
        stored = {table_named(name, "values").name: self._values(session, name, one) for name, one in values.items()}
        return {
            name: seed_table(session, number, name, counts[name], stored.get(name, {}))
            for name in ORDER
            if name in counts
        }

    def _values(self, session: Session, name: str, values: object) -> dict[str, Any]:
        table = table_named(name, "values")
        try:
            stored = read_payload(session, table, values, creating=True).values
        except Refusal as refusal:
            raise WrongBodyError(f"values.{name}", refusal.message) from refusal
        if "statecode" in stored and "statuscode" not in stored:
            stored["statuscode"] = table.statuses[stored["statecode"]][0]
        return stored

    def _store_row(self, session: Session, table: Table, row: object, where: str, body: dict[str, Any]) -> None:
        values = {"modifiedon": body["modifiedon"]} if "modifiedon" in body else {}
        values |= an_object(row, where)
        moments = {name: moment_in(values.pop(name), f"{where}.{name}") for name in _MOMENTS if name in values}
        try:
            row_id = create(session, table, values)
        except Refusal as refusal:
            raise WrongBodyError(where, f"{refusal.code} {refusal.message}") from refusal
        for name, seconds in moments.items():
            sql = f'UPDATE "{table.name}" SET {name} = ? WHERE "{table.id}" = ?'
            self.storage.run(sql, (seconds, row_id))

    def _edit_one(self, session: Session, change: object, where: str) -> str:
        given = an_object(change, where)
        known_fields(given, {"table", "set", "id", "operation", "values"}, f"{where}.")
        table = table_named(given.get("table", given.get("set")), where)
        operation, values = given.get("operation", "update"), an_object(given.get("values", {}), f"{where}.values")
        try:
            if operation == "create":
                return create(session, table, values, row_id=guid(str(given["id"])) if "id" in given else None)
            row_id = guid(a_text(given.get("id"), f"{where}.id"))
            if row_id is None:
                raise WrongBodyError(f"{where}.id", "is no GUID")
            if operation == "update":
                update(session, table, row_id, values)
            elif operation == "delete":
                delete(session, table, row_id)
            else:
                raise WrongBodyError(f"{where}.operation", "must be create, update or delete")
        except Refusal as refusal:
            raise WrongBodyError(where, f"{refusal.code} {refusal.message}") from refusal
        return row_id
