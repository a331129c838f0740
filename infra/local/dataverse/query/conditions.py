"""Filter expressions as SQL with bound parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from infra.local.dataverse.errors import wrong_query
from infra.local.dataverse.query.expressions import (
    Comparison,
    Expression,
    Junction,
    Like,
    Literal,
    Negation,
    Path,
    Quantified,
    QueryFunction,
    TextTest,
)
from infra.local.dataverse.query.functions import amount_of, older_than, span_of
from infra.local.dataverse.query.literals import Stored, incompatible, stored, stored_text
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.schema.model import Column, Kind
from infra.local.dataverse.storage import fold
from infra.local.dataverse.values import day_of

_SIGNS = {"eq": "=", "ne": "IS NOT", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}
_MIRRORED = {"gt": "lt", "ge": "le", "lt": "gt", "le": "ge"}
_WILDCARDS = frozenset("%_[")
_HIGHEST = "\U0010ffff"


@dataclass
class Caller:
    """Who asks, and when: what functions such as `EqualUserId` and `LastXHours` depend on."""

    user: str
    business_unit: str
    now: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class Conditions:
    """Translates expressions; the parameters gather in the order in which they stand in the SQL."""

    caller: Caller
    parameters: list[Any] = field(default_factory=list)

    def sql(self, expression: Expression, scope: Scope) -> str:
        """Answer the SQL of an expression; raises Refusal where names or types do not fit."""
        match expression:
            case Junction(operator, parts):
                return _balanced([self.sql(part, scope) for part in parts], operator.upper())
            case Negation(part):
                # The negation of a test that a missing value fails does hold for that row.
                return f"NOT coalesce({self.sql(part, scope)}, 0)"
            case Comparison():
                return self._comparison(expression, scope)
            case TextTest():
                return self._text_test(expression, scope)
            case Like(path, pattern):
                self.parameters.append(pattern)
                return f"wildcard(?, {scope.column(path.segments)[0]})"
            case Quantified():
                return self._quantified(expression, scope)
            case QueryFunction():
                return self._function(expression, scope)

    def _comparison(self, test: Comparison, scope: Scope) -> str:
        match test.left, test.right:
            case Path() as path, Literal() as literal:
                return self._with_literal(test.operator, path, literal, scope)
            case Literal() as literal, Path() as path:
                return self._with_literal(_MIRRORED.get(test.operator, test.operator), path, literal, scope)
            case Path() as left, Path() as right:
                return self._columns(test.operator, left, right, scope)
        raise wrong_query("A comparison needs a property on one of its sides.")

    def _with_literal(self, operator: str, path: Path, literal: Literal, scope: Scope) -> str:
        value, column = scope.column(path.segments)
        if literal.kind == "null":
            return _null_test(operator, value)
        loose = literal.kind == "loose"
        self.parameters.append(stored_text(column, literal.text) if loose else stored(column, literal, operator))
        test = f"{comparable(value, column)} {_SIGNS[operator]} ?"
        # Whoever asks for what is newer than a moment means few rows: SQLite would walk through all of them by id.
        return f"unlikely({test})" if column.name == "modifiedon" and operator in ("gt", "ge") else test

    def _columns(self, operator: str, left: Path, right: Path, scope: Scope) -> str:
        one, first = scope.column(left.segments)
        other, second = scope.column(right.segments)
        if first.kind.edm != second.kind.edm:
            raise incompatible(first.kind.edm, second.kind.edm, operator)
        return f"{comparable(one, first)} {_SIGNS[operator]} {comparable(other, second)}"

    def _text_test(self, test: TextTest, scope: Scope) -> str:
        value, column = scope.column(test.path.segments)
        if not column.kind.is_text:
            raise wrong_query(
                f"No function signature for the function with name '{test.function}' matches {test.path}."
            )
        return self.like(test.function, value, test.text)

    def like(self, function: str, value: str, text: str) -> str:
        """Answer the SQL of contains, startswith or endswith, with the service's wildcards in the text."""
        folded = fold(text) or ""
        if _WILDCARDS & set(text):
            return self._wildcards(function, value, text)
        if function == "startswith":
            self.parameters += [folded, folded + _HIGHEST]
            return f"(fold({value}) >= ? AND fold({value}) < ?)"
        if function == "contains":
            self.parameters.append(folded)
            return f"instr(fold({value}), ?) > 0"
        if not folded:
            return f"{value} IS NOT NULL"
        self.parameters += [-len(folded), folded]
        return f"substr(fold({value}), ?) = ?"

    def _wildcards(self, function: str, value: str, text: str) -> str:
        if (function == "startswith" and text[0] == "%") or (function == "endswith" and text[-1] == "%"):
            raise wrong_query(f"A wildcard on the open side of {function} is not supported: '{text}'.")
        head = "" if function == "startswith" else "%"
        tail = "" if function == "endswith" else "%"
        self.parameters.append(head + text + tail)
        return f"wildcard(?, {value})"

    def _quantified(self, test: Quantified, scope: Scope) -> str:
        owner, relationship = scope.collection(test.path.segments)
        child = scope.inner(relationship.referencing, test.variable)
        column = relationship.column
        where = f'{child.alias}."{column.name}" = {owner.alias}."{owner.table.id}"'
        if column.type_column:
            where += f" AND {child.alias}.\"{column.type_column}\" = '{owner.table.name}'"
        body = self.sql(test.body, child) if test.body else ""
        rows = f'SELECT 1 FROM "{child.table.name}" {child.alias} WHERE {where}'
        if test.quantifier == "all":
            return f"NOT EXISTS ({rows} AND NOT coalesce({body or 1}, 0))"
        return f"EXISTS ({rows} AND {body})" if body else f"EXISTS ({rows})"

    def _function(self, function: QueryFunction, scope: Scope) -> str:
        name, arguments = function.name, function.arguments
        path = arguments.get("PropertyName")
        if not isinstance(path, str):
            raise wrong_query(f"The function {name} needs the parameter PropertyName.")
        value, column = scope.column(path.split("/"))
        if (translate := _LISTS.get(name)) is not None:
            return translate(self, value, column, _texts(arguments))
        if name in _USERS:
            return self._who(name, value)
        return self._time(function, value, column)

    def _time(self, function: QueryFunction, value: str, column: Column) -> str:
        name, amount = function.name, amount_of(function.arguments)
        if column.kind not in (Kind.DATETIME, Kind.DATE):
            raise wrong_query(f"The function {name} needs a date, {column.wire} is none.")
        if span := span_of(name, amount, self.caller.now):
            self.parameters += [_moment(column, one) for one in span]
            return f"({value} >= ? AND {value} < ?)"
        if moment := older_than(name, amount, self.caller.now):
            self.parameters.append(_moment(column, moment))
            return f"{value} < ?"
        if name in ("On", "NotOn", "OnOrAfter", "OnOrBefore"):
            return self._on(name, value, column, str(function.arguments.get("PropertyValue", "")))
        raise wrong_query(f"An unknown function with name 'Microsoft.Dynamics.CRM.{name}' was found.")

    def _on(self, name: str, value: str, column: Column, text: str) -> str:
        day = day_of(text)
        if day is None:
            raise wrong_query(f"The value '{text}' is no date.")
        start = datetime.fromisoformat(day).replace(tzinfo=UTC)
        first = _moment(column, start)
        last = day if column.kind is Kind.DATE else int(start.timestamp()) + 86399
        bounds: dict[str, tuple[str, list[Stored]]] = {
            "OnOrAfter": (">= ?", [first]),
            "OnOrBefore": ("<= ?", [last]),
        }
        sign, parameters = bounds.get(name, ("BETWEEN ? AND ?", [first, last]))
        self.parameters += parameters
        return f"NOT coalesce({value} {sign}, 0)" if name == "NotOn" else f"{value} {sign}"

    def _who(self, name: str, value: str) -> str:
        self.parameters.append(self.caller.business_unit if "Business" in name else self.caller.user)
        return f"{value} IS NOT ?" if name.startswith("Not") else f"{value} = ?"

    def listed(self, value: str, column: Column, texts: list[str]) -> str:
        """Answer the SQL of a test for one of several values."""
        self.parameters += [stored_text(column, text) for text in texts]
        return f"{comparable(value, column)} IN ({', '.join('?' * len(texts))})"

    def between(self, value: str, column: Column, texts: list[str]) -> str:
        """Answer the SQL of a test for a value between two others, these included."""
        if len(texts) != 2:
            raise wrong_query("Between needs two values.")
        self.parameters += [stored_text(column, text) for text in texts]
        return f"{comparable(value, column)} BETWEEN ? AND ?"


