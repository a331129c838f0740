"""The journal: what a chunk is about to write, stored before it is sent, and read again after a host has died.

One entry takes the place of a document for each record. When all went well nobody reads it; else its creates become
intents, which are looked for before anything is created again, and its changes become attempts of their couplings,
which tell our own edits from those of people.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from shared.core.coupling import Attempt, Coupling
from shared.core.failures import NeedsPerson
from shared.core.history import What, touches_in
from shared.core.jobs import Counters
from shared.core.mapping import Mapping
from shared.core.sides import Side
from shared.ports import StateRow
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


def announced(mapping: Mapping, couplings: Iterable[Coupling]) -> Iterator[Announced]:
    """The changes that couplings attempt; of a base only the lines that are written, for nothing else is asked."""
    lines = [{side: frozenset(line.columns(side)) for side in Side} for line in mapping.fields]
    for coupling in couplings:
        attempt = coupling.attempt
        assert attempt is not None
        written = [
            line for line in lines if any(not line[side].isdisjoint(sent) for side, sent in attempt.writes.items())
        ]
        base = {
            side: {name: values[name] for line in written for name in line[side] if name in values}
            for side, values in attempt.base.items()
        }
        yield Announced(coupling.business_central.id, coupling.version, replace(attempt, base=base))


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


async def replay(work: Slice, rows: Sequence[StateRow]) -> None:
    """Put what an earlier holder announced (`rows`) where it belongs, and count what it is known to have done.

    Counted is only when nothing can fail any more: the counters and the end of the entries are stored at once.
    """
    items = [item for row in rows for item in _items(row.body)]
    created = await _replay_creates(work, [intent_from(item["create"]) for item in items if "create" in item])
    changes = [item for item in items if "change" in item]
    changed = await _replay_changes(work, {str(item["change"]): _announced(item) for item in changes})
    _count(work, [intent.source for intent in created], Counters(inserted=1))
    _count(work, changed, Counters(modified=1))
    work.state.coupled += sum(1 for intent in created if not intent.replaces)
    work.ledger.settle(row.key for row in rows)
    await work.ledger.write()


def _count(work: Slice, sources: Iterable[Side], each: Counters) -> None:
    for source in sources:
        if source in work.run.counters:
            work.run.counters[source].add(each)


async def _replay_creates(work: Slice, intents: Sequence[Intent]) -> list[Intent]:
    """Keep in doubt what is; those that are known to have been created."""
    open_ones, created = list[Intent](), list[Intent]()
    for source in Side:
        mine = [intent for intent in intents if intent.source is source]
        couplings = await work.couplings.find(source, [intent.source_id for intent in mine])
        for intent in mine:
            coupling = couplings.get(intent.source_id)
            is_open = coupling is None or (coupling.business_central.id, coupling.dataverse.id) == intent.replaces
            (open_ones if is_open else created).append(intent)
    if open_ones:
        await work.couplings.begin(open_ones)
    return created


async def _replay_changes(work: Slice, changes: dict[str, Announced]) -> list[Side]:
    """A coupling that moved on since was stored after its writes; one that did not may or may not have been written.

    Answers the source sides of what its history says was written since: that the coupling holds what the attempt was to
    lead to proves nothing, for it may have held that before.
    """
    couplings = await work.couplings.find(Side.BUSINESS_CENTRAL, changes)
    open_ones, changed = list[Coupling](), list[Side]()
    for key, coupling in couplings.items():
        change = changes[key]
        if coupling.version == change.version:
            open_ones.append(replace(coupling.unsure(), attempt=change.attempt))
        else:
            changed += [side.other for side in change.attempt.writes if side in _written_since(coupling, change)]
    if open_ones:
        await work.couplings.save(open_ones)
    return changed


def _written_since(coupling: Coupling, change: Announced) -> set[Side]:
    """The sides that were written after the change was announced."""
    touches = (touch for touch in touches_in(coupling.history) if touch.at >= change.attempt.begun_at)
    return {one.side for touch in touches if touch.what is What.UPDATED for one in touch.changes}


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
