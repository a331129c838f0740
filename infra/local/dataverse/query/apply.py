"""`$apply`: filter, groupby and aggregate (page "Aggregate data")."""

from __future__ import annotations

import re
from typing import Any

from infra.local.dataverse.errors import not_allowed, wrong_query
from infra.local.dataverse.fetch.aggregates import MOST_GROUPED_ROWS, aggregate_sql
from infra.local.dataverse.query.conditions import Conditions
from infra.local.dataverse.query.options import Options, split_outside
from infra.local.dataverse.query.parser import parse_filter
from infra.local.dataverse.query.preferences import MOST_ROWS
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import CONVERSIONS
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session

_STEP = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
_AGGREGATE = re.compile(r"(?:\$count|([\w/]+)\s+with\s+(\w+))\s+as\s+(\w+)")


def answer_apply(session: Session, table: Table, options: Options) -> dict[str, Any]:
    """Answer a query with `$apply`; raises Refusal."""
    session.may("read", table)
    return _Apply(session, table, options).body()


class _Apply:
    def __init__(self, session: Session, table: Table, options: Options) -> None:
        self._session = session
        self._table = table
        self._options = options
        self._scope = Scope(table)
        self._conditions = Conditions(session.caller)
        self._where: list[str] = []
        self._columns: list[tuple[str, str, Column | None]] = []
        self._groups: list[str] = []

    def body(self) -> dict[str, Any]:
        if "$filter" in self._options:
            self._filter(self._options["$filter"])
        for step in split_outside(self._options["$apply"], "/"):
            self._step(step.strip())
        if not self._columns:
            raise wrong_query("$apply needs groupby or aggregate.")
        rows = self._session.storage.all(self._sql(), self._conditions.parameters)
        names = ",".join(name for name, _, _ in self._columns)
        context = f"{self._session.base}$metadata#{self._table.set_name}({names})"
        return {"@odata.context": context, "value": [self._row(values) for values in rows]}

    def _step(self, text: str) -> None:
        found = _STEP.fullmatch(text)
        steps = {"filter": self._filter, "groupby": self._group_by, "aggregate": self._aggregate}
        if found is None or found[1] not in steps:
            raise wrong_query(f"'{text}' is no transformation that $apply supports.")
        if self._columns:
            raise not_allowed("A transformation behind groupby or aggregate is not supported.")
        steps[found[1]](found[2])

    def _filter(self, text: str) -> None:
        expression = parse_filter(text, self._options.aliases)
        self._where.append(self._conditions.sql(expression, self._scope))

    def _group_by(self, text: str) -> None:
        listed, *rest = (part.strip() for part in split_outside(text, ","))
        if not (listed.startswith("(") and listed.endswith(")")) or len(rest) > 1:
            raise wrong_query(f"groupby needs a list of properties in parentheses: '{text}'.")
        for name in listed[1:-1].split(","):
            value, column = self._scope.column(name.strip().split("/"))
            self._columns.append((name.strip().replace("/", "_"), value, column))
            self._groups.append(value)
        if rest:
            found = _STEP.fullmatch(rest[0])
            if found is None or found[1] != "aggregate":
                raise wrong_query(f"'{rest[0]}' is no aggregate.")
            self._aggregate(found[2])

    def _aggregate(self, text: str) -> None:
        for part in split_outside(text, ","):
            found = _AGGREGATE.fullmatch(part.strip())
            if found is None:
                raise wrong_query(f"'{part.strip()}' is no aggregate.")
            if found[1] is None:
                self._columns.append((found[3], "count(*)", None))
                continue
            value, column = self._scope.column(found[1].split("/"))
            keeps_type = found[2] in ("min", "max")
            self._columns.append((found[3], aggregate_sql(found[2], value, column), column if keeps_type else None))

    def _sql(self) -> str:
        columns = ", ".join(sql for _, sql, _ in self._columns)
        where = f"WHERE {' AND '.join(self._where)}" if self._where else ""
        group = f"GROUP BY {', '.join(self._groups)}" if self._groups else ""
        self._check_number(where)
        top = min(self._options.top or MOST_ROWS, MOST_ROWS)
        return f'SELECT {columns} FROM "{self._table.name}" t {where} {group} {self._order()} LIMIT {top}'

    def _order(self) -> str:
        if "$orderby" not in self._options:
            return ""
        keys = []
        for part in self._options["$orderby"].split(","):
            name, _, direction = part.strip().partition(" ")
            sql = next((sql for one, sql, _ in self._columns if one == name), None)
            if sql is None or direction.strip() not in ("", "asc", "desc"):
                raise wrong_query(f"'{part.strip()}' cannot be sorted by.")
            keys.append(f"{sql} {direction}")
        return "ORDER BY " + ", ".join(keys)

    def _check_number(self, where: str) -> None:
        sql = f'SELECT count(*) FROM (SELECT 1 FROM "{self._table.name}" t {where} LIMIT {MOST_GROUPED_ROWS + 1})'
        row = self._session.storage.one(sql, self._conditions.parameters)
        if row and row[0] > MOST_GROUPED_ROWS:
            raise not_allowed("The maximum record limit of 50000 is exceeded. Reduce the number of records.")

    def _row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        row = {}
        for (name, _, column), value in zip(self._columns, values, strict=True):
            convert = CONVERSIONS.get(column.kind) if column else None
            row[name] = convert(value) if convert and value is not None else value
        return row
