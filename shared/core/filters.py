"""Filter expressions of mappings, judged here with the same result as the services'.

The grammar is the part of OData's `$filter` that both services understand: comparisons `eq ne gt ge lt le`, `and or
not`, parentheses, `contains startswith endswith`, `in (...)`, and the literals null, true, false, numbers, 'texts',
GUIDs, dates. Texts compare without regard to case (Dataverse documentation, filter rows). A Dataverse lookup is written
`_x_value` and means the column `x`. In Business Central a blank is '' or ' ', never null: both are blank here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import batched

from shared.core.tables import Value, Values

type Predicate = Callable[[Values], bool]

DEEPEST = 50
"""How many parentheses and `not` may stand within each other."""

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')"
    r"|(?P<time>\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d))"
    r"|(?P<guid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})"
    r"|(?P<date>\d{4}-\d\d-\d\d)"
    r"|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<mark>[(),]))"
)
_FUNCTIONS: dict[str, Callable[[str, str], bool]] = {
    "contains": lambda text, part: part in text,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_ORDER: dict[str, Callable[[int], bool]] = {
    "gt": lambda sign: sign > 0,
    "ge": lambda sign: sign >= 0,
    "lt": lambda sign: sign < 0,
    "le": lambda sign: sign <= 0,
}


class FilterError(ValueError):
    """The filter cannot be read; the message says where and what was expected."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter ready to be asked: `columns` are those it needs, `passes` the test."""

    columns: tuple[str, ...]
    passes: Predicate


@lru_cache(maxsize=256)
def parse_filter(expression: str) -> Filter:
    """Read a filter expression; an empty one lets everything pass. Raises FilterError."""
    if not expression.strip():
        return Filter((), lambda _: True)
    return _Parser(expression).filter()


def demands_of(expression: str) -> dict[str, frozenset[object]]:
    """What a filter demands of single columns: whatever passes has one of these values there (lower case, None blank).

    Only conditions that all must hold count (`eq` and `in`, joined by `and`); columns without one are not named.
    Raises FilterError.
    """
    parse_filter(expression)
    demands: dict[str, frozenset[object]] = {}
    for clause in _clauses(_Parser(expression).tokens):
        match [(token.kind, token.text) for token in clause]:
            case [("name", column), ("name", "eq"), _]:
                values = clause[2:]
            case [("name", column), ("name", "in"), ("mark", "("), *_, ("mark", ")")]:
                values = [token for token in clause[3:-1] if token.text != ","]
            case _:
                continue
        column = column[1 : -len("_value")] if column.startswith("_") and column.endswith("_value") else column
        given = frozenset(_key(value, value) for value in map(_value_of, values))
        demands[column] = demands.get(column, given) & given
    return demands


def _clauses(tokens: list[_Token]) -> list[list[_Token]]:
    """The conditions that all must hold; none where an `or` stands between them."""
    clauses: list[list[_Token]] = [[]]
    depth = 0
    for token in tokens[:-1]:
        depth += (token.text == "(") - (token.text == ")") if token.kind == "mark" else 0
        if depth == 0 and token.kind == "name" and token.text == "or":
            return []
        if depth == 0 and token.kind == "name" and token.text == "and":
            clauses.append([])
        else:
            clauses[-1].append(token)
    return clauses


def _value_of(token: _Token) -> Value:
    return _WORDS[token.text] if token.kind == "name" else _LITERALS[token.kind](token.text)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


