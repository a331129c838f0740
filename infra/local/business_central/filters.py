"""The filter language: text to conditions (page "Using filter expressions in OData URIs").

    filter     = and { "or" and }          only between conditions on one and the same field, else 501
    and        = primary { "and" primary }
    primary    = "(" filter ")" | match [ "eq" true ] | field operator literal | field "in" "(" literals ")"
    match      = ("startswith" | "endswith" | "contains") "(" field "," string ")"
    field      = property | ("tolower" | "toupper") "(" field ")" | "substring" "(" field "," number [ "," number ] ")"

`in` and nested functions need `$schemaversion=2.1`. `not`, `any`, `all`, arithmetic and every other
function are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NoReturn

from infra.local.business_central.errors import bad_request, no_property, not_implemented
from infra.local.business_central.literals import literal_value
from infra.local.business_central.schema import EntitySet, Property, Stored

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>(?:[A-Za-z_][\w.]*)?'(?:[^']|'')*')
        |(?P<literal>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])|[+-]?\d[\w.:+-]*)
        |(?P<word>[A-Za-z_@$][\w.@]*)
        |(?P<mark>[(),/:*]))""",
    re.VERBOSE,
)
COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")
_MATCHES = ("startswith", "endswith", "contains")
_FIELD_FUNCTIONS = ("tolower", "toupper", "substring")


@dataclass(frozen=True)
class Field:
    """A property in a condition; `fold`: case does not matter; `cut`: start and length of a substring."""

    one: Property
    fold: bool = False
    cut: tuple[int, int | None] | None = None


@dataclass(frozen=True)
class Comparison:
    """`field operator value`."""

    field: Field
    operator: str
    value: Stored


@dataclass(frozen=True)
class Match:
    """`startswith`, `endswith` or `contains`."""

    function: str
    field: Field
    text: str


@dataclass(frozen=True)
class Membership:
    """`field in (values)`."""

    field: Field
    values: tuple[Stored, ...]


@dataclass(frozen=True)
class Combination:
    """Conditions that must all (`and`) or must not all fail (`or`)."""

    operator: Literal["and", "or"]
    parts: tuple[Condition, ...]


Condition = Comparison | Match | Membership | Combination


@dataclass(frozen=True)
class Token:
    """A piece of a filter and what kind of piece it is: string, literal, word, mark or end."""

    kind: str
    text: str


def parse_filter(text: str, entity_set: EntitySet, *, nested: bool = False) -> Condition:
    """Read a `$filter`; `nested` tells that schema version 2.1 is asked for. Raises ApiError 400 or 501."""
    parser = _Parser(_tokens(text), entity_set, nested=nested)
    condition = parser.any_of()
    if parser.next.kind != "end":
        parser.refuse()
    return condition


def fields_of(condition: Condition) -> set[str]:
    """The names of the properties that a condition looks at."""
    if isinstance(condition, Combination):
        return set().union(*(fields_of(part) for part in condition.parts))
    return {condition.field.one.name}


def _tokens(text: str) -> list[Token]:
    tokens, position = [], 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise bad_request(f"Syntax error: character '{text[position]}' is not valid at position {position}.")
        tokens.append(Token(str(match.lastgroup), match[match.lastgroup or 0]))
        position = match.end()
    return [*tokens, Token("end", "")]


