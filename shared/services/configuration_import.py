"""Importing a configuration file: first what it would change and all that is wrong, then just that or nothing.

A preview has a digest of the file and of the configuration it was compared with. Only with that digest is a file
applied, so what is done is what was looked at; all changes are one transaction, so half a configuration is never
stored.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.core.configuration_diff import MemberChange, differences
from shared.core.configuration_file import DescribedTable, Entry, Fault, path_of, read_configuration
from shared.core.mapping import Mapping
from shared.core.mapping_problem import MappingProblem
from shared.core.tables import Table
from shared.ports import MAX_CHANGES, Insert, Put, StateChange, StateConflict
from shared.services.configuration_removal import (
    Hindrance,
    begun_removals,
    changes_of_removals,
    give_up_removals,
    hindrances_of_change,
    hindrances_of_removal,
    send_removals,
)
from shared.services.configuration_tables import moved_columns
from shared.services.configuration_text import Source, TextError, read_text
from shared.services.context import Services
from shared.services.mapping_tables import changes_of_tables, describe
from shared.services.problems import Problem
from shared.services.repositories.mappings import SHAPE, StoredMapping
from shared.services.saving_mappings import make_due, problems_of_all

OCCASION = "import"
BESIDE_OTHERS = {"unknown_dependency", "lookup_without_mapping", "dependency_loop", "same_tables", "column_owned_twice"}
"""What a mapping is told because of others: not before all of them can be read."""


@dataclass(frozen=True, slots=True)
class ImportProblem:
    """Something wrong, or unwise (`warning`): in which line of the file, where that is known, and in which mapping."""

    line: int | None
    mapping: str | None
    member: str
    code: str
    message: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class MappingPlan:
    """What becomes of one mapping: `created`, `changed`, `removed` or `unchanged`, and what differs."""

    mapping: str
    action: str
    members: tuple[MemberChange, ...] = ()


@dataclass(slots=True)
class ImportPlan:
    """What an import would do, and what is wrong with it. With problems there is no digest, and nothing to apply.

    `changes` are the documents to store, `going` the mappings to remove.
    """

    mappings: list[MappingPlan] = field(default_factory=list)
    problems: list[ImportProblem] = field(default_factory=list)
    digest: str | None = None
    changes: list[StateChange] = field(default_factory=list)
    going: list[StoredMapping] = field(default_factory=list)

    @property
    def hindering(self) -> list[ImportProblem]:
        """The problems that are more than warnings."""
        return [problem for problem in self.problems if not problem.warning]

    def named(self, action: str) -> list[str]:
        """The mappings of which this becomes."""
        return [one.mapping for one in self.mappings if one.action == action]


@dataclass(frozen=True, slots=True)
class _Compared:
    """The file and what is stored: `after` is every mapping as it would be."""

    source: Source
    entries: dict[str, Entry]
    stored: dict[str, StoredMapping]
    after: dict[str, Mapping]

    def before(self, name: str) -> Mapping | None:
        return self.stored[name].mapping if name in self.stored else None


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Whether to look or to do what the preview with `digest` showed, and whether what is not in the file goes."""

    preview: bool = True
    remove_missing: bool = False
    digest: str | None = None


async def import_file(services: Services, content: bytes, options: ImportOptions, *, is_json: bool) -> ImportPlan:
    """Preview or apply a file. Raises Problem (400, 409), Passing, NeedsPerson."""
    try:
        source = read_text(content, is_json=is_json)
    except TextError as error:
        raise Problem(400, "unreadable_file", str(error)) from None
    if options.preview:
        return await plan_import(services, source, remove_missing=options.remove_missing)
    if options.digest is None:
        raise Problem(400, "digest_missing", "digest: hand in the digest of the preview to apply it.", field="digest")
    return await apply_import(services, source, options.digest, remove_missing=options.remove_missing)


