"""Answers `GET accounts?sql=SELECT ...`."""

from __future__ import annotations

from typing import Any

from infra.local.dataverse.errors import not_allowed
from infra.local.dataverse.fetch.aggregates import aggregate_sql
from infra.local.dataverse.fetch.statement import Item, Join, Statement, read_statement
from infra.local.dataverse.query.collection import Query, answer_page
from infra.local.dataverse.query.conditions import Conditions, comparable
from infra.local.dataverse.query.options import Options
from infra.local.dataverse.query.ordering import Order
from infra.local.dataverse.query.preferences import MOST_ROWS
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import CONVERSIONS, Selection
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session


def answer_sql(session: Session, table: Table, options: Options) -> dict[str, Any]:
    """Answer a query in SQL on the entity set that the address names. Raises Refusal."""
    statement = read_statement(options["sql"])
    if next(iter(statement.tables.values())) is not table:
        raise not_allowed("The table in FROM is not the one that the address names.")
    for read in statement.tables.values():
        session.may("read", read)
    if statement.is_simple:
        return _rows(session, table, options, statement)
    return _Answering(session, table, statement).body()


def _rows(session: Session, table: Table, options: Options, statement: Statement) -> dict[str, Any]:
    """Whole rows of one table are paged by key, as those of any other query are."""
    conditions, key = Conditions(session.caller), table.columns[table.id]
    scope = Scope(table, variable=next(iter(statement.tables)))
    columns = [statement.column(item.qualifier, item.name) for item in statement.items]
    sorted_by = [(statement.column(item.qualifier, item.name), down) for item, down in statement.orders]
    orders = [Order(one.name, comparable(f't."{one.name}"', one), one, down) for one, down in sorted_by]
    if all(order.name != key.name for order in orders):
        orders.append(Order(key.name, f't."{key.name}"', key))
    where = [conditions.sql(statement.where, scope)] if statement.where else []
    selection = Selection(table, [*columns, key], session.preferences)
    query = Query(selection, (), orders, where, conditions.parameters, statement.top)
    return answer_page(session, table, options, table.set_name, query)


class _Answering:
    """Joins, aggregates, DISTINCT and OFFSET: one answer, no pages."""

    def __init__(self, session: Session, table: Table, statement: Statement) -> None:
        self._session = session
        self._table = table
        self._statement = statement
        first, *others = statement.tables.items()
        self._scope = Scope(first[1], "t", first[0])
        for index, (alias, joined_table) in enumerate(others):
            self._scope = Scope(joined_table, f"j{index}", alias, self._scope)

    def body(self) -> dict[str, Any]:
        """Ask, and put the answer together."""
        columns = [self._selected(item) for item in self._statement.items]
        names = [self._name(item) for item in self._statement.items]
        conditions = Conditions(self._session.caller)
        where = f"WHERE {conditions.sql(self._statement.where, self._scope)}" if self._statement.where else ""
        sql = self._sql([value for value, _ in columns], where)
        rows = self._session.storage.all(sql, conditions.parameters)
        value = [
            {name: _converted(one, column) for name, (_, column), one in zip(names, columns, row, strict=True)}
            for row in rows
        ]
        return {"@odata.context": f"{self._session.base}$metadata#{self._table.set_name}", "value": value}

    def _sql(self, columns: list[str], where: str) -> str:
        statement = self._statement
        groups = [self._scope.column(path.segments)[0] for path in statement.groups]
        orders = [self._ordered(item) + (" DESC" if down else "") for item, down in statement.orders]
        top = min(MOST_ROWS if statement.top is None else statement.top, MOST_ROWS)
        parts = [
            f"SELECT {'DISTINCT ' if statement.distinct else ''}{', '.join(columns)}",
            f'FROM "{self._table.name}" t',
            *(self._join(index, join) for index, join in enumerate(statement.joins)),
            where,
            f"GROUP BY {', '.join(groups)}" if groups else "",
            f"ORDER BY {', '.join(orders)}" if orders else "",
            f"LIMIT {top} OFFSET {statement.offset}",
        ]
        return " ".join(parts)

    def _join(self, index: int, join: Join) -> str:
        left, right = (self._scope.column(path.segments)[0] for path in (join.left, join.right))
        return f'{"LEFT JOIN" if join.outer else "JOIN"} "{join.table.name}" j{index} ON {left} = {right}'

    def _selected(self, item: Item) -> tuple[str, Column | None]:
        if item.name == "*":
            return "count(*)", None
        value, column = self._scope.column(self._statement.path(item.qualifier, item.name).segments)
        if not item.aggregate:
            return value, column
        return aggregate_sql(item.aggregate, value, column), column if item.aggregate in ("min", "max") else None

    def _ordered(self, item: Item) -> str:
        for one in self._statement.items:
            if one.alias and one.alias == item.name and not item.aggregate:
                return self._selected(one)[0]
        value, column = self._selected(item)
        return comparable(value, column) if column and not self._statement.distinct else value

    def _name(self, item: Item) -> str:
        return item.alias or self._statement.column(item.qualifier, item.name).wire


def _converted(value: Any, column: Column | None) -> Any:
    convert = CONVERSIONS.get(column.kind) if column else None
    return convert(value) if convert and value is not None else value
