"""Pages of rows, and single rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.dataverse.errors import no_such_row
from infra.local.dataverse.query.conditions import Conditions
from infra.local.dataverse.query.cookie import inner_cookie, read_skip_token, skip_token
from infra.local.dataverse.query.expansion import Expansion, attach, parse_expand
from infra.local.dataverse.query.options import Options
from infra.local.dataverse.query.ordering import Order, behind, clause, parse_order
from infra.local.dataverse.query.parser import parse_filter
from infra.local.dataverse.query.preferences import MOST_ROWS
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import Selection, selection_for
from infra.local.dataverse.schema.model import Table
from infra.local.dataverse.session import Session

_TOTAL = "Microsoft.Dynamics.CRM.totalrecordcount"
_TOTAL_EXCEEDED = "Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"


@dataclass(frozen=True)
class Restriction:
    """A condition in addition to the filter: the rows of a collection of one row."""

    sql: str
    parameters: tuple[Any, ...]


@dataclass
class Query:
    """A query read but not yet asked: everything about names and types is already checked.

    `top` is how many rows are wanted at most, None for all of them.
    """

    selection: Selection
    expansions: tuple[Expansion, ...]
    orders: list[Order]
    where: list[str]
    parameters: list[Any]
    top: int | None = None


def read_page(
    session: Session, table: Table, options: Options, address: str, restriction: Restriction | None = None
) -> dict[str, Any]:
    """Answer the body of one page of a collection; `address` is its path behind the service root."""
    session.may("read", table)
    return answer_page(session, table, options, address, _prepared(session, table, options, restriction))


def answer_page(session: Session, table: Table, options: Options, address: str, query: Query) -> dict[str, Any]:
    """Answer the body of one page of a query, with the link to the next one."""
    body: dict[str, Any] = {"@odata.context": context(session, table, options, query.expansions)}
    if options.wants_count:
        body |= _counted(session, table, query)
    elif session.preferences.annotates(_TOTAL):
        body |= {f"@{_TOTAL}": -1, f"@{_TOTAL_EXCEEDED}": False}
    page = 1
    where, parameters = query.where, query.parameters
    if "$skiptoken" in options:
        cookie = read_skip_token(options["$skiptoken"], [order.column.kind for order in query.orders])
        condition, values = behind(query.orders, cookie.last)
        page, where, parameters = cookie.page, [*where, condition], [*parameters, *values]
    size, has_more = _size(session, query.top)
    found = _fetched(session, table, query, where, parameters, size + (1 if has_more else 0))
    rows, more = found[:size], len(found) > size
    body["value"] = [query.selection.row(values) for values in rows]
    attach(session, table, body["value"], [values[0] for values in rows], query.expansions)
    if more:
        body["@odata.nextLink"] = _next_link(session, address, options, query, rows, page)
    return body


def count_rows(session: Session, table: Table, options: Options, restriction: Restriction | None = None) -> int:
    """Answer how many rows a query finds, 5000 at most."""
    session.may("read", table)
    return min(_number_of_rows(session, table, _prepared(session, table, options, restriction)), MOST_ROWS)


def read_row(session: Session, table: Table, row_id: str, options: Options) -> dict[str, Any]:
    """Answer one row; raises Refusal where there is none."""
    session.may("read", table)
    selection = selection_for(table, options["$select"], session.preferences)
    expansions = parse_expand(table, options["$expand"])
    sql = f'SELECT {selection.sql} FROM "{table.name}" t WHERE t."{table.id}" = ?'
    values = session.storage.one(sql, [row_id])
    if values is None:
        raise no_such_row(table.name, row_id)
    row = selection.row(values)
    attach(session, table, [row], [row_id], expansions)
    return {"@odata.context": context(session, table, options, expansions) + "/$entity", **row}


def context(session: Session, table: Table, options: Options, expansions: Sequence[Expansion] = ()) -> str:
    """Answer the `@odata.context` of rows of a table."""
    names = [options["$select"]] if options["$select"] else []
    inside = ",".join([*names, *(one.written for one in expansions)])
    return f"{session.base}$metadata#{table.set_name}" + (f"({inside})" if inside else "")


def _prepared(session: Session, table: Table, options: Options, restriction: Restriction | None) -> Query:
    scope = Scope(table)
    conditions = Conditions(session.caller)
    where = []
    if restriction:
        where.append(restriction.sql)
        conditions.parameters += restriction.parameters
    if "$filter" in options:
        where.append(conditions.sql(parse_filter(options["$filter"], options.aliases), scope))
    return Query(
        selection_for(table, options["$select"], session.preferences),
        parse_expand(table, options["$expand"]),
        parse_order(options.aliases.get(options["$orderby"], options["$orderby"]), scope),
        where,
        conditions.parameters,
        options.top,
    )


def _size(session: Session, top: int | None) -> tuple[int, bool]:
    """How many rows the page has, and whether a next page may follow: `$top` yields to a page size."""
    if top is not None and not session.preferences.has_page_size:
        return min(top, MOST_ROWS), False
    return session.preferences.page_size, True


def _fetched(
    session: Session, table: Table, query: Query, where: Sequence[str], parameters: Sequence[Any], limit: int
) -> list[tuple[Any, ...]]:
    keys = ", ".join(order.sql for order in query.orders)
    condition = f"WHERE {' AND '.join(where)}" if where else ""
    sql = f'SELECT {query.selection.sql}, {keys} FROM "{table.name}" t {condition} {clause(query.orders)} LIMIT {limit}'
    return session.storage.all(sql, parameters)


def _next_link(
    session: Session, address: str, options: Options, query: Query, rows: Sequence[tuple[Any, ...]], page: int
) -> str:
    width = query.selection.width
    names = [order.name for order in query.orders]
    inner = inner_cookie(page, names, rows[0][width:], rows[-1][width:])
    return f"{session.base}{address}?{options.with_option('$skiptoken', skip_token(page + 1, inner))}"


def _counted(session: Session, table: Table, query: Query) -> dict[str, Any]:
    number = _number_of_rows(session, table, query)
    body: dict[str, Any] = {"@odata.count": min(number, MOST_ROWS)}
    if session.preferences.annotates(_TOTAL):
        body[f"@{_TOTAL}"] = min(number, MOST_ROWS)
    if session.preferences.annotates(_TOTAL_EXCEEDED):
        body[f"@{_TOTAL_EXCEEDED}"] = number > MOST_ROWS
    return body


def _number_of_rows(session: Session, table: Table, query: Query) -> int:
    condition = f"WHERE {' AND '.join(query.where)}" if query.where else ""
    sql = f'SELECT count(*) FROM (SELECT 1 FROM "{table.name}" t {condition} LIMIT {MOST_ROWS + 1})'
    row = session.storage.one(sql, query.parameters)
    return int(row[0]) if row else 0
