"""The journal: what a chunk is about to write, stored before it is sent, and read again after a host has died.

One entry takes the place of a document for each record. When all went well nobody reads it; else its creates become
intents, which are looked for before anything is created again, and its changes become attempts of their couplings,
which tell our own edits from those of people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from shared.core.coupling import Attempt, Coupling
from shared.core.failures import NeedsPerson
from shared.core.jobs import Counters
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.services.pass_context import Slice
from shared.services.repositories.coupling_documents import (
    Intent,
    attempt_body,
    attempt_from,
    intent_body,
    intent_from,
)

VERSION = 1
LARGEST = 250_000  # characters of JSON in one entry; a document takes 400,000


@dataclass(frozen=True, slots=True)
class Announced:
    """A change about to be sent: of which coupling, at which version of its document, and what is attempted."""

    business_central_id: str
    version: str | None
    attempt: Attempt


def announced(mapping: Mapping, coupling: Coupling) -> Announced:
    """The change that a coupling attempts; of its base only the lines that are written, for nothing else is asked."""
    attempt = coupling.attempt
    assert attempt is not None
    written = [
        line
        for line in mapping.fields
        if any(set(line.columns(side)) & attempt.writes.get(side, {}).keys() for side in Side)
    ]
    columns = {side: {name for line in written for name in line.columns(side)} for side in Side}
    base = {
        side: {name: value for name, value in values.items() if name in columns[side]}
        for side, values in attempt.base.items()
    }
    return Announced(coupling.business_central.id, coupling.version, replace(attempt, base=base))


def entries(intents: Iterable[Intent], changes: Iterable[Announced]) -> list[dict[str, object]]:
    """The bodies of as few entries as hold these creates and changes."""
    items: list[dict[str, object]] = [{"create": intent_body(intent)} for intent in intents]
    items += [
        {"change": one.business_central_id, "version": one.version, "attempt": attempt_body(one.attempt)}
        for one in changes
    ]
    bodies: list[dict[str, object]] = []
    room = 0
    for item in items:
        size = len(json.dumps(item))
        if size > room or not bodies:
            bodies.append({"version": VERSION, "items": []})
            room = LARGEST
        cast(list[object], bodies[-1]["items"]).append(item)
        room -= size
    return bodies


async def replay(work: Slice) -> None:
    """Put what an earlier holder announced where it belongs, and count what it is known to have done."""
    rows = await work.services.runs(work.mapping.name).journal()
    if not rows:
        return
    items = [item for row in rows for item in _items(row.body)]
    await _replay_creates(work, [intent_from(item["create"]) for item in items if "create" in item])
    changes = [item for item in items if "change" in item]
    await _replay_changes(work, {str(item["change"]): _announced(item) for item in changes})
    work.ledger.settle(row.key for row in rows)
    await work.ledger.write()


async def _replay_creates(work: Slice, intents: Sequence[Intent]) -> None:
    open_ones = []
    for source in Side:
        mine = [intent for intent in intents if intent.source is source]
        couplings = await work.couplings.find(source, [intent.source_id for intent in mine])
        for intent in mine:
            coupling = couplings.get(intent.source_id)
            if coupling is None or (coupling.business_central.id, coupling.dataverse.id) == intent.replaces:
                open_ones.append(intent)
                continue
            work.state.coupled += 0 if intent.replaces else 1
            if source in work.run.counters:
                work.run.counters[source].add(Counters(inserted=1))
    if open_ones:
        await work.couplings.begin(open_ones)


async def _replay_changes(work: Slice, changes: dict[str, Announced]) -> None:
    """A coupling that moved on since was stored after its writes; one that did not may or may not have been written."""
    couplings = await work.couplings.find(Side.BUSINESS_CENTRAL, changes)
    open_ones = []
    for key, coupling in couplings.items():
        change = changes[key]
        if coupling.version == change.version:
            open_ones.append(replace(coupling.unsure(), attempt=change.attempt))
        elif coupling.attempt is None and _is_proven(coupling, change.attempt):
            for written in change.attempt.writes:
                if written.other in work.run.counters:
                    work.run.counters[written.other].add(Counters(modified=1))
    if open_ones:
        await work.couplings.save(open_ones)


def _is_proven(coupling: Coupling, attempt: Attempt) -> bool:
    """Whether the coupling holds what the attempt was to lead to."""
    bases = ((coupling.at(side).base or {}, values) for side, values in attempt.base.items())
    return all(base.get(name) == value for base, values in bases for name, value in values.items())


def _items(body: dict[str, Any]) -> list[dict[str, Any]]:
    if body.get("version") != VERSION:
        raise NeedsPerson(
            "The journal of a run was written by another release of this app. Deploy that release again, and let the "
            "run end.",
            code="stored_by_newer_release",
        )
    return list(body["items"])


def _announced(item: dict[str, Any]) -> Announced:
    return Announced(str(item["change"]), item["version"], attempt_from(item["attempt"]))
