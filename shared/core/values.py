"""Comparing values by meaning, and writing them down.

Two systems never spell a value alike: BC has no null, codes are upper-cased, numbers gain zeros. A difference in
spelling is no change (codeunit Integration Record Synch., which compares before it writes).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, cast

from shared.core.tables import Column, ColumnKind, Value, Values

type Meaning = Callable[[Value], Value]

_SECOND = timedelta(seconds=1)
NUMBERS = (ColumnKind.DECIMAL, ColumnKind.INTEGER)


def meaning(column: Column, value: Value) -> Value:
    """The one representative of all spellings of `value` in `column`: equal meanings are equal values."""
    return meaning_in(column)(value)


def meaning_in(column: Column) -> Meaning:
    """`meaning` for one column, for whoever asks often."""
    return _MEANINGS.get(column.kind, _text)


def same(column: Column, left: Value, right: Value) -> bool:
    """Whether both spellings mean the same in `column`."""
    return left == right or meaning(column, left) == meaning(column, right)


def is_kept_for(held: Value, sent: Value) -> bool:
    """Whether a service that was sent `sent` may keep `held` for it: a code in capitals, a number or a time rounded."""
    if isinstance(held, str) and isinstance(sent, str):
        return held == _code(sent)
    if isinstance(held, datetime) and isinstance(sent, datetime):
        return held.microsecond == 0 and abs(held - sent) < _SECOND
    return _is_amount(held) and _is_amount(sent) and _is_rounded(_amount(held), _amount(sent))


def _is_amount(value: Value) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_rounded(held: Decimal, sent: Decimal) -> bool:
    """Whether nothing with as few decimals as `held` has is nearer to `sent`."""
    exponent = held.as_tuple().exponent
    unit = Decimal(1).scaleb(min(exponent, 0)) if isinstance(exponent, int) else Decimal(0)
    return 2 * abs(held - sent) <= unit


def _amount(value: Value) -> Decimal:
    if value is None:
        return Decimal(0)
    return (value if isinstance(value, Decimal) else Decimal(str(value))).normalize() + 0


def _number(value: Value) -> Value:
    return _amount(value)


def _boolean(value: Value) -> Value:
    return bool(value)


def _text(value: Value) -> Value:
    return value.rstrip() or None if isinstance(value, str) else value


def _code(value: Value) -> Value:
    return value.strip().upper() or None if isinstance(value, str) else value


def _id(value: Value) -> Value:
    return value.rstrip().upper() or None if isinstance(value, str) else value


_MEANINGS: dict[ColumnKind, Meaning] = {
    ColumnKind.DECIMAL: _number,
    ColumnKind.INTEGER: _number,
    ColumnKind.BOOLEAN: _boolean,
    ColumnKind.CODE: _code,
    ColumnKind.GUID: _id,
    ColumnKind.LOOKUP: _id,
}

_AS_THEY_ARE = (str, type(None), int, bool)


def to_document(values: Values) -> dict[str, object]:
    """`values` as JSON members that `from_document` turns back exactly."""
    return {name: value if type(value) in _AS_THEY_ARE else _pack(value) for name, value in values.items()}


def from_document(document: object) -> Values:
    """The inverse of `to_document`."""
    members = cast(dict[str, Any], document or {})
    return {name: _unpack(value) if type(value) is dict else value for name, value in members.items()}


def _pack(value: Value) -> object:
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, datetime):
        return {"time": value.astimezone(UTC).isoformat()}
    return value


def _unpack(value: dict[str, str]) -> Value:
    return Decimal(value["decimal"]) if "decimal" in value else datetime.fromisoformat(value["time"])
