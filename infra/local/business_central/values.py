"""Values between the wire and the columns: moments, enum members, numbers.

Never null: blank is "", 0, false, the zero GUID, 0001-01-01 or `_x0020_`. A moment is stored by SQL Server in steps
of 1/300 second, hence a third decimal of 0, 3 or 7, and the wire drops trailing zeros.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import formatdate
from functools import lru_cache
from typing import Any

from infra.local.business_central.schema import BLANK_MOMENT, Property, Stored

GUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})(:\d{2})?(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.IGNORECASE)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_TO_ESCAPE = re.compile(r"\W", re.ASCII)


class Clock:
    """The server's clock: milliseconds since 1970 in steps of 1/300 s, never going back. `offset_ms` shifts it."""

    def __init__(self) -> None:
        self.offset_ms = 0.0
        self.held_at: int | None = None
        self._last = 0

    def now(self) -> int:
        """The moment that a row written now gets."""
        if self.held_at is not None:
            return self.held_at
        self._last = max(self._last, int((time.time() * 1000 + self.offset_ms) * 3 / 10))
        return _milliseconds(self._last)

    def date(self) -> str:
        """The moment that an answer is given, as its header Date says it: of the same clock as the rows' times."""
        return formatdate(time.time() + self.offset_ms / 1000, usegmt=True)


def _milliseconds(ticks: int) -> int:
    return (ticks * 20 + 3) // 6


def rounded(milliseconds: float) -> int:
    """Round a moment to the nearest 1/300 s."""
    return _milliseconds(round(milliseconds * 3 / 10))


@lru_cache(maxsize=65536)
def _whole_seconds(seconds: int) -> str:
    return (_EPOCH + timedelta(seconds=seconds)).isoformat()[:19]


def moment_text(milliseconds: int) -> str:
    """`2025-02-02T18:28:34.057Z`, without trailing zeros."""
    seconds, fraction = divmod(milliseconds, 1000)
    text = _whole_seconds(seconds)
    return f"{text}.{fraction:03d}".rstrip("0") + "Z" if fraction else text + "Z"


def parse_moment(text: str, *, offset_needed: bool) -> float | None:
    """Read a date-time as milliseconds since 1970, exactly; None where it is none. Without an offset it is UTC."""
    match = MOMENT.fullmatch(text)
    if match is None or (offset_needed and not match[4]):
        return None
    offset = "+00:00" if (match[4] or "Z") in "Zz" else match[4]
    try:
        whole = datetime.fromisoformat(match[1] + (match[2] or ":00") + offset)
    except ValueError:
        return None
    seconds = (whole - _EPOCH) // timedelta(seconds=1)
    return float((seconds + Decimal(match[3] or 0)) * 1000)


def parse_date(text: str) -> str | None:
    """Answer a date as sent when it is one (`YYYY-MM-DD`)."""
    try:
        return text if len(text) == 10 and datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) else None
    except ValueError:
        return None


def encode_enum(name: str) -> str:
    """`Bank Account` as it travels: `Bank_x0020_Account`."""
    return _TO_ESCAPE.sub(lambda match: f"_x{ord(match[0]):04X}_", name)


def decode_enum(name: str) -> str:
    """The plain name of an enum member that travels encoded."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)


def enum_member(one: Property, text: str) -> str | None:
    """Find the member meant by its plain or its encoded name, in any case; answers the wire form."""
    wanted = text.casefold()
    return next((name for name in one.enum if wanted in (name.casefold(), decode_enum(name).casefold())), None)


def upper(text: str) -> str:
    """Upper-case character by character, as a Code field is stored: never longer than before."""
    return text.upper() if text.isascii() else "".join(big if len(big := one.upper()) == 1 else one for one in text)


def code(text: str) -> str:
    """A text as a Code field holds it."""
    return upper(text.strip())


def number(value: float) -> int | float:
    """A decimal as JSON shows it: without a fraction where there is none."""
    return int(value) if value == int(value) else value


CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "decimal": lambda value: number(float(value)),
    "moment": lambda value: moment_text(int(value)),
}
"""Kinds of properties whose columns hold something else than what travels, and how it is converted."""


def to_wire(one: Property, value: Stored) -> Any:
    """A column's value as JSON has it."""
    convert = CONVERSIONS.get(one.kind)
    return value if convert is None else convert(value)


BLANK_MOMENT_TEXT = moment_text(BLANK_MOMENT)
