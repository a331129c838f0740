"""What is wrong with a mapping before it is saved: every problem with the member it concerns and the fix.

Rules: Integration Table Mapping and Integration Field Mapping, their validations; and what would only fail at run time.
What concerns other mappings, too, is in `core.check_together`.
"""

from __future__ import annotations

import re
from collections import Counter

from shared.core.check_line import member_of, problems_of_line
from shared.core.conversions import complaint_about
from shared.core.filters import FilterError, parse_filter
from shared.core.mapping import Mapping, Template
from shared.core.mapping_problem import MappingProblem, Problems, read_only_column, unknown_column
from shared.core.numbers import increment
from shared.core.sides import Side
from shared.core.tables import Table
from shared.core.transfer import Tables

__all__ = ["LONGEST_NAME", "MappingProblem", "problems_of", "problems_of_name", "unknown_tables"]

LONGEST_NAME = 20
_NAME = re.compile(r"[A-Z0-9][A-Z0-9_-]*")


def problems_of(mapping: Mapping, tables: Tables) -> list[MappingProblem]:
    """Everything that is wrong with a mapping seen for itself, in the order of its members."""
    return [
        *_filters(mapping, tables),
        *_modified(mapping, tables),
        *_directions(mapping),
        *(problem for line in mapping.fields for problem in problems_of_line(line, tables)),
        *_duplicates(mapping),
        *_matches(mapping),
        *_number_series(mapping),
        *_blocking(mapping, tables),
        *(problem for template in mapping.templates for problem in _template(template, tables)),
    ]


def problems_of_name(name: str) -> list[MappingProblem]:
    """What is wrong with the name of a mapping (Code[20]; without blanks, for it stands in addresses and files)."""
    if len(name) <= LONGEST_NAME and _NAME.fullmatch(name):
        return []
    text = f"A name has 1 to {LONGEST_NAME} characters: A to Z, 0 to 9, - and _, the first a letter or digit."
    return [MappingProblem("invalid_name", "name", text)]


def unknown_tables(mapping: Mapping, found: dict[Side, Table | None]) -> list[MappingProblem]:
    """The tables of a mapping that a service does not have."""
    return [
        MappingProblem(
            "no_such_table",
            f"{side}.table",
            f"{side.product} has no table {mapping.table(side).table} whose records have an id. "
            f"GET tables?side={side} lists those that can be mapped.",
        )
        for side in Side
        if found[side] is None
    ]


def _filters(mapping: Mapping, tables: Tables) -> Problems:
    for side in Side:
        yield from _filter(mapping.table(side).filter, f"{side}_filter", tables[side])


def _filter(expression: str, member: str, table: Table) -> Problems:
    try:
        columns = parse_filter(expression).columns
    except FilterError as error:
        text = str(error)
        yield MappingProblem("invalid_filter", member, f"{text[:1].upper()}{text[1:]}.")
        return
    for name in columns:
        if not table.has(name):
            yield unknown_column(member, table, name)


def _modified(mapping: Mapping, tables: Tables) -> Problems:
    """Without a time of modification nothing tells which records have changed."""
    for side in Side:
        table = tables[side]
        if table.modified is None:
            column = "lastModifiedDateTime" if side is Side.BUSINESS_CENTRAL else "modifiedon"
            text = f"{side.product} table {table.name} has no column {column}, so its changes cannot be followed."
            yield MappingProblem("missing_modified", f"{side}.table", text)
        elif not table.tracked:
            text = f"Changes of {table.name} are not tracked in Dataverse. Switch on Track changes to notice deletions."
            yield MappingProblem("not_tracked", f"{side}.table", text, warning=True)


def _directions(mapping: Mapping) -> Problems:
    """A direction that no line travels would do nothing; a disabled mapping may still be in the making."""
    for source in Side:
        if mapping.direction.allows(source) and not any(line.columns(source) for line in mapping.lines(source)):
            text = (
                f"{mapping.name} has no enabled field mapping from {source.product}, which {mapping.direction} needs."
            )
            problem = MappingProblem("no_field_mapping", "direction", text)
            yield problem if mapping.enabled else problem.as_warning()


def _duplicates(mapping: Mapping) -> Problems:
    for line_id, count in Counter(line.id for line in mapping.fields).items():
        if count > 1:
            text = f"{mapping.name} has the line {line_id} {count} times. Keep one; Bidirectional goes both ways."
            yield MappingProblem("duplicate_line", f"fields.{line_id}", text)
    for source in Side:
        written: dict[str, str] = {}
        for line in mapping.lines(source):
            for name in line.columns(source.other):
                other = written.setdefault(name, line.id)
                if other != line.id:
                    text = f"{name} of {source.other.product} is written by {other}, too. Disable one of the lines."
                    yield MappingProblem("column_written_twice", member_of(line), text)


def _matches(mapping: Mapping) -> Problems:
    known = {line.business_central for line in mapping.fields}
    for group in mapping.match_by:
        for name in group:
            if name not in known:
                yield MappingProblem("unknown_field", "match_by", f"{mapping.name} has no field mapping for {name}.")


def _number_series(mapping: Mapping) -> Problems:
    if mapping.number_series is not None:
        try:
            increment(mapping.number_series)
        except ValueError:
            text = f"{mapping.number_series!r} has no digits to count on."
            yield MappingProblem("value_does_not_fit", "number_series", text)


def _blocking(mapping: Mapping, tables: Tables) -> Problems:
    needed = {Side.BUSINESS_CENTRAL: "blocked", Side.DATAVERSE: "statecode"}
    for side, name in needed.items() if mapping.block_when_inactive else ():
        if not tables[side].has(name):
            yield unknown_column("block_when_inactive", tables[side], name)


def _template(template: Template, tables: Tables) -> Problems:
    member, table = f"templates.{template.name}", tables[template.side]
    yield from _filter(template.filter, member, tables[template.side.other])
    for name, value in template.values.items():
        if not table.has(name):
            yield unknown_column(member, table, name)
        elif table.column(name).read_only:
            yield read_only_column(member, table, name)
        elif (complaint := complaint_about(table.column(name), value)) is not None:
            text = f"{value!r} does not fit {name} of {table.name}: {complaint}."
            yield MappingProblem("value_does_not_fit", member, text)
