"""Comparing values by meaning, and writing them down.

Two systems never spell a value alike: BC has no null, codes are upper-cased, numbers gain zeros. A difference in
spelling is no change (codeunit Integration Record Synch., which compares before it writes).
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from shared.core.tables import Column, ColumnKind, Value, Values

NUMBERS = (ColumnKind.DECIMAL, ColumnKind.INTEGER)


def meaning(column: Column, value: Value) -> Value:
    """The one representative of all spellings of `value` in `column`: equal meanings are equal values."""
    if column.kind in NUMBERS:
        return Decimal(0) if value is None else Decimal(str(value)).normalize() + 0
    if column.kind is ColumnKind.BOOLEAN:
        return bool(value)
    if not isinstance(value, str):
        return value
    text = value.strip() if column.kind is ColumnKind.CODE else value.rstrip()
    if column.kind in (ColumnKind.CODE, ColumnKind.GUID, ColumnKind.LOOKUP):
        text = text.upper()
    return text or None


def same(column: Column, left: Value, right: Value) -> bool:
    """Whether both spellings mean the same in `column`."""
    return meaning(column, left) == meaning(column, right)


def to_document(values: Values) -> dict[str, object]:
    """`values` as JSON members that `from_document` turns back exactly."""
    return {name: _pack(value) for name, value in values.items()}


def from_document(document: object) -> Values:
    """The inverse of `to_document`."""
    return {name: _unpack(value) for name, value in cast(dict[str, object], document or {}).items()}


def _pack(value: Value) -> object:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"time": value.astimezone(UTC).isoformat()}
    return value


def _unpack(value: object) -> Value:
    if isinstance(value, dict):
        if "decimal" in value:
            return Decimal(value["decimal"])
        return datetime.fromisoformat(value["time"])
    return cast(Value, value)
