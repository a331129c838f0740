"""Which columns a query asks for, and how a stored row becomes the JSON of the wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any

from infra.local.dataverse.errors import no_such_property
from infra.local.dataverse.query.formatted import formatted
from infra.local.dataverse.query.preferences import FORMATTED, LOGICAL_NAME, NAVIGATION, Preferences
from infra.local.dataverse.schema.catalog import TABLES, relationships_to
from infra.local.dataverse.schema.model import Column, Kind, Table
from infra.local.dataverse.values import moment_text

CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {Kind.BOOLEAN: bool, Kind.DATETIME: moment_text}


def selected_columns(table: Table, text: str) -> list[Column]:
    """Read `$select`; the primary key always comes along, and money brings its currency. Raises Refusal."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names or "*" in names:
        return list(table.columns.values())
    columns = [_selected(table, name) for name in names]
    chosen = [column for column in columns if column]
    if any(column.kind is Kind.MONEY for column in chosen):
        chosen.append(table.columns["transactioncurrencyid"])
    chosen.append(table.columns[table.id])
    return list(dict.fromkeys(chosen))


def _selected(table: Table, name: str) -> Column | None:
    column = table.by_wire.get(name)
    if column is None and name not in table.navigations and name not in relationships_to(table.name):
        raise no_such_property(name, table.name)
    # A navigation property may be selected; it adds nothing to the answer.
    return column


@lru_cache(maxsize=256)
def selection_of(table: Table, select: str) -> Selection:
    """Answer the columns that `$select` names, without annotations. Raises Refusal."""
    return Selection(table, selected_columns(table, select), Preferences())


def selection_for(table: Table, select: str, preferences: Preferences) -> Selection:
    """Answer the columns that `$select` names, with the annotations that are preferred. Raises Refusal."""
    if preferences.annotates_values:
        return Selection(table, selected_columns(table, select), preferences)
    return selection_of(table, select)


class Selection:
    """The columns of an answer. `sql` asks for them, `row` makes an answer's object of what SQL returns."""

    def __init__(self, table: Table, columns: Iterable[Column], preferences: Preferences, alias: str = "t") -> None:
        self.table = table
        self._alias = alias
        self._preferences = preferences
        self._annotated = preferences.annotates_values
        self._columns = list(dict.fromkeys(columns))
        self._expressions = [f'{alias}."{table.id}"', f"{alias}.versionnumber"]
        self._symbol = self._add(self._symbol_sql()) if self._wants_symbol() else None
        self._fields = [self._field(column) for column in self._columns]
        self._names = ["@odata.etag", *(column.wire for column in self._columns)]
        conversions = ((column.wire, CONVERSIONS.get(column.kind)) for column in self._columns)
        self._converted = [(name, convert) for name, convert in conversions if convert]

    @property
    def width(self) -> int:
        """How many values `sql` asks for."""
        return len(self._expressions)

    @cached_property
    def sql(self) -> str:
        """The list of a SELECT; the first value is the row's id, the second its version."""
        return ", ".join(self._expressions)

    def row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        """Answer the JSON object of a row."""
        if not self._annotated:
            # What SQL returns is in the order of the names, but for the id at the beginning.
            row = dict(zip(self._names, values[1:], strict=False))
            row["@odata.etag"] = etag(values[1])
            for name, convert in self._converted:
                if row[name] is not None:
                    row[name] = convert(row[name])
            return row
        return self._annotated_row(values)

    def _annotated_row(self, values: tuple[Any, ...]) -> dict[str, Any]:
        row: dict[str, Any] = {"@odata.etag": etag(values[1])}
        for column, index, type_index, name_index, convert in self._fields:
            value = values[index]
            if value is not None:
                self._annotate(row, column, value, values, type_index, name_index)
            row[column.wire] = convert(value) if convert and value is not None else value
        return row

    def _field(self, column: Column) -> tuple[Column, int, int | None, int | None, Callable[[Any], Any] | None]:
        index = self._add("NULL" if column.secret else f'{self._alias}."{column.name}"')
        type_index = name_index = None
        if self._annotated and column.kind.is_lookup:
            type_index = self._add(f'{self._alias}."{column.type_column}"') if column.type_column else None
            name_index = self._add(name_of(self._alias, column))
        return column, index, type_index, name_index, CONVERSIONS.get(column.kind)

    def _add(self, expression: str) -> int:
        self._expressions.append(expression)
        return len(self._expressions) - 1

    def _wants_symbol(self) -> bool:
        return self._annotated and any(column.kind is Kind.MONEY for column in self._columns)

    def _symbol_sql(self) -> str:
        return (
            "(SELECT currencysymbol FROM transactioncurrency c WHERE c.transactioncurrencyid = "
            f"{self._alias}.transactioncurrencyid)"
        )

    def _annotate(
        self,
        row: dict[str, Any],
        column: Column,
        value: Any,
        values: tuple[Any, ...],
        type_index: int | None,
        name_index: int | None,
    ) -> None:
        wants = self._preferences.annotates
        if name_index is None:
            symbol = values[self._symbol] if self._symbol is not None else ""
            text = formatted(column, value, symbol or "")
        else:
            target = values[type_index] if type_index is not None else column.targets[0]
            text = values[name_index]
            if wants(NAVIGATION):
                row[f"{column.wire}@{NAVIGATION}"] = _navigation(column, target)
            if wants(LOGICAL_NAME):
                row[f"{column.wire}@{LOGICAL_NAME}"] = target
        if text is not None and wants(FORMATTED):
            row[f"{column.wire}@{FORMATTED}"] = text


def name_of(alias: str, column: Column) -> str:
    """Answer the SQL of the primary name of the row that a lookup points to."""
    names = [_name_in(alias, column, target) for target in column.targets]
    return names[0] if len(names) == 1 else f"coalesce({', '.join(names)})"


def _name_in(alias: str, column: Column, target: str) -> str:
    table = TABLES[target]
    return f'(SELECT n."{table.primary_name}" FROM "{target}" n WHERE n."{table.id}" = {alias}."{column.name}")'


def _navigation(column: Column, target: str) -> str:
    return next(name for name, targets in column.navigations.items() if target in targets)


def etag(version: int) -> str:
    """Answer a row's ETag: its version number as a weak tag."""
    return f'W/"{version}"'
