"""Values as they stand in JSON, in query literals and in storage.

Stored: text as it is, numbers as numbers, Booleans as 0 and 1, GUIDs as lower-case text, moments as whole seconds since
1970 in UTC, days as `YYYY-MM-DD`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any

GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,12}))?)?\s?(Z|[+-]\d\d:\d\d)?)?", re.IGNORECASE
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)


def guid(text: str) -> str | None:
    """Answer a GUID in its stored form, None where the text is none; braces are allowed."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    return bare.lower() if GUID.fullmatch(bare) else None


def seconds_of(text: str) -> float | None:
    """Answer a date-time literal as seconds since 1970 (UTC where no offset is given), None where it is none."""
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        moment = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
    except ValueError:
        return None
    if offset and offset not in "Zz":
        sign = -1 if offset[0] == "-" else 1
        moment -= sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[4:6]))
    return (moment - _EPOCH).total_seconds() + (float(f"0.{fraction}") if fraction else 0)


def day_of(text: str) -> str | None:
    """Answer the day of a date (or date-time) literal, None where it is none."""
    try:
        return date.fromisoformat(text[:10]).isoformat() if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None


def moment_text(seconds: float) -> str:
    """Answer stored seconds as the service writes them: UTC, whole seconds, `Z`."""
    return _moment_text(int(seconds))


@lru_cache(maxsize=4096)
def _moment_text(seconds: int) -> str:
    # Not by fromtimestamp: Windows knows no moment before 1970.
    return (_NAIVE_EPOCH + timedelta(seconds=seconds)).isoformat() + "Z"


def moment_of(seconds: float) -> datetime:
    """Answer stored seconds as a date-time in UTC."""
    return _EPOCH + timedelta(seconds=seconds)


def type_name(value: Any) -> str:
    """Answer the EDM type that a JSON value or a literal looks like, for error texts."""
    if isinstance(value, bool):
        return "Edm.Boolean"
    if isinstance(value, int):
        return "Edm.Int32"
    return "Edm.Double" if isinstance(value, float) else "Edm.String"
