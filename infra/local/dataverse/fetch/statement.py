"""Reads the SQL of `?sql=`: SELECT with joins, conditions, grouping, an order and a limit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from infra.local.dataverse.criteria import condition, joined
from infra.local.dataverse.errors import not_allowed
from infra.local.dataverse.fetch.words import Words
from infra.local.dataverse.query.expressions import Comparison, Expression, Negation, Path
from infra.local.dataverse.schema.catalog import TABLES
from infra.local.dataverse.schema.model import Column, Table

_SIGNS = {"=": "eq", "<>": "ne", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_AGGREGATES = frozenset({"COUNT", "SUM", "AVG", "MIN", "MAX"})
_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "ORDER", "OFFSET", "INNER", "LEFT", "JOIN", "ON", "AS", ""})


@dataclass(frozen=True)
class Item:
    """One thing to answer: a column (by qualifier and name), or an aggregate of one; `*` is every row."""

    qualifier: str
    name: str
    aggregate: str = ""
    alias: str = ""


@dataclass(frozen=True)
class Join:
    """A joined table and the two columns that must be equal."""

    table: Table
    alias: str
    outer: bool
    left: Path
    right: Path


@dataclass
class Statement:
    """A whole SELECT. `tables` maps every qualifier to its table, the first one is that of FROM."""

    items: list[Item] = field(default_factory=list)
    distinct: bool = False
    top: int | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    joins: list[Join] = field(default_factory=list)
    where: Expression | None = None
    groups: list[Path] = field(default_factory=list)
    orders: list[tuple[Item, bool]] = field(default_factory=list)
    offset: int = 0

    @property
    def is_simple(self) -> bool:
        """Whether it asks for whole rows of one table, which can be paged by key."""
        plain = not (self.joins or self.groups or self.distinct or self.offset)
        return plain and not any(item.aggregate or item.alias for item in self.items)

    def path(self, qualifier: str, name: str) -> Path:
        """Answer the path of a column in expressions; raises Refusal for an unknown one."""
        column = self.column(qualifier, name)
        return Path((qualifier, column.wire) if qualifier else (column.wire,))

    def column(self, qualifier: str, name: str) -> Column:
        """Answer a column by its name in SQL; raises Refusal for an unknown one."""
        table = self._table(qualifier)
        column = table.columns.get(name.lower()) or table.by_wire.get(name.lower())
        if column is None:
            raise not_allowed(f"Invalid column name '{name}'.")
        return column

    def _table(self, qualifier: str) -> Table:
        if not qualifier:
            return next(iter(self.tables.values()))
        if qualifier not in self.tables:
            raise not_allowed(f"The multi-part identifier '{qualifier}' could not be bound.")
        return self.tables[qualifier]


def read_statement(text: str) -> Statement:
    """Read a statement; raises Refusal."""
    return _Reader(text).whole()


class _Reader:
    def __init__(self, text: str) -> None:
        self._words = Words(text)
        self._statement = Statement()

    def whole(self) -> Statement:
        statement = self._statement
        self._words.expect("SELECT")
        statement.distinct = self._words.takes("DISTINCT")
        if self._words.takes("TOP"):
            statement.top = self._words.number()
        statement.items = self._words.listed(self._item)
        self._words.expect("FROM")
        self._add_table()
        while (outer := self._join_begins()) is not None:
            statement.joins.append(self._join(outer))
        if self._words.takes("WHERE"):
            statement.where = self._either()
        self._grouping_and_order()
        if self._words.peek():
            raise self._words.wrong()
        return statement

    def _grouping_and_order(self) -> None:
        statement = self._statement
        if self._words.takes("GROUP"):
            self._words.expect("BY")
            statement.groups = [statement.path(*one) for one in self._words.listed(self._qualified)]
        if self._words.takes("ORDER"):
            self._words.expect("BY")
            statement.orders = self._words.listed(self._order)
        if self._words.takes("OFFSET"):
            statement.offset = self._words.number()
            self._words.takes("ROWS")
            if self._words.takes("FETCH"):
                self._words.expect("NEXT")
                statement.top = self._words.number()
                self._words.takes("ROWS")
                self._words.expect("ONLY")

    def _item(self) -> Item:
        if self._aggregate_begins():
            aggregate = self._aggregate()
            self._words.takes("AS")
            alias = self._words.take() if self._words.peek() not in _CLAUSES | {","} else aggregate.aggregate
            return Item(aggregate.qualifier, aggregate.name, aggregate.aggregate, alias)
        if self._words.takes("*"):
            raise not_allowed("SELECT * is not supported. Specify column names explicitly.")
        qualifier, name = self._qualified()
        self._words.takes("AS")
        alias = self._words.take() if self._words.peek() not in _CLAUSES | {","} else ""
        return Item(qualifier, name, "", alias)

    def _aggregate_begins(self) -> bool:
        return self._words.peek() in _AGGREGATES and self._words.peek(1) == "("

    def _aggregate(self) -> Item:
        function = self._words.take().lower()
        self._words.expect("(")
        if self._words.takes("*"):
            self._words.expect(")")
            return Item("", "*", function)
        distinct = self._words.takes("DISTINCT")
        qualifier, name = self._qualified()
        self._words.expect(")")
        column_count = "countdistinct" if distinct else "countcolumn"
        return Item(qualifier, name, column_count if function == "count" else function)

    def _order(self) -> tuple[Item, bool]:
        item = self._aggregate() if self._aggregate_begins() else Item(*self._qualified())
        descending = self._words.takes("DESC")
        self._words.takes("ASC")
        return item, descending

    def _add_table(self) -> tuple[Table, str]:
        name = self._words.take()
        table = TABLES.get(name.lower())
        if table is None:
            raise not_allowed(f"Invalid object name '{name}'.")
        self._words.takes("AS")
        alias = self._words.take() if self._words.peek() not in _CLAUSES else table.name
        self._statement.tables[alias] = table
        return table, alias

    def _join_begins(self) -> bool | None:
        """Whether an outer join follows, None where no join does."""
        if self._words.takes("LEFT"):
            self._words.takes("OUTER")
            self._words.expect("JOIN")
            return True
        if self._words.takes("INNER"):
            self._words.expect("JOIN")
            return False
        return False if self._words.takes("JOIN") else None

    def _join(self, outer: bool) -> Join:
        table, alias = self._add_table()
        self._words.expect("ON")
        left = self._statement.path(*self._qualified())
        self._words.expect("=")
        return Join(table, alias, outer, left, self._statement.path(*self._qualified()))

    def _either(self) -> Expression:
        return self._junction("OR", self._both)

    def _both(self) -> Expression:
        return self._junction("AND", self._unary)

    def _junction(self, word: str, part: Callable[[], Expression]) -> Expression:
        parts = [part()]
        while self._words.takes(word):
            parts.append(part())
        return joined(parts, word) or parts[0]

    def _unary(self) -> Expression:
        if self._words.takes("NOT"):
            return Negation(self._unary())
        if self._words.takes("("):
            inner = self._either()
            self._words.expect(")")
            return inner
        return self._test(*self._qualified())

    def _test(self, qualifier: str, name: str) -> Expression:
        if self._words.takes("IS"):
            operator = "not-null" if self._words.takes("NOT") else "null"
            self._words.expect("NULL")
            return self._condition(qualifier, name, operator, [])
        if self._words.takes("NOT"):
            return Negation(self._compared(qualifier, name))
        return self._compared(qualifier, name)

    def _compared(self, qualifier: str, name: str) -> Expression:
        operator = self._words.take().upper()
        if operator == "LIKE":
            return self._condition(qualifier, name, "like", [self._words.value()])
        if operator == "BETWEEN":
            low = self._words.value()
            self._words.expect("AND")
            return self._condition(qualifier, name, "between", [low, self._words.value()])
        if operator == "IN":
            self._words.expect("(")
            values = self._words.listed(self._words.value)
            self._words.expect(")")
            return self._condition(qualifier, name, "in", values)
        if operator not in _SIGNS:
            raise self._words.wrong()
        if re.match(r"[A-Z_\[]", self._words.peek()) and not self._words.peek().endswith("'"):
            other = self._statement.path(*self._qualified())
            return Comparison(_SIGNS[operator], self._statement.path(qualifier, name), other)
        return self._condition(qualifier, name, _SIGNS[operator], [self._words.value()])

    def _condition(self, qualifier: str, name: str, operator: str, values: list[str]) -> Expression:
        column = self._statement.column(qualifier, name)
        table = self._statement.tables[qualifier] if qualifier else next(iter(self._statement.tables.values()))
        return condition(table, column.name, operator, values, qualifier)

    def _qualified(self) -> tuple[str, str]:
        name = self._words.take()
        return (name, self._words.take()) if self._words.takes(".") else ("", name)
