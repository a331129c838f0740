"""The three-way merge, held to an oracle of its own in every combination, and to laws on mappings made at random."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.core.mapping import ConflictScope, FieldMapping, Mapping, UpdateConflictResolution
from shared.core.merge import Merge, PairValues, merge
from shared.core.sides import Direction, Side
from shared.core.tables import Value, Values
from tests.unit.core.tables import BC, BOTH_WAYS, DV, FROM, LETTERS, MIRRORED, TABLES, TO, column, line, mapping

NONE, SEND, GET = UpdateConflictResolution
MIRRORED_RESOLUTION = {NONE: NONE, SEND: GET, GET: SEND}
BASE = "0"

type Held = dict[str, tuple[Value, Value]]  # by letter: what BC and Dataverse hold


def values(held: Held) -> dict[Side, Values]:
    return {side: {column(letter, side): pair[at] for letter, pair in held.items()} for at, side in enumerate(Side)}


def merged(rules: Mapping, now: Held, base: Held | None, senders: Iterable[Side] = tuple(Side)) -> Merge:
    known = values(base) if base is not None else dict.fromkeys(Side)
    return merge(rules, PairValues(values(now), known), senders, TABLES, {})


# The oracle: the rules in words of one field, side and value.


@dataclass
class Expected:
    """What must come of it: the values to write by side and letter, the letters in conflict."""

    writes: dict[Side, dict[str, Value]] = field(default_factory=lambda: {side: {} for side in Side})
    conflicts: set[str] = field(default_factory=set)


def expected(rules: Mapping, now: Held, base: str | None, senders: Iterable[Side]) -> Expected:
    """Who was edited decides: a side was edited in a field if it holds what is neither the base nor on the other side.

    - A field that goes one way follows its source as soon as the source was edited anywhere.
    - A field that goes both ways follows the side that was edited in its unit: the field, its group, or the record.
    - Where both were edited, the resolution names the winner of the whole unit, or it is a conflict.
    - Nothing leaves a record that is outside its filter.
    """
    result = Expected()
    lines = {name[0]: each for each in rules.fields if (name := each.business_central)}
    lines = {letter: each for letter, each in lines.items() if sources(rules, each)}
    edited = {letter: editors(now[letter], base) for letter in lines}
    anywhere = {side for sides in edited.values() for side in sides}
    for letter, each in lines.items():
        if now[letter][0] == now[letter][1]:
            continue
        if len(sources(rules, each)) == 1:
            (source,) = sources(rules, each)
            winner = source if source in anywhere else None
        else:
            unit = {side for other in unit_of(rules, lines, letter) for side in edited[other]}
            winner = next(iter(unit)) if len(unit) == 1 else rules.update_conflict_resolution.winner
            if winner is None:
                result.conflicts.add(letter)
        if winner is not None and winner in list(senders):
            result.writes[winner.other][letter] = now[letter][0 if winner is BC else 1]
    return result


def sources(rules: Mapping, line: FieldMapping) -> list[Side]:
    return [side for side in Side if rules.direction.allows(side) and line.direction.allows(side)]


def editors(pair: tuple[Value, Value], base: str | None) -> set[Side]:
    """Who was edited. Of a pair never synchronized every value counts as an edit, a blank does not."""
    if pair[0] == pair[1]:
        return set()
    return {side for side, value in zip(Side, pair, strict=True) if value != base}


def unit_of(rules: Mapping, lines: dict[str, FieldMapping], letter: str) -> list[str]:
    if rules.conflict_scope is ConflictScope.RECORD:
        return [other for other, each in lines.items() if each.direction is BOTH_WAYS]
    group = lines[letter].group
    return [letter] if group is None else [other for other, each in lines.items() if each.group == group]


EDITS = [(a, b) for a in "012" for b in "012"]
FEW_EDITS = [("0", "0"), ("1", "0"), ("0", "1"), ("1", "2")]
SENDERS = [(BC, DV), (BC,), (DV,)]


def cells(direction: Direction, resolution: UpdateConflictResolution) -> Iterator[tuple[Mapping, Held, list[Side]]]:
    lines = product(Direction, (BOTH_WAYS, TO, FROM), (None, "group"), ConflictScope)
    for first, second, group, scope in lines:
        if group is not None and (first is not BOTH_WAYS or second is not BOTH_WAYS):
            continue  # a group is one thing: its fields go the same ways
        rules = mapping(
            line("a", first, group=group),
            line("b", second, group=group),
            direction=direction,
            conflict_scope=scope,
            update_conflict_resolution=resolution,
        )
        for a, b, senders in product(EDITS, FEW_EDITS, SENDERS):
            yield rules, {"a": a, "b": b}, list(senders)


@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("resolution", list(UpdateConflictResolution))
def test_every_combination_of_edits_merges_as_the_rules_say(
    direction: Direction, resolution: UpdateConflictResolution
) -> None:
    for rules, now, senders in cells(direction, resolution):
        told = expected(rules, now, BASE, senders)
        result = merged(rules, now, dict.fromkeys(now, (BASE, BASE)), senders)
        where = (rules.fields, rules.conflict_scope, now, senders)
        assert {conflict.field[0] for conflict in result.conflicts} == told.conflicts, where
        if not told.conflicts:
            written = {side: {column(k, side): v for k, v in told.writes[side].items()} for side in Side}
            assert result.writes == written, where


NEVER: list[tuple[Value, Value]] = [(None, None), ("x", None), (None, "x"), ("x", "x"), ("x", "y")]


@pytest.mark.parametrize("direction", [BOTH_WAYS, TO, FROM])
@pytest.mark.parametrize("resolution", list(UpdateConflictResolution))
@pytest.mark.parametrize("scope", list(ConflictScope))
def test_of_a_pair_never_synchronized_a_blank_gives_way_to_a_value(
    direction: Direction, resolution: UpdateConflictResolution, scope: ConflictScope
) -> None:
    for way, now in product((BOTH_WAYS, TO, FROM), NEVER):
        rules = mapping(
            line("a", way), direction=direction, update_conflict_resolution=resolution, conflict_scope=scope
        )
        held: Held = {"a": now}
        told, result = expected(rules, held, None, Side), merged(rules, held, None)
        if len(sources(rules, rules.fields[0])) == 1 and now[0] != now[1]:
            (source,) = sources(rules, rules.fields[0])  # it goes one way, and nobody has said yet what it is
            told.writes[source.other]["a"] = now[0 if source is BC else 1]
        assert {conflict.field[0] for conflict in result.conflicts} == told.conflicts, (way, now)
        assert result.writes == {side: {column(k, side): v for k, v in told.writes[side].items()} for side in Side}


def test_two_spellings_of_one_name_need_no_quarrel_when_they_are_coupled() -> None:
    rules = mapping(line("a"))
    result = merged(rules, {"a": ("Abc", "ABC")}, None)
    assert not result.conflicts
    assert result.writes == {BC: {}, DV: {}}
    assert result.base == values({"a": ("Abc", "ABC")})
    later = merged(rules, {"a": ("abc", "ABC")}, {"a": ("Abc", "ABC")})
    assert later.writes == {BC: {}, DV: {"a_da": "abc"}}, "a later change of case is a change"


def test_a_conflict_shows_both_values() -> None:
    (conflict,) = merged(mapping(line("a")), {"a": ("1", "2")}, {"a": ("0", "0")}).conflicts
    assert (conflict.field, conflict.business_central, conflict.dataverse) == ("a_bu", "1", "2")


def test_a_line_that_was_never_compared_is_new_to_both_sides() -> None:
    """Somebody has switched a field mapping on: its columns are not in the base yet."""
    rules = mapping(line("a"), line("b"))
    result = merged(rules, {"a": ("0", "0"), "b": ("1", "2")}, {"a": ("0", "0")})
    assert [conflict.field for conflict in result.conflicts] == ["b_bu"]


def test_a_line_that_was_never_compared_gives_a_blank_way_to_a_value() -> None:
    rules = mapping(line("a"), line("b"))
    result = merged(rules, {"a": ("0", "0"), "b": ("1", None)}, {"a": ("0", "0")})
    assert result.writes[DV] == {"b_da": "1"}


def test_a_blank_gives_way_also_when_the_record_comes_into_the_filter_later() -> None:
    rules, now = mapping(line("a")), values({"a": ("1", None)})
    left = merge(rules, PairValues(now, dict.fromkeys(Side)), [DV], TABLES, {})
    assert not left.writes[DV]
    result = merge(rules, PairValues(now, dict(left.base)), Side, TABLES, {})
    assert result.writes[DV] == {"a_da": "1"}


def test_a_cleared_column_is_written_along() -> None:
    """The service blanks b when a changes: b is sent again, unless it is blank or sent anyway."""
    clearing = {
        BC: TABLES[BC].model_copy(update={"cleared_by_change": {"a_bu": ("b_bu", "c_bu", "d_bu")}}),
        DV: TABLES[DV],
    }
    rules = mapping(*(line(letter) for letter in "abcd"))
    now = values({"a": ("0", "1"), "b": ("x", "x"), "c": (None, None), "d": ("x", "y")})
    base = values({"a": ("0", "0"), "b": ("x", "x"), "c": (None, None), "d": ("x", "x")})
    result = merge(rules, PairValues(now, dict(base)), Side, clearing, {})
    assert result.writes[BC] == {"a_bu": "1", "b_bu": "x", "d_bu": "y"}


def test_a_column_of_two_lines_goes_on_to_the_second_line_in_the_next_run() -> None:
    """One field feeds two columns: an edit of one of them reaches the field, and then the other column."""
    second = line("a").model_copy(update={"dataverse": ("b_da",)})
    rules = mapping(second, line("a"))
    base: dict[Side, Values] = {BC: {"a_bu": "0"}, DV: {"a_da": "0", "b_da": "0"}}
    now: dict[Side, Values] = {BC: {"a_bu": "0"}, DV: {"a_da": "0", "b_da": "1"}}
    first = merge(rules, PairValues(now, dict(base)), Side, TABLES, {})
    assert first.writes == {BC: {"a_bu": "1"}, DV: {}}
    after = {side: {**now[side], **first.writes[side]} for side in Side}
    assert merge(rules, PairValues(after, dict(first.base)), Side, TABLES, {}).writes == {BC: {}, DV: {"a_da": "1"}}


# Laws, on mappings made at random

DIRECTIONS = st.sampled_from(Direction)
TEXTS = st.sampled_from([None, "x", "y", "Y"])
LINES = st.builds(
    lambda letters, ways, groups, settings: [
        line(letter, way, group=group if way is BOTH_WAYS else None, **chosen)
        for letter, way, group, chosen in zip(letters, ways, groups, settings, strict=False)
    ],
    st.permutations(LETTERS),
    st.lists(DIRECTIONS, min_size=4, max_size=4),
    st.lists(st.sampled_from([None, None, "g"]), min_size=4, max_size=4),
    st.lists(
        st.sampled_from([{}, {}, {"not_null": True}, {"enabled": False}, {"new_rows_only": True}]),
        min_size=1,
        max_size=4,
    ),
)
RULES = st.builds(
    lambda lines, direction, scope, resolution: mapping(
        *lines, direction=direction, conflict_scope=scope, update_conflict_resolution=resolution
    ),
    LINES,
    DIRECTIONS,
    st.sampled_from(ConflictScope),
    st.sampled_from(UpdateConflictResolution),
)
HELD = st.fixed_dictionaries({letter: st.tuples(TEXTS, TEXTS) for letter in LETTERS})
KNOWN = st.none() | st.fixed_dictionaries({letter: TEXTS.map(lambda text: (text, text)) for letter in LETTERS})
SOME_SIDES = st.sets(st.sampled_from(Side))


@given(RULES, HELD, KNOWN, SOME_SIDES)
def test_swapping_the_sides_mirrors_the_merge(rules: Mapping, now: Held, base: Held | None, senders: set[Side]) -> None:
    mirrored = rules.model_copy(
        update={
            "direction": MIRRORED[rules.direction],
            "update_conflict_resolution": MIRRORED_RESOLUTION[rules.update_conflict_resolution],
            "fields": tuple(each.model_copy(update={"direction": MIRRORED[each.direction]}) for each in rules.fields),
        }
    )
    here = merged(rules, now, base, senders)
    there = merged(mirrored, swapped(now), swapped(base) if base else None, {side.other for side in senders})
    assert {side: by_letter(here.writes[side]) for side in Side} == {
        side: by_letter(there.writes[side.other]) for side in Side
    }
    assert {(c.field, c.business_central, c.dataverse) for c in here.conflicts} == {
        (c.field, c.dataverse, c.business_central) for c in there.conflicts
    }
    assert {side: by_letter(here.base[side]) for side in Side} == {
        side: by_letter(there.base[side.other]) for side in Side
    }


def swapped(held: Held) -> Held:
    return {letter: (pair[1], pair[0]) for letter, pair in held.items()}


def by_letter(columns: Values) -> dict[str, Value]:
    return {name[0]: value for name, value in columns.items()}


@given(RULES, HELD, KNOWN, SOME_SIDES)
def test_nothing_is_written_outside_the_lines_or_against_a_direction(
    rules: Mapping, now: Held, base: Held | None, senders: set[Side]
) -> None:
    result = merged(rules, now, base, senders)
    for side in Side:
        writable = {
            name
            for each in rules.fields
            if each.enabled and not each.new_rows_only and side.other in sources(rules, each)
            for name in each.columns(side)
        }
        assert result.writes[side].keys() <= writable
        assert side.other in senders or not result.writes[side]
        mapped = {name for each in rules.fields for name in each.columns(side)}
        assert result.base[side].keys() <= mapped


@given(RULES, HELD, KNOWN, SOME_SIDES)
def test_a_merge_that_was_carried_out_leaves_nothing_to_do(
    rules: Mapping, now: Held, base: Held | None, senders: set[Side]
) -> None:
    before = PairValues(values(now), values(base) if base else dict.fromkeys(Side))
    first = merge(rules, before, senders, TABLES, {})
    one_way = len(senders) < len(Side) or rules.direction is not BOTH_WAYS
    if first.conflicts or (base is None and (one_way or any(each.not_null for each in rules.fields))):
        return  # the latter are open: a value that nobody overwrote is still to be sent the other way
    after = {side: {**before.now[side], **first.writes[side]} for side in Side}
    second = merge(rules, PairValues(after, dict(first.base)), senders, TABLES, {})
    assert second.writes == {side: {} for side in Side}
    assert not second.conflicts
    assert second.base == first.base


@given(RULES, HELD, KNOWN)
def test_a_group_is_never_mixed(rules: Mapping, now: Held, base: Held | None) -> None:
    """After a merge all fields of a group are those of one side."""
    result = merged(rules, now, base)
    if result.conflicts or rules.direction is not BOTH_WAYS:
        return
    group = [str(e.business_central)[0] for e in rules.fields if e.group and e.enabled and not e.new_rows_only]
    if base is None or any(e.not_null for e in rules.fields):
        return
    receivers = {side for side in Side for letter in group if column(letter, side) in result.writes[side]}
    assert len(receivers) <= 1


@given(RULES, HELD)
def test_a_settled_pair_is_left_alone(rules: Mapping, now: Held) -> None:
    settled: Held = {letter: (pair[0], pair[0]) for letter, pair in now.items()}
    result = merged(rules, settled, settled)
    assert result.writes == {side: {} for side in Side}
    assert not result.conflicts
