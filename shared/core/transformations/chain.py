"""A chain of rules, as one line of a mapping has it, and what becomes of a value in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from shared.core.model import Model
from shared.core.sides import Direction
from shared.core.tables import Value
from shared.core.transformations.formatting import DateFormatting, DateTimeFormatting, DecimalFormatting, Round
from shared.core.transformations.matching import RegularExpressionMatch, RegularExpressionReplace
from shared.core.transformations.rule import Refusal
from shared.core.transformations.texts import (
    FieldLookup,
    Lowercase,
    RemoveNonAlphanumeric,
    Replace,
    Substring,
    TitleCase,
    Trim,
    Uppercase,
)

Transformation = Annotated[
    Uppercase
    | Lowercase
    | TitleCase
    | Trim
    | Substring
    | Replace
    | RegularExpressionReplace
    | RegularExpressionMatch
    | RemoveNonAlphanumeric
    | DateFormatting
    | DecimalFormatting
    | DateTimeFormatting
    | FieldLookup
    | Round,
    Field(discriminator="type"),
]


class LineTransformation(Model):
    """The rules of a field mapping for one direction, in the order of application (Next Transformation Rule)."""

    direction: Literal[Direction.TO_INTEGRATION_TABLE, Direction.FROM_INTEGRATION_TABLE]
    rules: tuple[Transformation, ...] = Field(min_length=1, max_length=20)


@dataclass(frozen=True, slots=True)
class TransformationProblem:
    """The rule that cannot be applied: its number in the chain (1 is the first), its type, and why as a sentence."""

    number: int
    rule: str
    message: str


def transform(rules: Iterable[Transformation], value: Value) -> Value | TransformationProblem:
    """The value after all `rules`, one after the other, or the first problem. Never raises.

    `value` is canonical (see `core.tables`). Text rules make a text of any value; a blank is the empty text to them and
    stays blank unless a rule gives it a value (a pattern that matches nothing, a look-up pair for the blank).
    """
    value = None if value == "" else value
    for number, rule in enumerate(rules, start=1):
        changed = rule.apply(value)
        if isinstance(changed, Refusal):
            return TransformationProblem(number, rule.type, f"Rule {number} ({rule.type}): {changed.sentence}")
        value = changed
    return value
