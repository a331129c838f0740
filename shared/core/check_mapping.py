"""What is wrong with a mapping before it is saved: every problem with the member it concerns and the fix.

Rules: Integration Table Mapping and Integration Field Mapping, their validations; and what would only fail at run time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from shared.core.filters import FilterError, parse_filter
from shared.core.mapping import FieldMapping, Mapping, ReferenceKind, Template
from shared.core.sides import Direction, Side
from shared.core.tables import Table
from shared.core.transfer import Tables
from shared.core.transformations import round_trip_problem


@dataclass(frozen=True, slots=True)
class MappingProblem:
    """One thing wrong: a stable `code`, the `member` to change, and a sentence.

    A `warning` hinders nobody from saving.
    """

    code: str
    member: str
    message: str
    warning: bool = False


def problems_of(mapping: Mapping, tables: Tables) -> list[MappingProblem]:
    """Everything that is wrong with a mapping, in the order of its members."""
    return [
        *_filters(mapping, tables),
        *_directions(mapping),
        *(problem for line in mapping.fields for problem in _line(line, tables)),
        *_matches(mapping),
        *_blocking(mapping, tables),
        *(problem for template in mapping.templates for problem in _template(template, tables)),
    ]


def _filters(mapping: Mapping, tables: Tables) -> Iterator[MappingProblem]:
    for side in Side:
        yield from _filter(mapping.table(side).filter, f"{side}_filter", tables[side])


def _filter(expression: str, member: str, table: Table) -> Iterator[MappingProblem]:
    try:
        columns = parse_filter(expression).columns
    except FilterError as error:
        yield MappingProblem("invalid_filter", member, str(error))
        return
    for name in columns:
        if not _has(table, name):
            yield _unknown_column(member, table, name)


def _directions(mapping: Mapping) -> Iterator[MappingProblem]:
    """A direction that no line travels would do nothing."""
    for source in Side:
        if mapping.direction.allows(source) and not any(line.columns(source) for line in mapping.lines(source)):
            text = (
                f"{mapping.name} has no enabled field mapping from {source.product}, which {mapping.direction} needs."
            )
            yield MappingProblem("no_field_mapping", "direction", text)


def _line(line: FieldMapping, tables: Tables) -> Iterator[MappingProblem]:
    member = f"fields.{line.caption}"
    for side in Side:
        for name in line.columns(side):
            if not _has(tables[side], name):
                yield _unknown_column(member, tables[side], name)
            elif line.enabled and line.direction.allows(side.other) and tables[side].column(name).read_only:
                text = (
                    f"{name} of {tables[side].name} is read-only; only the direction from {side.product} is possible."
                )
                yield MappingProblem("read_only_column", member, text)
    yield from _round_trip(line, member, tables)
    if line.not_null and line.clear_value_on_failed_sync:
        text = "not_null and clear_value_on_failed_sync exclude each other."
        yield MappingProblem("contradiction", member, text)
    if line.reference and line.reference.options and line.reference.kind is not ReferenceKind.CHOICE:
        yield MappingProblem("contradiction", member, "options are for choices only.")


def _round_trip(line: FieldMapping, member: str, tables: Tables) -> Iterator[MappingProblem]:
    """What a Bidirectional line changes on the way must come back as it was, or the two sides never come to rest."""
    if not line.transformations or line.direction is not Direction.BIDIRECTIONAL:
        return
    columns = {side: line.columns(side)[0] for side in Side}
    if not all(_has(tables[side], columns[side]) for side in Side):
        return
    problem = round_trip_problem(
        line.rules(Side.BUSINESS_CENTRAL),
        line.rules(Side.DATAVERSE),
        business_central=tables[Side.BUSINESS_CENTRAL].column(columns[Side.BUSINESS_CENTRAL]).kind,
        dataverse=tables[Side.DATAVERSE].column(columns[Side.DATAVERSE]).kind,
    )
    if problem is not None:
        yield MappingProblem("transformation_loses", member, problem, warning=True)


def _matches(mapping: Mapping) -> Iterator[MappingProblem]:
    known = {line.business_central for line in mapping.fields}
    for group in mapping.match_by:
        for name in group:
            if name not in known:
                yield MappingProblem("unknown_field", "match_by", f"{mapping.name} has no field mapping for {name}.")


def _blocking(mapping: Mapping, tables: Tables) -> Iterator[MappingProblem]:
    needed = {Side.BUSINESS_CENTRAL: "blocked", Side.DATAVERSE: "statecode"}
    for side, name in needed.items() if mapping.block_when_inactive else ():
        if not _has(tables[side], name):
            yield _unknown_column("block_when_inactive", tables[side], name)


def _template(template: Template, tables: Tables) -> Iterator[MappingProblem]:
    member = f"templates.{template.name}"
    yield from _filter(template.filter, member, tables[template.side.other])
    for name in template.values:
        table = tables[template.side]
        if not _has(table, name):
            yield _unknown_column(member, table, name)
        elif table.column(name).read_only:
            yield MappingProblem("read_only_column", member, f"{name} of {table.name} is read-only.")


def _has(table: Table, name: str) -> bool:
    return any(column.name == name for column in table.columns)


def _unknown_column(member: str, table: Table, name: str) -> MappingProblem:
    return MappingProblem("unknown_column", member, f"{table.side.product} table {table.name} has no column {name}.")
