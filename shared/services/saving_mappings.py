"""Checking mappings with everything around them, and storing them: the one way in which a mapping is changed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from shared.core.check_line import member_of
from shared.core.check_mapping import problems_of, problems_of_name, unknown_tables
from shared.core.check_together import problems_among
from shared.core.mapping import Mapping, ReferenceKind
from shared.core.mapping_problem import MappingProblem
from shared.core.sides import Side
from shared.core.tables import Table
from shared.ports import StateConflict
from shared.services.context import Services
from shared.services.mapping_tables import Described, changes_of_tables, describe
from shared.services.problems import Problem
from shared.services.repositories.mappings import StoredMapping


async def problems_of_all(
    services: Services, mapping: Mapping, others: Sequence[Mapping], described: Described, before: Mapping | None = None
) -> list[MappingProblem]:
    """Everything that is wrong with a mapping that is to stand beside these, warnings included.

    The services are asked whether they take filters that differ from those of `before`.
    """
    names, found = problems_of_name(mapping.name), described.of(mapping)
    if missing := unknown_tables(mapping, found):
        return [*names, *missing]
    tables = {side: table for side, table in found.items() if table is not None}
    own = problems_of(mapping, tables)
    refused = await _refused_filters(services, mapping, tables, own, before)
    choices = _choices(mapping, described)
    return [*names, *own, *refused, *choices, *problems_among(mapping, others, tables)]


def refuse(problems: Sequence[MappingProblem]) -> None:
    """Raises Problem (400) that names everything that is wrong; warnings do not count."""
    wrong = [problem for problem in problems if not problem.warning]
    if wrong:
        first, more = wrong[0], len(wrong) - 1
        rest = f" And {more} more; `problems` has them all." if more else ""
        raise Problem(400, first.code, f"{first.member}: {first.message}{rest}", field=first.member, problems=wrong)


async def checked(
    services: Services, mapping: Mapping, others: Sequence[Mapping], before: Mapping | None = None
) -> Described:
    """The tables of a mapping with which nothing is wrong. Raises Problem (400).

    What was wrong with it `before` hinders nobody from changing or disabling it; enabled it must be sound.
    """
    described = await describe(services, mapping)
    problems = await problems_of_all(services, mapping, others, described, before)
    if before is not None and not mapping.enabled:
        earlier = await describe(services, before)  # its tables may have been others
        known = {(one.code, one.member) for one in await problems_of_all(services, before, others, earlier, before)}
        problems = [one for one in problems if (one.code, one.member) not in known]
    refuse(problems)
    return described


async def replace_mapping(
    services: Services, stored: StoredMapping, mapping: Mapping, changed_by: str
) -> StoredMapping:
    """Store a mapping in place of the one it was, if nothing is wrong with it. Raises Problem (400, 409, 412)."""
    if mapping == stored.mapping:
        return stored
    await _refuse_other_tables(services, stored.mapping, mapping)
    described = await checked(services, mapping, await mappings_beside(services, mapping.name), stored.mapping)
    return await save_mapping(services, mapping, described.read, stored.etag, changed_by)


async def mappings_beside(services: Services, name: str) -> list[Mapping]:
    """The other mappings of the connection."""
    return [one.mapping for one in await services.mappings.all() if one.mapping.name != name]


def refuse_other_version(stored: StoredMapping, etag: str | None) -> None:
    """Raises Problem (412) when the caller means another version of the mapping."""
    if etag not in (None, "*", stored.etag):
        raise changed_meanwhile()


async def _refuse_other_tables(services: Services, before: Mapping, after: Mapping) -> None:
    """Couplings join records of the tables they were made for."""
    if all(before.table(side).table == after.table(side).table for side in Side):
        return
    couplings, _ = await services.couplings(before.name).page(limit=1)
    if couplings:
        text = f"{before.name} has couplings, which belong to its tables. Uncouple its records first, or make another."
        raise Problem(409, "tables_in_use", text, field="business_central.table")


async def save_mapping(
    services: Services, mapping: Mapping, tables: Sequence[Table], etag: str | None, changed_by: str
) -> StoredMapping:
    """Store a checked mapping with what was read of its tables; its next run is due at once. `etag` None: it is new.

    `changed_by` is who asked for it. Raises Problem: 412 when somebody else was quicker, 409 while what was kept for a
    former mapping of this name still goes.
    """
    if etag is None and await services.mappings.removal(mapping.name) is not None:
        text = f"{mapping.name} is still being removed; create it when that job has ended."
        raise Problem(409, "mapping_being_removed", text, field="name", retry_after=5)
    stored = {one.mapping.name: one.mapping for one in await services.mappings.all()}
    after = {**stored, mapping.name: mapping}
    try:
        saved = await services.mappings.save(mapping, etag, changes_of_tables(services, after.values(), tables))
    except StateConflict as conflict:
        raise changed_meanwhile() from conflict
    if mapping.enabled or etag is not None:
        await make_due(services, mapping.name)
    return saved


def changed_meanwhile() -> Problem:
    """Somebody else was quicker."""
    return Problem(412, "mapping_changed", "The mapping has been changed meanwhile; read it again.")


async def make_due(services: Services, mapping: str) -> None:
    """What was changed is tried at the next tick of the timer, not when its interval is over."""
    runs = services.runs(mapping)
    state = await runs.state()
    state.next_due_at = services.clock.now()
    with suppress(StateConflict):
        await runs.save(state)


async def _refused_filters(
    services: Services,
    mapping: Mapping,
    tables: dict[Side, Table],
    own: Sequence[MappingProblem],
    before: Mapping | None,
) -> list[MappingProblem]:
    """What the services say against the filters: those that cannot be read are told already."""
    told = {problem.member for problem in own}
    asked = [
        side
        for side in Side
        if (condition := mapping.table(side).filter).strip()
        and f"{side}_filter" not in told
        and (before is None or before.table(side).filter != condition or before.table(side) != mapping.table(side))
    ]
    answers = await asyncio.gather(
        *(services.rows(side).refusal_of(tables[side], mapping.table(side).filter) for side in asked)
    )
    return [
        MappingProblem("filter_refused", f"{side}_filter", f"{side.product} refuses the filter: {said}")
        for side, said in zip(asked, answers, strict=True)
        if said is not None
    ]


def _choices(mapping: Mapping, described: Described) -> list[MappingProblem]:
    """The tables whose records choices mean must exist, with a code and a name to compare the labels with."""
    found = []
    for line in mapping.fields:
        if line.reference is None or line.reference.kind is not ReferenceKind.CHOICE:
            continue
        table = described.tables.get((Side.BUSINESS_CENTRAL, line.reference.table or ""))
        if table is None or table.number is None or table.title is None:
            text = (
                f"Choices are compared with the codes and names of a Business Central table; {line.reference.table} is "
                "none that has both. Name one in reference.table."
            )
            found.append(MappingProblem("wrong_reference", member_of(line), text))
    return found
