"""Which errors an action is for: those that are named, or all that a filter lets through; and why not for some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from shared.core.error_actions import ErrorAction, refusal_of
from shared.core.mapping import Mapping as TableMapping
from shared.core.refusals import Refusal, RefusalCode
from shared.services.context import Services
from shared.services.error_list import mappings_of, matching
from shared.services.error_rows import id_of, state_of
from shared.services.error_state import Looked, look_at
from shared.services.forms.base import MOST_IDS
from shared.services.forms.errors import ErrorFilter, ErrorSelection, RefusedError
from shared.services.naming import refusal_answer
from shared.services.repositories.work_items import WorkItem


@dataclass(frozen=True, slots=True)
class Chosen:
    """One error that an action is for, with its mapping, and what there is of it."""

    item: WorkItem
    mapping: TableMapping
    looked: Looked


type Condition = Callable[[Chosen], Refusal | None]


@dataclass(slots=True)
class Selection:
    """The errors of a request by mapping, parents first come first served, and those for which nothing is done."""

    chosen: dict[str, list[Chosen]] = field(default_factory=dict)
    refused: list[tuple[str, Refusal]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many errors something is done for."""
        return sum(map(len, self.chosen.values()))

    def keep(self, condition: Condition) -> None:
        """Refuse those for which the condition gives a reason."""
        for name, rows in list(self.chosen.items()):
            judged = [(one, condition(one)) for one in rows]
            self.refused += [(id_of(one.item), refusal) for one, refusal in judged if refusal is not None]
            self.chosen[name] = [one for one, refusal in judged if refusal is None]
        self.chosen = {name: rows for name, rows in self.chosen.items() if rows}

    def answers(self) -> tuple[RefusedError, ...]:
        """The first thousand of those for which nothing is done."""
        told = self.refused[:MOST_IDS]
        return tuple(RefusedError(id=one, refusal=refusal_answer(refusal)) for one, refusal in told)


async def select(services: Services, selection: ErrorSelection, action: ErrorAction | None) -> Selection:
    """The errors for which an action can be had; without an action all that are open. Raises Problem (404).

    Up to a thousand are looked at anew; of more than that the last look counts, and the job looks at each once more.
    """
    mappings, items, unknown = await _items(services, selection)
    by_mapping: dict[str, list[WorkItem]] = {}
    for item in items:
        by_mapping.setdefault(item.mapping, []).append(item)
    selected = Selection(refused=[(one, _unknown(one)) for one in unknown])
    for name, mine in by_mapping.items():
        looked = await _looked(services, mappings[name], mine, anew=action is not None and len(items) <= MOST_IDS)
        selected.chosen[name] = [Chosen(item, mappings[name], looked[item.key]) for item in mine]
    if action is not None:
        selected.keep(lambda one: _refusal(services, action, one))
    return selected


async def all_open(services: Services, wanted: ErrorFilter) -> Selection:
    """All errors that a filter lets through, as they were when they were looked at last. Raises Problem (404)."""
    return await select(services, ErrorSelection(filter=wanted), None)


async def _items(
    services: Services, selection: ErrorSelection
) -> tuple[Mapping[str, TableMapping], list[WorkItem], list[str]]:
    """The mappings, the open items that are meant, and what is named and not open."""
    if selection.filter is not None:
        mappings = await mappings_of(services, selection.filter)
        return mappings, [item async for item in matching(services, mappings, selection.filter)], []
    mappings = {stored.mapping.name: stored.mapping for stored in await services.mappings.all()}
    named = [(one.mapping, one.key) for one in selection.errors]
    named += [(mapping, key) for mapping, _, key in (one.partition("|") for one in selection.ids)]
    keys: dict[str, list[str]] = {}
    for mapping, key in dict.fromkeys((mapping.upper(), key) for mapping, key in named):
        keys.setdefault(mapping, []).append(key)
    items: list[WorkItem] = []
    unknown: list[str] = []
    for mapping, mine in keys.items():
        found = await services.work_items(mapping).get_many(mine) if mapping in mappings else {}
        items += [found[key] for key in mine if key in found]
        unknown += [f"{mapping}|{key}" for key in mine if key not in found]
    return mappings, items, unknown


async def _looked(
    services: Services, mapping: TableMapping, items: list[WorkItem], *, anew: bool
) -> Mapping[str, Looked]:
    if anew:
        return await look_at(services, mapping, items)
    return {item.key: Looked({side: item.versions.get(side) for side in item.there}, item.is_coupled) for item in items}


def _refusal(services: Services, action: ErrorAction, one: Chosen) -> Refusal | None:
    tables = services.tables_of(one.mapping)
    state = state_of(one.item, one.looked.there, tables, one.mapping, coupled=one.looked.coupled)
    return refusal_of(action, state)


def _unknown(one: str) -> Refusal:
    return Refusal(RefusalCode.UNKNOWN_ERROR, f"There is no open error {one}.")
