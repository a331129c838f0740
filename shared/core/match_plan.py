"""Match-based coupling of two indexed sides: who is coupled with whom, and why the others are not.

The rule, so that neither the order of pages nor of records decides (Microsoft's feature couples whoever comes first):

- Groups are tried in the order of their priority. In each, a BC record *claims* a row when it is the only row of the
  mapping's filter that agrees with it. Coupled rows count: two rows that agree remain two when one of them is coupled.
- A free row claimed by one record is coupled with it. A free row claimed by several is *contested*: nobody gets it,
  neither in this group nor in a later one, for any choice would be a guess.
- A record that is not coupled in a group tries the next one.
- A BC record that is coupled already claims like any other in the groups before the one that explains its coupling. So
  a second run finds nothing more, and a run that begins anew after a part was stored comes to the same pairs.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from enum import IntEnum
from operator import itemgetter

from shared.core.match_index import NO_ID, MatchIndex, group_bits, unpacked
from shared.core.match_report import (
    MOST_NAMED,
    Candidate,
    MatchedPair,
    MatchPlan,
    MatchTotals,
    Unmatched,
    UnmatchedReason,
)


class _State(IntEnum):
    """How a BC record stands; up to COUPLED it claims rows."""

    NONE = 0
    SEVERAL = 1
    TAKEN = 2
    CONTESTED = 3
    COUPLED = 4  # before this run
    MATCHED = 5
    SETTLED = 6  # coupled before, and explained by a group that was tried


_REASONS = {
    _State.NONE: UnmatchedReason.NONE,
    _State.SEVERAL: UnmatchedReason.SEVERAL,
    _State.TAKEN: UnmatchedReason.TAKEN,
    _State.CONTESTED: UnmatchedReason.CONTESTED,
}
_NOBODY = 0  # rows are kept plus one where there may be none


class Matching:
    """The result for all records, kept flat; `page` gives it out.

    All arrays have one item per row of a side. Of a BC record: how it stands, in which group, with which row, and
    where its candidates begin in `_named`. Of a Dataverse row: whom it was given to, and where its contenders begin.
    """

    def __init__(self, business_central: MatchIndex, dataverse: MatchIndex) -> None:
        self._bc, self._dv = business_central, dataverse
        records, rows = business_central.capacity, dataverse.capacity
        self._states = bytearray(records)
        self._groups = bytearray(records)
        self._found = _zeros(records)
        self._row = _zeros(records)
        self._first = _zeros(records)
        self._given_to = _zeros(rows)
        self._contenders = _zeros(rows)
        self._first_contender = _zeros(rows)
        self._contested_in = bytearray(rows)
        self._named = array("I")
        for record in business_central.rows:
            if business_central.partner(record) != NO_ID:
                self._states[record] = _State.COUPLED

    def try_group(self, group: int, fields: int) -> None:
        """Let the records that are not coupled yet claim rows by one group of fields, then decide the claims."""
        claims = self._claims(group, fields)
        claimants, free = _zeros(self._dv.capacity), bytearray(self._dv.capacity)
        for record in self._bc.rows:
            if claims[record] != _NOBODY:
                claimants[claims[record] - 1] += 1
                free[claims[record] - 1] |= self._states[record] != _State.COUPLED
        contested: list[tuple[int, int]] = []
        for record in self._bc.rows:
            if claims[record] != _NOBODY:
                row = claims[record] - 1
                if claimants[row] > 1 and free[row] and self._is_open(row):
                    contested.append((row, record))
                else:
                    self._decide(group, record, row)
        contested.sort(key=itemgetter(0))  # stable: the contenders of a row stay in the order of their ids
        self._contest(group, contested, claimants)

    @property
    def totals(self) -> MatchTotals:
        """How many records were matched, and how many left for which reason."""
        counts = Counter(self._states[record] for record in self._bc.rows)
        return MatchTotals(counts[_State.MATCHED], {reason: counts[state] for state, reason in _REASONS.items()})

    def page(self, start: int = 0, size: int = 1000) -> MatchPlan:
        """The pairs and unmatched records among the `size` BC records from number `start` on, by ascending id."""
        records = self._bc.rows[start : start + size]
        pairs = (self._pair(record) for record in records if self._states[record] == _State.MATCHED)
        unmatched = (self._unmatched(record) for record in records if self._states[record] in _REASONS)
        end = start + size
        return MatchPlan(tuple(pairs), tuple(unmatched), end if end < len(self._bc.rows) else None)

    def pages(self, size: int = 1000) -> Iterator[MatchPlan]:
        """All pages in their order."""
        at: int | None = 0
        while at is not None:
            yield (found := self.page(at, size))
            at = found.next

    def _claims(self, group: int, fields: int) -> array[int]:
        """By BC record the row (plus one) that it claims; what else was found is noted."""
        compared = array("H", bytes(2 * self._bc.capacity))
        for record in self._bc.rows:
            if self._states[record] <= _State.COUPLED:
                compared[record] = self._bc.compared_fields(record, fields)
        claims = _zeros(self._bc.capacity)
        for some in sorted(set(compared) - {0}):
            finder, digest = self._dv.find_by(some), self._bc.digests_by(some)
            for record in self._bc.rows:
                if compared[record] == some:
                    rows = finder.find(digest(record))
                    if len(rows) == 1:
                        claims[record] = rows[0] + 1
                    elif rows:
                        self._note_several(group, record, rows)
        return claims

    def _is_open(self, row: int) -> bool:
        """Whether the row is free and nobody has contended for it in an earlier group."""
        is_given = self._given_to[row] != _NOBODY
        return not is_given and not self._contenders[row] and self._dv.partner(row) == NO_ID

    def _decide(self, group: int, record: int, row: int) -> None:
        """What becomes of a claim that no other record contests now."""
        if self._states[record] == _State.COUPLED:
            if self._bc.partner(record) == self._dv.packed_id(row):
                self._states[record] = _State.SETTLED
        elif self._is_open(row):
            self._given_to[row] = record + 1
            self._note(group, record, _State.MATCHED, row)
        else:
            self._note(group, record, _State.CONTESTED if self._contenders[row] else _State.TAKEN, row)

    def _contest(self, group: int, claims: list[tuple[int, int]], claimants: array[int]) -> None:
        """Note the contenders of rows that several records claim; `claims` by ascending row."""
        for row, record in claims:
            if not self._contenders[row]:
                self._contenders[row] = claimants[row]
                self._first_contender[row] = len(self._named)
                self._contested_in[row] = group
            if len(self._named) - self._first_contender[row] <= MOST_NAMED:
                self._named.append(record)
            if self._states[record] != _State.COUPLED:
                self._note(group, record, _State.CONTESTED, row)

    def _note(self, group: int, record: int, state: _State, row: int) -> None:
        """Keep what a record found first; only being matched says more."""
        if self._states[record] == _State.NONE or state is _State.MATCHED:
            self._states[record], self._groups[record], self._row[record] = state, group, row

    def _note_several(self, group: int, record: int, rows: array[int]) -> None:
        if self._states[record] == _State.NONE:
            self._states[record], self._groups[record] = _State.SEVERAL, group
            self._found[record], self._first[record] = len(rows), len(self._named)
            self._named.extend(rows[:MOST_NAMED])

    def _pair(self, record: int) -> MatchedPair:
        ids = self._bc.id_of(record), self._dv.id_of(self._row[record])
        return MatchedPair(*ids, self._groups[record])

    def _unmatched(self, record: int) -> Unmatched:
        state, one = _State(self._states[record]), self._bc.id_of(record)
        group = self._groups[record]
        match state:
            case _State.NONE:
                return Unmatched(one, UnmatchedReason.NONE)
            case _State.SEVERAL:
                first, count = self._first[record], self._found[record]
                candidates = tuple(map(self._candidate, self._named[first : first + min(count, MOST_NAMED)]))
                return Unmatched(one, UnmatchedReason.SEVERAL, group, candidates, candidate_count=count)
            case _State.CONTESTED:
                return self._contender(record, one, group, self._row[record])
            case _:
                return Unmatched(one, _REASONS[state], group, (self._candidate(self._row[record]),), candidate_count=1)

    def _contender(self, record: int, one: str, group: int, row: int) -> Unmatched:
        late = self._contested_in[row] < group
        return Unmatched(
            one,
            UnmatchedReason.CONTESTED,
            group,
            (self._candidate(row),),
            self._rivals(row, record),
            candidate_count=1,
            rival_count=self._contenders[row] - (not late),
            rivals_rank_higher=late,
        )

    def _candidate(self, row: int) -> Candidate:
        if self._given_to[row] != _NOBODY:
            return Candidate(self._dv.id_of(row), self._bc.id_of(self._given_to[row] - 1))
        partner = self._dv.partner(row)
        return Candidate(self._dv.id_of(row), unpacked(partner) if partner != NO_ID else None)

    def _rivals(self, row: int, record: int) -> tuple[str, ...]:
        first = self._first_contender[row]
        named = self._named[first : first + min(self._contenders[row], MOST_NAMED + 1)]
        return tuple(self._bc.id_of(other) for other in named if other != record)[:MOST_NAMED]


def match(business_central: MatchIndex, dataverse: MatchIndex) -> Matching:
    """Match the BC records of one index with the rows of the other, by the criteria that both were made for."""
    matching = Matching(business_central, dataverse)
    for group, fields in enumerate(group_bits(business_central.criteria)):
        matching.try_group(group, fields)
    return matching


def _zeros(count: int) -> array[int]:
    return array("I", bytes(array("I").itemsize * count))
