"""The SQL of `GET accounts?sql=SELECT ...`: one table, simple conditions, an order, TOP."""

from __future__ import annotations

import re
from typing import Any

from infra.local.dataverse.criteria import condition, joined
from infra.local.dataverse.errors import Refusal, not_allowed
from infra.local.dataverse.query.collection import Query, answer_page
from infra.local.dataverse.query.conditions import Conditions, comparable
from infra.local.dataverse.query.expressions import Expression, Negation
from infra.local.dataverse.query.options import Options
from infra.local.dataverse.query.ordering import Order
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import Selection
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session

_WORD = re.compile(r"\s*(N?'(?:[^']|'')*'|\[[^\]]+\]|[A-Za-z_][\w]*|-?\d+(?:\.\d+)?|<>|!=|<=|>=|[=<>(),.*])")
_SIGNS = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_STARTS = frozenset({"FROM", "WHERE", "ORDER", "AND", "OR", "ASC", "DESC", "IS", "IN", "LIKE", "NOT", "BETWEEN", "AS"})


def answer_sql(session: Session, table: Table, options: Options) -> dict[str, Any]:
    """Answer one page of a query in SQL. Raises Refusal."""
    session.may("read", table)
    statement = _Statement(options["sql"], table)
    scope, conditions = Scope(table), Conditions(session.caller)
    key = table.columns[table.id]
    orders = [Order(one.name, comparable(f't."{one.name}"', one), one, down) for one, down in statement.orders]
    if all(order.name != key.name for order in orders):
        orders.append(Order(key.name, f't."{key.name}"', key))
    query = Query(
        Selection(table, [*statement.columns, key], session.preferences),
        (),
        orders,
        [conditions.sql(statement.where, scope)] if statement.where else [],
        conditions.parameters,
        statement.top,
    )
    return answer_page(session, table, options, table.set_name, query)


class _Statement:
    """A parsed statement."""

    def __init__(self, text: str, table: Table) -> None:
        self._text = text
        self._table = table
        self._words = _words(text)
        self._next = 0
        self._alias = ""
        self.top: int | None = None
        self._expect("SELECT")
        if self._takes("TOP"):
            self.top = int(self._take())
        listed = self._select_list()
        self._from()
        self.columns = [column for name in listed for column in self._selected(name)]
        self.where = self._either() if self._takes("WHERE") else None
        self.orders = self._order_by() if self._takes("ORDER") else []
        if self._next < len(self._words):
            raise self._wrong()

    def _select_list(self) -> list[str]:
        names = [self._name()]
        while self._takes(","):
            names.append(self._name())
        return names

    def _from(self) -> None:
        self._expect("FROM")
        name = self._take()
        if name.lower() != self._table.name:
            raise not_allowed(f"The table '{name}' is not the one that the address names.")
        self._takes("AS")
        if self._next < len(self._words) and self._peek() not in _STARTS:
            self._alias = self._take()

    def _selected(self, name: str) -> list[Column]:
        return list(self._table.columns.values()) if name == "*" else [self._column(name)]

    def _column(self, name: str) -> Column:
        column = self._table.columns.get(name.lower()) or self._table.by_wire.get(name.lower())
        if column is None:
            raise not_allowed(f"Invalid column name '{name}'.")
        return column

    def _name(self) -> str:
        name = self._take()
        if self._takes("."):
            name = self._take()
        return name

    def _order_by(self) -> list[tuple[Column, bool]]:
        self._expect("BY")
        orders = []
        while True:
            column = self._column(self._name())
            descending = self._takes("DESC")
            orders.append((column, descending))
            self._takes("ASC")
            if not self._takes(","):
                return orders

    def _either(self) -> Expression:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return joined(parts, "or") or parts[0]

    def _both(self) -> Expression:
        parts = [self._unary()]
        while self._takes("AND"):
            parts.append(self._unary())
        return joined(parts, "and") or parts[0]

    def _unary(self) -> Expression:
        if self._takes("NOT"):
            return Negation(self._unary())
        if self._takes("("):
            inner = self._either()
            self._expect(")")
            return inner
        return self._test()

    def _test(self) -> Expression:
        column = self._column(self._name())
        if self._takes("IS"):
            operator = "not-null" if self._takes("NOT") else "null"
            self._expect("NULL")
            return condition(self._table, column.name, operator, [])
        negated = self._takes("NOT")
        tested = self._listed(column)
        return Negation(tested) if negated else tested

    def _listed(self, column: Column) -> Expression:
        operator = self._take().upper()
        if operator == "LIKE":
            return condition(self._table, column.name, "like", [self._value()])
        if operator == "BETWEEN":
            low = self._value()
            self._expect("AND")
            return condition(self._table, column.name, "between", [low, self._value()])
        if operator == "IN":
            self._expect("(")
            values = [self._value()]
            while self._takes(","):
                values.append(self._value())
            self._expect(")")
            return condition(self._table, column.name, "in", values)
        if operator not in _SIGNS:
            raise self._wrong()
        return condition(self._table, column.name, _SIGNS[operator], [self._value()])

    def _value(self) -> str:
        word = self._take()
        if word[-1] == "'":
            return word[word.index("'") + 1 : -1].replace("''", "'")
        return word

    def _peek(self) -> str:
        return self._words[self._next].upper() if self._next < len(self._words) else ""

    def _take(self) -> str:
        if self._next >= len(self._words):
            raise self._wrong()
        self._next += 1
        return self._words[self._next - 1].strip("[]")

    def _takes(self, word: str) -> bool:
        if self._peek() == word:
            self._next += 1
            return True
        return False

    def _expect(self, word: str) -> None:
        if not self._takes(word):
            raise self._wrong()

    def _wrong(self) -> Refusal:
        return not_allowed(f"Incorrect syntax near '{self._peek() or 'the end'}' in '{self._text}'.")


def _words(text: str) -> list[str]:
    words = []
    position = 0
    text = text.strip().rstrip(";").rstrip()
    while position < len(text):
        found = _WORD.match(text, position)
        if found is None:
            raise not_allowed(f"Incorrect syntax near '{text[position : position + 10]}'.")
        words.append(found[1])
        position = found.end()
    return words
