"""What is wrong with one field mapping: its columns, its constant, its conversion, its reference."""

from __future__ import annotations

from collections.abc import Iterator

from shared.core.conversions import CONVERTS, NAMES, complaint_about
from shared.core.mapping import Conversion, FieldMapping, ReferenceKind, TooLong
from shared.core.mapping_problem import MappingProblem, Problems, read_only_column, unknown_column
from shared.core.sides import Direction, Side
from shared.core.tables import Column, ColumnKind
from shared.core.transfer import Tables
from shared.core.transformations import round_trip_problem

BC, DV = Side.BUSINESS_CENTRAL, Side.DATAVERSE
_TEXTS = (ColumnKind.TEXT, ColumnKind.CODE)
_ENDS = {  # the kinds that a reference's columns must have, in Business Central and in Dataverse
    ReferenceKind.COUPLED_RECORD: ((ColumnKind.GUID,), ColumnKind.LOOKUP),
    ReferenceKind.CURRENCY: ((ColumnKind.GUID,), ColumnKind.LOOKUP),
    ReferenceKind.COUPLED_NUMBER: (_TEXTS, ColumnKind.LOOKUP),
    ReferenceKind.COMPANY: (_TEXTS, ColumnKind.LOOKUP),
    ReferenceKind.CHOICE: ((ColumnKind.GUID,), ColumnKind.CHOICE),
}


def member_of(line: FieldMapping) -> str:
    """How problems name a line."""
    return f"fields.{line.id}"


def problems_of_line(line: FieldMapping, tables: Tables) -> Problems:
    """Everything that is wrong with a line, seen for itself."""
    member = member_of(line)
    unknown = [*_unknown_columns(line, member, tables)]
    yield from unknown
    yield from _shape(line, member)
    yield from _flags(line, member)
    if unknown or not any(line.columns(side) for side in Side):
        return  # the rest asks what the columns are
    yield from _destinations(line, member, tables)
    if any(not line.columns(side) for side in Side):
        yield from _constant(line, member, tables)
    elif line.reference is not None:
        yield from _reference(line, member, tables)
    elif line.conversion is Conversion.PLAIN:
        yield from _conversion(line, member, tables)
        yield from _lengths(line, member, tables)
        yield from _round_trip(line, member, tables)


def _unknown_columns(line: FieldMapping, member: str, tables: Tables) -> Problems:
    for side in Side:
        for name in line.columns(side):
            if not tables[side].has(name):
                yield unknown_column(member, tables[side], name)


def _shape(line: FieldMapping, member: str) -> Problems:
    """How many columns a line has, and what a constant needs."""
    wanted = 3 if line.conversion is Conversion.PERSON_NAME else 1
    missing = [side for side in Side if not line.columns(side)]
    if len(missing) == 2 or (missing and line.constant is None):
        text = "The line needs a column on either side, or a constant in place of the one it comes from."
        yield MappingProblem("incomplete_line", member, text)
    elif missing and line.direction.allows(missing[0].other):
        text = f"A constant goes one way: set the direction of the line to where it has a column ({_to(missing[0])})."
        yield MappingProblem("constant_direction", member, text)
    elif not missing and line.constant is not None:
        yield MappingProblem("contradiction", member, "A line with a column on either side has no constant.")
    if line.dataverse and len(line.dataverse) != wanted:
        text = f"The conversion {line.conversion} takes {wanted} Dataverse column{'s' * (wanted > 1)}."
        yield MappingProblem("wrong_column_count", member, text)


def _to(source: Side) -> Direction:
    return Direction.TO_INTEGRATION_TABLE if source is BC else Direction.FROM_INTEGRATION_TABLE


def _flags(line: FieldMapping, member: str) -> Problems:
    if line.not_null and line.clear_value_on_failed_sync:
        text = "not_null and clear_value_on_failed_sync exclude each other."
        yield MappingProblem("contradiction", member, text)
    if line.reference and line.reference.options and line.reference.kind is not ReferenceKind.CHOICE:
        yield MappingProblem("contradiction", member, "options are for choices only.")


