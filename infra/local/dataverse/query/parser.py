"""Reads `$filter`: comparison, logic, text functions, lambda operators and the service's own query functions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from infra.local.dataverse.errors import wrong_query
from infra.local.dataverse.query.expressions import (
    Comparison,
    Expression,
    Junction,
    Literal,
    Negation,
    Path,
    Quantified,
    QueryFunction,
    TextTest,
)
from infra.local.dataverse.query.tokens import END, Token, tokens_of

_COMPARISONS = frozenset({"eq", "ne", "gt", "ge", "lt", "le"})
_TEXT_TESTS = frozenset({"contains", "startswith", "endswith"})
_NAMESPACE = "Microsoft.Dynamics.CRM."


def parse_filter(text: str, aliases: Mapping[str, str]) -> Expression:
    """Answer the tree of a filter; raises Refusal."""
    return _Parser(text, aliases).whole()


class _Parser:
    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self._text = text
        self._tokens = tokens_of(text, aliases)
        self._next = 0

    def whole(self) -> Expression:
        expression = self._either()
        if self._peek().kind != END:
            raise self._wrong()
        return expression

    def _either(self) -> Expression:
        return self._junction("or", self._both)

    def _both(self) -> Expression:
        return self._junction("and", self._unary)

    def _junction(self, operator: str, part: Callable[[], Expression]) -> Expression:
        parts: list[Expression] = [part()]
        while self._takes("name", operator):
            parts.append(part())
        return parts[0] if len(parts) == 1 else Junction(operator, tuple(parts))

    def _unary(self) -> Expression:
        if self._takes("name", "not"):
            return Negation(self._unary())
        if self._takes("mark", "("):
            inner = self._either()
            self._expect(")")
            return inner
        return self._predicate()

    def _predicate(self) -> Expression:
        token = self._peek()
        if token.kind == "name" and self._peek(1).text == "(":
            return self._call()
        left = self._operand()
        if isinstance(left, Path) and self._takes("mark", "("):
            return self._quantified(left)
        operator = self._take()
        if operator.kind != "name" or operator.text not in _COMPARISONS:
            raise self._wrong(operator)
        return Comparison(operator.text, left, self._operand())

    def _call(self) -> Expression:
        name = self._take()
        self._expect("(")
        if name.text in _TEXT_TESTS:
            return self._text_test(name.text)
        if name.text.startswith(_NAMESPACE):
            return QueryFunction(name.text.removeprefix(_NAMESPACE), self._arguments())
        raise wrong_query(f"An unknown function with name '{name.text}' was found.")

    def _text_test(self, function: str) -> TextTest:
        path = self._operand()
        self._expect(",")
        text = self._operand()
        self._expect(")")
        if not isinstance(path, Path) or not isinstance(text, Literal) or text.kind != "string":
            raise wrong_query(f"No function signature for the function with name '{function}' matches the arguments.")
        return TextTest(function, path, text.text)

    def _quantified(self, path: Path) -> Quantified:
        *collection, quantifier = path.segments
        if quantifier not in ("any", "all") or not collection:
            raise wrong_query(f"An unknown function with name '{quantifier}' was found.")
        if self._takes("mark", ")"):
            return Quantified(Path(tuple(collection)), quantifier, None, None)
        variable = self._take().text
        self._expect(":")
        body = self._either()
        self._expect(")")
        return Quantified(Path(tuple(collection)), quantifier, variable, body)

    def _arguments(self) -> dict[str, str | list[str]]:
        arguments: dict[str, str | list[str]] = {}
        while not self._takes("mark", ")"):
            name = self._take().text
            self._expect("=")
            arguments[name] = self._argument()
            if not self._takes("mark", ","):
                self._expect(")")
                break
        return arguments

    def _argument(self) -> str | list[str]:
        if not self._takes("mark", "["):
            return self._scalar(self._take())
        values = []
        while not self._takes("mark", "]"):
            values.append(self._scalar(self._take()))
            self._takes("mark", ",")
        return values

    def _scalar(self, token: Token) -> str:
        if token.kind == "quoted":
            text = json.loads(token.text)
            # A value with an apostrophe travels in double quotes around single ones.
            return text[1:-1].replace("''", "'") if len(text) > 1 and text[0] == text[-1] == "'" else str(text)
        return self._literal(token).text

    def _operand(self) -> Path | Literal:
        token = self._take()
        if token.kind != "name" or token.text in ("true", "false", "null"):
            return self._literal(token)
        segments = [token.text]
        while self._takes("mark", "/"):
            segments.append(self._take().text)
        return Path(tuple(segments))

    def _literal(self, token: Token) -> Literal:
        match token.kind:
            case "string":
                return Literal("string", token.text[1:-1].replace("''", "'"))
            case "guid" | "moment":
                return Literal(token.kind, token.text)
            case "number":
                return Literal("number", token.text.rstrip("mMlLdDfF"))
            case "name" if token.text in ("true", "false"):
                return Literal("boolean", token.text)
            case "name" if token.text == "null":
                return Literal("null", token.text)
        raise self._wrong(token)

    def _peek(self, ahead: int = 0) -> Token:
        index = self._next + ahead
        return self._tokens[index] if index < len(self._tokens) else Token(END, "", len(self._text))

    def _take(self) -> Token:
        token = self._peek()
        self._next += 1
        return token

    def _takes(self, kind: str, text: str) -> bool:
        token = self._peek()
        if token.kind == kind and token.text == text:
            self._next += 1
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._takes("mark", mark):
            raise wrong_query(f"')' or ',' expected at position {self._peek().position} in '{self._text}'.")

    def _wrong(self, token: Token | None = None) -> Exception:
        where = (token or self._peek()).position
        return wrong_query(f"Syntax error at position {where} in '{self._text}'.")