def _balanced(parts: Sequence[str], operator: str) -> str:
    """Join many conditions as a tree that stays flat: SQLite refuses expressions deeper than 1000."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(parts[:middle], operator)} {operator} {_balanced(parts[middle:], operator)})"


def _not(test: Callable[[Conditions, str, Column, list[str]], str]) -> Callable[..., str]:
    return lambda *arguments: f"NOT coalesce({test(*arguments)}, 0)"


_LISTS: dict[str, Callable[[Conditions, str, Column, list[str]], str]] = {
    "In": Conditions.listed,
    "NotIn": _not(Conditions.listed),
    "Between": Conditions.between,
    "NotBetween": _not(Conditions.between),
}
_USERS = frozenset({"EqualUserId", "NotEqualUserId", "EqualBusinessId", "NotEqualBusinessId"})


def comparable(value: str, column: Column) -> str:
    """Answer the SQL by which a value is compared and sorted: texts without case."""
    return f"fold({value})" if column.kind.is_text else value


def _null_test(operator: str, value: str) -> str:
    if operator == "eq":
        return f"{value} IS NULL"
    return f"{value} IS NOT NULL" if operator == "ne" else "0"


def _moment(column: Column, moment: datetime) -> Stored:
    return moment.date().isoformat() if column.kind is Kind.DATE else int(moment.timestamp())


def _texts(arguments: Any) -> list[str]:
    values = arguments.get("PropertyValues", [])
    return values if isinstance(values, list) else [values]
