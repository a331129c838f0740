"""`$orderby`, and the condition by which a page goes on behind the last row of the page before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.dataverse.errors import wrong_query
from infra.local.dataverse.query.conditions import comparable
from infra.local.dataverse.query.options import split_outside
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.schema.model import Column


@dataclass(frozen=True)
class Order:
    """One key of the order: the SQL to sort by, and the name it has in the paging cookie."""

    name: str
    sql: str
    column: Column
    descending: bool = False

    @property
    def clause(self) -> str:
        return f"{self.sql} DESC" if self.descending else self.sql


def parse_order(text: str, scope: Scope) -> list[Order]:
    """Read `$orderby`; the primary key is the last key of every order. Raises Refusal."""
    orders = [_order(part.strip(), scope) for part in split_outside(text, ",")] if text.strip() else []
    key = scope.table.columns[scope.table.id]
    if all(order.name != key.name for order in orders):
        orders.append(Order(key.name, f'{scope.alias}."{key.name}"', key))
    return orders


def _order(text: str, scope: Scope) -> Order:
    path, _, direction = text.partition(" ")
    if direction.strip() not in ("", "asc", "desc"):
        raise wrong_query(f"Syntax error at position {len(path)} in '{text}'.")
    value, column = scope.column(path.split("/"))
    return Order(path.replace("/", "."), comparable(value, column), column, direction.strip() == "desc")


def clause(orders: Sequence[Order]) -> str:
    """Answer the ORDER BY clause."""
    return "ORDER BY " + ", ".join(order.clause for order in orders)


def behind(orders: Sequence[Order], values: Sequence[Any]) -> tuple[str, list[Any]]:
    """Answer the condition that holds for the rows behind the one with these sort values, with its parameters."""
    alternatives = []
    parameters: list[Any] = []
    for index, order in enumerate(orders):
        later, later_parameters = _later(order, values[index])
        equal = [f"{before.sql} IS ?" for before in orders[:index]]
        alternatives.append("(" + " AND ".join([*equal, later]) + ")")
        parameters += [*values[:index], *later_parameters]
    return "(" + " OR ".join(alternatives) + ")", parameters


def _later(order: Order, value: Any) -> tuple[str, list[Any]]:
    """What comes after a value; missing values are the lowest."""
    if value is None:
        return ("0", []) if order.descending else (f"{order.sql} IS NOT NULL", [])
    if order.descending:
        return f"({order.sql} < ? OR {order.sql} IS NULL)", [value]
    return f"{order.sql} > ?", [value]
