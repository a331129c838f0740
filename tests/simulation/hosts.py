"""Instances of the app: each with its own ports, clock and memory, which a crash wipes out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from shared.core.failures import SyncFailure
from shared.core.records import Create, Update, Write, WriteResult, Written
from shared.core.sides import Side
from shared.core.tables import Table
from shared.memory.queue import Delivery, LockLost
from shared.ports import BusinessCentralStore, DataverseStore, JobQueue, StateConflict, StateStore
from shared.services.context import Facts, Services
from shared.services.run_slice import run_slice
from tests.simulation.clocks import SkewedClock
from tests.simulation.faults import Place
from tests.simulation.scheduler import Call, Scheduler
from tests.world import TABLES

if TYPE_CHECKING:
    from tests.simulation.town import Town

RENEWED_EVERY = 15.0  # seconds; the lock lasts a minute
SESSIONS = 3  # at once on one instance
DOWN_FOR = (1.0, 120.0)  # seconds until a killed instance is there again


@dataclass(eq=False)
class Execution:
    """One delivery in work. `created` and `updated` are the rows, by side, whose writes were answered."""

    mapping: str
    run: str
    host: str
    disturbed: bool = False
    created: defaultdict[Side, set[str]] = field(default_factory=lambda: defaultdict(set))
    updated: defaultdict[Side, set[str]] = field(default_factory=lambda: defaultdict(set))

    def answered(self, table: Table, writes: Sequence[Write], results: Sequence[WriteResult]) -> None:
        """The app has learned what became of these writes."""
        for write, result in zip(writes, results, strict=True):
            if isinstance(result, Written) and isinstance(write, Create):
                self.created[table.side].add(result.record.id)
            elif isinstance(result, Written) and isinstance(write, Update):
                self.updated[table.side].add(result.record.id)


EXECUTION: ContextVar[Execution | None] = ContextVar("execution", default=None)


class Host:
    """One instance. `frozen` are its calls while it stands still."""

    def __init__(self, town: Town, name: str, ahead: float) -> None:
        self.town = town
        self.scheduler: Scheduler = town.scheduler
        self.name = name
        self.alive = True
        self.is_frozen = False
        self.frozen: list[Call] = []
        self.deliveries: dict[Delivery, Execution] = {}
        self._ahead = ahead
        self.services = self._wire()

    @property
    def is_well(self) -> bool:
        """Neither dead nor frozen."""
        return self.alive and not self.is_frozen

    def _wire(self) -> Services:
        """The app as it is just after its start: it remembers nothing."""
        from tests.simulation.wires import Wire, WiredRows, WiredState

        town, clock = self.town, SkewedClock(self.town.time, self._ahead)
        return Services(
            connection="default",
            business_central=cast(BusinessCentralStore, WiredRows(self, "BC", town.business_central)),
            dataverse=cast(DataverseStore, WiredRows(self, "Dataverse", town.dataverse)),
            state=cast(StateStore, WiredState(self, "storage", town.state)),
            queue=cast(JobQueue, Wire(self, "queue", town.queue)),
            clock=clock,
            ids=town.ids,
            tables=TABLES,
            standard_mappings=town.mappings,
            facts=Facts(clock),
            policy=town.policy,
        )

    # Bad luck

    def crash(self) -> None:
        """Killed: whatever it did stops where it is, for ever."""
        self.alive = False
        self.scheduler.bury(self)
        self.deliveries.clear()  # nobody renews their locks any more
        self.scheduler.after(self.scheduler.between(DOWN_FOR), self._start_again)

    def _start_again(self) -> None:
        # Another object: what belonged to the dead one still waits for it and must not wake up.
        self.town.replace(self, Host(self.town, self.name, self._ahead))
        self.scheduler.tell(self.name, "starts")

    def freeze(self, seconds: float) -> None:
        """It stands still for a while, and does not renew its locks."""
        self.is_frozen = True
        self.frozen += [call for call in self.scheduler.waiting if call.host is self]
        self.scheduler.waiting = [call for call in self.scheduler.waiting if call.host is not self]
        self.scheduler.after(seconds, lambda: self.scheduler.thaw(self))

    def lose_locks(self) -> None:
        """The queue gives up on this instance's sessions."""
        for delivery in self.deliveries:
            self.town.queue.lose_lock(delivery)

    def renew(self) -> None:
        """What the host does for the function while it runs."""
        if self.is_well:
            for delivery in self.deliveries:
                try:
                    self.town.queue.renew(delivery)
                except LockLost:
                    continue

    # Work

    def spawn(self, work: Coroutine[Any, Any, Any], what: str) -> None:
        """Something that this instance was asked for: a tick of the timer, an HTTP request."""
        self.scheduler.tell(self.name, what)
        self.scheduler.loop.create_task(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> bool:
        """Whether it ended well; only failures that the use cases name may come out of them."""
        try:
            await work
        except (SyncFailure, StateConflict) as failure:
            self.scheduler.tell(self.name, f"failed: {type(failure).__name__} {failure}")
            return False
        except Exception as error:
            self.town.defects.append(error)
            self.scheduler.tell(self.name, f"DEFECT {error!r}")
            return False
        return True

    def take(self, delivery: Delivery) -> None:
        """A message was handed to this instance."""
        body = delivery.message.body
        execution = Execution(str(body["mapping"]), str(body["run"]), self.name)
        self.town.begins(execution)
        self.deliveries[delivery] = execution
        if self.scheduler.say:
            about = f"{delivery.message.id.partition('-')[2][-8:]} delivery {delivery.count}"
            self.scheduler.tell(self.name, f"takes {execution.mapping} {about}")
        self.scheduler.loop.create_task(self._work(delivery, execution))

    async def _work(self, delivery: Delivery, execution: Execution) -> None:
        EXECUTION.set(execution)
        well = await self._guarded(run_slice(self.services, delivery.message.body))
        if not self.alive:
            return
        if well and not execution.disturbed:
            self.town.ended_well(execution)
        EXECUTION.set(None)
        try:
            await self.scheduler.call(
                self, Place.COMPLETE, "queue.complete", lambda fault: self._settle(delivery, well)
            )
        except SyncFailure:
            self.deliveries.pop(delivery, None)  # the lock runs out, and the message comes again

    def _settle(self, delivery: Delivery, well: bool) -> None:
        """The host completes the message, or gives it back when the function failed."""
        self.deliveries.pop(delivery, None)
        try:
            if well:
                self.town.queue.complete(delivery)
            else:
                self.town.queue.abandon(delivery)
        except LockLost:
            self.scheduler.tell(self.name, "lock lost: the message comes again")
