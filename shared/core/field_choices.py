"""Synchronizing a pair field by field: a person says for some fields which side's value is used; the rest is merged.

Fields that make sense only together (a field group, such as an address) go together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.core.actions import Action, Change, Remember, Views
from shared.core.coupling import Coupling
from shared.core.lines import sources_of
from shared.core.mapping import ConflictScope, FieldMapping
from shared.core.mapping import Mapping as TableMapping
from shared.core.plan import decide, without_attempt
from shared.core.prepare import once_per_object
from shared.core.reasons import Reason
from shared.core.sides import Side
from shared.core.sync_options import forced, with_other_lines
from shared.core.transfer import References, Tables

type FieldChoices = Mapping[str, Side]
"""The side whose value is used, by field (the caption of a field mapping)."""


def decide_fields(
    mapping: TableMapping,
    chosen: FieldChoices,
    views: Views,
    coupling: Coupling,
    tables: Tables,
    references: References,
    now: datetime,
) -> Action:
    """The action that carries out these choices for a coupled pair whose records were both read.

    The side that is chosen is the only one that has moved, whatever the base says; so its value is carried over.
    """
    before = without_attempt(mapping, views, coupling, tables)
    moved = _moved(mapping, chosen, views, before)
    by_field = _by_field(forced(mapping, mapping.direction))
    action = decide(by_field, views, moved, tables, references, now)
    match action:
        case Change():
            after = with_other_lines(action.coupling, before)
            return replace(action, before=before, coupling=after, reason=Reason.CHOSEN)
        case Remember():
            return replace(action, coupling=with_other_lines(action.coupling, before))
        case _:
            return action


def problem_of(mapping: TableMapping, chosen: FieldChoices) -> tuple[str, str] | None:
    """What is wrong with such a choice: the field, and a sentence; None when it is good."""
    groups: dict[str, Side] = {}
    lines = {line.caption: line for line in mapping.fields if line.enabled and not line.new_rows_only}
    for name, side in chosen.items():
        line = lines.get(name)
        if line is None:
            return name, f"{mapping.name} has no field {name}; it has {', '.join(lines)}."
        if side not in sources_of(mapping, line):
            return name, f"The value of {name} does not leave {side.product}."
        if line.group and groups.setdefault(line.group, side) is not side:
            return name, f"{name} belongs to {line.group}: its fields go together."
    return None


def _moved(mapping: TableMapping, chosen: FieldChoices, views: Views, before: Coupling) -> Coupling:
    """The coupling as if, in these fields, only the chosen side had moved since both last agreed."""
    after = before
    for line, source in _lines(mapping, chosen):
        own = line.columns(source)
        known = {name: value for name, value in (after.at(source).base or {}).items() if name not in own}
        there = views[source.other].record
        held = {name: there.values.get(name) for name in line.columns(source.other)} if there is not None else {}
        end, other = after.at(source), after.at(source.other)
        after = after.with_end(source, replace(end, base=known, etag=None))
        after = after.with_end(source.other, replace(other, base={**(other.base or {}), **held}, etag=None))
    return after


def _lines(mapping: TableMapping, chosen: FieldChoices) -> list[tuple[FieldMapping, Side]]:
    """The lines that are chosen, and those of their groups, with the side whose value is used."""
    groups = {line.group: side for line in mapping.fields if line.group and (side := chosen.get(line.caption))}
    found = ((line, chosen.get(line.caption) or groups.get(line.group or "")) for line in mapping.fields)
    return [(line, side) for line, side in found if side and line.enabled and side in sources_of(mapping, line)]


@once_per_object
def _by_field(mapping: TableMapping) -> TableMapping:
    """What is decided field by field is compared field by field, too."""
    return mapping.model_copy(update={"conflict_scope": ConflictScope.FIELD})
