"""Who wrote what, and whether the app was right to write over it: the judge of every single write.

It knows nothing of bases, versions or plans. Each value that stands in a field is an *entry* with the number of the
edit it goes back to. When the app writes, it carries an entry of the other side over the one that stands here; that is
right if nobody loses by it: an edit that the other side has never held may not be written over, and what goes back to
an older edit may not replace a newer one of the same origin.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from shared.core.mapping import ConflictScope
from shared.core.mapping import Mapping as TableMapping
from shared.core.sides import Side
from shared.core.tables import Value
from tests.simulation.kinds import BOTH_WAYS, DANGLING, DV, Kind
from tests.simulation.leave import Leave

type Shown = tuple[str, dict[str, Value]]  # a tag, and what the record says
type Look = Callable[[Kind, Side], dict[str, Shown]]


class Broken(AssertionError):
    """A law was broken. `law` names it, `tag` the record if it is about one."""

    def __init__(self, law: str, text: str, tag: str = "") -> None:
        super().__init__(law, text, tag)
        self.law = law
        self.text = text
        self.tag = tag

    def __str__(self) -> str:
        """The law, and what happened."""
        return f"{self.law}: {self.text}"


@dataclass(slots=True)
class Entry:
    """A value that stands in a field.

    `number` is the edit's, over all edits; `origin` is where a person made it; `known` is whether the other side has
    held the same value since. `back_to` is the number of what both sides last agreed on, where this takes an edit back.
    """

    value: Value
    number: int
    origin: Side
    known: bool = False
    back_to: int | None = None

    @property
    def age(self) -> int:
        """The number of the edit it goes back to, all in all."""
        return self.number if self.back_to is None else self.back_to


@dataclass(slots=True)
class Story:
    """One record: what stands in each field of each side now, what has stood there, and who deleted it where.

    `parted` is how often somebody has asked to uncouple it, `coupled_at` the last edit before it was coupled;
    `crossed`: it has left its filter once; `restored`: what was deleted of it was asked for. Nobody asks for that
    and for its parting: a pair in good health that is parted would rightly be made once more.
    """

    kind: Kind
    tag: str
    now: dict[Side, dict[str, Entry]] = field(default_factory=dict)
    past: dict[Side, dict[str, dict[Value, Entry]]] = field(
        default_factory=lambda: {side: defaultdict(dict) for side in Side}
    )
    agreed: defaultdict[str, set[Value]] = field(default_factory=lambda: defaultdict(set))
    base: dict[str, Entry] = field(default_factory=dict)
    edited: dict[Side, set[str]] = field(default_factory=lambda: {side: set() for side in Side})
    deleted: set[Side] = field(default_factory=set)
    deletions: int = 0
    made_by_people: set[Side] = field(default_factory=set)
    parted: int = 0
    coupled_at: int = 0
    crossed: bool = False
    restored: bool = False

    def forget_agreement(self) -> None:
        """Its coupling is removed: whatever differs from now on was edited on both sides."""
        self.agreed.clear()
        self.edited = {side: set(self.kind.fields) for side in Side}


class Ledger:
    """Watches both systems through `look`. `happened` counts what came of things."""

    def __init__(
        self, look: Look, mappings: Mapping[str, TableMapping], doubt: Callable[[], bool], *, by_hand: bool = False
    ) -> None:
        """`doubt` tells whether an answer to a write has ever been lost, `by_hand` that people make what is missing."""
        self._look = look
        self._mappings = mappings
        self._doubt = doubt
        self._by_hand = by_hand
        self._number = 0
        self._last: dict[tuple[str, Side], dict[str, Shown]] = {}
        self.happened: Counter[str] = Counter()
        self.stories: dict[tuple[str, str], Story] = {}
        self.leaves: list[Leave] = []

    @property
    def edits(self) -> int:
        """The number of the last edit."""
        return self._number

    def rows_of(self, kind: Kind, side: Side) -> dict[str, Shown]:
        """The records of this kind as last looked at, by id."""
        return self._last.get((kind.name, side), {})

    def id_of(self, story: Story, side: Side) -> str | None:
        """The row on `side`, if there is one."""
        rows = self.rows_of(story.kind, side)
        return next((key for key, (tag, _) in rows.items() if tag == story.tag), None)

    def looked(self, kind: Kind, side: Side, *, by_person: bool) -> None:
        """Something was written: find out what, and judge it. Raises Broken."""
        before, after = self.rows_of(kind, side), self._look(kind, side)
        if before == after:
            return
        self._last[kind.name, side] = after
        for key, (tag, said) in after.items():
            was = before.get(key)
            if was is None:
                self._appeared(self._story(kind, tag), side, said, by_person)
            elif was != (tag, said):
                changed = {name: value for name, value in said.items() if was[1][name] != value}
                self._changed(self._story(kind, tag), side, changed, by_person)
        for key in before.keys() - after.keys():
            self._vanished(self._story(kind, before[key][0]), side, by_person)
        if not by_person:
            self._check_no_doubles(kind, side, after)

    def settled(self, story: Story) -> None:
        """Everything about this record is in step, and the app knows it."""
        for side in Side:
            story.edited[side].clear()
        for name in story.kind.fields:
            if all(side in story.now for side in Side):
                story.agreed[name] = {story.now[side][name].value for side in Side}

    def unit(self, kind: Kind, name: str) -> list[str]:
        """The fields that are merged as one with this one."""
        mapping, fields = self._mappings[kind.name], kind.fields
        if mapping.conflict_scope is ConflictScope.RECORD:
            return [other for other, each in fields.items() if each.direction is BOTH_WAYS or other == name]
        group = fields[name].group
        return [other for other, each in fields.items() if other == name or (group and each.group == group)]

    def may_be_edited(self, story: Story, side: Side, name: str) -> bool:
        """Whether a person's edit on `side` may still count against the other side's in the unit of this field."""
        return any(other in story.edited[side] for other in self.unit(story.kind, name))

    # What happened

    def _story(self, kind: Kind, tag: str) -> Story:
        return self.stories.setdefault((kind.name, tag), Story(kind, tag))

    def _appeared(self, story: Story, side: Side, said: Mapping[str, Value], by_person: bool) -> None:
        story.deleted.discard(side)
        story.now[side] = {}
        if by_person:
            story.made_by_people.add(side)
            for name, value in said.items():
                self._typed(story, side, name, value)
            return
        self._judge_creation(story, side)
        self.happened["created"] += 1
        for name, value in said.items():
            source = story.past[side.other][name].get(value) if self._travels_to(story, side, name) else None
            self._carried(story, side, name, replace(source) if source else Entry(value, 0, side, known=True))

    def _changed(self, story: Story, side: Side, changed: dict[str, Value], by_person: bool) -> None:
        if by_person:
            for name, value in changed.items():
                self._typed(story, side, name, value)
            return
        for name in [name for name, value in changed.items() if value == DANGLING]:
            self._typed(story, side, name, changed.pop(name))  # what it refers to was deleted, as somebody has chosen
        carried = {name: self._judge(story, side, name, value) for name, value in changed.items()}
        for name, entry in carried.items():
            self._carried(story, side, name, entry)

    def _vanished(self, story: Story, side: Side, by_person: bool) -> None:
        if not by_person:
            self._judge_deletion(story, side)
        story.deleted.add(side)
        story.deletions += 1
        story.now.pop(side, None)

    def _typed(self, story: Story, side: Side, name: str, value: Value) -> None:
        self._number += 1
        story.edited[side].add(name)
        base = story.base.get(name)
        back_to = base.age if base is not None and base.value == value else None
        self._stands(story, side, name, Entry(value, self._number, side, back_to=back_to))

    def _carried(self, story: Story, side: Side, name: str, entry: Entry) -> None:
        """The app merges from here: an edit that is taken back to this is none, though the other side has moved on."""
        story.agreed[name].add(entry.value)
        story.base[name] = entry
        self._stands(story, side, name, entry)

    def _stands(self, story: Story, side: Side, name: str, entry: Entry) -> None:
        story.now[side][name] = entry
        story.past[side][name][entry.value] = entry
        other = story.now.get(side.other, {}).get(name)
        if other is not None and other.value == entry.value:
            entry.known = other.known = True
            story.agreed[name].add(entry.value)

    # Whether it was right

    def _judge(self, story: Story, side: Side, name: str, value: Value) -> Entry:
        """The entry that the app has carried here. Raises Broken when somebody loses by it."""
        self.happened["carried"] += 1
        old, new = story.now[side][name], story.past[side.other][name].get(value)
        what = f"{story.tag}: {name} in {side} was {old.value!r} and is {value!r} now"
        if new is None:
            raise Broken("nothing is invented", f"{what}, which the other side has never held", story.tag)
        self._judge_group(story, side, name, new, what)
        if new.number == 0 and not self._both_ways(story, name):
            self.happened["one way"] += 1  # a source that never had a value asserts its blank
        elif old.origin is side and not old.known:
            self._judge_open_edit(story, side, name, old, new, what)
        elif new.number < old.age and not (old.origin is side and self._wins(story, side, name)):
            raise Broken("nothing goes back", f"{what}, which is older", story.tag)
        return replace(new)

    def _judge_group(self, story: Story, side: Side, name: str, new: Entry, what: str) -> None:
        """Fields that make sense only together are not merged from two people's edits."""
        if not self._both_ways(story, name) or new.known or new.origin is side or self._wins(story, side, name):
            return
        for other in self.unit(story.kind, name):
            mine = story.now[side][other]
            is_open = mine.origin is side and not mine.known and self._both_ways(story, other)
            is_blank = mine.value is None and not story.agreed[other]  # never compared: nobody's edit
            if other == name or not is_open or is_blank or self._is_decided(story, name, other):
                continue
            if mine.value not in story.agreed[other]:
                raise Broken("a group is one", f"{what}, though {other} there was {mine.value!r}", story.tag)

    def _is_decided(self, story: Story, name: str, other: str) -> bool:
        """Whether somebody decides this record field by field: about the other one, or it is of another group."""
        group = story.kind.fields[name].group
        is_apart = group is None or story.kind.fields[other].group != group
        chosen = [leave for leave in self.leaves if leave.names is not None and (is_apart or other in leave.names)]
        return any(leave.covers(story.kind.name, story.tag, side) for leave in chosen for side in Side)

    def _judge_open_edit(self, story: Story, side: Side, name: str, old: Entry, new: Entry, what: str) -> None:
        """Over an edit that the other side has never seen."""
        if not self._both_ways(story, name):
            if side is not DV:
                raise Broken("a one-way field goes one way", what, story.tag)
            self.happened["one way"] += 1
        elif self._wins(story, side, name):
            self.happened["overruled"] += 1
        elif old.value is None and not story.agreed[name]:
            self.happened["blank filled"] += 1  # never compared before: a blank is nobody's edit
        elif old.value in story.agreed[name]:
            self.happened["taken back"] += 1
        elif self._doubt() and old.value in story.past[side.other][name]:
            self.happened["taken for the app's"] += 1  # see `Attempt`: no content tells the two apart
        else:
            raise Broken("no edit is lost", f"{what}, though nobody on the other side knew of it", story.tag)

    def _both_ways(self, story: Story, name: str) -> bool:
        return BOTH_WAYS is story.kind.direction is story.kind.fields[name].direction

    def _travels_to(self, story: Story, side: Side, name: str) -> bool:
        """Whether the field is carried to `side` at all; else a new record has there what is there by default."""
        directions = story.kind.direction, story.kind.fields[name].direction
        return all(direction.allows(side.other) for direction in directions)

    def _wins(self, story: Story, side: Side, name: str) -> bool:
        """Whether the mapping, or what a person has chosen, lets the other side's data win here."""
        winner = self._mappings[story.kind.name].update_conflict_resolution.winner
        if winner is side.other and self.may_be_edited(story, side.other, name):
            return True
        return any(self._lets_overwrite(leave, story, side, name) for leave in self.leaves)

    def _lets_overwrite(self, leave: Leave, story: Story, side: Side, name: str) -> bool:
        edit = story.now[side][name].number
        if not leave.lets_overwrite(name, edit) or not leave.covers(story.kind.name, story.tag, side):
            return False
        return not leave.in_conflicts or self.may_be_edited(story, side.other, name)

    def _judge_creation(self, story: Story, side: Side) -> None:
        """Where people couple by hand, the app makes only what was asked for, or what was there before."""
        if self._by_hand and story.kind.direction is BOTH_WAYS and not story.deletions:
            leaves = (each for each in self.leaves if each.makes)
            if not any(each.covers(story.kind.name, story.tag, side) for each in leaves):
                raise Broken("the app makes nothing unasked", f"{story.tag} was made in {side}", story.tag)

    def _judge_deletion(self, story: Story, side: Side) -> None:
        """The app deletes only what somebody has chosen, and nobody has edited since."""
        leaves = [each for each in self.leaves if each.deletes and each.covers(story.kind.name, story.tag, side)]
        if not leaves:
            raise Broken("the app deletes nothing unasked", f"{story.tag} is gone from {side}", story.tag)
        latest = max((entry.number for entry in story.now[side].values() if entry.origin is side), default=0)
        if not any(leave.lets_delete(latest) for leave in leaves):
            raise Broken("no edit is lost", f"{story.tag} was edited in {side}, and deleted there", story.tag)
        self.happened["deleted by choice"] += 1

    def _check_no_doubles(self, kind: Kind, side: Side, rows: Mapping[str, Shown]) -> None:
        tags = [tag for tag, _ in rows.values()]
        if len(set(tags)) < len(tags):
            twice = next(tag for tag in tags if tags.count(tag) > 1)
            raise Broken("nothing is doubled", f"{twice} stands {tags.count(twice)} times in {side}", twice)
