"""The calls that cure a cause: couple or create the parent, decide a conflict, restore what was deleted, try again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlencode

from shared.core.actions import Seen, View
from shared.core.causes import OUTSIDE, Cause
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import ReferenceKind
from shared.core.reasons import Reason
from shared.core.refusals import name_of_record
from shared.core.sides import Side
from shared.core.sync_choice import SyncChoice
from shared.core.sync_options import choices
from shared.services.context import Services
from shared.services.forms.errors import FixAnswer
from shared.services.tasks.lookup import read_both

_BY_ID = (ReferenceKind.COUPLED_RECORD, ReferenceKind.CURRENCY)


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that others wait for: in which mapping, its id and name, and whether it is coupled by now.

    `text` is what to look for on the other side.
    """

    mapping: TableMapping
    side: Side
    id: str
    name: str
    text: str
    in_filter: bool
    coupled: bool


@dataclass(slots=True)
class Parents:
    """The parents of some causes, as far as they can be found."""

    _found: dict[Cause, Parent] = field(default_factory=dict)

    @classmethod
    async def of(cls, services: Services, causes: Iterable[Cause]) -> Parents:
        """Look the parents of these causes up, all of a mapping at once."""
        parents = cls()
        waiting = [cause for cause in causes if cause.reason is Reason.WAITS_FOR_PARENT and cause.value is not None]
        for name in sorted({name for cause in waiting for name in cause.parents}):
            stored = await services.mappings.get(name)
            if stored is not None:
                mine = [cause for cause in waiting if name in cause.parents]
                await parents._look_up(services, stored.mapping, mine)
        return parents

    def get(self, cause: Cause) -> Parent | None:
        """The parent that a cause asks for."""
        return self._found.get(cause)

    def name_of(self, cause: Cause) -> str:
        """What people call it; empty when it was not found."""
        parent = self._found.get(cause)
        return parent.name if parent else ""

    async def _look_up(self, services: Services, mapping: TableMapping, causes: Sequence[Cause]) -> None:
        ids = await _ids(services, mapping, causes)
        by_side = {side: sorted({one for cause, one in ids.items() if cause.side is side}) for side in Side}
        views = await read_both(services, mapping, by_side)
        coupled = {side: await services.couplings(mapping.name).find(side, by_side[side]) for side in Side}
        for cause, one in ids.items():
            view = views[cause.side][one]
            known = self._found.get(cause)
            if view.seen is Seen.PRESENT and (known is None or (view.in_filter and not known.in_filter)):
                is_coupled = one in coupled[cause.side]
                self._found[cause] = _parent(services, mapping, cause.side, view, coupled=is_coupled)


def _parent(services: Services, mapping: TableMapping, side: Side, view: View, *, coupled: bool) -> Parent:
    assert view.record is not None
    tables, values = services.tables_of(mapping), view.record.values
    known_by = tables[side].number if tables[side.other].number else tables[side].title
    text = str(values.get(known_by or "") or values.get(tables[side].title or "") or "")
    name = name_of_record(view.record, tables[side])
    return Parent(mapping, side, view.record.id, name, text, view.in_filter, coupled)


async def _ids(services: Services, mapping: TableMapping, causes: Sequence[Cause]) -> dict[Cause, str]:
    """The ids of the parents: most causes have them, of some only the number is known."""
    table = services.tables_of(mapping)[Side.BUSINESS_CENTRAL]
    kinds = await _kinds(services, causes)
    ids = {cause: str(cause.value) for cause in causes if kinds.get(cause) in _BY_ID or cause.side is Side.DATAVERSE}
    numbered = {
        str(cause.value): cause
        for cause in causes
        if kinds.get(cause) is ReferenceKind.COUPLED_NUMBER and cause.side is Side.BUSINESS_CENTRAL
    }
    if numbered and table.number is not None:
        found = await services.business_central.find(table, [table.number], table.number, sorted(numbered))
        ids |= {numbered[number]: row.id for row in found if (number := str(row.values[table.number])) in numbered}
    return ids


async def _kinds(services: Services, causes: Sequence[Cause]) -> dict[Cause, ReferenceKind]:
    """How the lines refer to the parents that these causes are about."""
    lines = {
        (line.caption, line.reference.mappings): line.reference.kind
        for stored in await services.mappings.all()
        for line in stored.mapping.fields
        if line.reference is not None
    }
    return {cause: kind for cause in causes if (kind := lines.get((cause.line, cause.parents))) is not None}


def fixes_of(cause: Cause, mappings: Mapping[str, TableMapping], parents: Parents) -> Iterator[FixAnswer]:
    """The ways out of a cause; none where people have to do something that no call can do."""
    match cause.reason:
        case Reason.WAITS_FOR_PARENT:
            if (parent := parents.get(cause)) is not None:
                yield from _couple(parent)
        case Reason.UPDATE_CONFLICT:
            yield from _decide(cause, mappings[cause.mapping])
        case Reason.DELETION_CONFLICT:
            filter = _filter(cause)
            yield _post("Create the deleted records anew.", "errors/restore", {"filter": filter})
            yield _post("Delete the other records, too.", "errors/delete-records", {"filter": filter})
            yield _post("Keep the other records, uncoupled.", "errors/delete-couplings", {"filter": filter})
        case Reason.OPTION_NOT_MAPPED:
            sentence = "Once the choice is there: look for it at once."
            yield _post(sentence, "errors/retry-all", {"filter": _filter(cause)})
        case reason if reason in OUTSIDE:
            yield _post("Once it is cured: try all of them at once.", "errors/retry-all", {"filter": _filter(cause)})


def _couple(parent: Parent) -> Iterator[FixAnswer]:
    mapping, side = parent.mapping, parent.side
    path = f"mappings/{mapping.name}/synchronize"
    if parent.coupled:
        yield _post("It is coupled by now; what waits follows with the next run.", "synchronize")
        return
    creates = mapping.direction.allows(side) and side.other in mapping.create_new_in and parent.in_filter
    if creates and mapping.enabled and not mapping.synch_only_coupled_records:
        yield _post(f"Let {mapping.name} create it in {side.other.product} and couple it.", path)
    elif creates:
        pair = {f"{side}_id": parent.id, "create_new": True}
        sentence = f"Create it in {side.other.product} and couple it."
        yield _post(sentence, "couple", {"mapping": mapping.name, "pairs": [pair]})
    if not parent.text:
        return
    query = urlencode({"mapping": mapping.name, "side": side.other.value, "text": parent.text[:100]})
    sentence = f"Find it in {side.other.product}; then couple both with `POST /api/couple`."
    yield FixAnswer(sentence=sentence, method="GET", path=f"candidates?{query}")


def _decide(cause: Cause, mapping: TableMapping) -> Iterator[FixAnswer]:
    for choice in choices(mapping):
        if choice is not SyncChoice.MERGE and choice.source is not None:
            sentence = f"Use the data of {choice.source.product} for all of them."
            yield _post(sentence, "errors/synchronize", {"filter": _filter(cause), "choice": choice.value})


def _filter(cause: Cause) -> dict[str, Any]:
    return {"mapping": cause.mapping, "cause": cause.id}


def _post(sentence: str, path: str, body: dict[str, Any] | None = None) -> FixAnswer:
    method: Literal["POST"] = "POST"
    return FixAnswer(sentence=sentence, method=method, path=path, body=body)
