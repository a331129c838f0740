"""People edit, runs happen, things go wrong; then all must come to rest without loss, doubles or disagreement."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from shared.core.mapping import ConflictScope, DeletionConflictResolution, UpdateConflictResolution, WhenOutsideFilter
from shared.core.sides import Side
from shared.services.context import Policy
from tests.simulation.company import (
    BC,
    DV,
    ONE_WAY,
    TAG,
    column,
    customer_mapping,
    edit,
    known_currencies,
    rows,
)
from tests.simulation.play import HITS, Play
from tests.simulation.trouble import Loss
from tests.world import CURRENCIES

SIDES = st.sampled_from(Side)
TEXT_FIELDS = st.sampled_from(["name", "phone", "phone", "email", "street", "city"])
VALUES = st.sampled_from(["1", "2", "3"])
WHICH = st.integers(0, 5)  # whose record: see `_tag`


class PeopleAndRuns(Play):
    """See the module. Every rule is something that people, the timer or bad luck can do."""

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
        mapping = customer_mapping(
            update_conflict_resolution=update,
            deletion_conflict_resolution=deletion,
            conflict_scope=scope,
            when_outside_filter=outside,
        )
        policy = Policy(page_size=page_size, slice_time=timedelta(minutes=2) if at_once else timedelta(0))
        self.set_up(mapping, policy, timedelta(minutes=overlap))

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

    @rule(side=SIDES, which=WHICH, field=TEXT_FIELDS, values=st.tuples(VALUES, VALUES), at_once=st.booleans())
    def a_person_thinks_again(self, side: Side, which: int, field: str, values: tuple[str, str], at_once: bool) -> None:
        """Edits and takes it back, while the other side is edited as well."""
        if (key := self._id(side, which)) is not None:
            before = rows(self.world, side)[key][column(field, side)]
            self._edit(side, which, field, values[0])
            self._edit(side.other, which, field, values[1])
            self._edit(side, which, field, before)
            if at_once:
                self._run("CUSTOMER")

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
        self._tick()

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

    @rule(
        side=SIDES,
        loss=st.sampled_from(Loss),
        which=WHICH,
        field=TEXT_FIELDS,
        value=VALUES,
        then=st.sampled_from(["", "taken back", "rest"]),
    )
    def an_answer_is_lost(self, side: Side, loss: Loss, which: int, field: str, value: str, then: str) -> None:
        """Of the next write to that side; on the other side there is something to write, which may be taken back."""
        if (key := self._id(side.other, which)) is not None:
            before = rows(self.world, side.other)[key][column(field, side.other)]
            self._edit(side.other, which, field, value)
            self.world.trouble.losses = [(side, loss)]
            self._run("CUSTOMER")
            if then == "taken back":
                self._edit(side.other, which, field, before)
            elif then == "rest":
                self._settle()

    @rule(side=SIDES, loss=st.sampled_from(Loss), field=TEXT_FIELDS, value=VALUES)
    def the_answer_to_a_create_is_lost(self, side: Side, loss: Loss, field: str, value: str) -> None:
        """Of a record that is new on the other side."""
        if self.created[side.other] < self.most_records:
            self._create(side.other, {field: value})
            self.world.trouble.losses = [(side, loss)]
            self._run("CUSTOMER")

    @rule(
        side=SIDES,
        at=st.none() | SIDES | st.integers(5, 30),
        which=WHICH,
        fields=st.tuples(TEXT_FIELDS, TEXT_FIELDS),
        values=st.tuples(VALUES, VALUES, VALUES),
    )
    def a_person_edits_during_a_run(
        self, side: Side, at: Side | int | None, which: int, fields: tuple[str, str], values: tuple[str, str, str]
    ) -> None:
        """Just before a write to a side (None: their own), or before some port call: what the other side has edited."""
        HITS["edited during a run"] += 1
        self._edit(side.other, which, fields[0], values[0])
        self._edit(side, which, fields[1], values[1])
        self._interrupt(at or side, lambda: self._edit(side, which, fields[0], values[2]))

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
