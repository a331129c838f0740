"""Trouble on its way: hosts that are killed, answers that get lost, people who edit at the worst moment."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, cast

from shared.core.failures import Passing
from shared.core.jobs import Trigger
from shared.core.records import RefusalKind, Refused, Write, WriteResult
from shared.core.tables import Table
from shared.memory.business_central import MemoryBusinessCentral
from shared.memory.clock import SequentialIds
from shared.ports import BusinessCentralStore, DataverseStore, JobQueue, RowStore, StateStore
from shared.services.context import Services
from shared.services.requests import request_synchronization
from shared.services.run_slice import run_slice
from tests.world import COMPANY, World


class HostKilled(BaseException):
    """The process ends here. No `except Exception` of the product can hold it up."""


class Loss(StrEnum):
    """What becomes of a write and of its answer."""

    UNKNOWN_DONE = "unknown_done"  # one write was done, its answer is lost
    UNKNOWN_NOT_DONE = "unknown_not_done"
    BUSY = "busy"  # one write was refused for now
    INVALID = "invalid"  # one write was refused for good
    CALL_LOST_DONE = "call_lost_done"  # all writes were done, the call fails
    CALL_LOST_NOT_DONE = "call_lost_not_done"


_REFUSALS = {
    Loss.UNKNOWN_DONE: RefusalKind.UNKNOWN,
    Loss.UNKNOWN_NOT_DONE: RefusalKind.UNKNOWN,
    Loss.BUSY: RefusalKind.PASSING,
    Loss.INVALID: RefusalKind.INVALID,
}


@dataclass
class Trouble:
    """What will go wrong, and a count of what did.

    `at_call` are deeds by the number of the port call before which they happen, counted from `arm`. `losses` are the
    fates of the next writes, one per call of `write`: the side's name, or "" for any side, and the fate.
    """

    calls: int = 0
    at_call: dict[int, Callable[[], None]] = field(default_factory=dict)
    losses: list[tuple[str, Loss]] = field(default_factory=list)
    at_write: dict[str, Callable[[], None]] = field(default_factory=dict)
    happened: Counter[str] = field(default_factory=Counter)
    after_write: Callable[[], None] = lambda: None

    def arm(self, deeds: dict[int, Callable[[], None]] | None = None) -> None:
        """From now on calls are counted anew, and these deeds wait for theirs."""
        self.calls, self.at_call = 0, dict(deeds or {})

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self.at_call, self.losses, self.at_write = {}, [], {}

    def before_write(self, side: str, deed: Callable[[], None]) -> None:
        """This happens just before the next write to `side`."""
        self.at_write[side] = deed

    def kill(self) -> None:
        """A deed: the host dies."""
        self.happened["killed"] += 1
        raise HostKilled

    def fail(self) -> None:
        """A deed: the call cannot be made just now."""
        self.happened["failed"] += 1
        raise Passing("it cannot be reached")

    def write_late(self) -> None:
        """What was to happen just before the next write happens now."""
        deeds, self.at_write = self.at_write, {}
        for deed in deeds.values():
            deed()

    def before_call(self) -> None:
        """A port is about to be called."""
        self.calls += 1
        if (deed := self.at_call.pop(self.calls, None)) is not None:
            deed()

    def loss_for(self, side: str) -> Loss | None:
        """The fate of the write that is about to be sent to `side`."""
        if self.losses and self.losses[0][0] in ("", side):
            _, loss = self.losses.pop(0)
            self.happened[loss] += 1
            return loss
        return None


class Watched:
    """A port of which every call can be interrupted."""

    def __init__(self, port: object, trouble: Trouble) -> None:
        self._port = port
        self._trouble = trouble

    def __getattr__(self, name: str) -> Any:
        member = getattr(self._port, name)
        if not inspect.iscoroutinefunction(member):
            return member

        async def call(*args: Any, **kwargs: Any) -> Any:
            self._trouble.before_call()
            return await member(*args, **kwargs)

        return call


class WatchedRows(Watched):
    """A row store whose writes and answers can get lost."""

    async def write(self, table: Table, writes: Sequence[Write], returning: Sequence[str]) -> list[WriteResult]:
        """See RowStore; the first write of the call has the fate that was planned."""
        rows = cast(RowStore, self._port)
        self._trouble.before_call()
        if (deed := self._trouble.at_write.pop(rows.side, None)) is not None:
            deed()
        loss = self._trouble.loss_for(rows.side) if writes else None
        if loss is Loss.CALL_LOST_NOT_DONE:
            raise Passing("the service cannot be reached", side=rows.side)
        skipped = 1 if loss in (Loss.UNKNOWN_NOT_DONE, Loss.BUSY, Loss.INVALID) else 0
        results = await rows.write(table, writes[skipped:], returning)
        self._trouble.after_write()
        self._trouble.happened.update(f"refused: {each.kind}" for each in results if isinstance(each, Refused))
        if loss is Loss.CALL_LOST_DONE:
            raise Passing("the service was cut off", side=rows.side)
        if loss is not None:
            refused = Refused(_REFUSALS[loss], f"planned: {loss}", code=loss)
            return [refused, *results[1 - skipped :]]
        return results


@dataclass
class TroubledWorld(World):
    """A world whose app works through watched ports. People do not: what they do is done."""

    trouble: Trouble = field(default_factory=Trouble)
    overlap: timedelta = timedelta(minutes=10)  # of Business Central's feed; without one it tells everything once

    def __post_init__(self) -> None:
        """Business Central once more, with the overlap that is asked for."""
        super().__post_init__()
        self.business_central = MemoryBusinessCentral(self.clock, SequentialIds(1), overlap=self.overlap)
        self.business_central.put(COMPANY, {"displayName": "Contoso", "currencyCode": "EUR"})
        self.services = self.instance()

    def instance(self) -> Services:
        """Another instance of the app over the same world."""
        services = super().instance()
        return replace(
            services,
            business_central=cast(BusinessCentralStore, WatchedRows(services.business_central, self.trouble)),
            dataverse=cast(DataverseStore, WatchedRows(services.dataverse, self.trouble)),
            state=cast(StateStore, Watched(services.state, self.trouble)),
            queue=cast(JobQueue, Watched(services.queue, self.trouble)),
        )


async def killed_at(world: TroubledWorld, call: int) -> bool:
    """Run CUSTOMER with the host killed before that port call; whether the run was long enough to be killed."""
    stored = await world.services.mappings.get("CUSTOMER")
    assert stored is not None
    await request_synchronization(world.services, [stored.mapping], Trigger.PERSON)
    delivery = world.queue.receive()
    assert delivery is not None
    world.trouble.arm({call: world.trouble.kill})
    try:
        await run_slice(world.services, delivery.message.body)
    except HostKilled:
        world.queue.abandon(delivery)
        return True
    world.trouble.clear()
    world.queue.complete(delivery)
    return False
