"""All records of one side, ready to be matched: read once in pages, kept flat.

A record costs its id and its partner's (16 bytes each), 8 bytes per match field and a few more; values are not kept.
Fields are compared by 64-bit digests, so a pair that was found is to be confirmed by `match_criteria.agrees`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from shared.core.filters import parse_filter
from shared.core.match_criteria import BlankValues, MatchCriteria, NotCompared, reader_of
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.tables import Value
from shared.core.transfer import References, Tables

ID_BYTES = 16
NO_ID = bytes(ID_BYTES)
_WORD = (1 << 64) - 1
_SPREAD = 0x9E3779B97F4A7C15  # odd, its bits well mixed: tells the fields of a combined digest apart


class MatchIndex:
    """The records of one side that pass `expression` (the mapping's filter; empty for records that were selected).

    Coupled records belong in it too: they tell that a row is taken, and that two rows agree though one is taken.
    """

    def __init__(self, criteria: MatchCriteria, side: Side, tables: Tables, expression: str = "") -> None:
        self.criteria = criteria
        self.side = side
        self._passes = parse_filter(expression).passes
        self._readers = [reader_of(item, side, tables, criteria.blanks) for item in criteria.fields]
        self._ids = bytearray()
        self._partners = bytearray()
        self._digests = [array("Q") for _ in self._readers]
        self._blank = array("H")
        self._unusable = array("H")
        self._order: array[int] | None = None

    def add(
        self, records: Iterable[Record], references: References | None = None, coupled: Mapping[str, str] | None = None
    ) -> None:
        """Add a page of records; of a record that comes again only the last reading counts.

        `references` answers the lines of `criteria.references` for this page, `coupled` tells the partner's id of each
        record that is coupled in this mapping.
        """
        self._order = None
        partners = coupled or {}
        for record in records:
            if self._passes(record.values):
                self._ids += packed(record.id)
                self._partners += packed(partners[record.id]) if record.id in partners else NO_ID
                self._add_values(record, references or {})

    def take(self, record_id: str, by: str) -> None:
        """Note that a record has been coupled with the record `by` since it was added. Raises KeyError."""
        row = self.row_of(packed(record_id))
        if row is None:
            raise KeyError(record_id)
        self._partners[row * ID_BYTES : (row + 1) * ID_BYTES] = packed(by)

    def __len__(self) -> int:
        """How many records there are."""
        return len(self.rows)

    @property
    def rows(self) -> array[int]:
        """The row numbers by ascending id: the same records whatever the order of the pages."""
        if self._order is None:
            self._order = self._sorted()
        return self._order

    @property
    def capacity(self) -> int:
        """One more than the highest row number."""
        return len(self._blank)

    def row_of(self, packed_id: bytes) -> int | None:
        """The row of a record, None when there is none."""
        rows = self.rows
        at = bisect_left(rows, packed_id, key=self.packed_id)
        return rows[at] if at < len(rows) and self.packed_id(rows[at]) == packed_id else None

    def packed_id(self, row: int) -> bytes:
        """The id of a row, 16 bytes."""
        return bytes(self._ids[row * ID_BYTES : (row + 1) * ID_BYTES])

    def id_of(self, row: int) -> str:
        """The id of a row as records have it."""
        return unpacked(self.packed_id(row))

    def partner(self, row: int) -> bytes:
        """The id of the record that this row is coupled with, 16 bytes; `NO_ID` when it is free."""
        return bytes(self._partners[row * ID_BYTES : (row + 1) * ID_BYTES])

    def compared_fields(self, row: int, group: int) -> int:
        """The fields of a group, as bits, by which this record searches the other side; 0 when it cannot search."""
        return 0 if self._unusable[row] & group else group & ~self._blank[row]

    def digests_by(self, fields: int) -> Callable[[int], int]:
        """What gives the 64-bit digest of a row's values in these fields."""
        first, *others = [digests for at, digests in enumerate(self._digests) if fields >> at & 1]
        if not others:
            return first.__getitem__

        def combined(row: int) -> int:
            digest = first[row]
            for digests in others:
                digest = (digest * _SPREAD + digests[row]) & _WORD
            return digest

        return combined

    def find_by(self, fields: int) -> Finder:
        """A finder of the rows by their values in these fields; rows that lack one of them cannot be found."""
        rows = array("I", (row for row in self.rows if not (self._blank[row] | self._unusable[row]) & fields))
        digests = list(map(self.digests_by(fields), rows))
        order = sorted(range(len(rows)), key=digests.__getitem__)
        return Finder(array("Q", (digests[at] for at in order)), array("I", (rows[at] for at in order)))

    def _add_values(self, record: Record, references: References) -> None:
        blank = unusable = 0
        for at, read in enumerate(self._readers):
            value = read(record.values, references)
            if isinstance(value, NotCompared):
                self._digests[at].append(0)
                blank |= (value is NotCompared.BLANK) << at
                unusable |= (value is NotCompared.UNUSABLE) << at
            else:
                self._digests[at].append(_digest(value))
        if self.criteria.blanks is BlankValues.NEVER_MATCH:
            blank, unusable = 0, blank | unusable
        self._blank.append(blank)
        self._unusable.append(unusable)

    def _sorted(self) -> array[int]:
        """The last row of each id, by id."""
        ids = [self.packed_id(row) for row in range(self.capacity)]
        order = sorted(range(self.capacity), key=ids.__getitem__)
        last = (row for at, row in enumerate(order) if at + 1 == len(order) or ids[order[at + 1]] != ids[row])
        return array("I", last)


@dataclass(frozen=True, slots=True)
class Finder:
    """Rows by digest: both arrays in ascending order of the digests, rows of equal digest by id."""

    digests: array[int]
    rows: array[int]

    def find(self, digest: int) -> array[int]:
        """The rows with this digest, by ascending id."""
        start = bisect_left(self.digests, digest)
        if start == len(self.digests) or self.digests[start] != digest:
            return self.rows[:0]
        return self.rows[start : bisect_right(self.digests, digest, start)]


def group_bits(criteria: MatchCriteria) -> Iterator[int]:
    """The fields of each group as bits, in the order of `criteria.fields`."""
    positions = {item: at for at, item in enumerate(criteria.fields)}
    for group in criteria.groups:
        yield sum(1 << positions[item] for item in dict.fromkeys(group))


def packed(record_id: str) -> bytes:
    """A GUID text as 16 bytes. Raises ValueError for any other text."""
    raw = bytes.fromhex(record_id.replace("-", ""))
    if len(raw) != ID_BYTES:
        raise ValueError(f"{record_id!r} is no GUID")
    return raw


def unpacked(raw: bytes) -> str:
    """The inverse of `packed`, in lower case."""
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _digest(value: Value) -> int:
    """64 bits of a value, the same within this process: Python's own hash of a text, which is keyed and well mixed."""
    return hash(value if isinstance(value, str) else f"{type(value).__name__}:{value}") & _WORD
