"""Free records of the other side that a new record may mean, found without asking for each.

A few new records are looked up by their values. When there are many (a first load), the other side is read once and
kept as digests, some thirty bytes a record: what this run creates afterwards is not among them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from uuid import UUID

from shared.core.mapping import FieldMapping
from shared.core.records import Record
from shared.core.sides import Side
from shared.core.texts import without_case
from shared.services.pass_context import Slice

MANY = 2000  # new records in a page: reading the other side whole costs fewer calls than looking them up
FEW = 200
_ROWS_A_CALL = 5000
_VALUES_A_CALL = 100


class Digests:
    """Every record of one side, by what it holds in one column each of some lines."""

    def __init__(self, lines: Sequence[FieldMapping], side: Side) -> None:
        self._columns = [line.columns(side)[0] for line in lines]
        self._ids = bytearray()
        self._digests = [array("Q") for _ in lines]
        self._rows = [array("I") for _ in lines]

    @property
    def columns(self) -> list[str]:
        """What is to be read of each record."""
        return self._columns

    def add(self, records: Iterable[Record]) -> None:
        """Take in a page."""
        for record in records:
            row = len(self._ids) // 16
            self._ids += UUID(record.id).bytes
            for column, digests, rows in zip(self._columns, self._digests, self._rows, strict=True):
                if (value := record.values.get(column)) is not None:
                    digests.append(_digest(value))
                    rows.append(row)

    def sort(self) -> None:
        """Make it ready to be asked."""
        for at, digests in enumerate(self._digests):
            order = sorted(range(len(digests)), key=digests.__getitem__)
            self._rows[at] = array("I", (self._rows[at][one] for one in order))
            self._digests[at] = array("Q", (digests[one] for one in order))

    def ids_with(self, line: int, values: Iterable[object]) -> set[str]:
        """The records that hold one of these values in the `line`-th line, and perhaps a few others."""
        digests, rows = self._digests[line], self._rows[line]
        found: set[str] = set()
        for wanted in {_digest(value) for value in values}:
            at = bisect_left(digests, wanted)
            while at < len(digests) and digests[at] == wanted:
                row = rows[at]
                found.add(str(UUID(bytes=bytes(self._ids[row * 16 : row * 16 + 16]))))
                at += 1
        return found


def reads_whole_side(work: Slice, new: int, lines: Sequence[FieldMapping]) -> bool:
    """Whether reading the other side once costs fewer calls than looking up so many new records."""
    calls = len(lines) * new / _VALUES_A_CALL
    return new >= MANY or (new >= FEW and work.state.coupled / _ROWS_A_CALL <= calls)


def is_read(work: Slice, side: Side) -> bool:
    """Whether all of `side` was read before this slice created anything there."""
    return work.references.knows(_what(side))


async def candidates(
    work: Slice, source: Side, lines: Sequence[FieldMapping], records: Sequence[Record]
) -> list[Record]:
    """Records of the other side that agree with one of `records` in one of `lines`, and perhaps a few others."""
    values = [{value for one in records if (value := one.values.get(line.columns(source)[0]))} for line in lines]
    if not (is_read(work, source.other) or reads_whole_side(work, len(records), lines)):
        return await _look_up(work, source.other, lines, values)
    digests = await work.references.once(_what(source.other), lambda: _read_whole_side(work, source.other, lines))
    wanted = {one for at, held in enumerate(values) for one in digests.ids_with(at, held)}
    return await _read(work, source.other, wanted)


async def _look_up(
    work: Slice, side: Side, lines: Sequence[FieldMapping], values: Sequence[Iterable[object]]
) -> list[Record]:
    found: dict[str, Record] = {}
    for line, held in zip(lines, values, strict=True):
        wanted = sorted(map(str, held))
        if wanted:
            table, column = work.tables[side], line.columns(side)[0]
            rows = await work.services.rows(side).find(table, work.columns(side), column, wanted)
            found |= {row.id: row for row in rows}
    return list(found.values())


async def _read_whole_side(work: Slice, side: Side, lines: Sequence[FieldMapping]) -> Digests:
    digests = Digests(lines, side)
    async for page in work.services.rows(side).pages(work.tables[side], digests.columns):
        digests.add(page)
    digests.sort()
    return digests


async def _read(work: Slice, side: Side, ids: Iterable[str]) -> list[Record]:
    wanted = sorted(ids)
    if not wanted:
        return []
    return list((await work.services.rows(side).read(work.tables[side], work.columns(side), wanted)).values())


def _what(side: Side) -> str:
    return f"digests of {side}"


def _digest(value: object) -> int:
    text = without_case(str(value).strip())
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())
