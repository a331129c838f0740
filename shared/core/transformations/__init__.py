"""Transformation rules: what becomes of a source value before it is transferred.

`Transformation` is any rule (a discriminated union on `type`), `LineTransformation` the chain of one direction of a
field mapping, `transform` applies a chain, `round_trip_problem` tells what a Bidirectional line would lose. Microsoft's
types Custom, Extract From Date and Unixtimestamp are not offered.
"""

from shared.core.transformations.chain import LineTransformation, Transformation, TransformationProblem, transform
from shared.core.transformations.formatting import DateFormatting, DateTimeFormatting, DecimalFormatting, Round
from shared.core.transformations.matching import RegularExpressionMatch, RegularExpressionReplace
from shared.core.transformations.round_trip import round_trip_problem
from shared.core.transformations.texts import (
    FieldLookup,
    LookupPair,
    Lowercase,
    RemoveNonAlphanumeric,
    Replace,
    Substring,
    TitleCase,
    Trim,
    Uppercase,
)

__all__ = [
    "DateFormatting",
    "DateTimeFormatting",
    "DecimalFormatting",
    "FieldLookup",
    "LineTransformation",
    "LookupPair",
    "Lowercase",
    "RegularExpressionMatch",
    "RegularExpressionReplace",
    "RemoveNonAlphanumeric",
    "Replace",
    "Round",
    "Substring",
    "TitleCase",
    "Transformation",
    "TransformationProblem",
    "Trim",
    "Uppercase",
    "round_trip_problem",
    "transform",
]
