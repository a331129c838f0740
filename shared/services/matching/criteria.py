"""From a request to what is compared: the mapping that is meant, its match fields, the records that were selected."""

from __future__ import annotations

from dataclasses import dataclass

from shared.core.mapping import Mapping as TableMapping
from shared.core.match_criteria import CriteriaError, MatchCriteria, criteria_of
from shared.core.sides import Side
from shared.core.tables import Table
from shared.services.context import Services
from shared.services.forms.matching import CriteriaForm
from shared.services.problems import Problem
from shared.services.references import ReferenceMemory
from shared.services.which_mapping import mapping_meant


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is to be compared. `selected` are the BC records that were chosen; none: all that pass the filter."""

    services: Services
    mapping: TableMapping
    tables: dict[Side, Table]
    criteria: MatchCriteria
    references: ReferenceMemory
    selected: tuple[str, ...] = ()


async def comparison_of(services: Services, form: CriteriaForm) -> Comparison:
    """What a request asks to compare. Raises Problem (400, 404, 409)."""
    mapping = await mapping_meant(services, form.mapping, form.table)
    return comparison_in(services, mapping, form)


def comparison_in(services: Services, mapping: TableMapping, form: CriteriaForm) -> Comparison:
    """The same within a mapping that is known. Raises Problem (400, 409)."""
    tables = services.tables_of(mapping)
    selected = tuple(dict.fromkeys(form.business_central_ids))
    return Comparison(services, mapping, tables, _criteria(mapping, tables, form), ReferenceMemory(services), selected)


def _criteria(mapping: TableMapping, tables: dict[Side, Table], form: CriteriaForm) -> MatchCriteria:
    groups = form.match_by if form.match_by is not None else mapping.match_by
    if not groups:
        raise Problem(409, "no_match_fields", f"{mapping.name} has no match fields; name some in `match_by`.")
    named = {name for group in groups for name in group}
    _check_fields(mapping, named, "match_by")
    _check_fields(mapping, form.case_sensitive, "case_sensitive")
    try:
        return criteria_of(
            mapping,
            tables,
            groups=groups,
            case_sensitive=form.case_sensitive,
            blanks=form.blanks,
            accumulated=form.accumulated,
        )
    except CriteriaError as wrong:
        raise Problem(400, "invalid_value", str(wrong), field="match_by") from wrong


def _check_fields(mapping: TableMapping, names: set[str] | tuple[str, ...], member: str) -> None:
    known = {line.business_central for line in mapping.fields if line.business_central and line.dataverse}
    for name in sorted(set(names) - known):
        text = f"{member}: {mapping.name} has no field mapping for {name}. Its fields are {', '.join(sorted(known))}."
        raise Problem(400, "unknown_field", text, field=member)
