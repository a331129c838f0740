"""What the control plane asks of this simulator: seed, edit as a person, settings, reset."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.business_central import seeding, writing
from infra.local.business_central.company import Company
from infra.local.business_central.errors import ApiError
from infra.local.business_central.loading import Loader, dump
from infra.local.business_central.rules.work import Work
from infra.local.business_central.schema import ENTITY_SETS, EntitySet
from infra.local.simulator.oauth import Tokens, clients_from
from infra.local.simulator.rows import Order
from infra.local.simulator.templates import Row
from infra.local.simulator.wrong_body import (
    WrongBodyError,
    a_list,
    a_number,
    a_text,
    a_yes_or_no,
    an_object,
    known_fields,
)

_CHANGE_FIELDS = {"table", "set", "id", "number", "code", "operation", "values", "from_contact"}


class ControlledSimulator:
    """The company, the tokens and the lock of those who write, as the control plane sees them."""

    def __init__(
        self, company: Company, tokens: Tokens, writing_lock: asyncio.Lock, changed: Callable[[], None]
    ) -> None:
        self._company = company
        self._tokens = tokens
        self._lock = writing_lock
        self._changed = changed
        self._late: set[asyncio.Task[None]] = set()

    async def seed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Make rows; see `seeding`. Answers counts per set, the ids of given rows, and seconds."""
        started = time.monotonic()
        order = seeding.read_order(body)
        async with self._lock:
            made = await seeding.seed(self._company.work(as_given=True), order)
        return made | {"seconds": round(time.monotonic() - started, 3)}

    async def edit(self, body: dict[str, Any]) -> dict[str, Any]:
        """Change rows as a person at the screen: through validation, all or nothing.

        `{"user"?, "changes": [{"set", "id" | "number" | "code", "operation", "values"}], "commit_delay_ms"?}`.
        A person may set what the API hides (`mobilePhoneNumber` of a customer) or computes (`balanceDue`), and make
        a customer or vendor out of a contact: `{"set": "vendors", "operation": "create", "from_contact": "CT000001"}`.
        With a delay the rows are stamped now and become visible later, as after a long transaction.
        """
        known_fields(body, {"user", "changes", "commit_delay_ms"})
        changes = [_change(one, f"changes[{at}]") for at, one in enumerate(a_list(body.get("changes"), "changes"))]
        delay = a_number(body.get("commit_delay_ms", 0), "commit_delay_ms")
        work = self._company.work(as_person=True)
        if not delay:
            async with self._lock:
                return {"ids": self._apply(work, changes)}
        task = asyncio.create_task(self._apply_late(work, changes, self._company.clock.now(), delay))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        return {"ids": [], "visible_in_ms": delay}

    def doing(self, order: Order) -> Callable[[Sequence[Row]], Awaitable[None]]:
        """Answer what stores, changes or deletes a chunk of rows."""
        is_past = order.operation == "create"
        work = self._company.work(as_given=is_past, as_person=not is_past)
        loader = Loader(work, order)

        async def do(rows: Sequence[Row]) -> None:
            work.events.clear()
            async with self._lock:
                loader.store(rows)
            if not is_past:
                self._company.unsent += work.events
                self._changed()
            await asyncio.sleep(0)

        return do

    def dump(self, table: str, columns: Sequence[str]) -> Iterator[list[Row]]:
        """Answer all rows of a set."""
        return dump(self._company.database.reader, table, columns)

    async def _apply_late(self, work: Work, changes: list[_Change], stamp: int, delay: float) -> None:
        await asyncio.sleep(delay / 1000)
        async with self._lock:
            self._company.clock.held_at = stamp
            try:
                self._apply(work, changes)
            finally:
                self._company.clock.held_at = None

    def _apply(self, work: Work, changes: list[_Change]) -> list[str]:
        ids = _apply(work, changes)
        self._company.unsent += work.events
        self._changed()
        return ids

    async def reset(self) -> None:
        """Back to a fresh company and the first client."""
        for task in self._late:
            task.cancel()
        async with self._lock:
            self._company.reset()
        self._tokens.reset()

    async def settings(self, body: dict[str, Any]) -> dict[str, Any]:
        """Set switches (see `switches`), known `clients`, or `expire_tokens`; answers all switches."""
        given = dict(body)
        clients = clients_from(given.pop("clients")) if "clients" in given else None
        expire = a_yes_or_no(given.pop("expire_tokens", False), "expire_tokens")
        answer = self._company.change_switches(given)
        if clients is not None:
            self._tokens.clients.update(clients)
        if expire:
            self._tokens.expire()
        return answer


@dataclass(frozen=True)
class _Change:
    """One change of an edit; `where` it stands in the body, `column` and `key` say which record."""

    where: str
    set: EntitySet
    operation: str
    column: str
    key: str
    values: dict[str, Any]
    from_contact: str


def _change(value: object, where: str) -> _Change:
    """Read one change. Raises WrongBodyError."""
    given = an_object(value, where)
    known_fields(given, _CHANGE_FIELDS, f"{where}.")
    name = a_text(given.get("set", given.get("table")), f"{where}.set")
    if name not in ENTITY_SETS or not ENTITY_SETS[name].stored or name == "subscriptions":
        raise WrongBodyError(f"{where}.set", f"'{name}' is no set that can be edited")
    operation = a_text(given.get("operation", "update"), f"{where}.operation")
    if operation not in (allowed := _operations(ENTITY_SETS[name])):
        raise WrongBodyError(f"{where}.operation", f"must be one of {', '.join(allowed)}")
    column = next((one for one in ("id", ENTITY_SETS[name].key) if one in given), "")
    if operation != "create" and not column:
        raise WrongBodyError(where, f"needs an id or a {ENTITY_SETS[name].key}")
    return _Change(
        where,
        ENTITY_SETS[name],
        operation,
        column,
        a_text(given[column], f"{where}.{column}") if column else "",
        an_object(given.get("values", {}), f"{where}.values"),
        a_text(given.get("from_contact", ""), f"{where}.from_contact"),
    )


def _operations(entity_set: EntitySet) -> list[str]:
    allowed = {"create": entity_set.insert, "update": entity_set.update, "delete": entity_set.delete}
    return [name for name, yes in allowed.items() if yes]


def _apply(work: Work, changes: list[_Change]) -> list[str]:
    ids = []
    with work.database.transaction():
        for change in changes:
            try:
                ids.append(_do(work, change))
            except ApiError as error:
                raise WrongBodyError(
                    change.where, f"{error.message or 'no such record'} ({error.status} {error.code})"
                ) from error
    return ids


def _do(work: Work, change: _Change) -> str:
    if change.operation == "create":
        return str(writing.create(work, change.set, change.values, from_contact=change.from_contact))
    key = change.key.lower() if change.column == "id" else change.key
    found = work.database.find(change.set.name, change.column, key)
    if found is None:
        raise ApiError(404, "BadRequest_ResourceNotFound", f"{change.set.name} has no {change.column} {key}")
    identity = str(found[change.set.identity])
    if change.operation == "delete":
        writing.delete(work, change.set, identity, None)
    else:
        writing.update(work, change.set, identity, change.values, "*")
    return identity
