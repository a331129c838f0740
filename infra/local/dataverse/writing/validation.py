"""One value of a body: does it fit its column, and how is it stored?"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from infra.local.dataverse.errors import Refusal, out_of_range, too_long, wrong_argument, wrong_choice, wrong_payload
from infra.local.dataverse.schema.model import Column, Kind, Required, Table
from infra.local.dataverse.values import day_of, guid, seconds_of

INTEGER_OUT_OF_RANGE = "0x8004432f"
DECIMAL_OUT_OF_RANGE = "0x80044330"
_INT32 = range(-(2**31), 2**31)


def checked(table: Table, column: Column, value: Any) -> Any:
    """Answer the stored form of a JSON value for a column that is no lookup; raises Refusal."""
    if value is None or (value == "" and column.kind.is_text):
        # An empty text is a missing one.
        if column.required is Required.SYSTEM:
            raise wrong_argument(f"Attribute: {column.name} cannot be set to NULL")
        return None
    return _CHECKS[column.kind](table, column, value)


def _text(table: Table, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise _unconvertible(table, column, value)
    # The service counts UTF-16 code units: at most two for a character.
    if 0 < column.length < 2 * len(value) and _code_units(value) > column.length:
        raise too_long(column.name, table.name, column.length)
    return value


def _code_units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _whole(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT32:
        raise _unconvertible(table, column, value)
    if (column.least is not None and value < column.least) or (column.most is not None and value > column.most):
        raise out_of_range(INTEGER_OUT_OF_RANGE, column.name, table.name, column.least, column.most)
    return value


def _choice(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in _INT32:
        raise _unconvertible(table, column, value)
    if value not in column.options:
        raise wrong_choice(column.name, table.name, value)
    return value


def _number(table: Table, column: Column, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unconvertible(table, column, value)
    if (column.least is not None and value < column.least) or (column.most is not None and value > column.most):
        raise out_of_range(DECIMAL_OUT_OF_RANGE, column.name, table.name, column.least, column.most)
    return round(float(value), column.precision) if column.precision else float(value)


def _boolean(table: Table, column: Column, value: Any) -> int:
    if not isinstance(value, bool):
        raise _unconvertible(table, column, value)
    return int(value)


def _read_from_text(read: Callable[[str], Any]) -> Callable[[Table, Column, Any], Any]:
    def check(table: Table, column: Column, value: Any) -> Any:
        stored = read(value) if isinstance(value, str) else None
        if stored is None:
            raise _unconvertible(table, column, value)
        return stored

    return check


def _not_before_1753(read: Callable[[Table, Column, Any], Any], earliest: Any) -> Callable[[Table, Column, Any], Any]:
    """SQL Server's dates begin in 1753; what other systems take for an empty date does not fit."""

    def check(table: Table, column: Column, value: Any) -> Any:
        stored = read(table, column, value)
        if stored < earliest:
            message = (
                f"DateTime is less than minumum value supported by CrmDateTime. Actual value: {value}, "
                "Minimum value supported: 01/01/1753 00:00:00"
            )
            raise Refusal(400, "0x80040239", message)
        return stored

    return check


def _seconds(text: str) -> int | None:
    seconds = seconds_of(text)
    return None if seconds is None else int(seconds // 1)


def _day(text: str) -> str | None:
    return day_of(text) if len(text) == len("2024-05-01") else None


_CHECKS: dict[Kind, Callable[[Table, Column, Any], Any]] = {
    Kind.STRING: _text,
    Kind.MEMO: _text,
    Kind.INTEGER: _whole,
    Kind.BIGINT: _whole,
    Kind.CHOICE: _choice,
    Kind.STATE: _choice,
    Kind.STATUS: _choice,
    Kind.DOUBLE: _number,
    Kind.DECIMAL: _number,
    Kind.MONEY: _number,
    Kind.BOOLEAN: _boolean,
    Kind.GUID: _read_from_text(guid),
    Kind.DATETIME: _not_before_1753(_read_from_text(_seconds), seconds_of("1753-01-01")),
    Kind.DATE: _not_before_1753(_read_from_text(_day), "1753-01-01"),
}


def _unconvertible(table: Table, column: Column, value: Any) -> Refusal:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    why = f"Cannot convert the literal '{shown}' to the expected type '{column.kind.edm}'."
    return wrong_payload(table.set_name, why)
