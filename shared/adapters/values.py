"""Canonical values to wire values and back, per kind of column, as `shared/core/tables.py` lists them.

Reading is the same for both services: what Business Central writes for blank ("", the zero GUID, the year 1) never
is a value in Dataverse. Writing differs: Business Central has no null for a table field, so a blank is sent as the
blank of its type; Dataverse takes null. (Sources: the pages "API data types" of Business Central and "Create a table
row using the Web API" of Dataverse.)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

from shared.core.tables import Column, ColumnKind, Value

ZERO_GUID = "00000000-0000-0000-0000-000000000000"
UNFIT = (TypeError, ValueError, OverflowError)
_GUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_BLANKS: dict[ColumnKind, object] = {
    ColumnKind.TEXT: "",
    ColumnKind.CODE: "",
    ColumnKind.GUID: ZERO_GUID,
    ColumnKind.LOOKUP: ZERO_GUID,
    ColumnKind.CHOICE: 0,
    ColumnKind.ENUM: "_x0020_",
    ColumnKind.INTEGER: 0,
    ColumnKind.DECIMAL: 0,
    ColumnKind.BOOLEAN: False,
    ColumnKind.DATE: "0001-01-01",
    ColumnKind.DATETIME: "0001-01-01T00:00:00Z",
}


type Reader = Callable[[object], Value]


def reader_of(kind: ColumnKind) -> Reader:
    """What reads the wire values of this kind of column, of either service, once None and "" are known to be blank.

    The reader raises one of UNFIT when a value is none of that kind.
    """
    return _READERS[kind]


def from_wire(column: Column, wire: object) -> Value:
    """The canonical value of a wire value of either service.

    Raises ValueError with a sentence when the wire value does not fit the column's kind.
    """
    if wire is None or wire == "":
        return None
    try:
        return reader_of(column.kind)(wire)
    except UNFIT as error:
        raise ValueError(f"column {column.name} is described as {column.kind}, but its value is not one") from error


def to_business_central(column: Column, value: Value) -> object:
    """The JSON value to send to Business Central; None becomes the blank of the column's kind."""
    if value is None:
        return _BLANKS[column.kind]
    return encode_enum(str(value)) if column.kind is ColumnKind.ENUM else _plain(value)


def to_dataverse(column: Column, value: Value) -> object:
    """The JSON value to send to Dataverse for anything but a lookup, which travels as a reference."""
    return _plain(value)


def decode_enum(wire: str) -> str:
    """The plain member name behind `_xHHHH_` escapes ("Bank_x0020_Account" is "Bank Account")."""
    if "_x" not in wire:
        return wire
    units = re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), wire)
    # Two escapes may be the halves of one character beyond the basic plane.
    return units.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encode_enum(name: str) -> str:
    """The wire form of a member name: all but letters, digits and underscore as `_xHHHH_` of its UTF-16 units.

    An underscore that would begin an escape by accident is escaped itself.
    """
    guarded = re.sub(r"_(?=x[0-9A-Fa-f]{4}_)", "_x005F_", name)
    return re.sub(r"\W", _escaped, guarded)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"_x{units[at] << 8 | units[at + 1]:04X}_" for at in range(0, len(units), 2))


def _plain(value: Value) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _text(wire: object) -> str | None:
    if not isinstance(wire, str):
        raise TypeError
    return wire or None


def _code(wire: object) -> str | None:
    return (_text(wire) or "").strip().upper() or None


def _guid(wire: object) -> str | None:
    if not isinstance(wire, str):
        raise TypeError
    text = wire.lower()
    if not _GUID.fullmatch(text):
        raise ValueError
    return None if text == ZERO_GUID else text


def _enum(wire: object) -> str | None:
    name = decode_enum(_text(wire) or "")
    return name if name.strip() else None


def _integer(wire: object) -> int:
    if isinstance(wire, bool) or not isinstance(wire, int | Decimal) or wire != int(wire):
        raise TypeError
    return int(wire)


def _decimal(wire: object) -> Decimal:
    if isinstance(wire, Decimal):
        return wire
    if isinstance(wire, bool) or not isinstance(wire, int | float):
        raise TypeError
    return Decimal(str(wire))


def _boolean(wire: object) -> bool:
    if not isinstance(wire, bool):
        raise TypeError
    return wire


def _date(wire: object) -> str | None:
    day = date.fromisoformat((_text(wire) or "")[:10])
    return None if day == date.min else day.isoformat()


def _moment(wire: object) -> datetime | None:
    moment = datetime.fromisoformat(_text(wire) or "")
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return None if moment.date() == date.min else moment


_READERS: dict[ColumnKind, Reader] = {
    ColumnKind.TEXT: _text,
    ColumnKind.CODE: _code,
    ColumnKind.GUID: _guid,
    ColumnKind.LOOKUP: _guid,
    ColumnKind.CHOICE: _integer,
    ColumnKind.ENUM: _enum,
    ColumnKind.INTEGER: _integer,
    ColumnKind.DECIMAL: _decimal,
    ColumnKind.BOOLEAN: _boolean,
    ColumnKind.DATE: _date,
    ColumnKind.DATETIME: _moment,
}
