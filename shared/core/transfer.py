"""Carrying the value of one field mapping from one side to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from shared.core.mapping import Conversion, FieldMapping, TooLong
from shared.core.names import join_name, split_name
from shared.core.references import ReferenceAnswers, Resolved, Unresolved
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, Value, Values
from shared.core.transformations import TransformationProblem, transform
from shared.core.values import NUMBERS, meaning

type Tables = Mapping[Side, Table]
type References = Mapping[str, ReferenceAnswers]  # by caption of the line


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """A value that cannot be carried over. `source` is where it stands, `column` where it would have to go."""

    code: str
    source: Side
    column: str
    value: Value
    message: str


@dataclass(frozen=True, slots=True)
class Leave:
    """Nothing is to be written for this line: not null, or its reference may fail without harm."""

    unresolved: Unresolved | None = None


type Carried = Values | Unresolved | FieldProblem | Leave


def carry(line: FieldMapping, source: Side, values: Values, tables: Tables, references: References) -> Carried:
    """The destination's columns for this line, or why there are none."""
    converted = _convert(line, source, values, references)
    if isinstance(converted, (Unresolved, Leave, FieldProblem)):
        return converted
    if line.not_null and all(value is None for value in converted.values()):
        return Leave()
    return _fit(line, source, converted, tables[source.other])


def comparable(line: FieldMapping, side: Side, values: Values, table: Table) -> Value:
    """The one value by which this line is compared on `side`: a person's name as a whole, else the column's meaning."""
    if line.conversion is Conversion.PERSON_NAME and side is Side.DATAVERSE:
        return join_name(*(_text(values.get(name)) for name in line.dataverse))
    name = line.columns(side)[0]
    value = meaning(table.column(name), values.get(name))
    if line.conversion is Conversion.PERSON_NAME:
        return join_name(_text(value), None, None)
    return value


def _convert(line: FieldMapping, source: Side, values: Values, references: References) -> Carried:
    if not line.columns(source):
        return {line.columns(source.other)[0]: line.constant}
    if line.conversion is Conversion.PERSON_NAME:
        return _convert_name(line, source, values)
    value = transform(line.rules(source), values.get(line.columns(source)[0]))
    if isinstance(value, TransformationProblem):
        name = line.columns(source.other)[0]
        return FieldProblem("transformation_failed", source, name, values.get(line.columns(source)[0]), value.message)
    destination = line.columns(source.other)[0]
    if line.reference is None:
        return {destination: value}
    answer = references[line.caption].resolve(source, value)
    if isinstance(answer, Resolved):
        return {destination: answer.value}
    if line.clear_value_on_failed_sync:
        return {destination: None}
    unresolved = replace(answer, line=line.caption)
    return Leave(unresolved) if line.keep_value_on_failed_sync else unresolved


def _convert_name(line: FieldMapping, source: Side, values: Values) -> Values:
    if source is Side.DATAVERSE:
        parts = (_text(values.get(name)) for name in line.dataverse)
        return {line.columns(Side.BUSINESS_CENTRAL)[0]: join_name(*parts)}
    whole = values.get(line.columns(Side.BUSINESS_CENTRAL)[0])
    return dict(zip(line.dataverse, split_name(_text(whole)), strict=True))


def _fit(line: FieldMapping, source: Side, values: Values, table: Table) -> Values | FieldProblem:
    fitted: Values = {}
    for name, value in values.items():
        column = table.column(name)
        shaped = _shape(column, value)
        if isinstance(shaped, FieldProblem):
            return replace(shaped, source=source)
        if _is_too_long(column, shaped):
            if line.too_long is TooLong.REFUSE:
                return _too_long(line, source, column, shaped)
            shaped = str(shaped)[: column.max_length].rstrip() or None
        fitted[name] = shaped
    return fitted


def _shape(column: Column, value: Value) -> Value | FieldProblem:
    if column.kind is ColumnKind.CODE:
        return meaning(column, value)
    if column.kind in NUMBERS and isinstance(value, str):
        return _number(column, value)
    if column.kind is ColumnKind.TEXT and value is not None:
        return str(value) or None
    return value


def _number(column: Column, text: str) -> Value | FieldProblem:
    """A number out of a text, as transformation rules leave it."""
    if not text.strip():
        return None
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        message = f"{text!r} is no number, and {column.name} holds numbers."
        return FieldProblem("not_a_number", Side.BUSINESS_CENTRAL, column.name, text, message)
    return int(number) if column.kind is ColumnKind.INTEGER and number == int(number) else number


def _is_too_long(column: Column, value: Value) -> bool:
    return isinstance(value, str) and column.max_length is not None and len(value) > column.max_length


def _too_long(line: FieldMapping, source: Side, column: Column, value: Value) -> FieldProblem:
    length = len(str(value))
    message = (
        f"{line.caption} has {length} characters in {source.product}; {column.name} in {source.other.product} holds at "
        f"most {column.max_length}. Shorten it."
    )
    return FieldProblem("value_too_long", source, column.name, value, message)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
