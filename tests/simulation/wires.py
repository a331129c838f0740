"""The ports as one instance of the app sees them: every call goes through the scheduler."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from shared.core.records import ChangePage, RefusalKind, Refused, Write, WriteResult, Written
from shared.core.tables import Table
from shared.ports import StateChange, StateConflict
from tests.simulation.faults import Fault, Place
from tests.simulation.hosts import EXECUTION
from tests.simulation.scheduler import drive

if TYPE_CHECKING:
    from tests.simulation.hosts import Host

IN_FLIGHT = (
    1.0,
    440.0,
)  # seconds until a write whose answer was lost lands: a service works on it for 8 minutes at most
LAG = (1.0, 110.0)  # seconds that the replica is behind
_PLACES = {"transact": Place.STORE, "send": Place.SEND}
_REFUSALS = {
    Fault.REFUSE: RefusalKind.INVALID,
    Fault.FORBID: RefusalKind.FORBIDDEN,
    Fault.BUSY: RefusalKind.PASSING,
    Fault.UNKNOWN: RefusalKind.UNKNOWN,
    Fault.IN_FLIGHT: RefusalKind.UNKNOWN,
}


class Wire:
    """A port behind the scheduler. Methods that are not written out here are found by looking at the port."""

    def __init__(self, host: Host, name: str, port: Any) -> None:
        self._host = host
        self._name = name
        self._port = port
        self._scheduler = host.scheduler

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        kind = _kind(type(self._port), name)
        if kind == "coroutine":
            wired: Any = partial(self._wired, name, member)
        elif kind == "generator":
            wired = partial(self._streamed, name, member)
        else:
            return member
        setattr(self, name, wired)
        return wired

    def _place(self, name: str) -> Place:
        return _PLACES.get(name, Place.LOAD if self._name in ("storage", "queue") else Place.READ)

    async def _wired(self, name: str, member: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self._scheduler.calm and self._host.is_well:
            self._scheduler.time.seconds += 0.02
            if self._scheduler.say:
                self._scheduler.tell(self._host.name, f"{self._name}.{name}")
            return await member(*args, **options)
        return await self._call(self._place(name), name, lambda fault: drive(member(*args, **options)))

    async def _streamed(self, name: str, member: Callable[..., Any], *args: Any, **options: Any) -> AsyncIterator[Any]:
        for page in await self._call(self._place(name), name, lambda fault: drive(_all(member(*args, **options)))):
            yield page

    async def _call(self, place: Place, name: str, effect: Callable[[Fault | None], Any], about: str = "") -> Any:
        try:
            return await self._scheduler.call(self._host, place, f"{self._name}.{name}{about}", effect)
        except BaseException:
            if (execution := EXECUTION.get()) is not None:
                execution.disturbed = True
            raise


async def _all(pages: AsyncIterator[Any]) -> list[Any]:
    return [page async for page in pages]


@cache
def _kind(port: type, name: str) -> str:
    member = getattr(port, name, None)
    if inspect.iscoroutinefunction(member):
        return "coroutine"
    return "generator" if inspect.isasyncgenfunction(member) else ""


class WiredState(Wire):
    """The state store; what is stored of jobs is watched."""

    async def transact(self, table: str, partition: str, changes: Sequence[StateChange]) -> dict[str, str]:
        """See StateStore."""

        def effect(fault: Fault | None) -> dict[str, str]:
            etags: dict[str, str] = drive(self._port.transact(table, partition, changes))
            self._host.town.stored(table, changes)
            return etags

        about = f" {table} {' '.join(change.key for change in changes)}" if self._scheduler.say else ""
        if self._scheduler.calm and self._host.is_well:
            self._scheduler.tell(self._host.name, f"{self._name}.transact{about}")
            return effect(None)
        try:
            result: dict[str, str] = await self._call(Place.STORE, "transact", effect, about)
        except StateConflict as conflict:
            self._scheduler.tell(self._host.name, f"conflict at {table} {conflict.key}")
            raise
        return result


class WiredRows(Wire):
    """One side's rows. What is written is watched, and can go wrong row by row."""

    async def changes(self, table: Table, columns: Sequence[str], position: str | None, page_size: int) -> ChangePage:
        """See RowStore; Business Central answers from a replica, Dataverse may have forgotten."""

        def effect(fault: Fault | None) -> ChangePage:
            port = self._host.town.port_for(self._name, fault)
            return drive(port.changes(table, columns, position, page_size))  # type: ignore[no-any-return]

        place = Place.BC_FEED if self._name == "BC" else Place.DV_FEED
        if self._scheduler.calm and self._host.is_well:
            return effect(None)
        result: ChangePage = await self._call(place, "changes", effect, f" {table.name}")
        return result

    async def ids(self, table: Table) -> AsyncIterator[list[str]]:
        """See RowStore; from a replica, too."""

        def effect(fault: Fault | None) -> list[list[str]]:
            return drive(_all(self._host.town.port_for(self._name, fault).ids(table)))  # type: ignore[no-any-return]

        place = Place.BC_FEED if self._name == "BC" else Place.READ
        for page in await self._call(place, "ids", effect, f" {table.name}"):
            yield page

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore."""
        if not writes:
            return []
        if (execution := EXECUTION.get()) is not None:
            self._host.town.jobs.is_about_to_write(execution, table, writes)
        attempt = _Writing(self._host, self._name, self._port, table, list(writes), list(returning))
        if self._scheduler.calm and self._host.is_well:
            self._scheduler.tell(self._host.name, f"{self._name}.write{attempt.about()}")
            results = attempt.do(None)
        else:
            results = await self._call(Place.WRITE, "write", attempt.do, attempt.about())
            while attempt.rest:
                results += await self._call(Place.WRITE, "write", attempt.go_on, " (the rest)")
        if self._scheduler.say:
            self._scheduler.tell(self._host.name, f"{self._name} answers {_told(results)}")
        if execution is not None:
            execution.answered(table, writes, results)
        return results


class _Writing:
    """One call of `write`, and what the fault makes of it."""

    def __init__(
        self, host: Host, name: str, port: Any, table: Table, writes: list[Write], returning: list[str]
    ) -> None:
        self._host, self._name, self._port = host, name, port
        self._table, self._returning = table, returning
        self.rest = writes

    def about(self) -> str:
        """What is written, for the story."""
        if not self._host.scheduler.say:
            return ""
        return f" {self._table.name} " + ", ".join(_shown(write) for write in self.rest)

    def do(self, fault: Fault | None) -> list[WriteResult]:
        """Do it as the fault wants it."""
        writes, self.rest = self.rest, []
        chance = self._host.scheduler.chance
        one = int(chance.random() * len(writes))
        if fault is Fault.RACE:
            self._host.town.race(self._name, self._table, writes[one])
        if fault is Fault.HALFWAY:
            self.rest = writes[one + 1 :]
            return self._now(writes[: one + 1])
        if fault is Fault.CUT:
            cut: Refused = Refused(RefusalKind.NOT_RUN, "simulated: stopped before it", code="cut")
            return [*self._now(writes[:one]), *([cut] * (len(writes) - one))]
        if fault in _REFUSALS:
            done = fault is Fault.UNKNOWN and chance.random() < 0.5
            if fault is Fault.IN_FLIGHT:
                self._host.scheduler.after(self._host.scheduler.between(IN_FLIGHT), partial(self._land, [writes[one]]))
            results = self._now(writes if done else writes[:one] + writes[one + 1 :])
            if done:
                results.pop(one)
            refused = Refused(_REFUSALS[fault], f"simulated: {fault}", code=str(fault))
            return [*results[:one], refused, *results[one:]]
        return self._now(writes)

    def go_on(self, fault: Fault | None) -> list[WriteResult]:
        """The rest of a batch."""
        return self.do(fault)

    def _now(self, writes: list[Write]) -> list[WriteResult]:
        results: list[WriteResult] = drive(self._port.write(self._table, writes, self._returning)) if writes else []
        self._host.town.app_wrote(self._name, self._table)
        return results

    def _land(self, writes: list[Write]) -> None:
        scheduler = self._host.scheduler
        results = self._now(writes)
        if scheduler.say:
            scheduler.tell(self._name, f"lands late: {', '.join(map(_shown, writes))}: {_told(results)}")


def _shown(write: Write) -> str:
    values = getattr(write, "values", {})
    return f"{type(write).__name__.lower()} {str(write.id or '')[-4:]} {values} {getattr(write, 'etag', None) or ''}"


def _told(results: Sequence[WriteResult]) -> str:
    return ", ".join(each.record.etag or "" if isinstance(each, Written) else str(each.kind) for each in results)
