"""Lists, single records and counts: SQL from a query, rows to JSON objects, `$expand` in one query per page."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import batched
from typing import Any

from infra.local.business_central.database import INDEXED
from infra.local.business_central.errors import bad_request, business_rule
from infra.local.business_central.etags import etag
from infra.local.business_central.filter_sql import Sql, condition_sql
from infra.local.business_central.filters import Combination, Comparison, Condition, Match
from infra.local.business_central.query import Expansion, Query, make_token
from infra.local.business_central.replica import View
from infra.local.business_central.schema import ENTITY_SETS, EntitySet, Property, Stored
from infra.local.business_central.sources import source
from infra.local.business_central.values import CONVERSIONS

PAGE = 20_000
_SLICE = 2000
Row = tuple[Stored, ...]
Object = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Rows as JSON objects; `token` is there when more rows follow, `total` when a count was asked for.

    `rest` puts the rows into their list, some with each step: all `size` of them are there in the end.
    """

    rows: list[Object]
    size: int
    token: str | None
    total: int | None
    rest: Iterator[None]


@dataclass(frozen=True)
class Reading:
    """A query on one set as one reader sees it."""

    view: View
    set: EntitySet
    query: Query
    fold_all: bool = False
    parent: Sql = ("1", [])

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns that are read: the version, what is shown, then what order and expansions need."""
        needed = [one.name for one, _ in self._order()]
        needed += [one.navigation.via or "id" for one in self.query.expand]
        return _read_columns(self.set.name, self.query.select, tuple(needed))

    @property
    def _column_list(self) -> str:
        return _column_list(self.columns)

    def page(self, size: int) -> Page:
        """The next rows, at most `size`."""
        self._refuse_without_parent()
        limit = size if self.query.top is None else min(size, self.query.top)
        found = self._select(limit + 1) if limit else []
        more = len(found) > limit and (self.query.top is None or self.query.top > limit)
        kept = found[:limit]
        token = make_token(self._position(kept[-1])) if more else None
        rows: list[Object] = []
        return Page(rows, len(kept), token, self.total() if self.query.count else None, self._filling(rows, kept))

    def _filling(self, rows: list[Object], found: Sequence[Row]) -> Iterator[None]:
        for some in batched(found, _SLICE, strict=False):
            rows += self.objects(some)
            yield

    def total(self) -> int:
        """How many rows the filter leaves, of whatever page."""
        self._refuse_without_parent()
        where, parameters = self._where()
        rows = self.view.rows.query(f"SELECT count(*) FROM {self._source()} WHERE {where}", parameters)
        return int(rows[0][0])

    def one(self, identity: str) -> Object | None:
        """One record by its id; the filter does not matter."""
        sql = f'SELECT {self._column_list} FROM {self._source()} WHERE "{self.set.identity}" = ?'
        rows = self.view.rows.query(f"{sql} AND {self.parent[0]}", (identity.lower(), *self.parent[1]))
        return self.objects(rows)[0] if rows else None

    def objects(self, rows: Sequence[Row]) -> list[Object]:
        """Rows as JSON objects, with etag, selected properties and expansions."""
        render = _renderer(self.set.name, self.query.select)
        objects = [render(row) for row in rows]
        for expansion in self.query.expand:
            _Expanding(self, expansion).add_to(objects, rows)
        return objects

    def _source(self) -> str:
        return source(self.set, self.view)

    def _where(self) -> Sql:
        term, parameters = self.parent
        if self.query.condition is None:
            return term, list(parameters)
        more, values = condition_sql(self.query.condition, fold_all=self.fold_all)
        return f"{term} AND ({more})", [*parameters, *values]

    def _order(self) -> list[tuple[Property, bool]]:
        last = [(self.set.properties[name], False) for name in dict.fromkeys((self.set.key, self.set.identity))]
        named = {one.name for one, _ in self.query.order}
        return [*self.query.order, *(one for one in last if one[0].name not in named)]

    def _position(self, row: Row) -> list[Stored]:
        return [row[self.columns.index(one.name)] for one, _ in self._order()]

    def _select(self, limit: int) -> list[Row]:
        where, parameters = self._where()
        if self.query.after is not None:
            term, values = self._beyond(self.query.after)
            where, parameters = f"{where} AND ({term})", [*parameters, *values]
        # A plus keeps SQLite from walking along the key where another index leaves few rows.
        plus = "+" if self._few() else ""
        order = ", ".join(f'{plus}"{one.name}" {"DESC" if descending else "ASC"}' for one, descending in self._order())
        sql = f"SELECT {self._column_list} FROM {self._source()} WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"
        return self.view.rows.query(sql, (*parameters, limit, self.query.skip))

    def _few(self) -> bool:
        """Tell whether the ranges that the filter sets on an indexed column leave less than a page."""
        ranges = [] if self.query.order else _ranges(self.query.condition)
        table = self._source()
        for name in {one.field.one.name for one in ranges if one.field.one.name in INDEXED and table == self.set.name}:
            terms = [condition_sql(one, fold_all=self.fold_all) for one in ranges if one.field.one.name == name]
            where, parameters = " AND ".join(term for term, _ in terms), [one for _, values in terms for one in values]
            sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT {PAGE})"
            if int(self.view.rows.query(sql, parameters)[0][0]) < PAGE:
                return True
        return False

    def _beyond(self, after: Row) -> Sql:
        """What comes after the position of a skip token."""
        order = self._order()
        if len(after) != len(order):
            raise bad_request("The skip token is no longer valid.", "SkipTokenIsNoLongerValid")
        if not self.query.order:
            return f'"{order[0][0].name}" > ?', [after[0]]
        terms: list[str] = []
        parameters: list[Stored] = []
        for position, (one, descending) in enumerate(order):
            same = [f'"{earlier.name}" = ?' for earlier, _ in order[:position]]
            terms.append(" AND ".join([*same, f'"{one.name}" {"<" if descending else ">"} ?']))
            parameters += after[: position + 1]
        return " OR ".join(f"({term})" for term in terms), parameters

    def _refuse_without_parent(self) -> None:
        if self.set.name == "contactsInformation" and self.parent[0] == "1":
            fixed = _fixed(self.query.condition)
            if not {"relatedId", "relatedType"} <= fixed:
                raise business_rule("You must specify a parent ID and a parent type to get the contacts information.")


def _ranges(condition: Condition | None) -> list[Comparison | Match]:
    """The conditions that must all hold and that an index answers by a range."""
    match condition:
        case Comparison(operator="gt" | "ge" | "lt" | "le") | Match(function="startswith"):
            return [] if condition.field.fold or condition.field.cut else [condition]
        case Combination(operator="and"):
            return [one for part in condition.parts for one in _ranges(part)]
        case _:
            return []


def _fixed(condition: Condition | None) -> set[str]:
    match condition:
        case Comparison(operator="eq"):
            return {condition.field.one.name}
        case Combination(operator="and"):
            return set().union(*(_fixed(part) for part in condition.parts))
        case _:
            return set()


class _Expanding:
    """Adds one navigation to a page of objects: all targets in one query."""

    def __init__(self, reading: Reading, expansion: Expansion) -> None:
        self._reading = reading
        self._expansion = expansion

    def add_to(self, objects: list[Object], rows: Sequence[Row]) -> None:
        navigation, query = self._expansion.navigation, self._expansion.query
        if query is None or (navigation.via is None and navigation.set != "contactsInformation"):
            self._put(objects, [], {})
        elif navigation.via:
            self._put(objects, self._column(rows, navigation.via), self._targets(rows, navigation.via, query))
        else:
            own = "contactId" if self._reading.set.name == "contacts" else "relatedId"
            self._put(objects, self._column(rows, "id"), self._children(rows, own, query))

    def _put(self, objects: list[Object], keys: Sequence[Stored], found: dict[Stored, list[Object]]) -> None:
        many, query = self._expansion.navigation.many, self._expansion.query or Query()
        wanted = slice(query.skip, None if query.top is None else query.skip + query.top)
        for index, one in enumerate(objects):
            targets = found.get(keys[index], []) if keys else []
            one[self._expansion.name] = targets[wanted] if many else next(iter(targets), None)

    def _targets(self, rows: Sequence[Row], via: str, query: Query) -> dict[Stored, list[Object]]:
        return self._related(self._column(rows, via), "id", query)

    def _children(self, rows: Sequence[Row], own: str, query: Query) -> dict[Stored, list[Object]]:
        return self._related(self._column(rows, "id"), own, query)

    def _related(self, keys: Sequence[Stored], column: str, query: Query) -> dict[Stored, list[Object]]:
        target = ENTITY_SETS[self._expansion.navigation.set]
        wanted = json.dumps(sorted(set(map(str, keys))))
        parent: Sql = (f'"{column}" IN (SELECT value FROM json_each(?))', [wanted])
        reading = Reading(self._reading.view, target, replace(query, skip=0), self._reading.fold_all, parent)
        rows = reading._select(-1)
        at = reading.columns.index(column)
        related: dict[Stored, list[Object]] = defaultdict(list)
        for row, one in zip(rows, reading.objects(rows), strict=True):
            related[row[at]].append(one)
        return related

    def _column(self, rows: Sequence[Row], name: str) -> list[Stored]:
        at = self._reading.columns.index(name)
        return [row[at] for row in rows]


@lru_cache(maxsize=256)
def _shown(name: str, select: tuple[str, ...] | None) -> tuple[Property, ...]:
    return tuple(one for one in ENTITY_SETS[name].shown if select is None or one.name in select)


@lru_cache(maxsize=256)
def _read_columns(name: str, select: tuple[str, ...] | None, needed: tuple[str, ...]) -> tuple[str, ...]:
    entity_set = ENTITY_SETS[name]
    # The last three put rows to their parents.
    others = (*needed, entity_set.identity, "relatedId", "contactId")
    known = (one for one in others if one in entity_set.properties)
    return tuple(dict.fromkeys(("version", *(one.name for one in _shown(name, select)), *known)))


@lru_cache(maxsize=256)
def _column_list(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


@lru_cache(maxsize=256)
def _renderer(name: str, select: tuple[str, ...] | None) -> Callable[[Row], Object]:
    """A function that makes the JSON object of a row; values that are stored as they travel are just taken over."""
    shown = _shown(name, select)
    names = ("@odata.etag", *(one.name for one in shown))
    converted = [(one.name, CONVERSIONS[one.kind]) for one in shown if one.kind in CONVERSIONS]

    def render(row: Row) -> Object:
        # The version stands first, then what is shown.
        made: Object = dict(zip(names, row, strict=False))
        made["@odata.etag"] = etag(int(row[0]))
        for key, convert in converted:
            made[key] = convert(made[key])
        return made

    return render
