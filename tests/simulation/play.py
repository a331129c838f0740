"""What the machine does behind its rules: how people edit, how messages are delivered, how everything comes to rest."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine

from shared.core.jobs import Trigger
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.services.context import Policy
from shared.services.mapping_settings import enabled_mappings
from shared.services.repositories.work_items import WorkItem
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from tests.simulation.company import (
    BC,
    DV,
    IN_FILTER,
    OUTSIDE,
    TABLE,
    TAG,
    TAG_AGAIN,
    column,
    currency_mapping,
    edit,
    known_currencies,
    passes_filter,
    rows,
    tag_of,
)
from tests.simulation.history import Broken, History
from tests.simulation.laws import check_jobs, check_pairs
from tests.simulation.trouble import HostKilled, TroubledWorld

HITS: Counter[str] = Counter()  # of all machines in this process


class Play(RuleBasedStateMachine):
    """A world, its history, and what can be done with them."""

    most_records = 3  # that people create on each side

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.created: Counter[Side] = Counter()
        self.started = False

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the machine's own loop."""
        return self.runner.run(work)

    def set_up(self, mapping: Mapping, policy: Policy, overlap: timedelta) -> None:
        """A company with one record on each side, in step."""
        self.mapping = mapping
        self.world = TroubledWorld(policy=policy, mappings=(currency_mapping(), mapping), overlap=overlap)
        self.history = History(self.world, mapping)
        self.started = True
        for side in Side:
            self._create(side, {})
        self._run("")

    def _create(self, side: Side, values: dict[str, str]) -> None:
        self.created[side] += 1
        tag = f"{side}{self.created[side]}"
        row: Values = {column(name, side): value for name, value in {"name": "1", **values}.items()}
        row |= {name[0 if side is BC else 1]: tag for name in (TAG, TAG_AGAIN)} | IN_FILTER[side]
        if side is DV:
            row[column("currency", DV)] = min(known_currencies(self.world, DV))  # the local one: Dataverse's default
        (self.world.business_central if side is BC else self.world.dataverse).put(TABLE[side], row)
        self.history.people_did()

    def _tag(self, which: int) -> str:
        side = list(Side)[which % 2]
        return f"{side}{which // 2 % max(1, self.created[side]) + 1}"

    def _id(self, side: Side, which: int) -> str | None:
        """The row on `side` of somebody's record."""
        found = [key for key, row in rows(self.world, side).items() if tag_of(side, row) == self._tag(which)]
        return found[0] if found else None

    def _edit(self, side: Side, which: int, field: str, value: Value) -> None:
        if (key := self._id(side, which)) is not None:
            edit(self.world, side, key, {column(field, side): value})
            self.history.people_did()

    def _delete(self, side: Side, which: int) -> None:
        if (key := self._id(side, which)) is not None:
            (self.world.business_central if side is BC else self.world.dataverse).remove(TABLE[side], key)
            self.history.people_did()
            HITS[f"deleted in {side}"] += 1

    def _cross(self, side: Side, which: int) -> None:
        if (key := self._id(side, which)) is not None:
            inside = passes_filter(side, rows(self.world, side)[key])
            edit(self.world, side, key, OUTSIDE[side] if inside else IN_FILTER[side])
            HITS["left the filter" if inside else "came back"] += 1

    def _interrupt(self, at: Side | int, deed: Callable[[], None]) -> None:
        def now() -> None:
            self.history.run_was_troubled()  # so far
            deed()

        if isinstance(at, Side):
            self.world.trouble.before_write(at, now)
        else:
            self.world.trouble.arm({at: now})
        self._run("CUSTOMER", interrupted=True)

    def _run(
        self,
        name: str,
        *,
        interrupted: bool = False,
        stop_when_killed: bool = False,
        twice: bool = False,
    ) -> None:
        """Ask for a run and work the queue off."""
        trouble = self.world.trouble
        before = trouble.happened.copy()
        armed, trouble.at_call = trouble.at_call, {}
        stored = enabled_mappings(self.do(self.world.services.mappings.all()))
        chosen = [mapping for mapping in stored if name in ("", mapping.name)]
        self.do(request_synchronization(self.world.services, chosen, Trigger.PERSON))
        trouble.arm(armed)
        done = self._work_off(stop_when_killed=stop_when_killed, twice=twice)
        trouble.clear()
        self.world.clock.advance(seconds=30)
        if done and name != "CURRENCY" and trouble.happened == before and not interrupted:
            self.history.run_ended_well(self._tags_in_trouble())
        else:
            self.history.run_was_troubled()
        HITS.update({str(name): times for name, times in (trouble.happened - before).items()})
        HITS.update(f"held: {item.reason}" for item in self._items())

    def _work_off(self, *, stop_when_killed: bool = False, twice: bool = False) -> bool:
        """Deliver what is in the queue, letting time pass for what is scheduled; whether nothing was killed."""
        queue, clock = self.world.queue, self.world.clock
        for _ in range(1000):
            delivery = queue.receive()
            if delivery is None:
                if (due := queue.next_due()) is None:
                    return True
                clock.set(max(due, clock.now()))
                continue
            try:
                self.do(run_slice(self.world.services, delivery.message.body))
            except HostKilled:
                queue.abandon(delivery)
                if stop_when_killed:
                    return False
                continue
            queue.complete(delivery)
            if twice:
                self.do(run_slice(self.world.services, delivery.message.body))
        raise Broken("the queue never becomes empty")

    def _items(self) -> list[WorkItem]:
        """The open work items of the mapping."""
        return list(self.do(self.world.services.work_items("CUSTOMER").all()).values())

    def _tags_in_trouble(self) -> set[str]:
        """The tags of records with an open work item, or outside the filter."""
        found = set()
        ids = {one for item in self._items() for one in (item.record_id, item.business_central_id, item.dataverse_id)}
        for side in Side:
            for key, row in rows(self.world, side).items():
                if key in ids or not passes_filter(side, row):
                    found.add(tag_of(side, row))
        return found

    def _settle(self) -> None:
        self.world.trouble.clear()
        for tick in range(5):
            before = (+self.world.written, {item.key: item.reason for item in self._items()})
            self._tick_long_after()
            if tick and before == (self.world.written, {item.key: item.reason for item in self._items()}):
                break  # the first may only wake what was given up
        written = +self.world.written
        self._tick_long_after()
        self._run("")
        if self.world.written != written:
            raise Broken(f"a run after the runs wrote something: {self.world.written - written}")
        self.history.run_ended_well(self._tags_in_trouble())
        HITS["settled"] += 1
        items = self._items()
        jobs, _ = self.do(self.world.services.jobs.page(None, 10_000))
        HITS.update(f"open: {item.reason}" for item in items)
        HITS.update(check_pairs(self.world, self.history, self.mapping, items))
        HITS.update(check_jobs(self.world, jobs))
        HITS.update(self.history.happened)
        self.history.happened.clear()

    def _tick_long_after(self) -> None:
        self.world.clock.advance(hours=2)
        self._tick()

    def _tick(self) -> None:
        self.do(enqueue_due(self.world.services))
        self._work_off()
        self.history.run_was_troubled()  # perhaps: not every mapping was due
