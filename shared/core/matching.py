"""Finding the one free record of the other side that a new record means.

A group of fields matches when all of them agree and none is blank. A record is coupled only when exactly one free
record agrees and no other new record claims the same one: a guess would be worse than a question.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from shared.core.mapping import FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.transfer import Tables, comparable

type MatchKey = tuple[str, ...]


@dataclass(slots=True)
class Matches:
    """`pairs` maps a new record's id to the record it means; `several` names those with more than one candidate."""

    pairs: dict[str, Record] = field(default_factory=dict)
    several: dict[str, list[str]] = field(default_factory=dict)


def match_lines(mapping: TableMapping, group: Sequence[str]) -> list[FieldMapping]:
    """The field mappings of a match group."""
    return [line for line in mapping.fields if line.business_central in group]


def match_key(lines: Iterable[FieldMapping], side: Side, record: Record, table: Table) -> MatchKey | None:
    """What must be equal on both sides, without regard to case; None when a field is blank."""
    parts = [comparable(line, side, record.values, table) for line in lines]
    if not parts or any(part is None for part in parts):
        return None
    return tuple(str(part).strip().casefold() for part in parts)


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
                    result.several[record.id] = [candidate.id for candidate in found]
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