async def plan_import(services: Services, source: Source, *, remove_missing: bool) -> ImportPlan:
    """What the file would change, and everything that is wrong. Raises Passing, NeedsPerson."""
    said = read_configuration(source.value)
    compared = await _compare(services, source, said.entries, remove_missing=remove_missing and not said.faults)
    names = compared.entries if said.faults else compared.stored.keys() | compared.after.keys()
    plan = ImportPlan([_planned(compared, name) for name in sorted(names)])
    if said.faults:
        return await _of_faults(services, compared, plan, said.faults)
    read = await _check(services, compared, plan)
    for position, table in said.tables.items():
        moved = moved_columns(table, services.known_table, read)
        plan.problems += [_warning_of_table(source, table, position, *one) for one in moved]
    _compose(services, compared, plan, read)
    if not plan.hindering:
        plan.digest = _digest(compared, remove_missing)
    return plan


async def _compare(services: Services, source: Source, entries: Iterable[Entry], *, remove_missing: bool) -> _Compared:
    stored = {one.mapping.name: one for one in await services.mappings.all()}
    named = {entry.mapping.name: entry for entry in entries}
    kept = {} if remove_missing else {name: one.mapping for name, one in stored.items()}
    return _Compared(source, named, stored, kept | {name: entry.mapping for name, entry in named.items()})


async def _of_faults(services: Services, compared: _Compared, plan: ImportPlan, faults: Iterable[Fault]) -> ImportPlan:
    """What is wrong with a file of which not all can be read; what can be read is checked as far as it stands alone."""
    found, _ = await _problems_of_mappings(services, compared, plan)
    alone = [one for one in found if one.code not in BESIDE_OTHERS]
    return ImportPlan(problems=_in_order([*(_problem_of_fault(compared.source, fault) for fault in faults), *alone]))


async def apply_import(services: Services, source: Source, digest: str, *, remove_missing: bool) -> ImportPlan:
    """Do what the preview with this digest showed, all of it or nothing; answers it.

    Raises Problem (400 something is wrong, 409 the file or the configuration is another one), Passing, NeedsPerson.
    """
    plan = await plan_import(services, source, remove_missing=remove_missing)
    if plan.hindering:
        raise _faulty(plan.hindering)
    if plan.digest != digest:
        raise _moved()
    await _store(services, plan)
    for name in (*plan.named("created"), *plan.named("changed")):
        await make_due(services, name)
    return plan


async def _store(services: Services, plan: ImportPlan) -> None:
    """All in one transaction. Raises Problem (409)."""
    removals = await begun_removals(services, plan.going)
    changes = [*plan.changes, *changes_of_removals(removals, plan.going)]
    if not changes:
        return
    try:
        await services.mappings.change(changes, OCCASION)
    except StateConflict as conflict:
        await give_up_removals(services, removals)
        raise _moved() from conflict
    await send_removals(services, removals)


def _planned(compared: _Compared, name: str) -> MappingPlan:
    before, after = compared.before(name), compared.after.get(name)
    if before == after:
        return MappingPlan(name, "unchanged")
    members = differences(before, after)
    if before is None:
        return MappingPlan(name, "created", members)
    return MappingPlan(name, "changed" if after else "removed", members)


async def _check(services: Services, compared: _Compared, plan: ImportPlan) -> list[Table]:
    """Tell the plan everything that is wrong; answers the tables that were read from the services for it."""
    found, read = await _problems_of_mappings(services, compared, plan)
    hindrances = [_problem_of_hindrance(compared, one) for one in await _hindrances(services, compared, plan)]
    plan.problems = _in_order([*found, *hindrances])
    return read


async def _problems_of_mappings(
    services: Services, compared: _Compared, plan: ImportPlan
) -> tuple[list[ImportProblem], list[Table]]:
    """What is wrong with the mappings that would be written, and the tables that were read for it."""
    written = [compared.after[name] for name in (*plan.named("created"), *plan.named("changed"))]
    checked = await asyncio.gather(*(_checked(services, compared, mapping) for mapping in written))
    told = zip(written, checked, strict=True)
    found = [_problem_of_mapping(compared, one, problem) for one, (problems, _) in told for problem in problems]
    tables = {(table.side, table.name): table for _, read in checked for table in read}
    return found, list(tables.values())


def _in_order(problems: Iterable[ImportProblem]) -> list[ImportProblem]:
    """As they stand in the file, warnings last."""
    return sorted(problems, key=lambda one: (one.warning, one.line or 0))


