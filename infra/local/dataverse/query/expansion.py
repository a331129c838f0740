"""`$expand`: related rows inside the answer."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from infra.local.dataverse.errors import no_such_property, not_allowed, wrong_query
from infra.local.dataverse.query.conditions import Conditions
from infra.local.dataverse.query.options import split_outside, whole
from infra.local.dataverse.query.ordering import clause, parse_order
from infra.local.dataverse.query.parser import parse_filter
from infra.local.dataverse.query.preferences import MOST_ROWS
from infra.local.dataverse.query.scope import Scope
from infra.local.dataverse.query.selection import Selection, selected_columns
from infra.local.dataverse.schema.catalog import TABLES, Relationship, relationships_to
from infra.local.dataverse.schema.model import Column, Table
from infra.local.dataverse.session import Session

MOST_EXPANSIONS = 15
_OPTIONS = frozenset({"$select", "$filter", "$orderby", "$top", "$expand"})


@dataclass(frozen=True)
class Expansion:
    """One navigation property to expand: a lookup or a collection, with the options in its parentheses."""

    name: str
    options: dict[str, str]
    nested: tuple[Expansion, ...]
    lookup: Column | None = None
    relationship: Relationship | None = None
    reference_only: bool = False

    @property
    def written(self) -> str:
        """How the expansion stands in `@odata.context`."""
        inside = [self.options["$select"]] if "$select" in self.options else []
        return f"{self.name}({','.join([*inside, *(one.written for one in self.nested)])})"


def parse_expand(table: Table, text: str, depth: int = 0) -> tuple[Expansion, ...]:
    """Read `$expand` for a table (for the targets of a lookup of several tables: their common columns)."""
    parts = [part.strip() for part in split_outside(text, ",") if part.strip()]
    expansions = tuple(_expansion(table, part, depth) for part in parts)
    if depth == 0 and _count(expansions) > MOST_EXPANSIONS:
        raise not_allowed(f"Number of $expand properties exceeds the limit of {MOST_EXPANSIONS}.")
    return expansions


def _count(expansions: Sequence[Expansion]) -> int:
    return sum(1 + _count(one.nested) for one in expansions)


def _expansion(table: Table, text: str, depth: int) -> Expansion:
    name, opening, inside = text.partition("(")
    if opening and not inside.endswith(")"):
        raise wrong_query(f"Syntax error at position {len(text)} in '{text}'.")
    options = _options(inside[:-1] if opening else "")
    name, _, reference = name.strip().partition("/")
    if reference not in ("", "$ref"):
        raise wrong_query(f"Found a path with multiple navigation properties in $expand: '{text}'.")
    lookup = table.navigations.get(name)
    relationship = relationships_to(table.name).get(name)
    if relationship is not None:
        target = relationship.referencing
    elif lookup is not None:
        # Of an owner, who may be a user or a team, nothing but the id can be asked for.
        target = TABLES[lookup.navigations[name][0]]
        if len(lookup.navigations[name]) > 1:
            _check_principal(options)
    else:
        raise no_such_property(name, table.name)
    nested = parse_expand(target, options.get("$expand", ""), depth + 1)
    _check_collection(relationship, options, nested, bool(reference))
    return Expansion(name, options, nested, lookup, relationship, bool(reference))


def _check_principal(options: dict[str, str]) -> None:
    """Users and teams have nothing in common but their id."""
    for option in ("$select", "$expand"):
        for name in options.get(option, "").split(","):
            if name.strip() not in ("", "ownerid"):
                raise no_such_property(name.strip(), "principal")


def _options(inside: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in split_outside(inside, ";"):
        if not part.strip():
            continue
        name, _, value = part.partition("=")
        if name.strip() not in _OPTIONS:
            raise not_allowed(f"The query option '{name.strip()}' is not supported inside $expand.")
        options[name.strip()] = value
    return options


def _check_collection(
    relationship: Relationship | None, options: dict[str, str], nested: Sequence[Expansion], reference: bool
) -> None:
    if relationship is not None and reference:
        raise not_allowed("$expand with $ref is allowed on single-valued navigation properties only.")
    if relationship is not None and nested and options.keys() & {"$top", "$orderby"}:
        raise not_allowed("$top and $orderby are not supported on a collection that has nested $expand options.")


def attach(
    session: Session,
    table: Table,
    rows: Sequence[dict[str, Any]],
    ids: Sequence[str],
    expansions: Iterable[Expansion],
) -> None:
    """Put the related rows into rows (`ids` are theirs, in the same order); raises Refusal for unknown names."""
    for expansion in expansions:
        if expansion.lookup is not None:
            _attach_single(session, table, rows, ids, expansion, expansion.lookup)
        elif expansion.relationship is not None:
            _attach_collection(session, table, rows, ids, expansion, expansion.relationship)


def _attach_single(
    session: Session,
    table: Table,
    rows: Sequence[dict[str, Any]],
    ids: Sequence[str],
    expansion: Expansion,
    lookup: Column,
) -> None:
    references = _references(session, table, lookup, ids)
    found: dict[str, dict[str, Any]] = {}
    for name in lookup.navigations[expansion.name]:
        wanted = {row_id for row_id, target in references.values() if target == name}
        if wanted:
            found |= _targets(session, TABLES[name], sorted(wanted), expansion)
    for row, row_id in zip(rows, ids, strict=True):
        row[expansion.name] = found.get(references.get(row_id, ("", ""))[0])


def _references(session: Session, table: Table, lookup: Column, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Which row, of which table, each of the rows points to."""
    target = f'"{lookup.type_column}"' if lookup.type_column else f"'{lookup.targets[0]}'"
    sql = (
        f'SELECT "{table.id}", "{lookup.name}", {target} FROM "{table.name}" '
        f'WHERE "{table.id}" IN (SELECT value FROM json_each(?)) AND "{lookup.name}" IS NOT NULL'
    )
    return {row[0]: (row[1], row[2]) for row in session.storage.all(sql, [json.dumps(list(ids))])}


