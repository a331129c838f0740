"""The decision for one pair: every cell, held to rules written down here once more and on their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.actions import (
    ABSENT,
    GONE,
    UNREAD,
    Action,
    Change,
    Hold,
    Make,
    Nothing,
    Remember,
    Seen,
    Uncouple,
    View,
)
from shared.core.coupling import CoupledRecord, Coupling
from shared.core.decision_table import RULES, State, rule_for
from shared.core.mapping import DeletionConflictResolution, UpdateConflictResolution, WhenOutsideFilter
from shared.core.mapping import Mapping as TableMapping
from shared.core.merge import PairValues
from shared.core.plan import decide
from shared.core.reasons import Reason
from shared.core.records import Record
from shared.core.references import ReferenceAnswers
from shared.core.remember import holds, is_remembered
from shared.core.sides import Direction, Side
from shared.core.tables import Values
from tests.unit.core.tables import BC, DV, FROM, TABLES, TO, column, line, mapping
from tests.unit.core.test_merge import expected

NOW = datetime(2026, 1, 5, tzinfo=UTC)
OLD = datetime(2026, 1, 1, tzinfo=UTC)
REMOVE, RESTORE = DeletionConflictResolution.REMOVE_COUPLING, DeletionConflictResolution.RESTORE_RECORDS


@dataclass(frozen=True)
class Sight:
    """What is seen of one side: how, its value ("0" is what both agreed on), and whether it passes the filter."""

    seen: Seen
    value: str = "0"
    in_filter: bool = True

    def view(self, side: Side) -> View:
        """The same as the core gets it; the version goes with the value."""
        if self.seen is not Seen.PRESENT:
            return {Seen.UNREAD: UNREAD, Seen.GONE: GONE, Seen.ABSENT: ABSENT}[self.seen]
        return View(Seen.PRESENT, record(side, self.value), self.in_filter)


def record(side: Side, value: str) -> Record:
    return Record(f"{side}-id", {column("a", side): value, "code": None}, etag=f"{value}")


def coupling() -> Coupling:
    """Coupled, synchronized, both sides at "0"."""
    ends = [CoupledRecord(f"{side}-id", {column("a", side): "0"}, etag="0", title="0") for side in Side]
    return Coupling(ends[0], ends[1], OLD, OLD)


def sights(edited: str) -> list[Sight]:
    present = [Sight(Seen.PRESENT, value, inside) for value in ("0", edited) for inside in (True, False)]
    return [Sight(Seen.UNREAD), Sight(Seen.GONE), *present]


COUPLED = [
    {BC: bc, DV: dv}
    for bc, dv in product(sights("1"), sights("2"))
    if Seen.PRESENT in (bc.seen, dv.seen) or bc.seen is dv.seen is Seen.GONE  # a deletion has the other side read
    if Seen.UNREAD not in (bc.seen, dv.seen) or Seen.GONE not in (bc.seen, dv.seen)
]


def settings() -> Iterator[dict[str, object]]:
    names = (
        "direction",
        "synch_only_coupled_records",
        "deletion_conflict_resolution",
        "update_conflict_resolution",
        "when_outside_filter",
    )
    values = (Direction, (True, False), DeletionConflictResolution, UpdateConflictResolution, WhenOutsideFilter)
    for chosen in product(*values):
        yield dict(zip(names, chosen, strict=True))


def decided(rules: TableMapping, seen: Mapping[Side, Sight], known: Coupling | None) -> Action:
    return decide(rules, {side: seen[side].view(side) for side in Side}, known, TABLES, {}, NOW)


def summary(action: Action) -> object:
    """An action without its details."""
    match action:
        case Nothing() | Remember():
            return "no write"
        case Change():
            return {side: values for side, values in action.writes.items() if values}
        case Make():
            return ("make", action.side, action.reason, action.replaces is not None)
        case Uncouple() | Hold():
            return (type(action).__name__.lower(), action.reason)


def told(rules: TableMapping, seen: Mapping[Side, Sight]) -> object:
    """The rules for a coupled pair once more, as a person would say them.

    Deletions first: both gone ends the coupling; one gone ends it or restores the record if the mapping says so - a
    record is restored only from one that is to be synchronized - and is a question otherwise. Then records that have
    left the filter, as the mapping says. Then edits: see the oracle of the merge.
    """
    gone = [side for side in Side if seen[side].seen is Seen.GONE]
    if len(gone) == 2:
        return ("uncouple", Reason.BOTH_DELETED)
    if gone:
        survivor = gone[0].other
        if rules.deletion_conflict_resolution is REMOVE:
            return ("uncouple", Reason.COUPLING_REMOVED)
        restorable = seen[survivor].in_filter and rules.direction.allows(survivor)
        if rules.deletion_conflict_resolution is RESTORE and restorable:
            return ("make", gone[0], Reason.RESTORED, True)
        return ("hold", Reason.DELETION_CONFLICT)
    outside = any(not each.in_filter for each in seen.values())
    if outside and rules.when_outside_filter is WhenOutsideFilter.UNCOUPLE:
        return ("uncouple", Reason.LEFT_FILTER)
    if outside and rules.when_outside_filter is WhenOutsideFilter.FREEZE:
        return "no write"
    keeps = rules.when_outside_filter is WhenOutsideFilter.KEEP_IN_STEP
    senders = [side for side in Side if seen[side].in_filter or keeps]
    merged = expected(rules, {"a": (seen[BC].value, seen[DV].value)}, "0", senders)
    if merged.conflicts and senders:
        return ("hold", Reason.UPDATE_CONFLICT)
    writes = {side: {column(k, side): v for k, v in values.items()} for side, values in merged.writes.items() if values}
    return writes or "no write"


def test_every_cell_of_a_coupled_pair_is_decided_as_the_rules_say() -> None:
    reached = Counter[str]()
    for chosen in settings():
        rules = mapping(line("a"), **chosen)
        for seen in COUPLED:
            if both_outside_and_edited(seen):
                continue
            action = decided(rules, seen, coupling())
            assert summary(action) == told(rules, seen), (chosen, seen)
            reached[type(action).__name__] += 1
    assert set(reached) == {"Nothing", "Remember", "Change", "Make", "Uncouple", "Hold"}


def both_outside_and_edited(seen: Mapping[Side, Sight]) -> bool:
    return all(not each.in_filter and each.value != "0" for each in seen.values())


def test_two_records_outside_their_filters_do_not_clash() -> None:
    seen = {BC: Sight(Seen.PRESENT, "1", False), DV: Sight(Seen.PRESENT, "2", False)}
    assert summary(decided(mapping(line("a")), seen, coupling())) == "no write"


def test_every_cell_of_an_uncoupled_record_is_decided_as_the_rules_say() -> None:
    creates = [(), (BC,), (DV,), (BC, DV)]
    for chosen, side, inside, create in product(settings(), Side, (True, False), creates):
        rules = mapping(line("a"), create_new_in=create, **chosen)
        seen = {side: Sight(Seen.PRESENT, "1", inside), side.other: Sight(Seen.ABSENT)}
        if rules.synch_only_coupled_records or not rules.direction.allows(side) or not inside:
            wanted: object = "no write"
        elif side.other not in create:
            wanted = ("hold", Reason.CREATE_NOT_ALLOWED)
        else:
            wanted = ("make", side.other, Reason.NEW_RECORD, False)
        assert summary(decided(rules, seen, None)) == wanted, (chosen, side, inside, create)


def test_every_rule_of_the_table_is_reached_and_none_is_in_doubt() -> None:
    """A rule that no pair can reach is dead; the settings that do not matter to a rule must not change the answer."""
    reached = set()
    for chosen in settings():
        for create in ((), (BC, DV)):
            rules = mapping(line("a"), create_new_in=create, **chosen)
            for rule in RULES:
                for this, other in product(sorted(rule.this), sorted(rule.other)):
                    found = rule_for(rules, rule.coupled, {BC: this, DV: other})
                    mirrored = rule_for(rules, rule.coupled, {DV: this, BC: other})
                    reached |= {found.rule, mirrored.rule}
    assert reached == set(RULES)


@pytest.mark.parametrize("coupled", [True, False])
def test_a_pair_that_cannot_be_has_no_rule(coupled: bool) -> None:
    with pytest.raises(LookupError, match="absent"):
        rule_for(mapping(line("a")), coupled, dict.fromkeys(Side, State.ABSENT))


def test_versions_and_contents_go_together() -> None:
    """A version is remembered only with the very values that the record of that version holds, or none is."""
    for chosen in settings():
        rules = mapping(line("a"), **chosen)
        for seen in COUPLED:
            action = decided(rules, seen, coupling())
            if not isinstance(action, (Remember, Change)):
                continue
            writes = action.writes if isinstance(action, Change) else {}
            for side in Side:
                end, value = action.coupling.at(side), writes.get(side, {}).get(column("a", side), seen[side].value)
                assert end.etag is None or end.base == {column("a", side): value}, (chosen, seen)


def carried_out(action: Action, seen: Mapping[Side, Sight]) -> tuple[dict[Side, Sight], Coupling]:
    """What is seen afterwards, and what is remembered, when the services did what they were told."""
    assert isinstance(action, (Remember, Change))
    after, writes = dict(seen), action.writes if isinstance(action, Change) else {}
    known = action.coupling
    for side, values in writes.items():
        value = str(values[column("a", side)])
        after[side] = Sight(Seen.PRESENT, value, seen[side].in_filter)
        if known.at(side).base == {column("a", side): value}:
            known = known.with_end(side, replace(known.at(side), etag=value))
    return after, known


def test_a_plan_that_was_carried_out_leaves_nothing_to_do() -> None:
    for chosen in settings():
        rules = mapping(line("a"), **chosen)
        for seen in COUPLED:
            action = decided(rules, seen, coupling())
            if isinstance(action, (Remember, Change)):
                after, known = carried_out(action, seen)
                again = decided(rules, after, known)
                assert summary(again) == "no write", (chosen, seen)
                if isinstance(again, Remember):
                    assert isinstance(decided(rules, after, again.coupling), Nothing), (chosen, seen)


@given(st.sampled_from([*settings()]), st.sampled_from(COUPLED))
def test_a_decision_is_mirrored(chosen: dict[str, object], seen: Mapping[Side, Sight]) -> None:
    """Swapping the sides swaps the decision."""
    swaps = {
        TO: FROM,
        FROM: TO,
        UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION: UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION,
        UpdateConflictResolution.GET_UPDATE_FROM_INTEGRATION: UpdateConflictResolution.SEND_UPDATE_TO_INTEGRATION,
    }
    mirrored = {name: swaps.get(value, value) for name, value in chosen.items()}  # type: ignore[call-overload]
    here = summary(decided(mapping(line("a"), **chosen), seen, coupling()))
    there = summary(decided(mapping(line("a"), **mirrored), {side: seen[side.other] for side in Side}, coupling()))
    if isinstance(here, dict):
        here = {side.other: list(values.values()) for side, values in here.items()}
        assert isinstance(there, dict)
        there = {side: list(values.values()) for side, values in there.items()}
    elif isinstance(here, tuple) and here[0] == "make":
        here = ("make", here[1].other, *here[2:])
    assert there == here


# What an action says in detail


def test_a_new_record_gets_every_value_that_travels_its_way() -> None:
    rules = mapping(
        line("a"),
        line("b", TO),
        line("c", FROM),
        line("d", enabled=False),
        line("e", new_rows_only=True),
        synch_only_coupled_records=False,
    )
    held: Values = {column(letter, BC): letter for letter in "abcde"}
    made = decide(rules, {BC: View(Seen.PRESENT, Record("1", held)), DV: ABSENT}, None, TABLES, {}, NOW)
    assert isinstance(made, Make)
    assert made.values == {"a_da": "a", "b_da": "b", "e_da": "e"}
    assert made.base == {BC: {"a_bu": "a", "b_bu": "b"}, DV: {"a_da": "a", "b_da": "b"}}


def test_columns_are_written_in_the_order_of_the_table() -> None:
    rules = mapping(*(line(letter) for letter in "cab"))
    bc = Record("business_central-id", {column(letter, BC): "1" for letter in "abc"}, "1")
    base: dict[Side, Values] = {side: {column(letter, side): "0" for letter in "abc"} for side in Side}
    ends = [CoupledRecord(f"{side}-id", base[side], "0") for side in Side]
    known = Coupling(ends[0], ends[1], OLD, OLD)
    change = decide(rules, {BC: View(Seen.PRESENT, bc), DV: UNREAD}, known, TABLES, {}, NOW)
    assert isinstance(change, Change)
    assert list(change.writes[DV]) == ["a_da", "b_da", "c_da"]


def test_a_conflict_is_held_with_the_fields_and_both_values() -> None:
    seen = {BC: Sight(Seen.PRESENT, "1"), DV: Sight(Seen.PRESENT, "2")}
    held = decided(mapping(line("a")), seen, coupling())
    assert isinstance(held, Hold)
    assert [(c.field, c.business_central, c.dataverse) for c in held.fields] == [("a_bu", "1", "2")]
    assert "a_bu" in held.message


@pytest.mark.parametrize("survivor", list(Side))
def test_a_deletion_is_held_for_the_survivor_and_says_what_to_do(survivor: Side) -> None:
    held = decided(mapping(line("a")), {survivor: Sight(Seen.PRESENT), survivor.other: Sight(Seen.GONE)}, coupling())
    assert isinstance(held, Hold)
    assert held.source is survivor
    for part in (TABLES[survivor].caption, survivor.other.product, "Restore", "delete the coupling"):
        assert part in held.message


def test_what_waits_for_a_parent_says_for_which() -> None:
    parent = line("a", reference={"kind": "coupled_record", "mappings": ["PARENT"]})
    answers = {parent.id: ReferenceAnswers("Parent", ("PARENT",))}
    views = {BC: View(Seen.PRESENT, Record("1", {"a_bu": "p1"})), DV: ABSENT}
    held = decide(mapping(parent, synch_only_coupled_records=False), views, None, TABLES, answers, NOW)
    assert isinstance(held, Hold)
    assert (held.reason, held.source) == (Reason.WAITS_FOR_PARENT, BC)
    assert [wait.mappings for wait in held.waits] == [("PARENT",)]
    assert held.message == "Parent p1 must be coupled to a row in Dataverse."


@pytest.mark.parametrize("coupled", [True, False])
def test_a_value_that_does_not_fit_is_held_even_beside_one_that_waits(coupled: bool) -> None:
    parent = line("b", reference={"kind": "coupled_record", "mappings": ["P"]})
    rules = mapping(line("a"), parent, synch_only_coupled_records=False)
    views = {BC: View(Seen.PRESENT, Record("business_central-id", {"a_bu": "123456", "b_bu": "p"}, "1")), DV: ABSENT}
    known = None
    if coupled:
        ends = [CoupledRecord(f"{s}-id", {column(x, s): None for x in "ab"}, "0") for s in Side]
        known, views[DV] = Coupling(ends[0], ends[1], OLD, OLD), UNREAD
    held = decide(rules, views, known, TABLES, {parent.id: ReferenceAnswers("Parent")}, NOW)
    assert isinstance(held, Hold)
    assert (held.reason, [problem.column for problem in held.problems]) == (Reason.VALUE_REFUSED, ["a_da"])


# An attempt whose outcome is not known


@pytest.mark.parametrize(
    ("bc", "dv", "wanted"),
    [
        pytest.param("1", "0", {DV: {"a_da": "1"}}, id="it never landed: it is sent again"),
        pytest.param("1", "1", "no write", id="it landed: both agree"),
        pytest.param("0", "1", {DV: {"a_da": "0"}}, id="it landed, and the person took the edit back"),
        pytest.param("2", "1", {DV: {"a_da": "2"}}, id="it landed, and the person went on"),
        pytest.param("1", "2", ("hold", Reason.UPDATE_CONFLICT), id="somebody else was there first"),
        pytest.param("0", "2", {BC: {"a_bu": "2"}}, id="it did not land, and was taken back: the other edit stands"),
    ],
)
def test_our_own_unanswered_write_is_nobodys_edit(bc: str, dv: str, wanted: object) -> None:
    """BC went from 0 to 1; 1 was sent to Dataverse, and the answer was lost."""
    rules = mapping(line("a"))
    after = coupling().with_end(BC, CoupledRecord("b", {"a_bu": "1"})).with_end(DV, CoupledRecord("d", {"a_da": "1"}))
    attempt = coupling().attempting({DV: {"a_da": "1"}}, after, NOW)
    assert attempt.at(BC).etag is attempt.at(DV).etag is None, "both sides are read before anything is decided"
    seen = {BC: Sight(Seen.PRESENT, bc), DV: Sight(Seen.PRESENT, dv)}
    action = decided(rules, seen, attempt)
    assert summary(action) == wanted
    if isinstance(action, (Remember, Change)):
        assert action.coupling.attempt is None


def test_holding_the_base_is_a_matter_of_meaning() -> None:
    rules = mapping(line("a"), line("b", new_rows_only=True), line("c", enabled=False))
    pair = PairValues({BC: {"a_bu": "x "}, DV: {}}, {BC: {"a_bu": "x"}, DV: {}})
    base = pair.base[BC]
    assert base is not None
    assert holds(rules, BC, pair.now[BC], base, TABLES[BC])
    assert not holds(rules, BC, {"a_bu": "X"}, base, TABLES[BC])
    assert not holds(rules, BC, {"a_bu": "x"}, {}, TABLES[BC]), "what was never compared is not known to agree"


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        pytest.param(CoupledRecord("1", {"a_bu": "x", "b_bu": None}, "1"), True, id="version and content are known"),
        pytest.param(CoupledRecord("1", {"a_bu": "x", "b_bu": None}), False, id="its version is not known"),
        pytest.param(CoupledRecord("1", None, "1"), False, id="never synchronized"),
        pytest.param(CoupledRecord("1", {"a_bu": "x"}, "1"), False, id="a line was switched on since"),
    ],
)
def test_a_record_is_taken_for_what_is_remembered_only_if_everything_is(end: CoupledRecord, expected: bool) -> None:
    lines = (line("a"), line("b", TO), line("c", FROM), line("d", enabled=False), line("e", new_rows_only=True))
    assert is_remembered(mapping(*lines, direction=TO), BC, end, TABLES[BC]) is expected
