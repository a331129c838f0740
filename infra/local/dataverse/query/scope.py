"""Where the names of an expression are looked up: a table, the name it has in SQL, and what encloses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from infra.local.dataverse.errors import no_such_property, wrong_query
from infra.local.dataverse.schema.catalog import TABLES, Relationship, relationships_to
from infra.local.dataverse.schema.model import Column, Table


@dataclass
class Scope:
    """A table in a query. `alias` is its name in SQL; inside a lambda, `variable` is what the expression calls it."""

    table: Table
    alias: str = "t"
    variable: str | None = None
    outer: Scope | None = None
    _names: count[int] = field(default_factory=count)

    def inner(self, table: Table, variable: str | None = None) -> Scope:
        """Answer a scope within this one."""
        return Scope(table, f"{self.alias}{next(self._names)}", variable, self)

    def column(self, segments: Sequence[str]) -> tuple[str, Column]:
        """Answer the SQL of a property's value and its column; raises Refusal for an unknown name."""
        scope, rest = self._start(segments)
        *navigations, name = rest
        if navigations:
            return scope._over(navigations[0], [*navigations[1:], name])
        column = scope.table.by_wire.get(name)
        if column is None:
            raise no_such_property(name, scope.table.name)
        return f'{scope.alias}."{column.name}"', column

    def collection(self, segments: Sequence[str]) -> tuple[Scope, Relationship]:
        """Answer the scope that a collection belongs to, and the collection."""
        scope, rest = self._start(segments)
        relationship = relationships_to(scope.table.name).get(rest[0])
        if len(rest) != 1 or relationship is None:
            raise no_such_property("/".join(rest), scope.table.name)
        return scope, relationship

    def _start(self, segments: Sequence[str]) -> tuple[Scope, Sequence[str]]:
        """The scope that the first name belongs to: a lambda's variable, else the outermost table."""
        scope: Scope | None = self
        outermost = self
        while scope is not None:
            if scope.variable is not None and scope.variable == segments[0]:
                if len(segments) == 1:
                    raise wrong_query(f"The range variable '{scope.variable}' cannot be used as a value.")
                return scope, segments[1:]
            outermost, scope = scope, scope.outer
        return outermost, segments

    def _over(self, navigation: str, rest: Sequence[str]) -> tuple[str, Column]:
        lookup = self.table.navigations.get(navigation)
        if lookup is None:
            raise no_such_property(navigation, self.table.name)
        targets = lookup.navigations[navigation]
        if len(targets) != 1:
            raise no_such_property(rest[-1], "principal")
        target = self.inner(TABLES[targets[0]])
        # The rest is looked up in the target alone: no variable of an outer lambda is meant there.
        value, column = Scope(target.table, target.alias, _names=target._names).column(rest)
        where = f'{target.alias}."{target.table.id}" = {self.alias}."{lookup.name}"'
        if lookup.type_column:
            where += f" AND {self.alias}.\"{lookup.type_column}\" = '{targets[0]}'"
        return f'(SELECT {value} FROM "{target.table.name}" {target.alias} WHERE {where})', column