class _Parser:
    def __init__(self, tokens: Sequence[Token], entity_set: EntitySet, *, nested: bool) -> None:
        self._tokens = tokens
        self._at = 0
        self._set = entity_set
        self._nested = nested
        self._depth = 0

    @property
    def next(self) -> Token:
        return self._tokens[self._at]

    def refuse(self) -> NoReturn:
        raise bad_request(f"Syntax error at '{self.next.text or 'the end'}' in the filter expression.")

    def any_of(self) -> Condition:
        parts = self._chain("or", self.all_of)
        condition = _combined("or", parts)
        if len(parts) > 1 and len(fields_of(condition)) > 1:
            raise not_implemented("The 'OR' operator is not supported on distinct fields on an OData filter.")
        return condition

    def all_of(self) -> Condition:
        return _combined("and", self._chain("and", self._primary))

    def _chain(self, word: str, read: Callable[[], Condition]) -> list[Condition]:
        parts = [read()]
        while self.next == Token("word", word):
            self._at += 1
            parts.append(read())
        return parts

    def _primary(self) -> Condition:
        if self.next.text == "(" and self.next.kind == "mark":
            return self._in_parentheses()
        if self.next.kind == "word" and self.next.text in _MATCHES and self._peek().text == "(":
            return self._match()
        field = self._field()
        operator = self._take("word").text
        if operator == "in":
            return self._membership(field)
        if operator not in COMPARISONS:
            raise bad_request(f"The operator '{operator}' is not supported in a filter expression.")
        return Comparison(field, operator, self._value(field, operator))

    def _in_parentheses(self) -> Condition:
        self._depth += 1
        if self._depth > 100:
            raise bad_request("The filter expression is nested too deeply.")
        self._take("mark", "(")
        condition = self.any_of()
        self._take("mark", ")")
        self._depth -= 1
        return condition

    def _match(self) -> Condition:
        function = self._take("word").text
        self._take("mark", "(")
        field = self._field(inside_function=True)
        if field.one.kind != "text":
            raise bad_request(f"No function signature for the function with name '{function}' matches the arguments.")
        self._take("mark", ",")
        text = str(self._value(field, function))
        self._take("mark", ")")
        if self.next == Token("word", "eq"):
            self._at += 1
            self._take("word", "true")
        return Match(function, field, text)

    def _field(self, *, inside_function: bool = False) -> Field:
        name = self._take("word").text
        if self.next == Token("mark", "("):
            return self._function_of_field(name, inside_function=inside_function)
        if self.next.text == "/" and self.next.kind == "mark":
            raise bad_request(f"'{name}/' is not supported: lambda operators and paths cannot be used in a filter.")
        one = self._set.properties.get(name)
        if one is None or one.hidden:
            raise no_property(name, self._set.entity)
        return Field(one)

    def _function_of_field(self, name: str, *, inside_function: bool) -> Field:
        if name not in _FIELD_FUNCTIONS:
            raise bad_request(f"An unknown function with name '{name}' was found.")
        if inside_function and not self._nested:
            raise bad_request("Nested functions are not supported in this schema version.")
        self._take("mark", "(")
        field = self._field(inside_function=True)
        if field.one.kind != "text":
            raise bad_request(f"No function signature for the function with name '{name}' matches the arguments.")
        field = self._cut(field) if name == "substring" else replace(field, fold=True)
        self._take("mark", ")")
        return field

    def _cut(self, field: Field) -> Field:
        numbers: list[int] = []
        while self.next == Token("mark", ",") and len(numbers) < 2:
            self._at += 1
            text = self._take("literal").text
            if not text.isdigit():
                self.refuse()
            numbers.append(int(text))
        if not numbers:
            self.refuse()
        return replace(field, cut=(numbers[0], numbers[1] if len(numbers) > 1 else None))

    def _membership(self, field: Field) -> Membership:
        if not self._nested:
            raise bad_request("The operator 'in' is not supported in this schema version.")
        self._take("mark", "(")
        values = [self._value(field, "in")]
        while self.next == Token("mark", ","):
            self._at += 1
            values.append(self._value(field, "in"))
        self._take("mark", ")")
        return Membership(field, tuple(values))

    def _value(self, field: Field, operator: str) -> Stored:
        token = self.next
        if token.kind not in ("string", "literal", "word"):
            self.refuse()
        self._at += 1
        return literal_value(field.one, token.kind, token.text, operator)

    def _peek(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self, kind: str, text: str | None = None) -> Token:
        token = self.next
        if token.kind != kind or (text is not None and token.text != text):
            self.refuse()
        self._at += 1
        return token


def _combined(operator: Literal["and", "or"], parts: list[Condition]) -> Condition:
    return parts[0] if len(parts) == 1 else Combination(operator, tuple(parts))
