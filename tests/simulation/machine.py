"""People edit, runs happen, things go wrong; then all must come to rest without loss, doubles or disagreement."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from shared.core.jobs import Trigger
from shared.core.mapping import ConflictScope, DeletionConflictResolution, UpdateConflictResolution, WhenOutsideFilter
from shared.core.sides import Side
from shared.core.tables import Value, Values
from shared.services.administration import in_mappings
from shared.services.context import Policy
from shared.services.repositories.work_items import WorkItem
from shared.services.requests import enqueue_due, request_synchronization
from shared.services.run_slice import run_slice
from tests.simulation.company import (
    BC,
    DV,
    IN_FILTER,
    ONE_WAY,
    OUTSIDE,
    TABLE,
    TAG,
    TAG_AGAIN,
    column,
    currency_mapping,
    customer_mapping,
    edit,
    known_currencies,
    passes_filter,
    rows,
    tag_of,
)
from tests.simulation.history import Broken, History
from tests.simulation.laws import check_jobs, check_pairs
from tests.simulation.trouble import HostKilled, Loss, TroubledWorld
from tests.world import CURRENCIES

SIDES = st.sampled_from(Side)
TEXT_FIELDS = st.sampled_from(["name", "phone", "phone", "email", "street", "city"])
VALUES = st.sampled_from(["1", "2", "3"])
WHICH = st.integers(0, 5)  # whose record: see `_tag`
HITS: Counter[str] = Counter()  # of all machines in this process


class PeopleAndRuns(RuleBasedStateMachine):
    """See the module. Every rule is something that people, the timer or bad luck can do."""

    most_records = 3  # that people create on each side

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.created: Counter[Side] = Counter()
        self.started = False

    def do[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the machine's own loop."""
        return self.runner.run(work)

    @initialize(
        page_size=st.sampled_from([1, 2, 3, 1000]),
        at_once=st.booleans(),
        overlap=st.sampled_from([0, 10]),
        update=st.sampled_from([UpdateConflictResolution.NONE, *UpdateConflictResolution]),
        deletion=st.sampled_from(DeletionConflictResolution),
        scope=st.sampled_from([ConflictScope.FIELD, *ConflictScope]),
        outside=st.sampled_from([WhenOutsideFilter.RECEIVE_ONLY, WhenOutsideFilter.KEEP_IN_STEP]),
    )
    def begin(
        self,
        page_size: int,
        at_once: bool,
        overlap: int,
        update: UpdateConflictResolution,
        deletion: DeletionConflictResolution,
        scope: ConflictScope,
        outside: WhenOutsideFilter,
    ) -> None:
        """A company that is set up, with one record on each side."""
        self.mapping = customer_mapping(
            update_conflict_resolution=update,
            deletion_conflict_resolution=deletion,
            conflict_scope=scope,
            when_outside_filter=outside,
        )
        policy = Policy(page_size=page_size, slice_time=timedelta(minutes=2) if at_once else timedelta(0))
        mappings = (currency_mapping(), self.mapping)
        self.world = TroubledWorld(policy=policy, mappings=mappings, overlap=timedelta(minutes=overlap))
        self.history = History(self.world, self.mapping)
        self.started = True
        for side in Side:
            self._create(side, {})
        self._run("")

    # People

    @precondition(lambda self: min(self.created.values()) < self.most_records)
    @rule(side=SIDES, field=TEXT_FIELDS, value=VALUES)
    def person_creates(self, side: Side, field: str, value: str) -> None:
        """A new record."""
        if self.created[side] < self.most_records:
            self._create(side, {field: value})

    @rule(side=SIDES, which=WHICH, field=TEXT_FIELDS, value=VALUES | st.none())
    def person_edits(self, side: Side, which: int, field: str, value: str | None) -> None:
        """One field of one record."""
        self._edit(side, which, field, value)

    @rule(which=WHICH, field=TEXT_FIELDS, other=st.none() | TEXT_FIELDS, values=st.tuples(VALUES, VALUES))
    def people_edit_both_sides(self, which: int, field: str, other: str | None, values: tuple[str, str]) -> None:
        """The same field on both sides, or two different ones."""
        self._edit(BC, which, field, values[0])
        self._edit(DV, which, other or field, values[1])

    @rule(side=SIDES, which=WHICH, amount=st.integers(0, 2))
    def person_changes_the_credit_limit(self, side: Side, which: int, amount: int) -> None:
        """The field that travels one way only."""
        self._edit(side, which, ONE_WAY, amount)

    @rule(side=SIDES, which=WHICH, choice=st.integers(0, 2))
    def person_picks_a_currency(self, side: Side, which: int, choice: int) -> None:
        """One of those that exist on this side."""
        known = sorted(known_currencies(self.world, side))
        none = None if side is BC else known[0]  # the local one; an account always has a currency
        self._edit(side, which, "currency", known[choice] if choice < len(known) else none)

    @rule(code=st.sampled_from(["USD", "DKK"]), which=WHICH, at_once=st.booleans())
    def person_creates_a_currency(self, code: str, which: int, at_once: bool) -> None:
        """In Business Central, and uses it; Dataverse gets it from there, if that mapping is run."""
        if code not in known_currencies(self.world, BC).values():
            new = self.world.business_central.put(CURRENCIES, {"code": code, "displayName": code})
            HITS["a new currency"] += 1
            self._edit(BC, which, "currency", new)
            if at_once:
                self._run("CUSTOMER")

    @rule(side=SIDES, which=WHICH)
    def person_touches(self, side: Side, which: int) -> None:
        """Saved without a change."""
        if (key := self._id(side, which)) is not None:
            edit(self.world, side, key, {TAG[0 if side is BC else 1]: self._tag(which)})
            HITS["touched"] += 1

    @rule(side=SIDES, which=WHICH, and_back=st.booleans())
    def person_moves_a_record_over_the_filters_edge(self, side: Side, which: int, and_back: bool) -> None:
        """Blocked or deactivated, or active again; or both, with a run in between."""
        self._cross(side, which)
        if and_back:
            self._run("CUSTOMER")
            self._cross(side, which)

    @rule(side=SIDES, which=WHICH, sure=st.booleans())
    def person_deletes(self, side: Side, which: int, sure: bool) -> None:
        """For good."""
        if sure:
            self._delete(side, which)

    # Runs

    @rule(name=st.sampled_from(["CUSTOMER", "CUSTOMER", "CURRENCY", ""]))
    def run(self, name: str) -> None:
        """Somebody presses the button for one mapping or for all."""
        self._run(name)

    @rule(minutes=st.sampled_from([1, 12, 70]))
    def timer_ticks(self, minutes: int) -> None:
        """Time passes, and the timer enqueues what is due."""
        self.world.clock.advance(minutes=minutes)
        self.do(enqueue_due(self.world.services))
        self._work_off()

    @rule()
    def a_message_comes_twice(self) -> None:
        """Each message of a run is delivered once more after it was done."""
        self._run("", twice=True)
        HITS["delivered twice"] += 1

    @rule()
    def dataverse_forgets_its_changes(self) -> None:
        """The position of the feed is too old."""
        self.world.dataverse.forget_changes()
        HITS["feed expired"] += 1

    # Bad luck

    @rule(call=st.integers(1, 60), again=st.booleans(), which=WHICH, side=SIDES, field=TEXT_FIELDS, value=VALUES)
    def the_host_is_killed(self, call: int, again: bool, which: int, side: Side, field: str, value: str) -> None:
        """Before that port call; the message comes again at once, or with the next run."""
        self._edit(side, which, field, value)
        self.world.trouble.arm({call: self.world.trouble.kill})
        self._run("CUSTOMER", stop_when_killed=not again)

    @rule(side=SIDES, loss=st.sampled_from(Loss), which=WHICH, field=TEXT_FIELDS, value=VALUES, rest=st.booleans())
    def an_answer_is_lost(self, side: Side, loss: Loss, which: int, field: str, value: str, rest: bool) -> None:
        """Of the next write to that side; on the other side there is something new to write."""
        self._edit(side.other, which, field, value)
        self.world.trouble.losses = [(side, loss)]
        self._run("CUSTOMER")
        if rest:
            self._settle()

    @rule(side=SIDES, loss=st.sampled_from(Loss), field=TEXT_FIELDS, value=VALUES)
    def the_answer_to_a_create_is_lost(self, side: Side, loss: Loss, field: str, value: str) -> None:
        """Of a record that is new on the other side."""
        if self.created[side.other] < self.most_records:
            self._create(side.other, {field: value})
            self.world.trouble.losses = [(side, loss)]
            self._run("CUSTOMER")

    @rule(
        side=SIDES, at=SIDES | st.integers(5, 30), which=WHICH, fields=st.tuples(TEXT_FIELDS, TEXT_FIELDS), value=VALUES
    )
    def a_person_edits_during_a_run(
        self, side: Side, at: Side | int, which: int, fields: tuple[str, str], value: str
    ) -> None:
        """Just before a write to a side, or before some port call; there is something to write on both sides."""
        HITS["edited during a run"] += 1
        for edited, field in zip(Side, fields, strict=True):
            self._edit(edited, which, field, "1")
        self._interrupt(at, lambda: self._edit(side, which, fields[0], value))

    @rule(side=SIDES, at=SIDES, which=WHICH, field=TEXT_FIELDS, value=VALUES)
    def a_person_deletes_during_a_run(self, side: Side, at: Side, which: int, field: str, value: str) -> None:
        """Just before a write."""
        HITS["deleted during a run"] += 1
        self._edit(side.other, which, field, value)
        self._interrupt(at, lambda: self._delete(side, which))

    # Laws

    @rule()
    def everything_settles(self) -> None:
        """People pause, and nothing goes wrong for a while."""
        self._settle()

    @invariant()
    def couplings_are_one_to_one(self) -> None:
        """No record is coupled twice, and both documents of a coupling tell the same."""
        if not self.started:
            return
        couplings = self.do(self.world.services.couplings("CUSTOMER").all())
        for side in Side:
            ids = [coupling.at(side).id for coupling in couplings]
            assert len(set(ids)) == len(ids)
        pointers = self.do(self.world.state.scan("couplings", "default|CUSTOMER", prefix="dv|"))
        assert {row.key for row in pointers} == {f"dv|{coupling.dataverse.id}" for coupling in couplings}

    def teardown(self) -> None:
        """Whatever has happened, it settles in the end."""
        try:
            if self.started:
                self._settle()
        finally:
            self.runner.close()

    # How it is done

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
        stored = in_mappings(self.do(self.world.services.mappings.all()))
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
        self.do(enqueue_due(self.world.services))
        self._work_off()