class _Parser:
    def __init__(self, expression: str) -> None:
        self._expression = expression
        self._tokens = self._split()
        self._next = 0
        self._columns: dict[str, None] = {}
        self._depth = 0

    @property
    def tokens(self) -> list[_Token]:
        """The words and marks of the expression, and its end."""
        return self._tokens

    def filter(self) -> Filter:
        predicate = self._or()
        if self._peek().kind != "end":
            raise self._wrong("'and', 'or' or the end")
        return Filter(tuple(self._columns), predicate)

    def _split(self) -> list[_Token]:
        tokens, position, text = [], 0, self._expression.rstrip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise FilterError(f"cannot read the filter at position {position}: {text[position : position + 20]!r}")
            kind = match.lastgroup or ""
            tokens.append(_Token(kind, match.group(kind), match.start(kind)))
            position = match.end()
        return [*tokens, _Token("end", "", len(text))]

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _accept(self, text: str) -> bool:
        if self._peek().kind in ("name", "mark") and self._peek().text == text:
            self._next += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._wrong(f"'{text}'")

    def _wrong(self, expected: str) -> FilterError:
        token = self._peek()
        return FilterError(f"expected {expected} at position {token.position}, found {token.text or 'the end'!r}")

    def _or(self) -> Predicate:
        parts = [self._and()]
        while self._accept("or"):
            parts.append(self._and())
        return _joined(_either, parts)

    def _and(self) -> Predicate:
        parts = [self._term()]
        while self._accept("and"):
            parts.append(self._term())
        return _joined(_both, parts)

    def _term(self) -> Predicate:
        if self._accept("not"):
            inner = self._deeper(self._term)
            return lambda values: not inner(values)
        if self._accept("("):
            inner = self._deeper(self._or)
            self._expect(")")
            return inner
        if self._peek().text in _FUNCTIONS:
            return self._function()
        return self._comparison()

    def _deeper(self, read: Callable[[], Predicate]) -> Predicate:
        if self._depth == DEEPEST:
            raise FilterError(f"nested deeper than {DEEPEST} levels at position {self._peek().position}")
        self._depth += 1
        inner = read()
        self._depth -= 1
        return inner

    def _function(self) -> Predicate:
        holds = _FUNCTIONS[self._take().text]
        self._expect("(")
        column = self._column()
        self._expect(",")
        part = str(self._literal() or "").casefold()
        self._expect(")")
        return lambda values: values.get(column) is not None and holds(str(values[column]).casefold(), part)

    def _comparison(self) -> Predicate:
        column = self._column()
        operator = self._take().text
        if operator == "in":
            return self._in(column)
        if operator not in ("eq", "ne", *_ORDER):
            self._next -= 1
            raise self._wrong("a comparison (eq, ne, gt, ge, lt, le, in)")
        literal = self._literal()
        wanted = _key(literal, literal)
        if operator == "eq":
            return lambda values: _key(values.get(column), literal) == wanted
        if operator == "ne":
            return lambda values: _key(values.get(column), literal) != wanted
        test = _ORDER[operator]
        return lambda values: _ordered(values.get(column), literal, test)

    def _in(self, column: str) -> Predicate:
        self._expect("(")
        literals = [self._literal()]
        while self._accept(","):
            literals.append(self._literal())
        self._expect(")")
        return lambda values: any(_key(values.get(column), literal) == _key(literal, literal) for literal in literals)

    def _column(self) -> str:
        if self._peek().kind != "name":
            raise self._wrong("a column")
        name = self._take().text
        if name.startswith("_") and name.endswith("_value"):
            name = name[1 : -len("_value")]
        self._columns[name] = None
        return name

    def _literal(self) -> Value:
        token = self._take()
        read = _LITERALS.get(token.kind)
        if token.kind == "name" and token.text in _WORDS:
            return _WORDS[token.text]
        if read is None:
            self._next -= 1
            raise self._wrong("a value")
        try:
            return read(token.text)
        except (ValueError, OverflowError) as error:
            raise FilterError(f"{token.text} at position {token.position} is no value: {error}") from error


_WORDS: dict[str, Value] = {"null": None, "true": True, "false": False}
_LITERALS: dict[str, Callable[[str], Value]] = {
    "text": lambda text: text[1:-1].replace("''", "'").strip() or None,
    "time": lambda text: datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC),
    "date": lambda text: text,
    "guid": str.lower,
    "number": lambda text: Decimal(text),
}


def _joined(join: Callable[[Predicate, Predicate], Predicate], parts: list[Predicate]) -> Predicate:
    """As a tree that is no deeper than it must be: a filter may list thousands of values."""
    while len(parts) > 1:
        parts = [join(*pair) if len(pair) > 1 else pair[0] for pair in batched(parts, 2, strict=False)]
    return parts[0]


def _either(left: Predicate, right: Predicate) -> Predicate:
    return lambda values: left(values) or right(values)


def _both(left: Predicate, right: Predicate) -> Predicate:
    return lambda values: left(values) and right(values)


def _key(value: Value, literal: Value) -> object:
    """A value in a form in which equal meanings are equal; `literal` tells what kind is being compared."""
    if isinstance(value, bool):
        return value
    if isinstance(literal, bool):
        return bool(value)
    if isinstance(value, (int, Decimal)):
        return Decimal(value)
    return value.casefold() if isinstance(value, str) else value


def _ordered(value: Value, literal: Value, test: Callable[[int], bool]) -> bool:
    left, right = _key(value, literal), _key(literal, literal)
    if left is None or right is None or type(left) is not type(right):
        return False
    return test((left > right) - (left < right))  # type: ignore[operator]
