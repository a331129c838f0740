"""Whether what the rules of a Bidirectional line do survives the way there and back.

A value that comes back changed is written over the original after the next edit on the other side. Each rule brings
values that tell (a rule that always loses something has one that it changes for good), and each kind of column does;
they travel through the real rules from both sides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain

from shared.core.sides import Side
from shared.core.tables import Column, ColumnKind, Value
from shared.core.transformations.chain import Transformation, TransformationProblem, transform
from shared.core.transformations.rule import as_text, shown
from shared.core.values import meaning

TELLING: dict[ColumnKind, tuple[Value, ...]] = {
    ColumnKind.TEXT: (None, "Contoso Ltd.", "MÜLLER & Söhne", "  two  spaces", "A-1/b_2", "李 小龍", "0"),
    ColumnKind.CODE: (None, "DE", "A-10", "10000", "MÜLLER & S"),
    ColumnKind.INTEGER: (1, -12345, 1000000),
    ColumnKind.DECIMAL: (Decimal("1.5"), Decimal("-1234.56789"), Decimal(1000000)),
    ColumnKind.BOOLEAN: (True, False),
    ColumnKind.DATETIME: (datetime(2024, 1, 31, 13, 14, 15, tzinfo=UTC),),
    ColumnKind.DATE: (None, "2024-01-31", "1999-12-01"),
}
_SPELLED_ANYHOW = (ColumnKind.TEXT, ColumnKind.CODE, ColumnKind.ENUM)

type Rules = Sequence[Transformation]


@dataclass(frozen=True, slots=True)
class _Trip:
    """One way there and back, from a column of one kind."""

    start: Side
    kind: ColumnKind
    there: Rules
    back: Rules
    as_code: bool


def round_trip_problem(
    to_rules: Rules,
    from_rules: Rules,
    samples: Sequence[Value] = (),
    *,
    business_central: ColumnKind = ColumnKind.TEXT,
    dataverse: ColumnKind = ColumnKind.TEXT,
) -> str | None:
    """What does not survive, as a sentence that names the rule and an example, or None.

    `samples` are values to try besides the built-in ones. The kinds are those of the line's columns: in a code column
    case and outer spaces mean nothing, so Uppercase alone does no harm there. A value that the rules refuse on the way
    there is no loss: it is never written. Numbers and dates are tried in the spelling that their rule reads.
    """
    as_code = ColumnKind.CODE in (business_central, dataverse)
    trips = (
        _Trip(Side.BUSINESS_CENTRAL, business_central, to_rules, from_rules, as_code),
        _Trip(Side.DATAVERSE, dataverse, from_rules, to_rules, as_code),
    )
    values = chain(
        ((trip, value) for trip in trips for value in _examples(trip)),  # first: they make the clearest sentences
        ((trip, value) for trip in trips for value in (*samples, *TELLING.get(trip.kind, ()))),
    )
    problems = (_problem(trip, value) for trip, value in values)
    return next((problem for problem in problems if problem is not None), None)


def _examples(trip: _Trip) -> Iterator[Value]:
    """The examples of the rules that the column can hold, those first that change for good."""
    for rule in sorted(trip.there, key=lambda rule: not rule.always_loses):
        for example in rule.examples():
            if trip.kind in _SPELLED_ANYHOW or (trip.kind is ColumnKind.DECIMAL and isinstance(example, Decimal)):
                yield example


def _problem(trip: _Trip, value: Value) -> str | None:
    there = transform(trip.there, value)
    if isinstance(there, TransformationProblem):
        return None
    back = transform(trip.back, there)
    if not isinstance(back, TransformationProblem) and _means(trip, back) == _means(trip, value):
        return None
    return f"{_culprit(trip, value)} does not survive the way there and back: {_course(trip, value, there, back)}"


def _means(trip: _Trip, value: Value) -> Value:
    kind = ColumnKind.CODE if trip.as_code else ColumnKind.TEXT
    return meaning(Column(name="", kind=kind), as_text(value))


def _culprit(trip: _Trip, value: Value) -> str:
    """The first rule that changes the value for good, else the first that changes it."""
    changing = [
        (side, number, rule)
        for side, number, rule, before, after in _steps(trip, value)
        if isinstance(after, TransformationProblem) or as_text(after) != as_text(before)
    ]
    side, number, rule = next((step for step in changing if step[2].always_loses), changing[0])
    return f"Rule {number} towards {side.product} ({rule.type})"


def _steps(
    trip: _Trip, value: Value
) -> Iterator[tuple[Side, int, Transformation, Value, Value | TransformationProblem]]:
    for side, rules in ((trip.start.other, trip.there), (trip.start, trip.back)):
        for number, rule in enumerate(rules, start=1):
            after = transform((rule,), value)
            yield side, number, rule, value, after
            if isinstance(after, TransformationProblem):
                return
            value = after


def _course(trip: _Trip, value: Value, there: Value, back: Value | TransformationProblem) -> str:
    start = f"{shown(value)} in {trip.start.product} becomes {shown(there)} in {trip.start.other.product}"
    if isinstance(back, TransformationProblem):
        return f"{start}, and cannot come back. {back.message}"
    return f"{start} and comes back as {shown(back)}."
