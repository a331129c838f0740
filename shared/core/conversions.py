"""Which kinds of columns a value can travel between without a reference, and which constants a column takes.

The table says what `core.transfer` does: a destination that is a text takes anything as text, a number is read out of a
text, every other value arrives as it left and must be what the destination holds.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal, InvalidOperation

from shared.core.tables import Column, ColumnKind
from shared.core.texts import is_longer

type Constant = str | int | bool

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SAME = {kind: {kind, ColumnKind.TEXT} for kind in ColumnKind}
_MORE: dict[ColumnKind, set[ColumnKind]] = {
    ColumnKind.TEXT: {ColumnKind.CODE, ColumnKind.ENUM, ColumnKind.INTEGER, ColumnKind.DECIMAL},
    ColumnKind.CODE: {ColumnKind.ENUM, ColumnKind.INTEGER, ColumnKind.DECIMAL},
    ColumnKind.ENUM: {ColumnKind.CODE, ColumnKind.INTEGER, ColumnKind.DECIMAL},
    ColumnKind.INTEGER: {ColumnKind.DECIMAL, ColumnKind.CHOICE},
    ColumnKind.CHOICE: {ColumnKind.INTEGER, ColumnKind.DECIMAL},
}
CONVERTS = {kind: frozenset(_SAME[kind] | _MORE.get(kind, set())) for kind in ColumnKind}
"""The kinds that values of a kind may go to."""

NAMES = {
    ColumnKind.TEXT: "a text",
    ColumnKind.CODE: "a code",
    ColumnKind.GUID: "an id",
    ColumnKind.LOOKUP: "a lookup",
    ColumnKind.CHOICE: "a choice",
    ColumnKind.ENUM: "an option",
    ColumnKind.INTEGER: "a whole number",
    ColumnKind.DECIMAL: "a decimal number",
    ColumnKind.BOOLEAN: "yes or no",
    ColumnKind.DATE: "a date",
    ColumnKind.DATETIME: "a date and time",
}
"""The kinds in words."""


def complaint_about(column: Column, constant: Constant) -> str | None:
    """Why a column cannot hold a constant, as the end of a sentence; None when it can."""
    check = _CHECKS.get(column.kind)
    if check is None:
        return f"{NAMES[column.kind]} cannot be given as a constant"
    return check(column, constant)


def _text(column: Column, constant: Constant) -> str | None:
    if column.max_length is not None and is_longer(str(constant), column.max_length):
        return f"it holds at most {column.max_length} characters"
    return None


def _code(column: Column, constant: Constant) -> str | None:
    return _text(column, constant) if isinstance(constant, str) else "it holds a code, so the constant must be a text"


def _enum(column: Column, constant: Constant) -> str | None:
    if not isinstance(constant, str) or (column.members and constant not in column.members):
        known = f": {', '.join(column.members)}" if column.members else ""
        return f"it holds one of its options{known}"
    return None


def _choice(column: Column, constant: Constant) -> str | None:
    if isinstance(constant, bool) or not isinstance(constant, int):
        return "it holds a choice, so the constant must be the choice's number"
    if column.options and constant not in column.options:
        known = ", ".join(f"{value} ({label})" for value, label in sorted(column.options.items())[:12])
        return f"it has no choice of this number; it has {known}"
    return None


def _number(column: Column, constant: Constant) -> str | None:
    try:
        number = None if isinstance(constant, bool) else Decimal(str(constant).strip())
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or (column.kind is ColumnKind.INTEGER and number != int(number)):
        return f"it holds {NAMES[column.kind]}"
    return None


def _boolean(column: Column, constant: Constant) -> str | None:
    return None if isinstance(constant, bool) else "it holds true or false"


def _id(column: Column, constant: Constant) -> str | None:
    return None if isinstance(constant, str) and _GUID.fullmatch(constant) else "it holds an id (GUID)"


def _date(column: Column, constant: Constant) -> str | None:
    try:
        date.fromisoformat(str(constant))
    except ValueError:
        return "it holds a date, YYYY-MM-DD"
    return None if len(str(constant)) == len("2026-01-31") else "it holds a date, YYYY-MM-DD"


_CHECKS = {
    ColumnKind.TEXT: _text,
    ColumnKind.CODE: _code,
    ColumnKind.ENUM: _enum,
    ColumnKind.CHOICE: _choice,
    ColumnKind.INTEGER: _number,
    ColumnKind.DECIMAL: _number,
    ColumnKind.BOOLEAN: _boolean,
    ColumnKind.GUID: _id,
    ColumnKind.LOOKUP: _id,
    ColumnKind.DATE: _date,
}
