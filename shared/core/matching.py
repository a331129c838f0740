"""Finding the one free record of the other side that a new record means.

A group of fields matches when all of them agree and none is blank. A record is coupled only when exactly one free
record agrees and no other new record claims the same one: a guess would be worse than a question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from shared.core.mapping import FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.records import Record
from shared.core.refusals import name_of_record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.texts import without_case
from shared.core.transfer import Tables, comparable

type MatchKey = tuple[str, ...]
MOST_NAMED = 5
"""How many records a sentence names."""


@dataclass(frozen=True, slots=True)
class Question:
    """What agrees with a new record: `candidates` of the other side, and `rivals` that claim the same candidate."""

    candidates: tuple[Record, ...]
    rivals: tuple[Record, ...] = ()

    def sentence(self, source: Side, tables: Tables) -> str:
        """Whom to look at, for a person. `source` is the side of the new record."""
        here, there = (partial(_name, table=tables[side]) for side in (source, source.other))
        if len(self.candidates) > 1:
            many = f"{len(self.candidates)} records in {source.other.product}"
            return f"{many} agree in the match fields: {_listed(map(there, self.candidates))}."
        rivals = _listed(map(here, self.rivals))
        return f"{there(self.candidates[0])} agrees in the match fields, and just as well with {rivals}."


@dataclass(slots=True)
class Matches:
    """`pairs` maps a new record's id to the record it means; `several` has those that could mean more than one."""

    pairs: dict[str, Record] = field(default_factory=dict)
    several: dict[str, Question] = field(default_factory=dict)

    def only(self, ids: Container[str]) -> Matches:
        """What concerns these new records."""
        pairs = {one: found for one, found in self.pairs.items() if one in ids}
        return Matches(pairs, {one: asked for one, asked in self.several.items() if one in ids})


def match_lines(mapping: TableMapping, group: Sequence[str]) -> list[FieldMapping]:
    """The field mappings of a match group."""
    return [line for line in mapping.fields if line.business_central in group]


def match_key(lines: Iterable[FieldMapping], side: Side, record: Record, table: Table) -> MatchKey | None:
    """What must be equal on both sides, without regard to case and to how accents are coded; None for a blank field."""
    parts = [comparable(line, side, record.values, table) for line in lines]
    if not parts or any(part is None for part in parts):
        return None
    return tuple(without_case(str(part).strip()) for part in parts)


def find_matches(
    mapping: TableMapping, source: Side, new: Sequence[Record], candidates: Sequence[Record], tables: Tables
) -> Matches:
    """Match new records of `source` with free candidates of the other side, group by group."""
    result, taken = Matches(), set[str]()
    for group in mapping.match_by:
        lines = match_lines(mapping, group)
        claims = _by_key(lines, source, [r for r in new if r.id not in result.pairs], tables[source])
        free = _by_key(lines, source.other, [c for c in candidates if c.id not in taken], tables[source.other])
        for key, claimants in claims.items():
            found = free.get(key, [])
            if len(found) == 1 and len(claimants) == 1:
                result.pairs[claimants[0].id] = found[0]
                taken.add(found[0].id)
            elif found:
                for record in claimants:
                    rivals = [one for one in claimants if one is not record]
                    result.several[record.id] = Question(_by_id(found), _by_id(rivals))
    for paired in result.pairs:
        result.several.pop(paired, None)
    return result


def _by_key(
    lines: Sequence[FieldMapping], side: Side, records: Iterable[Record], table: Table
) -> dict[MatchKey, list[Record]]:
    found: defaultdict[MatchKey, list[Record]] = defaultdict(list)
    for record in records:
        key = match_key(lines, side, record, table)
        if key is not None:
            found[key].append(record)
    return found


def _by_id(records: Iterable[Record]) -> tuple[Record, ...]:
    """In the same order each time: the same question is the same sentence."""
    return tuple(sorted(records, key=lambda record: record.id))


def _name(record: Record, table: Table) -> str:
    """Namesakes are told apart by their ids."""
    return f"{name_of_record(record, table)} ({record.id})"


def _listed(names: Iterable[str]) -> str:
    first = list(names)
    more = len(first) - MOST_NAMED
    return ", ".join(first[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
