"""What is wrong with a mapping beside the others of its connection.

Two mappings may share a table as long as no record concerns both: customers and vendors are accounts of different
types. Whether filters exclude each other is judged by what both demand of one column; in doubt they do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shared.core.check_line import member_of
from shared.core.filters import FilterError, demands_of
from shared.core.mapping import Mapping as TableMapping
from shared.core.mapping import ReferenceKind
from shared.core.mapping_problem import MappingProblem, Problems
from shared.core.sides import Side
from shared.core.tables import Table

_BY_COUPLING = (
    ReferenceKind.COUPLED_RECORD,
    ReferenceKind.COUPLED_NUMBER,
    ReferenceKind.CURRENCY,
    ReferenceKind.COMPANY,
)


def problems_among(
    mapping: TableMapping, others: Iterable[TableMapping], tables: Mapping[Side, Table]
) -> list[MappingProblem]:
    """Everything that is wrong with a mapping as one of several; `others` are the rest, whether enabled or not."""
    rest = {one.name: one for one in sorted(others, key=lambda one: one.name) if one.name != mapping.name}
    found = [*_dependencies(mapping, rest), *_references(mapping, rest, tables)]
    for other in rest.values():
        shared = [*_shared(mapping, other)]
        active = mapping.enabled and other.enabled
        found += shared if active else [problem.as_warning() for problem in shared]
    return found


def users_of(name: str, others: Iterable[TableMapping]) -> list[str]:
    """The mappings that depend on one, or look up its records."""
    return sorted(
        other.name
        for other in others
        if other.name != name
        and (
            name in other.depends_on or any(line.reference and name in line.reference.mappings for line in other.fields)
        )
    )


def _dependencies(mapping: TableMapping, rest: Mapping[str, TableMapping]) -> Problems:
    for name in mapping.depends_on:
        if name not in rest and name != mapping.name:
            text = f"There is no mapping {name}. The others are {', '.join(sorted(rest)) or 'none'}."
            yield MappingProblem("unknown_dependency", "depends_on", text)
    loop = _loop({**rest, mapping.name: mapping}, mapping.name)
    if loop:
        text = f"Mappings wait for each other: {' -> '.join(loop)}. Take one out of depends_on, or let a lookup fail."
        yield MappingProblem("dependency_loop", "depends_on", text)


def _loop(mappings: Mapping[str, TableMapping], start: str) -> Sequence[str]:
    """A way from a mapping back to itself along what it must wait for; empty when there is none."""
    ways: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for parent in _parents(mappings[way[-1]]):
            if parent == start and (len(way) > 1 or start in mappings[start].depends_on):
                return (*way, start)
            if parent in mappings and parent not in seen:
                seen.add(parent)
                ways.append((*way, parent))
    return ()


def _parents(mapping: TableMapping) -> list[str]:
    """What a mapping's records wait for: a lookup that may fail does not make them wait."""
    lookups = [
        name
        for line in mapping.fields
        if line.enabled and line.reference and not (line.clear_value_on_failed_sync or line.keep_value_on_failed_sync)
        for name in line.reference.mappings
    ]
    return [*mapping.depends_on, *lookups]


def _references(mapping: TableMapping, rest: Mapping[str, TableMapping], tables: Mapping[Side, Table]) -> Problems:
    known = {**rest, mapping.name: mapping}
    for line in mapping.fields:
        if line.reference is None or line.reference.kind not in _BY_COUPLING:
            continue
        member = member_of(line)
        if not line.reference.mappings:
            text = f"{line.caption} is a lookup: name the mapping whose couplings tell which record is meant."
            yield MappingProblem("lookup_without_mapping", member, text)
        for name in line.reference.mappings:
            if name not in known:
                text = f"{line.caption} looks up records of {name}, and there is no such mapping."
                yield MappingProblem("lookup_without_mapping", member, text)
                continue
            yield from _targets(line.dataverse, known[name], member, tables)
            if name not in (*mapping.depends_on, mapping.name):
                text = f"{line.caption} looks up records of {name}; name it in depends_on so that it goes first."
                yield MappingProblem("not_in_depends_on", member, text, warning=True)


def _targets(columns: Iterable[str], parent: TableMapping, member: str, tables: Mapping[Side, Table]) -> Problems:
    table = tables[Side.DATAVERSE]
    for column in (table.column(name) for name in columns if table.has(name)):
        if column.target is not None and column.target != parent.dataverse.table:
            text = (
                f"{column.name} refers to {column.target}, and {parent.name} couples {parent.dataverse.table}. Name a "
                f"mapping of {column.target}."
            )
            yield MappingProblem("wrong_reference", member, text)


def _shared(mapping: TableMapping, other: TableMapping) -> Problems:
    """The same records in two mappings: both pairs the same, or a column that both write."""
    both = {side: _overlaps(mapping, other, side) for side in Side}
    if all(both.values()):
        text = (
            f"{other.name} has the same two tables, and no filter keeps their records apart. Change it, or give both "
            "filters that exclude each other."
        )
        yield MappingProblem("same_tables", "dataverse.table", text)
        return
    for side in Side:
        theirs = _written(other, side) if both[side] else {}
        for column, member in _written(mapping, side).items():
            if column in theirs:
                text = (
                    f"{other.name} writes {column} of {mapping.table(side).table}, too, and no filter keeps their "
                    "records apart. Disable one of the lines, or give both filters that exclude each other."
                )
                yield MappingProblem("column_owned_twice", member, text)


def _overlaps(mapping: TableMapping, other: TableMapping, side: Side) -> bool:
    """Whether one record of a side may concern both mappings."""
    ours, theirs = mapping.table(side), other.table(side)
    if ours.table != theirs.table:
        return False
    try:
        left, right = demands_of(ours.filter), demands_of(theirs.filter)
    except FilterError:
        return False  # told elsewhere
    return not any(left[column].isdisjoint(right[column]) for column in left.keys() & right.keys())


def _written(mapping: TableMapping, side: Side) -> dict[str, str]:
    """The columns of a side that a mapping's enabled lines write again and again, with the member to name."""
    if not mapping.direction.allows(side.other):
        return {}
    lines = [line for line in mapping.lines(side.other) if not line.new_rows_only]
    return {column: member_of(line) for line in lines for column in line.columns(side)}
