"""Carrying the value of one field mapping from one side to the other.

A line is prepared once per end (what its columns mean) and once per way (how its value travels); `carry` and
`comparable` do so by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from math import inf

from shared.core.mapping import Conversion, FieldMapping, TooLong
from shared.core.names import join_name, split_name
from shared.core.prepare import once_per_object
from shared.core.references import ReferenceAnswers, Resolved, Unresolved
from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Table, Value, Values
from shared.core.texts import cut, is_longer, length_of
from shared.core.transformations import Transformation, TransformationProblem, transform
from shared.core.values import NUMBERS, meaning_in

type Tables = Mapping[Side, Table]
type References = Mapping[str, ReferenceAnswers]  # by id of the line


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
    return way_of(line, source, tables[source.other]).carry(values, references)


def comparable(line: FieldMapping, side: Side, values: Values, table: Table) -> Value:
    """The one value by which this line is compared on `side`: a person's name as a whole, else the column's meaning."""
    return end_of(line, side, table).meaning(values)


@dataclass(frozen=True, slots=True, eq=False)
class End:
    """One end of a line: its columns there, and the one value by which it is compared."""

    names: tuple[str, ...]
    meaning: Callable[[Values], Value]

    def differs(self, values: Values, base: Values) -> bool:
        """Whether `values` mean something else than `base`, or the base does not know the line."""
        return not all(map(base.__contains__, self.names)) or self.meaning(values) != self.meaning(base)


@once_per_object
def end_of(line: FieldMapping, side: Side, table: Table) -> End:
    """A line's end on `side`. Raises KeyError for a column that the table does not have."""
    names = line.columns(side)
    if not names:
        return End(names, lambda _: None)
    if line.conversion is Conversion.PERSON_NAME and side is Side.DATAVERSE:
        return End(names, lambda values: join_name(*(_text(values.get(name)) for name in names)))
    name, meaning_here = names[0], meaning_in(table.column(names[0]))
    if line.conversion is Conversion.PERSON_NAME:
        return End(names, lambda values: join_name(_text(meaning_here(values.get(name))), None, None))
    return End(names, lambda values: meaning_here(values.get(name)))


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """A line in one direction: `convert` makes the destination's values, `destinations` tell what they must fit.

    `starts` are the line's columns on `source`.
    """

    line: FieldMapping
    source: Side
    starts: tuple[str, ...]
    convert: Callable[[Values, References], Carried]
    destinations: Mapping[str, Destination]

    def carry(self, values: Values, references: References) -> Carried:
        """The destination's columns, or why there are none."""
        converted = self.convert(values, references)
        if not isinstance(converted, dict):
            return converted
        if self.line.not_null and all(value is None for value in converted.values()):
            return Leave()
        return self._fit(converted)

    def _fit(self, values: Values) -> Values | FieldProblem:
        fitted: Values = {}
        for name, value in values.items():
            destination = self.destinations[name]
            shaped = destination.shape(value)
            if isinstance(shaped, FieldProblem):
                return replace(shaped, source=self.source)
            if isinstance(shaped, str) and is_longer(shaped, destination.room):
                if self.line.too_long is TooLong.REFUSE:
                    return _too_long(self.line, self.source, destination.column, shaped)
                shaped = cut(shaped, int(destination.room)).rstrip() or None
            fitted[name] = shaped
        return fitted


@once_per_object
def way_of(line: FieldMapping, source: Side, table: Table) -> Way:
    """A line in the direction from `source` to `table`. Raises KeyError for a column that the table does not have."""
    destinations = {name: _destination(table.column(name)) for name in line.columns(source.other)}
    return Way(line, source, line.columns(source), _conversion(line, source), destinations)


def _conversion(line: FieldMapping, source: Side) -> Callable[[Values, References], Carried]:
    """How the values of `source` become those of the other side, before they are fitted into their columns."""
    starts, ends = line.columns(source), line.columns(source.other)
    if not ends:
        return lambda values, references: {}
    if not starts:
        return lambda values, references: {ends[0]: line.constant}
    if line.conversion is not Conversion.PERSON_NAME:
        return _Single(line, line.id, source, starts[0], ends[0], line.rules(source)).convert
    if source is Side.DATAVERSE:
        return lambda values, references: {ends[0]: join_name(*(_text(values.get(name)) for name in starts))}
    return lambda values, references: dict(zip(ends, split_name(_text(values.get(starts[0]))), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Single:
    """A line of one column on either side: by its transformation rules first, then by its reference."""

    line: FieldMapping
    id: str
    source: Side
    start: str
    end: str
    rules: tuple[Transformation, ...]

    def convert(self, values: Values, references: References) -> Carried:
        value = transform(self.rules, values.get(self.start))
        if isinstance(value, TransformationProblem):
            return FieldProblem("transformation_failed", self.source, self.end, values.get(self.start), value.message)
        if self.line.reference is None:
            return {self.end: value}
        answer = references[self.id].resolve(self.source, value)
        if isinstance(answer, Resolved):
            return {self.end: answer.value}
        if self.line.clear_value_on_failed_sync:
            return {self.end: None}
        unresolved = replace(answer, line=self.line.caption)
        return Leave(unresolved) if self.line.keep_value_on_failed_sync else unresolved


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """A column to be filled: `shape` gives a value the column's form, `room` is how many characters it holds."""

    column: Column
    shape: Callable[[Value], Value | FieldProblem]
    room: float


def _destination(column: Column) -> Destination:
    return Destination(column, _shape(column), inf if column.max_length is None else column.max_length)


def _shape(column: Column) -> Callable[[Value], Value | FieldProblem]:
    if column.kind is ColumnKind.CODE:
        return meaning_in(column)
    if column.kind in NUMBERS:
        return lambda value: _number(column, value) if isinstance(value, str) else value
    if column.kind is ColumnKind.TEXT:
        return lambda value: None if value is None else str(value) or None
    return lambda value: value


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


def _too_long(line: FieldMapping, source: Side, column: Column, text: str) -> FieldProblem:
    message = (
        f"{line.caption} has {length_of(text)} characters in {source.product}; "
        f"{column.name} in {source.other.product} holds at most {column.max_length}. Shorten it."
    )
    return FieldProblem("value_too_long", source, column.name, text, message)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
