"""The couplings of one mapping.

A coupling is two documents in one partition, so that storage itself holds one-to-one: `bc|<BC id>` with everything, and
`dv|<Dataverse id>` pointing to it. Both are inserted in one transaction, which fails when either record is coupled
already. `new|<side>|<id>` is the intent to create the counterpart of that record whose outcome is not known yet; it is
removed with the insertion of the coupling. A removed coupling leaves its history (see `ended_couplings`).

A transaction takes 100 documents, so 50 new couplings or 100 changed ones. A partition of Table Storage serves 2,000
documents of 1 KB a second (page "Scalability and performance targets for Table storage"); the services behind a mapping
take some hundred records a second, so one partition for each mapping is enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import batched, pairwise

from shared.core.coupling import Coupling
from shared.core.sides import Side
from shared.ports import MAX_CHANGES, Insert, Put, Remove, StateChange, StateConflict, StateRow, StateStore
from shared.services.repositories.coupling_documents import (
    Intent,
    coupling_body,
    coupling_from,
    ids_of,
    intent_body,
    intent_from,
    pointed_at,
    pointer_body,
    stored_as,
)
from shared.services.repositories.documents import transact_in_chunks
from shared.services.repositories.ended_couplings import Ended, ended_of, left_behind

TABLE = "couplings"
PAGE = 1000  # documents of one transaction that reads
WORTH = 10  # point reads cost about as much as one page read in a row
AT_ONCE = 8  # writing transactions of one caller
_LARGE = 10_000
LANES = 8  # in which a large mapping is read through
_EIGHTHS = tuple("2468ace")  # where lanes begin as long as nothing is known of the ids


class CouplingRepository:
    """Finds, adds, changes and removes couplings. A change on top of an outdated version is a StateConflict.

    `coupled` is about how many couplings there are: asked for a good share of them, it reads through all of them, a
    thousand at a time, instead of one by one. `milestones` are BC ids that part them into equal lanes; reading through
    all of them finds these anew.
    """

    def __init__(
        self,
        state: StateStore,
        connection: str,
        mapping: str,
        coupled: int | None = None,
        milestones: Sequence[str] = (),
    ) -> None:
        self._state = state
        self._partition = f"{connection}|{mapping}"
        self._coupled = coupled
        self.milestones = list(milestones)
        self._stored_intents: set[tuple[Side, str]] = set()
        self._lanes = asyncio.Semaphore(AT_ONCE)

    async def find(self, side: Side, ids: Iterable[str]) -> dict[str, Coupling]:
        """The couplings of these records of `side`, by their id."""
        return {coupling.at(side).id: coupling for coupling in await self.concerning({side: ids})}

    async def concerning(self, ids: Mapping[Side, Iterable[str]]) -> list[Coupling]:
        """The couplings that any of these records belongs to, each once, in the order of the BC id."""
        found: list[Coupling] = []

        async def take(couplings: list[Coupling]) -> None:
            found.extend(couplings)

        await self.tell(ids, take)
        return sorted(found, key=lambda coupling: coupling.business_central.id)

    async def tell(self, ids: Mapping[Side, Iterable[str]], take: Callable[[list[Coupling]], Awaitable[None]]) -> None:
        """The same couplings as soon as they are found, some at a time and in no order, each given to `take` once."""
        wanted = {side: set(ids.get(side, ())) for side in Side}

        async def told(rows: Iterable[StateRow]) -> None:
            await take([coupling_from(row) for row in rows])

        if self._is_good_share(sum(map(len, wanted.values()))):
            await self._read_through(wanted, told)
        else:
            await self._read(wanted, told)

    async def page(self, after: str | None = None, limit: int = PAGE) -> tuple[list[Coupling], str | None]:
        """Couplings in the order of the BC id, and where to go on; None at the end."""
        rows = await self._state.scan(TABLE, self._partition, prefix="bc|", after=after, limit=limit)
        return [coupling_from(row) for row in rows], rows[-1].key if len(rows) == limit else None

    async def page_of_ids(self, side: Side, after: str | None = None) -> tuple[list[tuple[str, str]], str | None]:
        """The ids (BC, Dataverse) of a page of couplings in the order of the id on `side`, and where to go on."""
        prefix = "bc|" if side is Side.BUSINESS_CENTRAL else "dv|"
        rows = await self._state.scan(TABLE, self._partition, prefix=prefix, after=after, limit=PAGE)
        if side is Side.BUSINESS_CENTRAL:
            ids = [ids_of(row) for row in rows]
        else:
            ids = [(pointed_at(row), row.key.removeprefix(prefix)) for row in rows]
        return ids, rows[-1].key if len(rows) == PAGE else None

    async def all(self) -> list[Coupling]:
        """Every coupling of a small mapping."""
        couplings, after = await self.page()
        while after is not None:
            more, after = await self.page(after)
            couplings += more
        return couplings

    async def add(self, couplings: Sequence[Coupling], intents: Sequence[Intent] = ()) -> list[Coupling]:
        """Add couplings and end the intents that led to them; answers those that are stored now.

        One whose record is coupled to another is not. The broken coupling that an intent replaces goes in the same
        transaction.
        """
        ended = {(intent.source, intent.source_id): intent for intent in intents}
        bundles = _bundles([(coupling, self._insertion(coupling, ended)) for coupling in couplings])
        stored = await asyncio.gather(*(self._insert(bundle) for bundle in bundles))
        return [coupling for bundle in stored for coupling in bundle]

    async def save(self, couplings: Sequence[Coupling]) -> list[Coupling]:
        """Store what changed in existing couplings; answers them with their new versions.

        Raises StateConflict when another was there meanwhile.
        """
        changes = [Put(_bc_key(one.business_central.id), coupling_body(one), one.version) for one in couplings]
        etags = await self._transact_all(list(batched(changes, MAX_CHANGES, strict=False)))
        return [stored_as(one, etags[_bc_key(one.business_central.id)]) for one in couplings]

    async def remove(self, couplings: Sequence[Coupling]) -> None:
        """Remove couplings, both documents each; what has a history leaves it behind.

        Raises StateConflict when another was there meanwhile.
        """
        removals = [
            (one, [Remove(_bc_key(one.business_central.id), one.version), Remove(_dv(one)), *left_behind(one)])
            for one in couplings
        ]
        await self._transact_all([[change for _, pair in bundle for change in pair] for bundle in _bundles(removals)])

    async def ended(self, side: Side, record_id: str) -> list[Ended]:
        """The couplings that this record of `side` once had, the newest first, as far as they are kept."""
        return await ended_of(self._state, TABLE, self._partition, side, record_id)

    async def open_intents(self) -> list[Intent]:
        """Every create of the mapping whose outcome is not known."""
        found: list[Intent] = []
        rows = await self._state.scan(TABLE, self._partition, prefix="new|")
        while rows:
            found += [intent_from(row.body) for row in rows]
            rows = await self._state.scan(TABLE, self._partition, prefix="new|", after=rows[-1].key)
        self._stored_intents |= {(intent.source, intent.source_id) for intent in found}
        return found

    async def begin(self, intents: Sequence[Intent]) -> None:
        """Write down creates whose outcome is not known."""
        changes = [Put(_intent_key(intent.source, intent.source_id), intent_body(intent)) for intent in intents]
        self._stored_intents |= {(intent.source, intent.source_id) for intent in intents}
        await transact_in_chunks(self._state, TABLE, self._partition, changes)

    async def give_up(self, intents: Sequence[Intent]) -> None:
        """Forget creates of which it is known that they did not happen."""
        stored = [(one.source, one.source_id) for one in intents if (one.source, one.source_id) in self._stored_intents]
        await transact_in_chunks(self._state, TABLE, self._partition, [Remove(_intent_key(*one)) for one in stored])
        self._stored_intents -= set(stored)

    def _is_good_share(self, wanted: int) -> bool:
        """Whether reading through all couplings is cheaper than reading these one by one."""
        return self._coupled is not None and wanted >= WORTH * (LANES + self._coupled // PAGE)

    async def _read_through(
        self, wanted: Mapping[Side, set[str]], take: Callable[[list[StateRow]], Awaitable[None]]
    ) -> None:
        """Every document of a coupling that is wanted, from several lanes side by side."""
        marks = (self.milestones or _EIGHTHS) if self._coupled is not None and self._coupled >= _LARGE else ()
        bounds = ["bc|", *(_bc_key(mark) for mark in marks), "bc|~"]
        lanes = [asyncio.ensure_future(self._read_lane(wanted, take, *lane)) for lane in pairwise(bounds)]
        try:
            ends = [key for keys in await asyncio.gather(*lanes) for key in keys]
        finally:
            for lane in lanes:
                lane.cancel()  # where one has failed, the others tell nothing more
        self.milestones = [ends[len(ends) * at // LANES].removeprefix("bc|") for at in range(1, LANES) if ends]

    async def _read_lane(
        self, wanted: Mapping[Side, set[str]], take: Callable[[list[StateRow]], Awaitable[None]], first: str, end: str
    ) -> list[str]:
        """Tell what is wanted beyond `first` up to `end`; answers the keys at the ends of the pages."""
        ends: list[str] = []
        after = first
        while after < end:
            rows = await self._state.scan(TABLE, self._partition, prefix="bc|", after=after, limit=PAGE)
            inside = rows if rows and rows[-1].key <= end else [row for row in rows if row.key <= end]
            await take([row for row in inside if _is_wanted(row, wanted)])
            ends += [row.key for row in inside[-1:]]
            if len(inside) < PAGE:
                break
            after = rows[-1].key
        return ends

    async def _read(self, wanted: Mapping[Side, set[str]], take: Callable[[list[StateRow]], Awaitable[None]]) -> None:
        """The same one by one; only some of the documents are held at a time."""
        keys = {_bc_key(one) for one in wanted[Side.BUSINESS_CENTRAL]}
        async for pointers in self._get_many(map(_dv_key, wanted[Side.DATAVERSE])):
            keys |= {_bc_key(pointed_at(row)) for row in pointers}
        async for rows in self._get_many(keys):
            # A pointer outlives its coupling for nobody, but a coupling may have got another pointer in between.
            await take([row for row in rows if _is_wanted(row, wanted)])

    async def _get_many(self, keys: Iterable[str]) -> AsyncIterator[list[StateRow]]:
        for some in batched(sorted(keys), PAGE, strict=False):
            yield list((await self._state.get_many(TABLE, self._partition, some)).values())

    async def _transact_all(self, bundles: Sequence[Sequence[StateChange]]) -> dict[str, str]:
        """Each bundle as one transaction, several under way at once; the first conflict is raised when all are done."""
        etags: dict[str, str] = {}
        for outcome in await asyncio.gather(*(self._transact(bundle) for bundle in bundles), return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
            etags |= outcome
        return etags

    async def _transact(self, changes: Sequence[StateChange]) -> dict[str, str]:
        async with self._lanes:
            return await self._state.transact(TABLE, self._partition, changes)

    async def _insert(self, bundle: Sequence[tuple[Coupling, Sequence[StateChange]]]) -> list[Coupling]:
        try:
            etags = await self._transact([change for _, changes in bundle for change in changes])
        except StateConflict:
            return [one for coupling, changes in bundle if (one := await self._insert_one(coupling, changes))]
        return [stored_as(coupling, etags[_bc_key(coupling.business_central.id)]) for coupling, _ in bundle]

    async def _insert_one(self, coupling: Coupling, changes: Sequence[StateChange]) -> Coupling | None:
        """The stored coupling; one that was stored before is as good: a repeated insert has done no harm."""
        key = coupling.business_central.id
        try:
            etags = await self._transact(changes)
        except StateConflict:
            stored = (await self.find(Side.BUSINESS_CENTRAL, [key])).get(key)
            return stored if stored is not None and stored.dataverse.id == coupling.dataverse.id else None
        return stored_as(coupling, etags[_bc_key(key)])

    def _insertion(self, coupling: Coupling, ended: Mapping[tuple[Side, str], Intent]) -> list[StateChange]:
        intents = [ended[key] for side in Side if (key := (side, coupling.at(side).id)) in ended]
        documents = {
            _bc_key(coupling.business_central.id): coupling_body(coupling),
            _dv(coupling): pointer_body(coupling),
        }
        broken = {key for intent in intents if intent.replaces for key in _replaced_keys(intent.replaces)}
        changes: list[StateChange] = [Put(k, body) if k in broken else Insert(k, body) for k, body in documents.items()]
        changes += [Remove(key) for key in sorted(broken - documents.keys())]
        known = [(one.source, one.source_id) for one in intents if (one.source, one.source_id) in self._stored_intents]
        return changes + [Remove(_intent_key(*one)) for one in known]


def _bundles[C](groups: Sequence[tuple[C, Sequence[StateChange]]]) -> list[list[tuple[C, Sequence[StateChange]]]]:
    """Groups of changes that belong together, as many as fit in each transaction."""
    bundles: list[list[tuple[C, Sequence[StateChange]]]] = []
    room = 0
    for group in groups:
        if len(group[1]) > room:
            bundles.append([])
            room = MAX_CHANGES
        bundles[-1].append(group)
        room -= len(group[1])
    return bundles


def _is_wanted(row: StateRow, wanted: Mapping[Side, set[str]]) -> bool:
    if row.key[3:] in wanted[Side.BUSINESS_CENTRAL]:
        return True
    return bool(wanted[Side.DATAVERSE]) and ids_of(row)[1] in wanted[Side.DATAVERSE]


def _replaced_keys(ids: tuple[str, str]) -> tuple[str, str]:
    return _bc_key(ids[0]), _dv_key(ids[1])


def _bc_key(record_id: str) -> str:
    return f"bc|{record_id}"


def _dv_key(row_id: str) -> str:
    return f"dv|{row_id}"


def _dv(coupling: Coupling) -> str:
    return _dv_key(coupling.dataverse.id)


def _intent_key(source: Side, source_id: str) -> str:
    return f"new|{source}|{source_id}"
