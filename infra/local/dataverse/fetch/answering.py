"""Answers FetchXML: `GET accounts?fetchXml=...`."""

from __future__ import annotations

from typing import Any

from infra.local.dataverse.errors import not_allowed, wrong_argument
from infra.local.dataverse.fetch.aggregates import aggregate_sql
from infra.local.dataverse.fetch.reading import Attribute, Entity, Fetch, FetchOrder, read_fetch
from infra.local.dataverse.query.conditions import Conditions, comparable
from infra.local.dataverse.query.cookie import encoded, inner_cookie, read_inner
from infra.local.dataverse.query.ordering import Order, behind
from infra.local.dataverse.query.preferences import MOST_ROWS
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import CONVERSIONS, Selection
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session

_ANNOTATION = "Microsoft.Dynamics.CRM."


def answer_fetch(session: Session, table: Table, xml: str) -> dict[str, Any]:
    """Answer one page of a FetchXML query on the entity set that the address names. Raises Refusal."""
    fetch = read_fetch(xml)
    if fetch.entity.table is not table:
        raise not_allowed(f"The entity '{fetch.entity.table.name}' is not the one that the address names.")
    return _Answering(session, fetch).body()


class _Answering:
    def __init__(self, session: Session, fetch: Fetch) -> None:
        self._session = session
        self._fetch = fetch
        self._columns: list[tuple[str, str, Column | None]] = []
        self._groups: list[str] = []
        self._joins: list[str] = []
        self._where: list[str] = []
        self._orders: list[Order] = []
        self._in_joins = Conditions(session.caller)
        self._in_where = Conditions(session.caller)
        root = fetch.entity
        self._whole_rows = not (fetch.aggregate or fetch.distinct)
        chosen = [one.column for one in root.attributes if not one.alias]
        self._selection = Selection(root.table, [*chosen, root.table.columns[root.table.id]], session.preferences)
        self._visit(root, "t")
        if self._whole_rows:
            key = root.table.columns[root.table.id]
            self._orders.append(Order(key.name, f't."{key.name}"', key))

    def body(self) -> dict[str, Any]:
        """Ask, and put the page together."""
        fetch, root = self._fetch, self._fetch.entity.table
        size = fetch.top or min(fetch.count or MOST_ROWS, MOST_ROWS)
        found = self._found(size + 1)
        rows, more = found[:size], len(found) > size and fetch.top is None
        body: dict[str, Any] = {"@odata.context": f"{self._session.base}$metadata#{root.set_name}"}
        body |= self._annotations(rows, more)
        body["value"] = [self._row(values) for values in rows]
        return body

    def _visit(self, entity: Entity, alias: str) -> None:
        self._session.may("read", entity.table)
        scope = Scope(entity.table, alias)
        for one in entity.attributes:
            if alias != "t" or not self._whole_rows or one.alias:
                self._add(one, entity, alias)
        if entity.filter is not None and alias == "t":
            self._where.append(self._in_where.sql(entity.filter, scope))
        self._orders += [self._order(one, entity, alias) for one in entity.orders]
        for index, link in enumerate(entity.links):
            self._join(link, entity, alias, f"{alias}_{index}")

    def _join(self, link: Entity, outer: Entity, outer_alias: str, alias: str) -> None:
        own, other = link.link
        if own not in link.table.columns or other not in outer.table.columns:
            raise wrong_argument(f"The link from '{own}' to '{other}' names an unknown attribute.")
        condition = f'{alias}."{own}" = {outer_alias}."{other}"'
        if link.filter is not None:
            condition += f" AND {self._in_joins.sql(link.filter, Scope(link.table, alias))}"
        kind = "LEFT JOIN" if link.outer else "JOIN"
        self._joins.append(f'{kind} "{link.table.name}" {alias} ON {condition}')
        self._visit(link, alias)

    def _add(self, one: Attribute, entity: Entity, alias: str) -> None:
        value = f'{alias}."{one.column.name}"'
        plain = f"{entity.alias}.{one.column.name}" if alias != "t" else one.column.wire
        name = one.alias or plain
        if one.aggregate:
            keeps_type = one.aggregate in ("min", "max")
            sql = aggregate_sql(one.aggregate, value, one.column)
            self._columns.append((name, sql, one.column if keeps_type else None))
            return
        if self._fetch.aggregate and not one.grouped:
            raise wrong_argument(f"The attribute '{one.column.name}' is neither aggregated nor grouped by.")
        if one.grouped:
            self._groups.append(value)
        self._columns.append((name, value, one.column))

    def _order(self, one: FetchOrder, entity: Entity, alias: str) -> Order:
        for name, sql, column in self._columns:
            if name == one.name:
                return Order(name, sql, column or entity.table.columns[entity.table.id], one.descending)
        column = entity.table.columns.get(one.name)
        if column is None:
            raise wrong_argument(f"'{entity.table.name}' entity doesn't contain attribute with Name = '{one.name}'.")
        return Order(one.name, comparable(f'{alias}."{one.name}"', column), column, one.descending)

    def _found(self, limit: int) -> list[tuple[Any, ...]]:
        fetch = self._fetch
        where, parameters = list(self._where), [*self._in_joins.parameters, *self._in_where.parameters]
        offset = 0
        if fetch.page > 1 and fetch.cookie and self._whole_rows:
            cookie = read_inner(fetch.page, fetch.cookie, [order.column.kind for order in self._orders])
            condition, values = behind(self._orders, cookie.last)
            where.append(condition)
            parameters += values
        elif fetch.page > 1:
            offset = (fetch.page - 1) * (limit - 1)
        return self._session.storage.all(self._sql(where, limit, offset), parameters)

    def _sql(self, where: list[str], limit: int, offset: int) -> str:
        values = [sql for _, sql, _ in self._columns]
        columns = ([self._selection.sql] if self._whole_rows else []) + values
        keys = [order.sql for order in self._orders] if self._whole_rows else []
        parts = [
            f"SELECT {'DISTINCT ' if self._fetch.distinct else ''}{', '.join(columns + keys) or '1'}",
            f'FROM "{self._fetch.entity.table.name}" t',
            *self._joins,
            f"WHERE {' AND '.join(where)}" if where else "",
            f"GROUP BY {', '.join(self._groups)}" if self._groups else "",
            f"ORDER BY {', '.join(order.clause for order in self._orders)}" if self._orders else "",
            f"LIMIT {limit} OFFSET {offset}",
        ]
        return " ".join(parts)

    def _row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        row = self._selection.row(values) if self._whole_rows else {}
        start = self._selection.width if self._whole_rows else 0
        for (name, _, column), value in zip(self._columns, values[start:], strict=False):
            convert = CONVERSIONS.get(column.kind) if column else None
            if value is not None:
                row[name] = convert(value) if convert else value
        return row

    def _annotations(self, rows: list[tuple[Any, ...]], more: bool) -> dict[str, Any]:
        wants = self._session.preferences.annotates
        body: dict[str, Any] = {}
        if wants(_ANNOTATION + "morerecords"):
            body[f"@{_ANNOTATION}morerecords"] = more
        if more and wants(_ANNOTATION + "fetchxmlpagingcookie"):
            body[f"@{_ANNOTATION}fetchxmlpagingcookie"] = self._cookie(rows)
        if self._fetch.total and wants(_ANNOTATION + "totalrecordcount"):
            total = self._total()
            body[f"@{_ANNOTATION}totalrecordcount"] = min(total, MOST_ROWS)
            body[f"@{_ANNOTATION}totalrecordcountlimitexceeded"] = total > MOST_ROWS
        return body

    def _cookie(self, rows: list[tuple[Any, ...]]) -> str:
        page = self._fetch.page
        number = len(self._orders) if self._whole_rows else 0
        names = [order.name for order in self._orders][:number]
        first, last = (row[len(row) - number :] for row in (rows[0], rows[-1]))
        inner = inner_cookie(page, names, first, last)
        return f'<cookie pagenumber="{page + 1}" pagingcookie="{encoded(encoded(inner))}" istracking="False" />'

    def _total(self) -> int:
        parameters = [*self._in_joins.parameters, *self._in_where.parameters]
        row = self._session.storage.one(
            f"SELECT count(*) FROM ({self._sql(self._where, MOST_ROWS + 1, 0)})", parameters
        )
        return int(row[0]) if row else 0