async def _checked(
    services: Services, compared: _Compared, mapping: Mapping
) -> tuple[list[MappingProblem], list[Table]]:
    """The same checks that every change of a mapping goes through, beside the mappings that there will be."""
    before = compared.before(mapping.name)
    others = [one for one in compared.after.values() if one.name != mapping.name]
    described = await describe(services, mapping)
    return await problems_of_all(services, mapping, others, described, before), described.read


async def _hindrances(services: Services, compared: _Compared, plan: ImportPlan) -> list[Hindrance]:
    """What is kept of mappings may stand against it."""
    found = await hindrances_of_removal(services, plan.named("removed"), list(compared.after.values()))
    for name in (*plan.named("created"), *plan.named("changed")):
        found += await hindrances_of_change(services, compared.before(name), compared.after[name])
    return found


def _compose(services: Services, compared: _Compared, plan: ImportPlan, read: Sequence[Table]) -> None:
    """The documents to store: each over just the version that was looked at."""
    for one in plan.mappings:
        if one.action in ("created", "changed"):
            body, stored = SHAPE.pack(compared.after[one.mapping]), compared.stored.get(one.mapping)
            plan.changes.append(Put(one.mapping, body, stored.etag) if stored else Insert(one.mapping, body))
    plan.going = [compared.stored[name] for name in plan.named("removed")]
    if any(one.action != "unchanged" for one in plan.mappings):
        plan.changes += changes_of_tables(services, compared.after.values(), read)
    if (many := len(plan.changes) + 2 * len(plan.going) + 2) > MAX_CHANGES:
        text = f"The file changes {many} documents at once; {MAX_CHANGES} are the most. Apply it in parts."
        plan.problems.append(ImportProblem(None, None, "mappings", "too_many_changes", text))


def _digest(compared: _Compared, remove_missing: bool) -> str:
    """Another file, another stored version, another choice: another digest."""
    versions = {name: one.etag for name, one in sorted(compared.stored.items())}
    told: list[Any] = [compared.source.value, versions, remove_missing]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]


def _problem_of_fault(source: Source, fault: Fault) -> ImportProblem:
    member = ".".join(map(str, fault.path))
    return ImportProblem(source.line_of(fault.path), _name_at(source, fault.path), member, fault.code, fault.message)


def _name_at(source: Source, path: Sequence[str | int]) -> str | None:
    """The name of the mapping that a place belongs to, where it has one."""
    if len(path) < 2 or path[0] != "mappings":
        return None
    entry = source.value["mappings"][path[1]]
    name = entry.get("name") if isinstance(entry, dict) else None
    return name if isinstance(name, str) else None


def _problem_of_mapping(compared: _Compared, mapping: Mapping, problem: MappingProblem) -> ImportProblem:
    path = (*compared.entries[mapping.name].path, *path_of(problem.member, mapping))
    line = compared.source.line_of(path)
    return ImportProblem(line, mapping.name, problem.member, problem.code, problem.message, problem.warning)


def _problem_of_hindrance(compared: _Compared, found: Hindrance) -> ImportProblem:
    entry = compared.entries.get(found.mapping)
    line = compared.source.line_of((*entry.path, *path_of(found.member, entry.mapping))) if entry else None
    return ImportProblem(line, found.mapping, found.member, found.code, found.message)


def _warning_of_table(source: Source, table: DescribedTable, position: int, column: str, message: str) -> ImportProblem:
    line = source.line_of(("tables", position, "columns", column))
    return ImportProblem(line, None, f"tables.{table.name}.{column}", "table_moved", message, warning=True)


def _faulty(problems: Iterable[ImportProblem]) -> Problem:
    first, *more = problems
    at = f"Line {first.line}: " if first.line else ""
    rest = f" And {len(more)} more; the preview has them all." if more else ""
    return Problem(400, "faulty_configuration", f"{at}{first.message}{rest}", field=first.member)


def _moved() -> Problem:
    text = "The file, or the configuration, is not the one of this preview. Look at a new preview and take its digest."
    return Problem(409, "configuration_moved", text, field="digest")
