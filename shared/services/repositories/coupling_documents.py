"""How couplings and the intents to create are written down: bases with their decimals and times marked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from shared.core.coupling import Attempt, CoupledRecord, Coupling
from shared.core.sides import Side
from shared.core.tables import Values
from shared.core.values import from_document, to_document
from shared.ports import StateRow
from shared.services.repositories.documents import Shape


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


@dataclass(frozen=True, slots=True)
class _StoredEnd:
    id: str
    base: dict[str, object] | None
    etag: str | None
    number: str | None
    title: str | None
    outside: bool = False
    modified_at: datetime | None = None


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
    coupled_by: str = ""
    history: str = ""  # the last member: what reads the ids alone never comes to it


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


# Each end begins with its id. Nothing inside a text can look like this: its quotes are escaped.
_ID = re.compile(r' ?\{"id": ?"([^"]+)"')
_COUPLING = Shape(_StoredCoupling, "coupling")
_ATTEMPT = Shape(_StoredAttempt, "attempt")
_INTENT = Shape(_StoredIntent, "intent")
_POINTER = Shape(_Pointer, "coupling")


def coupling_body(coupling: Coupling) -> dict[str, object]:
    """The document of a coupling."""
    ends = [_stored_end(coupling.at(side)) for side in Side]
    attempt = _stored_attempt(coupling.attempt) if coupling.attempt else None
    times = (coupling.coupled_at, coupling.synchronized_at)
    return _COUPLING.pack(_StoredCoupling(ends[0], ends[1], *times, attempt, coupling.coupled_by, coupling.history))


def coupling_from(row: StateRow) -> Coupling:
    """The coupling that a document holds, with the document's version."""
    stored = _COUPLING.unpack(row.body)
    ends = [_end(stored.business_central), _end(stored.dataverse)]
    attempt = _attempt(stored.attempt) if stored.attempt else None
    times = (stored.coupled_at, stored.synchronized_at)
    return Coupling(ends[0], ends[1], *times, attempt, row.etag, stored.coupled_by, stored.history)


def ids_of(row: StateRow) -> tuple[str, str]:
    """The ids (BC, Dataverse) in a coupling's document, without reading the rest."""
    here, there = (_id_at(row.text, f'"{side}":') for side in Side)
    if here is None or there is None:
        coupling = coupling_from(row)
        return coupling.business_central.id, coupling.dataverse.id
    return here, there


def _id_at(text: str, end: str) -> str | None:
    """The id of the first object of this name. Looking for fixed text first is many times as quick."""
    at = text.find(end)
    found = _ID.match(text, at + len(end)) if at >= 0 else None
    return found[1] if found else None


def pointer_body(coupling: Coupling) -> dict[str, object]:
    """The document that leads from the Dataverse id to the coupling."""
    return _POINTER.pack(_Pointer(coupling.business_central.id))


def pointed_at(row: StateRow) -> str:
    """The BC id that a pointer leads to."""
    return _POINTER.unpack(row.body).business_central


def intent_body(intent: Intent) -> dict[str, object]:
    """The document of an intent."""
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
    return _INTENT.pack(stored)


def intent_from(body: dict[str, object]) -> Intent:
    """The intent that a document holds."""
    stored = _INTENT.unpack(body)
    base = {side: from_document(values) for side, values in stored.base.items()}
    values, replaces = from_document(stored.values), stored.replaces
    return Intent(
        stored.source,
        stored.source_id,
        stored.target_id,
        values,
        base,
        stored.begun_at,
        stored.in_doubt_until,
        replaces,
    )


def attempt_body(attempt: Attempt) -> dict[str, object]:
    """The document of an attempt."""
    return _ATTEMPT.pack(_stored_attempt(attempt))


def attempt_from(body: dict[str, object]) -> Attempt:
    """The attempt that a document holds."""
    return _attempt(_ATTEMPT.unpack(body))


def stored_as(coupling: Coupling, version: str | None) -> Coupling:
    """The coupling with the version that the storage gave it."""
    return replace(coupling, version=version)


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
    return _StoredEnd(end.id, base, end.etag, end.number, end.title, end.outside, end.modified_at)


def _end(end: _StoredEnd) -> CoupledRecord:
    base = None if end.base is None else from_document(end.base)
    return CoupledRecord(end.id, base, end.etag, end.number, end.title, end.outside, end.modified_at)
