"""Finding deletions that no feed tells: compare the ids that exist with those that are coupled.

Business Central has no feed of deletions at all (page "Find deleted records"); Dataverse's forgets them when it has to
start over. What is missing in the sweep is a candidate only: each is confirmed by a direct read of the primary.
"""

from __future__ import annotations

from shared.core.sides import Side
from shared.services.pass_context import Slice


class CompactIds:
    """A million record ids in 16 MB. They are asked for in their own order, one first byte after the other."""

    def __init__(self) -> None:
        self._by_first_byte = [bytearray() for _ in range(256)]
        self._opened: tuple[int, frozenset[bytes]] = (-1, frozenset())

    def add(self, record_id: str) -> None:
        """Take in one id (a GUID)."""
        key = _bytes(record_id)
        self._by_first_byte[key[0]] += key

    def __len__(self) -> int:
        return sum(map(len, self._by_first_byte)) // 16

    def __contains__(self, record_id: str) -> bool:
        key = _bytes(record_id)
        if self._opened[0] != key[0]:
            held = self._by_first_byte[key[0]]
            self._opened = (key[0], frozenset(bytes(held[at : at + 16]) for at in range(0, len(held), 16)))
        return key in self._opened[1]


async def deleted_records(work: Slice, side: Side) -> set[str]:
    """The coupled records of `side` that do not exist any more."""
    page, after = await work.couplings.page_of_ids(side)
    if not page:
        return set()
    table, rows = work.tables[side], work.services.rows(side)
    existing = CompactIds()
    async for ids in rows.ids(table):
        for one in ids:
            existing.add(one)
    if side is Side.BUSINESS_CENTRAL:
        work.counted = len(existing)
    deleted: set[str] = set()
    while page:
        coupled = [ids[0] if side is Side.BUSINESS_CENTRAL else ids[1] for ids in page]
        missing = [one for one in coupled if one not in existing]
        if missing:
            found = await rows.read(table, [], missing)
            deleted |= set(missing) - found.keys()
        page, after = await work.couplings.page_of_ids(side, after) if after is not None else ([], None)
    return deleted


def _bytes(record_id: str) -> bytes:
    return bytes.fromhex(record_id.replace("-", ""))