def _targets(session: Session, table: Table, ids: list[str], expansion: Expansion) -> dict[str, dict[str, Any]]:
    session.may("read", table)
    if expansion.reference_only:
        return {row_id: {"@odata.id": session.address(table, row_id)} for row_id in ids}
    if expansion.lookup is not None and len(expansion.lookup.navigations[expansion.name]) > 1:
        kind = f"#{table.type_name}"
        return {row_id: {"@odata.type": kind, "ownerid": row_id} for row_id in ids}
    selection = Selection(table, selected_columns(table, expansion.options.get("$select", "")), session.preferences)
    sql = f'SELECT {selection.sql} FROM "{table.name}" t WHERE t."{table.id}" IN (SELECT value FROM json_each(?))'
    found = session.storage.all(sql, [json.dumps(ids)])
    rows = [selection.row(values) for values in found]
    if "ownerid" in table.columns and table.columns["ownerid"].create is False:
        # Users and teams inherit from principal: an expanded one shows the inherited id too.
        for row, values in zip(rows, found, strict=True):
            row["ownerid"] = values[0]
    attach(session, table, rows, [values[0] for values in found], expansion.nested)
    return {values[0]: row for values, row in zip(found, rows, strict=True)}


def _attach_collection(
    session: Session,
    table: Table,
    rows: Sequence[dict[str, Any]],
    ids: Sequence[str],
    expansion: Expansion,
    relationship: Relationship,
) -> None:
    children = _children(session, table, ids, expansion, relationship)
    for row, row_id in zip(rows, ids, strict=True):
        row[expansion.name] = children.get(row_id, [])
        if not expansion.nested:
            address = f"{session.address(table, row_id)}/{expansion.name}"
            query = "&".join(f"{name}={value}" for name, value in expansion.options.items())
            row[f"{expansion.name}@odata.nextLink"] = address + (f"?{query}" if query else "")


def _children(
    session: Session, table: Table, ids: Sequence[str], expansion: Expansion, relationship: Relationship
) -> dict[str, list[dict[str, Any]]]:
    child = relationship.referencing
    session.may("read", child)
    options = expansion.options
    selection = Selection(child, selected_columns(child, options.get("$select", "")), session.preferences)
    where, parameters = _where(session, table, relationship, ids, options.get("$filter", ""))
    order = clause(parse_order(options.get("$orderby", ""), Scope(child)))
    sql = f'SELECT {selection.sql}, t."{relationship.column.name}" FROM "{child.name}" t WHERE {where} {order}'
    most = min(whole(options["$top"], "$top"), MOST_ROWS) if "$top" in options else MOST_ROWS
    grouped: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for values in session.storage.all(sql, parameters):
        if len(grouped[values[-1]]) < most:
            grouped[values[-1]].append(values)
    return {parent: _made(session, selection, found, expansion) for parent, found in grouped.items()}


def _where(
    session: Session, table: Table, relationship: Relationship, ids: Sequence[str], text: str
) -> tuple[str, list[Any]]:
    column = relationship.column
    parts = [f't."{column.name}" IN (SELECT value FROM json_each(?))']
    if column.type_column:
        parts.append(f"t.\"{column.type_column}\" = '{table.name}'")
    conditions = Conditions(session.caller, [json.dumps(list(ids))])
    if text:
        parts.append(conditions.sql(parse_filter(text, {}), Scope(relationship.referencing)))
    return " AND ".join(parts), conditions.parameters


def _made(
    session: Session, selection: Selection, found: Sequence[tuple[Any, ...]], expansion: Expansion
) -> list[dict[str, Any]]:
    rows = [selection.row(values) for values in found]
    attach(session, selection.table, rows, [values[0] for values in found], expansion.nested)
    return rows
