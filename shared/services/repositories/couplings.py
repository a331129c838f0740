"""The couplings of one mapping.

A coupling is two documents in one partition, so that storage itself holds one-to-one: `bc|<BC id>` with everything, and
`dv|<Dataverse id>` pointing to it. Both are inserted in one transaction, which fails when either record is coupled
already. `new|<side>|<id>` is the intent to create the counterpart of that record: written before the create, removed
with the insertion of the coupling.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.core.coupling import Attempt, CoupledRecord, Coupling
from shared.core.sides import Side
from shared.core.tables import Values
from shared.core.values import from_document, to_document
from shared.ports import Insert, Put, Remove, StateChange, StateConflict, StateRow, StateStore
from shared.services.repositories.documents import Shape, grouped, transact_in_chunks

TABLE = "couplings"
SHARE = 20  # reading a thousand in a row costs about as much as fifty one by one
PAIRS_A_TRANSACTION = 20  # five changes each at most, and 100 in all


@dataclass(frozen=True, slots=True)
class Intent:
    """A create that was begun: from which record, with which id (Dataverse) and values, and when.

    `base` is what both sides hold once it is done. Until `in_doubt_until` the service may still be working on it.
    `replaces` are the ids (BC, Dataverse) of the broken coupling whose deleted record is created anew.
    """

    source: Side
    source_id: str
    target_id: str | None
    values: Values
    base: Mapping[Side, Values]
    begun_at: datetime
    in_doubt_until: datetime
    replaces: tuple[str, str] | None = None


class CouplingRepository:
    """Finds, adds, changes and removes couplings. Remembers the versions it read: a lost race is a StateConflict.

    `coupled` is about how many couplings there are: asked for a good share of them, it reads through all of them, a
    thousand at a time, instead of one by one.
    """

    def __init__(self, state: StateStore, connection: str, mapping: str, coupled: int | None = None) -> None:
        self._state = state
        self._partition = f"{connection}|{mapping}"
        self._coupled = coupled
        self._etags: dict[str, str] = {}

    async def find(self, side: Side, ids: Iterable[str]) -> dict[str, Coupling]:
        """The couplings of these records of `side`, by their id."""
        wanted = sorted(set(ids))
        if side is Side.DATAVERSE:
            pointers = await self._rows("dv|", [_dv_key(one) for one in wanted])
            by_bc = {
                POINTER.unpack(row.body).business_central: key.removeprefix("dv|") for key, row in pointers.items()
            }
            found = await self.find(Side.BUSINESS_CENTRAL, by_bc)
            return {by_bc[bc]: coupling for bc, coupling in found.items() if coupling.dataverse.id == by_bc[bc]}
        rows = await self._rows("bc|", [_bc_key(one) for one in wanted])
        return {key.removeprefix("bc|"): self._read(row) for key, row in rows.items()}

    async def _rows(self, prefix: str, keys: Sequence[str]) -> dict[str, StateRow]:
        if self._coupled is None or len(keys) * SHARE < self._coupled or len(keys) < SHARE:
            return await self._state.get_many(TABLE, self._partition, keys)
        wanted, found, after = set(keys), dict[str, StateRow](), None
        while True:
            rows = await self._state.scan(TABLE, self._partition, prefix=prefix, after=after)
            found |= {row.key: row for row in rows if row.key in wanted}
            if not rows:
                return found
            after = rows[-1].key

    async def page(self, after: str | None = None, limit: int = 1000) -> tuple[list[Coupling], str | None]:
        """Couplings in the order of the BC id, and where to go on; None at the end."""
        rows = await self._state.scan(TABLE, self._partition, prefix="bc|", after=after, limit=limit)
        return [self._read(row) for row in rows], rows[-1].key if len(rows) == limit else None

    async def all(self) -> list[Coupling]:
        """Every coupling of a small mapping."""
        couplings, after = await self.page()
        while after is not None:
            more, after = await self.page(after)
            couplings += more
        return couplings

    async def add(self, couplings: Sequence[Coupling], intents: Sequence[Intent] = ()) -> list[Coupling]:
        """Add couplings and end the intents that led to them; answers those refused because a record is coupled.

        The broken coupling that an intent replaces goes in the same transaction.
        """
        ended = {(intent.source, intent.source_id): intent for intent in intents}
        refused: list[Coupling] = []
        for group in grouped(couplings, PAIRS_A_TRANSACTION):
            try:
                await self._insert(group, ended)
            except StateConflict:
                refused += await self._insert_each(group, ended)
        return refused

    async def save(self, couplings: Sequence[Coupling]) -> None:
        """Store what changed in existing couplings. Raises StateConflict when another run was there meanwhile."""
        changes = [self._put(coupling) for coupling in couplings]
        self._etags |= await transact_in_chunks(self._state, TABLE, self._partition, changes)

    async def remove(self, couplings: Sequence[Coupling]) -> None:
        """Remove couplings, both documents each."""
        for group in grouped(couplings, PAIRS_A_TRANSACTION):
            keys = [key for coupling in group for key in (_bc_key(coupling.business_central.id), _dv(coupling))]
            await self._state.transact(TABLE, self._partition, [Remove(key) for key in keys])
            for key in keys:
                self._etags.pop(key, None)

    async def intents(self, source: Side, ids: Iterable[str]) -> dict[str, Intent]:
        """The unfinished creates from these records of `source`."""
        keys = {_intent_key(source, one): one for one in ids}
        rows = await self._state.get_many(TABLE, self._partition, list(keys))
        return {keys[key]: _intent(row.body) for key, row in rows.items()}

    async def open_intents(self) -> list[Intent]:
        """Every unfinished create of the mapping."""
        found: list[Intent] = []
        rows = await self._state.scan(TABLE, self._partition, prefix="new|")
        while rows:
            found += [_intent(row.body) for row in rows]
            rows = await self._state.scan(TABLE, self._partition, prefix="new|", after=rows[-1].key)
        return found

    async def begin(self, intents: Sequence[Intent]) -> None:
        """Write down creates that are about to be sent."""
        changes = [Put(_intent_key(intent.source, intent.source_id), _intent_body(intent)) for intent in intents]
        await transact_in_chunks(self._state, TABLE, self._partition, changes)

    async def give_up(self, intents: Sequence[Intent]) -> None:
        """Forget creates of which it is known that they did not happen."""
        changes = [Remove(_intent_key(intent.source, intent.source_id)) for intent in intents]
        await transact_in_chunks(self._state, TABLE, self._partition, changes)

    async def _insert(self, couplings: Sequence[Coupling], ended: Mapping[tuple[Side, str], Intent]) -> None:
        changes = [change for coupling in couplings for change in _insertion(coupling, ended)]
        self._etags |= await self._state.transact(TABLE, self._partition, changes)

    async def _insert_each(
        self, couplings: Sequence[Coupling], ended: Mapping[tuple[Side, str], Intent]
    ) -> list[Coupling]:
        refused = []
        for coupling in couplings:
            try:
                await self._insert([coupling], ended)
            except StateConflict:
                if not await self._is_stored(coupling):
                    refused.append(coupling)
        return refused

    async def _is_stored(self, coupling: Coupling) -> bool:
        """Whether this very pair is coupled already: then a repeated insert has done no harm."""
        found = await self.find(Side.BUSINESS_CENTRAL, [coupling.business_central.id])
        stored = found.get(coupling.business_central.id)
        return stored is not None and stored.dataverse.id == coupling.dataverse.id

    def _put(self, coupling: Coupling) -> Put:
        key = _bc_key(coupling.business_central.id)
        return Put(key, _body(coupling), self._etags.get(key))

    def _read(self, row: StateRow) -> Coupling:
        self._etags[row.key] = row.etag
        return _coupling(row.body)


def _insertion(coupling: Coupling, ended: Mapping[tuple[Side, str], Intent]) -> list[StateChange]:
    intents = [ended[key] for side in Side if (key := (side, coupling.at(side).id)) in ended]
    documents = {_bc_key(coupling.business_central.id): _body(coupling), _dv(coupling): _pointer(coupling)}
    broken = {key for intent in intents if intent.replaces for key in _replaced_keys(intent.replaces)}
    changes: list[StateChange] = [Put(k, body) if k in broken else Insert(k, body) for k, body in documents.items()]
    changes += [Remove(key) for key in sorted(broken - documents.keys())]
    return changes + [Remove(_intent_key(intent.source, intent.source_id)) for intent in intents]


def _replaced_keys(ids: tuple[str, str]) -> tuple[str, str]:
    return _bc_key(ids[0]), _dv_key(ids[1])


def _pointer(coupling: Coupling) -> dict[str, object]:
    return POINTER.pack(_Pointer(coupling.business_central.id))


def _bc_key(record_id: str) -> str:
    return f"bc|{record_id}"


def _dv_key(row_id: str) -> str:
    return f"dv|{row_id}"


def _dv(coupling: Coupling) -> str:
    return _dv_key(coupling.dataverse.id)


def _intent_key(source: Side, source_id: str) -> str:
    return f"new|{source}|{source_id}"


@dataclass(frozen=True, slots=True)
class _StoredEnd:
    """One end as stored: the base with its decimals and times marked, so that it comes back exactly."""

    id: str
    base: dict[str, object] | None
    etag: str | None
    number: str | None
    title: str | None
    outside: bool = False


@dataclass(frozen=True, slots=True)
class _StoredAttempt:
    writes: dict[Side, dict[str, object]]
    base: dict[Side, dict[str, object]]
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class _StoredCoupling:
    business_central: _StoredEnd
    dataverse: _StoredEnd
    coupled_at: datetime
    synchronized_at: datetime | None
    attempt: _StoredAttempt | None = None


@dataclass(frozen=True, slots=True)
class _StoredIntent:
    source: Side
    source_id: str
    target_id: str | None
    values: dict[str, object]
    base: dict[Side, dict[str, object]]
    begun_at: datetime
    in_doubt_until: datetime
    replaces: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class _Pointer:
    business_central: str


COUPLING = Shape(_StoredCoupling, "coupling")
INTENT = Shape(_StoredIntent, "intent")
POINTER = Shape(_Pointer, "coupling")


def _body(coupling: Coupling) -> dict[str, object]:
    ends = [_stored_end(coupling.at(side)) for side in Side]
    attempt = _stored_attempt(coupling.attempt) if coupling.attempt else None
    return COUPLING.pack(_StoredCoupling(ends[0], ends[1], coupling.coupled_at, coupling.synchronized_at, attempt))


def _stored_attempt(attempt: Attempt) -> _StoredAttempt:
    writes, base = (
        {side: to_document(values) for side, values in part.items()} for part in (attempt.writes, attempt.base)
    )
    return _StoredAttempt(writes, base, attempt.begun_at)


def _attempt(attempt: _StoredAttempt) -> Attempt:
    writes, base = (
        {side: from_document(values) for side, values in part.items()} for part in (attempt.writes, attempt.base)
    )
    return Attempt(writes, base, attempt.begun_at)


def _stored_end(end: CoupledRecord) -> _StoredEnd:
    base = None if end.base is None else to_document(end.base)
    return _StoredEnd(end.id, base, end.etag, end.number, end.title, end.outside)


def _coupling(body: dict[str, object]) -> Coupling:
    stored = COUPLING.unpack(body)
    ends = [_end(stored.business_central), _end(stored.dataverse)]
    attempt = _attempt(stored.attempt) if stored.attempt else None
    return Coupling(ends[0], ends[1], stored.coupled_at, stored.synchronized_at, attempt)


def _end(end: _StoredEnd) -> CoupledRecord:
    base = None if end.base is None else from_document(end.base)
    return CoupledRecord(end.id, base, end.etag, end.number, end.title, end.outside)


def _intent_body(intent: Intent) -> dict[str, object]:
    base = {side: to_document(values) for side, values in intent.base.items()}
    stored = _StoredIntent(
        intent.source,
        intent.source_id,
        intent.target_id,
        to_document(intent.values),
        base,
        intent.begun_at,
        intent.in_doubt_until,
        intent.replaces,
    )
    return INTENT.pack(stored)


def _intent(body: dict[str, object]) -> Intent:
    stored = INTENT.unpack(body)
    return Intent(
        stored.source,
        stored.source_id,
        stored.target_id,
        from_document(stored.values),
        {side: from_document(values) for side, values in stored.base.items()},
        stored.begun_at,
        stored.in_doubt_until,
        stored.replaces,
    )
