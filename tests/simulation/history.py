"""What people did and what the app did with it: the judge of the simulation.

It knows nothing of bases, versions or plans. It watches every write as it lands and asks one thing of it: was an edit
overwritten that nobody had given up? An edit is *open* until the other side has it, or its author has changed it again,
or a run in health has found both sides equal. It is *in doubt* while it has been carried over, but the app may not have
learned of it: nobody can tell then whether the other side's next edit knew of it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from shared.core.mapping import ConflictScope, Mapping
from shared.core.sides import Side
from shared.core.tables import Value
from tests.simulation.company import FIELDS, GROUPS, ONE_WAY, meaning, rows, tag_of
from tests.simulation.trouble import Loss, TroubledWorld

type Snapshot = dict[Side, dict[str, tuple[str, dict[str, Value]]]]  # side -> id -> tag and what it says


class Broken(AssertionError):
    """A law was broken."""


@dataclass
class Story:
    """One person's record on both sides."""

    open_edits: dict[Side, dict[str, Value]] = field(default_factory=lambda: {side: {} for side in Side})
    in_doubt: dict[Side, dict[str, Value]] = field(default_factory=lambda: {side: {} for side in Side})
    typed: dict[Side, dict[str, set[Value]]] = field(default_factory=lambda: {s: defaultdict(set) for s in Side})
    last_words: dict[Side, dict[str, Value]] = field(default_factory=lambda: {side: {} for side in Side})
    agreed: dict[str, set[Value]] = field(default_factory=lambda: defaultdict(set))
    deleted: set[Side] = field(default_factory=set)

    def possible_edits(self, side: Side) -> dict[str, Value]:
        """What the app may still take for an edit of this side."""
        return self.last_words[side] | self.in_doubt[side] | self.open_edits[side]


class History:
    """Watches a world. `happened` counts what came of things."""

    def __init__(self, world: TroubledWorld, mapping: Mapping) -> None:
        self._world = world
        self._mapping = mapping
        self.happened: Counter[str] = Counter()
        self.stories: defaultdict[str, Story] = defaultdict(Story)
        self._last = self._look()
        world.trouble.after_write = self.app_wrote

    def row_of(self, side: Side, tag: str) -> tuple[str, dict[str, Value]] | None:
        """Id and content of the one row with this tag, as last looked at."""
        found = [(key, said) for key, (of, said) in self._last[side].items() if of == tag]
        return found[0] if found else None

    def people_did(self) -> None:
        """A person has created, edited or deleted something."""
        before, self._last = self._last, self._look()
        for side in Side:
            for key, (tag, said) in self._last[side].items():
                was = before[side][key][1] if key in before[side] else {}
                for name in FIELDS:
                    if name not in was or was[name] != said[name]:
                        self.stories[tag].open_edits[side][name] = said[name]
                        self.stories[tag].typed[side][name].add(said[name])
            for key in before[side].keys() - self._last[side].keys():
                story = self.stories[before[side][key][0]]
                story.last_words[side] = dict(story.open_edits[side])  # may be on their way already
                story.open_edits[side].clear()
                story.deleted.add(side)

    def app_wrote(self) -> None:
        """The app has written something to a side: nobody's open edit may have been overwritten."""
        before, self._last = self._last, self._look()
        for side in Side:
            for key, (tag, said) in self._last[side].items():
                if key not in before[side]:
                    self._created(side, tag, said)
                    continue
                changed = {name for name in FIELDS if before[side][key][1][name] != said[name]}
                for name in changed:
                    self._judge(side, tag, name, said[name])
                for name in changed:
                    self._carried(side, tag, name, said[name])
        self._check_no_doubles()

    def run_ended_well(self, troubled: set[str]) -> None:
        """A run in health has seen everything; the pairs of `troubled` tags have an open work item or are outside."""
        for tag, story in self.stories.items():
            if tag not in troubled:
                for side in Side:
                    story.in_doubt[side].clear()
            both = {side: self.row_of(side, tag) for side in Side}
            left, right = both[Side.BUSINESS_CENTRAL], both[Side.DATAVERSE]
            if left is None or right is None:
                continue
            for name in FIELDS:
                if left[1][name] != right[1][name]:
                    continue
                if tag in troubled:
                    story.agreed[name].add(left[1][name])
                else:
                    story.agreed[name] = {left[1][name]}
                    for side in Side:
                        story.open_edits[side].pop(name, None)
                        story.typed[side][name].clear()

    def run_was_troubled(self) -> None:
        """What both sides hold alike may have been noticed, or not."""
        self.run_ended_well(set(self.stories))

    def unit(self, name: str) -> list[str]:
        """The fields that are merged as one with this one."""
        if self._mapping.conflict_scope is ConflictScope.RECORD:
            return [other for other in FIELDS if other != ONE_WAY]
        return [other for other in FIELDS if other == name or (name in GROUPS and GROUPS.get(other) == GROUPS[name])]

    def _created(self, side: Side, tag: str, said: dict[str, Value]) -> None:
        self.happened["created"] += 1
        story = self.stories[tag]
        story.deleted.discard(side)
        story.last_words[side].clear()
        for name, value in said.items():
            source = story.open_edits[side.other]
            if source.get(name, value) == value:
                source.pop(name, None)
            story.agreed[name] = {value}

    def _judge(self, side: Side, tag: str, name: str, value: Value) -> None:
        story = self.stories[tag]
        mine, theirs = story.open_edits[side], story.possible_edits(side.other)
        if name not in mine or name == ONE_WAY:
            return
        wins = self._mapping.update_conflict_resolution.winner is side.other
        if wins and any(other in theirs for other in self.unit(name)):
            self.happened["overruled"] += 1
        elif mine[name] in story.agreed[name] and theirs.get(name) == value and name in theirs:
            self.happened["taken back"] += 1
        elif self._may_be_taken_for_ours(story, side, name) and theirs.get(name) == value:
            self.happened["taken for the app's"] += 1
        else:
            raise Broken(f"{tag}: the edit {name}={mine[name]!r} in {side} was overwritten with {value!r}")

    def _may_be_taken_for_ours(self, story: Story, side: Side, name: str) -> bool:
        """Somebody types just what the other side typed before, while nobody knows whether that has been carried over.

        No content tells the two apart; it takes a lost answer, a value taken back and the same value typed here.
        """
        lost = {"killed", Loss.UNKNOWN_NOT_DONE, Loss.CALL_LOST_NOT_DONE} & self._world.trouble.happened.keys()
        return bool(lost) and story.open_edits[side][name] in story.typed[side.other][name]

    def _carried(self, side: Side, tag: str, name: str, value: Value) -> None:
        self.happened["carried"] += 1
        story = self.stories[tag]
        story.open_edits[side].pop(name, None)
        theirs = story.open_edits[side.other]
        if name in theirs and theirs[name] == value:
            story.in_doubt[side.other][name] = theirs.pop(name)
        story.agreed[name].add(value)

    def _check_no_doubles(self) -> None:
        for side in Side:
            for tag, times in Counter(tag for tag, _ in self._last[side].values()).items():
                if times > 1:
                    raise Broken(f"{tag} stands {times} times in {side}")

    def _look(self) -> Snapshot:
        return {
            side: {
                key: (tag_of(side, row), meaning(self._world, side, row))
                for key, row in rows(self._world, side).items()
            }
            for side in Side
        }
