"""Suggestions for records that match-based coupling left over: rows that look alike, with the reasons for saying so.

A suggestion never couples anything by itself: a person accepts it. Records are compared only where they have something
rare in common, so that 20,000 and 20,000 records take some comparisons each and not 400 million.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from zlib import crc32

from shared.core.likeness import Profile, TraitField, TraitScore, block_keys, compared, profile_of
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.transfer import Tables

LARGEST_BLOCK = 100  # rows; what more of them have in common tells nothing
MOST_COMPARED = 30  # rows per record
MOST_BLOCKS = 8  # per record, the smallest


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A row that may mean the same as a BC record: the score, 0 to 100, and the lines that add up to it."""

    business_central: str
    dataverse: str
    score: float
    reasons: tuple[TraitScore, ...]


class SuggestionIndex:
    """The free Dataverse rows, to be asked for those that look like a BC record. About a kilobyte per row."""

    def __init__(self, fields: tuple[TraitField, ...], tables: Tables) -> None:
        self._fields = fields
        self._tables = tables
        self._profiles: list[Profile] = []
        self._blocks: tuple[array[int], array[int]] | None = None

    def add(self, rows: Iterable[Record]) -> None:
        """Add a page of free rows."""
        self._blocks = None
        for row in rows:
            self._profiles.append(profile_of(self._fields, Side.DATAVERSE, row.id, row.values, self._tables))

    def suggest(self, record: Record, top: int = 3, least: float = 50.0) -> tuple[Suggestion, ...]:
        """At most `top` rows that score at least `least`, the best first; equal ones by id."""
        profile = profile_of(self._fields, Side.BUSINESS_CENTRAL, record.id, record.values, self._tables)
        scored = (_suggestion(profile, self._profiles[row]) for row in self._candidates(profile))
        good = [suggestion for suggestion in scored if suggestion.score >= least]
        return tuple(sorted(good, key=lambda one: (-one.score, one.dataverse))[:top])

    def _candidates(self, profile: Profile) -> list[int]:
        """The rows to compare: first those that share the rarest things with the record."""
        keys = dict.fromkeys(block_keys(profile))
        blocks = sorted((block for key in keys if (block := self._block(key))), key=len)
        votes: dict[int, float] = {}
        for block in blocks[:MOST_BLOCKS]:
            for row in block:
                votes[row] = votes.get(row, 0.0) + 1 / len(block)
        return sorted(votes, key=lambda row: (-votes[row], self._profiles[row].id))[:MOST_COMPARED]

    def _block(self, key: str) -> array[int]:
        """The rows with this key, none when they are too many to tell anything."""
        keys, rows = self._sorted()
        wanted = crc32(key.encode())
        start, end = bisect_left(keys, wanted), bisect_right(keys, wanted)
        return rows[start:end] if end - start <= LARGEST_BLOCK else rows[:0]

    def _sorted(self) -> tuple[array[int], array[int]]:
        """Key and row of every block in two flat arrays. Keys that fall together by chance only cost a comparison."""
        if self._blocks is None:
            entries = sorted(
                crc32(key.encode()) << 32 | row
                for row, profile in enumerate(self._profiles)
                for key in set(block_keys(profile))
            )
            keys = array("I", (entry >> 32 for entry in entries))
            self._blocks = keys, array("I", (entry & 0xFFFFFFFF for entry in entries))
        return self._blocks


def _suggestion(profile: Profile, row: Profile) -> Suggestion:
    reasons = compared(profile, row)
    return Suggestion(profile.id, row.id, round(sum(reason.points for reason in reasons), 1), reasons)