def _ways(line: FieldMapping) -> Iterator[Side]:
    """The sides from which values may travel."""
    return (side for side in Side if line.direction.allows(side))


def _destinations(line: FieldMapping, member: str, tables: Tables) -> Problems:
    for source in _ways(line):
        table = tables[source.other]
        for column in map(table.column, line.columns(source.other)):
            if column.read_only:
                yield read_only_column(member, table, column.name)
            elif column.create_only and not line.new_rows_only:
                text = f"{column.name} of {table.name} can only be set in new rows. Set new_rows_only."
                yield MappingProblem("create_only_column", member, text)


def _constant(line: FieldMapping, member: str, tables: Tables) -> Problems:
    for side in Side:
        for column in map(tables[side].column, line.columns(side)):
            complaint = None if line.constant is None else complaint_about(column, line.constant)
            if complaint is not None:
                text = f"{line.constant!r} does not fit {column.name} of {tables[side].name}: {complaint}."
                yield MappingProblem("constant_does_not_fit", member, text)


def _reference(line: FieldMapping, member: str, tables: Tables) -> Problems:
    assert line.reference is not None
    kinds, kind = _ENDS[line.reference.kind]
    columns = {side: tables[side].column(line.columns(side)[0]) for side in Side}
    if columns[BC].kind not in kinds or columns[DV].kind is not kind:
        text = (
            f"A reference of the kind {line.reference.kind} joins {NAMES[kinds[0]]} in Business Central with "
            f"{NAMES[kind]} in Dataverse; {columns[BC].name} is {NAMES[columns[BC].kind]} and {columns[DV].name} is "
            f"{NAMES[columns[DV].kind]}."
        )
        yield MappingProblem("wrong_reference", member, text)


def _conversion(line: FieldMapping, member: str, tables: Tables) -> Problems:
    if tables[DV].column(line.dataverse[0]).kind is ColumnKind.LOOKUP:
        text = (
            f"{line.dataverse[0]} is a lookup: name in `reference` the mapping whose couplings tell which row is meant."
        )
        yield MappingProblem("lookup_without_mapping", member, text)
        return
    for source in _ways(line):
        left, right = (tables[side].column(line.columns(side)[0]) for side in (source, source.other))
        kind = ColumnKind.TEXT if line.rules(source) else left.kind
        if right.kind not in CONVERTS[kind]:
            text = (
                f"{left.name} of {tables[source].name} holds {NAMES[kind]} and {right.name} of "
                f"{tables[source.other].name} {NAMES[right.kind]}; that cannot be converted."
            )
            yield MappingProblem("does_not_convert", member, text)


def _lengths(line: FieldMapping, member: str, tables: Tables) -> Problems:
    """Most texts in Dataverse may be longer than their fields in Business Central: usually harmless, so a warning."""
    for source in _ways(line):
        left, right = (tables[side].column(line.columns(side)[0]) for side in (source, source.other))
        if line.too_long is TooLong.REFUSE and _longest(left) > (right.max_length or _longest(left)):
            text = (
                f"{left.name} may be longer ({left.max_length or 'any length'}) than {right.name} of "
                f"{tables[source.other].name} holds ({right.max_length}); such a record is refused then. Shorten it "
                "there, or let the line truncate (too_long)."
            )
            yield MappingProblem("may_be_too_long", member, text, warning=True)


def _longest(column: Column) -> float:
    if column.kind not in _TEXTS:
        return 0
    return float("inf") if column.max_length is None else column.max_length


def _round_trip(line: FieldMapping, member: str, tables: Tables) -> Problems:
    """What a Bidirectional line changes on the way must come back as it was, or the two sides never come to rest."""
    if not line.transformations or line.direction is not Direction.BIDIRECTIONAL:
        return
    kinds = {side: tables[side].column(line.columns(side)[0]).kind for side in Side}
    problem = round_trip_problem(line.rules(BC), line.rules(DV), business_central=kinds[BC], dataverse=kinds[DV])
    if problem is not None:
        yield MappingProblem("transformation_loses", member, problem, warning=True)
